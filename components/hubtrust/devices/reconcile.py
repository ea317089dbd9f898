"""Reconcile the devices on a hub with their declarations: find those that differ, write them in bulk, repeat until none differs."""

import enum
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from hubtrust.azure.bulk import MOST_IN_BULK, Operation, Refusal, RefusalReason, creation, deletion, identity_update, twin_update
from hubtrust.azure.device_description import OWNER_TAG, DeviceDescription, Twin
from hubtrust.azure.registry import Registry
from hubtrust.azure.retry import BUSY_WAIT, MOST_ROUNDS
from hubtrust.devices.description import Scope, same_identity
from hubtrust.devices.id_patterns import as_setting
from hubtrust.devices.progress import Progress
from hubtrust.devices.reading import MOST_READ, PARALLEL, confirm_absent, read_each, until_one_fails
from hubtrust.many_errors import named
from hubtrust.process import now
from hubtrust.reconcile_errors import AlreadyExistsError, FleetError

_NO_SCOPES: Mapping[str, str] = {}
Owner = Mapping[str, str]  # the value of the owner tag: {stack, urn}
Declaration = Callable[[str], DeviceDescription | None]  # what is declared of a device id; None: the device must not exist


class Action(enum.Enum):
    """The next operation on a device."""

    CREATE = "create"
    UPDATE_IDENTITY = "update identity"
    UPDATE_TWIN = "update twin"
    DELETE = "delete"
    REFUSE = "refuse"  # it belongs to another owner


_DONE = {Action.CREATE: "created", Action.UPDATE_IDENTITY: "updated", Action.UPDATE_TWIN: "updated", Action.DELETE: "deleted"}


@dataclass
class Reconciliation:
    """One reconciliation of devices on a hub: first ``find`` (a fleet) or ``read`` (devices whose ids are known), then ``apply``.

    ``owner`` is the tag of this resource's devices, ``former`` are the tags that they may still have from before the resource was renamed,
    and ``scope`` is the part of their twins that we manage.
    """

    registry: Registry
    what: str  # how messages name the devices
    owner: Owner
    scope: Scope
    declaration: Declaration
    former: Collection[Owner | None] = ()  # None: devices without a tag are ours, because they were imported
    adopt: Collection[str] = ()  # ids of devices that may be taken over from others
    report: Callable[[str], None] = print
    sleep: Callable[[float], None] = time.sleep
    is_excluded: Callable[[str], bool] = lambda _: False  # devices to leave unchanged
    # Devices that differ from their declaration, as they were read or written last; None: the device does not exist.
    differing: dict[str, Twin | None] = field(default_factory=dict)
    matching: set[str] = field(default_factory=set)  # devices that were as declared when they were read
    written: set[str] = field(default_factory=set)  # devices that were created, updated or deleted
    adopted: set[str] = field(default_factory=set)  # devices of others that were written
    _shared: dict[tuple[bool, str], DeviceDescription] = field(default_factory=dict)  # of devices that are to be deleted

    def find(self) -> None:
        """Find our devices in the hub's query index. Then read each device that differs from the registry itself, up to 1,000."""
        for owner in (self.owner, *(one for one in self.former if one is not None)):
            for twin in self.registry.owned(owner):
                self._compare(twin.device_id, twin)
        if len(self.differing) <= MOST_READ:
            self.read(list(self.differing))

    def read(self, device_ids: Collection[str]) -> None:
        """Read these devices from the registry itself, because the query index shows changes late.

        A device that is to be deleted and that the hub does not know is asked for again: it counts as deleted from then on.
        """
        self.matching.difference_update(device_ids)
        found = read_each(self.registry, device_ids)
        absent = [one for one, twin in found.items() if twin is None and self.declaration(one) is None and not self.is_excluded(one)]
        found |= confirm_absent(self.registry, absent)
        for device_id, twin in found.items():
            self._compare(device_id, twin)

    def apply(self, device_ids: Iterable[str] = ()) -> int:
        """Create, update or delete these devices and those that were found to differ; returns how many changed.

        Raises:
            AlreadyExistsError: devices with these ids have another owner; every other device was attempted.
            FleetError: the hub refused some devices; every other device is as declared.
            AzureError: a call failed; no further calls were started.
        """
        # First the devices that were not read: they are tried as new ones. Then those that were read and differ.
        pending = [one for one in device_ids if one not in self.matching and one not in self.differing] + list(self.differing)
        done: dict[str, set[str]] = {}
        failed, not_ours = dict[str, str](), set[str]()
        progress = Progress(self.what, len(pending), self.report)
        for round_number in range(MOST_ROUNDS):
            actions = {one: action for one in pending if (action := self._action(one)) is not None}
            not_ours |= {one for one, action in actions.items() if action is Action.REFUSE}
            to_write = [one for one in actions if one not in not_ours]
            if not to_write:
                break
            foreign = {one for one in to_write if self._is_foreign(one)}
            refusals = self._write(to_write, actions, progress)
            self.adopted |= foreign - refusals.keys()
            for one in to_write:
                if one not in refusals:
                    done.setdefault(_DONE[actions[one]], set()).add(one)
            failed |= {one: refusal.message for one, refusal in refusals.items() if refusal.reason is RefusalReason.OTHER}
            self._reread(refusals, round_number)
            pending = [one for one in to_write if one not in failed and (one in refusals or actions[one] is Action.UPDATE_IDENTITY)]
        else:
            failed |= dict.fromkeys(pending, f"still not as declared after {MOST_ROUNDS} attempts")
        if done:
            self.written |= set().union(*done.values())
            self.report(f"{self.what}: {', '.join(f'{len(ids):,} {word}' for word, ids in sorted(done.items()))}")
        self._raise(failed, not_ours)
        return sum(map(len, done.values()))

    def last_write(self, earlier: object) -> object:
        """A text that changes with every write: the hub's time of the last one, or ``earlier`` if nothing was written; never None.

        The hub tells its time in whole seconds; the fraction is this machine's, and tells two writes in one second apart.
        """
        if not self.written:
            return earlier or ""
        here = now()
        return (self.registry.time or here).replace(microsecond=here.microsecond).isoformat(timespec="milliseconds")

    def _compare(self, device_id: str, twin: Twin | None) -> None:
        self.differing[device_id] = twin
        action = self._action(device_id)
        if action is None:
            del self.differing[device_id]
            self.matching.add(device_id)
        elif action is Action.DELETE and twin is not None:
            self.differing[device_id] = self._to_delete(twin)

    def _to_delete(self, found: Twin) -> Twin:
        """What a deletion needs of a device: a million whole twins would take gigabytes."""
        owner, enabled = found.description.owner, found.description.enabled
        which = enabled, str(owner)
        if which not in self._shared:
            self._shared[which] = DeviceDescription(enabled=enabled, tags={OWNER_TAG: owner})
        return Twin(found.device_id, self._shared[which], "", "", found.device_etag, _NO_SCOPES)

    def _action(self, device_id: str) -> Action | None:
        """The next operation on the device; None: it is as declared."""
        if self.is_excluded(device_id):
            return None
        declared, found = self.declaration(device_id), self.differing.get(device_id)
        if found is None:  # it does not exist, was not read, or matches
            return None if declared is None or device_id in self.matching else Action.CREATE
        ours = not self._is_foreign(device_id)
        if declared is None:
            return Action.DELETE if ours else None
        if not ours and device_id not in self.adopt:
            return Action.REFUSE
        if not same_identity(found, declared):
            return Action.UPDATE_IDENTITY
        return None if found.description.owner == self.owner and self.scope.same_twin(found.description, declared) else Action.UPDATE_TWIN

    def _is_foreign(self, device_id: str) -> bool:
        """Whether the device was found, and has another owner, or none."""
        found = self.differing.get(device_id)
        return found is not None and found.description.owner != self.owner and found.description.owner not in self.former

    def _operation(self, device_id: str, action: Action) -> Operation:
        declared, found = self.declaration(device_id), self.differing.get(device_id)
        if found is None or action is Action.CREATE:
            return creation(device_id, declared or DeviceDescription(), self.owner)
        if declared is None:
            return deletion(found)
        if action is Action.UPDATE_IDENTITY:
            return identity_update(found, declared)
        return twin_update(found, *self.scope.changes(declared), self.owner)

    def _write(self, to_write: list[str], actions: Mapping[str, Action], progress: Progress) -> dict[str, Refusal]:
        """Write the devices, several bulk calls in parallel. Returns the refusals. After the first failed call no further calls start."""

        def send(chunk: list[str]) -> list[Refusal]:
            return self.registry.bulk([self._operation(one, actions[one]) for one in chunk])

        refused: dict[str, Refusal] = {}
        with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
            chunks = [to_write[start : start + MOST_IN_BULK] for start in range(0, len(to_write), MOST_IN_BULK)]
            futures = {pool.submit(send, chunk): chunk for chunk in chunks}
            for future in until_one_fails(futures):
                refusals = {one.device_id: one for one in future.result()}
                refused |= refusals
                progress.add(len(futures[future]) - len(refusals))
        for one in to_write:
            if actions[one] is Action.UPDATE_IDENTITY and one not in refused:
                self._remember_identity(one)
        return refused

    def _remember_identity(self, device_id: str) -> None:
        """Record that the identity is now as declared. The twin is still as it was read, and may need an update next."""
        declared, found = self.declaration(device_id), self.differing[device_id]
        if declared is None or found is None:  # pragma: no cover - an identity is updated only if both exist
            return
        held = replace(declared, tags=found.description.tags, desired=found.description.desired)
        self.differing[device_id] = replace(found, description=held, authentication=declared.authentication)

    def _reread(self, refusals: Mapping[str, Refusal], round_number: int) -> None:
        """Read refused devices again: they may exist already, be deleted or have changed. If the hub is busy, wait."""
        for one, refusal in refusals.items():
            if refusal.reason is RefusalReason.ABSENT:
                self.differing[one] = None
        changed = [one for one, refusal in refusals.items() if refusal.reason in (RefusalReason.EXISTS, RefusalReason.STALE)]
        doomed = [one for one, refusal in refusals.items() if refusal.reason is RefusalReason.ABSENT and self.declaration(one) is None]
        self.read([*changed, *doomed])
        if any(refusal.reason is RefusalReason.BUSY for refusal in refusals.values()):
            self.sleep(BUSY_WAIT * 2**round_number)

    def _raise(self, failed: Mapping[str, str], not_ours: Collection[str]) -> None:
        refused = f"the hub refused {_display(failed)}: {next(iter(failed.values()))}" if failed else ""
        if not_ours:
            owners = {_owner_of(self.differing[one]) for one in not_ours}
            one, many = "exists and is not managed by this resource", "exist and are not managed by this resource"
            fact = f"{_display(not_ours)} {one if len(not_ours) == 1 else many} ({', '.join(sorted(owners))})"
            consent = f"{as_setting('adoptDevices', not_ours)} (the argument adopt in a program)"
            remedy = f"use other ids, or, to take over, {consent}; after a rename of this resource, give it an alias"
            raise AlreadyExistsError(self.what, f"{fact}, and {refused}" if refused else fact, remedy)
        if refused:
            raise FleetError(self.what, refused, "run again: work already done is kept, and the next run continues from it")


def _display(device_ids: Collection[str]) -> str:
    """Devices in a message."""
    return f"device{'' if len(device_ids) == 1 else 's'} {named(device_ids)}"


def _owner_of(found: Twin | None) -> str:
    owner = found.description.owner if found else None
    return f"owned by {owner.get('urn')} in stack {owner.get('stack')}" if isinstance(owner, Mapping) else "without an owner tag"
