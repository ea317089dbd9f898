"""Components implemented in plugins: the plugin constructs one by registering its children with our monitor, and serves its methods."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pulumi.runtime.proto import alias_pb2, provider_pb2, resource_pb2

from sandbox.engine.steps.executor import Stopped
from sandbox.engine.steps.goal import Goal
from sandbox.engine.steps.hooks import BINDINGS
from sandbox.engine.values import output_values, property_values

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from sandbox.engine.plan.registrations import Registrations
    from sandbox.engine.providers.lifecycle import Connection
    from sandbox.engine.steps.executor import Executor
    from sandbox.engine.values.property_values import Properties

_OPTIONS = (
    *("type", "name", "parent", "providers", "dependencies", "additionalSecretOutputs", "deletedWith", "ignoreChanges"),
    *("replaceOnChanges", "replace_with", "aliases"),
)
_OPTIONAL_FIELDS = ("protect", "retainOnDelete", "replacement_trigger")


class ComponentPlugins:
    """The component plugins of one run.

    Args:
        executor: knows when the run is stopping.
        registrations: registers a component whose plugin is not configured yet.
        info: the DeploymentInfo of the run.
    """

    def __init__(self, executor: Executor, registrations: Registrations, info: Any) -> None:
        self._executor, self._registrations, self._info = executor, registrations, info
        self.monitor_address = ""

    async def construct(self, provider: Connection, request: Any, inputs: Properties) -> Any:
        """Have a plugin construct a component that the program registers; returns the RegisterResourceResponse.

        Raises:
            ProviderError: its plugin failed.
            Stopped: the run has stopped.
        """
        message = self._construct_request(request)
        answer = await self._unless_stopped(provider.construct(message, inputs))
        if answer is None:  # the plugin's configuration is not known yet, so neither is what it will construct
            registered = await self._registrations.register(Goal(type=request.type, name=request.name, custom=False, parent=request.parent))
            return resource_pb2.RegisterResourceResponse(urn=registered.resource.urn)
        found = property_values.from_struct_with_outputs(answer.state)
        response = resource_pb2.RegisterResourceResponse(urn=answer.urn)
        response.object.CopyFrom(
            property_values.to_struct(
                property_values.from_struct(answer.state), property_values.Form(request.acceptSecrets, request.acceptResources)
            )
        )
        for key, item in found.items():
            urns = {*answer.stateDependencies[key].urns, *output_values.dependencies(item)}
            response.propertyDependencies[key].urns.extend(sorted(urns))
        return response

    def _construct_request(self, request: Any) -> Any:
        """The ConstructRequest for a RegisterResourceRequest."""
        message = provider_pb2.ConstructRequest(**self._run_fields(), **{name: getattr(request, name) for name in _OPTIONS})
        message.configSecretKeys.extend(self._info.configSecretKeys)
        message.aliases.extend(alias_pb2.Alias(urn=urn) for urn in request.aliasURNs)
        for name in _OPTIONAL_FIELDS:
            if request.HasField(name):
                if name == "replacement_trigger":
                    message.replacement_trigger.CopyFrom(request.replacement_trigger)
                else:
                    setattr(message, name, getattr(request, name))
        if request.deleteBeforeReplaceDefined or request.deleteBeforeReplace:
            message.deleteBeforeReplace = request.deleteBeforeReplace
        for key, item in request.propertyDependencies.items():
            message.inputDependencies[key].urns.extend(item.urns)
        for name in ("create", "update", "delete", "read"):
            text = getattr(request.customTimeouts, name)
            if text:
                setattr(message.customTimeouts, name, text)
        for name in BINDINGS:
            getattr(message.resource_hooks, name).extend(getattr(request.hooks, name))
        return message

    def _run_fields(self) -> dict[str, Any]:
        info = self._info
        return {
            "project": info.project,
            "stack": info.stack,
            "organization": info.organization,
            "config": info.config,
            "dryRun": info.dryRun,
            "parallel": info.parallel,
            "monitorEndpoint": self.monitor_address,
            "accepts_output_values": True,
        }

    async def call(self, provider: Connection, request: Any) -> Any:
        """Call a component's method; returns the CallResponse.

        Raises:
            ProviderError: its plugin failed.
            Stopped: the run has stopped.
        """
        message = provider_pb2.CallRequest(tok=request.tok, configSecretKeys=self._info.configSecretKeys, **self._run_fields())
        for key, item in request.argDependencies.items():
            message.argDependencies[key].urns.extend(item.urns)
        answer = await self._unless_stopped(provider.call(message, property_values.from_struct_with_outputs(request.args)))
        return answer or provider_pb2.CallResponse()

    async def _unless_stopped(self, call: Coroutine[Any, Any, Any]) -> Any:
        """The answer. Once the run stops we no longer wait for it: the plugin itself would be waiting for us."""
        task = asyncio.create_task(call)
        stopping = asyncio.create_task(self._executor.stopping.wait())
        await asyncio.wait([task, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not task.done() or (self._executor.stopping.is_set() and task.exception()):
            task.cancel()
            raise Stopped
        return task.result()
