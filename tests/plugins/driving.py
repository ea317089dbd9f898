"""Drives plugins as an engine does: as processes, over gRPC."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from sandbox.plugins.property_values import from_struct, to_struct
from tests.kit.repository import ROOT
from tests.kit.warm_start import started_warm

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

BIN = ROOT / "sandbox" / "plugins" / "bin"
SAME_REQUEST = {"CheckConfig": "Check", "DiffConfig": "Diff", "Handshake": "ProviderHandshake"}


class Plugin:
    """A running plugin that listens on this port."""

    def __init__(self, port: str) -> None:
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub = provider_pb2_grpc.ResourceProviderStub(self.channel)

    def call(self, method: str, request: dict[str, Any]) -> dict[str, Any]:
        """One call with the request as JSON, as in the recordings; returns the response as JSON without default values."""
        message: Any = empty_pb2.Empty()
        if method not in {"GetPluginInfo", "Cancel"}:
            message = getattr(provider_pb2, f"{SAME_REQUEST.get(method, method)}Request")()
            json_format.ParseDict(request, message)
        return json_format.MessageToDict(getattr(self.stub, method)(message, timeout=60))

    def check(self, token: str, name: str, news: dict[str, Any], olds: dict[str, Any] | None = None, **more: Any) -> Any:
        """The CheckResponse."""
        return self.stub.Check(provider_pb2.CheckRequest(urn=urn(token, name), news=to_struct(news), olds=to_struct(olds or {}), **more))

    def create(self, token: str, name: str, news: dict[str, Any], **more: Any) -> tuple[str, dict[str, Any]]:
        """(id, outputs), with Secret and UNKNOWN in them."""
        created = self.stub.Create(provider_pb2.CreateRequest(urn=urn(token, name), properties=to_struct(news), **more))
        return created.id, from_struct(created.properties)

    def diff(self, token: str, outputs: dict[str, Any], inputs: dict[str, Any], news: dict[str, Any], **more: Any) -> dict[str, Any]:
        """The response as JSON."""
        request = provider_pb2.DiffRequest(
            id="any", urn=urn(token, "it"), olds=to_struct(outputs), old_inputs=to_struct(inputs), news=to_struct(news), **more
        )
        return json_format.MessageToDict(self.stub.Diff(request))

    def read(self, token: str, identity: str, outputs: dict[str, Any] | None = None, inputs: dict[str, Any] | None = None) -> Any:
        """(id, outputs, inputs); an id of "" means that the resource no longer exists."""
        request = provider_pb2.ReadRequest(
            id=identity, urn=urn(token, "it"), properties=to_struct(outputs or {}), inputs=to_struct(inputs or {})
        )
        found = self.stub.Read(request)
        return found.id, from_struct(found.properties), from_struct(found.inputs)

    def update(
        self, token: str, state: tuple[str, dict[str, Any]], inputs: dict[str, Any], news: dict[str, Any], **more: Any
    ) -> dict[str, Any]:
        """The new outputs of a resource whose `state` is (id, outputs), created from `inputs`."""
        request = provider_pb2.UpdateRequest(
            id=state[0], urn=urn(token, "it"), olds=to_struct(state[1]), old_inputs=to_struct(inputs), news=to_struct(news), **more
        )
        return from_struct(self.stub.Update(request).properties)

    def delete(self, token: str, identity: str, outputs: dict[str, Any] | None = None, **more: Any) -> None:
        """Delete the resource with this id."""
        self.stub.Delete(provider_pb2.DeleteRequest(id=identity, urn=urn(token, "it"), properties=to_struct(outputs or {}), **more))

    def invoke(self, token: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The result of a function."""
        return from_struct(getattr(self.stub.Invoke(provider_pb2.InvokeRequest(tok=token, args=to_struct(arguments))), "return"))


def urn(token: str, name: str) -> str:
    """The URN of a resource of that type and logical name."""
    return f"urn:pulumi:dev::tests::{token}::{name}"


@contextmanager
def running(name: str, folder: Path, environment: Mapping[str, str] | None = None, *, warm: bool = True) -> Iterator[Plugin]:
    """Run the plugin `name` as an engine does: by its executable, in the folder of a user's program.

    Unless it is ``warm``, its start is a user's (`tests/kit/warm_start.py`): for tests that look at the process itself.
    """
    command = [str(BIN / f"pulumi-resource-{name}")]
    process = subprocess.Popen(
        started_warm(command) if warm else command,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, **(environment or {})},
    )
    assert process.stdout is not None
    plugin = Plugin(process.stdout.readline().strip())
    try:
        yield plugin
    finally:
        plugin.channel.close()
        process.terminate()
        process.wait(timeout=120)
        process.stdout.close()
