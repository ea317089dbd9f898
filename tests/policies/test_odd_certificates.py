"""Every rule on CA certificates as people have them: judged, or reported as unreadable, on one line."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings

from policies.rules import RULES, Rule
from policies.rules.certificate import Certificate, UnreadableError
from policies.rules.certificates import load
from policies.rules.message import one_line
from policies.rules.resource import Resource
from tests.kit.authorities import Forged
from tests.kit.certificate_shapes import CertificateShape
from tests.kit.der_mutations import CERTIFICATE_CHANGES, mutated_certificates
from tests.kit.mutated_runs import MUTATIONS
from tests.kit.openssl_keys import SIGNING_KINDS, made_by_openssl
from tests.kit.randomly import RANDOM

EXAMPLES = MUTATIONS or 60
NOW = datetime.now(UTC)
ROOT = Forged("Trial root", path_length=0, start=NOW - timedelta(hours=1), end=NOW + timedelta(days=365))
SHAPE = CertificateShape.of(ROOT.certificate.public_bytes(serialization.Encoding.DER))
# What is no certificate: its structure is another one, or a date in it is none.
NO_CERTIFICATE = {
    "dates without a zone", "an end in month 13", "an end on 30 February", "an end at second 60", "an end that is a word",
    "an end that is empty", "an end with a NUL", "an end that is an INTEGER", "an end that is a UTF8String", "an end in year 0",
    "an extension without a value", "an extension that is none",
}  # fmt: skip


def messages(certificate: bytes) -> dict[str, list[str]]:
    """What each rule reports of a CA with this certificate, wherever a resource holds it; each message is one line of bounded length."""
    text = base64.b64encode(certificate).decode()
    where = {"certificate": text, "issuerCertificate": text, "chain": text}
    props = {**where, "profile": "intermediate", "lifetimeDays": 30, "state": "verified", "proof": "possession"}
    found: dict[str, list[str]] = {rule.name: [] for rule in RULES}
    for rule in RULES:
        settings_of_rule = rule.defaults | ({"elsewhere": {"staging": ["A" * 64]}} if "elsewhere" in rule.settings else {})
        for kind in ("VerifiedCertificate", "IssuedCertificate", "ConnectionCheck"):
            resource = Resource(f"pulumi-python:dynamic/hubtrust:{kind}", props, urn=f"urn:{kind}")
            found[rule.name] += [each for each in _reported(rule, resource, settings_of_rule) if each not in found[rule.name]]
    for message in (message for each in found.values() for message in each):
        assert message == one_line(message)
        assert len(message) < 1_500
    return found


def _reported(rule: Rule, resource: Resource, settings_of_rule: dict[str, Any]) -> Iterator[str]:
    """Of the resource, and at the end of a run."""
    if not rule.stack:
        yield from rule.validate(resource, settings_of_rule)
    for check in (rule.validate if rule.stack else None, rule.at_end):
        yield from (message for message, _ in (check([resource], settings_of_rule) if check else ()))


@pytest.mark.parametrize("label", CERTIFICATE_CHANGES)
def test_an_odd_ca_is_judged_or_reported_as_unreadable(label: str) -> None:
    """A name of any characters hides nothing from a rule; what is no certificate is reported once."""
    found = messages(CERTIFICATE_CHANGES[label](SHAPE).signed(ROOT.key))
    unreadable = ["can't be checked" in message for message in found["path-length-set"]]
    assert (unreadable == [True]) is (label in NO_CERTIFICATE)


@pytest.mark.parametrize(("label", "fact"), [
    ("serial number 0", "4.1.2.2"),
    ("serial number -1", "4.1.2.2"),
    ("a serial number of 30 octets", "4.1.2.2"),
    ("version 1 without extensions", "it is of version 1 (4.1.2.1)"),
    ("an empty subject", "4.1.2.6"),
    ("no key usage", "4.2.1.3"),
    ("no subject key identifier", "4.2.1.2"),
    ("basic constraints not critical", "4.2.1.9"),
    ("a critical subject key identifier", "extension is critical (4.2.1.2)"),
    ("key usage twice", "an extension twice (4.2)"),
    ("policy constraints not critical", "4.2.1.11"),
])  # fmt: skip
def test_each_departure_is_named_with_its_section(label: str, fact: str) -> None:
    """It is advisory: hubs take such a CA, and its devices connect."""
    (message,) = messages(CERTIFICATE_CHANGES[label](SHAPE).signed(ROOT.key))["authority-profile"]
    assert fact in message
    assert next(rule.advisory for rule in RULES if rule.name == "authority-profile")


def test_the_signature_of_a_root_on_itself_is_advisory() -> None:
    """Nobody checks it; the signature of another CA on an issuing one is checked by every hub."""
    found = messages(SHAPE.signed(ROOT.key, "sha1"))
    assert found["key-strength"] == []
    assert "by sha1" in found["authority-profile"][0]
    issuing = CertificateShape.of(Forged("Issuing", issuer=ROOT, path_length=0).certificate.public_bytes(serialization.Encoding.DER))
    assert "signed with sha1" in messages(issuing.signed(ROOT.key, "sha1"))["key-strength"][0]


@pytest.mark.parametrize("kind", SIGNING_KINDS)
def test_a_key_of_any_kind_is_named(tmp_path: Path, kind: str) -> None:
    """By its curve or its number, also where `cryptography` does not know it; RSASSA-PSS is RSA, here with too few bits."""
    text, _, _ = made_by_openssl(tmp_path, kind)
    (certificate,) = load(text)
    (message,) = messages(certificate.encoding)["key-strength"]
    named = {"pss": "RSA with 2048 bits", "explicit": "EC on a curve that it describes", "sm2": "EC on 1.2.156.10197.1.301", "dsa": "DSA",
             "brainpool": "EC on brainpoolP256r1", "secp192": "EC on secp192r1", "secp256k1": "EC on secp256k1",
             "binary curve": "EC on 1.3.132.0.26", "ed25519": "Ed25519", "ed448": "Ed448"}  # fmt: skip
    assert named[kind] in message


def test_a_text_that_nobody_decoded_is_read() -> None:
    """Line feeds as two characters, from JSON or an environment variable; base64 of PEM; two certificates."""
    text = "".join(f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(SHAPE.signed(ROOT.key)).decode()}-----END CERTIFICATE-----\n" * 2)
    for form in (text, text.replace("\n", "\\n"), text.replace("\n", "\r\n"), base64.b64encode(text.encode()).decode()):
        assert [str(each) for each in load(form)] == ["'CN=Trial root'"] * 2


@settings(RANDOM, max_examples=EXAMPLES)
@given(mutated=mutated_certificates(SHAPE, ROOT.key))
def test_no_mutated_certificate_stops_a_rule(mutated: tuple[bytes, str]) -> None:
    """Any change, anywhere."""
    found = messages(mutated[0])
    try:
        Certificate(mutated[0])
    except UnreadableError:
        assert ["can't be checked" in message for message in found["path-length-set"]] == [True]


@pytest.mark.parametrize(
    ("message", "line"),
    [("a\nb\u200e", r"a\nb\u200e"), ("é 東京", "é 東京"), ("word " * 1000, f"{'word ' * 396}word … (shortened)")],
)
def test_a_message_is_one_bounded_line(message: str, line: str) -> None:
    """Names in certificates and tags may hold anything."""
    assert one_line(message) == line
