"""A resource that is renamed in the run in which the plugin takes it over: it stays the same resource."""

import json
import os
from pathlib import Path

from tests.kit.embedded_engine import engine
from tests.kit.plugin_on_path import plugin_on_path

_PROGRAM = """
import os

import pulumi

import hubtrust
from hubtrust.dynamic.authority_generation import AuthorityGeneration

renamed = pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old")])
if os.environ.get("MOVED"):
    hubtrust.use_plugin()
    AuthorityGeneration("new", authority="plant", generation=1, keep_previous=False, opts=renamed)
else:
    AuthorityGeneration("old", authority="plant", generation=1, keep_previous=False)
"""


def test_a_renamed_resource_moves(tmp_path: Path) -> None:
    """The engine combines no two aliases, so the former name is one of the former type too."""
    (tmp_path / "state").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: plant\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(_PROGRAM)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    backend = {"PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}", "PULUMI_CONFIG_PASSPHRASE": "a trial"}
    environment = {**inherited, **backend, "PULUMI_HOME": str(tmp_path / "home"), "PATH": plugin_on_path(tmp_path / "bin", "")}

    def run(*arguments: str, **more: str) -> str:
        done = engine([*arguments, "--cwd", str(tmp_path)], environment | more)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    up = ("up", "--yes", "--skip-preview", "--non-interactive", "--stack", "dev")
    run("stack", "init", "dev")
    run(*up)
    told = run(*up, MOVED="1")
    state = json.loads(run("stack", "export", "--stack", "dev"))

    assert "2 unchanged" in told
    assert [each["urn"].rpartition("::")[2] for each in state["deployment"]["resources"] if each["type"].startswith("hubtrust:")] == ["new"]
