"""Runs the Pulumi program in the current folder against local Azure, with Pulumi's CLI or the embedded engine."""

from __future__ import annotations

import io
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

from local_azure_iot.foreground import Foreground
from local_azure_iot.installation import Installation, InstallationError, environment
from sandbox.engine.errors import EXIT_CANCELLED
from sandbox.engine.project.project_file import ProjectError, load_project
from sandbox.plugins.installed import install_stand_ins

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SALT = re.compile(r"^encryptionsalt:.*\n?", re.MULTILINE)
# The outputs with a device that connects at the end of a run, and what it did then.
_CANARIES = {"connection": "connected", "enrollment": "had no entry, enrolled and connected"}
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
            InstallationError: There is no readable Pulumi.yaml.
        """
        try:
            return load_project(self.folder).settings_file(self.stack)
        except ProjectError as error:
            raise InstallationError(str(error)) from None

    @property
    def settings_copy(self) -> Path:
        """The copy of the settings, to which an engine may add the salt of the stack's secrets."""
        return self.installation.home / f"Pulumi.{self.stack}.yaml"

    def run(self, verb: str, ready: dict[str, Any], arguments: tuple[str, ...] = ()) -> int:
        """Run `preview`, `up`, `refresh` or `destroy` with output to the terminal; returns the engine's exit code.

        Raises:
            InstallationError: The stack can't be created.
        """
        variables = self._environment(ready)
        self._prepare(variables)
        flags = ("--stack", self.stack, "--config-file", str(self.settings_copy), *arguments)
        confirmed = () if verb == "preview" else ("--yes", "--skip-preview")
        return self._call((verb, *flags, *confirmed), variables)

    def command(self, arguments: tuple[str, ...], ready: dict[str, Any] | None) -> int:
        """Run any command of the engine on this stack, with output to the terminal; returns its exit code.

        Without a local Azure (``ready``) only commands succeed that work on the state. The settings file of the stack stays as it is.
        """
        kept = ("--preserve-config",) if arguments[:1] == ("stack",) and {"rm", "remove"} & {*arguments[1:2]} else ()
        return self._call((*arguments, *kept), self._environment(ready) | {"PULUMI_STACK": self.stack})

    def outputs(self, ready: dict[str, Any] | None, engine: str | None = None) -> dict[str, Any]:
        """The stack's outputs, as its engine, or another one, reads them.

        Raises:
            InstallationError: The engine can't read them.
        """
        command = ("stack", "output", "--json", "--stack", self.stack)
        return dict(json.loads(self._asked(command, self._environment(ready), engine or self.engine, "its outputs can't be read")))

    def last_connections(self) -> dict[str, str | None]:
        """When each canary last connected, by the stack's outputs; empty if it never did, None if nobody can say."""
        if not self.exists():
            return dict.fromkeys(_CANARIES, "")
        try:
            # Both engines have the same state, and the embedded one reads it without a process of its own.
            found = self.outputs(None, "embedded")
        except InstallationError:
            return dict.fromkeys(_CANARIES)
        return {name: str((found.get(name) or {}).get("connectedAt") or "") for name in _CANARIES}

    def is_empty(self) -> bool:
        """Whether the state has neither resources nor operations that were interrupted."""
        exported = self._asked(("stack", "export", "--stack", self.stack), self._environment(None), "embedded", "its state can't be read")
        deployment = json.loads(exported)["deployment"] or {}
        return not deployment.get("resources") and not deployment.get("pending_operations")

    def exists(self) -> bool:
        """Whether the stack exists in this sandbox."""
        return self.settings_copy.exists() and any((self.installation.home / "state").glob(f".pulumi/stacks/*/{self.stack}.json"))

    def variables(self) -> dict[str, str]:
        """The variables that point an engine at this sandbox's state; for use together with `installation.environment`."""
        home = self.installation.home
        (home / "state").mkdir(parents=True, exist_ok=True)  # without it an engine has nowhere to create a stack
        install_stand_ins(home / "pulumi")
        return {
            "PULUMI_BACKEND_URL": f"file://{home / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self._passphrase()),
            "PULUMI_HOME": str(home / "pulumi"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def _environment(self, ready: dict[str, Any] | None) -> dict[str, str]:
        # The stand-in plugins come first on PATH, so that Pulumi's CLI downloads none either.
        path = os.pathsep.join((str(_PLUGINS), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
        inherited = {name: value for name, value in os.environ.items() if name != "PULUMI_CONFIG_PASSPHRASE"}
        return {**inherited, **(environment(ready) if ready else {}), **self.variables(), "PATH": path}

    def _prepare(self, variables: dict[str, str]) -> None:
        """Create the stack if needed, and copy the committed settings, keeping the salt of the existing copy."""
        if not self.settings.exists():
            raise InstallationError(
                f"stack '{self.stack}' has no settings: {self.settings.name} is not in {self.settings.parent}; "
                "create it, or use another --stack"
            )
        known = _SALT.search(self.settings_copy.read_text(encoding="utf-8")) if self.settings_copy.exists() else None
        committed = self.settings.read_text(encoding="utf-8")
        salt = known.group() if known and not _SALT.search(committed) else ""
        self.settings_copy.write_text(f"{committed.rstrip()}\n{salt}", encoding="utf-8")
        if self.exists():
            return
        # The embedded engine creates the stack for both: Pulumi's own `stack init` writes the salt into the committed settings.
        command = ("stack", "init", self.stack, "--config-file", str(self.settings_copy), "--non-interactive")
        self._asked(command, variables, "embedded", "it can't be created")

    def _call(self, arguments: Sequence[str], variables: dict[str, str]) -> int:
        """Run a command with output to the terminal. The embedded engine runs in this process: signals reach it, and nothing else."""
        if self.engine == "pulumi":
            return run_cli(["pulumi", *arguments], variables, self.folder)
        from sandbox.engine.cli.main import main
        from sandbox.engine.cli.workspace import invocation

        return main(arguments, environment=variables, invocation=f"{invocation('sandbox')} pulumi")

    def _asked(self, arguments: Sequence[str], variables: dict[str, str], engine: str, failure: str) -> str:
        """What a command prints.

        Raises:
            InstallationError: It fails.
        """
        if engine == "pulumi":
            result = subprocess.run(
                ["pulumi", *arguments], cwd=self.folder, env=variables, check=False, capture_output=True, text=True, encoding="utf-8"
            )
            code, out, err = result.returncode, result.stdout, result.stderr
        else:
            from sandbox.engine.cli.main import command

            printed, errors = io.StringIO(), io.StringIO()
            code = command(arguments, environment=variables, stdin=io.StringIO(), stdout=printed, stderr=errors)
            out, err = printed.getvalue(), errors.getvalue()
            if code == EXIT_CANCELLED:  # by Ctrl-C: it asks nothing
                raise KeyboardInterrupt
        if code:
            raise InstallationError(f"stack '{self.stack}': {failure}: {err.strip().removeprefix('error: ')}")
        return out

    def _passphrase(self) -> Path:
        path = self.installation.home / "passphrase"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(secrets.token_urlsafe(32))
        return path


def run_cli(command: Sequence[str], variables: Mapping[str, str], folder: Path) -> int:
    """Run Pulumi's CLI, which ends in its own time after Ctrl-C; returns its exit code.

    Raises:
        CommandError: It can't be started.
    """
    foreground = Foreground()
    with foreground.signals():
        return foreground.run(command, variables, folder)


def choose_engine(wanted: str) -> str:
    """Resolve `auto` to `pulumi` if it is on PATH, otherwise to the embedded engine.

    Raises:
        InstallationError: `pulumi` is requested but not on PATH.
    """
    found = shutil.which("pulumi")
    if wanted == "pulumi" and not found:
        raise InstallationError("`pulumi` is not on PATH; install Pulumi's CLI, or use --engine embedded")
    if wanted == "auto":
        return "pulumi" if found else "embedded"
    return wanted


def summary(outputs: dict[str, Any], connected_before: Mapping[str, str | None]) -> list[str]:
    """The lines shown after `up`: the hub, what it trusts and how that was verified, its devices, and one that enrolled.

    ``connected_before`` has, by output, when its canary had last connected before this run; None if that is not known.
    """
    lines = []
    if outputs.get("hubHostName"):
        lines.append(f"hub     {outputs['hubHostName']}  (resource group {outputs.get('resourceGroupName')})")
    for trusted in outputs.get("trust") or []:
        lines.append(f"trusts  {_how_trusted(trusted)}")
        if trusted.get("thumbprint"):  # there is no certificate yet while a certificate request waits for its answer
            lines.append(f"        thumbprint {trusted['thumbprint']}, until {trusted['notAfter']}")
    devices, provisioning = outputs.get("devices") or {}, outputs.get("provisioning") or {}
    if provisioning.get("idScope"):
        lines.append(f"enrols  at {provisioning['host']}, id scope {provisioning['idScope']}")
        lines += [f"        below {_how_trusted(trusted)}" for trusted in provisioning.get("trust") or []]
        lines += [f"        not in group {name}: {_how_revoked(state)}" for name, state in _not_enabled(provisioning)]
    if devices.get("count"):
        lines.append(f"devices {devices['count']:,} ({devices['enabled']:,} enabled)")
    for name, done in _CANARIES.items():
        connection = outputs.get(name) or {}
        if connection.get("device"):
            lines.append(f"device {connection['device']} {_how_connected(connection, connected_before[name], done)}")
    return lines


def _not_enabled(provisioning: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(name, state) for name, state in (provisioning.get("groups") or {}).items() if state.get("status") != "enabled"]


def _how_revoked(state: dict[str, Any]) -> str:
    """What became of the devices of a group in which none enrols."""
    if state["status"] != "disabled":
        return "it waits for its CA's certificate"
    left = state.get("left") or []
    others = f", and {len(left)} {'is' if len(left) == 1 else 'are'} NOT: {left[0]}" if left else ""
    return f"it is disabled; {state.get('revoked', 0)} of its devices are disabled on their hubs{others}"


def _how_trusted(trusted: dict[str, Any]) -> str:
    """A CA, and how possession of its key was shown."""
    how = f"verified, proof: {trusted.get('proof')}" if trusted.get("verified") else f"NOT verified: {trusted.get('state')}"
    how = "verified by possession" if trusted.get("proof") == "possession" else how
    return f"{trusted.get('subject') or trusted['name']}, {how}"


def _how_connected(connection: dict[str, Any], before: str | None, done: str) -> str:
    """Whether the canary connected, and whether that was in this run."""
    if connection.get("state") != "connected":
        return f"not checked: {connection.get('reason')}"
    at = connection.get("connectedAt")
    if at is None or before is None:
        when = f"at {at}" if at else "at an unknown time"
    else:
        when = f"at {at} (not checked in this run)" if at == before else "now"
    return f"{done} {when}, chain: {connection['chain']}"
