"""The selected stack of a project, stored where Pulumi stores it: `$PULUMI_HOME/workspaces`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.engine.errors import EngineError
from sandbox.engine.values.atomic_file import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.engine.project.project_file import Project


class Selection:
    """The selected stack of one project, for each backend."""

    def __init__(self, project: Project, environment: Mapping[str, str]) -> None:
        home = environment.get("PULUMI_HOME")
        folder = Path(home) if home else Path(environment.get("HOME", "~")).expanduser() / ".pulumi"
        digest = hashlib.sha1(str(project.file).encode(), usedforsecurity=False).hexdigest()
        self._path = folder / "workspaces" / f"{project.name}-{digest}-workspace.json"

    def get(self, backend_url: str) -> str | None:
        """The full name of the stack selected for a backend, or None."""
        found = self._read().get("stacks", {}).get(backend_url)
        return found if isinstance(found, str) else None

    def set(self, backend_url: str, full_name: str | None) -> None:
        """Selects a stack, or none.

        Raises:
            EngineError: the workspace file can't be written.
        """
        content = self._read()
        stacks = {key: value for key, value in content.get("stacks", {}).items() if key != backend_url}
        if full_name is not None:
            stacks[backend_url] = full_name
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, json.dumps({**content, "stacks": stacks}, indent=4).encode(), durable=False)
        except OSError as error:
            raise EngineError(
                f"could not remember the selected stack in {self._path}: {error.strerror}; set PULUMI_HOME to a folder that can be "
                "written to, or name the stack with --stack"
            ) from None

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) and isinstance(content.get("stacks", {}), dict) else {}
