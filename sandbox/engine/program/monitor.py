"""The ResourceMonitor service: the program registers and reads resources, calls functions, and signals when it is done."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, resource_pb2, resource_pb2_grpc

from sandbox.engine.errors import EngineError
from sandbox.engine.program import requests
from sandbox.engine.providers.provider_error import ProviderError
from sandbox.engine.state.deployment import Resource
from sandbox.engine.steps.executor import Stopped
from sandbox.engine.values import property_values
from sandbox.engine.values import urn as urns

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from sandbox.engine.plan.default_providers import DefaultProviders
    from sandbox.engine.plan.registrations import Registrations
    from sandbox.engine.program.component_plugins import ComponentPlugins
    from sandbox.engine.program.transforms import Transforms
    from sandbox.engine.steps.executor import Executor
    from sandbox.engine.steps.goal import Goal

_FEATURES = {
    "secrets": "SECRETS",
    "resourceReferences": "RESOURCE_REFERENCES",
    "outputValues": "OUTPUT_VALUES",
    "aliasSpecs": "ALIAS_SPECS",
    "deletedWith": "DELETED_WITH",
    "transforms": "TRANSFORMS",
    "invokeTransforms": "INVOKE_TRANSFORMS",
    "replaceWith": "REPLACE_WITH",
    "replacementTrigger": "REPLACEMENT_TRIGGER",
    "resourceHooks": "RESOURCE_HOOKS",
    "errorHooks": "ERROR_HOOKS",
    "invokeDependsOn": "INVOKE_DEPENDS_ON",
}
_UNSUPPORTED = "this engine does not support what the program asks for; use the pulumi CLI for it"
_STATUSES = {"success": resource_pb2.SUCCESS, "fail": resource_pb2.FAIL}


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """Serves one program.

    Args:
        registrations: plans and carries out the steps of each resource.
        executor: its providers have the functions that are called; its hooks are those that the program registers.
        defaults: creates default providers.
        components: has plugins construct their components.
        transforms: those that the program registers.
        info: what GetDeploymentInfo answers, without the features.
        root: the project's folder.
    """

    def __init__(
        self,
        registrations: Registrations,
        executor: Executor,
        defaults: DefaultProviders,
        components: ComponentPlugins,
        transforms: Transforms,
        info: Any,
        root: Path,
    ) -> None:
        self._registrations, self._executor = registrations, executor
        self._providers, self._hooks = executor.context.providers, executor.context.hooks
        self._defaults, self._components, self._transforms = defaults, components, transforms
        self._info, self._root = info, root
        self._goals: dict[str, Goal] = {}
        self._component_providers: dict[str, dict[str, str]] = {}
        self._in_progress: set[asyncio.Task[Any]] = set()
        self.done = asyncio.Event()
        self.released = asyncio.Event()
        self.stack_outputs: tuple[str, property_values.Properties] | None = None

    @property
    def has_stack(self) -> bool:
        """Whether the program has registered its stack."""
        return any(urns.type_of(urn) == urns.STACK_TYPE for urn in self._goals)

    async def idle(self) -> None:
        """Wait until no call of the program is in progress."""
        while self._in_progress:
            await asyncio.wait(self._in_progress)

    async def GetDeploymentInfo(self, request: Any, context: Any) -> Any:
        """What is deployed where, and what this engine can do."""
        info = resource_pb2.DeploymentInfo()
        info.CopyFrom(self._info)
        names = (f"RESOURCE_MONITOR_FEATURE_{name}" for name in _FEATURES.values())
        info.supportedFeatures.extend(resource_pb2.ResourceMonitorFeature.Value(name) for name in names)
        return info

    async def SupportsFeature(self, request: Any, context: Any) -> Any:
        """Whether the engine supports one feature."""
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in _FEATURES)

    async def RegisterResource(self, request: Any, context: Any) -> Any:
        """Create or update a resource as the program asks, and return its outputs."""
        return await self._respond(context, lambda: self._register(request))

    async def _register(self, request: Any) -> Any:
        """Apply inherited options and transforms, register the resource, and return its outputs as the program can read them."""
        requests.inherit(request, self._goals.get(request.parent))
        await self._transforms.apply(request)
        if request.remote:
            return await self._construct(request)
        inputs = property_values.from_struct(request.object, nulls=False)
        provider = ""
        if urns.is_provider(request.type):
            inputs |= {"version": request.version, "__internal": {}} if request.version else {}
        elif request.custom:
            provider = await self._provider(request, urns.package_of(request.type))
        goal = requests.goal_of(request, inputs=inputs, provider=provider, root=self._root)
        registered = await self._registrations.register(goal)
        resource = registered.resource
        self._goals[resource.urn] = goal
        self._remember(resource.urn, request)
        form = property_values.Form(request.acceptSecrets, request.acceptResources)
        # A component's outputs come later; those of an earlier run may refer to resources that do not exist yet.
        outputs = resource.outputs if request.custom else {}
        if not request.supportsPartialValues:
            outputs = {key: item for key, item in outputs.items() if not property_values.has_unknown(item)}
        return resource_pb2.RegisterResourceResponse(
            urn=resource.urn,
            id=resource.id,
            object=property_values.to_struct(outputs, form),
            result=_STATUSES[registered.status],
            unknown=registered.outputs_unknown,
        )

    def _remember(self, urn: str, request: Any) -> None:
        """Remember a registered resource: its children inherit the options of the request."""
        self._transforms.remember(urn, request)
        if not request.custom:
            inherited = self._component_providers.get(request.parent, {})
            self._component_providers[urn] = {**inherited, **request.providers}

    async def _construct(self, request: Any) -> Any:
        """Have a component constructed by its plugin, which registers it and its parts here."""
        provider = await self._providers.by_reference(await self._provider(request, urns.package_of(request.type)))
        try:
            response = await self._components.construct(provider, request, property_values.from_struct_with_outputs(request.object))
        except ProviderError as error:
            self._executor.abort(f"{request.type} resource '{request.name}' has a problem: {error}")
        self._remember(response.urn, request)
        return response

    async def _provider(self, request: Any, package: str) -> str:
        """The reference of the provider that a request is for: named, inherited from above, or the default one."""
        inherited = self._component_providers.get(getattr(request, "parent", ""), {})
        named: str = request.provider or getattr(request, "providers", {}).get(package) or inherited.get(package) or ""
        return named or await self._defaults.reference(package, request.version, request.pluginDownloadURL)

    async def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:
        """Take a component's outputs. Those of the stack are kept until the end, when it is known whether the run failed."""

        async def register() -> Any:
            outputs = property_values.from_struct(request.outputs, nulls=False)
            if urns.type_of(request.urn) == urns.STACK_TYPE:
                self.stack_outputs = request.urn, property_values.from_struct(request.outputs)
            else:
                await self._registrations.set_outputs(request.urn, outputs)
            return empty_pb2.Empty()

        return await self._respond(context, register)

    async def ReadResource(self, request: Any, context: Any) -> Any:
        """Read an existing resource by its id (`Resource.get`)."""
        return await self._respond(context, lambda: self._read(request))

    async def _read(self, request: Any) -> Any:
        resource = Resource(
            urn="",
            type=request.type,
            custom=True,
            external=True,
            id=request.id,
            inputs=property_values.from_struct(request.properties, nulls=False),
            parent=request.parent,
            dependencies=tuple(sorted(set(request.dependencies))),
            provider=await self._provider(request, urns.package_of(request.type)),
            additional_secret_outputs=tuple(request.additionalSecretOutputs),
            **requests.source_position(request, self._root),
        )
        found = (await self._registrations.read(request.name, resource)).resource
        form = property_values.Form(request.acceptSecrets, request.acceptResources)
        return resource_pb2.ReadResourceResponse(urn=found.urn, id=found.id, properties=property_values.to_struct(found.outputs, form))

    async def Invoke(self, request: Any, context: Any) -> Any:
        """Call a provider's function."""
        return await self._respond(context, lambda: self._invoke(request))

    async def _invoke(self, request: Any) -> Any:
        await self._transforms.apply_to_invoke(request)
        args = property_values.from_struct(request.args, nulls=False)
        package = urns.package_of(request.tok)
        provider = await self._providers.by_reference(await self._provider(request, package))
        result, failures = await provider.invoke(request.tok, args)
        response = resource_pb2.ResourceInvokeResponse(
            failures=[provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in failures]
        )
        if result is None:
            response.unknown = True
        else:
            getattr(response, "return").CopyFrom(property_values.to_struct(result, property_values.Form(True, request.acceptResources)))
        return response

    async def RegisterStackTransform(self, request: Any, context: Any) -> Any:
        """Register a transform of every resource from now on."""
        self._transforms.add_stack_transform(request)
        return empty_pb2.Empty()

    async def RegisterStackInvokeTransform(self, request: Any, context: Any) -> Any:
        """Register a transform of every function call from now on."""
        self._transforms.add_invoke_transform(request)
        return empty_pb2.Empty()

    async def Call(self, request: Any, context: Any) -> Any:
        """Call a method of a component that a plugin has constructed."""
        return await self._respond(context, lambda: self._call(request))

    async def _call(self, request: Any) -> Any:
        owner = property_values.from_struct(request.args).get("__self__")
        goal = self._goals.get(owner.urn) if isinstance(owner, property_values.ResourceReference) else None
        reference = request.provider or (goal.provider if goal else "") or await self._provider(request, urns.package_of(request.tok))
        return await self._components.call(await self._providers.by_reference(reference), request)

    async def RegisterPackage(self, request: Any, context: Any) -> Any:
        """Refuse a parameterized package."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{_UNSUPPORTED}: a parameterized package ({request.name})")

    async def RegisterResourceHook(self, request: Any, context: Any) -> Any:
        """Register a function to be called before or after a step."""
        return await self._register_hook(context, self._hooks.add, request)

    async def RegisterErrorHook(self, request: Any, context: Any) -> Any:
        """Register a function to be called when a provider call has failed."""
        return await self._register_hook(context, self._hooks.add_error_hook, request)

    async def _register_hook(self, context: Any, register: Callable[[Any], None], request: Any) -> Any:
        try:
            register(request)
        except EngineError as error:
            await context.abort(grpc.StatusCode.ALREADY_EXISTS, str(error))
        return empty_pb2.Empty()

    async def ExistsResource(self, request: Any, context: Any) -> Any:
        """Refuse the question whether a resource exists."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{_UNSUPPORTED}: asking whether a resource exists")

    async def SignalAndWaitForShutdown(self, request: Any, context: Any) -> Any:
        """The program has registered everything; the call returns when the run is over, because its hooks may still be called."""
        self.done.set()
        await self.released.wait()
        return empty_pb2.Empty()

    async def _respond(self, context: Any, call: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        # A task of its own: a step that has begun is finished and saved even if the program has ended.
        task = asyncio.create_task(call())
        self._in_progress.add(task)
        task.add_done_callback(self._in_progress.discard)
        try:
            return await asyncio.shield(task)
        except Stopped:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "resource monitor shut down")
        except (ProviderError, EngineError) as error:
            await context.abort(grpc.StatusCode.UNKNOWN, str(error))
