"""Direct methods: a call that a connected device or module answers.

https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-direct-methods. A session that can take calls says so with `serve`.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local_azure_iot.messaging.addresses import address

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.local_azure import Azure

    Handler = Callable[["Invocation"], None]

MAX_PAYLOAD = 128 * 1024  # bytes, of the call and of its answer
_TOPIC = "methods"


class NotOnlineError(Exception):
    """The device is not connected, or takes no calls, and did not within the time that the caller gave it."""


class DisconnectedError(Exception):
    """The device's connection ended before it answered."""


class NoAnswerError(Exception):
    """The device did not answer in time."""


@dataclass(frozen=True)
class MethodAnswer:
    """What a device answered."""

    status: int
    payload: bytes  # JSON, or nothing


@dataclass
class Invocation:
    """One call, as a session gets it. Exactly the first `answer` counts."""

    request_id: str  # differs for each call of the whole local Azure: 1, 2, 3 … in hexadecimal
    name: str
    payload: bytes  # JSON
    _answer: asyncio.Future[MethodAnswer] = field(repr=False)

    def answer(self, status: int, payload: bytes) -> None:
        """The device's answer."""
        if not self._answer.done():
            self._answer.set_result(MethodAnswer(status, payload))

    @property
    def over(self) -> bool:
        """Whether it was answered, or nobody waits for an answer any more."""
        return self._answer.done()

    def disconnected(self) -> None:
        """The session ended without an answer."""
        if not self._answer.done():
            self._answer.set_exception(DisconnectedError())


@dataclass
class MethodSessions:
    """The sessions that take calls, by the address of their device or module; the newest of each has the calls."""

    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    handlers: dict[str, Handler] = field(default_factory=dict)
    pending: dict[str, list[Invocation]] = field(default_factory=dict)


def serve(azure: Azure, hub_key: str, device: str, module: str, handler: Handler) -> Callable[[], None]:
    """Give the calls of a device or module to ``handler``, until the function that this returns is called.

    ``handler`` gets each `Invocation` on the event loop's thread, sends it on and returns at once. The end of the session ends its open
    calls too, with DisconnectedError for the caller.
    """
    key, sessions = address(hub_key, device, module), azure.methods
    sessions.handlers[key] = handler
    azure.listeners.tell(_TOPIC, key)

    def stop() -> None:
        if sessions.handlers.get(key) is handler:
            del sessions.handlers[key]
            for invocation in sessions.pending.pop(key, []):
                invocation.disconnected()

    return stop


async def invoke(
    azure: Azure,
    hub_key: str,
    device: str,
    module: str,
    name: str,
    payload: bytes,
    *,
    connect_seconds: float = 0.0,
    response_seconds: float = 30.0,
) -> MethodAnswer:
    """Call a method of a device, or of its module unless ``module`` is empty, and wait for the answer. Not within a transaction.

    Raises:
        NotOnlineError: Nobody takes calls for it, and nobody did within ``connect_seconds``.
        NoAnswerError: It did not answer within ``response_seconds``.
        DisconnectedError: Its connection ended first.
    """
    key, sessions = address(hub_key, device, module), azure.methods
    handler = await _handler(azure, key, connect_seconds)
    answer: asyncio.Future[MethodAnswer] = asyncio.get_running_loop().create_future()
    invocation = Invocation(f"{next(sessions.numbers):x}", name, payload, answer)
    sessions.pending.setdefault(key, []).append(invocation)
    try:
        handler(invocation)
        async with asyncio.timeout(response_seconds):
            return await answer
    except TimeoutError:
        raise NoAnswerError(name) from None
    finally:
        waiting = sessions.pending.get(key, [])
        if invocation in waiting:
            waiting.remove(invocation)
        if not waiting:
            sessions.pending.pop(key, None)


async def _handler(azure: Azure, key: str, seconds: float) -> Handler:
    if key not in azure.methods.handlers and seconds > 0:
        ready = asyncio.Event()
        unsubscribe = azure.listeners.add(_TOPIC, key, ready.set)
        try:
            async with asyncio.timeout(seconds):
                await ready.wait()
        except TimeoutError:
            pass
        finally:
            unsubscribe()
    handler = azure.methods.handlers.get(key)
    if handler is None:
        raise NotOnlineError(key)
    return handler
