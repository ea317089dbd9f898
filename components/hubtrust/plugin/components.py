"""Components for programs in other languages: Construct runs a component's constructor, Call its methods.

All calls share one event loop, each with Pulumi's settings of its own. A component that another one is given (``hub``, ``authorities``) is
the object that this plugin constructed before it in the same run.
"""

import asyncio
import contextlib
import importlib
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import grpc
import pulumi
from google.protobuf import struct_pb2
from pulumi.runtime import config, rpc, settings
from pulumi.runtime.proto import provider_pb2
from pulumi.runtime.stack import wait_for_rpcs

from hubtrust import component_outputs, shell
from hubtrust.errors import HubtrustError, shown
from hubtrust.plugin.component_arguments import constructor_arguments
from hubtrust.plugin.component_values import ComponentValues
from hubtrust.plugin.construct_options import options_of
from hubtrust.plugin.one_line import fault_of_ours, without_secrets
from hubtrust.plugin.property_values import secret_texts
from hubtrust.reconcile_errors import DeclarationError

COMPONENTS: Final = (
    *("AuthorityVault", "CertificateAuthority", "EnrollmentCanary", "EnrollmentFleet", "EnrollmentGroup", "EvidenceLog"),
    *("IndividualEnrollment", "ProvisioningService", "TrustedDevice", "TrustedFleet", "TrustedHub", "TrustedModule"),
)
"""The names of the components; their tokens are `hubtrust:index:<name>`."""

PROVE: Final = f"{shell.token('CertificateAuthority')}/prove"
_CALLS = 256  # at a time: each registration of a child waits in a thread of its own
_LONGEST_LINE = 6000  # bytes as gRPC sends them, which takes 8 KB for the message of an error
_Answer = TypeVar("_Answer")


class Components:
    """Constructs components, and calls their methods.

    Args:
        engine_address: where the engine listens, which takes messages for the user.
    """

    def __init__(self, engine_address: str) -> None:
        self._engine_address = engine_address
        self._is_ready = False  # the event loop, on which Pulumi waits for the engine
        self._constructed: dict[tuple[str, str], pulumi.Resource] = {}  # by the run's monitor and the URN

    async def Construct(self, request: Any, context: Any) -> Any:
        """Declare a component and everything in it."""
        return await _told(f"{request.type} '{request.name}'", lambda: self._construct(request), context, request.inputs)

    async def Call(self, request: Any, context: Any) -> Any:
        """Call a method of a component."""
        return await _told(request.tok, lambda: self._call(request), context, request.args)

    async def _construct(self, request: Any) -> Any:
        kind = await asyncio.to_thread(component_of, request.type)
        values = await self._begin(request)
        given = values.read_all(request.inputs, lambda name: request.inputDependencies[name].urns)
        named = await constructor_arguments(kind, request.name, given)
        component = kind(request.name, **named, opts=options_of(request))
        urn = str(await component.urn.future())
        state, dependencies = await _sent(component_outputs.output_values(component))
        await _ended()
        self._constructed[request.monitorEndpoint, urn] = component
        response = provider_pb2.ConstructResponse(urn=urn, state=state)
        for name, urns in dependencies.items():
            response.stateDependencies[name].urns.extend(urns)
        return response

    async def _call(self, request: Any) -> Any:
        if request.tok != PROVE:
            raise DeclarationError(request.tok, "there is no such method", f"use {PROVE}")
        values = await self._begin(request)
        given = values.read_all(request.args, lambda name: request.argDependencies[name].urns)
        authority, hub = await _plain(given.pop("__self__", None)), await _plain(given.get("hub"))
        kind = component_of(shell.token("CertificateAuthority"))
        if not isinstance(authority, kind):
            fact = "its authority was declared by another provider"
            raise DeclarationError(PROVE, fact, "call it on a CertificateAuthority of the same provider, in the run that declares it")
        if unknown := sorted(given.keys() - {"hub", "code"}):
            raise DeclarationError(PROVE, f"it has no argument '{unknown[0]}'", "use code, hub")
        proof = authority.prove(hub, given.get("code"))  # type: ignore[attr-defined] # a CertificateAuthority has it
        outputs, dependencies = await _sent({"proof": proof})
        await _ended()
        response = provider_pb2.CallResponse(**{"return": outputs})
        for name, urns in dependencies.items():
            response.returnDependencies[name].urns.extend(urns)
        return response

    async def _begin(self, request: Any) -> ComponentValues:
        """Set Pulumi's settings to those of the run, for this call alone."""
        if not self._is_ready:
            self._is_ready = True
            loop = asyncio.get_running_loop()
            loop.set_default_executor(ThreadPoolExecutor(max_workers=_CALLS))
            loop.set_exception_handler(_not_told_twice)
        settings.reset_options(
            organization=request.organization or "organization",
            project=request.project or None,
            stack=request.stack or None,
            parallel=request.parallel or None,
            engine_address=self._engine_address,
            monitor_address=request.monitorEndpoint or None,
            preview=request.dryRun,
        )
        await settings._load_monitor_feature_support()  # type: ignore[no-untyped-call] # noqa: SLF001 - as Pulumi's own servicer does
        config.set_all_config(dict(request.config), list(request.configSecretKeys))
        return ComponentValues(lambda urn: self._constructed.get((request.monitorEndpoint, urn)))


def component_of(token: str) -> type[pulumi.ComponentResource]:
    """The class of a component.

    Raises:
        DeclarationError: there is none with this token.
    """
    name = token.rpartition(":")[2]
    if name not in COMPONENTS or token != shell.token(name):
        raise DeclarationError(token, "hubtrust has no such component", f"use one of {', '.join(COMPONENTS)}")
    found: type[pulumi.ComponentResource] = getattr(importlib.import_module("hubtrust"), name)
    return found


async def _plain(value: Any) -> Any:
    """``value`` itself where it is an Output only by its form: known and no secret."""
    is_plain = isinstance(value, pulumi.Output) and await value.is_known() and not await value.is_secret()
    return await value.future() if is_plain else value


async def _sent(outputs: dict[str, Any]) -> tuple[struct_pb2.Struct, dict[str, list[str]]]:
    """The message of ``outputs``, and the URNs on which each depends."""
    found: dict[str, list[pulumi.Resource]] = {}
    message = await rpc.serialize_properties(outputs, found)
    urns = {name: await asyncio.gather(*(one.urn.future() for one in resources)) for name, resources in found.items()}
    return message, {name: sorted({urn for urn in known if urn}) for name, known in urns.items()}


async def _ended() -> None:
    """Wait for every registration and every Output of this call: what one of them raises is an error of the component."""
    await wait_for_rpcs()


async def _told(what: str, call: Callable[[], Awaitable[_Answer]], context: Any, given: struct_pb2.Struct) -> _Answer:
    """The answer; an error ends the call as one line, without the secrets that are ``given``."""
    try:
        return await call()
    except Exception as error:  # noqa: BLE001 - the last line of defence: gRPC would tell the engine less than this line
        line = without_secrets(secret_texts(given), _line(what, error))
    with contextlib.suppress(Exception):
        await wait_for_rpcs(await_all_outstanding_tasks=False)
    await context.abort(grpc.StatusCode.UNKNOWN, line)
    raise AssertionError("abort raises")


def _line(what: str, error: BaseException) -> str:
    """What the user is told. A fault of this package keeps its traceback on stderr."""
    ours = next((one for one in _causes(error) if isinstance(one, HubtrustError)), None)
    if ours is not None:
        line = str(ours)
    elif isinstance(error, grpc.RpcError):
        line = shown(str(error.details()))
    elif _is_for_the_user(error):
        line = shown(str(error))
    else:
        line = fault_of_ours(what, error)
    while len(line.encode()) > _LONGEST_LINE or (not line.isascii() and len(line.encode()) * 3 > _LONGEST_LINE):
        line = shown(line, len(line) * 3 // 4)
    return line


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what it was raised from, each once: Pulumi raises errors from themselves."""
    found = [error]
    while (cause := found[-1].__cause__) is not None and cause not in found:
        found.append(cause)
    return found


def _is_for_the_user(error: BaseException | None) -> bool:
    """Whether its text says all. Pulumi hands on what the engine says of a resource as a plain Exception."""
    return isinstance(error, HubtrustError | pulumi.RunError | grpc.RpcError) or type(error) is Exception


def _not_told_twice(loop: asyncio.AbstractEventLoop, told: dict[str, Any]) -> None:
    """What several Outputs raise is told once, by the call that failed."""
    if not _is_for_the_user(told.get("exception")):
        loop.default_exception_handler(told)
