"""Fixtures and settings of all tests."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from pulumi.runtime.settings import _shutdown_callbacks

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


# Pulumi objects that test modules create when they are imported belong to the current event loop, which is this one.
_LOOP = asyncio.new_event_loop()
asyncio.set_event_loop(_LOOP)


@pytest.fixture(autouse=True)
def pulumi_event_loop() -> Iterator[None]:
    """The loop of all programs. What one program leaves on it ends with its test.

    Pulumi's SDK asks for the thread's event loop, which an earlier test (`asyncio.run`) may have removed. A program that a test declares
    wrong ends where it is wrong; resources that were still to be registered would be, in the next test and with its engine.
    """
    asyncio.set_event_loop(_LOOP)
    _finish(asyncio.all_tasks(_LOOP))  # before the first test: of objects that modules made when they were imported
    yield
    left = asyncio.all_tasks(_LOOP)
    of_programs = {task for task in left if not _is_of_a_server(task)}
    for task in of_programs:
        task.cancel()
    _finish(of_programs)
    if left != of_programs:  # a program's server for callbacks, which the program did not come to stop
        _LOOP.run_until_complete(_shutdown_callbacks())
        _finish(asyncio.all_tasks(_LOOP))


def _is_of_a_server(task: asyncio.Task[Any]) -> bool:
    """Whether it is a task of gRPC's own, which ends with its server; without it the server could not be stopped."""
    return "AioServer" in getattr(task.get_coro(), "__qualname__", "")


def _finish(tasks: set[asyncio.Task[Any]]) -> None:
    if tasks:
        _LOOP.run_until_complete(asyncio.wait(tasks))
