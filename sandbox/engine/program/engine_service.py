"""The Engine service: log messages and the root resource, as programs and plugins send them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from sandbox.engine.steps.events import SEVERITIES

if TYPE_CHECKING:
    from sandbox.engine.steps.events import Events

# What the SDK logs, alone or at the end of a traceback, when this engine refuses a call because the run is ending. The reason is
# shown already.
_MONITOR_ENDED = "Resource monitor has terminated, shutting down"


class EngineService(engine_pb2_grpc.EngineServicer):
    """Turns log messages into events. Debug messages are dropped, as Pulumi does without --debug."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._root = ""

    async def Log(self, request: Any, context: Any) -> Any:
        """A message for the user."""
        severity, text = SEVERITIES[request.severity], request.message.rstrip("\n")
        if severity != "debug" and _MONITOR_ENDED not in text:
            self._events.message(text, severity, request.urn, stream=request.streamId, ephemeral=request.ephemeral)
        return empty_pb2.Empty()

    async def GetRootResource(self, request: Any, context: Any) -> Any:
        """The URN of the stack resource."""
        return engine_pb2.GetRootResourceResponse(urn=self._root)

    async def SetRootResource(self, request: Any, context: Any) -> Any:
        """Set the URN of the stack resource."""
        self._root = request.urn
        return engine_pb2.SetRootResourceResponse()

    async def StartDebugging(self, request: Any, context: Any) -> Any:
        """A program waits for a debugger: show that to the user."""
        self._events.message("the program waits for a debugger to attach", "warning")
        return empty_pb2.Empty()

    async def RequirePulumiVersion(self, request: Any, context: Any) -> Any:
        """Accept any version: this engine behaves as one version of Pulumi and offers no other."""
        return engine_pb2.RequirePulumiVersionResponse()
