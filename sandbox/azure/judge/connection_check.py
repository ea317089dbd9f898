"""Checks connections: may the sender of this certificate chain connect as this device?

The path is validated by OpenSSL after RFC 5280, 6; what it leaves out (basic constraints of every CA, a device's own key usages,
its name) is checked here. Anything unknown is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, PublicKeyAlgorithmOID, SignatureAlgorithmOID
from OpenSSL import crypto

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

MAX_CHAIN = 10  # certificates that a device may send


class Reason(StrEnum):
    """Why a chain is refused."""

    NO_CERTIFICATE = "no certificate was sent"
    TOO_LONG = "too many certificates were sent"
    UNTRUSTED = "the chain does not end at a certificate verified on this hub"
    SIGNATURE = "a signature in the chain is invalid"
    EXPIRED = "a certificate in the chain has expired"
    NOT_YET_VALID = "a certificate in the chain is not valid yet"
    NOT_AN_AUTHORITY = "a certificate in the chain is used as a CA but is not a CA"
    PATH_LENGTH = "the chain is longer than a CA in it allows"
    NAME_CONSTRAINTS = "a name is not permitted by a CA in the chain"
    KEY_USAGE = "the certificate's key may not be used to connect"
    PATH = "the chain is not a valid path"
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
    own = chain[0].to_cryptography()
    return _usage_refusal(own) or _name_refusal(own, device)


def path_refusal(chain: Sequence[crypto.X509], anchors: tuple[bytes, ...], now: datetime, *, strict: bool = False) -> Refusal | None:
    """Why the path from `chain[0]` through any of the others to an anchor is refused, or None."""
    if len(chain) > MAX_CHAIN:
        return Refusal(Reason.TOO_LONG, f"{len(chain)}, and at most {MAX_CHAIN} are accepted")
    if not anchors:
        return Refusal(Reason.UNTRUSTED, "the hub has no verified certificate")
    store = _store(anchors, strict=strict)
    store.set_time(now)
    try:
        path = crypto.X509StoreContext(store, chain[0], list(chain[1:])).get_verified_chain()
    except crypto.X509StoreContextError as error:
        return _refusal(error, [*map(_from_der, anchors), *chain])
    # OpenSSL accepts old certificates without basic constraints as CAs; RFC 5280, 6.1.4 (k) does not. The anchor is trusted as it is.
    for certificate in path[1:-1]:
        if not _is_ca(certificate.to_cryptography()):
            return Refusal(Reason.NOT_AN_AUTHORITY, certificate.to_cryptography().subject.rfc4514_string())
    return None


def thumbprint_refusal(chain: Sequence[crypto.X509], thumbprints: Sequence[str | None], now: datetime) -> Refusal | None:
    """Why a self-signed certificate is refused for a device whose registry entry has these thumbprints (SHA-1 or SHA-256, hex), or None."""
    if not chain:
        return Refusal(Reason.NO_CERTIFICATE)
    own = chain[0].to_cryptography()
    known = {each.lower() for each in thumbprints if each}
    ours = {own.fingerprint(algorithm).hex() for algorithm in (hashes.SHA1(), hashes.SHA256())}  # noqa: S303 - Azure's name of a certificate
    if not known & ours:
        return Refusal(Reason.THUMBPRINT, f"its SHA-1 is {min(ours, key=len).upper()}")
    if now < own.not_valid_before_utc:
        return Refusal(Reason.NOT_YET_VALID, f"before {own.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}")
    if now > own.not_valid_after_utc:
        return Refusal(Reason.EXPIRED, f"since {own.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}")
    return None


@lru_cache(maxsize=64)
def _store(anchors: tuple[bytes, ...], *, strict: bool) -> crypto.X509Store:
    flags = crypto.X509StoreFlags
    store = crypto.X509Store()
    # An anchor may be an issuing CA: nothing above it is checked.
    store.set_flags(flags.PARTIAL_CHAIN | (flags.X509_STRICT if strict else 0))
    for der in anchors:
        store.add_cert(_from_der(der))
    return store


def _from_der(der: bytes) -> crypto.X509:
    return crypto.load_certificate(crypto.FILETYPE_ASN1, der)


def _refusal(error: crypto.X509StoreContextError, issuers: Sequence[crypto.X509]) -> Refusal:
    number, _, message = error.errors
    certificate = error.certificate.to_cryptography()
    reason = _REASONS.get(number, Reason.PATH)
    subject = certificate.subject.rfc4514_string()
    if reason is Reason.UNTRUSTED:
        issuer = certificate.issuer.rfc4514_string()
        above = [one.to_cryptography() for one in issuers]
        pss = [one for one in above if one.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSASSA_PSS]
        if certificate.signature_algorithm_oid != SignatureAlgorithmOID.RSASSA_PSS and certificate.issuer in [one.subject for one in pss]:
            fact = f"the key of '{issuer}' is for RSASSA-PSS alone, and '{subject}' is signed in another way"
            return Refusal(Reason.SIGNATURE, fact)
        return Refusal(
            reason, f"'{subject}' was issued by '{issuer}', which is neither verified here nor among the certificates that were sent"
        )
    return Refusal(reason, f"'{subject}': {message}")


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _usage_refusal(own: x509.Certificate) -> Refusal | None:
    try:
        extensions = own.extensions
    except ValueError as error:
        return Refusal(Reason.PATH, str(error))
    for extension in extensions:
        value = extension.value
        if isinstance(value, x509.KeyUsage) and not value.digital_signature:
            return Refusal(Reason.KEY_USAGE, "its key usage has no digitalSignature")
        if isinstance(value, x509.ExtendedKeyUsage):
            usages = set(value)
            if not usages & {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}:
                return Refusal(Reason.KEY_USAGE, "its extended key usage has no clientAuth")
    return None


def _name_refusal(own: x509.Certificate, device: str) -> Refusal | None:
    names = [str(name.value) for name in own.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return None if names == [device] else Refusal(Reason.COMMON_NAME, f"'{', '.join(names)}' is not '{device}'")
