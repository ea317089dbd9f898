"""What grows with a hub's devices or messages goes in chunks: others are answered in between, and a restart loses nothing.

The chunks are small here, and the hub has ten devices. What is compared is the order of answers, never a time.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from local_azure_iot import control, store
from local_azure_iot.hub_registry import (
    configuration_passes,
    identities,
    job_runs,
    modules,
    presence,
    query_scans,
)
from local_azure_iot.hub_registry.background import BackgroundWork
from local_azure_iot.hub_registry.presence import Presence
from local_azure_iot.local_azure import Azure
from local_azure_iot.messaging import cloud_to_device
from local_azure_iot.microsoft_devices import lifecycle
from local_azure_iot.mqtt.plane import Plane
from tests.kit.hub_client import signature
from tests.local_azure.in_process import Answer, InProcess, in_process

VERSION, DEVICES = "api-version=2021-04-12", [f"press-{number}" for number in range(10)]
CONFIGURATION = {
    "id": "hot",
    "content": {"deviceContent": {"properties.desired.hot": True}},
    "targetCondition": "NOT IS_DEFINED(tags.cold)",
}
UPDATE = {"type": "scheduleUpdateTwin", "updateTwin": {"etag": "*", "tags": {"line": 7}}, "queryCondition": "*"}


@dataclass
class Hub:
    """A hub with ten devices in local Azure, which is this process."""

    at: InProcess
    path: str
    signed: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Sign requests by the owner's key."""
        key = self.at.must("POST", f"{self.path}/listkeys?api-version=2023-06-30")["value"][0]["primaryKey"]
        host = f"{self.name}.azure-devices.net"
        self.signed = {"host": host, "authorization": signature(host, "iothubowner", key)}

    @property
    def name(self) -> str:
        """Its name."""
        return self.path.rpartition("/")[2]

    @property
    def azure(self) -> Azure:
        """The state of local Azure."""
        return self.at.azure

    @property
    def key(self) -> str:
        """Its key in the store."""
        found = self.azure.store.get(lifecycle.NAME, lifecycle.name_key("AzureCloud", lifecycle.HUB, self.name))
        assert found
        return str(found["key"])

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """A request beside others."""
        return await self.at.send(method, f"{path}?{VERSION}", body, **self.signed, **headers)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A request that must succeed. Background work goes on as long as the answer takes."""
        return self.at.must(method, f"{path}?{VERSION}", body, **self.signed, **headers)

    def rest(self) -> None:
        """Let the background work end."""
        while tasks := self.azure.background.running():
            self.at.loop.run_until_complete(asyncio.wait(tasks))

    def restart(self) -> None:
        """Kill local Azure: what is not committed is lost. Then start it again."""
        for task in self.azure.background.running():
            task.cancel()
        self.rest()
        self.at.application.azure = replace(self.azure, background=BackgroundWork(), presence=Presence())

        async def resume() -> None:
            for work in (lifecycle, configuration_passes, job_runs):
                work.resume(self.azure)

        self.at.loop.run_until_complete(resume())

    def left(self) -> int:
        """How many documents there are of the hub."""
        return sum(self.azure.store.count(kind, f"{self.stored}/") for kind in lifecycle.HUB.children)

    stored: str = ""


@pytest.fixture(scope="module")
def process() -> Iterator[InProcess]:
    """Local Azure."""
    with in_process() as created:
        yield created


@pytest.fixture
def hub(process: InProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with ten devices, where a chunk has three of anything."""
    for part, name in (
        (configuration_passes, "CHUNK"),
        (query_scans, "CHUNK"),
        (lifecycle, "CHUNK"),
        (job_runs, "_UPDATED"),
        (job_runs, "_GATHERED"),
        (store, "_COUNTED"),
        (cloud_to_device, "_CHUNK"),
    ):
        monkeypatch.setattr(part, name, 3)
    created = Hub(process, process.hub())
    created.stored = created.key
    with process.azure.store.transaction():
        for device in DEVICES:
            identities.create(process.azure, created.key, {"deviceId": device})
            modules.create(process.azure, created.key, device, {"moduleId": "camera"})
            cloud_to_device.send(process.azure, created.key, device, cloud_to_device.Message(body=b"x", ack="full"))
    yield created
    created.rest()


def _hot(hub: Hub) -> list[str]:
    """The devices that have what the configuration sets, and say that it is applied."""
    found = [device for _, device in hub.azure.store.page("device", f"{hub.key}/", "", 100)]
    applied = [each["id"] for each in found if (each.get("deployed") or {}).get("statuses", {}).get("hot") == {"status": "Applied"}]
    assert applied == [each["id"] for each in found if each["twin"]["desired"]["values"].get("hot")]
    return applied


def test_a_configuration_is_applied_while_others_are_answered(hub: Hub) -> None:
    """The first devices have it once it is written, the rest soon; each request in between sees how far it is."""
    written = hub.ask("PUT", "/configurations/hot", CONFIGURATION)
    assert (written["systemMetrics"]["results"], len(_hot(hub)) < len(DEVICES)) == ({}, True)
    seen = [len(_hot(hub))]
    while hub.azure.background.running():
        hub.ask("GET", "/devices/press-0")
        seen.append(len(_hot(hub)))
    assert seen == sorted(seen)
    assert len(set(seen)) > 2
    assert _hot(hub) == DEVICES
    assert hub.ask("GET", "/configurations/hot")["systemMetrics"]["results"] == {"targetedCount": 10, "appliedCount": 10}


def _changed(hub: Hub) -> None:
    hub.ask("PUT", "/configurations/hot", CONFIGURATION | {"targetCondition": "deviceId IN ['press-0', 'press-8']"}, if_match="*")


def _deleted(hub: Hub) -> None:
    hub.ask("DELETE", "/configurations/hot")


def _twins_changed(hub: Hub) -> None:
    for device in ("press-0", "press-9"):
        hub.ask("PATCH", f"/twins/{device}", {"tags": {"cold": True}})


def _device_created(hub: Hub) -> None:
    hub.ask("PUT", "/devices/press-05", {"deviceId": "press-05"})
    hub.ask("DELETE", "/devices/press-8", if_match="*")


@pytest.mark.parametrize(("meanwhile", "expected"), [
    (_changed, ["press-0", "press-8"]),
    (_deleted, []),
    (_twins_changed, DEVICES[1:9]),
    (_device_created, ["press-0", "press-05", *DEVICES[1:8], "press-9"]),
    (Hub.restart, DEVICES),
])  # fmt: skip
def test_a_configuration_and_what_happens_meanwhile(hub: Hub, meanwhile: Callable[[Hub], None], expected: list[str]) -> None:
    """Whatever is written while it is being applied, and after a kill: in the end each device is as the last write says."""
    hub.ask("PUT", "/configurations/hot", CONFIGURATION)
    assert hub.azure.background.running()
    meanwhile(hub)
    hub.rest()
    assert _hot(hub) == expected
    assert hub.azure.store.count(lifecycle.CONFIGURATION_PROGRESS, f"{hub.key}/") == 0


def _as_query(text: str) -> tuple[str, str, Any]:
    return "POST", "/devices/query", {"query": text}


@pytest.mark.parametrize(("method", "path", "body"), [
    _as_query("SELECT * FROM devices WHERE tags.line = 7"),
    _as_query("SELECT COUNT() AS n FROM devices"),
    _as_query("SELECT * FROM devices.modules WHERE tags.line = 7"),
    ("GET", "/statistics/devices", None),
    ("GET", "/configurations/hot", None),
    ("GET", "/messages/serviceBound/feedback", None),
])  # fmt: skip
def test_whoever_asks_little_is_answered_first(hub: Hub, method: str, path: str, body: Any) -> None:
    """A request for one device that comes after one that looks at all of them is answered before it."""
    hub.ask("PUT", "/configurations/hot", CONFIGURATION)
    hub.rest()
    answered: list[str] = []

    async def send(*request: Any) -> None:
        answer = await hub.send(*request)
        assert answer.status < 300
        answered.append(request[1])

    async def both() -> None:
        await asyncio.gather(send(method, path, body), send("GET", "/devices/press-0"))

    hub.at.loop.run_until_complete(both())
    assert answered == ["/devices/press-0", path]


@pytest.mark.parametrize("killed", [False, True], ids=["running", "killed"])
def test_a_job_gathers_its_devices_and_updates_each_once(hub: Hub, killed: bool) -> None:
    """Each request in between sees how far it is; a kill while it gathers, or updates, repeats no update."""
    hub.ask("PUT", "/jobs/v2/j", UPDATE)
    seen, kills = set(), 5 if killed else 0
    while hub.azure.background.running():
        if kills:
            hub.restart()
            kills -= 1
        counts = hub.ask("GET", "/jobs/v2/j").get("deviceJobStatistics", {})
        seen.add((counts.get("deviceCount"), counts.get("succeededCount")))
    assert seen - {(None, None), (0, 0), (10, 10)}
    found = hub.ask("GET", "/jobs/v2/j")
    assert (found["status"], found["deviceJobStatistics"]["succeededCount"]) == ("completed", 10)
    assert {hub.ask("GET", f"/twins/{device}")["version"] for device in DEVICES} == {3}


def _gone(hub: Hub, path: str, version: str) -> Callable[[], int]:
    """Begin to delete something; returns what asks whether that is done: 202 or 200."""
    answer = hub.at.ask("DELETE", f"{path}?api-version={version}")
    assert answer.status == 202
    place = answer.headers["location"].partition("management.azure.com")[2]
    return lambda: hub.at.ask("GET", place).status


@pytest.mark.parametrize("killed", [False, True], ids=["running", "killed"])
@pytest.mark.parametrize("of", ["hub", "group"])
def test_a_large_hub_is_deleted_while_others_are_answered(hub: Hub, of: str, killed: bool) -> None:
    """It is gone at once for whoever uses it. The operation lasts until the last device is gone, and no hub takes its place before that."""
    hub.ask("PUT", "/configurations/hot", CONFIGURATION)
    hub.ask("PUT", "/jobs/v2/j", UPDATE)
    group = hub.path.partition("/providers/")[0]
    status = _gone(hub, hub.path, "2023-06-30") if of == "hub" else _gone(hub, group, "2021-04-01")
    assert status() == 202
    assert hub.at.loop.run_until_complete(hub.send("GET", "/devices/press-0")).status == 401
    assert hub.left() > 0
    if killed:
        hub.restart()
    hub.at.group(group.rpartition("/")[2])
    body = {"location": "westus", "sku": {"name": "S1", "capacity": 1}}
    assert hub.at.ask("PUT", f"{hub.path}?api-version=2023-06-30", body).status == 409
    polled = [status()]
    while polled[-1] == 202:
        polled.append(status())
    assert (polled[0], polled[-1], hub.left()) == (202, 200, 0)
    hub.at.must("PUT", f"{hub.path}?api-version=2023-06-30", body)
    assert Hub(hub.at, hub.path).ask("GET", "/devices") == []


def test_a_reset_lets_others_be_answered_and_leaves_nothing(hub: Hub) -> None:
    """Whoever asks meanwhile finds no hub. Nothing is left when it is answered, and the same hub has no device then."""
    operations = control.operations(hub.at.application, Plane(hub.azure), {})
    answered: list[str] = []

    async def reset() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(operations), base_url="http://control") as client:
            (await client.post("/reset")).raise_for_status()
        answered.append("reset")

    async def ask() -> None:
        for _ in range(100):  # turns, until the reset has begun
            if hub.azure.background.running("removal"):
                break
            await asyncio.sleep(0)
        assert (await hub.send("GET", "/devices/press-0")).status == 401
        answered.append("no hub")

    async def both() -> None:
        await asyncio.gather(reset(), ask())

    hub.at.loop.run_until_complete(both())
    assert answered == ["no hub", "reset"]
    assert hub.left() == 0
    group = hub.path.partition("/providers/")[0]
    hub.at.hub(hub.at.group(group.rpartition("/")[2]), name=hub.name)
    assert Hub(hub.at, hub.path).ask("GET", "/devices") == []


@dataclass
class Connected:
    """The connection of a device, whose checks are counted."""

    rechecked: int = 0

    def recheck(self) -> None:
        """Count."""
        self.rechecked += 1

    def end(self, reason: str) -> None:
        """It stays."""

    def abort(self) -> None:
        """It stays."""


def test_many_connections_are_rechecked_in_chunks(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of one hub, each once, and not all in one go."""
    monkeypatch.setattr(presence, "_CHUNK", 3)
    connections = [Connected() for _ in range(8)]
    for number, connection in enumerate(connections):
        hub.azure.presence.connected(f"{'a' if number else 'b'}/{number}", connection, hub.azure.clock.now())

    async def recheck() -> int:
        hub.azure.presence.recheck_under("a/", hub.azure.background)
        return sum(connection.rechecked for connection in connections)

    assert hub.at.loop.run_until_complete(recheck()) == 3
    hub.rest()
    assert [connection.rechecked for connection in connections] == [0, 1, 1, 1, 1, 1, 1, 1]


def test_work_that_has_just_ended_can_begin_again(hub: Hub) -> None:
    """In the same step: nothing that was begun is lost."""
    done: list[int] = []
    background = hub.azure.background

    async def work(number: int) -> None:
        done.append(number)

    async def twice() -> None:
        background.begin("work", lambda: work(1), done.clear)
        await asyncio.sleep(0)  # it runs before this goes on, and what follows its end has yet to run
        assert (done, background.running()) == ([1], [])
        background.begin("work", lambda: work(2), done.clear)

    hub.at.loop.run_until_complete(twice())
    hub.rest()
    assert done == [1, 2]


def test_a_token_of_a_page_goes_on_there(hub: Hub) -> None:
    """Pages of a query, each read in chunks, have every device once."""
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        answer = hub.at.loop.run_until_complete(
            hub.send("POST", "/devices/query", {"query": "SELECT TOP 9 deviceId FROM devices"}, x_ms_max_item_count="4", **token)
        )
        found += [each["deviceId"] for each in json.loads(answer.body)]
        if "x-ms-continuation" not in answer.headers:
            break
        token = {"x_ms_continuation": answer.headers["x-ms-continuation"]}
    assert found == DEVICES[:9]
