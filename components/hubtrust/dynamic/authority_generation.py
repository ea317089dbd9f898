"""AuthorityGeneration: which generation of an authority a stack or a hub has; each step of a rotation is checked before it is taken.

Its inputs are the fields of ``AuthorityGenerationInputs`` here, and of ``CloudInputs`` in ``hubtrust/azure_inputs.py``. To add one, add a
field there and a parameter of the same name to the constructor here.
"""

from dataclasses import dataclass
from typing import Any

import pulumi

from hubtrust.azure.errors import DeniedError
from hubtrust.azure.retry import READ_DEADLINE, READ_DENIED, RetryLimits
from hubtrust.azure.service import Service
from hubtrust.azure_inputs import CloudInputs
from hubtrust.dynamic.hub_inputs import HubInputs, hub_host_name, hub_id
from hubtrust.dynamic.lifecycle import Change, Reconciled, Reconciler
from hubtrust.inputs import Properties, boolean, input_field, whole_number
from hubtrust.process import show_message
from hubtrust.reconcile_errors import DeclarationError, DependantsError


@dataclass(frozen=True, kw_only=True)
class AuthorityGenerationInputs(CloudInputs):
    """The inputs of an AuthorityGeneration."""

    authority: str = input_field(str, "the authority's name.", required=True, kept=True, replaces=True)
    generation: int = input_field(whole_number(1, 9999), "the current generation, 1 to 9999.", required=True, kept=True)
    keep_previous: bool = input_field(boolean, "True: whether the previous generation is trusted too.", required=True, kept=True)
    hub_id: Service | None = hub_id(required=False)
    host_name: str | None = hub_host_name()
    devices_of: str | None = input_field(str, "stack whose devices are counted, `organization/project/stack`; needs `hub_id`.", kept=True)
    drop_previous: bool = input_field(
        boolean, "True: the devices have moved, and the generation that is dropped may be deleted. Default False.", default=False
    )

    def require_valid_step(self, olds: Properties) -> None:
        """Check the step from the old inputs ``olds``: generations go up, and a generation that is to be kept exists.

        Raises:
            DeclarationError: the step is not possible.
        """
        wanted, what = self.generation, f"authority '{self.authority}'"
        current = int(olds["generation"]) if olds.get("authority") == self.authority else None
        if current is not None and wanted < current:
            fact = f"generation {wanted} is older than the current generation {current}"
            raise DeclarationError(what, fact, f"use {current + 1} for the next generation")
        if not self.keep_previous:
            return
        before = wanted - 1
        if wanted == 1 or current is None:
            fact = "the previous generation is to be kept, but this stack has none"
            raise DeclarationError(what, fact, f"run `pulumi up` with generation {max(before, 1)} first")
        if wanted > current + 1:
            fact = f"generation {before} is to be kept, but the current one is {current}"
            raise DeclarationError(what, fact, f"use {current + 1}: generations go up one at a time")
        if wanted == current and not olds.get("keepPrevious"):
            fact = f"generation {before} is to be kept, but it has been deleted"
            raise DeclarationError(what, fact, "set keepPrevious to false until the next generation")

    def require_unused(self, dropped: int) -> None:
        """Refuse to delete the generation ``dropped`` while devices may depend on it.

        Raises:
            DependantsError: enabled devices of the stack may use certificates of it.
            AzureError: the hub can't be reached or refuses the call.
        """
        what = f"authority '{self.authority}': generation {dropped} is to be deleted"
        count = self._enabled_devices()
        if count is None:
            show_message(
                f"{what}: devices are not counted, because this login may not read the device registry, so it can't have created any"
            )
        elif count:
            fact = f"{count} enabled {'device' if count == 1 else 'devices'} of this stack may still use certificates of this generation"
            remedy = "keep it until they have moved (caKeepPrevious), or confirm that they have moved (caDropPrevious)"
            raise DependantsError(what, fact, remedy)

    def _enabled_devices(self) -> int | None:
        """The number of the stack's enabled devices on the hub that use a CA's certificate; None if this login may not read the registry.

        Nothing in Azure says which authority a device used last, so that each of them may depend on it. The index lags for devices that
        were deleted a moment ago: the number may be too high, but never too low by more than a second or two.
        """
        limits = RetryLimits(deadline=READ_DEADLINE, denied=READ_DENIED, not_found=0.0)
        with HubInputs.read(self.given).open_registry(limits=limits) as registry:
            try:
                found = list(registry.owned({"stack": str(self.devices_of)}))
            except DeniedError:
                return None
        return sum(twin.description.enabled and twin.authentication == "certificateAuthority" for twin in found)


class AuthorityGenerationOutputs:
    """There are no outputs besides the inputs."""


class AuthorityGenerationProvider(Reconciler[AuthorityGenerationInputs]):
    """Records the generation in the state and refuses impossible steps of a rotation; it creates nothing in Azure.

    With a hub, it also refuses to drop a generation on which enabled devices may depend. Resources are deleted at the end of a run, so
    that a refusal here comes first.
    """

    inputs, results = AuthorityGenerationInputs, AuthorityGenerationOutputs

    def on_check(self, olds: Properties, news: AuthorityGenerationInputs) -> None:
        """Check the step from the last generation to this one, once all of these inputs are known."""
        if not {"authority", "generation", "keep_previous"} & news.unknown:
            news.require_valid_step(olds)

    def on_diff(self, olds: Properties, news: AuthorityGenerationInputs) -> Change:
        """Another authority is another resource; every other change is an update."""
        return Change(news.changes_that_replace(olds), updates=any(olds.get(name) != value for name, value in news.kept_values().items()))

    def on_create(self, news: AuthorityGenerationInputs) -> tuple[str, dict[str, Any]]:
        """Record the inputs."""
        return news.authority, news.kept_values()

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """There is nothing to read."""
        return dict(olds)

    def on_update(self, _id: str, olds: Properties, news: AuthorityGenerationInputs) -> dict[str, Any]:
        """Record the inputs, after a check that no device depends on a generation that is dropped."""
        dropped = sorted(_trusted(olds) - _trusted(news.given))
        if dropped and news.devices_of and not news.drop_previous and news.given.get("hubId") == olds.get("hubId"):
            news.require_unused(dropped[0])
        return news.kept_values()

    def on_delete(self, _id: str, _olds: Properties) -> None:
        """Nothing was created."""


def _trusted(properties: Properties) -> set[int]:
    """The generations that are declared as trusted."""
    generation = int(properties["generation"])
    return {generation, generation - 1} if properties.get("keepPrevious") else {generation}


class AuthorityGeneration(AuthorityGenerationOutputs, Reconciled, module="hubtrust", name="AuthorityGeneration"):
    """The current generation of an authority; all its other resources depend on this one."""

    provider = AuthorityGenerationProvider

    def __init__(
        self,
        resource_name: str,
        *,
        authority: str,
        generation: int,
        keep_previous: bool,
        hub_id: pulumi.Input[str] | None = None,
        host_name: pulumi.Input[str] | None = None,
        cloud: str | None = None,
        devices_of: str | None = None,
        drop_previous: bool | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(resource_name, locals(), opts)
