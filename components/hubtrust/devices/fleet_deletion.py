"""Delete a fleet's devices: what the query index, which lags, does not show is deleted by id, until each known device is accounted for."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from hubtrust.azure.registry import Registry
from hubtrust.azure.retry import INDEX_WAITS
from hubtrust.devices.description import Scope
from hubtrust.devices.reading import MOST_READ
from hubtrust.devices.reconcile import Owner, Reconciliation
from hubtrust.reconcile_errors import FleetError


@dataclass
class FleetDeletion:
    """The deletion of the devices of ``owner``, except those that are ``excluded``.

    ``known`` are the ids of the state; None: a state of an earlier version has only their ``count``.
    """

    registry: Registry
    what: str
    owner: Owner
    known: Collection[str] | None
    count: int
    is_taken_over: Callable[[str], bool]  # asked once for each device
    report: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep
    _settled: set[str] = field(default_factory=set)  # devices that were deleted, are gone, are excluded or belong to another owner
    _excluded: dict[str, bool] = field(default_factory=dict)

    def run(self) -> None:
        """Delete what the index shows, several times because it lags, then by id what it does not show.

        Raises:
            FleetError: the hub refused, or only the number of devices is known and the index does not show them all.
            AzureError: a call failed; run again.
        """
        for wait in (*INDEX_WAITS, 0.0):
            self._pass(None)
            if self._is_done():
                return
            if self.known is not None and len(self._unseen()) <= MOST_READ:
                break
            self.sleep(wait)
        if self.known is None:
            left = self.count - len(self._settled)
            fact = f"the hub's query index, which lags, does not show {left:,} of its {self.count:,} devices"
            raise FleetError(self.what, fact, "run again in some minutes; if somebody else deleted them, run `refresh` first")
        unseen = self._unseen()
        self.report(f"{self.what}: the hub's query index does not show {len(unseen):,} devices of the state; reading each by its id")
        self._pass(unseen)

    def _pass(self, device_ids: Collection[str] | None) -> None:
        """Delete these devices, or those that the index shows."""
        reconciliation = Reconciliation(
            self.registry, self.what, self.owner, Scope((), ()), lambda _: None, report=self.report, is_excluded=self._is_excluded
        )
        if device_ids is None:
            reconciliation.find()
        else:
            reconciliation.read(device_ids)
        reconciliation.apply()
        gone = {device_id for device_id, twin in reconciliation.differing.items() if twin is None}
        self._settled |= reconciliation.written | reconciliation.matching | gone

    def _is_done(self) -> bool:
        return self.count <= len(self._settled) if self.known is None else not self._unseen()

    def _unseen(self) -> list[str]:
        return [one for one in self.known or () if one not in self._settled and not self._is_excluded(one)]

    def _is_excluded(self, device_id: str) -> bool:
        if device_id not in self._excluded:
            self._excluded[device_id] = self.is_taken_over(device_id)
        return self._excluded[device_id]
