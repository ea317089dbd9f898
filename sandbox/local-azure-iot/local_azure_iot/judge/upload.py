"""What Azure reads from an uploaded CA certificate, in any of the accepted encodings."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from email.utils import format_datetime
from typing import TYPE_CHECKING

from local_azure_iot.judge import certificate as certificates
from local_azure_iot.judge.certificate import UnreadableError

if TYPE_CHECKING:
    from datetime import datetime

    from local_azure_iot.judge.certificate import Certificate

_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_CERTIFICATE = re.compile(rb"-----BEGIN (X509 )?CERTIFICATE-----(.*?)-----END (?:X509 )?CERTIFICATE-----", re.DOTALL)


class PrivateKeyError(ValueError):
    """The upload contains a private key."""


@dataclass(frozen=True)
class Upload:
    """The first certificate of an upload, the end of its validity, and how many certificates there were."""

    certificate: Certificate
    not_after: datetime
    count: int

    @property
    def thumbprint(self) -> str:
        """SHA-1 over the DER, upper-case hex: how Azure shows it."""
        return self.certificate.thumbprints[0]

    @property
    def subject(self) -> str:
        """The common name alone; the whole name where there is no common name."""
        names = self.certificate.subject.common_names
        return names[0] if names else str(self.certificate.subject)

    @property
    def expiry(self) -> str:
        """The end of its validity as an RFC 1123 date."""
        return rfc1123(self.not_after)


def rfc1123(moment: datetime) -> str:
    """`Mon, 09 Oct 2023 19:12:05 GMT`."""
    return format_datetime(moment.replace(microsecond=0), usegmt=True)


def read(text: str) -> Upload:
    """Read base64 of PEM, PEM, or base64 of DER; of several certificates the first counts.

    Raises:
        PrivateKeyError: The upload contains a private key.
        UnreadableError: The upload contains no certificate, or one without a date at which it ends.
    """
    data = _bytes(text)
    if _PRIVATE_KEY.search(data):
        raise PrivateKeyError
    found = _in_pem(data) if b"-----BEGIN" in data else [data]
    if not found:
        raise UnreadableError("there is no certificate in the text")
    first, *_ = [certificates.read(each) for each in found]
    if first.not_before is None or first.not_after is None:
        raise UnreadableError("a date of its validity is none")
    return Upload(first, first.not_after, len(found))


def _in_pem(data: bytes) -> list[bytes]:
    return [_decoded(body) for _, body in _CERTIFICATE.findall(data)]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace") if "-----BEGIN" in text else _decoded(text.encode("utf-8", "replace"))


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableError(str(error)) from error
