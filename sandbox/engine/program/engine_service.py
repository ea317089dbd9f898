"""The Engine service: what programs and plugins tell the engine beside resources: log messages, the root resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from sandbox.engine.steps.events import SEVERITIES

if TYPE_CHECKING:
    from sandbox.engine.steps.events import Events


class EngineService(engine_pb2_grpc.EngineServicer):
    """Takes log messages to the events. Debug messages are dropped, as Pulumi does without --debug."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._root = ""

    async def Log(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - the protocol's name
        """A message for the user."""
        severity = SEVERITIES[request.severity]
        if severity != "debug":
            text = request.message.rstrip("\n")
            self._events.message(text, severity, request.urn, stream=request.streamId, ephemeral=request.ephemeral)
        return empty_pb2.Empty()

    async def GetRootResource(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """The URN of the stack resource."""
        return engine_pb2.GetRootResourceResponse(urn=self._root)

    async def SetRootResource(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """The URN of the stack resource is made known."""
        self._root = request.urn
        return engine_pb2.SetRootResourceResponse()

    async def StartDebugging(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """A program waits for a debugger: the user is told, nothing else."""
        self._events.message("the program waits for a debugger to attach", "warning")
        return empty_pb2.Empty()

    async def RequirePulumiVersion(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """This engine stands for the version whose behaviour it has, and has no other to offer."""
        return engine_pb2.RequirePulumiVersionResponse()
