"""Fixtures and settings of all tests."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys

import pytest
from hypothesis import settings

# pytest keeps what it compiles of the tests, also where the environment wants no such files: each worker would compile all tests again.
sys.dont_write_bytecode = False

# Every worker makes an object for each of thousands of tests: looking for garbage among them again and again takes seconds.
gc.set_threshold(50_000, 20, 20)

# A program that a test declares wrong leaves futures with the error, which the test has seen elsewhere. Python reports them when it finds
# them as garbage, mostly between two tests, and then prints thousands of tracebacks. What happens during a test stands in its report.
logging.getLogger("asyncio").addHandler(logging.NullHandler())

# No test asserts on time, so examples have no deadline.
settings.register_profile("hubtrust", deadline=None)
settings.load_profile("hubtrust")


# Pulumi objects that test modules create when they are imported belong to the current event loop, which is this one.
_LOOP = asyncio.new_event_loop()
asyncio.set_event_loop(_LOOP)


@pytest.fixture(autouse=True)
def pulumi_event_loop() -> None:
    """Pulumi's SDK asks for the thread's event loop, which an earlier test (`asyncio.run`) may have removed."""
    asyncio.set_event_loop(_LOOP)
