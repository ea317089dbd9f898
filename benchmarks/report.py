"""`hubtrust report` of a stack with 100,000 devices: processor seconds, and the size of the page.

    python -m benchmarks.report [--devices 100000] [--rounds 5]

Two stacks: one whose devices have a registry entry each and certificates from elsewhere (a fleet), and one that issues all of their
certificates (batches of 1,000). The peer reads the same export and the end of the same certificates with `json` and `cryptography`, and
does nothing else: it is what a report can't be faster than. Rounds alternate; the median counts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hubtrust.azure.device_description import DeviceDescription
from hubtrust.devices.roster import Roster
from hubtrust.inventory.inventory import Inventory
from hubtrust.report.page import page

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 30, tzinfo=UTC)
HUB = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/press"
BATCH = 1000
AIM, LARGEST = 2.0, 1_000_000  # seconds, bytes


def resource(kind: str, name: str, outputs: dict[str, Any]) -> dict[str, Any]:
    """A resource of hubtrust in a state."""
    urn = f"urn:pulumi:prod::press::hubtrust:index:{kind}::{name}"
    return {"urn": urn, "type": f"hubtrust:index:{kind}", "custom": True, "id": name, "inputs": {}, "outputs": outputs}


def exported(*resources: dict[str, Any]) -> str:
    """The export of a stack."""
    return json.dumps({"version": 3, "deployment": {"resources": resources}})


def fleet(count: int) -> str:
    """A stack with one fleet."""
    roster = Roster.of((f"press-{number:07d}", DeviceDescription()) for number in range(count))
    outputs = {"hubId": HUB, "hostName": "press.azure-devices.net", "count": count, "enabled": count, "members": roster.pack()}
    return exported(resource("DeviceFleet", "presses", outputs))


def batches(count: int) -> str:
    """A stack that issued a certificate for each device."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = iter(certificates(key, count))
    sizes = [min(BATCH, count - start) for start in range(0, count, BATCH)]
    return exported(
        *(resource("IssuedBatch", f"batch-{n}", {"certificates": [next(made) for _ in range(size)]}) for n, size in enumerate(sizes))
    )


def certificates(key: ec.EllipticCurvePrivateKey, count: int) -> Iterator[str]:
    """Device certificates of one CA, PEM."""
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Press Issuing CA")])
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    for number in range(count):
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"press-{number:07d}")])
        built = x509.CertificateBuilder(issuer, name, key.public_key(), number + 1, NOW, NOW + timedelta(days=30 + number % 330))
        signed = built.add_extension(identifier, critical=False).sign(key, hashes.SHA256())
        yield signed.public_bytes(serialization.Encoding.PEM).decode()


def ours(text: str) -> int:
    """The size of the page."""
    return len(page(Inventory.of(json.loads(text)["deployment"], NOW).document()).encode())


def peer(text: str) -> int:
    """How many certificates there are, each read to its end."""
    held = (one["outputs"].get("certificates", ()) for one in json.loads(text)["deployment"]["resources"])
    return sum(x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc > NOW for some in held for pem in some)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    print("stack       devices  report, s  peer, s   ratio    page, bytes")
    for name, text in (("fleet", fleet(args.devices)), ("batches", batches(args.devices))):
        size, spent = 0, {ours: list[float](), peer: list[float]()}
        for _ in range(args.rounds):
            for way, seconds in spent.items():
                began = time.process_time()
                found = way(text)
                seconds.append(time.process_time() - began)
                size = found if way is ours else size
        report, floor = (statistics.median(seconds) for seconds in spent.values())
        ratio = statistics.median(a / b for a, b in zip(*spent.values(), strict=True))
        ratios = f"{ratio:8.2f}" if name == "batches" else f"{'':8}"  # a fleet has no certificate to read
        print(f"{name:9}{args.devices:10,}{report:11.2f}{floor:9.2f}{ratios}{size:15,}   targets: {AIM:g} s, {LARGEST:,} bytes")


if __name__ == "__main__":
    main()
