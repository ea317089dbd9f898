"""What is due in the next 90 days: renewals, ends, proofs that are missing, requests that wait for a signature."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from hubtrust.certificates.verification import REPLACED, UNVERIFIED, VERIFIED, WAITING
from hubtrust.inventory.authorities import ends_with_issuer
from hubtrust.inventory.certificates_found import Authorities, thumbprint_of_key
from hubtrust.inventory.device_certificates import Together
from hubtrust.inventory.records import Authority, Due, Service, days_left
from hubtrust.inventory.state import State
from hubtrust.pki.certificate import rfc3339

WINDOW = timedelta(days=90)
_UNPROVEN = {
    WAITING: "sign the proof where its key is (the output `ceremony` has the command), and run `pulumi up` with it",
    UNVERIFIED: "run `pulumi up`: it proves possession again",
    REPLACED: "run `pulumi up`: it puts the declared certificate back, and proves it",
}
_OF_OTHERS = "another provider declares it: prove it there, or let a CertificateAuthority declare it; see docs/adopting.md"


def listed(
    state: State,
    here: Authorities,
    authorities: Sequence[Authority],
    services: Iterable[Service],
    devices: Iterable[Together],
    now: datetime,
) -> tuple[Due, ...]:
    """All of it, the first first."""
    found = [
        *(one for authority in authorities for one in _of_authority(authority, authorities, now)),
        *_of_devices(devices, authorities, now),
        *_of_services(services, now),
        *_of_requests(state, here, now),
    ]
    return tuple(sorted((one for one in found if one.date <= now + WINDOW), key=lambda one: (one.date, one.what, one.action)))


def name_of(authority: Authority) -> str:
    """An authority in a line for people."""
    return f"{authority.kind} CA '{authority.subject}' ({authority.thumbprint[:8]})"


def _of_authority(authority: Authority, authorities: Sequence[Authority], now: datetime) -> Iterator[Due]:
    name, end = name_of(authority), authority.not_after
    if end < now:
        action = "remove it where nothing depends on it; nothing that it issued is trusted any more"
        yield Due(end, days_left(end, now), f"{name} has ended", action)
    if authority.renew_at is None:
        if end >= now:
            action = "have a new one issued where its key is, and give it as the next generation; see docs/rotation.md"
            yield Due(end, days_left(end, now), f"{name} ends", action)
        return
    if above := ends_with_issuer(authority, authorities):
        action = f"it ends with {name_of(above)}: a run renews it once that one is renewed"
    else:
        action = f"the {_run(authority.renew_at, now)} renews it, with the same key"
    what = f"{name} is {'due for renewal' if authority.renew_at < now else 'renewed'}"
    yield Due(authority.renew_at, days_left(authority.renew_at, now), what, action)


def _run(moment: datetime, now: datetime) -> str:
    return "next `pulumi up`" if moment < now else "first `pulumi up` from then on"


def _of_devices(devices: Iterable[Together], authorities: Sequence[Authority], now: datetime) -> Iterator[Due]:
    names = {one.id: f" of '{one.subject}'" for one in authorities}
    for one in devices:
        below = names.get(one.issuer or "", "")
        what = f"the certificate of device '{one.device_id}'" if one.count == 1 else f"{one.count:,} device certificates{below}"
        left, verb = days_left(one.first, now), "is" if one.count == 1 else "are"
        if one.is_renewed:
            action = f"the {_run(one.first, now)} renews {'it' if one.count == 1 else 'them'}; the end is {rfc3339(one.ends)}"
            yield Due(one.first, left, f"{what} {verb} {'due for renewal' if one.first < now else 'renewed'}", action)
        else:
            ends = "has ended" if one.count == 1 else "have ended"
            still = "ends" if one.count == 1 else "end"
            action = "issue a new one where it was issued" if one.count == 1 else "issue new ones where they were issued"
            yield Due(
                one.first, left, f"{what} {ends if left < 0 else still}", f"{action}, and declare {'it' if one.count == 1 else 'them'}"
            )


def _of_services(services: Iterable[Service], now: datetime) -> Iterator[Due]:
    for service in services:
        for trust in service.trusts:
            action = _OF_OTHERS if trust.is_of_others and trust.state != VERIFIED else _UNPROVEN.get(trust.state or "")
            if action:
                what = (
                    f"certificate '{trust.certificate_name}' on {service.kind} '{service.name}' is {trust.state or 'in an unknown state'}"
                )
                yield Due(now, 0, what, action)


def _of_requests(state: State, here: Authorities, now: datetime) -> Iterator[Due]:
    certified = {thumbprint_of_key(one.certificate) for one in here.found.values()}
    for one in state.of("AuthorityRequest", "SigningKey"):
        if one.has("request") and one.text("keyThumbprint") not in certified:
            action = "have the request signed by your CA, and give the chain (setting caChain)"
            yield Due(now, 0, f"the certificate request of {one.title} has no answer", action)
