"""A CA rotated under connected devices, on a local Azure of its own: `make demo-rotation`.

Ten devices connect again and again while the stack adds generation 2, the devices get new certificates, and generation 1 is removed.
It prints the number of connections and of refusals (none); the exit code is 1 if a connection was refused.
The devices' keys are generated here, and their certificates are signed with the issuing key from the stack's state: for a demo only.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hubtrust.azure.device_session import publish_once
from hubtrust.azure.errors import SessionError
from hubtrust.azure.mqtt_connection import Identity, context
from hubtrust.pki import issue
from hubtrust.pki.certificate import load_certificates, pem
from hubtrust.pki.keys import load_private_key
from hubtrust.pki.signers import KeyInMemory

ROOT = Path(__file__).resolve().parents[2]
# Not press-001, with whose certificate `up` connects: a hub ends the connection of a device that connects a second time.
DEVICES = [f"press-{number:03}" for number in range(2, 12)]
STARTED = time.monotonic()


def report(line: str) -> None:
    """Print a line with the time since the start."""
    print(f"{time.monotonic() - STARTED:6.1f} s  {line}", flush=True)


_PROVISIONING = tuple(f"hubtrust:{name}:" for name in ("provisioning", "dpsOperators", "enrollmentGroups", "enrollmentCanary"))


class Stack:
    """The program with settings of its own, run by `python -m sandbox`; everything but the settings is a link to this repository."""

    def __init__(self, folder: Path, engine: str) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for part in ROOT.glob("[!.]*"):
            if part.name != "stacks":
                (folder / part.name).symlink_to(part)
        (folder / "stacks").mkdir()
        (folder / ".venv").symlink_to(sys.prefix)
        self.folder, self.engine = folder, engine
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "SANDBOX_HOME": str(folder / ".sandbox")}

    def run(self, *arguments: str) -> str:
        """Run a command of `python -m sandbox`; returns its output."""
        module, *rest = arguments
        command = [sys.executable, "-m", module, *rest]
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, encoding="utf-8")
        if done.returncode:
            sys.exit(f"{' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def up(self, *settings: str) -> list[dict[str, Any]]:
        """Deploy with these settings added to the committed ones; returns what the hub trusts."""
        committed = (ROOT / "stacks/Pulumi.sandbox.yaml").read_text(encoding="utf-8").splitlines()
        kept = [line for line in committed if not line.strip().startswith(_PROVISIONING)]  # these devices have entries
        (self.folder / "stacks/Pulumi.sandbox.yaml").write_text(
            "\n".join((*kept, *(f"  hubtrust:{each}" for each in settings), "")), encoding="utf-8"
        )
        self.run("sandbox", "up", "--engine", self.engine)
        for line in self.run("sandbox", "env").splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            self.environment[name] = os.environ[name] = value.strip("'")
        trust: list[dict[str, Any]] = self.outputs()["trust"]
        report(f"the hub trusts {' and '.join(each['name'] for each in trust)}, {' and '.join(each['proof'] for each in trust)}")
        return trust

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        found: dict[str, Any] = json.loads(self.run("sandbox.engine", "stack", "output", "--json", "--stack", "sandbox"))
        return found

    def authority(self, generation: int) -> tuple[str, KeyInMemory]:
        """The chain of a generation and its issuing key, from the state."""
        exported = json.loads(self.run("sandbox.engine", "stack", "export", "--show-secrets", "--stack", "sandbox"))
        resources = {each["urn"].rpartition("::")[2]: each for each in exported["deployment"]["resources"]}
        name = f"hubtrust-sandbox-g{generation}-issuing"
        key = json.loads(resources[f"{name}-key"]["outputs"]["privateKeyPem"]["plaintext"])
        return str(resources[name]["outputs"]["chain"]), KeyInMemory(load_private_key(key, what="the issuing key"))


class Devices:
    """Ten devices that connect all the time, each with its current certificate."""

    def __init__(self, host: str) -> None:
        self.host, self.over = host, threading.Event()
        self.shown: dict[str, tuple[int, Any]] = {}
        self.connected: Counter[int] = Counter()
        self.refused: list[str] = []
        self.threads = [threading.Thread(target=self._connect, args=(each,)) for each in DEVICES]

    def move(self, generation: int, chain: str, signer: KeyInMemory) -> None:
        """Give each device a new key and certificate, one after the other."""
        issuing = load_certificates(chain, what="the chain")[0]
        for each in DEVICES:
            key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
            validity = issue.Validity.lasting(timedelta(days=1), now=now).within(issuing)
            authority, serial = issue.Issuer(issuing, signer), x509.random_serial_number()
            leaf = issue.device(authority, device_id=each, public_key=key.public_key(), validity=validity, serial=serial)
            locked = serialization.BestAvailableEncryption(b"demo")
            private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
            self.shown[each] = (generation, context(Identity(pem(leaf) + chain, private, b"demo")))
        report(f"{len(DEVICES)} devices have certificates of generation {generation}")

    def until(self, generation: int) -> None:
        """Wait until each device could have connected once more under this generation."""
        wanted = self.connected[generation] + 2 * len(DEVICES)
        while self.connected[generation] < wanted and not self.refused:
            time.sleep(0.05)

    def _connect(self, device_id: str) -> None:
        while not self.over.wait(0.5):
            generation, tls = self.shown[device_id]
            try:
                publish_once(self.host, device_id, tls, payload="{}", timeout=60)
                self.connected[generation] += 1
            except SessionError as error:
                self.refused.append(f"generation {generation}: {error}")


def main() -> int:
    """Run the demo."""
    engine = "pulumi" if shutil.which("pulumi") else "embedded"
    stack = Stack(Path(os.environ.get("DEMO_HOME") or ROOT / ".sandbox" / "demo-rotation"), engine)
    try:
        report("generation 1")
        stack.up()
        devices = Devices(stack.outputs()["hubHostName"])
        devices.move(1, *stack.authority(1))
        for each in devices.threads:
            each.start()
        devices.until(1)
        report("generation 2 in addition: caGeneration 2, caKeepPrevious true")
        stack.up("caGeneration: 2", "caKeepPrevious: true")
        devices.until(1)
        devices.move(2, *stack.authority(2))
        devices.until(2)
        report("generation 1 is removed: caKeepPrevious false, and caDropGeneration 1 confirms that the devices have new certificates")
        stack.up("caGeneration: 2", "caDropGeneration: 1")
        devices.until(2)
        devices.over.set()
        for each in devices.threads:
            each.join()
        counts = ", ".join(f"{count} under generation {generation}" for generation, count in sorted(devices.connected.items()))
        report(f"{sum(devices.connected.values())} connections ({counts}), {len(devices.refused)} refused")
        print("\n".join(devices.refused[:5]), end="")
        return 1 if devices.refused else 0
    finally:
        stack.run("sandbox", "destroy", "--engine", engine)
        stack.run("sandbox", "stop")


if __name__ == "__main__":
    sys.exit(main())
