"""Third-party MQTT clients, unmodified, with valid and invalid chains: each is accepted, or refused for the expected reason.

Clients that support proxies use local Azure's. For the others a hosts file (libnss_wrapper) maps the hub's name to a loopback address
that only this module uses, where local Azure listens on 8883, because these clients know no other port.
"""

import ctypes.util
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.kit.hub_client import HubClient
from tests.kit.local_azure import LocalAzure, local_azure
from tests.kit.mqtt_device import attempts, connect, messages, packet, text
from tests.kit.prerequisites import need
from tests.kit.repository import ROOT
from tests.strangers.device_cases import CASES, Case, DeviceCases, create_cases

pytestmark = pytest.mark.stranger

Outcome = dict[str, bool]  # whether each case was accepted
_DRIVERS = Path(__file__).parent / "drivers"
_NODE = ROOT / ".strangers" / "node" / "node_modules"
_SERVICE_SDK = ROOT / ".strangers" / "amqp" / "bin" / "python"
_DEVICE_SDK = ROOT / ".strangers" / "device" / "bin" / "python"


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAzure]:
    """Local Azure on its own loopback address, so that its MQTT port can be the real one."""
    address = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(256)}.{secrets.randbelow(253) + 2}"
    with local_azure(tmp_path_factory.mktemp("azure"), "--host", address, "--mqtt-port", "8883") as found:
        yield found


@pytest.fixture(scope="module")
def device_cases(azure: LocalAzure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeviceCases]:
    """The hub with all the cases."""
    registry = HubClient(azure, azure.hub())
    yield create_cases(registry, tmp_path_factory.mktemp("plant"))
    registry.http.close()


def _run(
    command: list[str | Path], environment: dict[str, str], *, raw: bytes = b"", seconds: int = 300
) -> subprocess.CompletedProcess[bytes]:
    base = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(command, env=base | environment, input=raw, capture_output=True, check=False, timeout=seconds)


def _lines(done: subprocess.CompletedProcess[bytes]) -> Outcome:
    assert done.returncode == 0, done.stderr.decode()
    return {line["case"]: line["connected"] for line in map(json.loads, done.stdout.decode().splitlines())}


def _hosts(device_cases: DeviceCases, folder: Path) -> dict[str, str]:
    """The environment in which the hub's name leads to local Azure."""
    library = ctypes.util.find_library("nss_wrapper")
    need(library, "libnss_wrapper is not installed; `apt-get install libnss-wrapper` installs it")
    hosts = folder / "hosts"
    hosts.write_text(f"{urlsplit(device_cases.registry.azure.ready['mqtt']).hostname} {device_cases.registry.host}\n")
    return {"LD_PRELOAD": str(library), "NSS_WRAPPER_HOSTS": str(hosts)}


def _azure_iot_device(device_cases: DeviceCases, folder: Path) -> Outcome:
    need(_DEVICE_SDK.exists(), "azure-iot-device is not installed; `make strangers` installs it")
    return _lines(_run([_DEVICE_SDK, _DRIVERS / "azure_iot_device.py", device_cases.work(folder)], {}))


def _azure_iot_device_over_web_sockets(device_cases: DeviceCases, folder: Path) -> Outcome:
    need(_DEVICE_SDK.exists(), "azure-iot-device is not installed; `make strangers` installs it")
    return _lines(_run([_DEVICE_SDK, _DRIVERS / "azure_iot_device.py", device_cases.work(folder), "websockets"], {}))


def _paho(device_cases: DeviceCases, folder: Path) -> Outcome:
    return _lines(_run([sys.executable, _DRIVERS / "paho_device.py", device_cases.work(folder)], {}))


def _azure_iot_device_mqtt(device_cases: DeviceCases, folder: Path) -> Outcome:
    need(_NODE.exists() and shutil.which("node"), "the Node package azure-iot-device-mqtt is not installed; `make strangers` installs it")
    environment = _hosts(device_cases, folder) | {
        "NODE_PATH": str(_NODE),
        "NODE_EXTRA_CA_CERTS": device_cases.registry.azure.ready["ca_file"],
    }
    return _lines(_run(["node", _DRIVERS / "azure_iot_device.js", device_cases.work(folder)], environment))


def _mosquitto_pub(device_cases: DeviceCases, folder: Path) -> Outcome:
    need(shutil.which("mosquitto_pub"), "mosquitto_pub is not installed; `apt-get install mosquitto-clients` installs it")
    environment = _hosts(device_cases, folder)

    def publish(case: Case) -> bool:
        host, topic = device_cases.registry.host, f"devices/{case.device}/messages/events/"
        who = ["-h", host, "-p", "8883", "-i", case.device, "-u", f"{host}/{case.device}/?api-version=2021-04-12", "-V", "mqttv311"]
        trust = ["--cafile", device_cases.registry.azure.ready["ca_file"], "--cert", case.chain, "--key", case.key]
        return _run(["mosquitto_pub", *who, *trust, "-q", "1", "-t", topic, "-m", "from mosquitto_pub"], environment).returncode == 0

    return {case.name: publish(case) for case in device_cases.cases}


def _openssl(device_cases: DeviceCases, _folder: Path) -> Outcome:
    proxy = urlsplit(device_cases.registry.azure.ready["proxy"]).netloc

    def say(case: Case) -> bool:
        host = device_cases.registry.host
        line = ["openssl", "s_client", "-quiet", "-proxy", proxy, "-connect", f"{host}:8883", "-servername", host, "-verify_return_error"]
        trust = ["-CAfile", device_cases.registry.azure.ready["ca_file"], "-verify_hostname", host]
        own = ["-cert", case.chain, "-cert_chain", case.chain, "-key", case.key]
        hello = connect(case.device, f"{host}/{case.device}/?api-version=2021-04-12")
        message = packet(3, text(f"devices/{case.device}/messages/events/") + b"\0\1from openssl", 0x02)
        done = _run([*line, *trust, *own], {}, raw=hello + message + packet(14, b""))
        return done.stdout == b"\x20\x02\x00\x00\x40\x02\x00\x01"

    return {case.name: say(case) for case in device_cases.cases}


@pytest.mark.parametrize(
    "client",
    [_azure_iot_device, _azure_iot_device_over_web_sockets, _paho, _azure_iot_device_mqtt, _mosquitto_pub, _openssl],
    ids=lambda client: client.__name__[1:],
)
def test_every_client_with_every_chain(device_cases: DeviceCases, tmp_path: Path, client: Callable[[DeviceCases, Path], Outcome]) -> None:
    """Only the valid chain of an enabled device is accepted, and its message arrives; the control port shows the reason of each refusal."""
    device_cases.registry.azure.control("DELETE", "/connections")
    assert client(device_cases, tmp_path) == {name: reason is None for name, reason in CASES.items()}
    for case in device_cases.cases:
        found = [entry for entry in attempts(device_cases.registry, case.device) if entry["accepted"] or "closed" not in entry["reason"]]
        assert found, case.name
        assert {entry["accepted"] for entry in found} == {CASES[case.name] is None}, case.name
        assert all((CASES[case.name] or "") in entry["reason"] for entry in found), case.name
        assert len(messages(device_cases.registry, case.device)) == (CASES[case.name] is None), case.name


def test_the_node_registry_client(azure: LocalAzure) -> None:
    """azure-iothub, through the proxy of the environment: devices one by one and in bulk, twins, queries, configurations, jobs."""
    need(_NODE.exists() and shutil.which("node"), "the Node package azure-iothub is not installed; `make strangers` installs it")
    registry = HubClient(azure, azure.hub())
    environment = {
        "HUB": registry.connection_string(),
        "NODE_PATH": str(_NODE),
        "NODE_EXTRA_CA_CERTS": azure.ready["ca_file"],
        "GLOBAL_AGENT_HTTPS_PROXY": azure.ready["proxy"],
        "GLOBAL_AGENT_HTTP_PROXY": azure.ready["proxy"],
    }
    registry.http.close()
    done = _run(["node", _DRIVERS / "azure_iothub.js"], environment)
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == {
        "created": ["press-001", "enabled", "certificateAuthority"],
        "again": "DeviceAlreadyExistsError",
        "changed": ["disabled", "holiday", True],
        "got": "holiday",
        "bulk": True,
        "bulkAgain": "ArgumentError",
        "tags": {"line": 7},
        "pages": [12, 12, 6],
        "listed": 31,
        "statistics": {"totalDeviceCount": 31, "enabledDeviceCount": 30, "disabledDeviceCount": 1},
        "removed": True,
        "parents": 1,
        "module": ["camera", "certificateAuthority"],
        "moduleAgain": "DeviceAlreadyExistsError",
        "managed": "us",
        "modules": ["$edgeAgent", "$edgeHub", "camera"],
        "moduleTags": {"lens": 2},
        "moduleGone": "Error",
        "noConfigurations": 0,
        "configuration": ["MQ==", 1],
        "configured": {"temperature": 38},
        "reconfigured": "*",
        "deployed": True,
        "unconfigured": "Error",
        "job": ["scheduleUpdateTwin", "queued"],
        "parts": [["press-001", "completed"]],
        "jobs": ["shift"],
        "cancelled": "Error",
        "transfers": 0,
        "refused": "ArgumentError",
        "asked": 3,
        "gone": "DeviceNotFoundError",
    }


def test_the_python_service_client(azure: LocalAzure) -> None:
    """azure-iot-hub over HTTPS: modules, configurations, a deployment, jobs, queries, digital twins."""
    need(_SERVICE_SDK.exists(), "azure-iot-hub is not installed; `make strangers` installs it")
    registry = HubClient(azure, azure.hub())
    environment = {
        "HUB": registry.connection_string(),
        "HTTPS_PROXY": azure.ready["proxy"],
        "REQUESTS_CA_BUNDLE": azure.ready["bundle_file"],
    }
    registry.http.close()
    done = _run([_SERVICE_SDK, _DRIVERS / "azure_iot_hub_registry.py"], environment)
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == {
        "module": "us",
        "configuration": ["MQ==", 3, {"targetedCount": 2, "appliedCount": 2}],
        "configurations": ["chill"],
        "tested": True,
        "deployed": True,
        "job": "scheduleUpdateTwin",
        "done": ["completed", 2],
        "queried": [1, True],
        "refused": 501,
        "transfers": [],
        "asked": 3,
    }
