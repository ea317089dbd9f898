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

from hubtrust.azure.bulk import MOST_IN_BULK, Refusal, RefusalReason, identity_update
from hubtrust.azure.device_description import Twin
from hubtrust.azure.enrollment_service import GROUPS, EnrollmentService, Kind, Registration
from hubtrust.azure.errors import AzureError
from hubtrust.azure.registry import Registry
from hubtrust.azure.retry import BUSY_WAIT, MOST_ROUNDS, REVOCATION_WAITS
from hubtrust.devices.reading import PARALLEL, confirm_absent, read_each
from hubtrust.reconcile_errors import RevocationError

_LONGEST_REASON = 128  # characters of a device's status reason
_MOST_NAMED = 5  # devices in a message
_MOST_KEPT = 100  # devices in an output
_CHUNK = 1000  # devices that are read before they are written
_CAN_BE_DISABLED = ("selfSigned", "certificateAuthority")  # the twin shows all of such an identity; of others it does not show the keys


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
        outcome, under_way = _Outcome(), list[str]()
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
        return outcome.result()

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
        return self._write(dict(self._registrations()), lambda _found, _reason: None, looking=True).result()

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

    def _write(self, registrations: Mapping[Registration, str], wanted: "_Wanted", *, looking: bool = False) -> "_Outcome":
        """Write the devices of these registrations, hub by hub: one that fails keeps no other from being done."""
        by_hub: dict[str, dict[str, _Place]] = {}
        name = self.service.host.partition(".")[0]
        for one, enrollment in registrations.items():
            device_id = one.device_id or self.enrollments[enrollment] or one.registration_id
            place = _Place(status_reason(self.kind, enrollment, name), is_known=bool(one.assigned_hub))
            for host in [one.assigned_hub] if one.assigned_hub else self.hubs():
                by_hub.setdefault(host.lower(), {})[device_id] = place
        outcome = _Outcome()
        for host, devices in by_hub.items():
            if not host.endswith(f".{self.hub_suffix}"):
                outcome.left |= dict.fromkeys(devices, f"its hub '{host}' is none of this cloud's")
                continue
            for start in range(0, len(devices), _CHUNK):
                outcome.add(self._write_on(host, dict(list(devices.items())[start : start + _CHUNK]), wanted, looking=looking))
        return outcome

    def _write_on(self, host: str, devices: Mapping[str, "_Place"], wanted: "_Wanted", *, looking: bool) -> "_Outcome":
        linked = host in {one.lower() for one in self.hubs()}
        if not linked and self.is_no_hub(host):  # it was unlinked and deleted, and its devices with it
            return _Outcome(absent=set(devices))
        outcome = _Outcome()
        try:
            with self.open_registry(host) as registry:
                _OnHub(registry, devices, wanted, outcome, self.sleep, looking=looking).write()
        except AzureError as error:
            if linked and self.is_no_hub(host):  # a link outlives its hub
                return _Outcome(absent=set(devices))
            if looking:
                raise
            outcome.left |= dict.fromkeys(set(devices) - outcome.done, f"{error.what}: {error.fact}")
        return outcome


@dataclass(frozen=True, slots=True)
class _Place:
    """A device on a hub: the reason with which it is disabled, and whether its registration tells this hub."""

    reason: str
    is_known: bool


_Wanted = Callable[[Twin, str], Twin | None]  # a device as it is, and our reason: the device as it is to be; None: as it is


def _disabled(found: Twin, reason: str) -> Twin | None:
    if not found.description.enabled:
        return None
    return replace(found, description=replace(found.description, enabled=False, reason=reason))


def _enabled(found: Twin, reason: str) -> Twin | None:
    if found.description.enabled or found.description.reason != reason:
        return None
    return replace(found, description=replace(found.description, enabled=True, reason=None))


@dataclass
class _Outcome:
    """What is known of the devices so far, by their ids."""

    disabled: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    left: dict[str, str] = field(default_factory=dict)
    declared: dict[str, str] = field(default_factory=dict)

    @property
    def done(self) -> set[str]:
        """Those of which nothing is left to find out."""
        return self.disabled | self.changed | self.absent

    def add(self, other: "_Outcome") -> None:
        """The devices of another hub, or other ones of this hub."""
        self.disabled |= other.disabled
        self.changed |= other.changed
        self.absent |= other.absent
        self.left |= other.left
        self.declared |= other.declared

    def then(self, other: "_Outcome") -> "_Outcome":
        """After ``other``, which came later: a device that registered again may be another one now, on another hub."""
        left = {one: why for one, why in self.left.items() if one not in other.done} | other.left
        gone = (other.absent | set(other.left)) - other.disabled
        disabled, declared = (self.disabled - gone) | other.disabled, self.declared | other.declared
        return _Outcome(disabled, self.changed | other.changed, self.absent | other.absent, left, declared)

    def result(self) -> Revocation:
        """For an output."""
        left, declared = (dict(sorted(one.items())[:_MOST_KEPT]) for one in (self.left, self.declared))
        return Revocation(len(self.disabled - set(self.left)), left, declared)


@dataclass
class _OnHub:
    """The devices of one hub: each is read, and written with the etag that was read."""

    registry: Registry
    devices: Mapping[str, _Place]  # by id
    wanted: _Wanted
    outcome: _Outcome
    sleep: Callable[[float], None]
    looking: bool

    def write(self) -> None:
        """Bring them to what is wanted. What the hub refuses for good is recorded as left."""
        pending = list(self.devices)
        for round_number in range(MOST_ROUNDS):
            found = self._read(pending)
            to_write = {one.device_id: target for one in found if (target := self._target(one)) is not None}
            refusals = self._send([(one, to_write[one.device_id]) for one in found if one.device_id in to_write])
            self._record(to_write, refusals)
            pending = [one.device_id for one in refusals if one.reason in (RefusalReason.STALE, RefusalReason.BUSY, RefusalReason.ABSENT)]
            if not pending:
                return
            if any(one.reason is RefusalReason.BUSY for one in refusals):
                self.sleep(BUSY_WAIT * 2**round_number)
        self.outcome.left |= dict.fromkeys(pending, f"the hub did not take it in {MOST_ROUNDS} attempts")

    def _read(self, device_ids: Collection[str]) -> list[Twin]:
        """The devices that there are. That one is gone is confirmed, because a 404 may be wrong."""
        found = read_each(self.registry, device_ids)
        found |= confirm_absent(self.registry, [one for one, twin in found.items() if twin is None])
        here = {
            one: twin
            for one, twin in found.items()
            if twin is not None and (self.devices[one].is_known or twin.authentication == "selfSigned")
        }
        self.outcome.absent |= found.keys() - here.keys()
        return list(here.values())

    def _target(self, found: Twin) -> Twin | None:
        """The device as it is to be; None: it stays as it is, and what it is was recorded."""
        self.outcome.left.pop(found.device_id, None)
        if self.looking and found.description.enabled:
            self.outcome.left[found.device_id] = "it is enabled on its hub"
            return None
        target = self.wanted(found, self.devices[found.device_id].reason)
        if target is None:
            if not found.description.enabled:
                self.outcome.disabled.add(found.device_id)
            return None
        if found.authentication not in _CAN_BE_DISABLED:
            kind = found.authentication or "unknown"
            self.outcome.left[found.device_id] = f"its identity was changed to type {kind} by others, whose keys a write would lose"
            return None
        if isinstance(found.description.owner, Mapping):
            self.outcome.declared[found.device_id] = str(found.description.owner.get("urn")).rpartition("::")[2]
        return target

    def _send(self, changes: list[tuple[Twin, Twin]]) -> list[Refusal]:
        operations = [identity_update(found, target.description) for found, target in changes]
        chunks = [operations[start : start + MOST_IN_BULK] for start in range(0, len(operations), MOST_IN_BULK)]
        with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
            return [one for refusals in pool.map(self.registry.bulk, chunks) for one in refusals]

    def _record(self, written: Mapping[str, Twin], refusals: Collection[Refusal]) -> None:
        refused = {one.device_id for one in refusals}
        for device_id, target in written.items():
            if device_id in refused:
                continue
            self.outcome.changed.add(device_id)
            if not target.description.enabled:
                self.outcome.disabled.add(device_id)
        self.outcome.left |= {one.device_id: one.message for one in refusals if one.reason in (RefusalReason.OTHER, RefusalReason.EXISTS)}
