"""Make the devices on a hub what is declared: find those that differ, write them in bulk, repeat until none differs."""

import enum
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from typing import TypeVar

from hubtrust.azure.bulk import MOST_IN_BULK, Operation, Refusal, Refused, creation, deletion, identity_update, twin_update
from hubtrust.azure.device_description import DeviceDescription, Twin
from hubtrust.azure.errors import AzureError
from hubtrust.azure.registry import Registry
from hubtrust.devices.description import Scope, same_identity
from hubtrust.devices.progress import Progress
from hubtrust.reconcile_errors import FleetError, TakenError

_PARALLEL = 8  # calls at a time: enough to use a hub's quota, few enough to wait in its queue
_MOST_READ = 1000  # devices that are read one by one before they are written: the index may be out of date
_MOST_ROUNDS = 8  # of writing what still differs: if that is not enough, somebody else keeps changing it
_FIRST_WAIT = 0.5  # seconds
_MOST_NAMED = 5  # devices in a message
_T = TypeVar("_T")
Owner = Mapping[str, str]
Wanted = Callable[[str], DeviceDescription | None]  # what a device is to be; None: it is to be deleted


class Action(enum.Enum):
    """What a device needs next."""

    CREATE = "create"
    UPDATE_IDENTITY = "update identity"
    UPDATE_TWIN = "update twin"
    DELETE = "delete"
    REFUSE = "refuse"  # it belongs to another owner


_DONE = {Action.CREATE: "created", Action.UPDATE_IDENTITY: "updated", Action.UPDATE_TWIN: "updated", Action.DELETE: "deleted"}


@dataclass
class Reconciliation:
    """One reconciliation of devices on a hub. First ``find`` or ``read``, then ``apply``.

    ``owner`` is the tag of our devices, ``former`` the tags that they may still have (of a renamed resource), ``scope`` the part of their
    twins that we manage.
    """

    registry: Registry
    what: str  # how messages name the devices
    owner: Owner
    scope: Scope
    wanted: Wanted
    former: Collection[Owner] = ()
    adopt: bool = False
    tell: Callable[[str], None] = print
    sleep: Callable[[float], None] = time.sleep
    spared: Callable[[str], bool] = lambda _: False  # devices to leave as they are
    differing: dict[str, Twin | None] = field(default_factory=dict)  # devices that were not as wanted when read; None: absent
    matching: set[str] = field(default_factory=set)  # devices that were as wanted when read

    def find(self) -> None:
        """Find our devices in the hub's index; read those that differ again, from the registry itself, unless they are too many."""
        for owner in (self.owner, *self.former):
            for twin in self.registry.owned(owner):
                self._sort(twin.device_id, twin)
        if len(self.differing) <= _MOST_READ:
            self.read(list(self.differing))

    def read(self, device_ids: Collection[str]) -> None:
        """Read these devices from the registry itself: the index lags behind it."""
        with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
            for device_id, twin in zip(device_ids, pool.map(self.registry.twin, device_ids), strict=True):
                self._sort(device_id, twin)

    def apply(self, device_ids: Iterable[str] = ()) -> int:
        """Make these devices, and those that were found to differ, what is wanted; returns how many changed.

        Raises:
            TakenError: other owners have devices with these ids; all others are done.
            FleetError: the hub refused some; all others are done.
            AzureError: a call failed; the calls before it are done.
        """
        pending = [one for one in device_ids if one not in self.matching and one not in self.differing] + list(self.differing)
        done: dict[str, set[str]] = {}
        failed, taken = dict[str, str](), set[str]()
        progress = Progress(self.what, len(pending), self.tell)
        for attempt in range(_MOST_ROUNDS):
            actions = {one: action for one in pending if (action := self._action(one)) is not None}
            taken |= {one for one, action in actions.items() if action is Action.REFUSE}
            due = [one for one in actions if one not in taken]
            if not due:
                break
            refusals = self._carry_out(due, actions, progress)
            for one in due:
                if one not in refusals:
                    done.setdefault(_DONE[actions[one]], set()).add(one)
            failed |= {one: refusal.words for one, refusal in refusals.items() if refusal.why is Refused.OTHER}
            self._reread(refusals, attempt)
            pending = [one for one in due if one not in failed and (one in refusals or actions[one] is Action.UPDATE_IDENTITY)]
        else:
            failed |= dict.fromkeys(pending, "it keeps changing")
        if done:
            self.tell(f"{self.what}: {', '.join(f'{len(ids):,} {word}' for word, ids in sorted(done.items()))}")
        self._raise(failed, taken)
        return sum(map(len, done.values()))

    def _sort(self, device_id: str, twin: Twin | None) -> None:
        self.differing[device_id] = twin
        if self._action(device_id) is None:
            del self.differing[device_id]
            self.matching.add(device_id)

    def _action(self, device_id: str) -> Action | None:
        """What the device needs next; None: nothing."""
        if self.spared(device_id):
            return None
        declared, found = self.wanted(device_id), self.differing.get(device_id)
        if found is None:
            return None if declared is None or device_id in self.matching else Action.CREATE
        tag = found.description.tags.get("hubtrust")
        ours = tag == self.owner or tag in self.former
        if declared is None:
            return Action.DELETE if ours else None
        if not ours and not self.adopt:
            return Action.REFUSE
        if not same_identity(found, declared):
            return Action.UPDATE_IDENTITY
        return None if tag == self.owner and self.scope.same_twin(found.description, declared) else Action.UPDATE_TWIN

    def _operation(self, device_id: str, action: Action) -> Operation:
        declared, found = self.wanted(device_id), self.differing.get(device_id)
        if found is None or action is Action.CREATE:
            return creation(device_id, declared or DeviceDescription(), self.owner)
        if declared is None:
            return deletion(found)
        if action is Action.UPDATE_IDENTITY:
            return identity_update(found, declared)
        return twin_update(found, *self.scope.changes(declared), self.owner)

    def _carry_out(self, due: list[str], actions: Mapping[str, Action], progress: Progress) -> dict[str, Refusal]:
        """Write the devices, 100 a call and several calls at a time; the first call that fails ends it. Returns what was refused."""

        def send(chunk: list[str]) -> list[Refusal]:
            return self.registry.bulk([self._operation(one, actions[one]) for one in chunk])

        refused: dict[str, Refusal] = {}
        with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
            chunks = [due[start : start + MOST_IN_BULK] for start in range(0, len(due), MOST_IN_BULK)]
            futures = {pool.submit(send, chunk): chunk for chunk in chunks}
            for future in _or_cancel(futures):
                refusals = {one.device_id: one for one in future.result()}
                refused |= refusals
                progress.add(len(futures[future]) - len(refusals))
        for one in due:
            if actions[one] is Action.UPDATE_IDENTITY and one not in refused:
                self._remember_identity(one)
        return refused

    def _remember_identity(self, device_id: str) -> None:
        """The identity is as declared now. The twin is still as it was read, and may need an update next."""
        declared, found = self.wanted(device_id), self.differing[device_id]
        if declared is None or found is None:  # pragma: no cover - an identity is updated only if both exist
            return
        held = replace(declared, tags=found.description.tags, desired=found.description.desired)
        self.differing[device_id] = replace(found, description=held, authentication=declared.authentication)

    def _reread(self, refusals: Mapping[str, Refusal], attempt: int) -> None:
        """Refused devices may exist already, be gone, or have changed meanwhile: read them again. If the hub is busy, wait."""
        for one, refusal in refusals.items():
            if refusal.why is Refused.ABSENT:
                self.differing[one] = None
        self.read([one for one, refusal in refusals.items() if refusal.why in (Refused.EXISTS, Refused.STALE)])
        if any(refusal.why is Refused.BUSY for refusal in refusals.values()):
            self.sleep(_FIRST_WAIT * 2**attempt)

    def _raise(self, failed: Mapping[str, str], taken: Collection[str]) -> None:
        if taken:
            owners = {_owner_of(self.differing[one]) for one in taken}
            fact = f"{named(taken)} {'exists' if len(taken) == 1 else 'exist'} and {'is' if len(taken) == 1 else 'are'} not ours"
            remedy = "use other ids, give an alias if this resource was renamed, or set adopt to take them over"
            raise TakenError(self.what, f"{fact} ({', '.join(sorted(owners))})", remedy)
        if failed:
            words = next(iter(failed.values()))
            raise FleetError(
                self.what,
                f"the hub refused {named(failed)}: {words}",
                "run again: work already done is kept, and the next run continues from it",
            )


def named(device_ids: Collection[str]) -> str:
    """Devices in a message: the first few by name, and how many more."""
    first = ", ".join(f"'{one}'" for one in sorted(device_ids)[:_MOST_NAMED])
    more = len(device_ids) - _MOST_NAMED
    return f"device {first}" if len(device_ids) == 1 else f"devices {first}" + (f" and {more:,} more" if more > 0 else "")


def _owner_of(found: Twin | None) -> str:
    tag = found.description.tags.get("hubtrust") if found else None
    return f"owned by {tag.get('urn')} in stack {tag.get('stack')}" if isinstance(tag, Mapping) else "without an owner tag"


def _or_cancel(futures: Collection[Future[_T]]) -> Iterator[Future[_T]]:
    """Each future as it completes; when one fails, those that have not started are cancelled."""
    for future in as_completed(futures):
        if isinstance(future.exception(), AzureError):
            for other in futures:
                other.cancel()
        yield future
