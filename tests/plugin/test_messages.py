"""Messages of the plugin: they go to the engine's log; `tests/e2e/test_importing.py` has Pulumi's CLI show them."""

import pytest

from hubtrust.plugin.messages import EngineLog


def test_a_message_that_the_engine_does_not_take_is_printed(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """An engine that has ended, or does not listen, ends no run."""
    EngineLog("127.0.0.1:1").show("device 'Müller' is kept")
    assert capfdbinary.readouterr().out.decode() == "device 'Müller' is kept\n"
