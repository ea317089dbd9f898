"""Reconcile one enrollment with its declaration: read it, write what differs, repeat until nothing does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hubtrust.azure.enrollment_limits import MOST_X509_GROUPS
from hubtrust.azure.enrollment_service import EXISTS, GROUPS, Enrollment, EnrollmentService, Kind
from hubtrust.azure.errors import AzureError, EtagError, RefusedError
from hubtrust.azure.retry import MOST_ROUNDS
from hubtrust.enrollments import holders
from hubtrust.enrollments.description import EnrollmentDescription, agrees, body, difference, unknown_members
from hubtrust.reconcile_errors import AlreadyExistsError, EnrollmentError

Parts = Mapping[str, Any]


def same_moment(one: str, other: str) -> bool:
    """Whether two times of Azure are the same: it leaves out zeros at the end of fractions."""
    try:
        return datetime.fromisoformat(one) == datetime.fromisoformat(other)
    except ValueError:
        return one == other


def _was_before(found: Enrollment, moment: datetime | None) -> bool:
    """Whether it was there at that moment, at which the service said that it was not: a 404 may be wrong."""
    return moment is not None and found.created_at < moment


@dataclass(frozen=True)
class EnrollmentReconciliation:
    """One enrollment. It is ours if it was created when ours was: enrollments have no tags, and no mark is written.

    ``require`` checks, before a write, what is new compared with the enrollment that is there; ``last`` are the parts that the last run
    declared.
    """

    service: EnrollmentService
    kind: Kind
    id: str
    what: str  # how messages name it
    created: str = ""  # the time of creation of ours; empty: there is none yet
    adopt: bool = False  # one that others made may be taken over
    last: Parts | None = None
    require: Callable[[Enrollment | None], None] = lambda _found: None
    found_first: Callable[[], None] = lambda: None  # called if it was there before this began
    taken_over: Callable[[], None] = lambda: None  # called before one that others made is written
    report: Callable[[str], None] = print

    def apply(self, wanted: EnrollmentDescription) -> Enrollment:
        """Create or change the enrollment as ``wanted``. Returns it as it is then.

        Raises:
            AlreadyExistsError: there is one with other content, which others made.
            EnrollmentError: see ``checks``; or it has members that a write would remove, or still differs after several attempts.
            AzureError: a call failed.
        """
        ours, last, done = self.created, self.last, ""
        exists = bool(ours)  # as far as is known; then one 404 is not believed
        begun: datetime | None = None
        for turn in range(MOST_ROUNDS):
            found = self._get(exists=exists)
            begun = begun or self.service.time
            if found is not None and not done and (turn == 0 or _was_before(found, begun)):
                self.found_first()
            if found is not None and agrees(found.record, wanted, last):
                if done:
                    self.report(f"{self.what}: {done}")
                return found
            if found is not None:
                self._require_ours(found, wanted, last, ours)
            written = self._write(found, wanted, last)
            if written is None and found is None:
                if exists and turn:
                    fact = "Azure answers 404 for it, but also that it exists"
                    raise EnrollmentError(self.what, fact, "run again in a few minutes")
                exists = True
            if written is None:
                continue
            ours, last, exists, done = written.created, None, True, "created" if found is None else "updated"
            if agrees(written.record, wanted):
                self.report(f"{self.what}: {done}")
                return written
        raise EnrollmentError(
            self.what, f"still not as declared after {MOST_ROUNDS} attempts", "run again, and find out who else changes it"
        )

    def _get(self, *, exists: bool) -> Enrollment | None:
        found = self.service.get(self.kind, self.id)
        return self.service.found_again(lambda: self.service.get(self.kind, self.id)) if found is None and exists else found

    def delete(self) -> bool:
        """Delete the enrollment, unless it is gone or not ours. Whether it is gone now.

        Raises:
            EnrollmentError: others keep changing it.
            AzureError: a call failed.
        """
        for _ in range(MOST_ROUNDS):
            found = self.service.find(self.kind, self.id)
            if found is None:
                return True
            if not self._is_ours(found, self.created):
                self.report(f"{self.what}: somebody else deleted it and created another one ({found.created}), which is kept")
                return False
            try:
                self.service.delete(found)
            except EtagError:
                continue
            if self.service.get(self.kind, self.id) is None:  # whatever the answer was
                holders.release(self.service, self.kind, self.id)
                return True
        raise EnrollmentError(self.what, f"not deleted after {MOST_ROUNDS} attempts", "run again, and find out who else changes it")

    def _write(self, found: Enrollment | None, wanted: EnrollmentDescription, last: Parts | None) -> Enrollment | None:
        """Write it once; None: it has to be read again."""
        self.require(found)
        sent = body(wanted, found.record if found else None, last)
        try:
            return self.service.put(self.kind, self.id, sent, etag=found.etag if found else None)
        except EtagError:
            return None
        except RefusedError as error:
            if error.code in EXISTS:
                return None
            holders.release(self.service, self.kind, self.id)
            raise self._explained(error, found) from None
        except AzureError as error:
            if not error.may_be_done:
                holders.release(self.service, self.kind, self.id)
            raise

    def _explained(self, error: RefusedError, found: Enrollment | None) -> RefusedError:
        """Azure's refusal, with what to do where a limit may be the cause."""
        groups = holders.groups_with_certificates(self.service) if self.kind is GROUPS and found is None else 0
        if groups < MOST_X509_GROUPS:
            return error
        fact = f"{error.fact} (the service has {groups} groups with certificates, and Azure allows {MOST_X509_GROUPS})"
        return RefusedError(error.what, fact, "remove groups that nobody needs, or use another provisioning service", code=error.code)

    def _is_ours(self, found: Enrollment, created: str) -> bool:
        return bool(created) and same_moment(found.created, created)

    def _require_ours(self, found: Enrollment, wanted: EnrollmentDescription, last: Parts | None, created: str) -> None:
        """Whether it may be written."""
        if strange := unknown_members(found.record):
            fact = f"it has {', '.join(strange)}, which this version does not know and would remove with its write"
            raise EnrollmentError(self.what, fact, "remove them, or manage this enrollment elsewhere")
        if self._is_ours(found, created):
            return
        if self.adopt:
            self.taken_over()
            return
        fact = f"one with this id exists with other content: {difference(found.record, wanted, last)}"
        raise AlreadyExistsError(
            self.what,
            fact,
            "use another id, declare what is there, or set adopt: true (of a group: setting adoptEnrollments) to take it over",
        )
