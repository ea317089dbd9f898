"""The devices that may depend on a generation of an authority. The answer "none" needs proof: whoever can't see refuses."""

from collections.abc import Collection
from dataclasses import replace

from hubtrust.azure.device_description import Twin
from hubtrust.azure.errors import AzureError
from hubtrust.azure.retry import READ_DEADLINE, READ_DENIED, READ_UNREACHABLE, RetryLimits
from hubtrust.devices.reading import MOST_READ, confirm_absent, read_each
from hubtrust.dynamic import known_devices
from hubtrust.dynamic.hub_inputs import HubInputs
from hubtrust.reconcile_errors import DependantsError


def require_unused(what: str, dropped: int, hub: HubInputs, stacks: Collection[str], *, overlaps: bool) -> None:
    """Refuse to delete the generation ``dropped`` while devices of ``stacks`` on ``hub`` may depend on it.

    Nothing in Azure says which authority a device used last, so that each enabled device may depend on it. ``overlaps``: the next
    generation can be declared together with this one.

    Raises:
        DependantsError: there are such devices, or nobody can say whether there are.
    """
    what = f"{what}: generation {dropped} is to be deleted"
    consent = f"caDropGeneration: {dropped} (drop_generation of TrustedHub)"
    try:
        depending, unseen = count_dependants(hub, stacks)
    except AzureError as error:
        fact = f"whether devices depend on it is unknown, because {error.what}: {error.fact}"
        raise DependantsError(what, fact, f"{error.remedy}; or, if no device needs it any more, set {consent}") from None
    if depending:
        devices = "device" if depending == 1 else "devices"
        fact = f"{depending:,} enabled {devices} of this stack may still use certificates of this generation"
        keep = "set caKeepPrevious: true until they have moved, then" if overlaps else "move them, then set"
        raise DependantsError(what, fact, f"{keep} {consent}")
    if unseen:
        fact = f"whether devices depend on it is unknown, because the hub's query index does not show {unseen:,} devices of this stack yet"
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
