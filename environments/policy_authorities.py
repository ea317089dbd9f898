"""The CA certificates that a stack's settings will make, or that they give: what the policies judge of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from hubtrust import HubtrustError, Trust
from hubtrust.certificates.lifetimes import authority_lifetime
from hubtrust.pki.certificate import load_certificates
from hubtrust.pki.profile import departures, is_self_issued, path_length
from settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hubtrust.certificates.lifetimes import Lifetime
    from hubtrust.pki.certificate import Certificate
    from settings import Settings

_HASHES: Final = {256: "sha256", 384: "sha384", 521: "sha512"}  # by the curve of the key that signs; sha256 for RSA


@dataclass(frozen=True)
class Authority:
    """One CA certificate of a stack."""

    name: str  # for messages
    kind: str  # RSA or EC
    size: int  # bits of the modulus or of the curve
    signed_with: str  # a hash, such as sha256
    days: int  # its whole lifetime
    days_left: int  # from now, or from the day on which it is made
    is_root: bool
    key_keys: str  # the settings that decide its key, separated by spaces
    days_keys: str  # the settings that decide its lifetime
    renewed_before: int = 0  # days before its end; 0: it is not renewed by itself, or in the last tenth of its declared lifetime
    window: float = 0  # days before its end from which it is renewed; 0: not here
    window_keys: str = ""  # the settings that decide its window
    is_unlimited: bool = False  # it may sign for devices, and issue further CAs
    departures: tuple[str, ...] = ()  # from RFC 5280, section 4

    def __str__(self) -> str:
        return self.name


def authorities(stack: Settings) -> tuple[Authority, ...]:
    """The CA certificates that rules judge, the one nearest to devices first; none where a file can't be read or a CA is to be requested.

    A root above a given CA is not judged, unless the hub trusts it.
    """
    if stack.ca_source == "generate":
        return _generated(stack)
    try:
        return tuple(_given(each, is_lowest=place == 0) for place, each in enumerate(_judged(stack)))
    except (HubtrustError, SettingsError):
        return ()  # the program reports what can't be read


def trusted(stack: Settings) -> Authority | None:
    """The one that the hub trusts; None if it is not known."""
    found = authorities(stack)
    return (found[-1] if stack.ca_trust == Trust.ROOT else found[0]) if found else None


def _generated(stack: Settings) -> tuple[Authority, ...]:
    key = stack.ca_key_algorithm
    kind, size = ("EC", int(key.curve.name.removeprefix("P-"))) if key.curve else ("RSA", key.modulus)
    signed_with = _HASHES.get(size, "sha256") if kind == "EC" else "sha256"

    def one(name: str, days: int, lifetime: Lifetime, keys: tuple[str, str], renewed_before: int, *, is_root: bool) -> Authority:
        days_keys, window_key = keys
        key_keys, window_keys = "caKeyAlgorithm", f"{window_key} {days_keys.partition(' ')[0]}"
        return Authority(
            name, kind, size, signed_with, days, days, is_root, key_keys, days_keys, renewed_before, lifetime.renew_before_days, window_keys
        )

    before = stack.ca_root_renew_before_days
    lifetime = authority_lifetime(stack.ca_root_days, before or None)
    root = one("the root CA", stack.ca_root_days, lifetime, ("caRootDays", "caRootRenewBeforeDays"), before, is_root=True)
    if not stack.ca_intermediates:
        return (root,)
    before = stack.ca_issuing_renew_before_days
    lifetime = authority_lifetime(stack.ca_issuing_days, before or None)
    days = min(stack.ca_issuing_days, stack.ca_root_days)  # no certificate outlives its issuer
    keys = ("caIssuingDays caRootDays", "caIssuingRenewBeforeDays")
    return (one("the issuing CA", days, lifetime, keys, before, is_root=False), root)


def _judged(stack: Settings) -> Sequence[Certificate]:
    chain = stack.chain_text()
    found = load_certificates(chain.text, what="caChain") if chain else []
    if stack.ca_trust == Trust.ROOT:
        return found
    return found[:1] + [each for each in found[1:] if not is_self_issued(each)]


def _given(certificate: Certificate, *, is_lowest: bool) -> Authority:
    key = certificate.public_key()
    kind = "RSA" if isinstance(key, rsa.RSAPublicKey) else "EC" if isinstance(key, ec.EllipticCurvePublicKey) else type(key).__name__
    size = key.key_size if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) else 0
    life, left = (certificate.not_valid_after_utc - start for start in (certificate.not_valid_before_utc, datetime.now(UTC)))
    algorithm, length, keys = certificate.signature_hash_algorithm, path_length(certificate), "caChainFile caChain"
    return Authority(
        f"the CA '{certificate.subject.rfc4514_string()}'",
        kind,
        size,
        algorithm.name if algorithm else "nothing",
        life.days,
        left.days,
        is_self_issued(certificate),
        keys,
        keys,
        is_unlimited=length is None or (is_lowest and length > 0 and not is_self_issued(certificate)),
        departures=tuple(departures(certificate)),
    )
