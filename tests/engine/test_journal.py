"""The state during a run, and when it is saved."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.engine.providers.builtin import Builtin
from sandbox.engine.providers.plugins import PluginPlace, Plugins
from sandbox.engine.providers.provider_resources import Providers
from sandbox.engine.state.checkpoint import Rendering
from sandbox.engine.state.deployment import Deployment, Operation, Resource, Seal
from sandbox.engine.steps.callbacks import Callbacks
from sandbox.engine.steps.events import Events
from sandbox.engine.steps.executor import Executor, Stopped
from sandbox.engine.steps.hooks import Hooks
from sandbox.engine.steps.journal import Journal
from sandbox.engine.steps.step import Create, StepContext

# Nothing is started: the run stops before.
NO_PLUGINS = Plugins(PluginPlace(Path("/none"), Path("/none"), "p", {}), "", lambda _line, _is_error: None)


def resource(name: str, **more: object) -> Resource:
    return Resource(urn=f"urn:pulumi:s::p::t::{name}", type="t", custom=True, **more)  # type: ignore[arg-type]


def names(deployment: Deployment) -> list[str]:
    return [item.urn.rsplit("::", 1)[1] + ("!" if item.delete else "") for item in deployment.resources]


def journal(*resources: Resource) -> Journal:
    return Journal(Deployment(resources), None, lambda: "now")


def test_finished_resources_precede_the_others() -> None:
    """New states come first, in order of their steps; the rest is unchanged."""
    a, b, c = resource("a"), resource("b"), resource("c")
    kept = journal(a, b, c)
    kept.remove(b)
    kept.add(replace(b, id="2"))
    kept.add(resource("new"))
    assert names(kept.deployment()) == ["b", "new", "a", "c"]


def test_a_replaced_resource_and_its_replacement_are_both_in_the_state() -> None:
    """The old one is marked until it is deleted."""
    a = resource("a")
    kept = journal(a)
    kept.add(replace(a, id="2"))
    kept.change(a, replace(a, delete=True))
    assert names(kept.deployment()) == ["a", "a!"]
    kept.remove(a)
    assert names(kept.deployment()) == ["a"]


def test_references_follow_a_renamed_resource() -> None:
    """Resources that are not registered yet refer to the new name, so a killed run leaves a consistent state."""
    a = resource("a")
    b = resource("b", dependencies=(a.urn,), parent=a.urn, provider=f"{a.urn}::id")
    kept = journal(a, b)
    kept.rename(a.urn, "urn:pulumi:s::p::t::z")
    (_, found) = kept.deployment().resources
    assert (found.parent, found.dependencies, found.provider) == (
        "urn:pulumi:s::p::t::z",
        ("urn:pulumi:s::p::t::z",),
        "urn:pulumi:s::p::t::z::id",
    )


def test_one_save_covers_all_that_happened_before_it() -> None:
    """While one save is under way the others wait, and one more is enough for all of them."""
    saves: list[int] = []
    first, gate = threading.Event(), threading.Event()

    def save(deployment: Deployment) -> None:
        saves.append(len(deployment.pending_operations))
        if len(saves) == 1:
            first.set()
            assert gate.wait(120)

    async def run() -> None:
        kept = Journal(Deployment(), save, lambda: "now")
        kept.begin(Operation(resource("first"), "creating"))
        waiting = [asyncio.create_task(kept.wait_until_saved())]
        await asyncio.to_thread(first.wait, 20)
        for number in range(50):
            kept.begin(Operation(resource(f"r{number}"), "creating"))
            waiting.append(asyncio.create_task(kept.wait_until_saved()))
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(*waiting)

    asyncio.run(run())
    assert saves == [1, 51]


def test_a_save_that_fails_is_tried_again() -> None:
    """Waiting callers get the error of a full disk; once there is space, the next save has every change."""
    room: list[bool] = []
    saved: list[Deployment] = []

    def save(deployment: Deployment) -> None:
        if not room:
            raise OSError(28, "No space left on device")
        saved.append(deployment)

    async def run() -> None:
        kept = Journal(Deployment(), save, lambda: "now")
        kept.add(resource("a"))
        with pytest.raises(OSError, match="No space left"):
            await kept.wait_until_saved()
        room.append(True)
        await kept.wait_until_saved()

    asyncio.run(run())
    assert names(saved[0]) == ["a"]


def test_an_operation_whose_run_stops_before_it_starts_is_removed_from_the_saved_state() -> None:
    """The run stops while the operation is saved as pending: the provider is not called, and one more save removes the operation."""
    saves: list[Deployment] = []

    async def run() -> None:
        loop, removed = asyncio.get_running_loop(), asyncio.Event()

        def save(deployment: Deployment) -> None:
            saves.append(deployment)
            loop.call_soon_threadsafe(executor.stop if len(saves) == 1 else removed.set)

        kept = Journal(Deployment(), save, lambda: "now")
        events = Events(lambda _event: None)
        providers = Providers(NO_PLUGINS, Builtin(lambda _name: {}, lambda _urn: None), (), preview=False)
        context = StepContext(providers, kept, Hooks(Callbacks(), events, preview=False), preview=False, invocation="pulumi")
        executor = Executor(context, events, parallel=1)
        new = resource("a", provider="urn:pulumi:s::p::pulumi:providers:t::default::id")
        with pytest.raises(Stopped):
            await executor.run(Create(new.urn, None, new))
        await asyncio.wait_for(removed.wait(), 20)
        await kept.wait_until_saved()

    asyncio.run(run())
    assert [(names(item), len(item.pending_operations)) for item in saves] == [([], 1), ([], 0)]


def test_a_save_renders_only_what_changed() -> None:
    """A resource is rendered once and its secrets are encrypted once: a save costs only what has changed."""
    encrypted: list[str] = []
    rendering = Rendering(Seal(lambda text: encrypted.append(text) or text, lambda text: text))  # type: ignore[func-returns-value]
    from sandbox.engine.values.property_values import Secret

    many = tuple(resource(f"r{number}", inputs={"s": Secret(number)}) for number in range(20))
    rendering.text(Deployment(many))
    rendering.text(Deployment((*many, resource("new", inputs={"s": Secret("more")}))))
    assert len(encrypted) == 21
