"""The cost of a proven certificate, compared with az CLI commands: HTTP calls and seconds, on one local Azure in one run.

    python -m benchmarks.proving [--certificates 20] [--az-certificates 3]

"from nothing": a resource group, a hub, a CA and its proof. "of 20": a certificate on an existing hub, with an existing key, as a share
of one cold `up` that proves 20; "one more" subtracts the time of an `up` without certificates. Ours is the embedded engine; theirs is
az, already logged in, and openssl for the proof: four commands for each certificate. Calls for tokens are not counted.
Without the az CLI (`make strangers`) only our figures are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_azure_iot import installation
from local_azure_iot.start_command import FREE_PORTS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
PROJECT = "name: bench\nruntime:\n  name: python\n  options:\n    virtualenv: {venv}\noptions:\n  refresh: always\n"
FROM_NOTHING = """
from hubtrust.authority import CertificateAuthority, Generate
from hubtrust.hub import TrustedHub
from hubtrust.hub_args import HubArgs
TrustedHub("bench", authorities=[CertificateAuthority("bench", source=Generate(common_name="Bench"))], hub=HubArgs(protect=False))
"""
MORE = """
import os
from pathlib import Path
from hubtrust import signer_inputs
from hubtrust.dynamic.verified_certificate import VerifiedCertificate
for key in sorted(Path("keys").glob("*.key"))[: int(os.environ["COUNT"])]:
    signer, certificate = signer_inputs.in_state(key.read_text()), key.with_suffix(".pem").read_text()
    VerifiedCertificate(key.stem, service_id=os.environ["HUB"], certificate=certificate, name=key.stem, signer=signer)
"""
CA = 'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {0}.key -out {0}.pem -days 30 -subj "/CN={0}" \
-addext keyUsage=critical,keyCertSign -addext basicConstraints=critical,CA:TRUE 2> /dev/null'
AZ_HUB = (
    "az group create --name {0} --location westeurope; az iot hub create --resource-group {0} --name {0} --sku S1 --location westeurope"
)
AZ_PROOF = """
etag=$(az iot hub certificate create --hub-name {0} --resource-group {0} --name {1} --path {1}.pem --query etag --output tsv)
read -r code etag <<< "$(az iot hub certificate generate-verification-code --hub-name {0} --resource-group {0} --name {1} --etag "$etag" \
--query '[properties.verificationCode, etag]' --output tsv | xargs)"
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout proof.key -subj "/CN=$code" 2> /dev/null \
| openssl x509 -req -CA {1}.pem -CAkey {1}.key -CAcreateserial -days 1 -out proof.pem 2> /dev/null
az iot hub certificate verify --hub-name {0} --resource-group {0} --name {1} --etag "$etag" --path proof.pem --query properties.isVerified
"""


@dataclass
class Spent:
    """Seconds and HTTP calls."""

    seconds: float
    calls: float

    def per(self, count: int) -> Spent:
        """The share of one."""
        return Spent(self.seconds / count, round(self.calls / count, 2))


@dataclass
class Bench:
    """Local Azure, and a folder for each job."""

    ready: dict[str, Any]
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a client of it."""
        place = {"HOME": str(self.folder), "AZURE_CONFIG_DIR": str(self.folder / "az")}
        return {**os.environ, **installation.environment(self.ready), **place}

    def control(self, method: str, path: str) -> Any:
        """Use its control port."""
        return installation.call_control(self.ready, method, path)

    def spent(self, command: list[str], folder: Path, **more: str) -> Spent:
        """Run a command; returns its seconds and calls."""
        self.control("DELETE", "/requests")
        began = time.perf_counter()
        done = subprocess.run(
            command, cwd=folder, env=self.environment | more, capture_output=True, text=True, check=False, encoding="utf-8"
        )
        took = time.perf_counter() - began
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return Spent(took, sum("/oauth2/" not in call["path"] and "/.well-known/" not in call["path"] for call in self.requests()))

    def requests(self) -> list[dict[str, Any]]:
        """Its log."""
        found: list[dict[str, Any]] = self.control("GET", "/requests")
        return found

    def shell(self, lines: str, folder: Path) -> Spent:
        """Run shell lines, as a person types them."""
        return self.spent(["bash", "-euo", "pipefail", "-c", lines], folder)

    def up(self, name: str, program: str, **more: str) -> Spent:
        """One cold `up` of a program."""
        folder = self.folder / name
        if not folder.exists():
            (folder / "state").mkdir(parents=True)
            (folder / "Pulumi.yaml").write_text(PROJECT.format(venv=sys.prefix), encoding="utf-8")
            (folder / "__main__.py").write_text(program, encoding="utf-8")
            (folder / "Pulumi.dev.yaml").write_text("config:\n  azure-native:location: westeurope\n", encoding="utf-8")
            self.spent([sys.executable, "-m", "sandbox.engine", "stack", "init", "dev"], folder, **self._own(folder))
        command = [sys.executable, "-m", "sandbox.engine", "up", "--yes", "--skip-preview", "--stack", "dev"]
        return self.spent(command, folder, **self._own(folder), **more)

    def _own(self, folder: Path) -> dict[str, str]:
        path = os.pathsep.join((str(ROOT / "sandbox" / "plugins" / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]))
        state = {"PULUMI_BACKEND_URL": f"file://{folder / 'state'}", "PULUMI_CONFIG_PASSPHRASE": "bench"}
        return {**state, "PULUMI_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT), "PATH": path}


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """Local Azure on free ports, in memory, with immediate deletions."""
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "sandbox", "cloud", *FREE_PORTS, "--retry-after", "0", "--ready-file", str(ready)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        while not ready.exists():
            assert process.poll() is None, "local Azure did not start"
            time.sleep(0.02)
        yield Bench(json.loads(ready.read_text(encoding="utf-8")), folder)
    finally:
        process.terminate()
        process.wait()


def ours(at: Bench, count: int) -> tuple[Spent, Spent, Spent]:
    """The figures of "from nothing", "of 20" and "one more"."""
    first = at.up("nothing", FROM_NOTHING)
    hub = next(found[0] for call in at.requests() if (found := re.findall(r"^(.*/IotHubs/[^/]+)$", call["path"])))
    keys = at.folder / "more" / "keys"
    at.up("more", MORE, HUB=hub, COUNT="0")  # creates the stack and fills caches
    empty = at.up("more", MORE, HUB=hub, COUNT="0")
    keys.mkdir()
    for number in range(count):
        at.shell(CA.format(f"ca-{number:02}"), keys)
    spent = at.up("more", MORE, HUB=hub, COUNT=str(count))
    steps = [call for call in at.requests() if "/certificates/" in call["path"] and call["path"].rpartition("/")[2] == "verify"]
    assert len(steps) == count, "not every certificate was proven"
    return first, spent.per(count), Spent(spent.seconds - empty.seconds, spent.calls - empty.calls).per(count)


def theirs(at: Bench, count: int) -> tuple[Spent, Spent, Spent]:
    """The same with az."""
    folder = at.folder / "typed"
    folder.mkdir()
    login = 'az login --service-principal --username "$AZURE_CLIENT_ID" --password "$AZURE_CLIENT_SECRET" --tenant "$AZURE_TENANT_ID"'
    at.shell(login, folder)
    first = at.shell("\n".join((AZ_HUB.format("typed"), CA.format("first"), AZ_PROOF.format("typed", "first"))), folder)
    for number in range(count):
        at.shell(CA.format(f"ca-{number:02}"), folder)
    more = [at.shell(AZ_PROOF.format("typed", f"ca-{number:02}"), folder) for number in range(count)]
    each = Spent(sum(one.seconds for one in more), sum(one.calls for one in more)).per(count)
    return first, each, each


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--certificates", type=int, default=20)
    parser.add_argument("--az-certificates", type=int, default=3)
    args = parser.parse_args()
    own = ROOT / ".strangers" / "az" / "bin"
    if own.exists():
        os.environ["PATH"] = f"{own}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as place, bench(Path(place)) as at:
        mine = ours(at, args.certificates)
        other = theirs(at, args.az_certificates) if shutil.which("az") else None
    print(
        "                 seconds   HTTP calls"
        + ("      az s   az calls   times faster" if other else "      (no az CLI; `make strangers`)")
    )
    for row, name in enumerate(("from nothing", f"of {args.certificates}", "one more")):
        spent = mine[row]
        beside = f"{other[row].seconds:10.2f}{other[row].calls:11g}{other[row].seconds / spent.seconds:15.1f}" if other else ""
        print(f"{name:14}{spent.seconds:10.2f}{spent.calls:13g}{beside}")
    assert mine[1].calls <= 5, "a proven certificate may cost 5 calls at most; the protocol needs 4"


if __name__ == "__main__":
    main()
