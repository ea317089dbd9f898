"""The embedded engine's time for all recorded scenarios, compared with Pulumi's CLI where it is on PATH.

    python -m benchmarks.engine_replay [SCENARIO …]

The recordings are beside the project (or in the folder HUBTRUST_SHARED); without them nothing is measured.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TRACES = Path(os.environ.get("HUBTRUST_SHARED") or ROOT.parent / "shared") / "engine-traces"


def replayed(engine: str, scenarios: list[str]) -> tuple[float, str]:
    """Seconds that the replay of the scenarios takes, and how many runs were as recorded."""
    command = [sys.executable, str(TRACES / "replay.py"), "--engine", engine, "--python", f"{sys.prefix}/bin/python", *scenarios]
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "TMPDIR": folder}
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=env, encoding="utf-8")
    took = time.perf_counter() - began
    found = re.search(r"^\d+ passed, \d+ failed$", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    return took, found[0]


def main() -> None:
    """Measure and print."""
    if not TRACES.is_dir():
        print(f"left out: there are no recordings in {TRACES}")
        return
    scenarios = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "engine.py"
        start = f"import sys\nsys.path[0] = {str(ROOT)!r}\nfrom sandbox.engine.cli.main import main\nsys.exit(main(sys.argv[1:]))\n"
        script.write_text(start, encoding="utf-8")
        ours, runs = replayed(f"{sys.executable} {script}", scenarios)
    print(f"embedded {ours:8.1f} s  {runs}")
    if shutil.which("pulumi") is None:
        print("pulumi   left out: it is not on PATH")
        return
    theirs, runs = replayed("pulumi", scenarios)
    print(f"pulumi   {theirs:8.1f} s  {runs}\nratio    {ours / theirs:8.2f}")


if __name__ == "__main__":
    main()
