"""Recorded chains with known verdicts (x509-limbo), and the verdict of `openssl verify` on each."""

import gzip
import json
import subprocess
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.kit.repository import SHARED

CASES = SHARED / "x509-cases" / "limbo.jsonl.gz"
MARKS = [  # of every module that tests with them
    pytest.mark.recorded,
    pytest.mark.skipif(not CASES.exists(), reason=f"no recorded chains at {CASES.parent.name}/{CASES.name}"),
]


@cache
def cases() -> dict[str, dict[str, Any]]:
    """Every case, by its id."""
    with gzip.open(CASES, "rt") as lines:
        return {case["id"]: case for case in map(json.loads, lines)}


def ids() -> list[str]:
    """The ids; empty where there are no recordings."""
    return list(cases()) if CASES.exists() else []


def openssl(case: dict[str, Any], folder: Path, moment: datetime, *options: str) -> str:
    """The verdict of `openssl verify` with these options, at this moment: SUCCESS or FAILURE."""
    trusted, others, peer = folder / "trusted.pem", folder / "others.pem", folder / "peer.pem"
    trusted.write_text("\n".join(case.get("trusted_certs", [])))
    others.write_text("\n".join(case.get("untrusted_intermediates", [])))
    peer.write_text(case["peer_certificate"])
    command = ["openssl", "verify", *options, "-CAfile", trusted, "-attime", str(int(moment.timestamp()))]
    command += ["-untrusted", others] if case.get("untrusted_intermediates") else []
    return "SUCCESS" if subprocess.run([*command, peer], capture_output=True, check=False).returncode == 0 else "FAILURE"
