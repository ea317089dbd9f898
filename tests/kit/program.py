"""The program as a user has it: a copy in a folder of its own, deployed by `python -m sandbox` to a local Azure of its own."""

import base64
import io
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx

from sandbox.commands import main as sandbox
from tests.kit.control_port import control
from tests.kit.embedded_engine import PATIENCE, engine, interrupted_if_it_hangs
from tests.kit.local_azure import Hub, LocalAzure
from tests.kit.repository import ROOT
from tests.kit.warm_start import warm_children, warm_sandbox

_SETTINGS = "stacks/Pulumi.sandbox.yaml"
_PROVISIONING = {f"hubtrust:{name}" for name in ("provisioning", "dpsOperators", "enrollmentGroups", "enrollmentCanary")}
_PROGRAM = ("Pulumi.yaml", "__main__.py", "settings")


@dataclass
class Program:
    """A folder with the program, and the output of its last run (``said``)."""

    folder: Path
    engine: str
    printed: str = ""
    provisioning: bool = False
    """Whether its stack has the committed provisioning service. Most tests are about something else, and faster without it."""

    @property
    def home(self) -> Path:
        """The sandbox's own files."""
        return self.folder / ".sandbox"

    def sandbox(self, *arguments: str) -> int:
        """Run `python -m sandbox …`; returns the exit code."""
        result = subprocess.run(
            [*warm_sandbox(), *arguments],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        self.printed = result.stdout + result.stderr
        return result.returncode

    def run(self, verb: str, *arguments: str) -> int:
        """Run a verb with the program's engine; returns the exit code.

        The embedded engine runs in this process, which saves a second of imports. Local Azure, plugins and the program have processes of
        their own, as always.
        """
        asked = (verb, "--engine", self.engine, *arguments)
        if self.engine == "pulumi":
            return self.sandbox(*asked)
        if not (self.home / "azure.json").exists() and self.sandbox("up", "--no-program") != 0:
            return 1
        printed = io.StringIO()
        with self._as_own_process(), warm_children(), interrupted_if_it_hangs(), redirect_stdout(printed), redirect_stderr(printed):
            code = sandbox(asked)
        self.printed = printed.getvalue()
        return code

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "AZURE_", "ARM_"))}
        own = {"PYTHONPATH": str(ROOT), "SANDBOX_HOME": str(self.home), "NO_COLOR": "1", "TMPDIR": str(self.temporary)}
        return {**inherited, **own}

    @contextmanager
    def _as_own_process(self) -> Iterator[None]:
        """The folder and the environment that a process of its own would have."""
        with chdir(self.folder), patch.dict(os.environ, self._environment(), clear=True), patch.object(tempfile, "tempdir", None):
            yield

    def up(self, *arguments: str) -> None:
        """Deploy it; this must succeed."""
        assert self.run("up", *arguments) == 0, self.printed

    @property
    def temporary(self) -> Path:
        """The folder for temporary files of all its processes."""
        folder = self.folder.parent / "temporary"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def ready(self) -> dict[str, Any]:
        """The running local Azure's addresses."""
        found: dict[str, Any] = json.loads((self.home / "azure.json").read_text())
        return found

    def engine_says(self, *arguments: str, stdin: str | None = None) -> str:
        """What the embedded engine prints about the stack; both engines share the state. It runs in this process, which is faster."""
        environment = {
            **os.environ,
            "PULUMI_BACKEND_URL": f"file://{self.home / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.home / "passphrase"),
            "PULUMI_HOME": str(self.home / "pulumi"),
        }
        done = engine([*arguments, "--stack", "sandbox", "--cwd", str(self.folder)], environment, stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def outputs(self) -> dict[str, Any]:
        """`stack output --json`."""
        found: dict[str, Any] = json.loads(self.engine_says("stack", "output", "--json"))
        return found

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Use the control port."""
        return control(self.ready, method, path, body).raise_for_status().json()

    def configure(self, **values: Any) -> None:
        """Set the stack's settings to the committed ones with these changes. A name without a namespace belongs to the project."""
        given = {name if ":" in name else f"hubtrust:{name}": json.dumps(value) for name, value in values.items()}
        names = {*given, *(() if self.provisioning else _PROVISIONING)}
        committed = (ROOT / _SETTINGS).read_text().splitlines()
        kept = [line for line in committed if line.strip().partition(": ")[0] not in names]
        (self.folder / _SETTINGS).write_text("\n".join((*kept, *(f"  {name}: {value}" for name, value in given.items()), "")))

    def configure_secret(self, name: str, value: str) -> None:
        """Set a key with `config set --secret`, from stdin; the stack must exist."""
        copy = self.home / "Pulumi.sandbox.yaml"
        copy.write_text((self.folder / _SETTINGS).read_text() + self.salt)
        self.engine_says("config", "set", "--secret", name, "--config-file", str(copy), stdin=value)
        shutil.copy(copy, self.folder / _SETTINGS)

    @property
    def salt(self) -> str:
        """The settings' line with the encryption salt."""
        lines = (self.home / "Pulumi.sandbox.yaml").read_text().splitlines()
        return next(line for line in lines if line.startswith("encryptionsalt:")) + "\n"

    @contextmanager
    def azure(self) -> Iterator[LocalAzure]:
        """A client of the tests' own, which inspects and changes local Azure."""
        trust = ssl.create_default_context(cafile=self.ready["ca_file"])
        with httpx.Client(base_url=self.ready["arm"], verify=trust, trust_env=False, timeout=120) as client:
            azure = LocalAzure(self.ready, client)
            azure.log_in()
            yield azure

    def hub(self, azure: LocalAzure) -> Hub:
        """The program's hub, for that client."""
        found = self.outputs()
        group = f"/subscriptions/{self.ready['subscription_id']}/resourceGroups/{found['resourceGroupName']}"
        return Hub(azure, f"{group}/providers/Microsoft.Devices/IotHubs/{found['hubName']}")


def copied(folder: Path, *more: str, environment: Path = Path(sys.prefix)) -> Path:
    """Create ``folder`` with a copy of the program and of ``more`` paths of this repository, to run in ``environment``."""
    folder.mkdir()
    for part in (*_PROGRAM, *more):
        (folder / part).parent.mkdir(exist_ok=True)
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part)  # with what is compiled of it: Python compares the times of both
        else:
            shutil.copy(ROOT / part, folder / part)
    (folder / ".venv").symlink_to(environment)
    return folder


@contextmanager
def program(folder: Path, engine: str, *, provisioning: bool = False) -> Iterator[Program]:
    """A copy of the program under ``folder``; its processes are stopped at the end. See ``Program.provisioning``."""
    created = Program(copied(folder / "program", _SETTINGS), engine, provisioning=provisioning)
    if not provisioning:
        created.configure()
    try:
        yield created
    finally:
        created.sandbox("stop")


def pem_of(found: dict[str, Any]) -> str:
    """The PEM of a certificate as the hub shows it."""
    return base64.b64decode(found["properties"]["certificate"]).decode()
