"""An engine's monitor by gRPC that remembers what a plugin's components register, instead of creating it."""

import hashlib
from concurrent import futures
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.mocks import MockMonitor, MockResourceArgs
from pulumi.runtime.proto import resource_pb2, resource_pb2_grpc
from pulumi.runtime.rpc import _special_secret_sig, _special_sig_key

from tests.kit.remembering_engine import TOKEN, Engine


class RecordingMonitor(resource_pb2_grpc.ResourceMonitorServicer):
    """A run's monitor. In a preview, resources have no outputs yet.

    Args:
        preview: whether it is one.
    """

    def __init__(self, *, preview: bool) -> None:
        self.preview, self.requests, self.outputs = preview, dict[tuple[str, str], Any](), dict[str, dict[str, Any]]()
        self.refused = ""  # the type of the resource whose creation fails
        self._engine = Engine()
        self._server = grpc.server(futures.ThreadPoolExecutor(32))
        resource_pb2_grpc.add_ResourceMonitorServicer_to_server(self, self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.stop(None).wait()

    def inputs(self, kind: str, name: str) -> dict[str, Any]:
        """The inputs of a resource as they are on the wire."""
        found: dict[str, Any] = json_format.MessageToDict(self.requests[kind, name].object)
        return found

    def GetDeploymentInfo(self, _request: Any, _context: Any) -> Any:  # noqa: N802 - the protocol\'s own name
        """What this engine supports."""
        return MockMonitor(self._engine).GetDeploymentInfo(None)  # type: ignore[no-untyped-call] # Pulumi's

    def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol\'s own name
        """Remember the request; the answer has the outputs that there would be."""
        self.requests[request.type, request.name] = request
        if request.type == self.refused:
            context.abort(grpc.StatusCode.UNKNOWN, f"{request.name}: it can't be created here")
        above = f"{request.parent.split('::')[2]}$" if request.parent else ""
        urn = f"urn:pulumi:dev::plant::{above}{request.type}::{request.name}"
        if not request.custom:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        answer = struct_pb2.Struct()
        answer.CopyFrom(request.object)
        if self.preview:
            return resource_pb2.RegisterResourceResponse(urn=urn, object=answer)
        id_, made = self._engine.new_resource(MockResourceArgs(request.type, request.name, {}, None, None, True))
        for name, value in {**made, "deviceScope": "ms-azure-iot-edge://gateway-1"}.items():
            if name in answer.fields and isinstance(value, dict):
                answer.fields[name].struct_value.update(value)  # what the service adds to what is declared
            elif name not in answer.fields and value is not None:
                is_secret = name in request.additionalSecretOutputs
                answer.update({name: {_special_sig_key: _special_secret_sig, "value": value} if is_secret else value})
        return resource_pb2.RegisterResourceResponse(urn=urn, id=id_ or "", object=answer)

    def RegisterResourceOutputs(self, request: Any, _context: Any) -> Any:  # noqa: N802 - the protocol\'s own name
        """Remember the outputs of a component."""
        self.outputs[request.urn] = json_format.MessageToDict(request.outputs)
        return empty_pb2.Empty()

    def Invoke(self, request: Any, _context: Any) -> Any:  # noqa: N802 - the protocol's own name
        """Who runs the program; and of whatever else is asked for, that this stack has made it before."""
        found = struct_pb2.Struct()
        if request.tok == "azure-native:authorization:getClientConfig":
            found.update(self._engine.call(None))  # type: ignore[arg-type] # it answers everything alike
        else:
            asked = json_format.MessageToDict(request.args)
            own = min(asked, key=lambda argument: argument in ("resourceGroupName", "scope"))  # the argument with its own name
            name, _, digits = asked[own].rpartition("-")
            digest = hashlib.sha256(f"s organization/plant/dev {name}".encode()).hexdigest()  # as a vault's generated name has it
            token = digest[:16] if digest.startswith(digits) else TOKEN
            found.update(
                {
                    "id": f"/subscriptions/s/resourceGroups/{asked.get('resourceGroupName', 'g')}/providers/p/t/{asked[own]}",
                    "location": "westeurope",
                    "tags": {"hubtrust": f"organization/plant/dev {token}"},
                    "properties": {"tenantId": "t", "enableRbacAuthorization": True},
                }
            )
        return resource_pb2.ResourceInvokeResponse(**{"return": found})
