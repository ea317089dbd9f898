"""The program on each engine that is installed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.prerequisites import need_pulumi
from tests.kit.program import Program, program


@pytest.fixture(params=["embedded", "pulumi"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Program]:
    """The program without its provisioning service, not deployed yet."""
    if request.param == "pulumi":
        need_pulumi()
    with program(tmp_path, request.param) as created:
        yield created


@pytest.fixture(params=["embedded", "pulumi"])
def committed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Program]:
    """The program with the settings that `make up` deploys, not deployed yet."""
    if request.param == "pulumi":
        need_pulumi()
    with program(tmp_path, request.param, provisioning=True) as created:
        yield created
