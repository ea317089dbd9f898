"""A plugin as a process: what Pulumi's engine expects of an executable named `pulumi-resource-*`.

Its argument is the engine's address. It prints the port that it listens on, on loopback, as its first line on stdout.
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

# The engine runs many resources in parallel, and each long-running Azure operation occupies a thread for minutes.
THREADS = 64
# Pulumi's own message limit; a large state exceeds gRPC's default of 4 MB.
MAX_MESSAGE_BYTES = 400 * 1024 * 1024
ORPHAN_CHECK_SECONDS = 2.0
# The engine kills a plugin that has not exited five seconds after the signal.
GRACE_SECONDS = 4.0


def serve(provider: Provider) -> None:
    """Serve until the engine sends SIGINT or SIGTERM, or until the engine's process is gone.

    Calls in progress then end as after Cancel: with an error, which is still delivered to the engine.
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
        signalled, _, _ = select.select([woken], [], [], ORPHAN_CHECK_SECONDS)
        if signalled:
            break
    provider.stopping.set()
    server.stop(GRACE_SECONDS).wait()


def _signals() -> int:
    """A file descriptor that becomes readable when a signal to stop arrives."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    return woken
