"""The way from a device's certificate up to its CAs, by which a provisioning service finds the enrollment group.

Which CA issued a certificate is decided by name and signature. Dates and all else are judged later, by `judge.connection_check`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from local_azure_iot.judge import certificate as certificates
from local_azure_iot.judge import issuers, signatures, upload
from local_azure_iot.judge.der import MalformedError
from local_azure_iot.microsoft_devices import lifecycle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from OpenSSL import crypto

    from local_azure_iot.judge.certificate import Certificate
    from local_azure_iot.local_azure import Azure


@dataclass(frozen=True)
class Uploaded:
    """A CA certificate of the service."""

    name: str  # of the resource, by which groups refer to it
    verified: bool
    certificate: Certificate


@dataclass(frozen=True)
class Step:
    """A CA on the way. ``sent``: the device sent its certificate; otherwise it is one of the service's."""

    certificate: Certificate
    sent: bool


def uploaded(azure: Azure, service_key: str) -> list[Uploaded]:
    """The CA certificates of a service, verified or not."""
    found = azure.store.list(lifecycle.CERTIFICATE, f"{service_key}/")
    return [Uploaded(each["name"], each["verified"], _read(each["text"])) for each in found]


@lru_cache(maxsize=256)
def _read(text: str) -> Certificate:
    return upload.read(text).certificate


def steps(chain: Sequence[crypto.X509], known: Sequence[Uploaded]) -> Iterator[Step]:
    """The CAs from the issuers of ``chain[0]`` upward, level by level: those that were sent, in their order, then the service's own.

    A cross-signed CA has several certificates, and each of them is a way up.
    """
    below, *sent = _readable(chain)
    candidates = [Step(each, sent=True) for each in sent] + [Step(each.certificate, sent=False) for each in known]
    passed, level = {below.encoded}, [below]
    while level:
        above: dict[bytes, Step] = {}
        for each in candidates:
            if each.certificate.encoded not in passed and any(_issued(each.certificate, one) for one in level):
                above.setdefault(each.certificate.encoded, each)
        yield from above.values()
        passed |= above.keys()
        level = [each.certificate for each in above.values()]


def _readable(chain: Sequence[crypto.X509]) -> list[Certificate]:
    """The device's own certificate, and the others that can be read."""
    found = [certificates.read_sent(chain[0])]
    for each in chain[1:]:
        try:
            found.append(certificates.read_sent(each))
        except certificates.UnreadableError:
            continue
    return found


def _issued(above: Certificate, below: Certificate) -> bool:
    try:
        return issuers.is_named_by(below, above) and signatures.is_signed_by(below, above)
    except MalformedError:
        return False
