"""Who may depend on a generation of an authority: devices on a hub, or devices that registered with a provisioning service.

The answer "nobody" needs proof: whoever can't see refuses.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

from hubtrust.azure.device_description import Twin
from hubtrust.azure.errors import AzureError
from hubtrust.azure.retry import READ_DEADLINE, READ_DENIED, READ_UNREACHABLE, RetryLimits
from hubtrust.devices.reading import MOST_READ, confirm_absent, read_each
from hubtrust.dynamic import known_devices
from hubtrust.dynamic.hub_inputs import HubInputs
from hubtrust.reconcile_errors import DependantsError


class Dependants(Protocol):
    """Those who may depend on a generation where it is trusted."""

    argument: ClassVar[str]
    """How a program says that a generation may go."""
    unseen: ClassVar[str]
    """Why some could not be looked at."""

    def count(self) -> tuple[int, int]:
        """How many may depend on it, and how many more could not be looked at.

        Raises:
            AzureError: nobody can say.
        """

    def fact(self, count: int, of: str) -> str:
        """That so many may depend on ``of``, such as `this generation`."""

    def until(self, *, overlaps: bool) -> str:
        """What to do before the generation may go; ``overlaps``: the next one can be declared together with it."""


@dataclass(frozen=True)
class HubDevices:
    """The enabled devices of ``stacks`` on a hub. Nothing in Azure says which authority a device used last."""

    hub: HubInputs
    stacks: Collection[str]
    argument: ClassVar[str] = "drop_generation of TrustedHub"
    unseen: ClassVar[str] = "the hub's query index does not show {} devices of this stack yet"

    def count(self) -> tuple[int, int]:
        """See ``count_dependants``."""
        return count_dependants(self.hub, self.stacks)

    def fact(self, count: int, of: str) -> str:
        """See ``Dependants``."""
        return f"{count:,} enabled {'device' if count == 1 else 'devices'} of this stack may still use certificates of {of}"

    def until(self, *, overlaps: bool) -> str:
        """See ``Dependants``."""
        return "set caKeepPrevious: true until they have moved, then" if overlaps else "move them, then set"


def require_unused(what: str, dropped: int, dependants: Dependants, *, overlaps: bool) -> None:
    """Refuse to delete the generation ``dropped`` while somebody may depend on it.

    Raises:
        DependantsError: somebody does, or nobody can say whether anybody does.
    """
    what = f"{what}: generation {dropped} is to be deleted"
    consent = f"caDropGeneration: {dropped} ({dependants.argument})"
    try:
        depending, unseen = dependants.count()
    except AzureError as error:
        fact = f"whether devices depend on it is unknown, because {error.what}: {error.fact}"
        raise DependantsError(what, fact, f"{error.remedy}; or, if no device needs it any more, set {consent}") from None
    if depending:
        raise DependantsError(what, dependants.fact(depending, "this generation"), f"{dependants.until(overlaps=overlaps)} {consent}")
    if unseen:
        fact = f"whether devices depend on it is unknown, because {dependants.unseen.format(f'{unseen:,}')}"
        raise DependantsError(what, fact, f"run again in some minutes; or, if no device needs it any more, set {consent}")


def count_dependants(hub: HubInputs, stacks: Collection[str]) -> tuple[int, int]:
    """How many devices may depend on a generation, and how many more could not be looked at.

    The index lags: a device of the state that it does not show as one that may depend is read by its id.
    """
    limits = RetryLimits(deadline=READ_DEADLINE, denied=READ_DENIED, unreachable=READ_UNREACHABLE, not_found=0.0)
    host = hub.resolve_host_name(denied=READ_DENIED)
    with replace(hub, host_name=host).open_registry(limits=limits) as registry:
        depending = {twin.device_id for stack in stacks for twin in registry.owned({"stack": stack}) if _may_depend(twin)}
        for stack in stacks:
            depending |= registry.devices_with_modules({"stack": stack})  # whatever the device itself authenticates with
        unseen = sorted(known_devices.enabled(host, stacks) - depending)
        found = read_each(registry, unseen[:MOST_READ])
        if not depending and not any(map(_may_depend, found.values())) and len(unseen) <= MOST_READ:
            found |= confirm_absent(registry, [device_id for device_id, twin in found.items() if twin is None])
    depending |= {device_id for device_id, twin in found.items() if _may_depend(twin)}
    return len(depending), len(unseen[MOST_READ:])


def _may_depend(twin: Twin | None) -> bool:
    return twin is not None and twin.depends_on_a_ca
