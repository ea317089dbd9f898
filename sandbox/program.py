"""Runs the Pulumi program in the current folder against local Azure, with Pulumi's CLI or the embedded engine."""

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
from typing import Any

from sandbox.engine.project.project_file import ProjectError, load_project
from sandbox.installation import Installation, SandboxError, environment

_SALT = re.compile(r"^encryptionsalt:.*\n?", re.MULTILINE)
_EMBEDDED = [sys.executable, "-m", "sandbox.engine"]
_PLUGINS = Path(__file__).parent / "plugins" / "bin"


@dataclass(frozen=True)
class Program:
    """A Pulumi program, one of its stacks, and the sandbox that it runs in.

    State, passphrase and a copy of the stack's settings are kept in the sandbox's home; tracked files are never changed.
    """

    folder: Path
    stack: str
    installation: Installation
    engine: str  # `pulumi` or `embedded`

    @property
    def settings(self) -> Path:
        """The stack's committed settings file, in the folder that Pulumi.yaml names for them.

        Raises:
            SandboxError: There is no readable Pulumi.yaml.
        """
        try:
            return load_project(self.folder).settings_file(self.stack)
        except ProjectError as error:
            raise SandboxError(str(error)) from None

    @property
    def settings_copy(self) -> Path:
        """The copy of the settings, to which an engine may add the salt of the stack's secrets."""
        return self.installation.home / f"Pulumi.{self.stack}.yaml"

    def run(self, verb: str, ready: dict[str, Any], arguments: tuple[str, ...] = ()) -> int:
        """Run `preview`, `up`, `refresh` or `destroy` with output to the terminal; returns the engine's exit code.

        Raises:
            SandboxError: The stack can't be created.
        """
        variables = self._environment(ready)
        self._prepare(variables)
        flags = ("--stack", self.stack, "--config-file", str(self.settings_copy), *arguments)
        confirmed = () if verb == "preview" else ("--yes", "--skip-preview")
        return subprocess.run([*self._engine(), verb, *flags, *confirmed], cwd=self.folder, env=variables, check=False).returncode

    def outputs(self, ready: dict[str, Any]) -> dict[str, Any]:
        """The stack's outputs.

        Raises:
            SandboxError: The engine can't read them.
        """
        command = [*self._engine(), "stack", "output", "--json", "--stack", self.stack]
        result = subprocess.run(command, cwd=self.folder, env=self._environment(ready), check=False, capture_output=True, text=True)
        if result.returncode:
            raise SandboxError(f"the outputs of stack '{self.stack}' can't be read: {result.stderr.strip()}")
        outputs: dict[str, Any] = json.loads(result.stdout)
        return outputs

    def exists(self) -> bool:
        """Whether the stack exists in this sandbox."""
        return self.settings_copy.exists() and any((self.installation.home / "state").glob(f".pulumi/stacks/*/{self.stack}.json"))

    def variables(self) -> dict[str, str]:
        """The variables that point an engine at this sandbox's state; for use together with `installation.environment`."""
        home = self.installation.home
        return {
            "PULUMI_BACKEND_URL": f"file://{home / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self._passphrase()),
            "PULUMI_HOME": str(home / "pulumi"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def _environment(self, ready: dict[str, Any]) -> dict[str, str]:
        (self.installation.home / "state").mkdir(parents=True, exist_ok=True)
        # The stand-in plugins come first on PATH, so that Pulumi's CLI downloads none either.
        path = os.pathsep.join((str(_PLUGINS), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
        inherited = {name: value for name, value in os.environ.items() if name != "PULUMI_CONFIG_PASSPHRASE"}
        return {**inherited, **environment(ready), **self.variables(), "PATH": path}

    def _prepare(self, variables: dict[str, str]) -> None:
        """Create the stack if needed, and copy the committed settings, keeping the salt of the existing copy."""
        if not self.settings.exists():
            raise SandboxError(
                f"stack '{self.stack}' has no settings: {self.settings.name} is not in {self.settings.parent}; "
                "create it, or use another --stack"
            )
        known = _SALT.search(self.settings_copy.read_text()) if self.settings_copy.exists() else None
        committed = self.settings.read_text()
        salt = known.group() if known and not _SALT.search(committed) else ""
        self.settings_copy.write_text(f"{committed.rstrip()}\n{salt}")
        if self.exists():
            return
        # The embedded engine creates the stack for both: Pulumi's own `stack init` writes the salt into the committed settings.
        command = [*_EMBEDDED, "stack", "init", self.stack, "--config-file", str(self.settings_copy), "--non-interactive"]
        result = subprocess.run(command, cwd=self.folder, env=variables, check=False, capture_output=True, text=True)
        if result.returncode:
            raise SandboxError(f"stack '{self.stack}' can't be created: {result.stderr.strip()}")

    def _engine(self) -> list[str]:
        return ["pulumi"] if self.engine == "pulumi" else _EMBEDDED

    def _passphrase(self) -> Path:
        path = self.installation.home / "passphrase"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(32))
        return path


def choose_engine(wanted: str) -> str:
    """Resolve `auto` to `pulumi` if it is on PATH, otherwise to the embedded engine.

    Raises:
        SandboxError: `pulumi` is requested but not on PATH.
    """
    found = shutil.which("pulumi")
    if wanted == "pulumi" and not found:
        raise SandboxError("`pulumi` is not on PATH; install Pulumi's CLI, or use --engine embedded")
    if wanted == "auto":
        return "pulumi" if found else "embedded"
    return wanted


def summary(outputs: dict[str, Any]) -> list[str]:
    """The lines shown after `up`: the hub, what it trusts and how that was verified, and its devices."""
    lines = []
    if outputs.get("hubHostName"):
        lines.append(f"hub     {outputs['hubHostName']}  (resource group {outputs.get('resourceGroupName')})")
    for trusted in outputs.get("trust") or []:
        how = f"verified, proof: {trusted.get('proof')}" if trusted.get("verified") else f"NOT verified: {trusted.get('state')}"
        how = "verified by possession" if trusted.get("proof") == "possession" else how
        lines.append(f"trusts  {trusted.get('subject') or trusted['name']}, {how}")
        if trusted.get("thumbprint"):  # there is no certificate yet while a certificate request waits for its answer
            lines.append(f"        thumbprint {trusted['thumbprint']}, until {trusted['notAfter']}")
    devices, connection = outputs.get("devices") or {}, outputs.get("connection") or {}
    if devices.get("count"):
        lines.append(f"devices {devices['count']:,} ({devices['enabled']:,} enabled)")
    if connection.get("device"):
        how = (
            f"connected, chain: {connection['chain']}"
            if connection.get("state") == "connected"
            else f"not checked: {connection.get('reason')}"
        )
        lines.append(f"device {connection['device']} {how}")
    return lines
