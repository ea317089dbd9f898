"""What a fleet may lose in one run. That it is to have no devices must be said, and so must the loss of most of them.

A list of devices may be empty or cut because a download, a filter or a merge failed.
"""

from collections.abc import Collection
from dataclasses import dataclass

from hubtrust.devices.roster import Roster
from hubtrust.reconcile_errors import LossError

_FEWEST = 20  # enabled devices of a fleet that is protected: in a smaller one half of the devices is no sign of a mistake


@dataclass(frozen=True, slots=True)
class Consent:
    """What the declaration says that the fleet may lose; ``what`` is how messages name the fleet."""

    what: str
    no_devices: bool
    delete_devices: int | None

    def require_for(self, before: Roster | None, after: Roster) -> None:
        """Compare the list of the last run with the new one.

        Raises:
            LossError: the fleet would lose all its devices, or more than half of its enabled ones, and that is not said.
        """
        if self.no_devices and len(after):
            fact = f"noDevices is true, but its list has {_devices(len(after))}"
            raise LossError(self.what, fact, "remove noDevices (no_devices in a program)")
        if before is None or not len(before) or self.no_devices:
            return
        if not len(after):
            fact = f"its list of devices is empty, so that {_devices(len(before))} would be deleted"
            remedy = "restore the list (devices, devicesFile); if it is to have no devices, set noDevices: true (no_devices in a program)"
            raise LossError(self.what, fact, remedy)
        enabled = [device_id for device_id, declared in before if declared.enabled]
        lost = sum(after.get(device_id) is None for device_id in enabled)
        if _is_most(lost, len(enabled)) and lost != self.delete_devices:
            raise self._refusal(lost, len(enabled), "are not in its list any more")

    def require_for_found(self, unexpected: Collection[str], enabled: int) -> None:
        """Check what the hub really has: ``unexpected`` devices, of ``enabled`` ones, are neither in this list nor in that of the last run.

        Raises:
            LossError: they are more than half of the enabled ones, and their deletion is not said.
        """
        lost = len(unexpected)
        if _is_most(lost, enabled) and not self.no_devices and lost > (self.delete_devices or 0):
            raise self._refusal(lost, enabled, "of this fleet on the hub are neither in its list nor in that of the last run")

    def _refusal(self, lost: int, enabled: int, why: str) -> LossError:
        said = f" (deleteDevices is {self.delete_devices})" if self.delete_devices else ""
        fact = f"{lost:,} of {enabled:,} enabled devices {why} and would be deleted{said}"
        remedy = f"check that the list is complete; if they are to be deleted, set deleteDevices: {lost} (delete_devices in a program)"
        return LossError(self.what, fact, remedy)


def _is_most(lost: int, enabled: int) -> bool:
    return enabled >= _FEWEST and 2 * lost > enabled


def _devices(count: int) -> str:
    return f"{count:,} {'device' if count == 1 else 'devices'}"
