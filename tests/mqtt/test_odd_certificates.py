"""Devices with certificates as people have them: each connection ends with a code and a reason, and path validity is OpenSSL's."""

import base64
import hashlib
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from OpenSSL import crypto

from local_azure_iot.judge import connection_check
from local_azure_iot.judge.connection_check import Reason
from tests.kit import der
from tests.kit.certificate_shapes import CertificateShape
from tests.kit.der_mutations import CERTIFICATE_CHANGES, mutated_certificates
from tests.kit.der_names import ODD_COMMON_NAMES
from tests.kit.device_certificates import Party
from tests.kit.hub_client import HubClient
from tests.kit.mqtt_device import Device, until
from tests.kit.mutated_runs import MUTATIONS
from tests.kit.openssl_keys import SIGNING_KINDS, key_by_openssl
from tests.kit.randomly import RANDOM

EXAMPLES = MUTATIONS or 60
ROOT = Party("Trial root")
ANCHOR = ROOT.certificate.public_bytes(serialization.Encoding.DER)
DEVICE = ROOT.device("press-001")
SHAPE = CertificateShape.of(DEVICE.certificate.public_bytes(serialization.Encoding.DER))
ISSUING = ROOT.authority_below("Issuing")
ISSUING_SHAPE = CertificateShape.of(ISSUING.certificate.public_bytes(serialization.Encoding.DER))
BELOW = CertificateShape.of(ISSUING.device("press-001").certificate.public_bytes(serialization.Encoding.DER))
UNREADABLE = "TLS failed: a certificate that was sent can't be read"
# A valid path, and still no device of this name that may connect.
NOT_THIS_DEVICE = {
    "an empty subject", "an empty RDN in the subject", "the subject has a second common name", "an unknown extended key usage",
    "an extended key usage without usages", *(f"the common name {odd}" for odd in ODD_COMMON_NAMES),
}  # fmt: skip
# What no version of OpenSSL reads, in any place of a handshake.
NOT_READ = {
    "the common name is a VisibleString", "the subject has bad UTF-8", "the subject has a surrogate in UTF-8",
    "the subject has an overlong NUL in UTF-8", "the subject has a BMPString of odd length", "the subject has an OCTET STRING",
    "the subject has a surrogate alone in a BMPString", "the subject has a UniversalString of odd length", "the subject has an INTEGER",
    "the subject has a UniversalString beyond Unicode", "the common name has bad UTF-8", "the subject has a VisibleString",
    "an end that is an INTEGER", "an end that is a UTF8String", "a serial number with zeros before it", "a serial number of no octets",
    "an extension without a value", "an extension that is none", "more after the extensions", "octets after the certificate",
}  # fmt: skip
# Extensions that OpenSSL reads and can't use: it refuses to send such a certificate as its own.
NOT_SENT = {
    "basic constraints without a value", "basic constraints that can't be read", "a negative path length", "a key usage without bits",
    "a key usage of no octets", "a key usage that is no BIT STRING", "an extended key usage that can't be read",
    "an unknown kind of alternative name", "a subject key identifier that is no string", "an authority key identifier that can't be read",
    "name constraints that can't be read", "CRL distribution points that can't be read", "basic constraints twice", "key usage twice",
    "subject key identifier twice", "authority key identifier twice", "extended key usage twice",
}  # fmt: skip
# What only older versions of OpenSSL read: local Azure's own ends the handshake.
REFUSED_BY_TLS = {
    "dates without a zone", "GeneralizedTime without seconds", "UTCTime without seconds", "an end that is a word", "an end that is empty",
}  # fmt: skip


def pem(certificate: bytes) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(certificate).decode()}-----END CERTIFICATE-----\n"


@dataclass
class Sent:
    """A certificate in DER that a device sends, with the key of `DEVICE` or that of a file."""

    certificate: bytes
    above: tuple[bytes, ...] = ()
    key_file: Path | None = None

    def files(self, folder: Path, *_above: Party) -> tuple[Path, Path]:
        """The files that TLS takes them from."""
        chain, key = DEVICE.files(folder)
        chain.write_text("".join(map(pem, (self.certificate, *self.above))))
        return chain, self.key_file or key


@pytest.fixture(scope="module")
def plant(registry_of_module: HubClient) -> HubClient:
    """A hub that trusts the root, with the device."""
    registry_of_module.hub.put("root", ROOT.pem, isVerified=True)
    registry_of_module.put("press-001")
    return registry_of_module


@pytest.fixture(scope="module")
def registry_of_module(azure: Any) -> Iterator[HubClient]:
    """A hub."""
    found = HubClient(azure, azure.hub())
    yield found
    found.http.close()


def attempts_at(hub: HubClient) -> list[dict[str, Any]]:
    """All attempts at this hub."""
    return [each for each in hub.azure.control("GET", "/connections") if each["host"] == hub.host]


def connecting(hub: HubClient, sent: Sent, folder: Path, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> tuple[int | None, str]:
    """The return code of a connection with this certificate (None: the handshake failed), and the reason at the control port."""
    before = len(attempts_at(hub))
    try:
        with Device(hub, sent, folder, version=version) as line:
            code = line.connect("press-001")
    except (ssl.SSLError, ConnectionError):
        code = None
    entry = until(lambda: attempts_at(hub)[before:])[0]
    assert entry["accepted"] is (code == 0)
    assert entry["reason"].isprintable()
    assert len(entry["reason"]) < 1_500
    return code, entry["reason"]


@pytest.mark.parametrize("label", sorted(CERTIFICATE_CHANGES.keys() - NOT_READ - NOT_SENT))
def test_every_connection_ends_with_a_code_and_a_reason(plant: HubClient, tmp_path: Path, label: str) -> None:
    """A device may connect if OpenSSL finds its path valid and its name is the device's; else it gets code 5, and the reason is logged."""
    certificate = CERTIFICATE_CHANGES[label](SHAPE).signed(ROOT.key)
    code, reason = connecting(plant, Sent(certificate), tmp_path)
    if label in REFUSED_BY_TLS:
        assert (code, reason.partition(" (")[0]) == (None, UNREADABLE)
    else:
        valid = verified_by_openssl(ANCHOR, certificate, tmp_path)
        assert code == (0 if valid and label not in NOT_THIS_DEVICE else 5)
        assert bool(reason) is (code == 5)


@pytest.mark.parametrize("label", sorted(NOT_READ))
def test_a_handshake_with_what_openssl_can_not_read_is_logged(plant: HubClient, tmp_path: Path, label: str) -> None:
    """There is no code, because TLS ends first; the reason says that it was the certificate."""
    before = len(attempts_at(plant))
    _send_in_handshake(plant, CERTIFICATE_CHANGES[label](SHAPE).signed(ROOT.key), tmp_path)
    entry = until(lambda: attempts_at(plant)[before:])[0]
    assert entry["accepted"] is False
    assert entry["reason"].startswith(UNREADABLE)


def _send_in_handshake(hub: HubClient, certificate: bytes, folder: Path) -> None:
    """Put this certificate in the place of the real one, in a handshake of TLS 1.2, where it is not encrypted."""
    context = ssl.create_default_context(cafile=hub.azure.ready["ca_file"])
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(*DEVICE.files(folder))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=hub.host)
    place = urlsplit(hub.azure.ready["mqtt"])
    with socket.create_connection((place.hostname, place.port), timeout=120) as line:
        while (record := outgoing.read() if _goes_on(tls) else b"") is not None:
            if record[5:6] == b"\x0b":  # a handshake message of type 11, Certificate (RFC 5246, 7.4)
                line.sendall(_handshake_record(certificate))
                assert line.recv(4096)[:1] == b"\x15"  # an alert (RFC 5246, 7.2)
                return
            line.sendall(record)
            incoming.write(line.recv(16_384))
    raise AssertionError("the client sent no certificate")


def _goes_on(tls: ssl.SSLObject) -> bool:
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return True
    return False


def _handshake_record(certificate: bytes) -> bytes:
    listed = len(certificate).to_bytes(3, "big") + certificate
    message = len(listed).to_bytes(3, "big") + listed
    handshake = b"\x0b" + len(message).to_bytes(3, "big") + message
    return b"\x16\x03\x03" + len(handshake).to_bytes(2, "big") + handshake


@pytest.mark.parametrize("count", [9, 10, 20])
def test_long_chains_and_chains_with_doubles(plant: HubClient, tmp_path: Path, count: int) -> None:
    """A chain of more certificates than ten is refused with their number; a certificate that is sent twice does no harm."""
    parties = [ROOT]
    for number in range(count - 1):
        parties.append(parties[-1].authority_below(f"Level {number}"))
    own = Party("press-001", parties[-1], authority=False, key=DEVICE.key)
    certificates = [each.certificate.public_bytes(serialization.Encoding.DER) for each in (own, *reversed(parties[1:]))]
    code, reason = connecting(plant, Sent(certificates[0], tuple(certificates[1:])), tmp_path)
    assert (code, reason) == ((0, "") if count <= 10 else (5, f"too many certificates were sent: {count}, and at most 10 are accepted"))
    doubled = tuple(certificates[1:4]) * 2
    assert connecting(plant, Sent(SHAPE.signed(ROOT.key), doubled), tmp_path) == (0, "")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("kind", sorted(set(SIGNING_KINDS) - {"sm2"}))  # a key on SM2 is not even loaded by Python's TLS
def test_a_device_with_a_key_of_any_kind(plant: HubClient, tmp_path: Path, kind: str, version: ssl.TLSVersion) -> None:
    """TLS decides whether such a key can be used; where it can't, there is a reason all the same."""
    certificate = replace(SHAPE, key=key_by_openssl(tmp_path, kind)).signed(ROOT.key)
    code, reason = connecting(plant, Sent(certificate, key_file=tmp_path / "ca.key"), tmp_path, version)
    if kind in {"pss", "ed25519", "ed448"}:
        assert (code, reason) == (0, "")
    elif kind == "explicit":
        assert (code, "explicit ECC parameters" in reason) == (5, True)
    elif version is ssl.TLSVersion.TLSv1_3:  # where the client has no signature for such a key, it sends no certificate
        assert (code, reason) == (5, "no certificate was sent")
    else:
        assert (code, reason) == ((0, "") if kind == "dsa" else (None, "TLS failed: wrong curve"))


def test_a_certificate_larger_than_tls_takes_is_refused_with_the_reason(plant: HubClient, tmp_path: Path) -> None:
    """OpenSSL takes 100 kB of certificates in a handshake."""
    huge = SHAPE.with_extension("1.3.6.1.4.1.99999.5", der.encode(der.OCTET_STRING, b"x" * 300_000)).signed(ROOT.key)
    code, reason = connecting(plant, Sent(huge), tmp_path)
    assert code is None
    assert reason.startswith("TLS failed")


def test_a_device_that_hangs_up_is_logged(plant: HubClient, tmp_path: Path) -> None:
    """Before the handshake has ended, and before the CONNECT."""
    before = len(attempts_at(plant))
    with Device(plant, DEVICE, tmp_path):
        pass
    assert "closed" in until(lambda: attempts_at(plant)[before:])[0]["reason"]


@settings(RANDOM, max_examples=EXAMPLES)
@given(mutated=mutated_certificates(SHAPE, ROOT.key))
def test_the_verdict_on_a_mutated_device_is_openssls(tmp_path: Path, mutated: tuple[bytes, str]) -> None:
    """Whatever is changed: no exception, a reason on one line, and a path that is valid for the check is valid for the command."""
    certificate, _ = mutated
    try:
        chain = [crypto.load_certificate(crypto.FILETYPE_ASN1, certificate)]
    except crypto.Error:
        return
    refusal = connection_check.chain_refusal(chain, (ANCHOR,), "press-001", datetime.now(UTC))
    if refusal:
        assert str(refusal).isprintable()
    of_path = refusal and refusal.reason not in {Reason.COMMON_NAME, Reason.KEY_USAGE, Reason.UNREADABLE}
    assert verified_by_openssl(ANCHOR, certificate, tmp_path) is not bool(of_path)


@settings(RANDOM, max_examples=EXAMPLES)
@given(mutated=mutated_certificates(ISSUING_SHAPE, ROOT.key))
def test_the_verdict_on_a_device_below_a_mutated_ca_is_openssls(tmp_path: Path, mutated: tuple[bytes, str]) -> None:
    """The CA stands between the device and the root that is trusted. The strict check refuses whatever the plain one refuses."""
    above, _ = mutated
    device = replace(BELOW, issuer=_subject(above)).signed(ISSUING.key)
    try:
        chain = [crypto.load_certificate(crypto.FILETYPE_ASN1, each) for each in (device, above)]
    except crypto.Error:
        return
    refusal = connection_check.chain_refusal(chain, (ANCHOR,), "press-001", datetime.now(UTC))
    assert verified_by_openssl(ANCHOR, device, tmp_path, above) is (refusal is None)
    strict = connection_check.chain_refusal(chain, (ANCHOR,), "press-001", datetime.now(UTC), strict=True)
    assert all(str(each).isprintable() for each in (refusal, strict) if each)
    assert strict or not refusal


def _subject(certificate: bytes) -> bytes:
    """Its subject; that of the CA that it was made of, where it has none any more."""
    try:
        return CertificateShape.of(der.split(certificate)[0]).subject
    except (ValueError, IndexError):
        return ISSUING_SHAPE.subject


@settings(RANDOM, max_examples=EXAMPLES)
@given(mutated=mutated_certificates(SHAPE, ROOT.key))
def test_a_mutated_certificate_counts_by_its_thumbprint_and_its_dates(mutated: tuple[bytes, str]) -> None:
    """Nothing else is asked of a device that connects by thumbprint."""
    certificate, _ = mutated
    try:
        chain = [crypto.load_certificate(crypto.FILETYPE_ASN1, certificate)]
    except crypto.Error:
        return
    thumbprint = hashlib.sha256(crypto.dump_certificate(crypto.FILETYPE_ASN1, chain[0])).hexdigest()
    refusal = connection_check.thumbprint_refusal(chain, ("0" * 64, thumbprint), datetime.now(UTC))
    assert refusal is None or refusal.reason in {Reason.DATES, Reason.EXPIRED, Reason.NOT_YET_VALID, Reason.UNREADABLE}
    other = connection_check.thumbprint_refusal(chain, ("0" * 64, None), datetime.now(UTC))
    assert other
    assert other.reason in {Reason.THUMBPRINT, Reason.UNREADABLE}


def verified_by_openssl(anchor: bytes, certificate: bytes, folder: Path, *above: bytes) -> bool:
    """The verdict of `openssl verify` on a certificate below an anchor, with those `above` it to build a path of."""
    for name, certificates in (("anchor", (anchor,)), ("peer", (certificate,)), ("above", above)):
        (folder / f"{name}.pem").write_text("".join(map(pem, certificates)))
    untrusted = ["-untrusted", "above.pem"] if above else []
    command = ["openssl", "verify", "-partial_chain", "-CAfile", "anchor.pem", *untrusted, "peer.pem"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0
