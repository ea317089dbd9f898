"""Killed at any moment and started again: everything that was acknowledged is still there."""

import itertools
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from local_azure_iot.microsoft_devices import lifecycle
from local_azure_iot.resource_manager import long_running
from local_azure_iot.store import Store
from tests.kit.hub_client import HubClient, signature
from tests.kit.local_azure import LocalAzure
from tests.kit.mqtt_device import until
from tests.kit.paho_device import PahoDevice
from tests.kit.repository import ROOT
from tests.local_azure.makers import authority, encoded, uploaded

WRITERS, ACKNOWLEDGED = 4, 40


@contextmanager
def kept(folder: Path) -> Iterator[tuple[LocalAzure, "subprocess.Popen[bytes]"]]:
    """`python -m sandbox cloud --data`, on free ports; killed (-9) at the end."""
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    ports = itertools.chain.from_iterable((f"--{name}port", "0") for name in ("", "proxy-", "control-", "mqtt-"))
    command = [sys.executable, "-m", "sandbox", "cloud", *ports, "--ready-file", str(ready), "--data", str(folder / "data")]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        LocalAzure.until(lambda: ready.exists() or process.poll() is not None)
        facts = json.loads(ready.read_text())
        trust = ssl.create_default_context(cafile=facts["ca_file"])
        with httpx.Client(base_url=facts["arm"], verify=trust, trust_env=False, timeout=120) as client:
            azure = LocalAzure(facts, client)
            azure.log_in()
            yield azure, process
    finally:
        process.kill()
        process.wait(120)


def test_after_a_kill_under_load_all_acknowledged_writes_exist(tmp_path: Path) -> None:
    """Four clients upload, ask for codes and prove while it is killed; the state and etag of each answer that was sent are found again."""
    ca = authority()
    acknowledged: dict[str, dict[str, Any]] = {}
    maybe: dict[str, set[bool]] = {}
    enough = threading.Event()
    with kept(tmp_path) as (azure, process):
        hubs = [azure.hub().id for _ in range(WRITERS)]
        tenant, token = azure.ready["tenant_id"], azure.token
        threads = [threading.Thread(target=_write, args=(azure, hub, ca, acknowledged, maybe, enough)) for hub in hubs]
        for thread in threads:
            thread.start()
        assert enough.wait(60)
        os.kill(process.pid, signal.SIGKILL)
        for thread in threads:
            thread.join(60)
    with kept(tmp_path) as (azure, _):
        found = {one["id"]: one for hub in hubs for one in azure.ask("GET", f"{hub}/certificates").json()["value"]}
        assert azure.ready["tenant_id"] == tenant
        assert azure.http.get("/subscriptions?api-version=2021-04-01", headers=token).status_code == 200
        names = azure.ask("GET", f"/subscriptions/{azure.ready['subscription_id']}/providers/Microsoft.Devices/IotHubs/").json()["value"]

    assert len(acknowledged) >= ACKNOWLEDGED
    assert {hub["id"] for hub in names} == set(hubs)
    for identifier, answer in acknowledged.items():
        assert identifier in found, identifier
        if found[identifier]["etag"] == answer["etag"]:
            assert found[identifier]["properties"]["isVerified"] == answer["properties"]["isVerified"]
        else:  # a later change whose answer was never sent
            assert found[identifier]["properties"]["isVerified"] in maybe[identifier]


def _write(
    azure: LocalAzure, hub: str, ca: Any, acknowledged: dict[str, dict[str, Any]], maybe: dict[str, set[bool]], enough: threading.Event
) -> None:
    """Prove certificates one after the other until the connection fails; note each answer."""
    trust = ssl.create_default_context(cafile=azure.ready["ca_file"])
    with httpx.Client(base_url=azure.ready["arm"], verify=trust, trust_env=False, timeout=60) as http:
        for number in range(25):
            identifier, etag, code = f"{hub}/certificates/ca-{number}", "", ""
            for method, operation in (("PUT", ""), ("POST", "/generateVerificationCode"), ("POST", "/verify")):
                body = uploaded(ca.pem) if method == "PUT" else {"certificate": encoded(ca.proof(code))} if "verify" in operation else None
                headers = azure.token | ({"If-Match": etag} if etag else {})
                maybe[identifier] = {operation == "/verify"}
                try:
                    answer = http.request(method, azure.url(f"{identifier}{operation}"), json=body, headers=headers)
                except httpx.TransportError:
                    return
                found = answer.raise_for_status().json()
                acknowledged[identifier] = found
                etag, code = found["etag"], found["properties"].get("verificationCode", "")
                if len(acknowledged) >= ACKNOWLEDGED:
                    enough.set()


def test_what_is_for_later_outlives_a_kill(tmp_path: Path) -> None:
    """A job runs when its time comes, though nobody asks for it after the restart; a device's session and its messages are kept.

    So does what a kill ended: a configuration is applied to the devices that it had yet to reach, and a hub is deleted to its end.
    """
    bound = "devices/b/messages/devicebound/#"
    start = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    job = {"type": "scheduleUpdateTwin", "updateTwin": {"tags": {"late": True}}, "queryCondition": "*", "startTime": start}
    with kept(tmp_path) as (azure, _), (registry := HubClient(azure, azure.hub())).http:
        registry.put("a")
        registry.ask("PUT", "/jobs/v2/later", json=job).raise_for_status()
        key = registry.put("b", authentication={"type": "sas"})["authentication"]["symmetricKey"]["primaryKey"]
        password = signature(f"{registry.host}/devices/b", "", key)
        with PahoDevice(registry, "b", tmp_path, password=password, clean=False) as device:
            assert device.connect() == ("Success", False)
            device.subscribe(bound)
        until(lambda: registry.ask("GET", "/devices/b").json()["connectionState"] == "Disconnected")
        azure.control("POST", "/messages", {"host": registry.host, "device": "b", "payload": "aGk="})
        content = {"deviceContent": {"properties.desired.hot": True}}
        registry.ask("PUT", "/configurations/c", json={"id": "c", "content": content, "targetCondition": "*"}).raise_for_status()
        gone = azure.hub()
    _take_back(tmp_path / "data" / "azure.sqlite", registry.hub.id.rpartition("/")[2], gone.id.rpartition("/")[2])
    with kept(tmp_path) as (azure, _):
        registry.azure = azure
        body = {"location": "westus", "sku": {"name": "S1", "capacity": 1}}
        azure.until(lambda: azure.http.put(f"{gone.id}?api-version=2023-06-30", json=body, headers=azure.token).status_code < 400)
        assert azure.ask("GET", f"{gone.id}/IotHubStats").json()["totalDeviceCount"] == 0
        with PahoDevice(registry, "b", tmp_path, password=password, clean=False) as device:
            assert device.connect() == ("Success", True)
            assert device.receive().payload == b"hi"
        azure.control("PUT", "/clock", {"advance": 3601})
        azure.log_in()
        with (again := HubClient(azure, registry.hub)).http:
            again.hub.azure = azure
            again.authorization = signature(again.host, "iothubowner", again.key("iothubowner"), seconds=9999)
            azure.until(lambda: again.ask("GET", "/twins/a").json()["tags"] == {"late": True})
            assert again.ask("GET", "/twins/a").json()["properties"]["desired"]["hot"]


def _take_back(database: Path, hub: str, gone: str) -> None:
    """Set the data back to before the last step of a configuration's way through a hub, and to the middle of another's deletion."""
    store = Store(database)
    with store.transaction():
        keys = {key.rpartition("/")[2]: key for key, _ in store.page("hub", "", "", 10)}
        ((place, device),) = store.page("device", f"{keys[hub]}/", "", 1)
        device.pop("deployed")
        device["twin"]["desired"]["values"] = {}
        store.put("device", place, device)
        store.put(lifecycle.CONFIGURATION_PROGRESS, f"{keys[hub]}/all", {"kind": "device", "after": ""})
        service = store.get("hub", keys[gone])
        assert service
        store.delete("hub", keys[gone])
        store.delete(lifecycle.NAME, lifecycle.name_key(service["cloud"], lifecycle.HUB, gone))
        store.put("device", f"{keys[gone]}/x", device)
        store.put(long_running.REMOVAL, keys[gone], {"kind": "hub"})
    store.close()
