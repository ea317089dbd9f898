"""What Azure reads from an uploaded CA certificate, in any of the accepted encodings."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from email.utils import format_datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from datetime import datetime

_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")


class UnreadableError(ValueError):
    """The upload contains no certificate."""


class PrivateKeyError(ValueError):
    """The upload contains a private key."""


@dataclass(frozen=True)
class Upload:
    """The first certificate of an upload, and how many there were."""

    certificate: x509.Certificate
    count: int

    @property
    def der(self) -> bytes:
        """The certificate as DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def thumbprint(self) -> str:
        """SHA-1 over the DER, upper-case hex: how Azure shows it."""
        return self.certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - the name of a certificate, not a security measure

    @property
    def subject(self) -> str:
        """The common name alone; the whole name where there is no common name."""
        names = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(names[0].value) if names else self.certificate.subject.rfc4514_string()

    @property
    def expiry(self) -> str:
        """The end of its validity as an RFC 1123 date."""
        return rfc1123(self.certificate.not_valid_after_utc)


def rfc1123(moment: datetime) -> str:
    """`Mon, 09 Oct 2023 19:12:05 GMT`."""
    return format_datetime(moment.replace(microsecond=0), usegmt=True)


def read(text: str) -> Upload:
    """Read base64 of PEM, PEM, or base64 of DER; of several certificates the first counts.

    Raises:
        PrivateKeyError: The upload contains a private key.
        UnreadableError: The upload contains no certificate.
    """
    data = _bytes(text)
    if _PRIVATE_KEY.search(data):
        raise PrivateKeyError
    try:
        if b"-----BEGIN" in data:
            certificates = x509.load_pem_x509_certificates(data)
            return Upload(certificates[0], len(certificates))
        return Upload(x509.load_der_x509_certificate(data), 1)
    except ValueError as error:
        raise UnreadableError(str(error)) from error


def _bytes(text: str) -> bytes:
    if "-----BEGIN" in text:
        return text.encode("utf-8", "replace")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableError(str(error)) from error
