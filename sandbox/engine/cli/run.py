"""`preview`, `up`, `refresh` and `destroy`."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sandbox.engine.cli.displays import open_display
from sandbox.engine.cli.interrupt import exclusive, interruptible
from sandbox.engine.cli.workspace import unwritable
from sandbox.engine.display.stream import Stream
from sandbox.engine.errors import (
    EXIT_CANCELLED,
    CancelledError,
    ChangesFoundError,
    ConfirmationError,
    EngineError,
    ReportedError,
    UsageError,
)
from sandbox.engine.project.config import check_config, completed, config_value, written
from sandbox.engine.run import run
from sandbox.engine.state.checkpoint import Rendering
from sandbox.engine.state.deployment import Deployment, Seal
from sandbox.engine.state.history import UpdateInfo, add_to_history
from sandbox.engine.state.stack_reference import stack_outputs
from sandbox.engine.steps.run_options import Outcome, PolicyPackRef, RunOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from sandbox.engine.cli.interrupt import Interrupts
    from sandbox.engine.cli.workspace import Workspace
    from sandbox.engine.project.config import StoredConfig

Verb = Literal["up", "refresh", "destroy"]
_UNCHANGING = ("same", "read", "refresh")
_NAMES = {"up": "update", "refresh": "refresh", "destroy": "destroy"}


def preview(workspace: Workspace) -> None:
    """Show what `up` would do."""
    with interruptible(workspace) as interrupts:
        _Command(workspace, "up", interrupts).preview(expect=workspace.args.expect_no_changes)


def up(workspace: Workspace) -> None:
    """Create, update and delete resources so that they match the program."""
    _change(workspace, "up")


def refresh(workspace: Workspace) -> None:
    """Update the state so that it matches the resources."""
    _change(workspace, "refresh")


def destroy(workspace: Workspace) -> None:
    """Delete every resource of the stack."""
    _change(workspace, "destroy")
    if not (workspace.args.preview_only or workspace.args.target or workspace.args.json):
        workspace.print(
            "The resources in the stack have been deleted, but the history and configuration associated with the stack are still "
            f"maintained. \nIf you want to remove the stack completely, run `{workspace.command('stack rm')}`."
        )


def _change(workspace: Workspace, verb: Verb) -> None:
    args = workspace.args
    if args.preview_only:
        with interruptible(workspace) as interrupts:
            _Command(workspace, verb, interrupts).preview(expect=args.expect_no_changes)
        return
    if not (workspace.interactive or workspace.confirmed or args.skip_preview):
        raise ConfirmationError(
            "--yes or --skip-preview or --preview-only must be passed in to proceed when running in non-interactive mode"
        )
    with exclusive(workspace) as interrupts:
        work = _Command(workspace, verb, interrupts)
        if not args.skip_preview:
            work.preview(expect=False)
            with interrupts.asking():
                agreed = workspace.confirm(f"Do you want to perform this {_NAMES[verb]}?")
            if not agreed:
                raise CancelledError(f"confirmation declined, not proceeding with the {_NAMES[verb]}")
        work.change()


class _Command:
    """One command on a stack: the preview and the run, with the same options."""

    def __init__(self, workspace: Workspace, verb: Verb, interrupts: Interrupts) -> None:
        """Opens the configuration, the secrets and the state."""
        self._workspace, self._verb, self._interrupts = workspace, verb, interrupts
        self._save_error: OSError | None = None
        self._config: StoredConfig = completed(workspace.settings.config, workspace.project)
        secrets = workspace.secrets
        if verb == "up":
            check_config(self._config, workspace.project, workspace.ref.name, secrets.decrypt)
        self._seal = Seal(secrets.encrypt, workspace.state_secrets.decrypt)
        self._snapshot = self._opened_state()
        self._options = self._run_options()

    def _opened_state(self) -> Deployment:
        workspace = self._workspace
        secrets_provider = {"type": "passphrase", "state": workspace.secrets.state()}
        try:
            found = Deployment.from_json({**(workspace.state or {}), "secrets_providers": secrets_provider}, self._seal)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            path = workspace.backend.state_file(workspace.ref)
            raise EngineError(f"failed to load checkpoint {path}: {error!r}; restore it from {path.name}.bak") from None
        if workspace.state_secrets is not workspace.secrets:
            # The state was encrypted with another salt; from now on it uses the salt of the settings.
            self._seal.forget()
        return found

    def _run_options(self) -> RunOptions:
        workspace, args = self._workspace, self._workspace.args
        packs, configs = getattr(args, "policy_pack", []), getattr(args, "policy_pack_config", [])
        if configs and len(configs) != len(packs):
            raise UsageError("the number of --policy-pack-config flags must match the number of --policy-pack flags")
        asked = getattr(args, "refresh", None)
        return RunOptions(
            verb=self._verb,
            project=workspace.project,
            stack=workspace.ref.name,
            config={key: config_value(value, workspace.secrets.decrypt) for key, value in self._config.items()},
            env=workspace.environment,
            parallel=_parallel(workspace),
            refresh=asked == "true" if asked else workspace.project.options_refresh_always,
            targets=tuple(args.target),
            policy_packs=tuple(
                PolicyPackRef(workspace.cwd / pack, workspace.cwd / configs[number] if configs else None)
                for number, pack in enumerate(packs)
            ),
            continue_on_error=args.continue_on_error,
            invocation=workspace.invocation,
            stack_outputs=lambda name: stack_outputs(workspace.backend, workspace.project.name, workspace.environment, name),
        )

    def preview(self, *, expect: bool) -> None:
        """Runs without changing anything; `expect` True makes a change an error."""
        outcome = self._run(dry_run=True)
        if expect and _changes(outcome):
            raise ChangesFoundError("no changes were expected for preview but changes were proposed")

    def change(self) -> None:
        """Runs, saves the state after every step, and adds an entry to the history."""
        workspace = self._workspace
        start = workspace.nanoseconds() // 10**9
        try:
            outcome = self._run(dry_run=False)
        except _FailedRunError as error:
            self._add_to_history(start, error.outcome, succeeded=False)
            raise
        except EngineError:
            self._add_to_history(start, None, succeeded=False)
            raise
        self._add_to_history(start, outcome, succeeded=True)
        if workspace.args.expect_no_changes and _changes(outcome):
            raise ChangesFoundError(f"no changes were expected for {_NAMES[self._verb]} but changes occurred")

    def _add_to_history(self, start: int, outcome: Outcome | None, *, succeeded: bool) -> None:
        """Add this run to the history; the run itself does not depend on it."""
        workspace = self._workspace
        nanoseconds = workspace.nanoseconds()
        update = UpdateInfo(
            verb=self._verb,
            start=start,
            end=nanoseconds // 10**9,
            succeeded=succeeded,
            config={key: written(value) for key, value in self._config.items()},
            changes=outcome.changes if outcome else {},
            environment={"exec.kind": "cli", "pulumi.version": "sandbox.engine"},
            message=workspace.args.message,
        )
        try:
            add_to_history(workspace.backend, workspace.ref, update, nanoseconds)
        except OSError as error:
            workspace.warn(
                f"this run is missing from the history: {error.strerror} in {workspace.backend.folder('history', workspace.ref)}"
            )

    def _run(self, *, dry_run: bool) -> Outcome:
        """One run of the engine, with its display, its event log and the handling of Ctrl-C. Raises `_FailedRunError` if it failed."""
        workspace = self._workspace
        self._rendering = Rendering(self._seal)
        display = open_display(workspace, self._verb, dry_run=dry_run)
        with _event_log(workspace) as log, self._interrupts.shown_by(display):
            stream = Stream(display, log, workspace.nanoseconds)
            try:
                outcome = run(
                    dataclasses.replace(self._options, dry_run=dry_run),
                    self._snapshot,
                    on_event=stream.send,
                    save=None if dry_run else self._save,
                    cancel=self._interrupts.token,
                )
            except OSError as error:
                if error is not self._save_error:
                    raise
                raise unwritable(workspace.backend, workspace.ref, error) from None
            finally:
                stream.close()
        if not outcome.succeeded:
            raise _FailedRunError(outcome)
        return outcome

    def _save(self, deployment: Deployment) -> None:
        try:
            self._workspace.backend.save(self._workspace.ref, self._rendering.text(deployment))
        except OSError as error:
            self._save_error = error
            raise


class _FailedRunError(ReportedError):
    """The run failed, or was cancelled; its events have reported the reason."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__("the run failed")
        self.outcome = outcome
        if outcome.cancelled:
            self.exit_code = EXIT_CANCELLED


def _changes(outcome: Outcome) -> bool:
    return any(count for operation, count in outcome.changes.items() if operation not in _UNCHANGING)


def _parallel(workspace: Workspace) -> int:
    asked = workspace.args.parallel or workspace.environment.get("PULUMI_PARALLEL")
    if asked is None:
        return 4 * (os.cpu_count() or 1)
    if not str(asked).isdecimal():
        raise UsageError(f"--parallel {asked}: it must be a number of at least 1")
    return max(1, int(asked))


@contextlib.contextmanager
def _event_log(workspace: Workspace) -> Iterator[TextIO | None]:
    name = workspace.args.event_log
    if name is None:
        yield None
        return
    path = Path(name) if Path(name).is_absolute() else Path.cwd() / name
    try:
        log = path.open("w", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"could not create the event log {path}: {error.strerror}") from None
    try:
        yield log
    finally:
        # A full disk was already reported when the event was written.
        with contextlib.suppress(OSError):
            log.close()
