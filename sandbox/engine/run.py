"""One run of the engine: preview, up, refresh or destroy of one stack, from a state to a state."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sandbox.engine.deployment import Deployment
from sandbox.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from sandbox.engine.config import ConfigValue
    from sandbox.engine.project import Project

Verb = Literal["preview", "up", "refresh", "destroy"]
Event = dict[str, Any]


@dataclass(frozen=True)
class PolicyPackRef:
    """A policy pack: its folder, and the file with its configuration where there is one."""

    path: Path
    config: Path | None = None


@dataclass(frozen=True)
class Request:
    """What to run. Everything a run needs besides the state, as plain values.

    `config` maps `namespace:name` to a value; `env` is the whole environment for the program and the plugins;
    `dry_run` (and the verb preview) changes nothing; `refresh` reads every resource before anything else;
    `targets` are URNs or globs of URNs; `stack_outputs` gives another stack's outputs by its name (`stack_reference.py`).
    """

    verb: Verb
    project: Project
    stack: str
    config: Mapping[str, ConfigValue]
    env: Mapping[str, str]
    organization: str = "organization"
    parallel: int = 16
    refresh: bool = False
    targets: tuple[str, ...] = ()
    policy_packs: tuple[PolicyPackRef, ...] = ()
    continue_on_error: bool = False
    dry_run: bool = False
    plugin_path: tuple[Path, ...] = ()
    stack_outputs: Callable[[str], Mapping[str, Any]] | None = None

    @property
    def preview(self) -> bool:
        """Whether it only says what it would do."""
        return self.dry_run or self.verb == "preview"


@dataclass(frozen=True)
class Outcome:
    """How a run ended. `changes` counts resources by operation; `deployment` is the state after it (of a preview: before)."""

    succeeded: bool
    changes: Mapping[str, int] = field(default_factory=dict)
    deployment: Deployment = field(default_factory=Deployment)
    cancelled: bool = False


class CancelToken:
    """Asks a run to stop: `cancel` once to end cleanly, `kill` to end at once. Both may be called from any thread or handler."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listener: Callable[[], None] | None = None
        self.cancelled = self.killed = False

    def cancel(self) -> None:
        """Start nothing new, ask the providers to stop what is under way, keep the state."""
        self.cancelled = True
        self._tell()

    def kill(self) -> None:
        """End the plugins and the program at once; what was under way stays in the state as pending."""
        self.cancelled = self.killed = True
        self._tell()

    def listen(self, loop: asyncio.AbstractEventLoop, listener: Callable[[], None]) -> None:
        """The run's own side: be told on its loop. What was asked is read here then: a kill may overtake the cancel before it."""
        self._loop, self._listener = loop, listener
        if self.cancelled:
            self._tell()

    def _tell(self) -> None:
        if self._loop is not None and self._listener is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._listener)


class RunError(EngineError):
    """The run could not start. One line: what failed, the fact found, what to do."""


def run(
    request: Request,
    snapshot: Deployment | None,
    *,
    on_event: Callable[[Event], None],
    save: Callable[[Deployment], None] | None,
    cancel: CancelToken,
) -> Outcome:
    """Run it.

    Args:
        request: what to run.
        snapshot: the state before; None for an empty stack.
        on_event: gets every engine event, in order, in the shape of `--event-log` (without `sequence` and `timestamp`).
        save: keeps the whole deployment; called in a thread of its own, one call at a time, and always before the provider
            call that relies on it. Render with `checkpoint.Rendering`, which renders only what changed. None in a preview.
        cancel: stops the run.

    Raises:
        RunError: it could not start.
        OSError: what `save` raised: the run stopped where it was.
    """
    from sandbox.engine.session import Session

    base = snapshot or Deployment()
    return asyncio.run(Session(request, base, on_event=on_event, save=None if request.preview else save, cancel=cancel).run())
