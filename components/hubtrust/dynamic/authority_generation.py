"""AuthorityGeneration: which generation of an authority a stack, a hub or a provisioning service has. Each step of a rotation is checked.

Its inputs are the fields of ``AuthorityGenerationInputs`` here, and of ``CloudInputs`` in ``hubtrust/azure_inputs.py``. To add one, add a
field there and a parameter of the same name to the constructor here.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import pulumi

from hubtrust.azure import clouds
from hubtrust.azure.clock import require_true_clock
from hubtrust.azure.service import Service
from hubtrust.azure_inputs import CloudInputs, same_id
from hubtrust.dynamic import moved_hub, trusted_generations
from hubtrust.dynamic.dependants import Dependants, HubDevices, require_unused
from hubtrust.dynamic.hub_inputs import HubInputs, hub_host_name, hub_id
from hubtrust.dynamic.lifecycle import Change, Reconciled, Reconciler
from hubtrust.dynamic.registered_devices import Registrations
from hubtrust.dynamic.service_inputs import require_provisioning_service
from hubtrust.inputs import Properties, boolean, input_field, text, whole_number
from hubtrust.process import now
from hubtrust.reconcile_errors import DeclarationError


@dataclass(frozen=True, kw_only=True)
class AuthorityGenerationInputs(CloudInputs):
    """The inputs of an AuthorityGeneration."""

    authority: str = input_field(text, "the authority's name.", required=True, kept=True, replaces=True)
    generation: int = input_field(whole_number(1, 9999), "the current generation, 1 to 9999.", required=True, kept=True)
    keep_previous: bool = input_field(boolean, "True: whether the previous generation is trusted too.", required=True, kept=True)
    hub_id: Service | None = hub_id(required=False)
    service_id: Service | None = input_field(
        require_provisioning_service,
        "ARM id of the provisioning service, in place of a hub: then the devices that registered are counted.",
        kept=True,
        same=same_id,
    )
    host_name: str | None = hub_host_name()
    devices_of: str | None = input_field(text, "stack whose devices are counted, `organization/project/stack`; needs `hub_id`.", kept=True)
    drop_generation: int | None = input_field(
        whole_number(1, 9999),
        "a generation that may be deleted although devices are enabled: they have moved. It applies to no other.",
    )

    leave: str | None = input_field(
        text, "name of the hub that the authority leaves for another one although it still answers: what is on it then stays."
    )
    clock_of: str | None = input_field(
        clouds.require_name,
        "cloud whose time this machine's clock is compared with, before the certificates of a generation are issued.",
    )

    def require_clock(self) -> None:
        """Refuse a clock that is wrong before anything of the generation is issued, by whichever provider.

        Raises:
            ClockError, CloudError: see ``require_true_clock``.
        """
        if self.clock_of:
            require_true_clock(clouds.cloud_named(self.clock_of), now)

    def require_valid_step(self, olds: Properties) -> None:
        """Check the step from the old inputs ``olds``: generations go up, and a generation that is to be kept exists.

        Raises:
            DeclarationError: the step is not possible.
        """
        wanted, what = self.generation, f"authority '{self.authority}'"
        current = int(olds["generation"]) if olds.get("authority") == self.authority else None
        if current is not None and wanted < current:
            fact = f"generation {wanted} is older than the current generation {current}"
            raise DeclarationError(what, fact, f"set it to {current}, the current one; for a new generation {current + 1}")
        if current is not None and len(dropped := _trusted(current, keep=bool(olds.get("keepPrevious"))) - self.trusted) > 1:
            fact = f"generations {' and '.join(map(str, sorted(dropped)))} are to be deleted in one run"
            remedy = f"first run with generation {current} only (caGeneration: {current}, caKeepPrevious: false)"
            raise DeclarationError(what, fact, remedy)
        if not self.keep_previous:
            return
        before = wanted - 1
        if wanted == 1 or current is None:
            fact = "the previous generation is to be kept, but this stack has none"
            raise DeclarationError(what, fact, f"run `up` with generation {max(before, 1)} first")
        if wanted > current + 1:
            fact = f"generation {before} is to be kept, but the current one is {current}"
            raise DeclarationError(what, fact, f"use {current + 1}: generations go up one at a time")
        # An authority's own record, which is of no hub, is ahead of the hub's after a run that this refused: nothing was deleted then.
        if wanted == current and not olds.get("keepPrevious") and ("hubId" in self.given or "serviceId" in self.given):
            fact = f"generation {before} is to be kept, but it has been deleted"
            raise DeclarationError(what, fact, "set keepPrevious to false until the next generation")

    @property
    def trusted(self) -> set[int]:
        """The generations that are declared as trusted."""
        return _trusted(self.generation, keep=self.keep_previous)

    @property
    def place(self) -> Service | None:
        """The hub or provisioning service where the authority is trusted; None for an authority's own record."""
        return self.hub_id or self.service_id

    def dependants(self, *former: str | None) -> Dependants | None:
        """Who may depend on a generation there; None if nobody is to be counted. ``former`` are earlier names of the stack.

        A renamed stack's devices have its former name until the fleet is written, later in the run.
        """
        if self.service_id is not None:
            return Registrations(self.service_id, self.host_name, self.cloud, self.authority)
        if self.hub_id is None or self.devices_of is None:
            return None
        return HubDevices(HubInputs.read(self.given), {self.devices_of, *(one for one in former if one)})

    def require_droppable(self, olds: Properties) -> None:
        """Refuse to delete a generation that the last run, of the outputs ``olds``, trusted, while devices may depend on it.

        Raises:
            DependantsError: enabled devices may use certificates of it, or nobody can say whether any does.
        """
        last = AuthorityGenerationInputs.read(olds)
        dropped, dependants = last.trusted - self.trusted - {self.drop_generation}, self.dependants(last.devices_of)
        if not dropped or dependants is None or not self._is_where(last):
            return
        oldest = min(dropped)
        overlaps = self.generation == oldest + 1
        require_unused(f"authority '{self.authority}'", oldest, dependants, overlaps=overlaps)

    def _is_where(self, last: "AuthorityGenerationInputs") -> bool:
        return self.place is not None and last.place is not None and same_id(self.place.id, last.place.id)

    def require_left(self, olds: Properties) -> None:
        """Refuse another hub or service than that of the outputs ``olds`` while the old one answers, unless there is consent.

        For a service, consent is as for a generation that is dropped there: devices that registered have its id scope.

        Raises:
            MovedHubError, RefusedError: see ``moved_hub.require_left``.
            DependantsError: devices have registered with the service, or nobody can say whether any has.
        """
        last = AuthorityGenerationInputs.read(olds)
        if self.place is None or last.place is None or self._is_where(last):
            return
        if last.service_id is not None:
            left = last.trusted - {self.drop_generation}
            registered = Registrations(last.service_id, None, self.cloud, self.authority)
            if left and not registered.is_gone():
                require_unused(f"authority '{self.authority}' on {last.service_id.title}", min(left), registered, overlaps=False)
        elif self.hub_id is not None:
            stacks = {str(one) for one in (self.devices_of, olds.get("devicesOf")) if one}
            moved_hub.require_left(HubInputs.read(olds), self.hub_id, stacks)

    def require_leaving(self) -> None:
        """Refuse to delete an authority, of these outputs, on which devices of a hub that stays may depend.

        Raises:
            DependantsError: see ``require_droppable``.
        """
        place, dependants = self.place, self.dependants()
        if place is None or dependants is None:
            return
        for generation in trusted_generations.left(place, self.authority, self.trusted):
            require_unused(f"authority '{self.authority}'", generation, dependants, overlaps=False)


def _trusted(generation: int, *, keep: bool) -> set[int]:
    return {generation, generation - 1} if keep else {generation}


class AuthorityGenerationOutputs:
    """The outputs of an AuthorityGeneration."""

    authority: pulumi.Output[str]
    """The authority's name."""
    generation: pulumi.Output[float]
    """The current generation."""
    keep_previous: pulumi.Output[bool]
    """Whether the previous generation is trusted too."""
    hub_id: pulumi.Output[str | None]
    """ARM id of the hub that trusts it; None for an authority's own record, and one for a provisioning service."""
    service_id: pulumi.Output[str | None]
    """ARM id of the provisioning service that trusts it; None for the others."""
    host_name: pulumi.Output[str | None]
    """The host name of the hub or service, as declared."""
    cloud: pulumi.Output[str | None]
    """The cloud, as declared."""
    devices_of: pulumi.Output[str | None]
    """The stack whose devices are counted, `organization/project/stack`."""


class AuthorityGenerationProvider(Reconciler[AuthorityGenerationInputs]):
    """Records the generation in the state and refuses impossible steps of a rotation; it creates nothing in Azure.

    Of a hub or provisioning service, it also refuses to drop a generation on which devices may depend. Resources are deleted at the end
    of a run, so that a refusal here comes first; with `--continue-on-error`, ``trusted_generations`` keeps the certificates.
    """

    inputs, results = AuthorityGenerationInputs, AuthorityGenerationOutputs
    successors: ClassVar = {"dropPrevious": "use dropGeneration, the number of the generation that may be deleted"}

    def on_check(self, olds: Properties, news: AuthorityGenerationInputs) -> None:
        """Check the step from the last generation to this one, once all of these inputs are known."""
        trusted_generations.note_program()
        if news.leave:
            moved_hub.note_left(news.leave)
        if news.hub_id is not None and news.service_id is not None:
            raise DeclarationError("serviceId", "it is given together with hubId", "declare a generation for each of them")
        if news.place is not None and news.authority:
            found = news.dependants(str(olds.get("devicesOf") or "")) or HubDevices(HubInputs.read(news.given), ())
            trusted_generations.note_service(news.place, news.authority, found, news.drop_generation)
        if not {"authority", "generation", "keep_previous"} & news.unknown:
            news.require_valid_step(olds)

    def on_diff(self, olds: Properties, news: AuthorityGenerationInputs) -> Change:
        """Another authority is another resource; every other change is an update."""
        _record(olds)
        return Change(news.changes_that_replace(olds), updates=any(olds.get(name) != value for name, value in news.kept_values().items()))

    def on_create(self, news: AuthorityGenerationInputs) -> tuple[str, dict[str, Any]]:
        """Record the inputs, once the clock is known to be right."""
        news.require_clock()
        _record(news.given)
        return news.authority, news.kept_values()

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """There is nothing to read."""
        _record(olds)
        return dict(olds)

    def on_update(self, _id: str, olds: Properties, news: AuthorityGenerationInputs) -> dict[str, Any]:
        """Record the inputs, after a check that no device depends on a generation that is dropped, and that a new one gets true dates."""
        if news.generation != olds.get("generation"):
            news.require_clock()
        news.require_left(olds)
        news.require_droppable(olds)
        _forget(olds)
        _record(news.given)
        return news.kept_values()

    def on_delete(self, _id: str, olds: Properties) -> None:
        """Nothing was created. An authority that leaves a hub, or gets another name there, is a generation that is dropped."""
        AuthorityGenerationInputs.read(olds).require_leaving()
        _forget(olds)


def _record(properties: Properties) -> None:
    found = AuthorityGenerationInputs.read(properties)
    if found.place is not None:
        trusted_generations.record(found.place, found.authority, found.trusted)


def _forget(properties: Properties) -> None:
    found = AuthorityGenerationInputs.read(properties)
    if found.place is not None:
        trusted_generations.forget(found.place, found.authority)


class AuthorityGeneration(AuthorityGenerationOutputs, Reconciled, module="hubtrust", name="AuthorityGeneration"):
    """The current generation of an authority; all its other resources depend on this one."""

    provider = AuthorityGenerationProvider

    def __init__(
        self,
        resource_name: str,
        *,
        authority: pulumi.Input[str],
        generation: pulumi.Input[int],
        keep_previous: pulumi.Input[bool],
        hub_id: pulumi.Input[str] | None = None,
        service_id: pulumi.Input[str] | None = None,
        host_name: pulumi.Input[str] | None = None,
        cloud: pulumi.Input[str] | None = None,
        devices_of: pulumi.Input[str] | None = None,
        leave: pulumi.Input[str] | None = None,
        clock_of: pulumi.Input[str] | None = None,
        drop_generation: pulumi.Input[int] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """The current generation of an authority; all its other resources depend on this one.

        Args:
            resource_name: its name in Pulumi.
            authority: the authority's name.
            generation: the current generation, 1 to 9999.
            keep_previous: True: whether the previous generation is trusted too.
            hub_id: ARM id of the IoT hub.
            service_id: ARM id of the provisioning service, in place of a hub: then the devices that registered are counted.
            host_name: the hub's host name, such as hub-7.azure-devices.net; without it, Resource Manager is asked.
            cloud: `public` (default), `usgovernment`, `china` or the https URL of a metadata host.
            devices_of: stack whose devices are counted, `organization/project/stack`; needs `hub_id`.
            leave: name of the hub that the authority leaves for another one although it still answers: what is on it then stays.
            clock_of: cloud whose time this machine's clock is compared with, before the certificates of a generation are issued.
            drop_generation: a generation that may be deleted although devices are enabled: they have moved. It applies to no other.
            opts: Pulumi's resource options.
        """
        super().__init__(resource_name, locals(), opts)
