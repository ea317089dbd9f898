"""The rule for how long a key is used: a renewal gives its certificate new dates, and the key grows older."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from .certificates import ISSUED, ISSUERS, first_of_each
from .declarations import Fact, Kind, declaration
from .resource import SIGNING_KEY, NotKnownYetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .certificate import Certificate
    from .resource import Resource

    Settings = Mapping[str, Any]

_REMEDIES = {
    "rootDays": "start the next generation (hubtrust:caGeneration), or import a chain with a new key",
    "issuingDays": "start the next generation (hubtrust:caGeneration), or import a chain with a new key",
    "deviceDays": "issue the device's next certificate for a new key (request, publicKey)",
}


class _Use(NamedTuple):
    """That a key was in use at a time, as one resource shows it."""

    since: datetime
    certificate: Certificate
    urn: str


def key_rotation(resources: Sequence[Resource], settings: Settings, *, now: datetime) -> Iterator[tuple[str, str]]:
    """No key is in use for longer than its rotation period: `rootDays`, `issuingDays`, `deviceDays`.

    Reason: what a key signs is as safe as the key ever was, and a renewal keeps it. A vault says when its key was made. Other keys are at
    least as old as the oldest certificate known for them, or signed by them: the output `keySince` of an IssuedCertificate remembers the
    first one. A key that was used elsewhere before is older than that.
    Source: NIST SP 800-57 part 1 rev. 5, 5.3.6 (cryptoperiods); learn.microsoft.com/azure/iot-hub/iot-hub-x509-certificate-concepts.
    """
    uses: list[_Use] = []
    unknown = None
    for each in resources:
        try:
            uses += _uses(each)
        except NotKnownYetError as error:
            unknown = error  # in a preview; the other keys are checked
    made = {str(each.read("keyThumbprint")): _moment(each.read("created")) for each in resources if each.type == SIGNING_KEY}
    oldest: dict[bytes, datetime] = {}
    for use in uses:
        key = use.certificate.key
        known = (use.since, oldest.get(key), made.get(use.certificate.thumbprints()["key"]))
        oldest[key] = min(each for each in known if each)
    for key, use in {use.certificate.key: use for use in reversed(uses)}.items():  # each key once, where it is used first
        limit = _limit(use.certificate)
        days, most = (now - oldest[key]).total_seconds() / 86400, float(settings[limit])
        if days > most:
            fact = f"the key of {use.certificate} is in use since {oldest[key]:%Y-%m-%d}, for {days:.0f} days"
            yield f"{fact}, but at most {most:g} are allowed: {_REMEDIES[limit]}", use.urn
    if unknown:
        raise unknown


def _uses(resource: Resource) -> list[_Use]:
    declared = declaration(resource)
    if declared and declared.kind is Kind.CERTIFICATE:
        name, found = declared.where(Fact.CERTIFICATE), declared.known(Fact.CERTIFICATE)
        found = found if found is None else str(found)
    elif name := ISSUED.get(resource.type, ""):
        found = resource.known(name)
    else:
        return []
    if found is None:
        raise NotKnownYetError(name)
    since = _moment(resource.read("keySince"))
    certified = [_Use(since or one.not_before, one, resource.urn) for one in first_of_each(found, name)]
    # Whoever signed this certificate's first edition had its key then. Another issuer's key would have made it another resource.
    first = min((use.since for use in certified), default=None)
    issuers = first_of_each(resource.read(ISSUERS.get(resource.type, "")))
    return certified + [_Use(min(one.not_before, first or one.not_before), one, resource.urn) for one in issuers]


def _limit(certificate: Certificate) -> str:
    if not certificate.is_ca:
        return "deviceDays"
    return "rootDays" if certificate.is_self_issued else "issuingDays"


def _moment(text: object) -> datetime | None:
    """A date such as 2026-11-24T03:19:06Z; None for what is none."""
    try:
        return datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
