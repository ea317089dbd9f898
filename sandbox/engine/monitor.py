"""The ResourceMonitor service: the program registers and reads resources, calls functions, and says when it is done."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, resource_pb2, resource_pb2_grpc

from sandbox.engine import registration, source_positions, values
from sandbox.engine import urn as urns
from sandbox.engine.deployment import Resource
from sandbox.engine.errors import EngineError
from sandbox.engine.executor import Stopped
from sandbox.engine.plan import Refused
from sandbox.engine.provider_error import ProviderError
from sandbox.engine.transforms import Transforms

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from sandbox.engine.default_providers import DefaultProviders
    from sandbox.engine.goal import Goal
    from sandbox.engine.planner import Planner
    from sandbox.engine.providers import Providers

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
    "invokeDependsOn": "INVOKE_DEPENDS_ON",
}
_UNKNOWN = "this engine does not support what the program asks for; use the pulumi CLI for it"
_RESULTS = {"success": resource_pb2.SUCCESS, "fail": resource_pb2.FAIL}


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """Serves one program.

    Args:
        planner: decides and acts.
        providers: those that functions are called on.
        defaults: makes default providers.
        info: what GetDeploymentInfo answers, without the features.
        root: the project's folder.
    """

    def __init__(self, planner: Planner, providers: Providers, defaults: DefaultProviders, info: Any, root: Path) -> None:
        self._planner, self._providers, self._defaults = planner, providers, defaults
        self._info, self._root = info, root
        self._goals: dict[str, Goal] = {}
        self._transforms = Transforms()
        self._component_providers: dict[str, dict[str, str]] = {}
        self._under_way: set[asyncio.Task[Any]] = set()
        self.done = asyncio.Event()
        self.released = asyncio.Event()
        self.stack_outputs: tuple[str, values.Properties] | None = None

    @property
    def has_stack(self) -> bool:
        """Whether the program has registered its stack."""
        return any(urns.type_of(urn) == urns.STACK_TYPE for urn in self._goals)

    async def idle(self) -> None:
        """Wait until no call of the program is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def GetDeploymentInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - the protocol's names
        """What is deployed where, and what this engine can do."""
        info = resource_pb2.DeploymentInfo()
        info.CopyFrom(self._info)
        names = (f"RESOURCE_MONITOR_FEATURE_{name}" for name in _FEATURES.values())
        info.supportedFeatures.extend(resource_pb2.ResourceMonitorFeature.Value(name) for name in names)
        return info

    async def SupportsFeature(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """The same question, one feature at a time."""
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in _FEATURES)

    async def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Bring a resource to what the program asks for, and say what it is then."""
        return await self._answer(context, lambda: self._register(request))

    async def _register(self, request: Any) -> Any:
        if request.remote:
            raise ProviderError(
                f"component plugins are not supported by this engine: {request.type!r} needs one; use the pulumi CLI for it"
            )
        registration.inherit(request, self._goals.get(request.parent))
        inputs = await self._transforms.apply(request)
        provider = ""
        if request.custom and not urns.is_provider(request.type):
            provider = await self._provider(request, urns.package_of(request.type))
        if urns.is_provider(request.type) and request.version:
            inputs |= {"version": request.version, "__internal": {}}
        goal = registration.goal_of(request, inputs=inputs, provider=provider, root=self._root)
        registered = await self._planner.register(goal)
        resource = registered.resource
        self._goals[resource.urn] = goal
        self._transforms.registered(resource.urn, request)
        if not request.custom:
            above = self._component_providers.get(request.parent, {})
            self._component_providers[resource.urn] = {**above, **request.providers}
        form = values.Form(request.acceptSecrets, request.acceptResources)
        # A component's outputs come later; those of an earlier run may point at what is not there yet.
        outputs = resource.outputs if request.custom else {}
        if not request.supportsPartialValues:
            outputs = {key: item for key, item in outputs.items() if not values.has_unknown(item)}
        return resource_pb2.RegisterResourceResponse(
            urn=resource.urn,
            id=resource.id,
            object=values.to_struct(outputs, form),
            result=_RESULTS[registered.result],
            unknown=registered.unknown,
        )

    async def _provider(self, request: Any, package: str) -> str:
        """The reference of the provider that a request is for: named, inherited from above, or the default one."""
        inherited = self._component_providers.get(getattr(request, "parent", ""), {})
        named: str = request.provider or getattr(request, "providers", {}).get(package) or inherited.get(package) or ""
        return named or await self._defaults.reference(package, request.version, request.pluginDownloadURL)

    async def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:  # noqa: N802
        """A component has its outputs. The stack's are kept for the end, when it is known how the run went."""

        async def register() -> Any:
            outputs = values.without_nulls(values.from_struct(request.outputs))
            if urns.type_of(request.urn) == urns.STACK_TYPE:
                self.stack_outputs = request.urn, values.from_struct(request.outputs)
            else:
                self._planner.outputs(request.urn, outputs)
            return empty_pb2.Empty()

        return await self._answer(context, register)

    async def ReadResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Look up a resource by its id."""
        return await self._answer(context, lambda: self._read(request))

    async def _read(self, request: Any) -> Any:
        new = Resource(
            urn=urns.make("", "", "", request.type, request.name),
            type=request.type,
            custom=True,
            external=True,
            id=request.id,
            inputs=values.without_nulls(values.from_struct(request.properties)),
            parent=request.parent,
            dependencies=tuple(sorted(set(request.dependencies))),
            provider=await self._provider(request, urns.package_of(request.type)),
            additional_secret_outputs=tuple(request.additionalSecretOutputs),
            **source_positions.of_request(request, self._root),
        )
        resource = (await self._planner.read(new)).resource
        form = values.Form(request.acceptSecrets, request.acceptResources)
        return resource_pb2.ReadResourceResponse(urn=resource.urn, id=resource.id, properties=values.to_struct(resource.outputs, form))

    async def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Call a provider's function."""
        return await self._answer(context, lambda: self._invoke(request))

    async def _invoke(self, request: Any) -> Any:
        args = values.without_nulls(await self._transforms.invoke(request))
        package = urns.package_of(request.tok)
        provider = await self._providers.at(await self._provider(request, package))
        result, failures = await provider.invoke(request.tok, args)
        response = resource_pb2.ResourceInvokeResponse(
            failures=[provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in failures]
        )
        if result is None:
            response.unknown = True
        else:
            getattr(response, "return").CopyFrom(values.to_struct(result, values.Form(True, request.acceptResources)))
        return response

    async def RegisterStackTransform(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """A transform of every resource from now on."""
        self._transforms.of_stack(request)
        return empty_pb2.Empty()

    async def RegisterStackInvokeTransform(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """A transform of every function call from now on."""
        self._transforms.of_invokes(request)
        return empty_pb2.Empty()

    async def Call(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Methods of component plugins."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{_UNKNOWN}: a method of a component plugin ({request.tok})")

    async def RegisterPackage(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Parameterized packages."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{_UNKNOWN}: a parameterized package ({request.name})")

    async def RegisterResourceHook(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Resource hooks."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{_UNKNOWN}: a resource hook ({request.name})")

    async def RegisterErrorHook(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Error hooks."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{_UNKNOWN}: an error hook ({request.name})")

    async def ExistsResource(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Asking whether a resource exists."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{_UNKNOWN}: asking whether a resource exists")

    async def close(self) -> None:
        """Let go of the program."""
        await self._transforms.close()

    async def SignalAndWaitForShutdown(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """The program has said all; it is kept until the run is over, because it may be called back."""
        self.done.set()
        await self.released.wait()
        return empty_pb2.Empty()

    async def _answer(self, context: Any, call: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        # A task of its own: what has begun is brought to its end, and into the state, also when the program is gone.
        task = asyncio.create_task(call())
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            return await asyncio.shield(task)
        except (Stopped, Refused):
            await context.abort(grpc.StatusCode.UNAVAILABLE, "resource monitor shut down")
        except (ProviderError, EngineError) as bad:
            await context.abort(grpc.StatusCode.UNKNOWN, str(bad))
