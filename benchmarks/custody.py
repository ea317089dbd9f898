"""The cost of a proof under each custody, compared with signing alone: seconds and HTTP calls, on one local Azure in one run.

    python -m benchmarks.custody [--proofs 10] [--signatures 50]

A proof is one VerifiedCertificate from nothing to verified, with its provider, in this process: register, request the code, sign,
verify. Signing alone is a digest in, a signature out. With custody offline, the key is used by `openssl` in a shell: the command that
the run shows, and `openssl dgst -sign`. Without SoftHSM the rows of the token are left out, with a message. Logins and Key Vault's
challenges (401) are not counted as calls.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from hubtrust import signer_inputs
from hubtrust.custody.custodies import read_signer
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from hubtrust.pki import issue
from hubtrust.pki.certificate import pem
from hubtrust.pki.keys import KeyAlgorithm
from hubtrust.pki.signers import KeyInMemory, Signer
from local_azure_iot import installation
from local_azure_iot.start_command import FREE_PORTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
ALGORITHMS = (KeyAlgorithm.EC_P256, KeyAlgorithm.RSA_3072)
OFFICER = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603"  # Key Vault Crypto Officer
MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN, PIN_VARIABLE = "bench-pin-84017263", "BENCH_TOKEN_PIN"
ROW = "{:10} {:9} {:>12} {:>7} {:>12} {:>7} {:>13}"


@dataclass
class Place:
    """One custody with one key, and a function that only signs."""

    custody: str
    algorithm: str
    signer: dict[str, Any]
    certificate: str
    sign: Callable[[], object]
    answer: Callable[[str], str] | None = None  # offline: from the command that is shown to the proof


@dataclass
class Azure:
    """Local Azure with a hub and a vault."""

    ready: dict[str, Any]
    hub: str = ""
    vault: str = ""

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Use its control port."""
        return installation.call_control(self.ready, method, path, body)

    def prepare(self) -> None:
        """Create a hub, a vault, and the role to create keys there and sign with them."""
        from azure.identity import EnvironmentCredential

        token = EnvironmentCredential().get_token("https://management.azure.com/.default").token
        who = jwt.decode(token, options={"verify_signature": False})["oid"]
        subscription = f"/subscriptions/{self.ready['subscription_id']}"
        self.hub = f"{subscription}/resourceGroups/bench/providers/Microsoft.Devices/IotHubs/bench-{uuid.uuid4().hex[:8]}"
        authorization = f"{subscription}/providers/Microsoft.Authorization"
        role = {"roleDefinitionId": f"{authorization}/roleDefinitions/{OFFICER}", "principalId": who, "principalType": "ServicePrincipal"}
        place = {"location": "westeurope", "sku": {"name": "S1", "capacity": 1}, "properties": {}}
        trust = ssl.create_default_context(cafile=self.ready["ca_file"])
        with httpx.Client(base_url=self.ready["arm"], verify=trust, trust_env=False, timeout=30) as client:
            client.headers["Authorization"] = f"Bearer {token}"
            for path, version, body in (
                (f"{subscription}/resourceGroups/bench", "2021-04-01", {"location": "westeurope"}),
                (self.hub, "2023-06-30", place),
                (f"{authorization}/roleAssignments/{uuid.uuid4()}", "2022-04-01", {"properties": role}),
            ):
                client.put(f"{path}?api-version={version}", json=body).raise_for_status()
            while client.get(f"{self.hub}?api-version=2023-06-30").json()["properties"].get("state") != "Active":
                time.sleep(0.05)
        self.vault = self.control("POST", "/vaults", {"name": f"kv-{uuid.uuid4().hex[:12]}"})["uri"]

    def spent(self, work: Callable[[], object]) -> tuple[float, int]:
        """Seconds and calls."""
        self.control("DELETE", "/requests")
        began = time.perf_counter()
        work()
        took = time.perf_counter() - began
        log = self.control("GET", "/requests")
        return took, sum("/oauth2/" not in call["path"] and ".well-known" not in call["path"] and call["status"] != 401 for call in log)


@contextmanager
def local_azure(folder: Path) -> Iterator[Azure]:
    """Local Azure on free ports, in memory; sets this process's environment for it."""
    ready = folder / "ready.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "cloud", *FREE_PORTS, "--ready-file", str(ready)], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    try:
        while not ready.exists():
            assert process.poll() is None, "local Azure did not start"
            time.sleep(0.02)
        found = Azure(json.loads(ready.read_text(encoding="utf-8")))
        os.environ.update(installation.environment(found.ready))
        found.prepare()
        yield found
    finally:
        process.terminate()
        process.wait()


def authority(signer: Signer) -> str:
    """A self-signed CA by that key."""
    name = x509.Name.from_rfc4514_string(f"CN=Bench {uuid.uuid4().hex[:8]}")
    validity = issue.Validity.lasting(timedelta(days=30), now=datetime.now(UTC))
    return pem(issue.root(signer, subject=name, validity=validity, path_length=0, serial=x509.random_serial_number()))


def in_state(algorithm: KeyAlgorithm) -> Place:
    """The key in this process."""
    key = algorithm.generate()
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    held = KeyInMemory(key)
    return Place("state", algorithm, signer_inputs.in_state(text), authority(held), lambda: held.sign(DIGEST, hashes.SHA256()))


def elsewhere(algorithm: KeyAlgorithm, signer: dict[str, Any]) -> Place:
    """The key, created in the vault or token."""
    held = read_signer(signer).stored
    assert held is not None
    held.create(algorithm)
    return Place(signer["custody"], algorithm, signer, authority(held), lambda: held.sign(DIGEST, hashes.SHA256()))


def offline(algorithm: str, folder: Path) -> Place:
    """The key in a folder where `openssl` is."""
    folder.mkdir()
    kind = "ec -pkeyopt ec_paramgen_curve:P-256" if algorithm.startswith("ec") else "rsa:3072"
    made = f"openssl req -x509 -newkey {kind} -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=Bench"
    _shell(f"{made} -addext keyUsage=critical,keyCertSign; head -c 32 /dev/urandom > data", folder)

    def answer(command: str) -> str:
        _shell(command, folder)
        return (folder / "proof.pem").read_text(encoding="utf-8")

    certificate = (folder / "ca.pem").read_text(encoding="utf-8")
    return Place(
        "offline", algorithm, signer_inputs.offline(), certificate, lambda: _shell("openssl dgst -sha256 -sign ca.key data", folder), answer
    )


DIGEST = hashlib.sha256(b"bench").digest()


def prove(at: Azure, place: Place, number: int) -> None:
    """From nothing to verified. With custody offline: two runs and the ceremony between them."""
    provider = VerifiedCertificateProvider()
    name = f"{place.custody}-{place.algorithm}-{number}"
    news = {"serviceId": at.hub, "certificate": place.certificate, "certificateName": name, "signer": place.signer}
    with contextlib.redirect_stdout(io.StringIO()):
        made = provider.create(news)
        outs = made.outs or {}
        if place.answer:
            outs = provider.update(made.id or "", outs, news | {"proofCertificate": place.answer(outs["ceremony"])}).outs or {}
        assert (outs["state"], outs["proof"]) == ("verified", "possession")
        provider.delete(made.id or "", outs)


def measured(at: Azure, found: list[Place], proofs: int, signatures: int) -> Iterator[tuple[Place, float, int, float, int]]:
    """Medians: seconds and calls of a proof with its deletion, and of a signature alone. Alternating, so that all get the same load."""
    for place in found:
        place.sign()  # logs in, connects and reads the key's description, once
    made = [[at.spent(lambda place=place, number=number: prove(at, place, number)) for place in found] for number in range(proofs)]  # type: ignore[misc]
    bare = [[at.spent(place.sign) for place in found] for _ in range(signatures)]
    for column, place in enumerate(found):
        seconds, calls = zip(*(row[column] for row in made), strict=True)
        alone, asked = zip(*(row[column] for row in bare), strict=True)
        yield place, statistics.median(seconds), int(statistics.median(calls)), statistics.median(alone), int(statistics.median(asked))


def places(at: Azure, folder: Path) -> Iterator[Place]:
    """Each custody with each kind of key."""
    token = _token(folder)
    for algorithm in ALGORITHMS:
        yield in_state(algorithm)
        yield offline(algorithm, folder / f"ceremony-{algorithm}")
        yield elsewhere(algorithm, signer_inputs.in_key_vault(f"{at.vault}/keys/{algorithm}"))
        if token:
            uri = f"pkcs11:token=bench;object={algorithm}?module-path={MODULE}"
            yield elsewhere(algorithm, signer_inputs.in_token(uri, pin_variable=PIN_VARIABLE))


def _token(folder: Path) -> bool:
    if not MODULE.exists() or not shutil.which("softhsm2-util"):
        print("custody pkcs11 is left out: SoftHSM is not installed (Debian: apt-get install softhsm2)")
        return False
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n", encoding="utf-8")
    os.environ |= {"SOFTHSM2_CONF": str(folder / "softhsm2.conf"), PIN_VARIABLE: PIN}
    _shell(f"softhsm2-util --init-token --free --label bench --so-pin {PIN} --pin {PIN}", folder)
    return True


def _shell(line: str, folder: Path) -> None:
    subprocess.run(["bash", "-euo", "pipefail", "-c", line], cwd=folder, check=True, capture_output=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proofs", type=int, default=10)
    parser.add_argument("--signatures", type=int, default=50)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, local_azure(Path(folder)) as at:
        rows = list(measured(at, list(places(at, Path(folder))), args.proofs, args.signatures))
    print(ROW.format("custody", "key", "proof ms", "calls", "bare ms", "calls", "proof / bare"))
    for place, proof, calls, bare, asked in rows:
        ratio = f"{proof / bare:.1f}"
        print(ROW.format(place.custody, place.algorithm, f"{proof * 1000:.1f}", calls, f"{bare * 1000:.2f}", asked, ratio))
        vaults = 1 if place.custody == "key-vault" else 0
        assert (calls, asked) == (5 + vaults + (1 if place.answer else 0), vaults), "GET, PUT, code, verify, DELETE; one more each there"


if __name__ == "__main__":
    main()
