"""Serves the plugin: prints the port that it listens on, and ends with the engine."""

import sys
from concurrent import futures

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from hubtrust.plugin.configuration import Configuration
from hubtrust.plugin.custom_resources import CustomResources

_LARGEST_MESSAGE = 400 << 20  # bytes, as Pulumi's own plugins have it
_CALLS = 64  # at a time: an engine has its own limit, and no call that waits may keep Cancel from being heard


class Plugin(Configuration, CustomResources):
    """What the plugin answers."""


def main() -> None:
    """Serve until the engine ends the process."""
    options = [("grpc.max_receive_message_length", _LARGEST_MESSAGE), ("grpc.max_send_message_length", _LARGEST_MESSAGE)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=_CALLS), options=options)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Plugin(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")  # engines read it from the first line
    sys.stdout.flush()
    server.wait_for_termination()
