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
    disabled: list[str] = field(default_factory=list)
    _lines: dict[str, str] = field(default_factory=dict)  # what is there, by id

    def read(self) -> None:
        """Read all, and each in doubt by its id, up to 1,000.

        Raises:
            AzureError: see ``EnrollmentService``.
        """
        reading = FleetReading(self.service)
        found = reading.read_all(self.roster.ids)
        missing = [one for one, held in found.items() if held is None]
        differing = [one for one, held in found.items() if held is not None and not self._agrees(one, held)]
        if len(missing) > MOST_READ:
            self.unknown = set(missing)
        else:
            found |= reading.confirm_absent(missing)
        if len(differing) <= MOST_READ:
            found |= reading.read_each(differing)
        for id_, held in found.items():
            if held is not None:
                self._add(id_, held)

    @property
    def digest(self) -> str:
        """The digest of what was found. It differs from the declaration's where something is unknown."""
        return digest((one, self._lines[one]) for one in sorted(self._lines))

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._lines) + len(self.unknown)

    @property
    def enabled(self) -> int:
        """How many of them may be registered by."""
        unknown = sum(declared.terms.enabled for one in self.unknown if (declared := self.roster.get(one)))
        return len(self._lines) - len(self.disabled) + unknown

    def _agrees(self, id_: str, held: Enrollment) -> bool:
        declared = self.roster.get(id_)
        return declared is not None and agrees(held.record, declared)

    def _add(self, id_: str, held: Enrollment) -> None:
        declared = self.roster.get(id_)
        if declared is None:  # pragma: no cover - only what is declared was read
            return
        found = found_parts(held.record)
        same = self._agrees(id_, held)
        self._lines[id_] = line_of(declared.parts if same else {name: found[name] for name in declared.parts})
        if not found["enabled"]:
            self.disabled.append(id_)
