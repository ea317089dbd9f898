"""A thousand devices that enrol at once, each by its own certificate over MQTT, compared with the same devices that connect to their hub.

    python -m benchmarks.enrolling [--devices 1000] [--at-once 1000] [--per-minute 1000]

Each device opens a connection (TLS 1.3 with its chain), asks to be registered, and asks for the outcome when the service says so, as
Microsoft's clients do; where the service is busy (429) it waits as long as the service says. First without a limit. Then with Azure's
limit of 1,000 registrations a minute, where a service that was idle takes a minute's registrations at once. Then all of them at once
again, as after a power cut: more than the minute has left. No device may be lost. The peer is a connection of the same devices to the
hub that they got: TLS, CONNECT, and the judgement. Local Azure's own processor time is measured: the clients are slower than it is.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from benchmarks.device_plane import _processor
from local_azure_iot.mqtt import packets
from tests.kit.device_certificates import Party
from tests.kit.hub_client import HubClient
from tests.kit.local_azure import LocalAzure, local_azure
from tests.kit.mqtt_device import connect, packet, text
from tests.kit.provisioning_client import GLOBAL, ProvisioningClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

_VERSION = "2019-03-31"
_PATIENCE = 600.0  # seconds
_CONNACK, _PUBLISH, _PUBACK, _SUBACK = 2, 3, 4, 9
_BUSY, _LATER = 429, 202


@dataclass
class Fleet:
    """The devices, with a TLS context each."""

    mqtt: str
    contexts: dict[str, ssl.SSLContext]
    hubs: dict[str, str] = field(default_factory=dict)  # what each device was told
    refused: int = 0  # answers that said: busy, ask again later
    polls: int = 0


class Connection:
    """One MQTT connection of a device."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer, self._buffer = reader, writer, bytearray()

    async def ask(self, kind: int, *raw: bytes) -> packets.Packet:
        """Send packets, and wait for one of this kind."""
        self._writer.writelines(raw)
        while True:
            while (found := packets.split(self._buffer)) is None:
                data = await self._reader.read(4096)
                if not data:
                    raise ConnectionResetError
                self._buffer += data
            if found.kind == kind:
                return found

    def close(self) -> None:
        """Say goodbye."""
        self._writer.write(packet(14, b""))
        self._writer.close()


async def _open(fleet: Fleet, device: str, host: str) -> Connection:
    place = urlsplit(fleet.mqtt)
    opened = await asyncio.open_connection(place.hostname, place.port, ssl=fleet.contexts[device], server_hostname=host, limit=4096)
    return Connection(*opened)


async def _enrol(fleet: Fleet, device: str, scope: str) -> None:
    """One device, from its connection to the name of its hub."""
    connection = await _open(fleet, device, GLOBAL)
    answer = await connection.ask(_CONNACK, connect(device, f"{scope}/registrations/{device}/api-version={_VERSION}"))
    assert answer.body[1] == 0, f"{device} was refused"
    await connection.ask(_SUBACK, packet(8, b"\0\1" + text("$dps/registrations/res/#") + b"\1", 2))
    body, topic = json.dumps({"registrationId": device}).encode(), "PUT/iotdps-register/?$rid=1"
    while True:
        sent = packet(3, text(f"$dps/registrations/{topic}") + b"\0\2" + body, 2)
        found = await connection.ask(_PUBLISH, sent)
        length = int.from_bytes(found.body[:2])
        where, rest = found.body[2 : 2 + length].decode(), found.body[2 + length :]
        if found.flags & 2:
            await asyncio.sleep(0)
            connection._writer.write(packet(_PUBACK, rest[:2]))  # noqa: SLF001 - an acknowledgement has no answer
            rest = rest[2:]
        status, said = int(where.split("/")[3]), json.loads(rest)
        wait = next((int(part.removeprefix("retry-after=")) for part in where.split("&") if part.startswith("retry-after=")), 1)
        if status == _LATER:
            body, topic = b" ", f"GET/iotdps-get-operationstatus/?$rid=1&operationId={said['operationId']}"
            fleet.polls += 1
        elif status == _BUSY:
            fleet.refused += 1
        else:
            assert said.get("status") == "assigned", f"{device}: {status} {said}"
            fleet.hubs[device] = said["registrationState"]["assignedHub"]
            connection.close()
            return
        await asyncio.sleep(wait)


async def _connect(fleet: Fleet, device: str) -> None:
    """One device, to the hub that it got."""
    host = fleet.hubs[device]
    connection = await _open(fleet, device, host)
    answer = await connection.ask(_CONNACK, connect(device, f"{host}/{device}/?api-version=2021-04-12"))
    assert answer.body[1] == 0, f"{device} was refused by its hub"
    connection.close()


async def _all(run: Callable[[str], Awaitable[None]], devices: Iterable[str], at_once: int) -> None:
    room = asyncio.Semaphore(at_once)

    async def one(device: str) -> None:
        async with room:
            await run(device)

    async with asyncio.timeout(_PATIENCE):
        await asyncio.gather(*map(one, devices))


def _service(azure: LocalAzure, root: Party) -> tuple[ProvisioningClient, HubClient]:
    """A provisioning service with a linked hub, and a group whose devices have certificates below ``root``."""
    hub, service = HubClient(azure, azure.hub()), ProvisioningClient(azure, azure.hub("provisioningServices"))
    service.link(hub)
    service.service.put("root", root.pem, isVerified=True)
    service.put_group("bench", root)
    return service, hub


def _fleet(azure: LocalAzure, folder: Path, root: Party, count: int) -> Fleet:
    contexts = {}
    for number in range(count):
        name = f"press-{number:05}"
        context = ssl.create_default_context(cafile=azure.ready["ca_file"])
        context.load_cert_chain(*root.device(name).files(folder / name, root))
        contexts[name] = context
    return Fleet(azure.ready["mqtt"], contexts)


def _measured(pid: int, work: Awaitable[None]) -> tuple[float, float]:
    """Seconds, and processor seconds of local Azure."""
    before, began = _processor(pid), time.perf_counter()

    async def run() -> None:
        await work

    asyncio.run(run())
    return time.perf_counter() - began, _processor(pid) - before


def _enrolled(azure: LocalAzure, fleet: Fleet, at_once: int, title: str, place: tuple[ProvisioningClient, HubClient]) -> float:
    """Let all devices enrol at once, and print what it took; returns processor seconds of local Azure."""
    service, hub = place
    fleet.hubs.clear()
    fleet.refused = fleet.polls = 0
    count = len(fleet.contexts)
    seconds, processor = _measured(
        azure.ready["pid"], _all(lambda device: _enrol(fleet, device, service.id_scope), fleet.contexts, at_once)
    )
    row = f"{seconds:9.1f}{count / seconds:11.0f}{fleet.refused:15,}{1e6 * processor / count:20.0f}"
    print(f"{'enrolled, ' + title:33}{row}")
    there = int(hub.ask("GET", "/statistics/devices").raise_for_status().json()["totalDeviceCount"])
    known = len(fleet.hubs)
    assert (known, there) == (count, count), f"lost: {known:,} were told a hub, {there:,} are there"
    print(f"{'':33}none lost: {known:,} were told their hub, {there:,} are on it; {fleet.polls / count:.2f} polls each", flush=True)
    return processor


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=1000)
    parser.add_argument("--per-minute", type=int, default=1000, help="Azure's limit")
    args = parser.parse_args()
    root = Party("Bench root")
    with tempfile.TemporaryDirectory() as folder, local_azure(Path(folder)) as azure:
        fleet, pid = _fleet(azure, Path(folder) / "devices", root, args.devices), azure.ready["pid"]
        print(f"{args.devices:,} devices, {args.at_once:,} at once   seconds   a second   busy answers   processor us each")
        spent = _enrolled(azure, fleet, args.at_once, "no limit", _service(azure, root))
        azure.control("PATCH", "/settings", {"registrations_per_minute": args.per_minute})
        limited = _service(azure, root)
        _enrolled(azure, fleet, args.at_once, f"{args.per_minute:,} a minute", limited)
        _enrolled(azure, fleet, args.at_once, "at once again", limited)
        azure.control("PATCH", "/settings", {"registrations_per_minute": None})
        seconds, processor = _measured(pid, _all(lambda device: _connect(fleet, device), fleet.contexts, args.at_once))
        print(f"{'connected to their hub':33}{seconds:9.1f}{args.devices / seconds:11.0f}{'':15}{1e6 * processor / args.devices:20.0f}")
        print(f"processor time of one that enrols, in connections to a hub: {spent / processor:.1f}")


if __name__ == "__main__":
    main()
