"""The engine that the components of a test register with."""

import pulumi
import pytest
from pulumi.runtime import mocks

from tests.kit.remembering_engine import Engine, Monitor


@pytest.fixture
def engine() -> Engine:
    """A new one, which the program of the test registers with."""
    pulumi.runtime.settings.SETTINGS = pulumi.runtime.Settings("project", "stack")
    found = Engine()
    mocks.set_mocks(found, preview=False, monitor=Monitor(found))
    return found
