"""The project, backend, stack, settings and secrets of one command, each opened when first needed."""

from __future__ import annotations

import os
import select
import shlex
import shutil
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from sandbox.engine.errors import ConfirmationError, StackNotFoundError, UsageError
from sandbox.engine.project.project_file import Project, load_project
from sandbox.engine.project.secrets import (
    PassphraseSecrets,
    SecretsError,
    new_passphrase_secrets,
    open_passphrase_secrets,
    passphrase_from,
)
from sandbox.engine.project.selection import Selection
from sandbox.engine.project.stack_settings import StackSettings
from sandbox.engine.state.backend import BackendError, FileBackend, StackRef, parse_stack_ref

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping


@dataclass
class Workspace:
    """The environment of one command. All external input is an argument, so tests can pass their own."""

    args: argparse.Namespace
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    stdin: TextIO = field(default_factory=lambda: sys.stdin)
    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)
    nanoseconds: Callable[[], int] = time.time_ns
    invocation: str = field(default_factory=lambda: invocation("sandbox.engine"))  # how this engine is started, for remedies

    @cached_property
    def cwd(self) -> Path:
        """The folder the command works in."""
        folder = Path(self.args.cwd or ".").resolve()
        if not folder.is_dir():
            raise UsageError(f"--cwd {self.args.cwd}: the folder does not exist")
        return folder

    @cached_property
    def project(self) -> Project:
        """The project of the folder."""
        return load_project(self.cwd, self.environment)

    @cached_property
    def backend(self) -> FileBackend:
        """Where the state is kept."""
        return FileBackend.from_environment(self.environment, self.project.backend_url, self.cwd)

    @cached_property
    def selection(self) -> Selection:
        """Which stack is selected."""
        return Selection(self.project, self.environment)

    @cached_property
    def ref(self) -> StackRef:
        """The existing stack of the command: `--stack`, then `PULUMI_STACK`, then the selected stack.

        Raises:
            StackNotFoundError: no stack is named, or it does not exist.
        """
        name = self.args.stack or self.environment.get("PULUMI_STACK")
        if name:
            return self.existing(name)
        selected = self.selection.get(self.backend.url)
        if selected is not None:
            ref = parse_stack_ref(selected, self.project.name)
            if self.backend.exists(ref):
                return ref
        raise StackNotFoundError("no stack selected; please use `stack select` or `stack init` to choose one, or --stack")

    def existing(self, name: str) -> StackRef:
        """The stack with a name.

        Raises:
            StackNotFoundError: it does not exist.
        """
        ref = parse_stack_ref(name, self.project.name)
        if not self.backend.exists(ref):
            raise StackNotFoundError(f"no stack named '{name}' found; `stack ls` lists the existing stacks, `stack init {name}` creates it")
        return ref

    def settings_path(self, ref: StackRef) -> Path:
        """The settings file of a stack: `--config-file`, otherwise `Pulumi.<stack>.yaml` beside Pulumi.yaml (or in its stackConfigDir)."""
        given = self.args.config_file
        if given:
            return self.cwd / str(given)
        return self.project.settings_file(ref.name)

    @cached_property
    def settings(self) -> StackSettings:
        """The stack's settings."""
        return StackSettings(self.settings_path(self.ref), self.project.name)

    @cached_property
    def state(self) -> dict[str, Any] | None:
        """The stack's deployment as the checkpoint holds it."""
        return self.backend.load(self.ref)

    @cached_property
    def secrets(self) -> PassphraseSecrets:
        """The stack's secrets manager, from its settings, then its state, or a new one. It is not added to the settings: see `keep_salt`.

        Raises:
            SecretsError: no passphrase, or a wrong one.
        """
        salt = self.settings.encryption_salt or state_salt(self.state)
        passphrase = passphrase_from(self.environment)
        return open_passphrase_secrets(passphrase, salt) if salt else new_passphrase_secrets(passphrase)

    def keep_salt(self) -> None:
        """Adds the secrets manager's salt to settings without one: for a new stack, and with the first secret there.

        No other command does: the state has the salt too, and a run must not change a file that is under version control.
        """
        if self.settings.encryption_salt is None:
            self.settings.encryption_salt = self.secrets.state()["salt"]
            self.settings.save()

    @cached_property
    def state_secrets(self) -> PassphraseSecrets:
        """The secrets manager of the state: usually the stack's own; a different one after an import from another stack."""
        salt = state_salt(self.state)
        if salt is None or salt == self.secrets.state()["salt"]:
            return self.secrets
        return open_passphrase_secrets(passphrase_from(self.environment), salt)

    def command(self, verb: str) -> str:
        """The command line of another verb for this stack, as the user can enter it."""
        place = f" --cwd {shlex.quote(self.args.cwd)}" if self.args.cwd else ""
        return f"{self.invocation} {verb} --stack {self.ref.name}{place}"

    @property
    def interactive(self) -> bool:
        """Whether a user can answer questions."""
        return not self.args.non_interactive and self.stdin.isatty() and self.stdout.isatty()

    @property
    def confirmed(self) -> bool:
        """Whether `--yes` or its environment variable is set."""
        return self.args.yes or self.environment.get("PULUMI_SKIP_CONFIRMATIONS", "").lower() in ("1", "true")

    def print(self, text: str = "") -> None:
        """Print a line to the standard output."""
        self.stdout.write(f"{text}\n")

    def warn(self, text: str) -> None:
        """Print a warning to the error output."""
        self.stderr.write(f"warning: {text}\n")

    def confirm(self, question: str, expected: str = "yes") -> bool:
        """Whether the user agrees: by `--yes`, or by typing `expected`.

        Raises:
            ConfirmationError: there is no terminal to ask on.
        """
        if self.confirmed:
            return True
        if not self.interactive:
            raise ConfirmationError("--yes must be passed in to proceed when running in non-interactive mode")
        self.stdout.write(f"{question} Type `{expected}` to continue: ")
        self.stdout.flush()
        _wait_for_line(self.stdin)
        return self.stdin.readline().strip() == expected

    def now(self) -> str:
        """The current time as RFC 3339 with nanoseconds, as Pulumi writes it."""
        nanoseconds = self.nanoseconds()
        moment = datetime.fromtimestamp(nanoseconds // 10**9, UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds % 10**9:09}Z"

    def save_state(self, deployment: str | None) -> None:
        """Replaces the stack's state with a deployment (JSON text).

        Raises:
            BackendError: it can't be written; the previous state is unchanged.
        """
        try:
            self.backend.save(self.ref, deployment)
        except OSError as error:
            raise unwritable(self.backend, self.ref, error) from None


def _wait_for_line(terminal: TextIO) -> None:
    """Wait until a line was typed, or a signal has come.

    Python handles a signal between two of its own steps: one that comes right before it begins to read would only be seen after the line.
    """
    if threading.current_thread() is not threading.main_thread():
        return  # Python handles signals in the main thread alone
    typed, (ours, theirs) = terminal.fileno(), os.pipe()
    os.set_blocking(theirs, False)
    before = signal.set_wakeup_fd(theirs)
    try:
        while typed not in select.select([typed, ours], [], [])[0]:
            os.read(ours, 1)  # a signal came, and its handler has not ended the question
    finally:
        signal.set_wakeup_fd(before)
        os.close(ours)
        os.close(theirs)


def invocation(module: str) -> str:
    """How this interpreter runs a module, as short as it can be entered in this folder."""
    python = Path(sys.executable)
    if shutil.which("python") == str(python):
        python = Path("python")
    elif python.is_relative_to(Path.cwd()):
        python = python.relative_to(Path.cwd())
    return f"{shlex.quote(str(python))} -m {module}"


def unwritable(backend: FileBackend, ref: StackRef, error: OSError) -> BackendError:
    """The error for a state that can't be written."""
    path = backend.state_file(ref)
    return BackendError(
        f"could not save the state {path}: {error.strerror}; the previous state is unchanged: free space or fix permissions, then run again"
    )


def state_salt(state: Mapping[str, Any] | None) -> str | None:
    """The salt in a deployment's `secrets_providers`.

    Raises:
        SecretsError: the state uses a secrets provider other than passphrase.
    """
    provider = (state or {}).get("secrets_providers") or {}
    if not provider:
        return None
    if provider.get("type") != "passphrase":
        raise SecretsError(
            f"the state uses the secrets provider {provider.get('type')!r}, but this engine supports only passphrase: "
            "change it with Pulumi's CLI (`pulumi stack change-secrets-provider passphrase`)"
        )
    salt = (provider.get("state") or {}).get("salt")
    return salt if isinstance(salt, str) else None
