"""How the plugin's process ends."""

import signal
import subprocess
import sys

import pytest

from tests.kit.repository import ROOT


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_plugin_without_a_word(number: signal.Signals) -> None:
    """Engines end it so, also when a run fails, and show what it prints."""
    with subprocess.Popen(
        [sys.executable, "-m", "hubtrust.plugin"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as plugin:
        assert plugin.stdout is not None
        assert plugin.stdout.readline().strip().isdecimal()
        plugin.send_signal(number)
        printed = plugin.communicate(timeout=30)
        assert (plugin.returncode, *printed) == (0, "", "")
