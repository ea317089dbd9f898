"""What the plugin tells of an error that nobody raised on purpose."""

import pytest

from hubtrust.plugin.one_line import fault_of_ours
from tests.kit.authorities import ec_key, private_pem


def test_no_private_key_is_in_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither in its line nor in the traceback, which an engine shows and a pipeline keeps; also not of the errors that it came from."""
    key = private_pem(ec_key())
    secret = key.splitlines()[1]
    cause, error = KeyError(key), ValueError(f"not valid: {key}")  # the first is shown with its line feeds as two characters
    error.__cause__ = cause
    line = fault_of_ours("Create", error)
    printed = capsys.readouterr().err
    assert (secret in line, secret in printed) == (False, False)
    assert printed.count("(a private key)") == 2
    assert "ValueError: not valid" in printed
