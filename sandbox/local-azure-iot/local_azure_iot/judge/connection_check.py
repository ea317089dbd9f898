"""Checks connections: may the sender of this certificate chain connect as this device?

The path is validated by OpenSSL after RFC 5280, 6; what it leaves out (basic constraints of every CA, a device's own key usages,
its name) is checked here. Anything unknown, and anything that can't be read, is refused with what was found.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

from OpenSSL import crypto

from local_azure_iot.judge import algorithms, issuers, names
from local_azure_iot.judge import certificate as certificates
from local_azure_iot.judge.der import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from local_azure_iot.judge.certificate import Certificate

MAX_CHAIN = 10  # certificates that a device may send


class Reason(StrEnum):
    """Why a chain is refused."""

    NO_CERTIFICATE = "no certificate was sent"
    TOO_LONG = "too many certificates were sent"
    UNTRUSTED = "the chain does not end at a certificate verified here"
    SIGNATURE = "a signature in the chain is invalid"
    EXPIRED = "a certificate in the chain has expired"
    NOT_YET_VALID = "a certificate in the chain is not valid yet"
    NOT_AN_AUTHORITY = "a certificate in the chain is used as a CA but is not a CA"
    PATH_LENGTH = "the chain is longer than a CA in it allows"
    NAME_CONSTRAINTS = "a name is not permitted by a CA in the chain"
    KEY_USAGE = "the certificate's key may not be used to connect"
    PATH = "the chain is not a valid path"
    UNREADABLE = "a certificate in the chain can't be read"
    DATES = "a date in the certificate is none"
    COMMON_NAME = "the certificate's common name is not the device's id"
    THUMBPRINT = "the certificate is not one of the two in the device's registry entry"


@dataclass(frozen=True)
class Refusal:
    """Why a chain is refused, with the fact found."""

    reason: Reason
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else str(self.reason)


# OpenSSL's numbers, https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/
_REASONS = {
    **dict.fromkeys((2, 18, 19, 20, 21, 27), Reason.UNTRUSTED),
    7: Reason.SIGNATURE,
    9: Reason.NOT_YET_VALID,
    10: Reason.EXPIRED,
    **dict.fromkeys((24, 32, 79), Reason.NOT_AN_AUTHORITY),
    25: Reason.PATH_LENGTH,
    **dict.fromkeys((47, 48, 49, 50, 51, 52, 53), Reason.NAME_CONSTRAINTS),
}


def chain_refusal(
    chain: Sequence[crypto.X509], anchors: tuple[bytes, ...], device: str, now: datetime, *, strict: bool = False
) -> Refusal | None:
    """Why a device with this chain (its own certificate first) may not connect, or None.

    `anchors` are the certificates verified on the hub, as DER. They need not be sent; nothing above them is checked. `strict` also holds
    the certificates to what RFC 5280, 4 requires of issuers (key identifiers, critical constraints, …), which Azure does not.
    """
    if not chain:
        return Refusal(Reason.NO_CERTIFICATE)
    if refusal := path_refusal(chain, anchors, now, strict=strict):
        return refusal
    try:
        own = certificates.read_sent(chain[0])
        return usage_refusal(own) or _name_refusal(own, device)
    except certificates.UnreadableError as error:
        return Refusal(Reason.UNREADABLE, f"the device's own: {error}")
    except MalformedError as error:
        return Refusal(Reason.PATH, str(error))


def path_refusal(chain: Sequence[crypto.X509], anchors: tuple[bytes, ...], now: datetime, *, strict: bool = False) -> Refusal | None:
    """Why the path from `chain[0]` through any of the others to an anchor is refused, or None: one good path is enough."""
    if len(chain) > MAX_CHAIN:
        return Refusal(Reason.TOO_LONG, f"{len(chain)}, and at most {MAX_CHAIN} are accepted")
    if not anchors:
        return Refusal(Reason.UNTRUSTED, "no certificate is verified here")
    refusal = _path_refusal(chain, anchors, now, strict=strict)
    if refusal is None or refusal.reason is not Reason.UNTRUSTED:
        return refusal
    return None if any(_path_refusal(each, anchors, now, strict=strict) is None for each in _ways(chain)) else refusal


def _ways(chain: Sequence[crypto.X509]) -> Iterator[Sequence[crypto.X509]]:
    """The chain with one certificate of each CA, in every choice: OpenSSL follows the first of a cross-signed CA's, and no other.

    So whether a device is let in would depend on the order of what it sends, which does not matter (RFC 8446, 4.4.2).
    """
    by_name: dict[object, dict[bytes, crypto.X509]] = {}
    for each in chain[1:]:
        encoded = crypto.dump_certificate(crypto.FILETYPE_ASN1, each)
        try:
            name: object = certificates.read_sent(each).subject.canonical
        except certificates.UnreadableError:
            name = encoded
        by_name.setdefault(name, {})[encoded] = each
    if any(len(alike) > 1 for alike in by_name.values()):
        for choice in product(*(alike.values() for alike in by_name.values())):
            yield [chain[0], *choice]


def _path_refusal(chain: Sequence[crypto.X509], anchors: tuple[bytes, ...], now: datetime, *, strict: bool) -> Refusal | None:
    store = _store(anchors, now, strict=strict)
    try:
        path = crypto.X509StoreContext(store, chain[0], list(chain[1:])).get_verified_chain()
    except crypto.X509StoreContextError as error:
        kept = _kept_errors()
        return _refusal(error, _ours(anchors, chain), kept)
    # OpenSSL accepts old certificates without basic constraints as CAs; RFC 5280, 6.1.4 (k) does not. The anchor is trusted as it is.
    for certificate in path[1:-1]:
        if not _is_ca(certificate):
            return Refusal(Reason.NOT_AN_AUTHORITY, _subject(certificate))
    return None


def thumbprint_refusal(chain: Sequence[crypto.X509], thumbprints: Sequence[str | None], now: datetime) -> Refusal | None:
    """Why a self-signed certificate is refused for a device whose registry entry has these thumbprints (SHA-1 or SHA-256, hex), or None."""
    if not chain:
        return Refusal(Reason.NO_CERTIFICATE)
    try:
        own = certificates.read_sent(chain[0])
    except certificates.UnreadableError as error:
        return Refusal(Reason.UNREADABLE, f"the device's own: {error}")
    if not {each.upper() for each in thumbprints if each} & set(own.thumbprints):
        return Refusal(Reason.THUMBPRINT, f"its SHA-1 is {own.thumbprints[0]}")
    return _dates_refusal(own, now)


def _kept_errors() -> str:
    """What else OpenSSL has to say about a path that it refused; no error is left for whoever calls it next."""
    try:
        crypto.load_certificate(crypto.FILETYPE_ASN1, b"")  # this fails, and the failure has all errors that were kept before it
    except crypto.Error as error:
        return certificates.openssl_words(error)
    return ""


def _store(anchors: tuple[bytes, ...], now: datetime, *, strict: bool) -> crypto.X509Store:
    flags = crypto.X509StoreFlags
    store = crypto.X509Store()  # a new one each time: OpenSSL keeps the first time that it is given
    # An anchor may be an issuing CA: nothing above it is checked.
    store.set_flags(flags.PARTIAL_CHAIN | (flags.X509_STRICT if strict else 0))
    store.set_time(now)
    for anchor in filter(None, map(_for_openssl, anchors)):
        store.add_cert(anchor)
    return store


@lru_cache(maxsize=256)
def _for_openssl(anchor: bytes) -> crypto.X509 | None:
    """An anchor for OpenSSL. None if OpenSSL can't read it: no path ends there, and none is marked as verified any more."""
    try:
        return crypto.load_certificate(crypto.FILETYPE_ASN1, anchor)
    except crypto.Error:
        return None


def _ours(anchors: tuple[bytes, ...], chain: Sequence[crypto.X509]) -> list[Certificate]:
    """The anchors and the chain, without what can't be read."""
    found = []
    for each in (*anchors, *(crypto.dump_certificate(crypto.FILETYPE_ASN1, one) for one in chain)):
        try:
            found.append(certificates.read(each))
        except certificates.UnreadableError:
            continue
    return found


def _refusal(error: crypto.X509StoreContextError, known: Sequence[Certificate], kept: str) -> Refusal:
    number, _, message = error.errors
    reason = _REASONS.get(number, Reason.PATH)
    try:
        found = certificates.read_sent(error.certificate)
    except certificates.UnreadableError:  # no certificate is named where a key can't be read
        return Refusal(reason, f"{message} ({kept})")
    if reason is not Reason.UNTRUSTED:
        return Refusal(reason, f"'{found.subject}': {message}")
    return _no_issuer(found, known)


def _no_issuer(found: Certificate, known: Sequence[Certificate]) -> Refusal:
    """The path ends at `found`: say whether its issuer is missing, or what is wrong with the CA that has the issuer's name."""
    if found.issuer.canonical == found.subject.canonical:
        return Refusal(Reason.UNTRUSTED, f"'{found.subject}' is a root, and it is not verified here")
    for authority in known:
        if issuers.is_named_by(found, authority):
            if authority.key_algorithm.name == algorithms.RSASSA_PSS != found.signature_algorithm.name:
                fact = f"the key of '{found.issuer}' is for RSASSA-PSS only, and '{found.subject}' is signed in another way"
                return Refusal(Reason.SIGNATURE, fact)
            fact = f"'{found.subject}' names '{found.issuer}' as its issuer, which is here, but {issuers.why_not(found, authority)}"
            return Refusal(Reason.UNTRUSTED, fact)
    fact = f"'{found.subject}' was issued by '{found.issuer}', which is neither verified here nor among the certificates that were sent"
    return Refusal(Reason.UNTRUSTED, fact)


def _subject(certificate: crypto.X509) -> str:
    try:
        return str(certificates.read_sent(certificate).subject)
    except certificates.UnreadableError:
        return "a certificate that can't be read"


def _is_ca(certificate: crypto.X509) -> bool:
    try:
        return certificates.read_sent(certificate).is_ca
    except certificates.UnreadableError:
        return False


def _dates_refusal(own: Certificate, now: datetime) -> Refusal | None:
    if own.not_before is None or own.not_after is None:
        return Refusal(Reason.DATES)
    if now < own.not_before:
        return Refusal(Reason.NOT_YET_VALID, f"before {own.not_before:%Y-%m-%dT%H:%M:%SZ}")
    if now > own.not_after:
        return Refusal(Reason.EXPIRED, f"since {own.not_after:%Y-%m-%dT%H:%M:%SZ}")
    return None


def usage_refusal(own: Certificate) -> Refusal | None:
    """Why the key of a device's own certificate may not be used by a client, or None.

    Raises:
        MalformedError: an extension can't be read, or is there twice.
    """
    if not own.may_sign():
        return Refusal(Reason.KEY_USAGE, "its key usage has no digitalSignature")
    if not own.is_for_clients():
        return Refusal(Reason.KEY_USAGE, "its extended key usage has no clientAuth")
    return None


def _name_refusal(own: Certificate, device: str) -> Refusal | None:
    found = own.subject.common_names
    if found == [device]:
        return None
    fact = f"'{', '.join(map(names.escaped, found))}' is not '{device}'" if found else "it has none"
    return Refusal(Reason.COMMON_NAME, fact)
