"""Errors and durations as they are shown to users."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import engine_pb2
from pulumi.runtime.settings import grpc_error_to_exception

from sandbox.engine.display.message import concise
from sandbox.engine.display.sections import duration
from sandbox.engine.program.engine_service import EngineService
from sandbox.engine.steps.events import Events

TRACEBACK = """Traceback (most recent call last):
  File "/venv/lib/python3.11/site-packages/pulumi/dynamic/__main__.py", line 84, in wrapper
    return fn(self, request, context)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/home/me/program/world.py", line 70, in create
    raise RuntimeError("the world exploded")
RuntimeError: the world exploded
and burned
"""


def test_a_traceback_is_reduced_to_the_exception_and_the_users_frames():
    """All lines of the exception's message are kept; library frames are removed."""
    assert concise(TRACEBACK) == "RuntimeError: the world exploded\nand burned\n  at /home/me/program/world.py:70 in create"


def test_of_chained_exceptions_the_last_one_counts():
    """It is what reached the engine."""
    chained = f"{TRACEBACK}\nDuring handling of the above exception, another exception occurred:\n\n" + TRACEBACK.replace(
        "70", "80"
    ).replace("RuntimeError: the", "KeyError: the")
    assert concise(chained) == "KeyError: the world exploded\nand burned\n  at /home/me/program/world.py:80 in create"


def test_a_grpc_error_becomes_its_details():
    """Status and debug string are for the engine's authors."""
    text = (
        "<_InactiveRpcError of RPC that terminated with:\n\tstatus = StatusCode.UNKNOWN\n"
        '\tdetails = "Exception calling application: no \\"hub\\""\n\tdebug_error_string = "x">'
    )
    assert concise(text) == 'no "hub"'


@pytest.mark.parametrize("text", ["hub is full", "", "a\nb", "Traceback of a parcel"])
def test_a_plain_message_is_unchanged(text: str):
    """Only library text is removed."""
    assert concise(text) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (0.2, "1s"), (61, "1m1s"), (3600, "1h0m0s")])
def test_durations_have_the_clis_format(seconds: float, text: str):
    """Rounded up to whole seconds."""
    assert duration(seconds) == text


class _Unavailable(grpc.RpcError):
    """What a program gets for a call that comes after the run has failed."""

    def code(self) -> grpc.StatusCode:
        """The status that the monitor answers."""
        return grpc.StatusCode.UNAVAILABLE


def test_a_program_that_goes_on_after_a_failure_adds_no_error() -> None:
    """The SDK's own words for a run that is ending would hide the reason; everything else that it logs is shown."""
    shown: list[Any] = []
    service = EngineService(Events(shown.append))
    ending = grpc_error_to_exception(_Unavailable())
    raised = f"Program failed with an unhandled exception:\nTraceback (most recent call last):\nException: invoke of a:b:c failed: {ending}"
    for text in (f"{ending}\n", raised):
        asyncio.run(service.Log(engine_pb2.LogRequest(severity=engine_pb2.ERROR, message=text), None))
    assert shown == []
    asyncio.run(service.Log(engine_pb2.LogRequest(severity=engine_pb2.ERROR, message="no region\n"), None))
    assert [event["diagnosticEvent"]["message"].strip() for event in shown] == ["no region"]
