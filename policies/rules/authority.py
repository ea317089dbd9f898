"""Rules for CA certificates: key strength, lifetime, path length and expiry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .certificate import UnreadableError
from .certificates import ISSUED, ca_certificates, lets_devices_in, load, readable_ca_certificates
from .certified_keys import certified_keys
from .resource import (
    CONNECTION_CHECK,
    ISSUED_BATCH,
    ISSUED_CERTIFICATE,
    TLS_KEY,
    TLS_ROOT,
    TLS_SIGNED,
    NotKnownYetError,
    issues_for_devices,
    items,
)
from .scalars import flag, not_a_number, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from .certificate import Certificate
    from .resource import Resource

    Settings = Mapping[str, Any]

_HOURS = 24
_DEFAULT_DAYS = {"root": 3650, "intermediate": 1825, "device": 365}  # the defaults of IssuedCertificate
_DEFAULT_RSA_BITS = 2048  # of pulumi-tls
_TOLERANCE_DAYS = 1.0  # certificates start some minutes early, for devices whose clock is behind


def key_strength(resource: Resource, settings: Settings) -> Iterator[str]:
    """RSA keys have at least `rsaBits` (CAs) or `deviceRsaBits` bits, EC keys use one of `curves`, and signatures one of `hashes`.

    Reason: a CA is used for many years, and 128 bits of security are acceptable beyond 2030. SHA-1 signatures can be forged. Nobody
    checks the signature of a root on itself: `authority-profile` reports a weak one.
    Source: NIST SP 800-57 part 1 rev. 5, tables 2 and 4; NIST SP 800-131A rev. 2, 3 and 9.
    """
    for certificate in readable_ca_certificates(resource):
        yield from _weakness(f"the key of {certificate}", certificate.kind_of_key, settings, "rsaBits")
        found = certificate.signature_hash
        if found not in settings["hashes"] and not certificate.is_self_issued:
            allowed = ", ".join(settings["hashes"])
            yield f"{certificate} is signed with {found}, but only {allowed} are allowed: reissue it with one of these"
    if resource.type == TLS_KEY:
        yield from _weak_key_to_generate(resource, settings)
    yield from _weak_certified_keys(resource, settings)


def _weak_key_to_generate(resource: Resource, settings: Settings) -> Iterator[str]:
    algorithm = str(resource.known("algorithm"))
    key: tuple[str, int | str] = algorithm, 0
    if algorithm == "RSA":
        found = resource.known("rsaBits")
        bits = number(_DEFAULT_RSA_BITS if found is None else found)
        if bits is None:
            yield not_a_number("rsaBits")
            return
        key = "RSA", int(bits)
    elif algorithm == "ECDSA":
        curve = str(resource.known("ecdsaCurve") or "P224")
        key = "EC", f"P-{curve.removeprefix('P-').removeprefix('P')}"
    yield from _weakness("the key to generate", key, settings, "rsaBits")


def _weak_certified_keys(resource: Resource, settings: Settings) -> Iterator[str]:
    """Each weakness once, also of thousands of requests. A key that does not exist yet is checked where it is declared."""
    if resource.type not in {ISSUED_CERTIFICATE, ISSUED_BATCH}:
        return
    devices = resource.type == ISSUED_BATCH or resource.known("profile") == "device"
    for name in ("publicKey", "request", "requests"):
        given = resource.read(name)
        texts = [given] if isinstance(given, str) else [each for each in items(given, name) if isinstance(each, str)]
        for key in dict.fromkeys(key for text in texts for key in certified_keys(text)):
            what = f"a key in {name}" if resource.type == ISSUED_BATCH else f"the key in {name}"
            yield from _weakness(what, key, settings, "deviceRsaBits" if devices else "rsaBits")


def authority_lifetime(resource: Resource, settings: Settings) -> Iterator[str]:
    """A root CA is valid for at most `rootDays`, a CA below it for at most `issuingDays`: in its certificate, or as declared.

    Reason: the longer a key is in use, the more a stolen key is worth, and the longer ago its replacement was last practiced.
    Source: NIST SP 800-57 part 1 rev. 5, 5.3.6; learn.microsoft.com/azure/iot-hub/iot-hub-x509-certificate-concepts.
    """
    declared = _declared_lifetime(resource)
    if declared is not None:
        kind, days = declared
        most = float(settings["rootDays" if kind == "root" else "issuingDays"])
        if days is None:
            yield not_a_number("lifetimeDays" if resource.type == ISSUED_CERTIFICATE else "validityPeriodHours")
        elif days > most:
            fact = f"this CA is declared with a lifetime of {days:g} days, but at most {most:g} are allowed"
            yield f"{fact}: shorten it (hubtrust:{_setting(kind)})"
    for certificate in readable_ca_certificates(resource):
        kind = "root" if certificate.is_self_issued else "intermediate"
        most = float(settings["rootDays" if kind == "root" else "issuingDays"])
        days = certificate.lifetime_days
        if days > most + _TOLERANCE_DAYS:
            fact = f"{certificate} is valid for {days:.0f} days, but at most {most:g} are allowed"
            yield f"{fact}: reissue it with a shorter lifetime (hubtrust:{_setting(kind)})"


def path_length_set(resource: Resource, _settings: Settings) -> Iterator[str]:
    """A CA certificate is marked as a CA and has a path length, which is 0 if it signs devices, or is trusted and not a root.

    Reason: without a path length, whoever holds the key can issue further CAs, whose devices the hub then accepts. The value is
    read from the certificate itself, because pulumi-tls omits a path length of 0.
    Source: RFC 5280 4.2.1.9.
    """
    try:
        found = ca_certificates(resource)
    except UnreadableError as error:
        yield f"the certificate can't be checked, because {error}: provide the certificate of the CA as PEM"
        return
    signs_devices = resource.type == CONNECTION_CHECK or issues_for_devices(resource)
    for place, certificate in enumerate(found):
        length = certificate.path_length
        if not certificate.is_ca:
            yield f"{certificate} is not a CA certificate (basic constraints): provide the certificate of the CA"
        elif length is None:
            yield f"{certificate} has no path length: reissue it with one"
        elif length and place == 0 and (signs_devices or (lets_devices_in(resource) and not certificate.is_self_issued)):
            yield f"{certificate} has path length {length}, but it issues certificates for devices: reissue it with path length 0"


def issuing_path_length(resources: Sequence[Resource], _settings: Settings) -> Iterator[tuple[str, str]]:
    """The certificate of a CA that has no CA below it in this stack has path length 0.

    Reason: as for `path-length-set`. This rule also checks certificates that no other resource of the stack uses.
    Source: RFC 5280 4.2.1.9.
    """
    issued = {each.urn: certificate for each in resources if (certificate := _issued_ca(each)) is not None}
    issuers = {certificate.issuer.canonical for certificate in issued.values() if not certificate.is_self_issued}
    for urn, certificate in issued.items():
        length = certificate.path_length
        if certificate.subject.canonical not in issuers and length != 0:
            found = "no path length" if length is None else f"path length {length}"
            yield f"{certificate} has {found} and no CA below it: issue it with path length 0", urn


def authority_expiry(resource: Resource, settings: Settings, *, now: datetime) -> Iterator[str]:
    """A trusted CA is valid for at least `days` more days.

    Reason: once it has expired the hub refuses every device, and moving a fleet to the next CA takes longer than a night.
    Source: RFC 5280 4.1.2.5; learn.microsoft.com/azure/iot-hub/how-to-certificate-rollover (rolling certificates over).
    """
    if not lets_devices_in(resource):
        return
    for certificate in readable_ca_certificates(resource):
        left = (certificate.not_after - now).total_seconds() / 86400
        if left < float(settings["days"]):
            end = f"{certificate.not_after:%Y-%m-%d}"
            yield f"{certificate} expires on {end}, in {max(left, 0):.0f} days: start the next generation (hubtrust:caGeneration)"


def _weakness(what: str, key: tuple[str, int | str], settings: Settings, bits: str) -> Iterator[str]:
    kind, size = key
    curves, least = settings["curves"], int(settings[bits])
    remedy = f"use RSA with at least {least} bits, or EC on {', '.join(curves)}"
    if kind == "RSA" and isinstance(size, int) and size < least:
        yield f"{what} is RSA with {size} bits: {remedy}"
    elif kind == "EC" and size not in curves:
        yield f"{what} is EC on {size}: {remedy}"
    elif kind not in {"RSA", "EC"}:
        yield f"{what} is a key of type {kind}: {remedy}"


def _declared_lifetime(resource: Resource) -> tuple[str, float | None] | None:
    """The declared kind of a CA (root or intermediate) and its lifetime in days, None for what is no number; None if it issues no CA."""
    if resource.type in {TLS_ROOT, TLS_SIGNED}:
        if not _may_be_a_ca(resource):
            return None
        hours = number(resource.known("validityPeriodHours") or 0)
        return "root" if resource.type == TLS_ROOT else "intermediate", None if hours is None else hours / _HOURS
    if resource.type == ISSUED_CERTIFICATE and (profile := str(resource.known("profile"))) in {"root", "intermediate"}:
        return profile, number(resource.known("lifetimeDays") or _DEFAULT_DAYS[profile])
    return None


def _may_be_a_ca(resource: Resource) -> bool:
    """Whether pulumi-tls is told to make a CA; a flag whose words leave it open counts as yes."""
    return flag(resource.known("isCaCertificate")) not in (None, False)


def _setting(kind: str) -> str:
    return "caRootDays" if kind == "root" else "caIssuingDays"


def _issued_ca(resource: Resource) -> Certificate | None:
    """The CA certificate that a resource issued; None if it issued none.

    Raises:
        NotKnownYetError: it is not issued yet, so which CA is the lowest is not known.
    """
    if resource.type == ISSUED_CERTIFICATE:
        is_ca = str(resource.known("profile")) in {"root", "intermediate"}
    elif resource.type in {TLS_ROOT, TLS_SIGNED}:
        is_ca = _may_be_a_ca(resource)
    else:
        return None
    name = ISSUED[resource.type]
    text = resource.known(name) if is_ca else None
    if is_ca and not text:
        raise NotKnownYetError(name)
    try:
        return load(str(text))[0] if text else None
    except UnreadableError:
        return None
