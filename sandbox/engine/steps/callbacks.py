"""Calls functions of the program: its transforms and hooks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
from pulumi.runtime.proto import callback_pb2, callback_pb2_grpc

from sandbox.engine.errors import EngineError
from sandbox.engine.providers.plugins import CHANNEL_OPTIONS

if TYPE_CHECKING:
    from google.protobuf.message import Message


class CallbackError(EngineError):
    """A program's function raised or was interrupted, or the program has ended."""


class Callbacks:
    """The functions of one run's programs, each known by its `Callback`: where it is served, and a token."""

    def __init__(self) -> None:
        self._channels: dict[str, Any] = {}
        self._in_progress: set[Any] = set()
        self._interrupted = False

    async def call(self, callback: Any, request: Message) -> bytes:
        """Call a function with a message; returns its serialized answer.

        Raises:
            CallbackError: it gave no answer.
        """
        if self._interrupted:
            raise CallbackError("it was interrupted")
        channel = self._channels.get(callback.target)
        if channel is None:
            channel = self._channels[callback.target] = grpc.aio.insecure_channel(callback.target, options=CHANNEL_OPTIONS)
        message = callback_pb2.CallbackInvokeRequest(token=callback.token, request=request.SerializeToString())
        call = callback_pb2_grpc.CallbacksStub(channel).Invoke(message)
        self._in_progress.add(call)
        try:
            answer: bytes = (await call).response
        except asyncio.CancelledError:
            if self._interrupted:
                raise CallbackError("it was interrupted") from None
            raise
        except grpc.aio.AioRpcError as error:
            raise CallbackError(error.details() or "the program ended") from None
        finally:
            self._in_progress.discard(call)
        return answer

    def interrupt(self) -> None:
        """Stop waiting for all functions: the user stopped the run, and the engine can't ask a function to stop."""
        self._interrupted = True
        for call in [*self._in_progress]:
            call.cancel()

    async def close(self) -> None:
        """Close the connections to the programs."""
        for channel in self._channels.values():
            await channel.close()
