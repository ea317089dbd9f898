"""A CA of the tests' own, whose key exists for as long as the test runs."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

_PEM = serialization.Encoding.PEM
_EARLIER = timedelta(hours=1)  # clocks differ
_DEVICE_DAYS, _CA_DAYS = 30, 365
_UNNAMED = re.compile(r"[^A-Za-z0-9-]+")


@dataclass(frozen=True)
class DeviceCa:
    """A CA (ECDSA P-256). `now` is local Azure's time, which dates of certificates are counted from."""

    folder: Path  # for the files of devices
    now: datetime
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    above: tuple[x509.Certificate, ...] = ()  # what a device sends beside its own certificate and this one, nearest first

    @classmethod
    def new(cls, folder: Path, now: datetime, name: str = "Test device CA") -> DeviceCa:
        """A root CA. A test that needs one which the hub doesn't trust makes another one."""
        key = ec.generate_private_key(ec.SECP256R1())
        return cls(folder, now, _ca_certificate(name, key, now, None, None), key)

    def intermediate(self, name: str = "Test issuing CA") -> DeviceCa:
        """A CA below this one: what it issues is sent with its own certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _ca_certificate(name, key, self.now, self.certificate, self.key)
        return DeviceCa(self.folder, self.now, certificate, key, (self.certificate, *self.above))

    @property
    def certificate_pem(self) -> str:
        """The CA's certificate."""
        return self.certificate.public_bytes(_PEM).decode()

    @property
    def certificate_name(self) -> str:
        """What the CA is called on a hub: the common name of its subject, as far as Azure allows it."""
        (name,) = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return _UNNAMED.sub("-", str(name.value)).strip("-")[:64] or "ca"

    def proof(self, code: str) -> str:
        """The certificate that proves possession of the CA's key: its common name is the verification code. PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        return self._leaf(code, key, self.now - _EARLIER, self.now + timedelta(days=1)).public_bytes(_PEM).decode()

    def issue(
        self, device_id: str, folder: Path | None = None, *, not_before: datetime | None = None, not_after: datetime | None = None
    ) -> tuple[Path, Path]:
        """Issue a device's certificate; returns the file with its chain and the file with its key (PEM, PKCS #8, readable by the owner).

        It is valid from an hour ago for 30 days, unless a test asks for an expired one or one of the future.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        begins = not_before or self.now - _EARLIER
        own = self._leaf(device_id, key, begins, not_after or begins + timedelta(days=_DEVICE_DAYS))
        place = folder or self.folder
        place.mkdir(parents=True, exist_ok=True)
        stem = f"{_UNNAMED.sub('_', device_id)}-{secrets.token_hex(4)}"
        certificate_file, key_file = place / f"{stem}.pem", place / f"{stem}.key"
        chain = (own, self.certificate, *self.above)
        certificate_file.write_bytes(b"".join(each.public_bytes(_PEM) for each in chain))
        plain = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(plain)
        return certificate_file, key_file

    def _leaf(self, name: str, key: ec.EllipticCurvePrivateKey, not_before: datetime, not_after: datetime) -> x509.Certificate:
        return (
            _builder(name, self.certificate.subject, key, not_before, not_after)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )


def _ca_certificate(
    name: str, key: ec.EllipticCurvePrivateKey, now: datetime, issuer: x509.Certificate | None, signer: ec.EllipticCurvePrivateKey | None
) -> x509.Certificate:
    above = _name(name) if issuer is None else issuer.subject
    builder = (
        _builder(name, above, key, now - _EARLIER, now + timedelta(days=_CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(ca=True), critical=True)
    )
    if signer is not None:
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    return builder.sign(signer or key, hashes.SHA256())


def _builder(
    name: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, not_before: datetime, not_after: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(name: str) -> x509.Name:
    # A device's id may be longer than the 64 characters of a common name (RFC 5280, appendix A.1), and Azure compares it all the same.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name, _validate=False)])


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca, content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        key_cert_sign=ca, crl_sign=ca, encipher_only=False, decipher_only=False,
    )  # fmt: skip
