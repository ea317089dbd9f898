"""Finds the CA certificates among a resource's properties. Rules trust these bytes, not the inputs that describe them."""

from __future__ import annotations

import base64
import re
from contextlib import suppress
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

from .certificate import Certificate, UnreadableError
from .declarations import Fact, Kind, declaration
from .resource import CONNECTION_CHECK, ISSUED_BATCH, ISSUED_CERTIFICATE, TLS_ROOT, TLS_SIGNED, NotKnownYetError, items, known_copy, nested
from .signature import surely_issued

if TYPE_CHECKING:
    from collections.abc import Callable

    from .resource import Resource

# What a resource that issues certificates has: the output with them, and the input with the CA that signs them, if that is another.
ISSUED: Final = {ISSUED_CERTIFICATE: "certificate", ISSUED_BATCH: "certificates", TLS_ROOT: "certPem", TLS_SIGNED: "certPem"}
ISSUERS: Final = {ISSUED_CERTIFICATE: "issuerCertificate", ISSUED_BATCH: "issuerCertificate", TLS_SIGNED: "caCertPem"}
_CA_CERTIFICATES: Final = {**ISSUERS, CONNECTION_CHECK: "chain"}  # the inputs that hold a CA certificate whose key signs
_LET_DEVICES_IN: Final = {Kind.CERTIFICATE, Kind.ENROLLMENT}
_BLOCK = re.compile(rb"-----BEGIN (?:X509 )?CERTIFICATE-----(.*?)-----END ", re.DOTALL)
_SHORTEST = 100  # characters; the dates, names, key and signature of a certificate are longer
_WHITE = re.compile(rb"\\r|\\n|\s")  # also as two characters each, from JSON that nobody decoded


def lets_devices_in(resource: Resource) -> bool:
    """Whether the resource is a CA certificate on a hub or provisioning service, declared in whichever way, or an enrollment with one.

    Raises:
        NotKnownYetError: its kind depends on an input that is not known yet.
    """
    found = declaration(resource)
    return found is not None and found.kind in _LET_DEVICES_IN


def ca_certificates(resource: Resource) -> tuple[Certificate, ...]:
    """The CA certificates among a resource's inputs, in the order of the chain; empty if it has none.

    A root above the first certificate, by the signatures between them, is left out: it is judged where a hub trusts it, and where none
    does, it is not asked for anything. A root beside it is judged: that it stands in one text with the first says nothing.

    Raises:
        NotKnownYetError: they are not known before the update.
        UnreadableError: there is no certificate in the input, or one that can't be read.
    """
    text = _declared(resource)
    found = load(text) if text else ()
    above = _above_the_first(found)
    return found[:1] + tuple(each for each in found[1:] if not (each.is_self_issued and each in above))


def _declared(resource: Resource) -> str | None:
    text, declared = None, declaration(resource)
    if declared and declared.kind in _LET_DEVICES_IN:
        text = declared.known(Fact.CERTIFICATE)
    elif name := _CA_CERTIFICATES.get(resource.type):
        text = resource.known(name)
    return str(text) if text else None


def _above_the_first(found: tuple[Certificate, ...]) -> set[Certificate]:
    above: set[Certificate] = set()
    waiting = list(found[:1])
    while waiting:
        lowest = waiting.pop()
        higher = [each for each in found[1:] if each not in above and each is not lowest and surely_issued(each, lowest)]
        above.update(higher)
        waiting += higher
    return above


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
    """The certificates in a text that may hold anything: all that `load` sees, without those that can't be read."""
    if len(text) < _SHORTEST:
        return ()
    found = []
    try:
        for encoding in _encodings(text):
            with suppress(UnreadableError):
                found.append(Certificate(encoding()))
    except UnreadableError:
        return ()
    return tuple(found)


def authorities_in(resource: Resource) -> tuple[Certificate, ...]:
    """The CA certificates that a resource holds anywhere: those that it declares, also where a body in JSON has them, and in any text.

    What is not known yet, or can't be read, is left out.
    """
    try:
        declared = certificates_in(_declared(resource) or "")
        trusted = declared if lets_devices_in(resource) else ()  # it is trusted, whatever it says of itself
    except NotKnownYetError:
        declared = trusted = ()
    others = (found for _, value in nested(known_copy(resource.props)) if isinstance(value, str) for found in certificates_in(value))
    every = {found.encoding: found for found in (*trusted, *(each for each in (*declared, *others) if each.is_ca))}
    return tuple(every.values())


@lru_cache(maxsize=4096)
def load(text: str) -> tuple[Certificate, ...]:
    """Every certificate in a PEM text, or in base64 of PEM or DER, which Azure accepts.

    Raises:
        UnreadableError: there is no certificate in it, or one that can't be read.
    """
    found = _encodings(text)
    if not found:
        raise UnreadableError("it contains no certificate")
    return tuple(Certificate(each()) for each in found)


def first_of_each(found: Any, where: str = "a list") -> list[Certificate]:
    """The first certificate of a text, or of each in a list; above it are others'. Where a text without one is used, it is reported.

    Raises:
        NotKnownYetError: a text of the list, which is called ``where``, is not known yet.
    """
    certificates = []
    for text in [found] if isinstance(found, str) else items(found, where):
        with suppress(UnreadableError):
            certificates.append(load(str(text))[0])
    return certificates


def _encodings(text: str) -> list[Callable[[], bytes]]:
    """What gives each certificate in DER, or raises UnreadableError. A text that is neither PEM nor base64 raises it at once."""
    raw = text.encode("utf-8", "replace")
    if b"-----BEGIN" not in raw:
        raw = _decoded(raw)
    return [partial(_decoded, each) for each in _BLOCK.findall(raw)] if b"-----BEGIN" in raw else [lambda: raw]


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(_WHITE.sub(b"", text), validate=True)
    except ValueError:  # binascii.Error is one
        raise UnreadableError("it contains no readable certificate (it is not base64)") from None
