"""Rules of a CA's certificates: strength, lifetime, path length, and how near their end is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .certificates import (
    UnreadableError,
    authorities,
    certified_key,
    is_authority,
    is_self_issued,
    key_of,
    lifetime_days,
    load,
    name_of,
    path_length,
    signature_hash,
)
from .declared import (
    CONNECTION_CHECK,
    ISSUED_CERTIFICATE,
    TLS_KEY,
    TLS_ROOT,
    TLS_SIGNED,
    VERIFIED_CERTIFICATE,
    NotKnownYetError,
    issues_for_devices,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from cryptography.x509 import Certificate

    from .declared import Declared

    Settings = Mapping[str, Any]

_HOURS = 24
_DEFAULT_DAYS = {"root": 3650, "intermediate": 1825, "device": 365}  # of an IssuedCertificate that says nothing
_SLACK = 1.0  # days: certificates begin some minutes early, for clocks that are behind


def key_strength(resource: Declared, settings: Settings) -> Iterator[str]:
    """Keys have at least `rsaBits` (CAs) or `deviceRsaBits`, or are on one of `curves`; signatures use one of `hashes`.

    Reason: a CA outlives the devices of today: 128 bits of security hold beyond 2030. SHA-1 signatures can be forged.
    Source: NIST SP 800-57 part 1 rev. 5, tables 2 and 4; NIST SP 800-131A rev. 2, 3 and 9.
    """
    for certificate in _judged(resource):
        yield from _weakness(f"the key of {name_of(certificate)}", key_of(certificate.public_key()), settings, "rsaBits")
        found = signature_hash(certificate)
        if found not in settings["hashes"]:
            allowed = ", ".join(settings["hashes"])
            yield f"{name_of(certificate)} is signed with {found} and allowed are {allowed}: have it issued again with one of them"
    if resource.type == TLS_KEY:
        kind = {"ECDSA": "EC"}.get(str(resource.need("algorithm")), str(resource.need("algorithm")))
        size = resource.need("ecdsaCurve") or "P-224" if kind == "EC" else resource.need("rsaBits") or 2048
        size = f"P-{size.removeprefix('P-').removeprefix('P')}" if isinstance(size, str) else int(size)
        yield from _weakness("the key to be made", (kind, size), settings, "rsaBits")
    if resource.type == ISSUED_CERTIFICATE:
        bits = "deviceRsaBits" if resource.need("profile") == "device" else "rsaBits"
        for name in ("publicKey", "request"):
            text = resource.read(name)
            key = certified_key(text) if isinstance(text, str) else None  # a key that is not made yet was judged as what is to be made
            if key:
                yield from _weakness(f"the key in {name}", key, settings, bits)


def authority_lifetime(resource: Declared, settings: Settings) -> Iterator[str]:
    """A root lives at most `rootDays`, a CA below it at most `issuingDays`; by its certificate where there is one, else as declared.

    Reason: the longer a key stands, the longer a theft of it pays, and the longer nobody has practised replacing it.
    Source: NIST SP 800-57 part 1 rev. 5, 5.3.6; learn.microsoft.com/azure/iot-hub/iot-hub-x509-certificate-concepts.
    """
    declared = _declared_lifetime(resource)
    if declared is not None:
        kind, days = declared
        most = float(settings["rootDays" if kind == "root" else "issuingDays"])
        if days > most:
            yield f"this CA is declared to live {days:g} days and at most {most:g} are allowed: shorten it (hubtrust:{_setting(kind)})"
    for certificate in _judged(resource):
        kind = "root" if is_self_issued(certificate) else "intermediate"
        most = float(settings["rootDays" if kind == "root" else "issuingDays"])
        if lifetime_days(certificate) > most + _SLACK:
            days = lifetime_days(certificate)
            fact = f"{name_of(certificate)} lives {days:.0f} days and at most {most:g} are allowed"
            yield f"{fact}: have it issued for fewer (hubtrust:{_setting(kind)})"


def path_length_set(resource: Declared, _settings: Settings) -> Iterator[str]:
    """Every CA's certificate is one, and says how many CAs may stand below it; where it signs devices, or is trusted below a root: none.

    Reason: without a path length whoever holds the key can make CAs of their own, and their devices are let in. It is read from the
    certificate: pulumi-tls, told 0, writes none.
    Source: RFC 5280 4.2.1.9.
    """
    try:
        found = authorities(resource)
    except UnreadableError as error:
        yield f"the certificate can't be judged: {error}; give it as PEM"
        return
    signs_devices = resource.type == CONNECTION_CHECK or issues_for_devices(resource)
    for place, certificate in enumerate(found):
        length = path_length(certificate)
        if not is_authority(certificate):
            yield f"{name_of(certificate)} is no CA's certificate (basic constraints): give the CA's"
        elif length is None:
            yield f"{name_of(certificate)} has no path length: have it issued again with one"
        elif length and place == 0 and (signs_devices or (resource.type == VERIFIED_CERTIFICATE and not is_self_issued(certificate))):
            yield f"{name_of(certificate)} has the path length {length}, and it is to issue for devices: have it issued again with 0"


def issuing_path_length(resources: Sequence[Declared], _settings: Settings) -> Iterator[tuple[str, str]]:
    """A CA with no CA below it in this stack issues for devices: its certificate, as it came out, has the path length 0.

    Reason: as of `path-length-set`; this one sees certificates that no other resource of the stack takes in.
    Source: RFC 5280 4.2.1.9.
    """
    made = {each.urn: certificate for each in resources if (certificate := _made(each)) is not None}
    issuers = {certificate.issuer for certificate in made.values() if not is_self_issued(certificate)}
    for urn, certificate in made.items():
        length = path_length(certificate)
        if certificate.subject not in issuers and length != 0:
            said = "no path length" if length is None else f"the path length {length}"
            yield f"{name_of(certificate)} has {said} and no CA below it: issue it with 0", urn


def authority_expiry(resource: Declared, settings: Settings, *, now: datetime) -> Iterator[str]:
    """A trusted CA has more than `days` left.

    Reason: the day it ends every device is refused, and moving a fleet to the next one takes longer than a night.
    Source: RFC 5280 4.1.2.5; learn.microsoft.com/azure/iot-hub/how-to-certificate-rollover (rolling certificates over).
    """
    if resource.type != VERIFIED_CERTIFICATE:
        return
    for certificate in _judged(resource):
        left = (certificate.not_valid_after_utc - now).total_seconds() / 86400
        if left < float(settings["days"]):
            end = f"{certificate.not_valid_after_utc:%Y-%m-%d}"
            yield f"{name_of(certificate)} ends on {end}, in {max(left, 0):.0f} days: begin the next generation (hubtrust:caGeneration)"


def _weakness(what: str, key: tuple[str, int | str], settings: Settings, bits: str) -> Iterator[str]:
    kind, size = key
    curves, least = settings["curves"], int(settings[bits])
    remedy = f"use RSA with {least} bits or more, or EC on {', '.join(curves)}"
    if kind == "RSA" and isinstance(size, int) and size < least:
        yield f"{what} is RSA with {size} bits: {remedy}"
    elif kind == "EC" and size not in curves:
        yield f"{what} is EC on {size}: {remedy}"
    elif kind not in {"RSA", "EC"}:
        yield f"{what} is of the kind {kind}: {remedy}"


def _declared_lifetime(resource: Declared) -> tuple[str, float] | None:
    """What a CA that is to be issued is declared to be, and how long it is to live; None where the resource is not one."""
    if resource.type in {TLS_ROOT, TLS_SIGNED}:
        if resource.need("isCaCertificate") is not True:
            return None
        return "root" if resource.type == TLS_ROOT else "intermediate", float(resource.need("validityPeriodHours") or 0) / _HOURS
    if resource.type == ISSUED_CERTIFICATE and (profile := resource.need("profile")) in {"root", "intermediate"}:
        return str(profile), float(resource.need("lifetimeDays") or _DEFAULT_DAYS[profile])
    return None


def _setting(kind: str) -> str:
    return "caRootDays" if kind == "root" else "caIssuingDays"


def _judged(resource: Declared) -> Sequence[Certificate]:
    try:
        return authorities(resource)
    except UnreadableError:  # `path-length-set` says so
        return ()


def _made(resource: Declared) -> Certificate | None:
    """The CA's certificate that came out of a resource; None where none does.

    Raises:
        NotKnownYetError: it is not made yet, so nobody knows which CA is the lowest.
    """
    if resource.type == ISSUED_CERTIFICATE:
        name, is_ca = "certificate", resource.need("profile") in {"root", "intermediate"}
    elif resource.type in {TLS_ROOT, TLS_SIGNED}:
        name, is_ca = "certPem", resource.need("isCaCertificate") is True
    else:
        return None
    text = resource.need(name) if is_ca else None
    if is_ca and not text:
        raise NotKnownYetError(name)
    try:
        return load(str(text))[0] if text else None
    except UnreadableError:
        return None
