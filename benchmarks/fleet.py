"""The time of 10,000 devices as one resource, compared with one resource per device and one call per device.

    python -m benchmarks.fleet [--devices 10000] [--peers 500] [--growth 1000,10000,100000] [--throttled 6000]

Everything runs on a local Azure of its own, with the embedded engine. Peers are measured with `--peers` devices and extrapolated;
each figure says so. The throttle is that of an S1 hub with one unit: 100 calls per minute.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from hubtrust.devices.roster_files import from_ids, from_pattern
from hubtrust.dynamic.device_fleet import DeviceFleetProvider
from local_azure_iot import installation
from local_azure_iot.start_command import FREE_PORTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubtrust.devices.roster import Roster

ROOT = Path(__file__).resolve().parent.parent

ROLE = "4fc6c259-987e-4a07-842e-c321cc9d413f"  # IoT Hub Data Contributor
FLEET = """
import os
import pulumi
from hubtrust.dynamic.device_fleet import DeviceFleet
from hubtrust.devices.roster_files import from_pattern

count = os.environ["COUNT"]
DeviceFleet("bench", hub_id=os.environ["HUB"], host_name=os.environ["HOST"],
            roster=from_pattern("press-{" + "1".zfill(len(count)) + ".." + count + "}"))
"""
EACH = """
import os
from each import Device

for number in range(int(os.environ["COUNT"])):
    Device(f"{os.environ['PREFIX']}-{number}")
"""
ONE = """
import os
import requests
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

session = requests.Session()

class Provider(ResourceProvider):
    serialize_as_secret_always = False
    def create(self, props):
        url = f"https://{os.environ['HOST']}/devices/{props['name']}?api-version=2021-04-12"
        body = {"deviceId": props["name"], "authentication": {"type": "certificateAuthority"}}
        answer = session.put(url, json=body, headers={"Authorization": f"Bearer {os.environ['TOKEN']}"})
        answer.raise_for_status()
        return CreateResult(props["name"], {"name": props["name"], "etag": answer.json()["etag"]})

class Device(Resource, module="bench", name="Device"):
    def __init__(self, name):
        super().__init__(Provider(), name, {"name": name})
"""


class Azure:
    """A local Azure with hubs on which this process may manage devices."""

    def __init__(self, ready: dict[str, Any]) -> None:
        self.ready = ready
        os.environ.update(installation.environment(ready))
        self.arm = requests.Session()
        self.arm.headers["Authorization"] = f"Bearer {self.token('https://management.azure.com/.default')}"
        self.group = f"/subscriptions/{ready['subscription_id']}/resourceGroups/bench"
        self.ask("PUT", self.group, "2021-04-01", {"location": "westeurope"})

    def token(self, scope: str) -> str:
        """A token for a service, as the deployer."""
        form = {"grant_type": "client_credentials", "scope": scope} | {name: self.ready[name] for name in ("client_id", "client_secret")}
        url = f"https://login.microsoftonline.com/{self.ready['tenant_id']}/oauth2/v2.0/token"
        return str(requests.post(url, data=form, timeout=60).json()["access_token"])

    def ask(self, method: str, path: str, version: str, body: Any = None) -> Any:
        """A call to Resource Manager that must succeed."""
        answer = self.arm.request(method, f"https://management.azure.com{path}?api-version={version}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Use the control port."""
        return installation.call_control(self.ready, method, path, body)

    def hub(self, name: str) -> str:
        """Create a hub on which the deployer may manage devices; returns its id."""
        path = f"{self.group}/providers/Microsoft.Devices/IotHubs/{name}"
        self.ask("PUT", path, "2023-06-30", {"location": "westeurope", "sku": {"name": "S1", "capacity": 1}, "properties": {}})
        self.may(ROLE, path)
        return path

    def may(self, role: str, scope: str) -> None:
        """Give the deployer a role, by the GUID of its definition."""
        claims = self.arm.headers["Authorization"].split(".")[1]
        who = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["oid"]
        definition = f"/subscriptions/{self.ready['subscription_id']}/providers/Microsoft.Authorization/roleDefinitions/{role}"
        granted = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
        self.ask("PUT", granted, "2022-04-01", {"properties": {"roleDefinitionId": definition, "principalId": who}})

    def calls(self, path: str) -> int:
        """The number of calls since the last look."""
        found = len([call for call in self.control("GET", "/requests") if call["path"] == path])
        self.control("DELETE", "/requests")
        return found


@contextmanager
def azure(folder: Path, data: Path | None = None) -> Iterator[Azure]:
    """A local Azure, stopped at the end. It keeps its data in the folder ``data``, or in memory."""
    ready = folder / "ready.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "cloud", *FREE_PORTS, "--ready-file", str(ready), *(("--data", str(data)) if data else ())],
        cwd=ROOT,
    )
    try:
        while not ready.exists():
            time.sleep(0.02)
        yield Azure(json.loads(ready.read_text(encoding="utf-8")))
    finally:
        process.terminate()
        process.wait()


class Stack:
    """A program on the embedded engine."""

    def __init__(self, folder: Path, program: str, count: int, **variables: str) -> None:
        folder.mkdir()
        (folder / "backend").mkdir()
        (folder / "Pulumi.yaml").write_text(
            f"name: bench\nruntime:\n  name: python\n  options:\n    virtualenv: {sys.prefix}\n", encoding="utf-8"
        )
        (folder / "Pulumi.yaml").open("a", encoding="utf-8").write("options:\n  refresh: always\n")
        (folder / "__main__.py").write_text(program, encoding="utf-8")
        (folder / "each.py").write_text(ONE, encoding="utf-8")
        self.folder = folder
        self.env = {
            **os.environ,
            **variables,
            "COUNT": str(count),
            "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "bench",
            "PULUMI_HOME": str(folder / "home"),
            "PYTHONPATH": str(ROOT),
        }
        self.call("stack", "init", "dev")

    @staticmethod
    def command(*arguments: str) -> list[str]:
        """A command of the engine on this stack."""
        return [sys.executable, "-m", "sandbox.engine", *arguments, "--stack", "dev", "--non-interactive"]

    def call(self, *arguments: str) -> float:
        """Run a command; returns seconds."""
        began = time.perf_counter()
        done = subprocess.run(
            self.command(*arguments), cwd=self.folder, env=self.env, capture_output=True, text=True, check=False, encoding="utf-8"
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return time.perf_counter() - began

    def up(self) -> float:
        """Seconds of an `up`, with its refresh."""
        return self.call("up", "--yes", "--skip-preview")

    @property
    def state(self) -> int:
        """Bytes of the stack's file."""
        return int(next((self.folder / "backend").rglob("dev.json")).stat().st_size)


def compare(at: Azure, folder: Path, devices: int, peers: int) -> None:
    """One resource for all, one resource per device, one call per device."""
    hub, host, token = at.hub("bench-one"), "bench-one.azure-devices.net", at.token("https://iothubs.azure.net/.default")
    one = Stack(folder / "one", FLEET, 1, HUB=at.hub("bench-start"), HOST="bench-start.azure-devices.net")
    start, start_state = one.up(), one.state
    ours = Stack(folder / "fleet", FLEET, devices, HUB=hub, HOST=host)
    at.control("DELETE", "/requests")
    seconds = ours.up()
    writes, memory = at.calls("/devices"), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    again = ours.up()
    log = at.control("GET", "/requests")
    variables = {"HOST": host, "TOKEN": token}
    few = Stack(folder / "few", EACH, peers // 10, PREFIX="few", **variables)
    each = Stack(folder / "each", EACH, peers, PREFIX="each", **variables)
    first, most, more = few.up(), each.up(), peers - peers // 10
    scaled = first + (most - first) * devices / more  # the time of each further device, and one start
    size = (each.state - few.state) / more
    one_by_one = _each_call(host, token, peers) * devices / peers
    print(f"\n{devices:,} devices{'':16}{'seconds':>10}{'calls':>10}{'state':>14}")
    print(f"{'DeviceFleet':28}{seconds:10.1f}{writes:10,}{(ours.state - start_state) / devices:11.2f} B per device")
    print(f"{'one resource per device':28}{scaled:10.1f}{devices:10,}{size:11.0f} B per device   (extrapolated from {peers})")
    print(f"{'one call per device':28}{one_by_one:10.1f}{devices:10,}{'':>11}              (extrapolated from {peers})")
    print(f"times faster than one resource per device: {scaled / seconds:.0f}, both with their start")
    alone = (scaled - first) / max(seconds - start, 0.01)
    print(f"for the devices alone: {alone:.0f} (target: 100), without an `up` with one device of {start:.1f} s")
    print(f"largest process: {memory:.0f} MB")
    wrote = sum(call["method"] == "POST" and call["path"] == "/devices" for call in log)
    read = sum(call["path"] == "/devices/query" for call in log)
    print(f"no-op `up`: {again:.1f} s, {wrote} writes, {read} reads (target: 0, at most {-(-devices // 1000)})")
    assert writes == -(-devices // 100), "exactly ceil(N/100) write calls"


def _each_call(host: str, token: str, count: int) -> float:
    """Seconds for this many devices, with one call each on one connection, as the SDKs do it."""
    session, began = requests.Session(), time.perf_counter()
    for number in range(count):
        url = f"https://{host}/devices/sdk-{number}?api-version=2021-04-12"
        body: Any = {"deviceId": f"sdk-{number}", "authentication": {"type": "certificateAuthority"}}
        session.put(url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=60).raise_for_status()
    return time.perf_counter() - began


def growth(at: Azure, folder: Path, counts: list[int]) -> None:
    """Print the seconds for each count."""
    print("\n   devices        up   ms each   no-op up")
    for count in counts:
        name = f"bench-{count}"
        stack = Stack(folder / name, FLEET, count, HUB=at.hub(name), HOST=f"{name}.azure-devices.net")
        first = stack.up()
        print(f"{count:10,}{first:10.1f}{1000 * first / count:10.2f}{stack.up():10.1f}")


def throttled(at: Azure, devices: int) -> None:
    """The used share of an S1 hub's allowed rate, from the provider's first call to its last; the `up` must succeed."""
    owner = {"stack": "bench", "urn": "urn:pulumi:bench::bench::bench::throttled"}
    roster = from_pattern(f"press-{{{'1'.zfill(len(str(devices)))}..{devices}}}")
    news = {"hubId": at.hub("bench-slow"), "hostName": "bench-slow.azure-devices.net", "owner": owner, "members": roster.pack()}
    at.control("PATCH", "/settings", {"throttle": 1.0, "throttle_burst": 0})
    began = time.perf_counter()
    try:
        DeviceFleetProvider().create(news)
    finally:
        at.control("PATCH", "/settings", {"throttle": None})
    seconds, least = time.perf_counter() - began, (devices / 100 - 1) / (100 / 60)  # the first call does not wait
    share = f"{least / seconds:.0%} of the rate (target: 95 %)"
    print(f"\nS1 throttle, {devices:,} devices: {seconds:.1f} s of at least {least:.1f}, {share}")


def packed(count: int) -> None:
    """Print the bytes of the state for each kind of id."""
    draw = random.Random(7)  # noqa: S311 - ids that can be repeated
    kinds: dict[str, Roster] = {
        "pattern": from_pattern(f"press-{{{'1'.zfill(len(str(count)))}..{count}}}"),
        "serial numbers": from_ids(f"SN{number:010d}" for number in draw.sample(range(10**10), count)),
        "UUIDs": from_ids(str(uuid.UUID(int=draw.getrandbits(128), version=4)) for _ in range(count)),
    }
    aims = {"pattern": 4, "serial numbers": 10, "UUIDs": 30}
    print(f"\nbytes per device in the input that holds {count:,}")
    for name, roster in kinds.items():
        print(f"{name:18}{len(roster.pack()) / count:8.2f}   (target: under {aims[name]})")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--peers", type=int, default=500)
    parser.add_argument("--growth", default="1000,10000,100000", help="device counts for the growth table")
    parser.add_argument("--throttled", type=int, default=6000, help="devices under the S1 throttle")
    args = parser.parse_args()
    packed(args.devices)
    with tempfile.TemporaryDirectory() as folder, azure(Path(folder)) as at:
        compare(at, Path(folder), args.devices, args.peers)
        throttled(at, args.throttled)
        growth(at, Path(folder), [int(text) for text in args.growth.split(",") if text])


if __name__ == "__main__":
    main()
