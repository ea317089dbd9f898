"""A resource plugin that takes every type and creates nothing: engines ask the policies before they ask the plugin to create anything."""

# ruff: noqa: N802, D102 - Pulumi's service defines the names and the meaning of these methods
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from sandbox.plugins.launch import use_stubs_only

use_stubs_only()  # a plugin that loads the whole SDK starts a second later, and there is one for each package

from google.protobuf import empty_pb2, struct_pb2  # noqa: E402 - after the stubs
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc  # noqa: E402 - after the stubs

from sandbox.plugins.process import serve  # noqa: E402 - after the stubs

FOUND_VERIFIED = os.environ.get("FOUND_VERIFIED", "/nowhere")


class Accepting(provider_pb2_grpc.ResourceProviderServicer):
    """Inputs are valid, nothing differs, and outputs are the inputs."""

    class stopping:  # noqa: N801 - what `serve` sets when the engine is gone
        """Nothing waits here."""

        @staticmethod
        def set() -> None:
            """Nothing to end."""

    def GetPluginInfo(self, _request: Any, _context: Any) -> Any:
        return plugin_pb2.PluginInfo(version="1.0.0")

    def CheckConfig(self, request: Any, _context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, _request: Any, _context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, _request: Any, _context: Any) -> Any:
        return provider_pb2.ConfigureResponse(supportsPreview=True, acceptSecrets=False, acceptResources=False)

    def Check(self, request: Any, _context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, _request: Any, _context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Create(self, request: Any, _context: Any) -> Any:
        return provider_pb2.CreateResponse(id="" if request.preview else "made", properties=request.properties)

    def Read(self, request: Any, _context: Any) -> Any:
        """What is there; a file beside the plugin stands for what somebody else did to a certificate in Azure."""
        found = struct_pb2.Struct()
        found.CopyFrom(request.properties)
        if Path(FOUND_VERIFIED).exists() and "properties" in found:
            found["properties"]["isVerified"] = True
        return provider_pb2.ReadResponse(id=request.id, properties=found, inputs=request.inputs)

    def Delete(self, _request: Any, _context: Any) -> Any:
        return empty_pb2.Empty()

    def Cancel(self, _request: Any, _context: Any) -> Any:
        return empty_pb2.Empty()


if __name__ == "__main__":
    serve(Accepting())  # type: ignore[arg-type]
