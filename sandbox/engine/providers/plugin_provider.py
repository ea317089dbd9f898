"""One provider over gRPC: the resource lifecycle in the engine's own values.

A provider without support for secrets gets them unwrapped; in its answer, properties that were sent as secrets are marked again.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from sandbox.engine.providers.differences import Difference, PropertyDifference, between
from sandbox.engine.providers.lifecycle import Checked, ResourceState
from sandbox.engine.providers.provider_error import PartialFailure, ProviderError, partial_failure
from sandbox.engine.values import property_values
from sandbox.engine.values import urn as urns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.engine.providers.plugins import Plugin
    from sandbox.engine.state.deployment import Resource
    from sandbox.engine.values.property_values import Properties

_KINDS = ("add", "add-replace", "delete", "delete-replace", "update", "update-replace")


class PluginProvider:
    """A provider that has been configured."""

    def __init__(self, plugin: Plugin, *, preview: bool) -> None:
        self._plugin, self._preview = plugin, preview
        self._form = property_values.Form(secrets=False, resources=False)
        self._previews = False
        self.configured = True

    async def check_config(self, urn: str, old_inputs: Properties, new_inputs: Properties) -> Checked:
        """The configuration as the provider normalized it."""
        request = provider_pb2.CheckRequest(**urns.named(urn), **_configuration(olds=old_inputs, news=new_inputs))
        try:
            response = await self._plugin.stub.CheckConfig(request)
        except grpc.aio.AioRpcError as error:
            if error.code() == grpc.StatusCode.UNIMPLEMENTED:
                return Checked(new_inputs)
            raise self._error(error, "CheckConfig") from None
        return Checked(property_values.from_struct(response.inputs, secrets_of=new_inputs), _failures(response))

    async def diff_config(self, urn: str, old: Resource, new_inputs: Properties) -> Difference:
        """The difference between two configurations."""
        request = provider_pb2.DiffRequest(
            **urns.named(urn),
            **_configuration(olds=old.outputs, old_inputs=old.inputs, news=new_inputs),
        )
        try:
            response = await self._plugin.stub.DiffConfig(request)
        except grpc.aio.AioRpcError as error:
            if error.code() == grpc.StatusCode.UNIMPLEMENTED:
                return between(old.inputs, new_inputs)
            raise self._error(error, "DiffConfig") from None
        return _difference(response, old.inputs, new_inputs)

    async def configure(self, urn: str, id_: str, inputs: Properties) -> None:
        """Send it its configuration. If that has unknowns (in a preview), it stays unconfigured and results are unknown."""
        self.configured = not property_values.has_unknown(inputs)
        if not self.configured:
            return
        prefix = f"{urns.provided_package(urn)}:config:"
        strings = {
            prefix + key: item for key, item in property_values.revealed(inputs).items() if isinstance(item, str) and key != "version"
        }
        request = provider_pb2.ConfigureRequest(
            **urns.named(urn),
            id=id_,
            **_configuration(args=inputs),
            variables=strings,
            acceptSecrets=True,
            acceptResources=True,
            sends_old_inputs=True,
            sends_old_inputs_to_delete=True,
        )
        response = await self._call("Configure", request)
        self._form = property_values.Form(response.acceptSecrets, response.acceptResources, response.acceptOutputs)
        self._previews = response.supportsPreview

    async def check(self, urn: str, old_inputs: Properties | None, new_inputs: Properties, seed: bytes) -> Checked:
        """Inputs as the provider normalized them."""
        if not self.configured:
            return Checked(new_inputs)
        request = provider_pb2.CheckRequest(**urns.named(urn), **self._structs(olds=old_inputs or {}, news=new_inputs), randomSeed=seed)
        response = await self._call("Check", request)
        return Checked(self._properties(response.inputs, new_inputs), _failures(response))

    async def diff(self, old: Resource, new_inputs: Properties, ignored: Sequence[str]) -> Difference:
        """The difference between a resource's old state and new inputs."""
        if not self.configured:
            return between(old.inputs, new_inputs)
        request = provider_pb2.DiffRequest(
            **urns.named(old.urn),
            id=old.id,
            **self._structs(olds=old.outputs, news=new_inputs, old_inputs=old.inputs),
            ignoreChanges=list(ignored),
        )
        return _difference(await self._call("Diff", request), old.inputs, new_inputs)

    async def create(self, new: Resource) -> ResourceState:
        """Create a resource; in a preview, predict its outputs."""
        if self._preview and not (self._previews and self.configured):
            return ResourceState("", new.inputs)
        request = provider_pb2.CreateRequest(
            **urns.named(new.urn),
            **self._structs(properties=new.inputs),
            timeout=new.custom_timeouts.get("create", 0),
            preview=self._preview,
        )
        response = await self._call("Create", request, new.inputs)
        if not response.id and not self._preview:
            raise ProviderError("the provider did not return an id for what it created: this is an error of the provider")
        outputs = self._properties(response.properties, new.inputs)
        return ResourceState(response.id, outputs, refresh_before_update=response.refresh_before_update)

    async def update(self, old: Resource, new: Resource) -> ResourceState:
        """Update a resource in place; in a preview, predict its outputs."""
        if self._preview and not (self._previews and self.configured):
            return ResourceState(old.id, new.inputs)
        request = provider_pb2.UpdateRequest(
            **urns.named(new.urn),
            id=old.id,
            **self._structs(olds=old.outputs, news=new.inputs, old_inputs=old.inputs),
            timeout=new.custom_timeouts.get("update", 0),
            ignoreChanges=list(new.ignore_changes),
            preview=self._preview,
        )
        response = await self._call("Update", request, new.inputs)
        return ResourceState(
            old.id, self._properties(response.properties, new.inputs), refresh_before_update=response.refresh_before_update
        )

    async def delete(self, old: Resource) -> None:
        """Delete a resource."""
        request = provider_pb2.DeleteRequest(
            **urns.named(old.urn),
            id=old.id,
            **self._structs(properties=old.outputs, old_inputs=old.inputs),
            timeout=old.custom_timeouts.get("delete", 0),
        )
        await self._call("Delete", request)

    async def read(self, urn: str, id_: str, inputs: Properties | None, state: Properties | None) -> ResourceState | None:
        """The current state of a resource; None if it no longer exists."""
        known = {name: item for name, item in (("inputs", inputs), ("properties", state)) if item is not None}
        request = provider_pb2.ReadRequest(**urns.named(urn), id=id_, **self._structs(**known))
        response = await self._call("Read", request, inputs)
        if not response.id:
            return None
        found = self._properties(response.inputs, inputs or {}) if response.HasField("inputs") else None
        return ResourceState(response.id, self._properties(response.properties, state or {}), found, response.refresh_before_update)

    async def invoke(self, token: str, args: Properties) -> tuple[Properties | None, tuple[tuple[str, str], ...]]:
        """A function's result and failures; None if the provider is not configured yet."""
        if not self.configured:
            return None, ()
        request = provider_pb2.InvokeRequest(tok=token, **self._structs(args=args), preview=self._preview)
        response = await self._call("Invoke", request)
        return property_values.from_struct(getattr(response, "return")), _failures(response)

    async def construct(self, request: Any, inputs: Properties) -> Any:
        """The ConstructResponse of a component; None if the provider is not configured yet."""
        if not self.configured:
            return None
        request.inputs.CopyFrom(property_values.to_struct(inputs, self._form))
        return await self._call("Construct", request)

    async def call(self, request: Any, args: Properties) -> Any:
        """The CallResponse of a component's method; None if the provider is not configured yet."""
        if not self.configured:
            return None
        request.args.CopyFrom(property_values.to_struct(args, self._form))
        return await self._call("Call", request)

    async def cancel(self) -> None:
        """Ask it to stop its operations."""
        with contextlib.suppress(grpc.aio.AioRpcError):  # it may be busy or have ended; the caller waits for its calls anyway
            await self._plugin.stub.Cancel(empty_pb2.Empty(), timeout=1)

    def _structs(self, **properties: Properties) -> dict[str, Any]:
        return property_values.to_structs(self._form, **properties)

    def _properties(self, struct: Any, sent: Properties) -> Properties:
        return property_values.from_struct(struct, secrets_of=None if self._form.secrets else sent)

    async def _call(self, method: str, request: Any, sent: Properties | None = None) -> Any:
        try:
            return await getattr(self._plugin.stub, method)(request)
        except grpc.aio.AioRpcError as error:
            partial = partial_failure(error)
            if partial is None:
                raise self._error(error, method) from None
            inputs = self._properties(partial.inputs, sent or {}) if partial.HasField("inputs") else None
            state = ResourceState(partial.id, self._properties(partial.properties, sent or {}), inputs)
            raise PartialFailure(error.details() or "", state, tuple(partial.reasons)) from None

    def _error(self, error: grpc.aio.AioRpcError, method: str) -> ProviderError:
        if error.code() == grpc.StatusCode.UNAVAILABLE:
            return ProviderError(
                f"the plugin for {self._plugin.package!r} ended during {method}: the operation may or may not have happened; "
                "see its messages above, then refresh or run again"
            )
        if error.code() == grpc.StatusCode.UNIMPLEMENTED:
            return ProviderError(f"the plugin for {self._plugin.package!r} does not have {method}: {error.details()}")
        return ProviderError(error.details() or f"{method} failed with {error.code().name} and no message")


def _configuration(**properties: Properties) -> dict[str, Any]:
    """The fields of a message about a provider's configuration, without what only the engine uses."""
    public = {name: {key: value for key, value in item.items() if key != "__internal"} for name, item in properties.items()}
    return property_values.to_structs(property_values.Form(), **public)


def _failures(response: Any) -> tuple[tuple[str, str], ...]:
    return tuple((failure.property, failure.reason) for failure in response.failures)


def _difference(response: Any, old: Properties, new: Properties) -> Difference:
    if response.changes == provider_pb2.DiffResponse.DIFF_UNKNOWN:
        found = between(old, new)
        return Difference(found.changes, tuple(response.replaces), found.changed, found.detailed, response.deleteBeforeReplace)
    detailed = {path: PropertyDifference(_KINDS[item.kind], item.inputDiff) for path, item in response.detailedDiff.items()}
    return Difference(
        "some" if response.changes == provider_pb2.DiffResponse.DIFF_SOME else "none",
        tuple(response.replaces),
        tuple(response.diffs),
        detailed if response.hasDetailedDiff or detailed else None,
        response.deleteBeforeReplace,
        tuple(response.stables),
    )
