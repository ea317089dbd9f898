"""Replays recorded runs of Pulumi's engine: provider calls, operations, state and exit codes must be the same."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.engine.runs.replaying import replay
from tests.kit.repository import ROOT, SHARED
from tests.kit.samples import sampled

TRACES = SHARED / "engine-traces"
# The tls scenarios run the real program against this project's stand-in of the tls plugin.
SCENARIOS = [
    *("basic", "replace-create-first", "failures", "drift", "refresh-always", "secrets", "options", "crash", "logs"),
    *("native", "read-import", "tls-chain", "invokes", "json", "transforms", "targets", "policies"),
]


@pytest.mark.recorded
@pytest.mark.skipif(not TRACES.is_dir(), reason=f"the recordings are not there: {TRACES}")
@pytest.mark.parametrize("scenario", sampled(SCENARIOS, 5))
def test_every_run_equals_the_recording(scenario: str, tmp_path: Path) -> None:
    """The scenario's runs, step by step, equal the recording."""
    script = tmp_path / "engine.py"
    script.write_text(f"import sys\nsys.path[0] = {str(ROOT)!r}\nfrom sandbox.engine.cli.main import main\nsys.exit(main(sys.argv[1:]))\n")
    runs, differences = replay(TRACES, scenario, [sys.executable, str(script)], Path(sys.prefix) / "bin" / "python", tmp_path)
    assert not differences, "\n".join(differences)
    assert runs == sum("run" in step for step in json.loads((TRACES / scenario / "steps.json").read_text()))
