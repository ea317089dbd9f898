"""A worker of pytest that ends before its tests says how, so that the next one who reads the report knows more than "crashed"."""

import subprocess
import sys
from pathlib import Path

from tests.kit.repository import ROOT

TESTS = """
import ctypes, os, resource, signal, threading

resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # where core dumps are allowed, one would stay
def test_a_kill(): os.kill(os.getpid(), signal.SIGKILL)
def test_a_fault_in_a_library(): ctypes.string_at(0)
def test_a_wait_without_end(): threading.Event().wait()
"""


def test_the_report_says_how_each_worker_ended(tmp_path: Path) -> None:
    """The signal; of a fault in a library, the line of Python that led to it; of a test that hangs, the line that waits."""
    (tmp_path / "test_ends.py").write_text(TESTS)
    (tmp_path / "pytest.ini").touch()
    options = ["-p", "tests.kit.worker_ends", "-p", "no:cacheprovider", "-o", "longest_test=5"]
    command = [sys.executable, "-m", "pytest", "-q", "-n", "1", *options, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    for expected in (
        "ended by SIGKILL",
        "ended by SIGSEGV",
        "in test_a_fault_in_a_library",
        "Timeout (0:00:05)",
        "in test_a_wait_without_end",
    ):
        assert expected in done.stdout, done.stdout + done.stderr
