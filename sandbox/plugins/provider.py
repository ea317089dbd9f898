"""Pulumi's ResourceProvider service: finds the resource or function by token, converts values and reports errors.

Handshake is answered with Unimplemented, as the recorded real plugins do; the engine then calls Configure.
"""

# ruff: noqa: N802, ARG002, D102 - Pulumi's service defines the names, parameters and meaning of these methods
from __future__ import annotations

import functools
import json
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
from google.protobuf import any_pb2, empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from sandbox.plugins.property_values import from_struct, to_struct
from sandbox.plugins.resource import Autonaming, Candidate, InitializationError, Operation, PluginError, State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.plugins.resource import DiffResult, Function, Resource

STATUS_DETAILS = "grpc-status-details-bin"

Request = TypeVar("Request")
Response = TypeVar("Response")


def reports_errors(
    call: Callable[[Any, Request, grpc.ServicerContext], Response],
) -> Callable[[Any, Request, grpc.ServicerContext], Response]:
    """Turn a PluginError into a one-line gRPC status, which the engine shows to the user."""

    @functools.wraps(call)
    def wrapped(self: Any, request: Request, context: grpc.ServicerContext) -> Response:
        try:
            return call(self, request, context)
        except PluginError as failed:
            reason = " ".join(str(failed).split())
            if isinstance(failed, InitializationError):
                context.set_trailing_metadata(((STATUS_DETAILS, _initialization_status(failed.state, reason)),))
            context.abort(grpc.StatusCode.UNKNOWN, reason)
            raise  # not reached: abort raises

    return wrapped


def _initialization_status(state: State, reason: str) -> bytes:
    detail = provider_pb2.ErrorResourceInitFailed(
        id=state.id, properties=to_struct(state.outputs), inputs=to_struct(state.inputs), reasons=[reason]
    )
    packed = any_pb2.Any()
    packed.Pack(detail)
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=reason, details=[packed])
    return bytes(status.SerializeToString())


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """The plugin `name` at `version`, with its `resources` and `functions` by token.

    Subclasses handle the provider's configuration: `check_config` and `configure`.
    `stopping` is set when the engine cancels; every wait must end when it is set.
    """

    supports_autonaming_configuration = True
    accepts_resources = False

    def __init__(self, name: str, version: str, resources: Mapping[str, Resource], functions: Mapping[str, Function]) -> None:
        self.name = name
        self.version = version
        self.resources = resources
        self.functions = functions
        self.stopping = threading.Event()

    def check_config(self, urn: str, news: dict[str, Any]) -> list[str]:
        """Validate the configuration: one reason for each thing wrong, an empty list when it is valid."""
        raise NotImplementedError

    def configure(self, variables: Mapping[str, str], request: provider_pb2.ConfigureRequest) -> None:
        """Apply the configuration of a provider resource; keys of `variables` are `<name>:config:<key>`."""
        raise NotImplementedError

    # -- the service -------------------------------------------------------------------------------------------------

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "Handshake is not yet implemented")
        raise NotImplementedError  # not reached: abort raises

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=self.version)

    def GetSchema(self, request: provider_pb2.GetSchemaRequest, context: grpc.ServicerContext) -> provider_pb2.GetSchemaResponse:
        schema = {
            "name": self.name,
            "version": self.version,
            "description": "The sandbox's stand-in: only the resources and functions listed here.",
            "resources": {token: {} for token in sorted(self.resources)},
            "functions": {token: {} for token in sorted(self.functions)},
        }
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    def CheckConfig(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:
        reasons = self.check_config(request.urn, from_struct(request.news))
        return provider_pb2.CheckResponse(inputs=request.news, failures=[provider_pb2.CheckFailure(reason=reason) for reason in reasons])

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        return provider_pb2.DiffResponse()

    @reports_errors
    def Configure(self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext) -> provider_pb2.ConfigureResponse:
        self.configure(request.variables, request)
        return provider_pb2.ConfigureResponse(
            supportsPreview=True,
            acceptResources=self.accepts_resources,
            supports_autonaming_configuration=self.supports_autonaming_configuration,
        )

    @reports_errors
    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> provider_pb2.InvokeResponse:
        if request.tok not in self.functions:
            raise PluginError(self._unknown("function", request.tok, self.functions))
        result = self.functions[request.tok](from_struct(request.args))
        failures = [provider_pb2.CheckFailure(reason=reason) for reason in result.failures]
        return provider_pb2.InvokeResponse(failures=failures, **{"return": to_struct(result.inputs)})

    @reports_errors
    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:
        naming = None
        if request.HasField("autonaming"):
            mode = provider_pb2.CheckRequest.AutonamingOptions.Mode.Name(request.autonaming.mode)
            naming = Autonaming(mode=mode, proposed=request.autonaming.proposed_name)
        result = self._resource(request.urn).check(
            Candidate(
                name=request.urn.split("::", 3)[-1],
                olds=from_struct(request.olds),
                news=from_struct(request.news),
                seed=request.randomSeed,
                naming=naming,
            )
        )
        failures = [provider_pb2.CheckFailure(reason=reason) for reason in result.failures]
        return provider_pb2.CheckResponse(inputs=to_struct(result.inputs), failures=failures)

    @reports_errors
    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        state = State(request.id, outputs=from_struct(request.olds), inputs=from_struct(request.old_inputs))
        return _diff_response(self._resource(request.urn).diff(state, from_struct(request.news), ignored=list(request.ignoreChanges)))

    @reports_errors
    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:
        operation = Operation(request.urn, preview=request.preview, timeout=request.timeout)
        created = self._resource(request.urn).create(from_struct(request.properties), operation)
        return provider_pb2.CreateResponse(id=created.id, properties=to_struct(created.outputs))

    @reports_errors
    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> provider_pb2.ReadResponse:
        state = State(request.id, outputs=from_struct(request.properties), inputs=from_struct(request.inputs))
        found = self._resource(request.urn).read(state, Operation(request.urn))
        if found is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=found.id, properties=to_struct(found.outputs), inputs=to_struct(found.inputs))

    @reports_errors
    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> provider_pb2.UpdateResponse:
        state = State(request.id, outputs=from_struct(request.olds), inputs=from_struct(request.old_inputs))
        operation = Operation(request.urn, preview=request.preview, timeout=request.timeout)
        ignored = list(request.ignoreChanges)
        outputs = self._resource(request.urn).update(state, from_struct(request.news), operation, ignored=ignored)
        return provider_pb2.UpdateResponse(properties=to_struct(outputs))

    @reports_errors
    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        state = State(request.id, outputs=from_struct(request.properties), inputs=from_struct(request.old_inputs))
        self._resource(request.urn).delete(state, Operation(request.urn, timeout=request.timeout))
        return empty_pb2.Empty()

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self.stopping.set()
        return empty_pb2.Empty()

    # -- dispatch ----------------------------------------------------------------------------------------------------

    def _resource(self, urn: str) -> Resource:
        # A URN is urn:pulumi:<stack>::<project>::<parent types>$<type>::<name>.
        token = urn.split("::")[2].rsplit("$", 1)[-1]
        if token not in self.resources:
            raise PluginError(self._unknown("resource", token, self.resources))
        return self.resources[token]

    def _unknown(self, kind: str, token: str, known: Mapping[str, object]) -> str:
        return (
            f"the sandbox's stand-in for the {self.name} plugin has no {kind} '{token}'; it has {', '.join(sorted(known))}. "
            f"Take the stand-in's folder off PATH and install the real plugin: pulumi plugin install resource {self.name} {self.version}"
        )


def _diff_response(difference: DiffResult) -> provider_pb2.DiffResponse:
    response = provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if difference.changed else provider_pb2.DiffResponse.DIFF_NONE,
        diffs=difference.properties,
        replaces=difference.replaces,
        deleteBeforeReplace=difference.delete_first,
        hasDetailedDiff=difference.detail is not None,
    )
    for path, change in (difference.detail or {}).items():
        kind = f"{change.kind.value}_REPLACE" if change.replaces else change.kind.value
        entry = provider_pb2.PropertyDiff(kind=provider_pb2.PropertyDiff.Kind.Value(kind), inputDiff=change.of_inputs)
        response.detailedDiff[path].CopyFrom(entry)
    return response
