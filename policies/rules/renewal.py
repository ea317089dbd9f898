"""Rules for certificates that must be renewed in time: the window that is declared for it, and what a run leaves behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .certificates import ISSUED, ISSUERS, first_of_each
from .resource import ISSUED_BATCH, ISSUED_CERTIFICATE, TLS_ROOT, TLS_SIGNED, NotKnownYetError, on_each
from .scalars import not_a_number, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from .certificate import Certificate
    from .resource import Resource

    Settings = Mapping[str, Any]

_HOURS = 24
_DEFAULT_WINDOWS = {"root": 365.0, "intermediate": 182.5, "device": 30.0}  # the defaults of IssuedCertificate, in days
_SETTINGS = {"root": "hubtrust:caRootRenewBeforeDays", "intermediate": "hubtrust:caIssuingRenewBeforeDays", "device": "renew_before_days"}


def renewal_window(resource: Resource, settings: Settings) -> Iterator[str]:
    """A certificate that a stack issues is renewed from at least `days` before its end, which is the longest time between two runs.

    Reason: only a run renews. With a shorter window a certificate can end between two runs, and its device, or every device below it,
    is refused. pulumi-tls renews nothing before its end unless `earlyRenewalHours` is set.
    Source: pulumi.com/registry/packages/tls (earlyRenewalHours); RFC 5280 4.1.2.5; NIST SP 1800-16B, 4.2 (renewal before expiry).
    """
    window = _declared_window(resource)
    least = float(settings["days"])
    if window is None:
        return
    found, setting, name = window
    if found is None:
        yield not_a_number(name)
        return
    if found >= least:
        return
    fact = f"this certificate is renewed from {found:g} days before its end, but {least:g} days may pass between two runs"
    yield f"{fact}: use a window of at least {least:g} days ({setting})"


def _declared_window(resource: Resource) -> tuple[float | None, str, str] | None:
    """The days before its end from which it is renewed, what sets them, and the input; None if the resource issues nothing.

    The days are None where the input is no number.
    """
    if resource.type in {TLS_ROOT, TLS_SIGNED}:
        hours = number(resource.known("earlyRenewalHours") or 0)
        return None if hours is None else hours / _HOURS, "earlyRenewalHours", "earlyRenewalHours"
    if resource.type not in {ISSUED_CERTIFICATE, ISSUED_BATCH}:
        return None
    profile = "device" if resource.type == ISSUED_BATCH else str(resource.known("profile"))
    found = resource.known("renewBeforeDays")
    days = number(_DEFAULT_WINDOWS.get(profile, 0.0) if found is None else found)
    return days, _SETTINGS.get(profile, "renewBeforeDays"), "renewBeforeDays"


def certificate_expiry(resources: Sequence[Resource], settings: Settings, *, now: datetime) -> Iterator[tuple[str, str]]:
    """No certificate that a run issued or keeps is in its renewal window, or ends within `days`, once the run is over.

    Reason: a run renews what is due, so what is still due after it will not be renewed by the next one either: mostly because the issuer
    ends on the same day. `authority-expiry` is the rule for CAs that a hub trusts.
    Source: RFC 5280 4.1.2.5; learn.microsoft.com/azure/iot-hub/how-to-certificate-rollover.
    """
    return on_each(resources, lambda each: _not_renewed(each, float(settings["days"]), now))


def _not_renewed(resource: Resource, days: float, now: datetime) -> Iterator[str]:
    if ending := list(_ending(resource, days, now)):
        first = min(ending, key=lambda certificate: certificate.not_after)
        others = f" (and {len(ending) - 1} more of this resource)" if ending[1:] else ""
        left = max((first.not_after - now).total_seconds() / 86400, 0)
        fact = f"{first}{others} ends on {first.not_after:%Y-%m-%d}, in {left:.0f} days, and this run has not renewed it"
        yield f"{fact}: {_remedy(resource, first)}"


def _ending(resource: Resource, days: float, now: datetime) -> Iterator[Certificate]:
    name = ISSUED.get(resource.type)
    if name is None:
        return
    found = resource.known(name)
    if found is None:
        raise NotKnownYetError(name)
    own, *_ = _declared_window(resource) or (None,)
    window = max(days, own or 0.0)
    for certificate in first_of_each(found, name):
        if (certificate.not_after - now).total_seconds() < window * 86400:
            yield certificate


def _remedy(resource: Resource, certificate: Certificate) -> str:
    issuers = first_of_each(resource.read(ISSUERS.get(resource.type, "")))
    if issuers and not certificate.is_self_issued and issuers[0].not_after <= certificate.not_after:
        return f"have its issuer {issuers[0]} renewed, which ends then too; the next run then renews it"
    return "declare a longer lifetime, or a window in which a run renews it"
