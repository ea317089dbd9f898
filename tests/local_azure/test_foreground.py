"""One command in the foreground: which signals it gets."""

import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from local_azure_iot.foreground import Foreground

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize("number", _PASSED_ON)
def test_a_signal_while_the_command_is_started_is_its_own(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    """It comes when the command runs already, and this process does not know it yet: the command gets it, and is not left alone."""
    started: list[subprocess.Popen[bytes]] = []

    class Started(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)
            os.kill(os.getpid(), number)

    monkeypatch.setattr(subprocess, "Popen", Started)
    foreground = Foreground()
    with foreground.signals():
        code = foreground.run(["sleep", "600"], os.environ)

    assert (code, started[0].returncode) == (128 + number, -number)


def test_a_signal_before_the_command_is_started_is_an_interrupt() -> None:
    """There is nobody to pass it to."""
    with pytest.raises(KeyboardInterrupt), Foreground().signals():
        os.kill(os.getpid(), signal.SIGTERM)


def test_an_ignored_signal_stays_ignored() -> None:
    """`nohup` is for the command too, which would otherwise end with the terminal."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        foreground = Foreground()
        with foreground.signals():
            os.kill(os.getpid(), signal.SIGHUP)
            code = foreground.run([sys.executable, "-I", "-S", "-c", "import os; os.kill(os.getpid(), 1); raise SystemExit(7)"], os.environ)
        kept = signal.getsignal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)

    assert (code, kept) == (7, signal.SIG_IGN)
