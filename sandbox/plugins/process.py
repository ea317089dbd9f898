"""A plugin as a process: what Pulumi's engine expects of an executable `pulumi-resource-*`.

Its argument is the engine's address; its first line on stdout is the port it listens on, on loopback.
"""

from __future__ import annotations

import os
import select
import signal
from concurrent import futures
from typing import TYPE_CHECKING

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

if TYPE_CHECKING:
    from sandbox.plugins.provider import Provider

# The engine runs many resources at once and a long-running operation of Azure holds its thread for minutes.
THREADS = 64
# Pulumi's own limit for a message; gRPC's default of 4 MB is less than a large state.
MAX_MESSAGE_BYTES = 400 * 1024 * 1024
ORPHAN_CHECK_SECONDS = 2.0
# The engine kills a plugin that is still there five seconds after it was told to go.
GRACE_SECONDS = 4.0


def serve(provider: Provider) -> None:
    """Serve until SIGINT or SIGTERM, which is how the engine says that it needs us no more, or until it is gone itself.

    Calls under way then end as after Cancel: with an error, and the engine gets it.
    """
    woken = _signals()
    engine = os.getppid()
    limits = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES), ("grpc.max_send_message_length", MAX_MESSAGE_BYTES)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=THREADS), options=limits)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)  # noqa: T201 - the first line of stdout is the protocol
    while os.getppid() == engine:
        told, _, _ = select.select([woken], [], [], ORPHAN_CHECK_SECONDS)
        if told:
            break
    provider.stopping.set()
    server.stop(GRACE_SECONDS).wait()


def _signals() -> int:
    """A file descriptor that can be read once a signal to stop has come."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    return woken
