"""The hubs and provisioning services of a state: what each trusts and how that was proven, its enrollments, and its devices."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from hubtrust.azure.clouds import PUBLIC
from hubtrust.azure.errors import RefusedError
from hubtrust.azure.service import service as read_id
from hubtrust.certificates.verification import UNVERIFIED, VERIFIED
from hubtrust.devices.roster import unpack
from hubtrust.errors import HubtrustError
from hubtrust.inventory import other_makers
from hubtrust.inventory.certificates_found import Authorities, certificate_of_others
from hubtrust.inventory.records import (
    DPS,
    FLEET,
    GROUP,
    HUB,
    INDIVIDUAL,
    OWN_CA,
    SELF_SIGNED,
    Devices,
    Enrollment,
    Service,
    Trust,
)
from hubtrust.inventory.state import Resource, State

_KINDS = {"iothubs": HUB, "provisioningservices": DPS}
_HUB_DEVICES = ("DeviceFleet", "DeviceIdentity", "ModuleIdentity")
_ENROLLMENTS = {"EnrollmentGroupEntry": GROUP, "IndividualEnrollmentEntry": INDIVIDUAL, "EnrollmentFleetEntries": FLEET}
_DISABLED = "disabled"


@dataclass(slots=True)
class _Collected:
    """A service, while it is put together."""

    id: str
    kind: str
    name: str
    host: str | None = None
    trusts: list[Trust] = field(default_factory=list)
    enrollments: list[Enrollment] = field(default_factory=list)
    enabled: int = 0
    disabled: int = 0
    by_certificate: Counter[str] = field(default_factory=Counter)
    cloud: str = PUBLIC.name

    def add_devices(self, enabled: int, disabled: int, by: Mapping[str, int]) -> None:
        """Count devices."""
        self.enabled += enabled
        self.disabled += disabled
        self.by_certificate.update(by)

    @property
    def whole(self) -> Service:
        """As it is shown."""
        by = {name: count for name, count in sorted(self.by_certificate.items()) if count}
        devices = Devices(self.enabled + self.disabled, self.enabled, self.disabled, by)
        trusts = sorted(self.trusts, key=lambda one: one.certificate_name)
        enrollments = sorted(self.enrollments, key=lambda one: (one.kind, one.id))
        return Service(self.id, self.name, self.kind, self.host, tuple(trusts), tuple(enrollments), devices, self.cloud)


class Services:
    """The services that resources of a state are of, or on."""

    def __init__(self, state: State, authorities: Authorities) -> None:
        self._state, self._authorities = state, authorities
        self._by_id: dict[str, _Collected] = {}

    def read(self) -> tuple[Service, ...]:
        """All of them: hubs first, each kind by name."""
        for one in (*self._state.of_types(other_makers.HUBS), *self._state.of_types(other_makers.PROVISIONING_SERVICES)):
            self._of(one, one.id)
        for one in self._state.of("AuthorityGeneration", "ConnectionCheck", "LinkPolicy"):
            self._of(one, one.text("hubId") or one.text("serviceId"))
        for one in self._state.of("VerifiedCertificate"):
            self._read_verified(one)
        for one in self._state.of_types(other_makers.CERTIFICATES):
            self._read_of_others(one)
        for one in self._state.of(*_HUB_DEVICES):
            self._read_devices(one)
        for one in self._state.of(*_ENROLLMENTS):
            self._read_enrollment(one)
        return tuple(one.whole for one in sorted(self._by_id.values(), key=lambda one: (one.kind == DPS, one.name, one.id)))

    def _of(self, resource: Resource, id_: str | None) -> _Collected | None:
        """The service with this ARM id; None, told in `unseen`, if it is none."""
        if not id_:
            return None
        try:
            found = read_id(id_)
        except RefusedError:
            resource.unseen.add(f"the service of {resource.title}", f"'{id_}' is not the ARM id of an IoT hub or provisioning service")
            return None
        kept = self._by_id.setdefault(found.id.lower(), _Collected(found.id, _KINDS[found.kind], found.name))
        kept.host = kept.host or _host(resource)
        if resource.kind and (cloud := resource.text("cloud")):
            kept.cloud = cloud
        return kept

    def _read_verified(self, one: Resource) -> None:
        service = self._of(one, one.text("serviceId"))
        if service is None:
            return
        held = self._authorities.read(one, "certificate", one.text("certificate"))
        is_there = one.text("state") != "replaced"  # another certificate has its name on the service
        service.trusts.append(
            Trust(
                certificate=self._authorities.id_of(held) if is_there else None,
                certificate_name=one.text("certificateName") or one.name,
                state=one.text("state"),
                proof=one.text("proof"),
                proven_at=one.text("provenAt"),
                etag=one.text("etag"),
                record=None,
            )
        )

    def _read_of_others(self, one: Resource) -> None:
        """A certificate that another provider declares: whether Azure calls it verified, and never a proof."""
        service = self._of(one, one.id.rpartition("/certificates/")[0] or one.id.rpartition("/Certificates/")[0])
        name = one.within("name")
        title = f"certificate '{name if isinstance(name, str) else one.name}'"
        one.unseen.add(f"how {title} was verified", f"{one.type} declares it, and proves nothing: anybody with write access may verify it")
        if service is None:
            return
        held = self._authorities.read(one, "properties.certificate", certificate_of_others(one))
        flags = [one.within("properties", "isVerified"), one.within("isVerified")]
        state = VERIFIED if True in flags else UNVERIFIED if False in flags else None
        etag = one.within("etag")
        service.trusts.append(
            Trust(
                certificate=self._authorities.id_of(held),
                certificate_name=name if isinstance(name, str) else one.name,
                state=state,
                proof=None,
                proven_at=None,
                etag=etag if isinstance(etag, str) else None,
                record=None,
                is_of_others=True,
            )
        )

    def _read_devices(self, one: Resource) -> None:
        hub = self._of(one, one.text("hubId"))
        if reason := one.text("unread"):
            one.unseen.add(f"how {one.title} is on its hub", f"the last refresh could not read it: {reason}")
        if hub is None or one.kind == "ModuleIdentity":  # a module is no device
            return
        if one.kind == "DeviceIdentity":
            enabled = one.text("status") != _DISABLED
            hub.add_devices(enabled, not enabled, {SELF_SIGNED if one.has("thumbprints") else OWN_CA: 1})
            return
        count, enabled_of = one.count("count"), one.count("enabled")
        hub.add_devices(min(enabled_of, count), max(count - enabled_of, 0), _by_certificate(one, count))

    def _read_enrollment(self, one: Resource) -> None:
        service = self._of(one, one.text("serviceId"))
        if reason := one.text("unread"):
            one.unseen.add(f"how {one.title} is on its service", f"the last refresh could not read it: {reason}")
        if service is None:
            return
        kind, id_, count, status = _ENROLLMENTS[one.kind], one.text("groupId") or one.text("registrationId"), 1, one.text("status")
        if kind == FLEET:
            id_, count, enabled = one.text("fleetName"), one.count("count"), one.count("enabled")
            status = "enabled" if enabled >= count else f"{enabled:,} of {count:,} enabled" if enabled else _DISABLED
        authorities = tuple(self._authorities_of(one, service)) if kind == GROUP else ()
        service.enrollments.append(Enrollment(id_ or one.name, kind, status or "unknown", authorities, count))

    def _authorities_of(self, group: Resource, service: _Collected) -> Iterator[str]:
        """The authorities of an enrollment group: its own certificates, or those of the service that it names."""
        by_name = {one.certificate_name.lower(): one.certificate for one in service.trusts}
        for name in group.texts("caReferences"):
            if found := by_name.get(name.lower()):
                yield found
            else:
                group.unseen.add(f"certificate '{name}' of {group.title}", "no resource of this stack has a certificate of this name there")
        for thumbprint in group.texts("thumbprints"):
            if thumbprint in self._authorities.found:
                yield thumbprint
            else:
                group.unseen.add(f"the certificate {thumbprint[:8]}… of {group.title}", "the stack's state has its thumbprint alone")


def _host(resource: Resource) -> str | None:
    if resource.kind:
        # A connection check that enrols has the hub's host and the service's id.
        return None if resource.kind in {"ConnectionCheck", "VerifiedCertificate"} else resource.text("hostName")
    shown = (resource.within("properties", name) for name in ("hostName", "serviceOperationsHostName"))
    given = (resource.within(name) for name in ("hostname", "serviceOperationsHostName"))
    return next((one for one in (*shown, *given) if isinstance(one, str) and one), None)


def _by_certificate(fleet: Resource, count: int) -> dict[str, int]:
    packed = fleet.text("members")
    if packed is None:
        return {}
    try:
        roster = unpack(packed, recorded=True)
    except HubtrustError as error:
        fleet.unseen.add(f"by which certificates the devices of {fleet.title} connect", error.fact)
        return {}
    own = sum(bool(one.thumbprints) for one in roster.own.values())
    own += (len(roster.ids) - len(roster.own)) * bool(roster.common.thumbprints)
    return {SELF_SIGNED: min(own, count), OWN_CA: max(count - own, 0)}
