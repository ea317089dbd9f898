"""Direct methods: who answers, and what a caller is told when nobody does."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from local_azure_iot.messaging import methods
from local_azure_iot.messaging.methods import DisconnectedError, Invocation, MethodAnswer, NoAnswerError, NotOnlineError
from tests.messaging.conftest import HubState


def call(hub: HubState, **seconds: float) -> Coroutine[Any, Any, MethodAnswer]:
    return methods.invoke(hub.azure, hub.key, "press-001", "", "reboot", b'{"delay":1}', **seconds)


def serve(hub: HubState, handler: Callable[[Invocation], None], module: str = "") -> Callable[[], None]:
    return methods.serve(hub.azure, hub.key, "press-001", module, handler)


def run(hub: HubState, call: Coroutine[Any, Any, MethodAnswer]) -> MethodAnswer:
    return hub.process.loop.run_until_complete(call)


def test_a_device_answers(hub: HubState) -> None:
    calls: list[Invocation] = []

    def answer(invocation: Invocation) -> None:
        calls.append(invocation)
        invocation.answer(207, b'{"ok":true}')
        invocation.answer(500, b"")

    stop = serve(hub, answer)
    assert run(hub, call(hub)) == MethodAnswer(207, b'{"ok":true}')
    assert run(hub, call(hub)).status == 207
    assert [(one.name, one.payload) for one in calls] == [("reboot", b'{"delay":1}')] * 2
    assert calls[0].request_id != calls[1].request_id
    stop()
    with pytest.raises(NotOnlineError):
        run(hub, call(hub))


def test_a_modules_calls_are_not_its_devices(hub: HubState) -> None:
    stop = serve(hub, lambda invocation: invocation.answer(200, b""), module="m")
    with pytest.raises(NotOnlineError):
        run(hub, call(hub))
    stop()


def test_who_does_not_answer(hub: HubState) -> None:
    calls: list[Invocation] = []
    stop = serve(hub, calls.append)
    with pytest.raises(NoAnswerError):
        run(hub, call(hub, response_seconds=0.01))
    assert calls[0].over

    async def disconnect() -> MethodAnswer:
        waiting = asyncio.ensure_future(call(hub))
        await asyncio.sleep(0)
        stop()
        return await waiting

    with pytest.raises(DisconnectedError):
        run(hub, disconnect())


def test_a_caller_may_wait_for_the_device(hub: HubState) -> None:
    async def connect_late() -> MethodAnswer:
        waiting = asyncio.ensure_future(call(hub, connect_seconds=60))
        await asyncio.sleep(0)
        serve(hub, lambda invocation: invocation.answer(200, b"1"))
        return await waiting

    assert run(hub, connect_late()) == MethodAnswer(200, b"1")


def test_the_newest_session_has_the_calls_and_an_older_ones_end_changes_nothing(hub: HubState) -> None:
    older = serve(hub, lambda invocation: invocation.answer(1, b""))
    newer = serve(hub, lambda invocation: invocation.answer(2, b""))
    older()
    assert run(hub, call(hub)).status == 2
    newer()
    with pytest.raises(NotOnlineError):
        run(hub, call(hub, connect_seconds=0.01))
