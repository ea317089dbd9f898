"""Runs the scenario on one Azure: step by step until one fails, and `destroy` in any case."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from live.comparison import writes
from live.leftovers import left
from live.scenario import BASE, DESTROY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from live.scenario import Step
    from live.stack import Stack


@dataclass(slots=True)
class StepResult:
    """What became of a step: ``fault`` is None if it did what it should."""

    name: str
    seconds: float
    fault: str | None
    calls: list[dict[str, Any]]


@dataclass(slots=True)
class Result:
    """What became of a run."""

    steps: list[StepResult] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    interrupted: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether each step did what it should and nothing is left."""
        return not (self.left or self.interrupted) and all(step.fault is None for step in self.steps)


@dataclass(frozen=True)
class Run:
    """A run of ``steps`` in ``stack``; ``say`` gets a line when a step begins and ends.

    ``leaves_nothing``: `destroy` is tried also after a failure or Ctrl-C. Where it is False, all goes with its local Azure.
    """

    stack: Stack
    subscription: str
    say: Callable[[str], None]
    settings: Mapping[str, Any]
    steps: Sequence[Step]
    leaves_nothing: bool = True

    def carry_out(self) -> Result:
        """Run it; what is left is in the result.

        Raises:
            KeyboardInterrupt: Ctrl-C ended a run that may leave something.
        """
        result = Result()
        self.stack.create()
        try:
            self._up(result)
        except KeyboardInterrupt:
            if not self.leaves_nothing:
                raise
            result.interrupted = True
        if self.leaves_nothing or result.succeeded:
            self._destroy(result)
        return result

    def destroy_only(self) -> Result:
        """Delete what an earlier run left: its stack is in the folder already."""
        result = Result()
        self._destroy(result)
        return result

    def _up(self, result: Result) -> None:
        settings = {**BASE, **self.settings}
        for step in self.steps:
            settings |= step.settings
            self.stack.configure({name: value for name, value in settings.items() if value is not None})
            flags = ("--expect-no-changes",) if step.changes_nothing else ()
            done = self._timed(step.name, "up", *flags)
            result.steps.append(done)
            if done.fault is None:
                done.fault = step.fault(self.stack.outputs())
            if done.fault is None and step.changes_nothing and (wrote := writes(done.calls)):
                done.fault = f"it wrote, although nothing had changed: {wrote[0]}"
            self._say_end(done)
            if done.fault is not None:
                return

    def _destroy(self, result: Result) -> None:
        """Delete everything. It is not tried again: its own message says why it failed."""
        if result.interrupted or any(step.fault for step in result.steps):
            self.stack.release()
        before = self.stack.deployment()
        try:
            done = self._timed(DESTROY, "destroy")
        except KeyboardInterrupt:
            done = StepResult(DESTROY, 0, "it was interrupted", [])
            result.interrupted = True
        result.steps.append(done)
        result.left = left(before, self.stack.deployment(), self.subscription)
        self._say_end(done)

    def _timed(self, name: str, verb: str, *flags: str) -> StepResult:
        self.say(f"{name}: begins")
        file, began = self._calls_file(name), time.monotonic()
        code = self.stack.run(verb, *flags, calls=file)
        fault = f"the engine ended with {code}" if code else None
        return StepResult(name, time.monotonic() - began, fault, read_calls(file))

    def _calls_file(self, name: str) -> Path:
        return self.stack.folder / f"{name.replace(' ', '-')}.calls.jsonl"

    def _say_end(self, done: StepResult) -> None:
        self.say(f"{done.name}: {'done' if done.fault is None else f'FAILED, {done.fault}'} ({done.seconds:.0f} s)")


def read_calls(file: Path) -> list[dict[str, Any]]:
    """The recorded calls; none if there was no call. A line that a killed process left half written is left out."""
    if not file.exists():
        return []
    calls = []
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            calls.append(dict(json.loads(line)))
        except ValueError:
            continue
    return calls
