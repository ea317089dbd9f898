"""Messages of one line to the user, by the engine's log.

What a plugin prints is not enough: Pulumi's CLI shows that of a plugin which it starts from its folder (`PulumiPlugin.yaml`) only with
`--debug`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from hubtrust.process import print_message

_PATIENCE = 5.0  # seconds; an engine answers at once
_urn: ContextVar[str] = ContextVar("_urn", default="")


@contextmanager
def about(urn: str) -> Iterator[None]:
    """Show the messages of what runs here, in this thread, at the resource of this URN."""
    token = _urn.set(urn)
    try:
        yield
    finally:
        _urn.reset(token)


class EngineLog:
    """The log of the engine that listens at ``address``: host and port."""

    def __init__(self, address: str) -> None:
        self._stub: Any = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))

    def show(self, line: str) -> None:
        """Show a message; where the engine does not take it, it is printed: no message may end a run."""
        try:
            self._stub.Log(engine_pb2.LogRequest(severity=engine_pb2.INFO, message=line, urn=_urn.get()), timeout=_PATIENCE)
        except grpc.RpcError:
            print_message(line)
