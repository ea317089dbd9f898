"""The rule `proof-evidence`: what shows that possession was proven is in the state, and is judged again."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from hubtrust.pki import issue
from hubtrust.pki.certificate import load_certificate, pem
from hubtrust.pki.proof import proof_of_possession
from hubtrust.pki.signers import KeyInMemory
from policies.rules.resource import UNKNOWN, NotKnownYetError, Resource
from tests.kit.authorities import NOW, Forged, ec_key, name, pem_of, rsa_key
from tests.policies.judging import RULE, at_the_end

CODE = "1A2B3C4D5E6F7A8B9C0D1E2F3A4B5C6D7E8F9A0B1C2D3E4F"
KEY = ec_key()
PSS = padding.PSS(padding.MGF1(hashes.SHA384()), padding.PSS.DIGEST_LENGTH)
AUTHORITY = Forged("Plant CA", key=KEY, path_length=0)


def signed(code: str = CODE, *, key: Any = KEY, **properties: Any) -> str:
    """A proof, made without hubtrust: a certificate for the code, signed by the CA's key or another one."""
    made = Forged(code, issuer=AUTHORITY, signed_by=key, authority=False, **properties)
    return pem_of(made.certificate)


def proven(urn: str = "urn:ca", **changes: Any) -> Resource:
    """A VerifiedCertificate as a run that proved it leaves it, except for `changes`."""
    outs = {
        "certificate": pem_of(AUTHORITY.certificate),
        "state": "verified",
        "proof": "possession",
        "etag": "E2",
        "provenEtag": "E2",
        "provenCode": CODE,
        "provenBy": signed(),
        "provenAt": "2026-06-01T12:00:00Z",
    }
    return Resource("pulumi-python:dynamic/hubtrust:VerifiedCertificate", outs | changes, urn=urn)


def test_what_a_run_proves_has_its_evidence() -> None:
    """A proof of hubtrust's own, for an EC and an RSA key, and proofs of other tools: RSASSA-PSS and SHA-512."""
    assert at_the_end("proof-evidence", [proven()]) == {}
    for key in (ec_key(), rsa_key(3072)):
        authority = Forged("Plant CA", key=key, path_length=0)
        declared = pem_of(authority.certificate)
        issuer = issue.Issuer(load_certificate(declared, what="it"), KeyInMemory(key))
        made = proof_of_possession(issuer, code=CODE, public_key=ec_key().public_key(), now=NOW, serial=7)
        assert at_the_end("proof-evidence", [proven(certificate=declared, provenBy=pem(made))]) == {}
        built = x509.CertificateBuilder(authority.name, name(CODE), KEY.public_key(), 7, NOW, NOW + timedelta(days=1))
        others = built.sign(key, hashes.SHA384(), rsa_padding=PSS if isinstance(key, rsa.RSAPrivateKey) else None)
        assert at_the_end("proof-evidence", [proven(certificate=declared, provenBy=pem_of(others))]) == {}
    assert at_the_end("proof-evidence", [proven(provenBy=signed(algorithm=hashes.SHA512()))]) == {}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"provenBy": None}, "not in the state (provenBy)"),
        ({"provenEtag": None, "provenCode": None, "provenBy": None, "provenAt": None}, "(provenEtag, provenCode, provenBy, provenAt)"),
        ({"provenEtag": "E1"}, "it was proven with the etag 'E1', and its etag is now 'E2'"),
        ({"provenAt": "yesterday"}, "'yesterday' is no date"),
        ({"provenAt": "2026-13-01T12:00:00Z"}, "'2026-13-01T12:00:00Z' is no date"),
        ({"provenAt": "2036-06-01T12:00:00Z"}, "its proof was not valid at 2036-06-01T12:00:00Z, when Azure accepted it"),
        ({"provenCode": "press-001", "provenBy": signed("press-001")}, "'press-001' is no verification code of Azure"),
        ({"provenBy": "noise"}, "can't be read as one certificate"),
        ({"provenBy": signed() + signed()}, "can't be read as one certificate"),
        ({"provenCode": CODE[::-1]}, f"its proof is for 'CN={CODE}'"),
        ({"provenBy": signed(CODE.lower())}, f"Azure's code was {CODE}"),
        ({"provenBy": signed(key=ec_key())}, "not signed by the key of 'CN=Plant CA'"),
        ({"provenBy": signed(key=rsa_key(2048))}, "not signed by the key of 'CN=Plant CA'"),
        ({"provenBy": signed(algorithm=hashes.SHA224())}, "not signed by the key of"),
    ],
)
def test_a_word_without_evidence_is_reported(changes: dict[str, Any], named: str) -> None:
    """Evidence that is missing, old, for another code or by another key; the message has the etag for `reprove`."""
    found = at_the_end("proof-evidence", [proven("urn:fine"), proven(**changes)])
    assert set(found) == {"urn:ca"}
    assert named in found["urn:ca"]
    assert "set hubtrust:reprove to 'E2'" in found["urn:ca"]


def test_a_key_of_another_kind_shows_nothing() -> None:
    """A signature by an algorithm that can't be judged here counts as none."""
    key = ed25519.Ed25519PrivateKey.generate()
    authority = Forged("Plant CA", key=key, algorithm=None)
    proof = Forged(CODE, issuer=authority, algorithm=None)
    found = at_the_end("proof-evidence", [proven(certificate=pem_of(authority.certificate), provenBy=pem_of(proof.certificate))])
    assert "not signed by the key" in found["urn:ca"]


@pytest.mark.parametrize("changes", [{"proof": "found"}, {"proof": "key-held"}, {"state": "waiting"}, {"state": "unverified"}])
def test_what_does_not_say_possession_is_for_other_rules(changes: dict[str, Any]) -> None:
    """`proof-required` judges the word; without that word there is nothing to show."""
    assert at_the_end("proof-evidence", [proven(provenBy=None, **changes)]) == {}
    assert at_the_end("proof-evidence", [Resource("random:index/randomId:RandomId", {"state": "verified", "proof": "possession"})]) == {}


@pytest.mark.parametrize("name_of", ["state", "proof", "etag", "provenBy", "certificate"])
def test_an_unknown_value_postpones_one_certificate_only(name_of: str) -> None:
    """In a preview, what is known of the other certificates is told first."""
    found = RULE["proof-evidence"].validate([proven("urn:new", **{name_of: UNKNOWN}), proven("urn:bare", provenBy=None)], {})
    assert next(found)[1] == "urn:bare"
    with pytest.raises(NotKnownYetError, match=name_of):
        next(found)
