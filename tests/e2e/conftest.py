"""The program on each engine that is installed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.program import Program, program


@pytest.fixture(params=["embedded", "pulumi"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Program]:
    """The program, not deployed yet."""
    if request.param == "pulumi" and not shutil.which("pulumi"):
        pytest.skip("`pulumi` is not on PATH; install Pulumi's CLI to run this test on both engines")
    with program(tmp_path, request.param) as created:
        yield created
