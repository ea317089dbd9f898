"""The plugins as processes: start, requests and end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent import futures
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, status_pb2

from sandbox.plugins import property_values
from sandbox.plugins.azure_native.resource_types import IOT_HUB
from sandbox.plugins.property_values import SIGNATURE, UNKNOWN, Secret
from sandbox.plugins.resource import Operation
from sandbox.plugins.tls.plugin import plugin as tls_plugin
from tests.plugins.chains import CA, KEY, LEAF, REQUEST, ROOT, SIGNED
from tests.plugins.driving import BIN, Plugin, running, urn

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ["tls", "azure-native"]


@pytest.mark.parametrize("name", NAMES)
def test_a_plugin_starts_wherever_it_is_called(tmp_path: Path, name: str) -> None:
    """Through a link, in a folder that contains modules with the same names, with a Python environment of its own."""
    for module in ("grpc", "sandbox", "pulumi", "types"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('the wrong module')")
    link = tmp_path / f"pulumi-resource-{name}"
    link.symlink_to(BIN / link.name)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONHOME": "/nowhere"}
    process = subprocess.Popen([link, "127.0.0.1:1"], stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment)
    assert process.stdout is not None
    assert 0 < int(process.stdout.readline()) < 65536
    process.terminate()
    assert process.wait(timeout=120) == 0
    process.stdout.close()


@pytest.mark.parametrize(("name", "version"), [("tls", "5.6.2"), ("azure-native", "3.29.0")])
def test_a_plugin_reports_its_version_and_schema(tmp_path: Path, name: str, version: str) -> None:
    """The version that programs ask for, and a schema with its tokens."""
    with running(name, tmp_path, warm=False) as plugin:
        assert plugin.call("GetPluginInfo", {}) == {"version": version}
        schema = plugin.call("GetSchema", {})["schema"]
        assert f'"name": "{name}"' in schema
        assert plugin.call("DiffConfig", {"urn": "urn:pulumi:dev::t::pulumi:providers:x::p"}) == {}


def test_the_sdk_is_not_imported() -> None:
    """To start in a fraction of a second, neither Pulumi's SDK nor an HTTP library is imported before it is needed."""
    code = (
        "import sys; sys.argv=['x']; from sandbox.plugins import launch; launch.use_stubs_only();"
        "import sandbox.plugins.azure_native.plugin, sandbox.plugins.process;"
        "print([n for n in ('pulumi.resource', 'requests', 'msal', 'azure', 'pulumi_azure_native') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=BIN.parents[2])
    assert done.stdout == "[]\n"


def test_a_plugin_ends_with_its_engine(tmp_path: Path) -> None:
    """An engine that is killed leaves no plugin behind."""
    engine = subprocess.Popen([sys.executable, "-c", ENGINE, BIN / "pulumi-resource-tls"], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert engine.stdout is not None
    assert engine.stdout.readline() == "started\n"
    engine.kill()
    engine.wait(timeout=120)
    # The plugin holds the other end of this pipe until it ends.
    assert engine.stdout.read() == ""
    engine.stdout.close()


ENGINE = """
import subprocess, sys, time
plugin = subprocess.Popen([sys.argv[1]], stdout=subprocess.PIPE, stderr=sys.stdout)
plugin.stdout.readline()
print('started', flush=True)
time.sleep(3600)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signalled_plugin_ends_its_calls_first(tmp_path: Path, azure: Any, number: signal.Signals) -> None:
    """A call waiting for Azure ends with an error that still reaches the engine, then the process exits with 0."""
    hub = f"/subscriptions/{azure.variables()['subscriptionId']}/resourceGroups/rg/providers/Microsoft.Devices/IotHubs/hub"
    polled = threading.Event()
    answer = azure.answer
    azure.answer = lambda asked: (polled.set() if asked.path == "/poll" else None, answer(asked))[1]
    azure.queue("DELETE", hub, 202, None, Location="/poll").queue("GET", "/poll", 202)
    process = subprocess.Popen(
        [BIN / "pulumi-resource-azure-native"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "SSL_CERT_FILE": azure.roots},
    )
    assert process.stdout is not None
    plugin = Plugin(process.stdout.readline().strip())
    configure(plugin, azure)
    request = provider_pb2.DeleteRequest(id=hub, urn=urn(IOT_HUB.token, "hub"))
    call = plugin.stub.Delete.future(request)
    assert polled.wait(timeout=120)
    process.send_signal(number)
    assert (process.wait(timeout=120), call.exception().details().split(" for ")[0]) == (0, "cancelled while waiting")
    plugin.channel.close()
    process.stdout.close()


def configure(plugin: Plugin, azure: Any) -> Any:
    variables = {f"azure-native:config:{key}": value for key, value in azure.variables().items()}
    return plugin.stub.Configure(provider_pb2.ConfigureRequest(variables=variables, sends_old_inputs=True, sends_old_inputs_to_delete=True))


def test_an_unconfigured_provider_is_a_one_line_error(tmp_path: Path) -> None:
    """Over gRPC it has the code UNKNOWN and a one-line message."""
    with running("azure-native", tmp_path, warm=False) as plugin, pytest.raises(grpc.RpcError) as failed:
        plugin.create(IOT_HUB.token, "hub", {})
    assert (failed.value.code(), "\n" in failed.value.details()) == (grpc.StatusCode.UNKNOWN, False)


def test_a_failed_initialization_carries_the_resource(tmp_path: Path, azure: Any) -> None:
    """The status has a detail ErrorResourceInitFailed: id, outputs, inputs, one reason."""
    hub = f"/subscriptions/{azure.variables()['subscriptionId']}/resourceGroups/rg/providers/Microsoft.Devices/IotHubs/hub"
    azure.queue("GET", hub, 404).queue("GET", hub, 200, {"id": hub, "name": "hub"})
    azure.queue("PUT", hub, 201, {"id": hub, "properties": {"provisioningState": "Accepted"}}, Azure_AsyncOperation="URL/poll")
    azure.queue("GET", "/poll", 200, {"status": "Failed", "error": {"code": "C", "message": "two\nlines"}})
    inputs = {"resourceGroupName": "rg", "resourceName": "hub", "location": "x", "sku": {"name": "S1"}}
    with running("azure-native", tmp_path, {"SSL_CERT_FILE": azure.roots}, warm=False) as plugin:
        configured = configure(plugin, azure)
        assert (configured.supportsPreview, configured.acceptSecrets, configured.supports_autonaming_configuration) == (True, False, True)
        with pytest.raises(grpc.RpcError) as failed:
            plugin.create(IOT_HUB.token, "hub", inputs)
    assert failed.value.details() == 'Status=200 Code="C" Message="two lines"'
    metadata = {item.key: item.value for item in failed.value.trailing_metadata()}
    status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
    detail = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    assert (detail.id, property_values.from_struct(detail.inputs), list(detail.reasons)) == (hub, inputs, [failed.value.details()])
    assert property_values.from_struct(detail.properties)["name"] == "hub"


class Engine(engine_pb2_grpc.EngineServicer):
    """An engine that only receives log messages."""

    def __init__(self) -> None:
        self.logged: list[engine_pb2.LogRequest] = []

    def Log(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: N802, ARG002 - Pulumi's names
        """Keep the message."""
        self.logged.append(request)
        return empty_pb2.Empty()


def test_warnings_reach_the_engine_at_their_resource() -> None:
    """A certificate that is not a CA still signs; the engine gets a warning with the URN, and an unreachable engine is ignored."""
    engine = Engine()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    stand_in = tls_plugin(f"127.0.0.1:{port}")
    operation = Operation(urn(SIGNED, "leaf"))
    created = stand_in.resources[KEY].create({"algorithm": "ECDSA", "ecdsaCurve": "P256"}, operation).outputs
    pem = created["privateKeyPem"].value
    root = stand_in.resources[ROOT].create({**CA, "isCaCertificate": False, "privateKeyPem": pem}, operation).outputs["certPem"]
    csr = stand_in.resources[REQUEST].create({"privateKeyPem": pem}, operation).outputs["certRequestPem"]
    inputs = {**LEAF, "caCertPem": root, "caPrivateKeyPem": pem, "certRequestPem": csr}
    stand_in.resources[SIGNED].create(inputs, operation)
    assert [(log.urn, log.severity, "valid Certificate Authority" in log.message) for log in engine.logged] == [
        (operation.urn, engine_pb2.WARNING, True)
    ]
    server.stop(None).wait()
    assert stand_in.resources[SIGNED].create(inputs, operation).outputs["certPem"]


def test_types_nest_in_urns(tls: Any) -> None:
    """The type of a component's child is the last one in the chain of types."""
    request = provider_pb2.CheckRequest(urn=urn(f"my:index:Component${KEY}", "k"), news=property_values.to_struct({"algorithm": "RSA"}))
    assert property_values.from_struct(tls.stub.Check(request).inputs) == {"algorithm": "RSA"}


VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "whole": 3,
    "broken": 1.5,
    "huge": 1e300,
    "text": "x",
    "unknown": UNKNOWN,
    "secret": Secret({"deep": [UNKNOWN, Secret("s")]}),
    "list": [1, [], {}],
}


def test_values_cross_the_wire_unchanged() -> None:
    """Every kind of value, with nested secrets and unknowns."""
    assert property_values.from_struct(property_values.to_struct(VALUES)) == VALUES
    assert type(property_values.from_struct(property_values.to_struct({"a": 3.0}))["a"]) is int


def test_secrets_can_be_unwrapped() -> None:
    """Secrets are unwrapped at any level; unknowns stay and are detected; a secret's repr never shows its value."""
    assert property_values.plain(VALUES["secret"]) == {"deep": [UNKNOWN, "s"]}
    assert (property_values.has_unknown(VALUES["secret"]), property_values.has_unknown([1, {"a": Secret(2)}])) == (True, False)
    assert repr(Secret("hush")) == "Secret(…)"


def test_output_values_are_converted() -> None:
    """An engine may send output values: known, unknown and secret."""
    mark = {SIGNATURE: property_values.OUTPUT_SIGNATURE}
    struct = property_values.to_struct({"known": {**mark, "value": 1}, "unknown": mark, "secret": {**mark, "value": 2, "secret": True}})
    assert property_values.from_struct(struct) == {"known": 1, "unknown": UNKNOWN, "secret": Secret(2)}
