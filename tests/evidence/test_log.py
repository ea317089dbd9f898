"""The log's text: appended, read, continued; and what is refused."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from hubtrust.evidence.errors import EvidenceError
from hubtrust.evidence.log import Log
from hubtrust.evidence.statement import Kind, Subject
from hubtrust.pki.keys import PublicKey, key_thumbprint
from hubtrust.pki.signers import KeyInMemory
from tests.kit.authorities import ec_key, hierarchy, private_pem, rsa_key
from tests.kit.evidence_logs import HUB, STACK, proof_predicate, short_log

AUTHORITY = hierarchy(depth=0).issuing
LOG = short_log(AUTHORITY)
PLAIN = Subject("CN=Plant", "ab" * 32)

WORDS = st.text(max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS, lambda part: st.lists(part, max_size=3) | st.dictionaries(WORDS, part)
)


def grown(count: int, stack: str = STACK) -> Log:
    log = Log.empty(stack)
    for number in range(count):
        log = log.append(Kind.DROP, PLAIN, {"service": f"{HUB}{number}"})
    return log


def test_a_log_is_read_as_it_was_written() -> None:
    """With and without the line feed at the end, as text and as bytes: the same log, and the same text."""
    for text in (LOG.text, LOG.text + "\n", LOG.text.encode()):
        read = Log.read(text)
        assert read == LOG
        assert (read.text, read.size, read.stack) == (LOG.text, 3, STACK)
    assert Log.read(Log.empty(STACK).text) == Log.empty(STACK)


def test_a_record_is_the_envelope_that_others_read() -> None:
    """DSSE and in-toto member by member, as their specifications name them."""
    envelope = json.loads(LOG.text.split("\n")[0])
    statement = json.loads(LOG.records[0].envelope.payload)

    assert envelope.keys() == {"payload", "payloadType", "signatures"}
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert envelope["signatures"][0]["keyid"] == key_thumbprint(AUTHORITY.signer.public_key).lower()
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://github.com/hubtrust/hubtrust/evidence/proof/v1"
    digest = AUTHORITY.certificate.fingerprint(hashes.SHA256()).hex()
    assert statement["subject"] == [{"name": "CN=Root", "digest": {"sha256": digest}}]
    assert (statement["predicate"]["index"], statement["predicate"]["stack"]) == (0, STACK)


@given(st.dictionaries(WORDS, VALUES, max_size=4), WORDS.filter(bool))
@settings(max_examples=20)
def test_every_predicate_that_is_appended_is_read(predicate: dict[str, Any], stack: str) -> None:
    """Whatever JSON is recorded, in any script: the log that is read is the one that was written."""
    log = Log.empty(stack).append(Kind.ADOPTION, PLAIN, predicate)

    assert Log.read(log.text + "\n") == log


@given(st.integers(0, 12), st.integers(0, 12))
@settings(max_examples=40)
def test_a_log_is_a_prefix_of_what_continues_it(one: int, other: int) -> None:
    """The shorter one is a prefix, and the longer one names its root hash at that size."""
    first, second = grown(one), grown(other)

    assert first.is_prefix_of(second) == (one <= other)
    if one <= other:
        assert second.root_at(one) == first.root_hash


def test_other_logs_are_no_prefixes() -> None:
    """Neither one that went another way, nor one of another stack."""
    branch = grown(2).append(Kind.DROP, PLAIN, {"service": "another"})

    assert not branch.is_prefix_of(grown(5))
    assert not grown(0, "contoso/plant/test").is_prefix_of(grown(1))


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (ec_key(), hashes.SHA256),
        (ec_key(ec.SECP384R1()), hashes.SHA384),
        (ec_key(ec.SECP521R1()), hashes.SHA512),
        (rsa_key(), hashes.SHA256),
    ],
    ids=["P-256", "P-384", "P-521", "RSA"],
)
def test_signatures_have_the_hash_that_every_custody_signs_with(key: Any, algorithm: type[hashes.HashAlgorithm]) -> None:
    """A vault signs on P-384 with SHA-384 alone, so the hash follows the curve."""
    asked = []

    class Watched(KeyInMemory):
        def sign(self, digest: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
            asked.append(type(algorithm))
            return super().sign(digest, algorithm)

    log = Log.empty(STACK).append(Kind.DROP, PLAIN, {}, Watched(key))

    assert asked == [algorithm]
    assert log.records[0].envelope.is_signed_by(key.public_key())


def test_a_signature_by_another_key_is_never_recorded() -> None:
    """A custody that signs with another key than it names would spoil the log for ever."""

    class Wrong(KeyInMemory):
        public_key: PublicKey

    signer = Wrong(ec_key())
    signer.public_key = ec_key().public_key()
    with pytest.raises(EvidenceError, match=r"does not verify with the key; .* nothing was recorded"):
        LOG.append(Kind.DROP, PLAIN, {}, signer)


@pytest.mark.parametrize("place", ["member", "name", "deep", "bare"])
def test_a_private_key_is_never_recorded(place: str) -> None:
    """In a value, a name, a list or as base64 without its frame; the error does not repeat it."""
    key = private_pem(ec_key())
    bare = "".join(key.split("\n")[1:-2])
    predicate: dict[str, Any] = {"member": {"x": key}, "name": {key: 1}, "deep": {"x": [{"y": f"see {key}"}]}, "bare": {"x": bare}}[place]
    with pytest.raises(EvidenceError, match="there is a private key in it") as caught:
        LOG.append(Kind.DROP, PLAIN, predicate)

    assert bare[10:40] not in str(caught.value)


@pytest.mark.parametrize("value", [1.5, 2.0, float("nan"), b"x", object()], ids=["fraction", "whole", "no number", "bytes", "object"])
def test_what_json_writes_in_several_ways_is_not_recorded(value: object) -> None:
    """Fractions, and what is no JSON."""
    with pytest.raises(EvidenceError, match="a record of the kind drop can't be appended"):
        LOG.append(Kind.DROP, PLAIN, {"x": [value]})


def test_a_proof_is_recorded_with_the_certificate() -> None:
    """The log adds the certificate that is the subject, so that both can't differ."""
    log = Log.empty(STACK).append(Kind.PROOF, AUTHORITY.certificate, proof_predicate(AUTHORITY))

    assert log.records[0].statement.predicate["certificate"].startswith("-----BEGIN CERTIFICATE-----\n")
    assert log.records[0].statement.subject == Subject.of(AUTHORITY.certificate)
