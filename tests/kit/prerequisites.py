"""Programs that some tests need: where one is missing, the test is skipped with the reason."""

import os
import shutil

import pytest


def need(found: object, reason: str, *, module: bool = False) -> None:
    """Skip the test, or the whole ``module``, if ``found`` is empty; in CI it fails, because everything is installed there."""
    if found:
        return
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason, allow_module_level=module)


def need_pulumi() -> str:
    """The path of Pulumi's CLI, which is optional, in CI too: without it the test is skipped."""
    found = shutil.which("pulumi")
    if not found:
        pytest.skip("`pulumi` is not on PATH; install Pulumi's CLI to run this test on both engines")
    return found
