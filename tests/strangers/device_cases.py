"""One hub, and devices with every kind of chain; each must be accepted or refused as Azure documents."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.kit.device_certificates import DAY, Party
from tests.kit.hub_client import HubClient

# Each case, and the reason of its refusal on the control port; None: it is accepted.
CASES = {
    "valid": None,
    "expired": "has expired",
    "wrong name": "common name is not the device's id",
    "wrong authority": "names another key of that CA",
    "deleted authority": "neither verified here nor among the certificates that were sent",
    "no intermediate": "neither verified here nor among the certificates that were sent",
    "path too long": "longer than a CA in it allows",
    "no authority": "used as a CA but is not a CA",
    "disabled": "is disabled: retired",
}


@dataclass(frozen=True)
class Case:
    """A device with the chain and key that it presents."""

    name: str
    device: str
    chain: Path
    key: Path


@dataclass
class DeviceCases:
    """The hub and its cases."""

    registry: HubClient
    cases: list[Case]

    def work(self, folder: Path) -> Path:
        """The file that a driver reads."""
        proxy = urlsplit(self.registry.azure.ready["proxy"])
        cases = [{"name": case.name, "device": case.device, "chain": str(case.chain), "key": str(case.key)} for case in self.cases]
        body = {"host": self.registry.host, "ca": self.registry.azure.ready["ca_file"], "cases": cases}
        file = folder / "work.json"
        file.write_text(json.dumps(body | {"proxy_host": proxy.hostname, "proxy_port": proxy.port}))
        return file


def create_cases(registry: HubClient, folder: Path) -> DeviceCases:
    """Create the hub's certificates, the devices and their files."""
    root, gone = Party("Plant root"), Party("Deleted root")
    issuing = root.authority_below("Plant issuing", path_length=0)
    below, plain = issuing.authority_below("Too deep"), issuing.device("A device")
    registry.hub.put("root", root.pem, isVerified=True)
    registry.hub.put("gone", gone.pem, isVerified=True)
    registry.hub.delete("gone")
    presented: dict[str, tuple[Party, tuple[Party, ...]]] = {
        "valid": (issuing.device("valid"), (issuing,)),
        "expired": (issuing.device("expired", start=datetime.now(UTC) - 60 * DAY), (issuing,)),
        "wrong name": (issuing.device("another"), (issuing,)),
        "wrong authority": (Party("Plant root").device("wrong-authority"), ()),
        "deleted authority": (gone.device("deleted-authority"), ()),
        "no intermediate": (issuing.device("no-intermediate"), ()),
        "path too long": (below.device("path-too-long"), (below, issuing)),
        "no authority": (Party("no-authority", plain, authority=False), (plain, issuing)),
        "disabled": (issuing.device("disabled"), (issuing,)),
    }
    cases = []
    for name, (identity, above) in presented.items():
        device = name.replace(" ", "-")
        state: dict[str, Any] = {"status": "disabled", "statusReason": "retired"} if name == "disabled" else {}
        registry.put(device, **state)
        cases.append(Case(name, device, *identity.files(folder / device, *above)))
    return DeviceCases(registry, cases)
