"""Readers of others: securesystemslib verifies the DSSE envelopes of an evidence log, in-toto's library takes the statements."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.kit.authorities import hierarchy
from tests.kit.evidence_logs import short_log
from tests.kit.prerequisites import need
from tests.kit.repository import ROOT

pytestmark = pytest.mark.stranger

_PYTHON = ROOT / ".strangers" / "evidence" / "bin" / "python"
_DRIVER = Path(__file__).parent / "drivers" / "evidence_readers.py"


def test_others_read_the_log() -> None:
    """Each record's signature verifies with the CA's key, and each payload is a statement with its subject."""
    need(_PYTHON.exists(), "the readers of evidence are not installed; `make strangers` installs them")
    log = short_log(hierarchy(depth=0).issuing)
    done = subprocess.run([_PYTHON, _DRIVER], input=log.text, capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 0, done.stderr
    kinds = [f"https://github.com/hubtrust/hubtrust/evidence/{kind}/v1" for kind in ("proof", "observation", "drop")]
    assert json.loads(done.stdout) == [[True, "application/vnd.in-toto+json", kind, "CN=Root"] for kind in kinds]
