"""Certificates of any shape: each rule reports printable lines or passes; none ends the pack by an exception."""

import base64
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings

from policies.rules import RULES, Rule
from policies.rules.message import one_line
from policies.rules.resource import NotKnownYetError, Resource
from tests.kit.authorities import Forged, ec_key
from tests.kit.certificate_shapes import CertificateShape
from tests.kit.der_mutations import mutated_certificates

KEY = ec_key()
NOW = datetime.now(UTC)
SOUND = Forged(key=KEY, path_length=0, start=NOW - timedelta(hours=1), end=NOW + timedelta(days=365)).certificate
TYPES = ("VerifiedCertificate", "IssuedCertificate", "ConnectionCheck")


def reported(certificate: bytes) -> dict[str, list[str]]:
    """What each rule reports of a CA with this certificate (DER), by the rule's name."""
    text = f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(certificate).decode()}\n-----END CERTIFICATE-----\n"
    props = {
        "certificate": text,
        "issuerCertificate": text,
        "chain": text,
        "profile": "intermediate",
        "lifetimeDays": 30,
        "state": "verified",
    }
    props |= {"proof": "possession"}
    found: dict[str, list[str]] = {}
    for rule in RULES:
        for kind in TYPES:
            resource = Resource(f"pulumi-python:dynamic/hubtrust:{kind}", props, urn=f"urn:{kind}")
            given_settings = rule.defaults | ({"elsewhere": {"staging": ["A" * 64]}} if "elsewhere" in rule.settings else {})
            try:
                found.setdefault(rule.name, []).extend(_messages(rule, resource, given_settings))
            except NotKnownYetError:
                continue
    return found


def _messages(rule: Rule, resource: Resource, given_settings: dict[str, Any]) -> Iterator[str]:
    """Of the resource, and at the end of a run."""
    if not rule.stack:
        yield from rule.validate(resource, given_settings)
    for check in (rule.validate if rule.stack else None, rule.at_end):
        yield from (message for message, _ in (check([resource], given_settings) if check else ()))


def test_a_sound_certificate_breaks_no_rule() -> None:
    """So that what the others break is by their shape."""
    assert [
        message for messages in reported(SOUND.public_bytes(Encoding.DER)).values() for message in messages if "can't be" in message
    ] == []


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(mutated_certificates(CertificateShape.of(SOUND.public_bytes(Encoding.DER)), KEY))
def test_no_shape_of_a_certificate_ends_the_pack(mutated: tuple[bytes, str]) -> None:
    """A certificate that can't be checked is reported by one rule, and is not passed over by all of them."""
    certificate, _ = mutated
    found = reported(certificate)
    assert all(one_line(message).isprintable() for messages in found.values() for message in messages)
    try:
        with warnings.catch_warnings(action="ignore"):
            x509.load_der_x509_certificate(certificate).subject.rfc4514_string()
    except (ValueError, x509.InvalidVersion):
        assert any("can't be checked" in message for message in found["path-length-set"])


@pytest.mark.parametrize(
    ("message", "line"),
    [("a\nb\u200e", r"a\nb\u200e"), ("é 東京", "é 東京"), ("word " * 1000, f"{'word ' * 396}word … (shortened)")],
)
def test_a_message_is_one_bounded_line(message: str, line: str) -> None:
    """Names in certificates and tags may hold anything."""
    assert one_line(message) == line
