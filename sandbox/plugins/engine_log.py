"""Log messages to the engine, which shows them to the user at the resource."""

from __future__ import annotations

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class EngineLog:
    """The log of the engine at `address` (host:port); without an address, messages are dropped."""

    def __init__(self, address: str | None) -> None:
        self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address)) if address else None

    def warning(self, message: str, urn: str) -> None:
        """Show a warning at the resource `urn`. An unreachable engine does not fail the operation."""
        if self._stub is None:
            return
        request = engine_pb2.LogRequest(severity=engine_pb2.WARNING, message=message, urn=urn)
        try:
            self._stub.Log(request, timeout=5)
        except grpc.RpcError:
            self._stub = None
