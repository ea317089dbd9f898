"""Devices of one hub that came by an enrollment: read one by one, and disabled or enabled with the etag that was read."""

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from hubtrust.azure.bulk import MOST_IN_BULK, Refusal, RefusalReason, identity_update
from hubtrust.azure.device_description import Twin
from hubtrust.azure.registry import Registry
from hubtrust.azure.retry import BUSY_WAIT, MOST_ROUNDS
from hubtrust.devices.reading import PARALLEL, confirm_absent, read_each

_CAN_BE_DISABLED = ("selfSigned", "certificateAuthority")  # the twin shows all of such an identity; of others it does not show the keys


@dataclass(frozen=True, slots=True)
class Place:
    """A device on a hub: the reason with which it is disabled, and whether its registration tells this hub."""

    reason: str
    is_known: bool


Wanted = Callable[[Twin, str], Twin | None]  # a device as it is, and our reason: the device as it is to be; None: as it is


@dataclass
class Outcome:
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

    def add(self, other: "Outcome") -> None:
        """The devices of another hub, or other ones of this hub."""
        self.disabled |= other.disabled
        self.changed |= other.changed
        self.absent |= other.absent
        self.left |= other.left
        self.declared |= other.declared

    def then(self, other: "Outcome") -> "Outcome":
        """After ``other``, which came later: a device that registered again may be another one now, on another hub."""
        left = {one: why for one, why in self.left.items() if one not in other.done} | other.left
        gone = (other.absent | set(other.left)) - other.disabled
        disabled, declared = (self.disabled - gone) | other.disabled, self.declared | other.declared
        return Outcome(disabled, self.changed | other.changed, self.absent | other.absent, left, declared)


@dataclass
class DevicesOnHub:
    """The devices of one hub: each is read, and written with the etag that was read."""

    registry: Registry
    devices: Mapping[str, Place]  # by id
    wanted: Wanted
    outcome: Outcome
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
        self.outcome.left |= dict.fromkeys(pending, f"the hub did not accept it in {MOST_ROUNDS} attempts")

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
