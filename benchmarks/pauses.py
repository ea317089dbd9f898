"""The longest pause of local Azure's event loop, for each operation whose work grows with a hub's devices or messages.

    python -m benchmarks.pauses [--devices 200000]

While one step runs, nothing else is answered: no other request, and no MQTT ping. The hub has so many devices, as many modules, messages
for devices and parts of a job; its data is on disk. Every operation goes through the application that the listeners serve. A loaded
machine makes pauses longer, so the processor time of the longest step counts. The peer of each operation is itself before it went in
chunks: see docs/benchmarks.md. Target: no pause above 100 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_azure_iot import control
from local_azure_iot.checkpoints import Checkpoints
from local_azure_iot.hub_registry import bulk, job_runs, modules
from local_azure_iot.messaging import cloud_to_device
from local_azure_iot.microsoft_devices.lifecycle import CLOUD_TO_DEVICE, DEVICE, MODULE
from local_azure_iot.mqtt.plane import Plane
from local_azure_iot.store import Store
from tests.kit.hub_client import signature
from tests.local_azure.in_process import InProcess, serving

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from local_azure_iot.local_azure import Azure

_TARGET = 0.1  # seconds
_VERSION = "api-version=2021-04-12"
_NAME = "pauses"
_CONFIGURATION = {"id": "c", "content": {"deviceContent": {"properties.desired.hot": True}}, "targetCondition": "*", "priority": 1}
_CUSTOM = {"queries": {"hot": "SELECT deviceId FROM devices WHERE properties.desired.hot = true"}}


@dataclass
class Loop:
    """Measures how long the event loop does one thing."""

    loop: asyncio.AbstractEventLoop
    longest: float = 0.0
    worked: float = 0.0  # processor seconds of the longest step

    async def _tick(self) -> None:
        last, worked = time.perf_counter(), time.process_time()
        while True:
            await asyncio.sleep(0)
            now, work = time.perf_counter(), time.process_time()
            self.longest, self.worked = max(self.longest, now - last), max(self.worked, work - worked)
            last, worked = now, work

    def measure(self, name: str, azure: Azure, act: Callable[[], Any]) -> Any:
        """Run an operation and the background work that it begins; print its time and its longest pause."""
        self.longest, self.worked, began = 0.0, 0.0, time.perf_counter()
        ticker = self.loop.create_task(self._tick())
        self.loop.run_until_complete(asyncio.sleep(0))
        try:
            result = act()
            answered = time.perf_counter() - began
            self.loop.run_until_complete(_idle(azure))
        finally:
            ticker.cancel()
            self.loop.run_until_complete(asyncio.wait([ticker]))
        took = time.perf_counter() - began
        mark = " *" if self.worked > _TARGET else ""
        print(f"{name:56}{answered:12.2f}{took:10.2f}{1000 * self.longest:13.0f}{1000 * self.worked:15.0f}{mark}", flush=True)
        return result


async def _idle(azure: Azure) -> None:
    while tasks := list(azure.background.running()):
        await asyncio.wait(tasks)


@dataclass
class Hub:
    """A hub of the local Azure that is measured, and requests to it."""

    at: InProcess
    path: str
    key: str

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A request to the hub's own endpoint that must succeed."""
        host = f"{self.path.rpartition('/')[2]}.azure-devices.net"
        separator = "&" if "?" in path else "?"
        return self.at.ask(method, f"{path}{separator}{_VERSION}", body, host=host, authorization=signature(host, "iothubowner", self.key),
                           **headers)  # fmt: skip

    def query(self, text: str, **headers: str) -> Any:
        """One page of a query's answer."""
        return self.ask("POST", "/devices/query", {"query": text}, **headers)


def _hub(at: InProcess, name: str) -> Hub:
    path = at.hub(name=name)
    key = at.must("POST", f"{path}/listkeys?api-version=2023-06-30")["value"][0]["primaryKey"]
    return Hub(at, path, key)


def _store_key(hub: Hub) -> str:
    """The key under which the store keeps a hub."""
    found = [key for key, _ in hub.at.azure.store.page("hub", "", "", 1000) if key.endswith(f"/{hub.path.rpartition('/')[2]}")]
    return found[0]


def fill(hub: Hub, devices: int, kinds: tuple[str, ...] = (DEVICE,)) -> None:
    """Give a hub devices, and what else is asked for: the first by its own operation, the others as copies in the store."""
    azure, key = hub.at.azure, _store_key(hub)
    with azure.store.transaction():
        bulk.apply(azure, key, [{"id": "press-0000000", "authentication": {"type": "certificateAuthority"}}])
        modules.create(azure, key, "press-0000000", {"moduleId": "camera"})
        cloud_to_device.send(azure, key, "press-0000000", cloud_to_device.Message(body=b"now", ack="full"))
        for kind in kinds:
            ((first, body),) = azure.store.page(kind, f"{key}/", "", 1)
            text = json.dumps(body)
            for number in range(1, devices):
                device = f"press-{number:07}"
                azure.store.put(kind, first.replace("press-0000000", device), json.loads(text.replace("press-0000000", device)))
    if CLOUD_TO_DEVICE not in kinds:
        cloud_to_device.purge(azure, key, "press-0000000")


def fill_edge(hub: Hub, devices: int) -> None:
    """Give a hub IoT Edge devices, which come first in it."""
    with hub.at.azure.store.transaction():
        for start in range(0, devices, 100):
            items = [{"id": f"edge-{number:07}", "capabilities": {"iotEdge": True}} for number in range(start, start + 100)]
            bulk.apply(hub.at.azure, _store_key(hub), items)


def _operations(loop: Loop, hub: Hub) -> None:
    at, everything = hub.at, ("query", "SELECT * FROM devices")
    azure = at.azure

    def run(name: str, act: Callable[[], Any]) -> Any:
        answer = loop.measure(name, azure, act)
        assert answer is None or answer.status < 300, (name, answer.status, answer.body[:300])
        return answer

    many = {"x_ms_max_item_count": "1000"}
    run("GET /devices (1,000)", lambda: hub.ask("GET", "/devices?top=1000"))
    first = run("SELECT *, a page of 1,000", lambda: hub.query(everything[1], **many))
    place = json.dumps([json.loads(_decoded(first.headers["x-ms-continuation"]))[0], {"given": 0, "after": "press-0180000"}])
    run("SELECT *, a page in the middle", lambda: hub.query(everything[1], **many, x_ms_continuation=_encoded(place)))
    run("SELECT COUNT() FROM devices", lambda: hub.query("SELECT COUNT() AS n FROM devices"))
    run("SELECT COUNT() GROUP BY status", lambda: hub.query("SELECT status, COUNT() AS n FROM devices GROUP BY status"))
    run("SELECT * … WHERE nothing", lambda: hub.query("SELECT * FROM devices WHERE tags.line = 7"))
    run("SELECT * FROM devices.modules WHERE nothing", lambda: hub.query("SELECT * FROM devices.modules WHERE tags.line = 7"))
    run("GET /statistics/devices", lambda: hub.ask("GET", "/statistics/devices"))
    for key in [f"{_store_key(hub)}/press-{number:07}" for number in range(200_000)]:
        azure.presence.record_message(key, azure.clock.now())
    run("GET /statistics/service, 200,000 that sent something", lambda: hub.ask("GET", "/statistics/service"))
    run("GET quotaMetrics at Resource Manager", lambda: at.ask("GET", f"{hub.path}/quotaMetrics?api-version=2023-06-30"))
    run("PUT /configurations", lambda: hub.ask("PUT", "/configurations/c", _CONFIGURATION))
    run("PUT /configurations with a metric", lambda: hub.ask("PUT", "/configurations/d", _CONFIGURATION | {"id": "d", "metrics": _CUSTOM}))
    run("GET /configurations", lambda: hub.ask("GET", "/configurations"))
    run("DELETE /configurations", lambda: hub.ask("DELETE", "/configurations/c"))
    edge = {"modulesContent": {name: {"properties.desired": {"x": 1}} for name in ("$edgeAgent", "$edgeHub", "filter")}}
    fill_edge(hub, 1000)
    run("PUT /configurations, a deployment for 1,000 IoT Edge devices", lambda: hub.ask(
        "PUT", "/configurations/e", _CONFIGURATION | {"id": "e", "content": edge, "targetCondition": "capabilities.iotEdge = true"}
    ))  # fmt: skip
    update = {"type": "scheduleUpdateTwin", "updateTwin": {"etag": "*", "tags": {"line": 7}}, "queryCondition": "*"}
    run("a job that updates all twins", lambda: hub.ask("PUT", "/jobs/v2/j", update))
    run("SELECT * FROM devices.jobs WHERE nothing", lambda: hub.query("SELECT * FROM devices.jobs WHERE devices.jobs.status = 'failed'"))
    run("GET feedback, messages wait", lambda: hub.ask("GET", "/messages/serviceBound/feedback"))
    azure.clock.advance(7200)
    at.log_in()
    expired = _hub_again(hub)
    run("GET feedback, all messages expired", lambda: expired.ask("GET", "/messages/serviceBound/feedback"))
    run("GET feedback, a queue of many records", lambda: expired.ask("GET", "/messages/serviceBound/feedback"))


def _hub_again(hub: Hub) -> Hub:
    """The hub, at the time that local Azure's clock shows: signatures are made for the machine's time."""
    moved = hub.at.azure.clock.now()

    class Moved(Hub):
        def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
            host = f"{self.path.rpartition('/')[2]}.azure-devices.net"
            signed = signature(host, "iothubowner", self.key, now=(moved + timedelta(seconds=60)).timestamp())
            return self.at.ask(method, f"{path}?{_VERSION}", body, host=host, authorization=signed, **headers)

    return Moved(hub.at, hub.path, hub.key)


def _deletions(loop: Loop, at: InProcess, devices: int) -> None:
    azure = at.azure

    def gone(path: str, version: str) -> None:
        answer = at.ask("DELETE", f"{path}?api-version={version}")
        assert answer.status in {200, 202, 204}, answer.body
        place = answer.headers["location"].partition("management.azure.com")[2]
        while at.ask("GET", place).status == 202:
            at.loop.run_until_complete(asyncio.sleep(0))
        assert at.ask("GET", f"{path}?api-version={version}").status == 404

    whole = _hub(at, "deleted")
    fill(whole, devices, (DEVICE, MODULE))
    loop.measure("DELETE a hub with devices and modules", azure, lambda: gone(whole.path, "2023-06-30"))
    grouped = _hub(at, "grouped")
    fill(grouped, devices)
    group = grouped.path.partition("/providers/")[0]
    loop.measure("DELETE the group of a hub with devices", azure, lambda: gone(group, "2021-04-01"))


def _starts(loop: Loop, at: InProcess, folder: Path) -> None:
    azure = at.azure

    def start() -> None:
        opened = Store(folder / "azure.sqlite")
        opened.close()

        async def resume() -> None:
            job_runs.resume(azure)

        at.loop.run_until_complete(resume())

    loop.measure("start: open the store, resume what was begun", azure, start)
    plane = Plane(azure)
    operations = control.operations(at.application, plane, {})

    def reset() -> None:
        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            assert message.get("status", 200) == 200

        scope = {"type": "http", "method": "POST", "path": "/reset", "raw_path": b"/reset", "query_string": b"", "headers": []}
        at.loop.run_until_complete(operations(scope, receive, send))

    loop.measure("POST /reset of the control port", azure, reset)
    assert azure.store.count(DEVICE) == 0


def _encoded(text: str) -> str:
    import base64

    return base64.b64encode(text.encode()).decode()


def _decoded(text: str) -> bytes:
    import base64

    return base64.b64decode(text)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=200_000)
    devices = parser.parse_args().devices
    loop = asyncio.new_event_loop()
    with tempfile.TemporaryDirectory() as folder:
        at = serving(Store(Path(folder) / "azure.sqlite"), loop)
        with Checkpoints(Path(folder) / "azure.sqlite"):
            hub, measured = _hub(at, _NAME), Loop(loop)
            fill(hub, devices, (DEVICE, MODULE, CLOUD_TO_DEVICE))
            gc.freeze()  # as the server does
            print(f"{devices:,} devices{'':41}answered, s   done, s  longest, ms  processor, ms")
            _operations(measured, hub)
            _deletions(measured, at, devices)
            _starts(measured, at, Path(folder))
        at.azure.store.close()
    loop.close()


if __name__ == "__main__":
    main()
