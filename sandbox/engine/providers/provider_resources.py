"""The providers of a run: default ones, explicit ones, and those that are only in the old state.

A provider is a resource too: `ProviderResources` checks, compares and creates it, as a provider does for any other resource.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.engine.providers import differences
from sandbox.engine.providers.builtin import PACKAGE, Builtin
from sandbox.engine.providers.lifecycle import Checked, ResourceState
from sandbox.engine.providers.plugin_provider import PluginProvider
from sandbox.engine.providers.provider_error import ProviderError
from sandbox.engine.values import property_values
from sandbox.engine.values import urn as urns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.engine.providers.differences import Difference
    from sandbox.engine.providers.lifecycle import Connection, Lifecycle
    from sandbox.engine.providers.plugins import Plugins
    from sandbox.engine.state.deployment import Resource
    from sandbox.engine.values.property_values import Properties


class Providers:
    """Finds the provider of a resource, and starts it when it is first needed.

    Args:
        plugins: starts plugin processes.
        builtin: the engine's own provider.
        old_resources: the provider resources of the old state.
        preview: whether the run is a preview.
    """

    def __init__(self, plugins: Plugins, builtin: Builtin, old_resources: Sequence[Resource], *, preview: bool) -> None:
        self.plugins, self.preview = plugins, preview
        self._builtin = builtin
        self._old_resources = {urns.reference(old.urn, old.id): old for old in old_resources if urns.is_provider(old.type)}
        self._registered: dict[str, Resource] = {}
        self._running: dict[str, asyncio.Future[Connection]] = {}
        # By URN of the provider resource; the others are by reference.
        self._registering: dict[str, Connection] = {}
        self.resources = ProviderResources(self)

    async def of(self, resource: Resource) -> Lifecycle:
        """The provider or the engine part that manages a custom resource."""
        return self.resources if urns.is_provider(resource.type) else await self.by_reference(resource.provider)

    async def by_reference(self, reference: str) -> Connection:
        """The provider with a reference; one from the old state is started with its old configuration.

        Raises:
            ProviderError: it is not in the state.
        """
        running = self._running.get(reference)
        if running is None:
            running = self._running[reference] = asyncio.ensure_future(self._start_from_state(reference))
        return await asyncio.shield(running)

    async def _start_from_state(self, reference: str) -> Connection:
        """Start the provider with the configuration that the state has."""
        old = self._old_resources.get(reference)
        if old is None:
            raise ProviderError(
                f"unknown provider {reference!r}: it is neither in the program nor in the state; repair the state's provider reference"
            )
        provider = await self.start(urns.package_of(old.type))
        await provider.configure(old.urn, old.id, old.inputs)
        return provider

    async def start(self, package: str) -> Connection:
        """A package's provider, not configured yet."""
        return self._builtin if package == PACKAGE else PluginProvider(await self.plugins.start(package), preview=self.preview)

    async def of_provider_resource(self, urn: str) -> Connection:
        """The provider of a provider resource that is being registered: not configured yet, or configured as in the old state."""
        if urn not in self._registering:
            self._registering[urn] = self._running_provider(urn) or await self.start(urns.provided_package(urn))
        return self._registering[urn]

    def _running_provider(self, urn: str) -> Connection | None:
        """The provider of a provider resource that a refresh has already started, so that no second process is needed."""
        return next((self._running[reference].result() for reference in self._ready() if urns.split_reference(reference)[0] == urn), None)

    async def configure(self, resource: Resource) -> None:
        """Configure the provider of a provider resource with its inputs."""
        reference = urns.reference(resource.urn, resource.id)
        self._registered[reference] = resource
        provider = await self.of_provider_resource(resource.urn)
        if provider in self.in_use:
            old = self._old_resources.get(reference)
            if old and old.inputs == resource.inputs and reference in self._ready():
                return
            provider = await self.start(urns.package_of(resource.type))
        await provider.configure(resource.urn, resource.id, resource.inputs)
        running: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
        running.set_result(provider)
        self._running[reference] = running

    async def must_replace(self, old: str, new: str) -> bool:
        """Whether a change of the provider (reference) requires a replacement."""
        if old == new:
            return False
        before, after = self._old_resources.get(old), self._registered.get(new)
        if not old or not new or before is None or after is None:
            return True
        provider = await self.by_reference(new)
        return (await provider.diff_config(after.urn, before, after.inputs)).replacing

    @property
    def in_use(self) -> list[Connection]:
        """The providers that have been started."""
        return [self._running[reference].result() for reference in self._ready()]

    def _ready(self) -> list[str]:
        """The references of the providers that are started and configured."""
        return [reference for reference, running in self._running.items() if running.done() and not running.exception()]


class ProviderResources:
    """The lifecycle of provider resources."""

    def __init__(self, providers: Providers) -> None:
        self._providers = providers

    async def check(self, urn: str, old_inputs: Properties | None, new_inputs: Properties, seed: bytes) -> Checked:
        provider = await self._providers.of_provider_resource(urn)
        own = {key: item for key, item in new_inputs.items() if key != "__internal"}
        checked = await provider.check_config(urn, old_inputs or {}, own)
        internal = {"__internal": new_inputs["__internal"]} if "__internal" in new_inputs else {}
        return Checked({**checked.inputs, **internal}, checked.failures)

    async def diff(self, old: Resource, new_inputs: Properties, ignored: Sequence[str]) -> Difference:
        if old.inputs == new_inputs:
            return differences.NONE
        return await (await self._providers.of_provider_resource(old.urn)).diff_config(old.urn, old, new_inputs)

    async def create(self, new: Resource) -> ResourceState:
        return await self._use(new, property_values.UNKNOWN_TEXT if self._providers.preview else str(uuid.uuid4()))

    async def update(self, old: Resource, new: Resource) -> ResourceState:
        return await self._use(new, old.id)

    async def _use(self, new: Resource, id_: str) -> ResourceState:
        await self._providers.configure(replace(new, id=id_))
        return ResourceState(id_, {key: item for key, item in new.inputs.items() if key != "__internal"})

    async def delete(self, old: Resource) -> None:
        pass  # a provider exists only in the state

    async def read(self, urn: str, id_: str, inputs: Properties | None, state: Properties | None) -> ResourceState | None:
        raise ProviderError(f"the provider {urns.name_of(urn)!r} can't be read or imported: declare it in the program")
