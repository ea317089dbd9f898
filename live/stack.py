"""The stack of one run: the program with settings of its own, its state in a folder of its own, and an engine that is a command."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hubtrust.azure.call_recording import VARIABLE
from live.errors import LiveRefusedError
from local_azure_iot.foreground import Foreground

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[1]
STACK = "live"
EMBEDDED = (sys.executable, "-m", "sandbox.engine")
_PROGRAM = ("Pulumi.yaml", "__main__.py", "settings")
_SALT = re.compile(r"^encryptionsalt:.*\n", re.MULTILINE)


@dataclass(frozen=True)
class Stack:
    """A stack in ``folder``, run by the command ``engine`` with these environment ``variables``.

    ``quiet``: what the engine prints goes to the file `engine.log` in the folder, not to the terminal.
    """

    folder: Path
    engine: Sequence[str]
    variables: Mapping[str, str]
    quiet: bool = False

    def create(self) -> None:
        """The folder, with a copy of the program, and the stack.

        Raises:
            LiveRefusedError: the engine can't create it.
        """
        (self.folder / "state").mkdir(parents=True)
        for part in _PROGRAM:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, self.folder / part)
        (self.folder / "stacks").mkdir()
        (self.folder / ".venv").symlink_to(sys.prefix)
        passphrase = os.open(self._passphrase, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(passphrase, secrets.token_urlsafe(32).encode())
        os.close(passphrase)
        code, said = self._ask("stack", "init", STACK)
        if code:
            raise LiveRefusedError("the stack of this run", f"it can't be created: {said}", "correct that, then run again")

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Write the stack's settings; a name without a namespace is the program's."""
        known = _SALT.search(self._settings.read_text(encoding="utf-8")) if self._settings.exists() else None
        lines = [f"  {name if ':' in name else f'hubtrust:{name}'}: {json.dumps(value)}" for name, value in settings.items()]
        self._settings.write_text("\n".join(("config:", *lines, known.group() if known else "")), encoding="utf-8")

    def run(self, verb: str, *flags: str, calls: Path) -> int:
        """Run `up` or `destroy`, with the calls recorded in a file; returns the engine's exit code."""
        command = [*self.engine, verb, "--stack", STACK, "--yes", "--skip-preview", *flags]
        variables = {**self._environment(), VARIABLE: str(calls)}
        if not self.quiet:
            foreground = Foreground()
            with foreground.signals():
                return foreground.run(command, variables, self.folder)
        with (self.folder / "engine.log").open("ab") as log:
            done = subprocess.run(command, cwd=self.folder, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)
        return done.returncode

    def release(self) -> None:
        """Take away the lock that an interrupted run of Pulumi's CLI may have left. The embedded engine takes over its own."""
        if tuple(self.engine) == ("pulumi",):
            self._ask("cancel", "--yes", "--stack", STACK)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs; empty if they can't be read."""
        code, said = self._ask("stack", "output", "--json", "--stack", STACK)
        return {} if code else dict(json.loads(said))

    def deployment(self) -> dict[str, Any] | None:
        """The state, without its secrets; None if it can't be read."""
        code, said = self._ask("stack", "export", "--stack", STACK)
        try:
            return None if code else dict(json.loads(said)["deployment"] or {})
        except (ValueError, KeyError, TypeError):
            return None

    @property
    def _settings(self) -> Path:
        return self.folder / "stacks" / f"Pulumi.{STACK}.yaml"

    @property
    def _passphrase(self) -> Path:
        return self.folder / "passphrase"

    def _ask(self, *arguments: str) -> tuple[int, str]:
        """The exit code of a command of the engine, and what it printed: its error if it fails."""
        done = subprocess.run(
            [*self.engine, *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            check=False,
            text=True,
            encoding="utf-8",
        )
        return done.returncode, (done.stderr.strip().removeprefix("error: ") if done.returncode else done.stdout)

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in self.variables.items() if name not in {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_STACK"}}
        own = {"PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}", "PULUMI_CONFIG_PASSPHRASE_FILE": str(self._passphrase)}
        return {**kept, **own, "PULUMI_SKIP_UPDATE_CHECK": "true", "PYTHONPATH": str(ROOT)}
