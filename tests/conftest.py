"""Fixtures and settings of all tests."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from pulumi.runtime.settings import _shutdown_callbacks

from tests.kit.pulumi_programs import LOOP, finish_programs

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@pytest.fixture(autouse=True)
def pulumi_event_loop() -> Iterator[None]:
    """The loop of all programs. What one program leaves on it ends with its test.

    Pulumi's SDK asks for the thread's event loop, which an earlier test (`asyncio.run`) may have removed. A program that a test declares
    wrong ends where it is wrong; resources that were still to be registered would be, in the next test and with its engine.
    """
    asyncio.set_event_loop(LOOP)
    finish_programs()  # before the first test: objects that modules made when they were imported
    yield
    finish_programs()
    if asyncio.all_tasks(LOOP):  # a server for callbacks, which a program that ended so did not stop
        LOOP.run_until_complete(_shutdown_callbacks())
