"""One start of a stranger: what it is given, and what it says of each of its operations."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local_azure_iot import installation
from tests.kit.azures_ports import preload
from tests.kit.device_certificates import Party
from tests.kit.hub_client import HubClient
from tests.kit.local_azure import LocalAzure
from tests.kit.prerequisites import need
from tests.kit.repository import ROOT

STRANGERS = ROOT / ".strangers"
DRIVERS = Path(__file__).parent / "drivers"

Said = dict[str, dict[str, str | None]]  # for each protocol each operation, and what the client says of it; None: it worked


@dataclass
class Bench:
    """A hub with a verified CA, the chain and key of one device, and the environment of `env`."""

    azure: LocalAzure
    hub: HubClient
    folder: Path
    device: str = "press-001"
    more: dict[str, str] = field(default_factory=dict)  # further inputs of its sample

    @property
    def environment(self) -> dict[str, str]:
        """What a client gets: `env`, a home of its own, and its sample's inputs."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            **installation.environment(self.azure.ready, {"HOME": str(self.folder)}),
            "HUB": self.hub.connection_string(),
            "DEVICE": self.device,
            "CHAIN": str(self.folder / "chain.pem"),
            "KEY": str(self.folder / "key.pem"),
            **self.more,
        }

    def run(self, command: Sequence[str | Path], **more: str) -> Said:
        """Start a sample, which prints one line of JSON for each operation."""
        done = subprocess.run(
            [str(word) for word in command],
            cwd=self.folder,
            env=self.environment | more,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )
        said: Said = {}
        for line in done.stdout.splitlines():
            if line.startswith("{"):
                one = json.loads(line)
                said.setdefault(one["protocol"], {})[one["operation"]] = one["said"]
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"
        assert said, f"it printed no operation: {done.stdout}{done.stderr}"
        return said


def bench(azure: LocalAzure, folder: Path) -> Bench:
    """A hub whose CA is verified, and the files of a device below it. The device itself is created by whoever needs it."""
    hub = HubClient(azure, azure.hub())
    root = Party("Plant root")
    hub.hub.put("root", root.pem, isVerified=True)
    found = Bench(azure, hub, folder)
    root.device(found.device).files(folder)
    (folder / "root.pem").write_text(root.pem)
    return found


def java(driver: str, *protocols: str) -> Callable[[Bench], Said]:
    """A sample of Microsoft's Java clients: the class that runs it."""

    def run(found: Bench) -> Said:
        need(
            (STRANGERS / "java.stamp").exists() and shutil.which("java"),
            "the Java clients are not installed; `make strangers` installs them",
        )
        classes = f"{STRANGERS / 'java' / 'classes'}{os.pathsep}{STRANGERS / 'java' / 'jars'}/*"
        return found.run(["java", "-XX:TieredStopAtLevel=1", "-cp", classes, driver, *protocols], **preload())

    return run


def python(driver: str) -> Callable[[Bench], Said]:
    """A sample of Microsoft's Python device SDK, which is told the proxy."""

    def run(found: Bench) -> Said:
        own = STRANGERS / "device" / "bin" / "python"
        need(own.exists(), "azure-iot-device is not installed; `make strangers` installs it")
        return found.run([own, DRIVERS / driver])

    return run


def go(found: Bench) -> Said:
    """Microsoft's Go SDK for Resource Manager."""
    need((STRANGERS / "go.stamp").exists(), "the Go client is not built; `make strangers` builds it")
    return found.run([STRANGERS / "go" / "arm"])


def node(driver: str, *arguments: str) -> Callable[[Bench], Said]:
    """A sample of a Node client."""

    def run(found: Bench) -> Said:
        need(
            (STRANGERS / "node.stamp").exists() and shutil.which("node"),
            "the Node clients are not installed; `make strangers` installs them",
        )
        modules = str(STRANGERS / "node" / "node_modules")
        return found.run(["node", DRIVERS / driver, *arguments], NODE_PATH=modules, **preload())

    return run
