"""Devices on one hub, from whatever is found there to what is declared: read, write what differs, 100 a call, until nothing does."""

import enum
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from typing import TypeVar

from hubtrust.azure.errors import AzureError
from hubtrust.azure.registry import (
    MOST_IN_BULK,
    Operation,
    Refusal,
    Refused,
    Registration,
    Registry,
    Twin,
    creation,
    deletion,
    identity_update,
    twin_update,
)
from hubtrust.devices.description import Scope, same_identity
from hubtrust.devices.progress import Progress
from hubtrust.reconcile_errors import FleetError, TakenError

_PARALLEL = 8  # calls under way: enough to fill a hub's allowance, few enough to wait in its queue
_MOST_LOOKED_AT = 1000  # devices read one by one before they are written: what the index says of them may be old
_MOST_ROUNDS = 8  # of writing what is still not as declared: more means that somebody fights us
_FIRST_WAIT = 0.5  # seconds
_MOST_NAMED = 5  # devices in a message
_T = TypeVar("_T")
Owner = Mapping[str, str]
Wanted = Callable[[str], Registration | None]  # of a device: None when it is to go


class Verb(enum.Enum):
    """What is to be done next for a device."""

    MAKE = "make"
    IDENTITY = "identity"
    TWIN = "twin"
    DELETE = "delete"
    REFUSE = "refuse"  # it is not ours


_PAST = {Verb.MAKE: "made", Verb.IDENTITY: "updated", Verb.TWIN: "updated", Verb.DELETE: "deleted"}


@dataclass
class Registrar:
    """``owner`` is our tag; ``former`` are tags that were ours (a renamed resource); ``scope`` is what is ours to say in twins.

    First ``find`` or ``look_at``, then ``settle``.
    """

    registry: Registry
    what: str  # how messages call it
    owner: Owner
    scope: Scope
    wanted: Wanted
    former: Collection[Owner] = ()
    adopt: bool = False
    tell: Callable[[str], None] = print
    sleep: Callable[[float], None] = time.sleep
    spared: Callable[[str], bool] = lambda _: False  # devices to leave alone whatever is wanted
    known: dict[str, Twin | None] = field(default_factory=dict)  # of what is not as wanted; None: not there
    settled: set[str] = field(default_factory=set)  # as wanted when they were found

    def find(self) -> None:
        """What of ours is not as wanted, by the index; then, where that is not too much, straight from the registry."""
        for owner in (self.owner, *self.former):
            for twin in self.registry.owned(owner):
                self._see(twin.device_id, twin)
        if len(self.known) <= _MOST_LOOKED_AT:
            self.look_at(list(self.known))

    def look_at(self, device_ids: Collection[str]) -> None:
        """These devices, straight from the registry and not from the index that lags."""
        with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
            for device_id, twin in zip(device_ids, pool.map(self.registry.twin, device_ids), strict=True):
                self._see(device_id, twin)

    def settle(self, device_ids: Iterable[str] = ()) -> int:
        """Bring these devices, and those that were found, to what is wanted of each; gives how many that took.

        Raises:
            TakenError: devices of other owners hold ids of ours; all others are done.
            FleetError: the hub refused some; all others are done.
            AzureError: a call failed; what was done stays.
        """
        pending = [one for one in device_ids if one not in self.settled and one not in self.known] + list(self.known)
        done: dict[str, set[str]] = {}
        failed, taken = dict[str, str](), set[str]()
        progress = Progress(self.what, len(pending), self.tell)
        for attempt in range(_MOST_ROUNDS):
            verbs = {one: verb for one in pending if (verb := self._verb(one)) is not None}
            taken |= {one for one, verb in verbs.items() if verb is Verb.REFUSE}
            due = [one for one in verbs if one not in taken]
            if not due:
                break
            refusals = self._carry_out(due, verbs, progress)
            for one in due:
                if one not in refusals:
                    done.setdefault(_PAST[verbs[one]], set()).add(one)
            failed |= {one: refusal.words for one, refusal in refusals.items() if refusal.why is Refused.OTHER}
            self._learn(refusals, attempt)
            pending = [one for one in due if one not in failed and (one in refusals or verbs[one] is Verb.IDENTITY)]
        else:
            failed |= dict.fromkeys(pending, "it changes all the time")
        if done:
            self.tell(f"{self.what}: {', '.join(f'{len(ids):,} {word}' for word, ids in sorted(done.items()))}")
        self._raise(failed, taken)
        return sum(map(len, done.values()))

    def _see(self, device_id: str, twin: Twin | None) -> None:
        self.known[device_id] = twin
        if self._verb(device_id) is None:
            del self.known[device_id]
            self.settled.add(device_id)

    def _verb(self, device_id: str) -> Verb | None:
        """The next thing to do for a device."""
        if self.spared(device_id):
            return None
        declared, found = self.wanted(device_id), self.known.get(device_id)
        if found is None:
            return None if declared is None or device_id in self.settled else Verb.MAKE
        tag = found.registration.tags.get("hubtrust")
        ours = tag == self.owner or tag in self.former
        if declared is None:
            return Verb.DELETE if ours else None
        if not ours and not self.adopt:
            return Verb.REFUSE
        if not same_identity(found, declared):
            return Verb.IDENTITY
        return None if tag == self.owner and self.scope.same_twin(found.registration, declared) else Verb.TWIN

    def _operation(self, device_id: str, verb: Verb) -> Operation:
        declared, found = self.wanted(device_id), self.known.get(device_id)
        if found is None or verb is Verb.MAKE:
            return creation(device_id, declared or Registration(), self.owner)
        if declared is None:
            return deletion(found)
        if verb is Verb.IDENTITY:
            return identity_update(found, declared)
        return twin_update(found, *self.scope.changes(declared), self.owner)

    def _carry_out(self, due: list[str], verbs: Mapping[str, Verb], progress: Progress) -> dict[str, Refusal]:
        """All of them, 100 a call, some calls at a time; the first call that fails ends it. Gives what was refused."""

        def send(chunk: list[str]) -> list[Refusal]:
            return self.registry.bulk([self._operation(one, verbs[one]) for one in chunk])

        refused: dict[str, Refusal] = {}
        with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
            chunks = [due[start : start + MOST_IN_BULK] for start in range(0, len(due), MOST_IN_BULK)]
            futures = {pool.submit(send, chunk): chunk for chunk in chunks}
            for future in _or_cancel(futures):
                refusals = {one.device_id: one for one in future.result()}
                refused |= refusals
                progress.add(len(futures[future]) - len(refusals))
        for one in due:
            if verbs[one] is Verb.IDENTITY and one not in refused:
                self._remember_identity(one)
        return refused

    def _remember_identity(self, device_id: str) -> None:
        """The identity is as declared now; the twin is as it was found, and may be due next."""
        declared, found = self.wanted(device_id), self.known[device_id]
        if declared is None or found is None:  # pragma: no cover - an identity is updated only where both are
            return
        held = replace(declared, tags=found.registration.tags, desired=found.registration.desired)
        self.known[device_id] = replace(found, registration=held, authentication=declared.authentication)

    def _learn(self, refusals: Mapping[str, Refusal], attempt: int) -> None:
        """From what was refused: there already, gone meanwhile, changed meanwhile, busy."""
        for one, refusal in refusals.items():
            if refusal.why is Refused.ABSENT:
                self.known[one] = None
        self.look_at([one for one, refusal in refusals.items() if refusal.why in (Refused.EXISTS, Refused.STALE)])
        if any(refusal.why is Refused.BUSY for refusal in refusals.values()):
            self.sleep(_FIRST_WAIT * 2**attempt)

    def _raise(self, failed: Mapping[str, str], taken: Collection[str]) -> None:
        if taken:
            owners = {_owner_of(self.known[one]) for one in taken}
            fact = f"{named(taken)} {'is' if len(taken) == 1 else 'are'} there already and not ours ({', '.join(sorted(owners))})"
            raise TakenError(self.what, fact, "choose other ids, give an alias if this resource was renamed, or set adopt to take over")
        if failed:
            words = next(iter(failed.values()))
            raise FleetError(self.what, f"the hub refused {named(failed)}: {words}", "run again; what was done stays and is gone on from")


def named(device_ids: Collection[str]) -> str:
    """Devices in a message: the first few, and how many more."""
    first = ", ".join(f"'{one}'" for one in sorted(device_ids)[:_MOST_NAMED])
    more = len(device_ids) - _MOST_NAMED
    return f"device {first}" if len(device_ids) == 1 else f"devices {first}" + (f" and {more:,} more" if more > 0 else "")


def _owner_of(found: Twin | None) -> str:
    tag = found.registration.tags.get("hubtrust") if found else None
    return f"of {tag.get('urn')} in stack {tag.get('stack')}" if isinstance(tag, Mapping) else "without our tag"


def _or_cancel(futures: Collection[Future[_T]]) -> Iterator[Future[_T]]:
    """Each as it is done; when one failed, those that have not begun never will."""
    for future in as_completed(futures):
        if isinstance(future.exception(), AzureError):
            for other in futures:
                other.cancel()
        yield future
