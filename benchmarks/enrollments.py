"""Ten thousand individual enrollments as one resource: calls, time, memory and state, compared with DeviceFleet and with one call for each.

    python -m benchmarks.enrollments [--enrollments 10000] [--peers 500]

Everything runs on a local Azure of its own, with the embedded engine; each enrollment has a certificate of its own (P-256, about 450
bytes), from a file of JSON Lines. Peers: a DeviceFleet with as many devices by pattern, and one PUT for each enrollment on one connection,
as Microsoft's SDKs do it, measured with `--peers` and extrapolated. Last, what one IndividualEnrollment takes that is created, changed,
and not changed.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import requests

from benchmarks.fleet import FLEET, Azure, azure
from benchmarks.growth import GrowingStack, Measured
from hubtrust.dynamic.individual_enrollment import IndividualEnrollmentProvider
from tests.kit.device_certificates import Party
from tests.kit.enrollment_client import client_certificate
from tests.kit.provisioning_client import DATA_CONTRIBUTOR

_UP = ("up", "--yes", "--skip-preview")
_ENROLLMENTS = """
import os
from hubtrust.dynamic.enrollment_fleet import EnrollmentFleetEntries
from hubtrust.enrollments.fleet_files import enrollments_from_file

EnrollmentFleetEntries("bench", service_id=os.environ["SERVICE"], host_name=os.environ["HOST"],
                       roster=enrollments_from_file(os.environ["FILE"]))
"""


def service(at: Azure, name: str) -> tuple[str, str]:
    """Create a provisioning service whose enrollments the deployer may manage; returns its id and its host name."""
    path = f"{at.group}/providers/Microsoft.Devices/provisioningServices/{name}"
    at.ask("PUT", path, "2022-12-12", {"location": "westeurope", "sku": {"name": "S1", "capacity": 1}, "properties": {}})
    while at.ask("GET", path, "2022-12-12")["properties"]["state"] != "Active":
        time.sleep(0.05)
    at.may(DATA_CONTRIBUTOR, path)
    return path, f"{name}.azure-devices-provisioning.net"


def counted(at: Azure, host: str) -> tuple[int, int]:
    """The writes and the reads at this host since the last look."""
    log = [call for call in at.control("GET", "/requests") if call["host"] == host]
    at.control("DELETE", "/requests")
    reads = sum(call["method"] == "GET" or call["path"].endswith("/query") for call in log)
    return len(log) - reads, reads


def row(title: str, measured: Measured, calls: tuple[int, int], state: str = "") -> None:
    """Print one line."""
    spent = f"{measured.seconds:9.1f}{measured.ours:12.1f}{measured.azures:13.1f}{measured.megabytes:9.0f} MB"
    print(f"{title:34}{spent}{calls[0]:9,}{calls[1]:8,}   {state}", flush=True)


def fleets(at: Azure, folder: Path, count: int) -> None:
    """The fleet of enrollments, and the fleet of devices."""
    issuing = Party("Bench issuing")
    file, few = folder / "fleet.jsonl", folder / "one.jsonl"
    lines = [
        json.dumps({"registrationId": name, "certificate": client_certificate(name, issuer=issuing)})
        for name in (f"press-{number:06}" for number in range(count))
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    few.write_text(lines[0], encoding="utf-8")
    start_id, start_host = service(at, "bench-start")
    start = GrowingStack(folder / "start", _ENROLLMENTS, 1, SERVICE=start_id, HOST=start_host, FILE=str(few))
    begun = start.measured(at, *_UP)
    id_, host = service(at, "bench-many")
    ours = GrowingStack(folder / "many", _ENROLLMENTS, count, SERVICE=id_, HOST=host, FILE=str(file))
    at.control("DELETE", "/requests")
    created = ours.measured(at, *_UP)
    writes = counted(at, host)
    again = ours.measured(at, *_UP)
    unchanged = counted(at, host)
    hub = at.hub("bench-peer")
    peer = GrowingStack(folder / "peer", FLEET, count, HUB=hub, HOST="bench-peer.azure-devices.net")
    at.control("DELETE", "/requests")
    devices = peer.measured(at, *_UP)
    devices_writes = counted(at, "bench-peer.azure-devices.net")
    devices_again = peer.measured(at, *_UP)
    devices_unchanged = counted(at, "bench-peer.azure-devices.net")
    print(f"\n{count:,}{'':27}seconds   processor: ours   local Azure   memory   writes   reads")
    row("EnrollmentFleet, create", created, writes, f"{(ours.state - start.state) / count:.0f} bytes of state for each")
    row("DeviceFleet, create", devices, devices_writes)
    row("EnrollmentFleet, no-op", again, unchanged)
    row("DeviceFleet, no-op", devices_again, devices_unchanged)
    row("EnrollmentFleet of one, create", begun, (1, 0))
    assert writes[0] == -(-count // 10), "exactly ceil(N/10) write calls"
    assert unchanged[0] == 0, "a second run writes nothing"
    ratio = (created.processor - begun.processor) / max(devices.processor - begun.processor, 0.01)
    print(f"processor time for each, beside a device of DeviceFleet, both without the start of an `up`: {ratio:.1f} times")


def one_by_one(at: Azure, count: int, of: int) -> None:
    """Seconds for one PUT for each enrollment."""
    _, host = service(at, "bench-each")
    session, token = requests.Session(), at.token("https://azure-devices-provisioning.net/.default")
    bodies = [(name, client_certificate(name)) for name in (f"press-{number:06}" for number in range(count))]
    began = time.perf_counter()
    for name, certificate in bodies:
        x509 = {"clientCertificates": {"primary": {"certificate": certificate}}}
        body: Any = {"registrationId": name, "attestation": {"type": "x509", "x509": x509}}
        url = f"https://{host}/enrollments/{name}?api-version=2021-10-01"
        session.put(url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=60).raise_for_status()
    seconds = time.perf_counter() - began
    print(f"one PUT for each, on one connection: {seconds * of / count:.1f} s for {of:,} (extrapolated from {count})")


def single(at: Azure) -> None:
    """The calls of one IndividualEnrollment."""
    id_, host = service(at, f"bench-{uuid.uuid4().hex[:8]}")
    provider, first = IndividualEnrollmentProvider(), "press-0"

    def inputs(name: str, **more: Any) -> dict[str, Any]:
        own = Party(name, authority=False).pem
        return {"serviceId": id_, "hostName": host, "registrationId": name, "certificates": [own], **more}

    provider.create(inputs(first))  # the first one in a run reads which certificates the service has
    at.control("DELETE", "/requests")
    news = inputs("press-1")
    created = provider.create(news)
    counts = {"created": counted(at, host)}
    found = provider.read(created.id, dict(created.outs or {}))
    counts["unchanged"] = counted(at, host)
    provider.update(created.id, dict(found.outs or {}), {**news, "tags": '{"plant": "A"}'})
    counts["changed"] = counted(at, host)
    print("one IndividualEnrollment, writes and reads: " + ", ".join(f"{name} {one[0]} and {one[1]}" for name, one in counts.items()))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--enrollments", type=int, default=10_000)
    parser.add_argument("--peers", type=int, default=500)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, azure(Path(folder)) as at:
        fleets(at, Path(folder), args.enrollments)
        one_by_one(at, args.peers, args.enrollments)
        single(at)


if __name__ == "__main__":
    main()
