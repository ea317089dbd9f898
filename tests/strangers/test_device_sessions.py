"""Microsoft's Python device SDK, unmodified: a session that outlives its line, and everything that a back end tells it."""

import base64
import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.kit.hub_client import HubClient, signature
from tests.kit.local_azure import LocalAzure, local_azure
from tests.kit.mqtt_device import attempts, until
from tests.kit.paho_device import PahoDevice
from tests.kit.prerequisites import need
from tests.kit.repository import ROOT

pytestmark = pytest.mark.stranger

_PYTHON = ROOT / ".strangers" / "device" / "bin" / "python"
_DRIVER = Path(__file__).parent / "drivers" / "azure_iot_device_session.py"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubClient]:
    """A hub on a local Azure of this file's own."""
    with local_azure(tmp_path_factory.mktemp("azure")) as azure:
        found = HubClient(azure, azure.hub())
        with closing(found.http):
            yield found


class Sdk:
    """The SDK in its own environment."""

    def __init__(self, azure: LocalAzure, connection: str, folder: Path, wanted: dict[str, int], *, web_sockets: bool) -> None:
        proxy = urlsplit(azure.ready["proxy"])
        work = {"connection": connection, "web_sockets": web_sockets, "ca": azure.ready["ca_file"], "wanted": wanted}
        file = folder / "work.json"
        file.write_text(json.dumps(work | {"proxy_host": proxy.hostname, "proxy_port": proxy.port}))
        self.process = subprocess.Popen([_PYTHON, _DRIVER, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def says(self) -> Any:
        """The next line on stdout."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, f"the SDK ended with {self.process.wait(60)}"
        return json.loads(line)

    def go_on(self) -> None:
        """Let it do its next step."""
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()


def _accepted(hub: HubClient, name: str) -> int:
    return sum(1 for each in attempts(hub, name) if each["accepted"])


@pytest.mark.parametrize(("module", "web_sockets"), [("", False), ("", True), ("arm", True)], ids=["tcp", "websockets", "module"])
def test_a_session_that_outlives_its_line(hub: HubClient, tmp_path: Path, module: str, *, web_sockets: bool) -> None:
    """After the line was lost, `get_twin` answers, methods and changes and messages arrive: the SDK does not subscribe again."""
    need(_PYTHON.exists(), "azure-iot-device is not installed; `make strangers` installs it")
    device = f"sdk-{module}-{web_sockets}"
    created = hub.put(device, authentication={"type": "sas"})
    path, name = (f"/twins/{device}/modules/{module}", f"{device}/{module}") if module else (f"/twins/{device}", device)
    if module:
        body = {"deviceId": device, "moduleId": module, "authentication": {"type": "sas"}}
        created = hub.ask("PUT", f"/devices/{device}/modules/{module}", json=body).raise_for_status().json()
    key = created["authentication"]["symmetricKey"]["primaryKey"]
    connection = f"HostName={hub.host};DeviceId={device};{f'ModuleId={module};' if module else ''}SharedAccessKey={key}"
    wanted = {"methods": 1, "changes": 2, "messages": 0 if module else 1}
    sdk = Sdk(hub.azure, connection, tmp_path, wanted, web_sockets=web_sockets)
    with sdk.process:
        assert "client" not in sdk.says()["reported"]
        password = signature(f"{hub.host}/devices/{device}" + (f"/modules/{module}" if module else ""), "", key)
        with PahoDevice(hub, device, tmp_path, password=password, module=module, clean=False) as other:
            assert other.connect() == ("Success", True)  # which ends the SDK's connection, and then its own is ended by the SDK's next one
            until(lambda: _accepted(hub, name) >= 3)
            other.client.loop_stop()
        sdk.go_on()
        assert sdk.says()["reported"]["client"] == "azure-iot-device"
        call = {"methodName": "reboot", "payload": {"after": 5}, "connectTimeoutInSeconds": 30, "responseTimeoutInSeconds": 60}
        assert hub.ask("POST", f"{path}/methods", json=call).json() == {"status": 201, "payload": {"by": "azure-iot-device"}}
        changed = {"properties": {"desired": {"rate": 5}}}
        hub.ask("PATCH", path, json=changed).raise_for_status()
        sent = {"host": hub.host, "device": device, "payload": base64.b64encode(b"hello").decode(), "properties": {"a b": "c&d"}}
        if not module:
            hub.azure.control("POST", "/messages", sent)
            until(lambda: hub.ask("GET", f"/devices/{device}").json()["cloudToDeviceMessageCount"] == 0)
        sdk.go_on()
        told = sdk.says()
        sdk.go_on()
    assert told["methods"] == [["reboot", {"after": 5}]]
    assert told["changes"] == [{"$version": 1}, {"rate": 5, "$version": 2}]  # the first: the SDK reads the twin after each new connection
    assert told["messages"] == ([] if module else [["hello", {"a b": "c&d"}]])
    assert sdk.process.returncode == 0
    (event,) = hub.azure.control("GET", f"/messages?device={device}&payload=1")
    assert (event["module"], base64.b64decode(event["payload"])) == (module, b"from azure-iot-device")
