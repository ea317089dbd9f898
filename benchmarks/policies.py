"""What the policy pack adds to an `up`, compared with the same `up` without it.

    python -m benchmarks.policies [--resources 1000] [--rounds 3]

The stack has a certificate for each device, signed by an issuing CA below a root. Each round deploys a new stack without the pack and
one with it; the ratio is the median of the rounds. Processor time (of the engine and all its processes) is measured too, for a machine
that does other work at the same time. Only Azure's time is asked for, once, so that nothing hides the cost: on Azure each resource takes
seconds, and the share is smaller.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from benchmarks.custody import local_azure

ROOT = Path(__file__).resolve().parent.parent
AIM = 0.15  # of `up`
PROGRAM = """
import os
from pathlib import Path

from hubtrust import signer_inputs
from hubtrust.dynamic.issued_certificate import IssuedCertificate

signer = signer_inputs.in_state(Path("ca.key").read_text())
chain, key = Path("ca.pem").read_text(), Path("device.pub").read_text()
for number in range(int(os.environ["COUNT"])):
    IssuedCertificate(
        f"device-{number}",
        profile="device",
        device_id=f"press-{number}",
        public_key=key,
        issuer_certificate=chain,
        signer=signer,
        lifetime_days=365,
    )
"""
PACK = ("--policy-pack", "policies", "--policy-pack-config", "policies/staging.json")


def authority(folder: Path) -> None:
    """An issuing CA, a root above it, and a device's public key, as files."""
    now, keys = datetime.now(UTC), [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in ("Root", "Issuing")]
    chain = b""
    for level in (1, 0):
        above = max(level - 1, 0)
        extensions: list[tuple[x509.ExtensionType, bool]] = [
            (x509.BasicConstraints(ca=True, path_length=1 - level), True),
            (x509.KeyUsage(False, False, False, False, False, True, True, False, False), True),
            (x509.SubjectKeyIdentifier.from_public_key(keys[level].public_key()), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[above].public_key()), False),
        ]
        made = x509.CertificateBuilder(names[above], names[level], keys[level].public_key(), x509.random_serial_number())
        made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1800))
        for value, critical in extensions:
            made = made.add_extension(value, critical)
        chain += made.sign(keys[above], hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    (folder / "ca.pem").write_bytes(chain)
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "ca.key").write_bytes(keys[1].private_bytes(*private))
    public = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "device.pub").write_bytes(keys[2].public_key().public_bytes(*public))


def up(folder: Path, command: list[str], count: int, flags: tuple[str, ...]) -> tuple[float, float]:
    """Deploy a new stack in ``folder``; returns seconds of the clock and of processors."""
    folder.mkdir()
    (folder / "backend").mkdir()
    (folder / "Pulumi.yaml").write_text(
        f"name: bench\nruntime:\n  name: python\n  options:\n    virtualenv: {sys.prefix}\n", encoding="utf-8"
    )
    (folder / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    authority(folder)
    shutil.copytree(ROOT / "policies", folder / "policies")
    (folder / ".venv").symlink_to(sys.prefix)
    env = {
        **os.environ,
        "COUNT": str(count),
        "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE": "bench",
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PYTHONPATH": str(ROOT),
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
    }
    subprocess.run([*command, "stack", "init", "dev"], cwd=folder, env=env, capture_output=True, check=True)
    began, spent = time.perf_counter(), processor_seconds()
    verb = [*command, "up", "--yes", "--skip-preview", "--stack", "dev", "--non-interactive", *flags]
    done = subprocess.run(verb, cwd=folder, env=env, capture_output=True, text=True, check=False, encoding="utf-8")
    took, used = time.perf_counter() - began, processor_seconds() - spent
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    shutil.rmtree(folder)
    return took, used


def processor_seconds() -> float:
    """Processor seconds of all ended child processes."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(name: str, command: list[str], count: int, rounds: int) -> None:
    """Print an engine's figures."""
    seen = []
    with tempfile.TemporaryDirectory() as work:
        for number in range(rounds):
            without = up(Path(work) / f"{number}-without", command, count, ())
            seen.append((without, up(Path(work) / f"{number}-with", command, count, PACK)))
    for place, what in enumerate(("clock", "processors")):
        before, after = (statistics.median(each[side][place] for each in seen) for side in (0, 1))
        share = statistics.median(each[1][place] / each[0][place] - 1 for each in seen)
        figures = f"{before:14.1f}{after:12.1f}{1000 * (after - before) / count:14.2f}{share:10.0%}"
        print(f"{name:10}{count:10} {what:11}{figures}   target: under {AIM:.0%}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resources", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    print("engine     resources seconds of   without, s     with, s   ms each    share of `up`")
    with tempfile.TemporaryDirectory() as folder, local_azure(Path(folder)):  # a provider compares its clock with Azure's once
        measure("embedded", [sys.executable, "-m", "sandbox.engine"], args.resources, args.rounds)
        if found := shutil.which("pulumi"):
            measure("pulumi", [found], args.resources, args.rounds)


if __name__ == "__main__":
    main()
