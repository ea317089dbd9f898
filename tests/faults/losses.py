"""What one run must never do, whatever it was told: lose, delete or call verified what is not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from hubtrust.dynamic.device_fleet import DeviceFleetProvider
from hubtrust.dynamic.enrollment_fleet import EnrollmentFleetProvider
from tests.faults.case_hub import CaseHub
from tests.faults.stack import Known
from tests.kit.provider_process import ResourceState

_NAMES = ("certificateName", "deviceId", "groupId", "policyName", "registrationId")


@dataclass(frozen=True)
class Moment:
    """What is in Azure, and which resources the state has, before or after a run."""

    found: Mapping[str, Any]
    known: tuple[Known, ...]
    states: tuple[ResourceState, ...]  # of each

    @classmethod
    def of(cls, case: CaseHub, found: Mapping[str, Any]) -> Self:
        """The state of a case now, and what a client without faults finds."""
        known = (*case.stack.resources.values(), *case.stack.replaced)
        return cls(found, known, tuple(each.created for each in known))

    def holds(self, known: Known) -> set[str]:
        """What there is in Azure of a resource, by name."""
        if known.kind in (DeviceFleetProvider, EnrollmentFleetProvider):
            return set(self.found)
        return {known.created.outs.get(name) for name in _NAMES} & self.found.keys()

    def verified(self, known: Known) -> bool:
        """Whether the hub calls its certificate verified."""
        return self.found.get(known.created.outs["certificateName"]) is True


def losses(before: Moment, after: Moment, wanted: Mapping[str, Any], written: list[Known]) -> list[str]:
    """The flaws of the run between two moments. ``wanted`` must exist at the very end; ``written`` was created or updated by the run."""
    flaws = list[str]()
    for known in before.known:
        left = before.holds(known) & after.holds(known)
        if left and not any(known is each for each in after.known):
            flaws.append(f"the state lost {sorted(left)}, which is still there")
    if gone := before.found.keys() & wanted.keys() - after.found.keys():
        flaws.append(f"{sorted(gone)} was deleted, although it is declared")
    for known, state in zip(after.known, after.states, strict=True):
        if state.outs.get("state") != "verified" or any(state is each for each in before.states):
            continue
        # A resource that was only read, before the run changed the hub and failed, says what was true then.
        was = not any(known is each for each in written) and before.verified(known)
        if not was and not after.verified(known):
            flaws.append(f"{known.created.outs['certificateName']} is called verified, and is not")
    return flaws
