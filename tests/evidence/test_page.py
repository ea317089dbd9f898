"""docs/evidence.md: an auditor with openssl and sha256sum confirms a log with its commands, verbatim, and finds what was changed."""

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from hubtrust.evidence.log import Log
from hubtrust.evidence.statement import Kind
from hubtrust.pki.issue import Issuer
from hubtrust.pki.keys import PrivateKey
from tests.kit.authorities import ec_key, hierarchy, leaf, pem_of, rsa_key
from tests.kit.evidence_logs import HUB, STACK, proof_predicate, short_log
from tests.kit.repository import ROOT

PAGE = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
COMMANDS = "".join(
    re.findall(r"^```sh\n(.*?)^```", PAGE.split("## Check it with openssl and sha256sum alone")[1], re.DOTALL | re.MULTILINE)
)
CONFIRMED = (
    "the CA in the record is mine",
    "proof.pem: OK",
    "the CA's key signed the code",
    "Verified OK",
    "Verified OK\nVerified OK",
    "the root hash is ",
    "with 2 records it was ",
)
OTHER, STRANGER = hierarchy(depth=0).issuing, hierarchy(depth=0).issuing


def log_of(authority: Issuer) -> Log:
    """Five records, so that the tree has a last hash that goes up alone; the second one is a proof that expired long ago."""
    log = Log.empty(STACK).append(Kind.ADOPTION, authority.certificate, {"service": HUB})
    log = log.append(Kind.PROOF, authority.certificate, proof_predicate(authority), authority.signer)
    for number in range(3):
        log = log.append(Kind.DROP, authority.certificate, {"service": f"{HUB}-{number}"}, authority.signer)
    return log.signed(authority.signer)


def run(folder: Path, text: str, authority: Issuer, commands: str = COMMANDS) -> subprocess.CompletedProcess[str]:
    (folder / "evidence.jsonl").write_text(text + "\n")
    (folder / "ca.pem").write_text(pem_of(authority.certificate))
    bash = shutil.which("bash")
    assert bash, "bash is needed"
    return subprocess.run([bash, "-c", commands], cwd=folder, capture_output=True, text=True, check=False, timeout=60)


KEYS = {
    "EC root": ([ec_key()], "sha256"),
    "RSA intermediate": ([rsa_key(), rsa_key()], "sha256"),
    "P-384": ([ec_key(ec.SECP384R1())], "sha384"),
}


@pytest.mark.parametrize(("keys", "digest"), KEYS.values(), ids=KEYS)
def test_an_auditor_confirms_a_log_with_openssl_alone(keys: list[PrivateKey], digest: str, tmp_path: Path) -> None:
    """Every check of the page says that it holds, also for a CA that is no root, and the root hashes are those of the log."""
    authority = hierarchy(keys).issuing
    log = log_of(authority)
    found = run(tmp_path, log.text, authority, COMMANDS.replace("dgst -sha256", f"dgst -{digest}"))  # as the page says of P-384

    assert (found.returncode, found.stderr) == (0, "")
    assert [words for words in CONFIRMED if words not in found.stdout] == []
    assert f"the root hash is {log.root_hash}\n" in found.stdout
    assert f"with 2 records it was {log.root_at(2)}\n" in found.stdout


def with_payload(line: str, change: Callable[[dict[str, Any]], None]) -> str:
    """A line with another payload, as somebody without the key writes it."""
    envelope = json.loads(line)
    payload = json.loads(base64.b64decode(envelope["payload"]))
    change(payload)
    envelope["payload"] = base64.b64encode(json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()).decode()
    return json.dumps(envelope, sort_keys=True, separators=(",", ":"))


def changed(name: str, log: Log) -> str:
    """The log's text with one change."""
    lines = log.text.split("\n")
    match name:
        case "another CA's proof":
            lines[1] = with_payload(lines[1], lambda it: it["predicate"].update(proof=proof_predicate(hierarchy(depth=0).issuing)["proof"]))
        case "another code":
            lines[1] = with_payload(lines[1], lambda it: it["predicate"].update(code="00AA91C0" * 6))
        case "a device's certificate":
            proof = pem_of(leaf(OTHER))
            lines[1] = with_payload(lines[1], lambda it: it["predicate"].update(code="press-001", proof=proof))
        case "another time":
            lines[1] = with_payload(lines[1], lambda it: it["predicate"].update(acceptedAt="2026-06-01T13:00:00Z"))
        case "two CAs in one record":
            certificates = pem_of(OTHER.certificate) + pem_of(STRANGER.certificate)
            members = {"certificate": certificates, "proof": proof_predicate(STRANGER)["proof"]}
            lines[1] = with_payload(lines[1], lambda it: it["predicate"].update(members))
        case "a record left out":
            del lines[3]
        case "another history":
            lines[2] = with_payload(lines[2], lambda it: it["predicate"].update(previousRoot="ab" * 32))
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("another CA's proof", "the CA in the record is mine"),
        ("another code", "proof.pem: OK"),
        ("a device's certificate", "the CA in the record is mine"),
        ("two CAs in one record", "the CA in the record is mine"),
        ("another time", "the CA's key signed the code"),
        ("a record left out", "Verified OK\nVerified OK"),
        ("another history", "Verified OK\nVerified OK"),
    ],
)
def test_an_auditor_finds_what_was_changed(name: str, last: str, tmp_path: Path) -> None:
    """The commands stop at the check that fails, and the checks before it hold."""
    found = run(tmp_path, changed(name, log_of(OTHER)), OTHER)

    held = [words for words in CONFIRMED if words in found.stdout]
    assert (found.returncode != 0, held[-1]) == (True, last)
    assert found.stderr.splitlines()[-1].startswith("NOT CONFIRMED: ")


def test_an_auditor_is_told_what_nobody_signed(tmp_path: Path) -> None:
    """The whole page runs for a log with an offline CA, with one record too."""
    authority = hierarchy(depth=0).issuing
    found = run(tmp_path, Log.empty(STACK).append(Kind.PROOF, authority.certificate, proof_predicate(authority)).text, authority)

    assert (found.returncode, found.stderr) == (0, "")
    assert "my CA's key did not sign line 1\nmy CA's key did not sign line $\nthe root hash is " in found.stdout


def test_the_page_names_every_kind_and_member() -> None:
    """What a record may be, and each member of a proof."""
    named = set(re.findall(r"`(\w+)`", PAGE.split("## What is recorded")[1].split("\n## ")[0]))
    predicate = short_log(OTHER).records[0].statement.predicate

    assert {*map(str, Kind), *predicate} - named == set()
