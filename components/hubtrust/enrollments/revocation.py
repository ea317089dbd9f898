"""The devices that came by an enrollment, on their hubs: disabled with it, and enabled again with it.

Azure disables the enrollment alone, which keeps devices from registering; those that have registered stay connected
(learn.microsoft.com/azure/iot-dps/how-to-revoke-device-access-portal). So the enrollment is disabled first, then its devices: the other
way round, a device could register again in between and be enabled by that.
"""

import hashlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from hubtrust.azure.device_description import Twin
from hubtrust.azure.enrollment_service import GROUPS, EnrollmentService, Kind, Registration
from hubtrust.azure.errors import AzureError
from hubtrust.azure.registry import Registry
from hubtrust.azure.retry import REVOCATION_WAITS
from hubtrust.devices.reading import PARALLEL
from hubtrust.enrollments.hub_devices import DevicesOnHub, Outcome, Place, Wanted
from hubtrust.reconcile_errors import RevocationError

_LONGEST_REASON = 128  # characters of a device's status reason
_MOST_NAMED = 5  # devices in a message
_MOST_KEPT = 100  # devices in an output
_CHUNK = 1000  # devices that are read before they are written


@dataclass(frozen=True, slots=True)
class Revocation:
    """What became of an enrollment's devices."""

    revoked: int = 0
    """How many are disabled on their hubs."""
    left: Mapping[str, str] = field(default_factory=dict)
    """Those that are not, by their ids: why. At most 100 of them."""
    declared: Mapping[str, str] = field(default_factory=dict)
    """Those that a resource of this package declares too, which would enable them again: the owner of each. At most 100."""

    def require_complete(self, what: str) -> None:
        """Refuse to call it revoked while a device may still connect.

        Raises:
            RevocationError: there are such devices; all others are disabled.
        """
        if not self.left:
            return
        first, why = next(iter(self.left.items()))
        named = ", ".join(f"'{one}'" for one in list(self.left)[:_MOST_NAMED]) + (" and others" if len(self.left) > _MOST_NAMED else "")
        fact = f"it is disabled and {self.revoked:,} of its devices with it, but not {named}: {first}: {why}"
        remedy = (
            "correct that, then run again: what is done is kept; where a hub is gone for good, set revokeDevices to false (revoke_devices)"
        )
        raise RevocationError(what, fact, remedy)


def status_reason(kind: Kind, id_: str, service_name: str) -> str:
    """Why a device is disabled, in the hub's registry; by this text alone a device is enabled again. At most 128 characters."""
    whole = f"hubtrust: {kind.title} '{id_}' of provisioning service '{service_name}' is disabled"
    if len(whole) <= _LONGEST_REASON:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:16]
    begin, end = f"hubtrust: {kind.title} '", f"…' ({digest}) is disabled"
    return f"{begin}{id_[: _LONGEST_REASON - len(begin) - len(end)]}{end}"


@dataclass
class Enrolled:
    """The devices that came by ``enrollments`` of ``service``: one group, or any number of individual enrollments.

    Individual enrollments have their device id beside them, where it is another one than the registration id. ``hub_suffix`` is that of
    the cloud's hubs: no other host is asked. ``hubs`` tells the host names of the linked hubs. A device that was refused since may have no
    hub in its registration any more: then it is looked for there, and it is a device of the enrollment if it has a thumbprint, as the
    service gives one to all of them. ``is_no_hub`` says of a host name that no hub has it, so that no device of it can connect; where
    nobody can say, it is False.
    """

    service: EnrollmentService
    kind: Kind
    enrollments: Mapping[str, str | None]
    hub_suffix: str
    open_registry: Callable[[str], Registry]
    is_no_hub: Callable[[str], bool]
    hubs: Callable[[], Collection[str]] = tuple
    sleep: Callable[[float], None] = time.sleep

    def revoke(self) -> Revocation:
        """Disable the devices on their hubs. The enrollment must be disabled already.

        A registration that was under way then may end later, so they are asked for until there is no new one.

        Raises:
            AzureError: the provisioning service does not tell its registrations; nothing or a part is done.
        """
        seen: dict[str, str] = {}  # etags by registration id
        outcome, under_way = Outcome(), list[str]()
        for turn, wait in enumerate((0.0, *REVOCATION_WAITS)):
            self.sleep(wait)
            found = dict(self._registrations())
            fresh = {one: enrollment for one, enrollment in found.items() if seen.get(one.registration_id) != one.etag}
            outcome = outcome.then(self._write(fresh, _disabled))
            seen |= {one.registration_id: one.etag for one in found}
            under_way = [one.registration_id for one in found if one.status == "assigning"]
            if turn and not under_way and not fresh:
                break
        outcome.left |= dict.fromkeys(under_way, "its registration is under way and does not end")
        return _revocation(outcome)

    def restore(self, what: str) -> int:
        """Enable the devices that ``revoke`` disabled, and no others; returns how many. The enrollment must be enabled already.

        Raises:
            AzureError: the provisioning service does not tell its registrations.
            RevocationError: some devices are still disabled; all others are enabled.
        """
        outcome = self._write(dict(self._registrations(sure=True)), _enabled)
        if outcome.left:
            first, why = next(iter(outcome.left.items()))
            fact = f"it is enabled, but {len(outcome.left):,} of its devices are still disabled, such as '{first}': {why}"
            raise RevocationError(what, fact, "correct that, then run again: what is done is kept")
        return len(outcome.changed)

    def look(self) -> Revocation:
        """What there is to do for ``revoke``: nothing is written.

        Raises:
            AzureError: the provisioning service does not tell its registrations, or a hub its devices.
        """
        return _revocation(self._write(dict(self._registrations()), lambda _found, _reason: None, looking=True))

    def _registrations(self, *, sure: bool = False) -> Iterator[tuple[Registration, str]]:
        """Each with the enrollment by which it came. ``sure``: they are asked for once, so that one 404 is not believed."""
        if self.kind is GROUPS:
            yield from ((one, group) for group in self.enrollments for one in self.service.registrations(group))
            return
        found = self._read(self.enrollments)

        def all_of_them() -> bool | None:
            found.update(self._read([id_ for id_, one in found.items() if one is None]))
            return None if None in found.values() else True

        if sure and None in found.values():
            self.service.found_again(all_of_them)
        yield from ((one, id_) for id_, one in found.items() if one is not None)

    def _read(self, registration_ids: Collection[str]) -> dict[str, Registration | None]:
        with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
            return dict(zip(registration_ids, pool.map(self.service.registration, registration_ids), strict=True))

    def _write(self, registrations: Mapping[Registration, str], wanted: Wanted, *, looking: bool = False) -> Outcome:
        """Write the devices of these registrations, hub by hub: one that fails keeps no other from being done."""
        by_hub: dict[str, dict[str, Place]] = {}
        name = self.service.host.partition(".")[0]
        for one, enrollment in registrations.items():
            device_id = one.device_id or self.enrollments[enrollment] or one.registration_id
            place = Place(status_reason(self.kind, enrollment, name), is_known=bool(one.assigned_hub))
            for host in [one.assigned_hub] if one.assigned_hub else self.hubs():
                by_hub.setdefault(host.lower(), {})[device_id] = place
        outcome = Outcome()
        for host, devices in by_hub.items():
            if not host.endswith(f".{self.hub_suffix}"):
                outcome.left |= dict.fromkeys(devices, f"its hub '{host}' is none of this cloud's")
                continue
            for start in range(0, len(devices), _CHUNK):
                outcome.add(self._write_on(host, dict(list(devices.items())[start : start + _CHUNK]), wanted, looking=looking))
        return outcome

    def _write_on(self, host: str, devices: Mapping[str, Place], wanted: Wanted, *, looking: bool) -> Outcome:
        linked = host in {one.lower() for one in self.hubs()}
        if not linked and self.is_no_hub(host):  # it was unlinked and deleted, and its devices with it
            return Outcome(absent=set(devices))
        outcome = Outcome()
        try:
            with self.open_registry(host) as registry:
                DevicesOnHub(registry, devices, wanted, outcome, self.sleep, looking=looking).write()
        except AzureError as error:
            if linked and self.is_no_hub(host):  # a link outlives its hub
                return Outcome(absent=set(devices))
            if looking:
                raise
            outcome.left |= dict.fromkeys(set(devices) - outcome.done, f"{error.what}: {error.fact}")
        return outcome


def _revocation(outcome: Outcome) -> Revocation:
    """For an output."""
    left, declared = (dict(sorted(one.items())[:_MOST_KEPT]) for one in (outcome.left, outcome.declared))
    return Revocation(len(outcome.disabled - set(outcome.left)), left, declared)


def _disabled(found: Twin, reason: str) -> Twin | None:
    if not found.description.enabled:
        return None
    return replace(found, description=replace(found.description, enabled=False, reason=reason))


def _enabled(found: Twin, reason: str) -> Twin | None:
    if found.description.enabled or found.description.reason != reason:
        return None
    return replace(found, description=replace(found.description, enabled=True, reason=None))
