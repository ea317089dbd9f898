"""Local Azure where AMQP's library is not installed: clients that want AMQP are told so, by the proxy and where a WebSocket begins."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from local_azure_iot.amqp import availability
from tests.kit.hub_client import HubClient
from tests.kit.local_azure import LocalAzure, local_azure


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAzure]:
    """A process that has no package `proton`."""
    folder = tmp_path_factory.mktemp("hidden")
    (folder / "sitecustomize.py").write_text("import sys\nsys.modules['proton'] = None\n")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", str(folder))
        with local_azure(tmp_path_factory.mktemp("azure")) as found:
            yield found


def test_port_5671(azure: LocalAzure) -> None:
    """The proxy's refusal is in the line that clients show."""
    assert azure.ready["amqp"] == ""
    proxy = urlsplit(azure.ready["proxy"])
    for name in ("trial.azure-devices.net", "trial.servicebus.windows.net"):
        with socket.create_connection((proxy.hostname, proxy.port), timeout=60) as sock, sock.makefile("rwb") as file:
            file.write(f"CONNECT {name}:5671 HTTP/1.1\r\nHost: {name}:5671\r\n\r\n".encode())
            file.flush()
            assert file.readline().decode().strip() == f"HTTP/1.1 403 {availability.MISSING}"


def test_a_web_socket(azure: LocalAzure) -> None:
    """The subprotocol is refused with the reason, where MQTT's is taken."""
    registry = HubClient(azure, azure.hub())
    handshake = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    handshake["Sec-WebSocket-Key"] = "AAAAAAAAAAAAAAAAAAAAAA=="
    with registry.http as client:
        refused = client.get("/$iothub/websocket", headers=handshake | {"Sec-WebSocket-Protocol": "AMQPWSB10"})
        with client.stream("GET", "/$iothub/websocket", headers=handshake | {"Sec-WebSocket-Protocol": "mqtt"}) as taken:
            assert taken.status_code == 101
    assert refused.status_code == 400
    assert availability.MISSING in refused.json()["Message"]
