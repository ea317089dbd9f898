"""Pulumi programs that tests run in their own process: the event loop that all of them share, and the end of what they left on it."""

import asyncio

import pytest

# Pulumi objects that test modules create when they are imported belong to the current event loop, which is this one.
LOOP = asyncio.new_event_loop()
_PATIENCE = 30  # seconds until what a program left is said to hang
asyncio.set_event_loop(LOOP)


def finish_programs() -> None:
    """Let programs come to their ends: cancelled, they would leave coroutines that nobody awaits."""
    while left := {task for task in asyncio.all_tasks(LOOP) if "AioServer" not in getattr(task.get_coro(), "__qualname__", "")}:
        done, hanging = LOOP.run_until_complete(asyncio.wait(left, timeout=_PATIENCE))
        if not done:
            for task in hanging:
                task.cancel()
            pytest.fail(f"a program does not end; it waits in {hanging}")
