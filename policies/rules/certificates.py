"""Finds the CA certificates among a resource's properties. Rules trust these bytes, not the inputs that describe them."""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from .certificate import Certificate, UnreadableError
from .declarations import Fact, Kind, declaration
from .resource import CONNECTION_CHECK, ISSUED_BATCH, ISSUED_CERTIFICATE, TLS_SIGNED

if TYPE_CHECKING:
    from .resource import Resource

# The inputs that hold a CA certificate whose key signs.
_CA_CERTIFICATES = {
    ISSUED_CERTIFICATE: ("issuerCertificate",),
    ISSUED_BATCH: ("issuerCertificate",),
    CONNECTION_CHECK: ("chain",),
    TLS_SIGNED: ("caCertPem",),
}
_BLOCK = re.compile(rb"-----BEGIN (?:X509 )?CERTIFICATE-----(.*?)-----END ", re.DOTALL)
_BASE64_OF_A_CERTIFICATE = ("LS0tLS1CRUdJTi", "MII")  # of its PEM and of its DER
_WHITE = re.compile(rb"\\r|\\n|\s")  # also as two characters each, from JSON that nobody decoded


def is_on_a_hub(resource: Resource) -> bool:
    """Whether the resource is a CA certificate on a hub or provisioning service, declared in whichever way.

    Raises:
        NotKnownYetError: its kind depends on an input that is not known yet.
    """
    found = declaration(resource)
    return found is not None and found.kind is Kind.CERTIFICATE


def ca_certificates(resource: Resource) -> tuple[Certificate, ...]:
    """The CA certificates among a resource's inputs, in the order of the chain; empty if it has none.

    A root above another certificate is left out: it is judged where a hub trusts it, and where none does, it is not asked for anything.

    Raises:
        NotKnownYetError: they are not known before the update.
        UnreadableError: there is no certificate in the input, or one that can't be read.
    """
    text, declared = None, declaration(resource)
    if declared and declared.kind is Kind.CERTIFICATE:
        text = declared.known(Fact.CERTIFICATE)
    elif path := _CA_CERTIFICATES.get(resource.type):
        text = resource.known(*path)
    found = load(str(text)) if text else ()
    return found[:1] + tuple(each for each in found[1:] if not each.is_self_issued)


def readable_ca_certificates(resource: Resource) -> tuple[Certificate, ...]:
    """``ca_certificates``, and none where one can't be read: the rule `path-length-set` reports it.

    Raises:
        NotKnownYetError: they are not known before the update.
    """
    try:
        return ca_certificates(resource)
    except UnreadableError:
        return ()


def certificates_in(text: str) -> tuple[Certificate, ...]:
    """The certificates in a text that may hold anything: those in PEM, and one in base64; none where one can't be read."""
    if "-----BEGIN" not in text and not text.startswith(_BASE64_OF_A_CERTIFICATE):
        return ()
    try:
        return load(text)
    except UnreadableError:
        return ()


@lru_cache(maxsize=4096)
def load(text: str) -> tuple[Certificate, ...]:
    """Every certificate in a PEM text, or in base64 of PEM or DER, which Azure accepts.

    Raises:
        UnreadableError: there is no certificate in it, or one that can't be read.
    """
    raw = text.encode("utf-8", "replace")
    if b"-----BEGIN" not in raw:
        raw = _decoded(raw)
    found = [_decoded(each) for each in _BLOCK.findall(raw)] if b"-----BEGIN" in raw else [raw]
    if not found:
        raise UnreadableError("it contains no certificate")
    return tuple(map(Certificate, found))


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(_WHITE.sub(b"", text), validate=True)
    except ValueError:  # binascii.Error is one
        raise UnreadableError("it contains no readable certificate (it is not base64)") from None
