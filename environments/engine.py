"""The engine that has the stacks: Pulumi's CLI, or the embedded engine if there is no CLI."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import EnvironmentRefusedError

_EMBEDDED = (sys.executable, "-m", "sandbox.engine")


@dataclass(frozen=True)
class Engine:
    """Run by its commands; backend and passphrase come from the environment variables, as usual."""

    folder: Path
    command: tuple[str, ...]

    @classmethod
    def choose(cls, folder: Path, wanted: str) -> Engine:
        """`auto` is the `pulumi` on PATH if there is one, otherwise the embedded engine.

        Raises:
            EnvironmentRefusedError: `pulumi` is wanted but not on PATH.
        """
        found = shutil.which("pulumi")
        if wanted == "pulumi" and not found:
            raise EnvironmentRefusedError("`pulumi` is not on PATH: install Pulumi's CLI, or use --engine embedded")
        return cls(folder, (found,) if found and wanted != "embedded" else _EMBEDDED)

    @property
    def name(self) -> str:
        """How a user enters a command of it in the project's folder, whatever Python is on PATH."""
        if self.command != _EMBEDDED:
            return "pulumi"
        python = Path(sys.executable)
        shown = python.relative_to(self.folder) if python.is_relative_to(self.folder) else python
        return f"{shlex.quote(str(shown))} -m sandbox.engine"

    def stacks(self) -> set[str]:
        """The names of the stacks of this project in the backend."""
        return {str(each["name"]).rpartition("/")[2] for each in json.loads(self._run("stack", "ls", "--json"))}

    def resources(self, stack: str) -> list[dict[str, Any]]:
        """The resources in the state of a stack; secrets stay encrypted."""
        deployment = json.loads(self._run("stack", "export", "--stack", stack))["deployment"]
        found: list[dict[str, Any]] = (deployment or {}).get("resources") or []
        return found

    def create_stack(self, stack: str, secrets_provider: str | None) -> None:
        """Create a stack without selecting it; the engine writes its encryption salt or key to its settings file."""
        provider = ("--secrets-provider", secrets_provider) if secrets_provider else ()
        self._run("stack", "init", stack, "--no-select", *provider)

    def _run(self, *arguments: str) -> str:
        result = subprocess.run(
            [*self.command, *arguments, "--non-interactive"], cwd=self.folder, capture_output=True, text=True, check=False, encoding="utf-8"
        )
        if result.returncode:
            printed = (result.stderr or result.stdout).strip().splitlines() or ["it printed nothing"]
            reason = next((line for line in printed if line.startswith("error:")), printed[-1]).removeprefix("error:").strip()
            raise EnvironmentRefusedError(f"`{' '.join((self.name, *arguments))}` failed: {reason}")
        return result.stdout
