"""Runs steps in parallel, reports and saves the start and end of each, and starts nothing new once one has error."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NoReturn

from sandbox.engine.errors import EngineError
from sandbox.engine.providers.provider_error import PartialFailure, ProviderError
from sandbox.engine.steps.hooks import HookError

if TYPE_CHECKING:
    from sandbox.engine.steps.events import Events
    from sandbox.engine.steps.step import Step, StepContext


class Stopped(Exception):  # noqa: N818 - not an error: the run is stopping
    """The run is stopping and starts nothing new: something failed, which has already been reported, or the user stopped it."""


class StepFailed(Exception):  # noqa: N818 - Pulumi's own name
    """A step failed; the failure has already been reported. With --continue-on-error the run may go on: see `Executor.stopping`."""


class Executor:
    """Runs the steps of one run.

    Args:
        context: what they work on.
        events: where steps and errors are reported.
        parallel: how many steps may run at a time.
        continue_on_error: whether resources that do not depend on a failed step continue.
    """

    def __init__(self, context: StepContext, events: Events, *, parallel: int, continue_on_error: bool = False) -> None:
        self.context, self.events = context, events
        self._slots = asyncio.Semaphore(max(parallel, 1))
        self._continue_on_error = continue_on_error
        self.stopping = asyncio.Event()
        self.failed = self.killed = False
        self.save_error: OSError | None = None

    def stop(self) -> None:
        """Start nothing new."""
        self.stopping.set()

    def fail(self, message: str, urn: str = "") -> None:
        """Report an error, and start nothing new."""
        self.events.message(message, "error", urn)
        self.failed = True
        self.stop()

    def abort(self, message: str, urn: str = "") -> NoReturn:
        """Report an error and end the run. Raises `Stopped`."""
        self.fail(message, urn)
        raise Stopped from None

    def raise_if_stopping(self) -> None:
        """Raise `Stopped` if nothing new may be started."""
        if self.stopping.is_set():
            raise Stopped

    async def run(self, step: Step) -> None:
        """Run a step.

        Raises:
            StepFailed: it failed; the failure has already been reported.
            Stopped: it was not started.
        """
        async with self._slots:
            self.raise_if_stopping()
            self.events.before(step)
            await self._carry_out(step)
            if step.custom or step.kind == "delete":  # other components are done when they have their outputs
                await self.run_after_hooks(step)
        self.events.after(step)

    async def succeeds(self, step: Step) -> bool:
        """Run a step; returns whether it was started and succeeded. A failure has already been reported."""
        try:
            await self.run(step)
        except (StepFailed, Stopped):
            return False
        return True

    async def run_after_hooks(self, step: Step) -> None:
        """Run the after hooks of a step that is done and in the state. A hook that fails makes the run fail."""
        if not step.resource.resource_hooks:
            return
        try:
            await self.context.hooks.after(step)
        except HookError as error:
            self.events.message(str(error), "error", step.urn)
            self.failed = True
            if not self._continue_on_error:
                self.stop()

    async def _carry_out(self, step: Step) -> None:
        """Save the pending operation, run the before hooks and the step; the operation is removed when the step has ended."""
        journal = self.context.journal
        operation = None if self.context.preview else step.operation()
        if operation is not None:
            journal.begin(operation)
            await self._save()
            if self.stopping.is_set():
                journal.end(operation)
                raise Stopped
        try:
            if step.resource.resource_hooks:
                await self.context.hooks.before(step)
            await step.apply(self.context)
        except (ProviderError, EngineError) as error:
            if self.killed:
                raise Stopped from None  # the outcome is unknown: the operation stays pending
            self._report(step, error)
            raise StepFailed from None
        finally:
            if operation is not None and not self.killed:
                journal.end(operation)

    def _report(self, step: Step, error: Exception) -> None:
        text = str(error).rstrip("\n")
        if isinstance(error, PartialFailure):
            text = "\n".join([text or "the resource exists, but its initialization failed", *(f"  * {reason}" for reason in error.reasons)])
        self.failed = True
        self.events.maybe_corrupt |= step.pending in ("creating", "updating", "deleting") and not isinstance(error, PartialFailure)
        self.events.message(text, "error", step.urn)
        self.events.failed(step)
        protected = step.pending == "deleting" and step.resource.protect
        if not self._continue_on_error and not protected:
            self.stop()

    async def _save(self) -> None:
        """Wait until the state with all changes so far is on disk; if it can't be saved, stop the run."""
        try:
            await self.context.journal.wait_until_saved()
        except OSError as error:
            self.save_error = error
            self.failed = True
            self.stop()
            raise Stopped from None
