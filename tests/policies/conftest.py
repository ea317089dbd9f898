"""A stack of test resources that an engine checks with the policy pack."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.kit.embedded_engine import PATIENCE, engine
from tests.kit.prerequisites import need_pulumi
from tests.kit.repository import ROOT

PROGRAMS = Path(__file__).parent / "programs"


@dataclass
class HandMade:
    """A project with one stack, and the exit code and output of its last run."""

    folder: Path
    command: list[str]
    """Of an installed engine; none: the embedded one, in this process."""
    code: int = 0
    printed: str = ""
    plugins: Path | None = None
    """Plugins that are found before the stand-ins."""
    violations: dict[str, set[str]] = field(default_factory=dict)
    """The policies that each resource, by its name, violated in the last run."""

    def plan(self, resources: list[dict[str, Any]]) -> None:
        """Set the resources that the program declares."""
        (self.folder / "plan.json").write_text(json.dumps(resources))

    def configure(self, **settings: Any) -> None:
        """Set the pack's configuration."""
        (self.folder / "policies.json").write_text(json.dumps({name.replace("_", "-"): value for name, value in settings.items()}))

    def run(self, verb: str, *more: str) -> dict[str, set[str]]:
        """Run `up` or `preview` with the pack; returns the violated policies by level."""
        log = self.folder / f"{verb}.jsonl"
        flags = ["--policy-pack", str(self.folder / "policies"), "--policy-pack-config", str(self.folder / "policies.json")]
        self.call(verb, "--stack", "dev", *more, *flags, "--event-log", str(log))
        violated: dict[str, set[str]] = {"mandatory": set(), "advisory": set()}
        self.violations = {}
        for event in (json.loads(line) for line in log.read_text().splitlines() if line):
            if event_of_policy := event.get("policyEvent"):
                violated[event_of_policy["enforcementLevel"]].add(event_of_policy["policyName"])
                name = event_of_policy.get("resourceUrn", "").rpartition("::")[2]
                self.violations.setdefault(name, set()).add(event_of_policy["policyName"])
        log.unlink()
        return violated

    def call(self, *arguments: str) -> None:
        """Run a command of the engine."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "AZURE_", "ARM_"))}
        plugins = [str(self.plugins)] if self.plugins else []
        path = os.pathsep.join((*plugins, str(ROOT / "sandbox/plugins/bin"), str(Path(sys.executable).parent), os.environ["PATH"]))
        environment = {
            **inherited,
            "PATH": path,
            # azure-native needs credentials to be configured; no test gets as far as a login.
            **{f"ARM_{name}": "nobody" for name in ("CLIENT_ID", "CLIENT_SECRET", "TENANT_ID", "SUBSCRIPTION_ID")},
            "PLAN": str(self.folder / "plan.json"),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "a trial",
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DEBUG_COMMANDS": "1",  # without it the CLI has no --event-log
            "NO_COLOR": "1",
        }
        flags = [*arguments, "--non-interactive"]
        if self.command:
            command = [*self.command, *flags]
            done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE)
        else:
            with chdir(self.folder):
                done = engine(flags, environment)
        self.code, self.printed = done.returncode, done.stdout + done.stderr

    def resources(self) -> list[str]:
        """The names of the resources in the state, except the stack and providers."""
        self.call("stack", "export", "--stack", "dev")
        found = json.loads(self.printed)["deployment"].get("resources") or []
        return sorted(each["urn"].rpartition("::")[2] for each in found if not each["type"].startswith("pulumi:"))


@pytest.fixture(params=["embedded", "pulumi"])
def hand_made(request: pytest.FixtureRequest, tmp_path: Path) -> HandMade:
    """A project for each available engine; both engines must agree."""
    command = [need_pulumi()] if request.param == "pulumi" else []
    (tmp_path / "Pulumi.yaml").write_text("name: hand-made\nruntime:\n  name: python\n  options:\n    virtualenv: .venv\n")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "backend").mkdir()
    shutil.copy(PROGRAMS / "hand_made.py", tmp_path)
    shutil.copy(PROGRAMS / "declared.py", tmp_path / "__main__.py")
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    created = HandMade(tmp_path, command)
    created.call("stack", "init", "dev")
    assert created.code == 0, created.printed
    return created
