"""Make the individual enrollments of a service as a fleet declares them: ten a call, again until none differs."""

import enum
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hubtrust.azure.enrollment_limits import MOST_IN_BULK
from hubtrust.azure.enrollment_service import INDIVIDUALS, BulkMode, Enrollment, EnrollmentRefusal, EnrollmentService
from hubtrust.azure.retry import BUSY_WAIT, MOST_ROUNDS
from hubtrust.devices.id_patterns import as_setting
from hubtrust.devices.progress import Progress
from hubtrust.devices.reading import PARALLEL, until_one_fails
from hubtrust.enrollments.description import agrees, body, difference, unknown_members
from hubtrust.enrollments.fleet_reading import FleetReading
from hubtrust.enrollments.fleet_roster import EnrollmentRoster
from hubtrust.many_errors import ManyErrors, named
from hubtrust.process import now
from hubtrust.reconcile_errors import AlreadyExistsError, DeclarationError, FleetError

_DATED = timedelta(seconds=2)  # the time of an answer is in whole seconds, that of an enrollment is not
_BUSY = ("429", "500", "503")


class _Action(enum.Enum):
    CREATE = "created"
    UPDATE = "updated"
    DELETE = "deleted"
    REFUSE = "refused"  # it is somebody else's


_MODES = {_Action.CREATE: BulkMode.CREATE, _Action.UPDATE: BulkMode.UPDATE, _Action.DELETE: BulkMode.DELETE}


@dataclass
class FleetReconciliation:
    """One reconciliation of the enrollments of ``declared`` and ``last``, the list of the last run.

    An enrollment is ours if it was in ``last`` and is as that has it, or was not created after ``written``, the time of our last write; and
    if it is as it is declared now, from a run that was interrupted. Any other is refused unless ``adopt`` has its id.
    """

    service: EnrollmentService
    what: str  # how messages name the fleet
    declared: EnrollmentRoster
    last: EnrollmentRoster
    written: datetime | None = None
    adopt: Collection[str] = ()
    report: Callable[[str], None] = print
    sleep: Callable[[float], None] = time.sleep
    is_excluded: Callable[[str], bool] = lambda _: False  # enrollments to leave unchanged
    matching: set[str] = field(default_factory=set)  # that were as declared when they were read
    done: dict[str, set[str]] = field(default_factory=dict)  # the ids of those that were created, updated or deleted
    met: set[str] = field(default_factory=set)  # that were there already and in no list of the last run
    kept: set[str] = field(default_factory=set)  # no longer declared, and somebody else's by now
    adopted: set[str] = field(default_factory=set)  # of others, and written
    _reading: FleetReading = field(init=False)
    _found: dict[str, Enrollment | None] = field(default_factory=dict)  # those that differ, as they were read; None: it does not exist

    def run(self) -> None:
        """Read what may exist, then write what differs.

        Raises:
            AlreadyExistsError: some have the ids of enrollments of others; every other one was attempted.
            FleetError: the service refused some; every other one is as declared.
            AzureError: a call failed; no further calls were started.
        """
        removed = [one for one in self.last.ids if self.declared.get(one) is None and not self.is_excluded(one)]
        self._reading = FleetReading(self.service)
        if len(self.last):  # without them all are new, and a create says which exist
            for id_, found in self._reading.each([*self.declared.ids, *removed]):
                self._compare(id_, found)
        absent = [one for one in removed if one in self._found and self._found[one] is None]
        self._found |= self._reading.confirm_absent(absent)
        self._apply([*self.declared.ids, *removed])
        if self.kept:
            self.report(
                f"{self.what}: {_display(self.kept)} no longer declared, and somebody else created what has this id now: it is kept"
            )

    def last_write(self, earlier: object) -> object:
        """A text that changes with every write: the service's time of the last one, or ``earlier`` if nothing was written; never None."""
        if not self.done:
            return earlier or ""
        here = now()
        return (self.service.time or here).replace(microsecond=here.microsecond).isoformat(timespec="milliseconds")

    def _apply(self, ids: Iterable[str]) -> None:
        pending = list(ids)
        failed, foreign = dict[str, str](), set[str]()
        progress = Progress(self.what, len(pending), self.report, noun="enrollments")
        for round_number in range(MOST_ROUNDS):
            actions = {one: action for one in pending if one not in failed and (action := self._action(one, failed)) is not None}
            foreign |= {one for one, action in actions.items() if action is _Action.REFUSE}
            to_write = {one: action for one, action in actions.items() if action is not _Action.REFUSE}
            if not to_write:
                break
            others = {one for one in to_write if self._is_of_others(one)}
            refusals = self._write(to_write, progress)
            self.adopted |= others - refusals.keys()
            for one in to_write.keys() - refusals.keys():
                self.done.setdefault(to_write[one].value, set()).add(one)
            pending = self._after(refusals, failed, round_number)
        else:
            failed |= dict.fromkeys(pending, f"still not as declared after {MOST_ROUNDS} attempts")
        if self.done:
            self.report(f"{self.what}: {', '.join(f'{len(ids):,} {word}' for word, ids in sorted(self.done.items()))}")
        self._raise(failed, foreign)

    def _compare(self, id_: str, found: Enrollment | None) -> None:
        """Keep what was read, unless it is as declared."""
        wanted = self.declared.get(id_)
        if found and self.last.get(id_) is None:
            self.met.add(id_)
        if wanted and found and agrees(found.record, wanted, self._last_parts(id_)):
            self.matching.add(id_)
            self._found.pop(id_, None)
            return
        self.matching.discard(id_)
        self.kept.discard(id_)
        if found and wanted is None and not self._is_ours(id_, found):
            self.kept.add(id_)
            self._found.pop(id_, None)
            return
        self._found[id_] = Enrollment(INDIVIDUALS, _to_delete(found.record)) if found and wanted is None else found

    def _action(self, id_: str, failed: dict[str, str]) -> _Action | None:
        """The next operation on the enrollment; None: it is as declared, or is left as it is."""
        wanted, found = self.declared.get(id_), self._found.get(id_)
        if id_ in self.matching or id_ in self.kept:
            return None
        if found is None:
            return _Action.CREATE if wanted else None
        if wanted is None:
            return _Action.DELETE
        if not self._is_ours(id_, found) and id_.lower() not in {one.lower() for one in self.adopt}:
            return _Action.REFUSE
        if unknown := unknown_members(found.record):
            failed[id_] = f"it has {', '.join(unknown)}, which a write from here would remove; change it by hand, or leave it out"
            return None
        return _Action.UPDATE

    def _is_of_others(self, id_: str) -> bool:
        """Whether it is declared, and what was found is not ours."""
        found = self._found.get(id_)
        return found is not None and self.declared.get(id_) is not None and not self._is_ours(id_, found)

    def _is_ours(self, id_: str, found: Enrollment) -> bool:
        last = self.last.get(id_)
        if last is None:
            return False
        return agrees(found.record, last) or (self.written is not None and found.created_at < self.written + _DATED)

    def _write(self, actions: Mapping[str, _Action], progress: Progress) -> dict[str, EnrollmentRefusal]:
        """Write these, several bulk calls in parallel. Returns the refusals. After the first failed call no further calls start."""
        chunks: list[tuple[_Action, list[str]]] = []
        for action in _MODES:
            ids = [one for one, each in actions.items() if each is action]
            chunks += [(action, ids[start : start + MOST_IN_BULK]) for start in range(0, len(ids), MOST_IN_BULK)]

        def send(chunk: tuple[_Action, list[str]]) -> list[EnrollmentRefusal]:
            action, ids = chunk
            return self.service.bulk(INDIVIDUALS, _MODES[action], [self._record(one, action) for one in ids])

        refused: dict[str, EnrollmentRefusal] = {}
        with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
            futures = {pool.submit(send, chunk): chunk for chunk in chunks}
            for future in until_one_fails(futures):
                as_sent = {one.lower(): one for one in futures[future][1]}
                refusals = {as_sent[one.id.lower()]: one for one in future.result()}
                refused |= refusals
                progress.add(len(as_sent) - len(refusals))
        return refused

    def _record(self, id_: str, action: _Action) -> dict[str, Any]:
        wanted, found = self.declared.get(id_), self._found.get(id_)
        if action is _Action.CREATE and wanted is not None:
            return {"registrationId": id_, **body(wanted)}
        if found is None:  # pragma: no cover - only what was found is updated or deleted
            raise AssertionError(id_)
        if wanted is None:
            return dict(found.record)
        return {"registrationId": found.id, "etag": found.etag, **body(wanted, found.record, self._last_parts(id_))}

    def _last_parts(self, id_: str) -> Mapping[str, Any] | None:
        last = self.last.get(id_)
        return None if last is None else last.parts

    def _after(self, refusals: Mapping[str, EnrollmentRefusal], failed: dict[str, str], round_number: int) -> list[str]:
        """Read refused enrollments again: they may exist already, be deleted or have changed. If the service is busy, wait."""
        again, busy = list[str](), False
        for one, refusal in refusals.items():
            if refusal.code.startswith(("404", "409", "412")):
                again.append(one)
            elif refusal.code.startswith(_BUSY):
                busy = True
            else:
                failed[one] = refusal.message or "it gave no reason"
        for id_, found in self._reading.each(again):
            self._compare(id_, found)
        doomed = [one for one in again if self._found.get(one) is None and self.declared.get(one) is None]
        self._found |= self._reading.confirm_absent(doomed)
        if busy:
            self.sleep(BUSY_WAIT * 2**round_number)
        return [one for one in refusals if one not in failed]

    def _raise(self, failed: Mapping[str, str], foreign: Collection[str]) -> None:
        refused = ""
        if failed:
            errors = ManyErrors("enrollment", word="refused")
            for one, message in sorted(failed.items()):
                errors.add(f"'{one}'", DeclarationError(one, message, ""))
            refused = errors.fact(of=len(self.declared) or len(self.last))
        if foreign:
            first = min(foreign)
            found, wanted = self._found[first], self.declared.get(first)
            which = f"'{first}': {difference(found.record, wanted)}" if found and wanted else ""
            fact = f"{_display(foreign)} there already, with other content ({which})"
            consent = f"{as_setting('adoptEnrollments', foreign)} (the argument adopt in a program)"
            remedy = f"use other ids, delete them, or, to take over, {consent}"
            raise AlreadyExistsError(self.what, f"{fact}; and {refused}" if refused else fact, remedy)
        if refused:
            raise FleetError(self.what, refused, "run again: work already done is kept, and the next run continues from it")


def _to_delete(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a deletion needs of an enrollment: thousands of whole records would take hundreds of megabytes."""
    return {name: record[name] for name in ("registrationId", "attestation", "etag", "createdDateTimeUtc")}


def _display(ids: Collection[str]) -> str:
    """Enrollments in a message, and the verb."""
    return f"enrollment {named(ids)} is" if len(ids) == 1 else f"enrollments {named(ids)} are"
