"""The enrollments of a fleet as a refresh finds them, compared with what the last run declared."""

from dataclasses import dataclass, field

from hubtrust.azure.enrollment_service import Enrollment, EnrollmentService
from hubtrust.devices.description import digest
from hubtrust.devices.reading import MOST_READ
from hubtrust.enrollments.description import agrees, found_parts
from hubtrust.enrollments.fleet_reading import FleetReading
from hubtrust.enrollments.fleet_roster import EnrollmentRoster, line_of


@dataclass
class FleetState:
    """One reading of a fleet: first ``read``, then the results."""

    service: EnrollmentService
    roster: EnrollmentRoster
    unknown: set[str] = field(default_factory=set)  # that pages did not show, too many to be read by id: they are not gone
    disabled: set[str] = field(default_factory=set)  # of those that are there
    _as_declared: set[str] = field(default_factory=set)
    _others: dict[str, str] = field(default_factory=dict)  # the line of what is there and differs, by id

    def read(self) -> None:
        """Read all, and each in doubt by its id, up to 1,000.

        Raises:
            AzureError: see ``EnrollmentService``.
        """
        reading = FleetReading(self.service)
        missing = [id_ for id_, held in reading.each(self.roster.ids) if not self._add(id_, held)]
        if len(missing) > MOST_READ:
            self.unknown = set(missing)
        else:
            for id_, held in reading.confirm_absent(missing).items():
                self._add(id_, held)
        if len(self._others) <= MOST_READ:
            for id_, held in reading.read_each(list(self._others)).items():
                self._add(id_, held)

    @property
    def digest(self) -> str:
        """The digest of what was found. It differs from the declaration's where something is unknown."""
        there = sorted(self._as_declared | self._others.keys())
        return digest((one, self._others[one] if one in self._others else self._declared_line(one)) for one in there)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._as_declared) + len(self._others) + len(self.unknown)

    @property
    def enabled(self) -> int:
        """How many of them may be registered by."""
        unknown = sum(declared.terms.enabled for one in self.unknown if (declared := self.roster.get(one)))
        return len(self._as_declared) + len(self._others) - len(self.disabled) + unknown

    def _declared_line(self, id_: str) -> str:
        declared = self.roster.get(id_)
        return line_of(declared.parts) if declared else ""

    def _add(self, id_: str, held: Enrollment | None) -> bool:
        """Keep what an enrollment is like; False: it is not there."""
        self._as_declared.discard(id_)
        self._others.pop(id_, None)
        self.disabled.discard(id_)
        declared = self.roster.get(id_)
        if held is None or declared is None:
            return False
        if agrees(held.record, declared):
            self._as_declared.add(id_)
        else:
            found = found_parts(held.record)
            self._others[id_] = line_of({name: found[name] for name in declared.parts})
        if held.record.get("provisioningStatus") == "disabled":
            self.disabled.add(id_)
        return True
