"""The devices of a fleet as they really are on its hub.

The query index lags, and would show new devices as missing. Where it differs from the declaration, devices are read by their ids.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hubtrust.azure.device_description import Twin
from hubtrust.azure.registry import Registry
from hubtrust.azure.retry import INDEX_LAG
from hubtrust.devices.description import Scope, digest
from hubtrust.devices.reading import MOST_READ, confirm_absent, read_each
from hubtrust.devices.roster import Roster


@dataclass
class FleetReading:
    """One reading of a fleet: first ``read``, then the results. ``roster`` is what the last run declared, None if that is not known."""

    registry: Registry
    owner: Mapping[str, str]
    scope: Scope
    roster: Roster | None
    last_digest: str
    sleep: Callable[[float], None] = time.sleep
    unknown: set[str] = field(default_factory=set)  # declared devices that the index does not show, too many to be read by id
    disabled: dict[str, str] = field(default_factory=dict)  # why, by id
    taken_over: set[str] = field(default_factory=set)  # those that have a thumbprint in place of a CA
    _lines: dict[str, str] = field(default_factory=dict)  # what a device is like, by id
    _same: dict[str, str] = field(default_factory=dict)  # most devices have the same line: it is kept once

    def read(self) -> None:
        """Read the index, and then each device in doubt from the registry itself, up to 1,000.

        Raises:
            AzureError: see ``Registry``.
        """
        self._read_index()
        doubtful = self._doubtful()
        if len(doubtful) > MOST_READ or (self.roster is None and self.digest != self.last_digest):
            self.sleep(INDEX_LAG)
            self._read_index()
            doubtful = self._doubtful()
        if len(doubtful) > MOST_READ:
            self.unknown = {device_id for device_id in doubtful if device_id not in self._lines}
            return
        found = read_each(self.registry, doubtful)
        found |= confirm_absent(self.registry, [device_id for device_id, twin in found.items() if twin is None])
        for device_id, twin in found.items():
            self._lines.pop(device_id, None)
            self.disabled.pop(device_id, None)
            self.taken_over.discard(device_id)
            if twin is not None and twin.description.owner == self.owner:
                self._add(twin)

    @property
    def digest(self) -> str:
        """The digest of the devices that were found. It differs from the declaration's where something is unknown."""
        return digest((one, self._lines[one]) for one in sorted(self._lines))

    @property
    def count(self) -> int:
        """How many devices there are: what is unknown is not gone."""
        return len(self._lines) + len(self.unknown)

    @property
    def enabled(self) -> int:
        """How many of them may connect."""
        unknown = sum(declared.enabled for one in self.unknown if self.roster and (declared := self.roster.get(one)))
        return len(self._lines) - len(self.disabled) + unknown

    def _read_index(self) -> None:
        self._lines.clear()
        self.disabled.clear()
        self.taken_over.clear()
        for twin in self.registry.owned(self.owner):
            self._add(twin)

    def _add(self, twin: Twin) -> None:
        line = self.scope.found_line(twin)
        self._lines[twin.device_id] = self._same.setdefault(line, line)
        if not twin.description.enabled:
            self.disabled[twin.device_id] = twin.description.reason or ""
        declared = self.roster.get(twin.device_id) if self.roster else None
        if declared is not None and not declared.thumbprints and twin.authentication == "selfSigned":
            self.taken_over.add(twin.device_id)

    def _doubtful(self) -> list[str]:
        """The devices that are missing, differ from their declaration, or are not declared."""
        if self.roster is None:
            return []
        common = self.scope.line(self.roster.common)
        own = {device_id: self.scope.line(declared) for device_id, declared in self.roster.own.items()}
        differing = [one for one in self.roster.ids if self._lines.get(one) != own.get(one, common)]
        return differing + [one for one in self._lines if self.roster.get(one) is None]
