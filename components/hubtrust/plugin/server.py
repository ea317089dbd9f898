"""Serves the plugin: prints the port that it listens on, and ends with the engine."""

import asyncio
import os
import signal
import sys
from concurrent import futures
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from hubtrust import shell
from hubtrust.plugin.components import Components
from hubtrust.plugin.configuration import Configuration
from hubtrust.plugin.custom_resources import CustomResources

_LARGEST_MESSAGE = 400 << 20  # bytes, as Pulumi's own plugins have it
_CALLS = 64  # at a time: an engine has its own limit, and no call that waits may keep Cancel from being heard
_LOOK_EVERY = 1.0  # seconds, whether the engine is still there
_LAST_CALLS = 3600.0  # seconds, for calls that are under way when it is not: as the longest deadline of an input


class Plugin(Components, Configuration, CustomResources):
    """What the plugin answers."""


def main() -> None:
    """Serve until the engine ends the process, or has ended itself: one that was killed could not end us."""
    shell.use_plugin()  # for what components declare
    asyncio.run(_serve(next((one for one in sys.argv[1:] if not one.startswith("-")), "")))


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
