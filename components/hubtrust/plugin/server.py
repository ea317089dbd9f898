"""Serves the plugin: prints the port that it listens on, and ends with the engine."""

import asyncio
import functools
import os
import signal
import sys
from concurrent import futures
from typing import TYPE_CHECKING, Any

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from hubtrust import shell
from hubtrust.plugin.configuration import Configuration
from hubtrust.plugin.custom_resources import CustomResources
from hubtrust.plugin.messages import EngineLog
from hubtrust.process import show_messages_by

if TYPE_CHECKING:
    from hubtrust.plugin.components import Components

_LARGEST_MESSAGE = 400 << 20  # bytes, as Pulumi's own plugins have it
_CALLS = 64  # at a time: an engine has its own limit, and no call that waits may keep Cancel from being heard
_LOOK_EVERY = 1.0  # seconds, whether the engine is still there
_LAST_CALLS = 3600.0  # seconds, for calls that are under way when it is not: as the longest deadline of an input


class Plugin(Configuration, CustomResources):
    """What the plugin answers.

    Components are loaded when one is constructed: most starts are for custom resources alone, and would take three times as long.

    Args:
        engine_address: where the engine listens.
    """

    def __init__(self, engine_address: str) -> None:
        self._engine_address = engine_address

    @functools.cached_property
    def _components(self) -> "Components":
        from hubtrust.plugin.components import Components

        return Components(self._engine_address)

    async def Construct(self, request: Any, context: Any) -> Any:
        """Declare a component and everything in it."""
        return await self._components.Construct(request, context)

    async def Call(self, request: Any, context: Any) -> Any:
        """Call a method of a component."""
        return await self._components.Call(request, context)


def main() -> None:
    """Serve until the engine ends the process, or has ended itself: one that was killed could not end us."""
    shell.use_plugin()  # for what components declare
    address = next((one for one in sys.argv[1:] if not one.startswith("-")), "")
    if address:
        show_messages_by(EngineLog(address).show)
    asyncio.run(_serve(address))


async def _serve(engine_address: str) -> None:
    """Components wait on the event loop, and custom resources each in a thread.

    So any number of components may wait for their children, which the same process creates.
    """
    engine = os.getppid()
    options = [("grpc.max_receive_message_length", _LARGEST_MESSAGE), ("grpc.max_send_message_length", _LARGEST_MESSAGE)]
    server = grpc.aio.server(futures.ThreadPoolExecutor(max_workers=_CALLS), options=options)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Plugin(engine_address), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    _end_quietly(server)
    sys.stdout.write(f"{port}\n")  # engines read it from the first line
    sys.stdout.flush()
    while os.getppid() == engine and await server.wait_for_termination(_LOOK_EVERY):
        pass
    await server.stop(_LAST_CALLS)


def _end_quietly(server: Any) -> None:
    """Engines end a plugin by a signal, also after a run that failed: what Python would print then, they would show to the user."""
    loop, ending = asyncio.get_running_loop(), list[asyncio.Task[None]]()  # a task that nothing refers to may be collected
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lambda: ending.append(loop.create_task(server.stop(None))))
