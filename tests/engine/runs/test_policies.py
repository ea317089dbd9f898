"""Policy packs: findings, remediations and mandatory policies. Both engines must agree."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

PACK = """
from pulumi_policy import EnforcementLevel, PolicyConfigSchema, PolicyPack, ResourceValidationPolicy, StackValidationPolicy

def text(args):
    return args.props.get("text") if args.resource_type.endswith(":Entry") else None

def advise(args, report):
    if text(args) == "advised against":
        report("think again")

def forbid(args, report):
    if text(args) == args.get_config()["word"]:
        report("not this")

def remedy(args):
    if text(args) == "crooked":
        return {**args.props, "text": "straight"}

def count(args, report):
    if sum(resource.resource_type.endswith(":Entry") for resource in args.resources) > 2:
        report("too many entries")

PolicyPack("rules", enforcement_level=EnforcementLevel.MANDATORY, policies=[
    ResourceValidationPolicy("advice", "Advice.", advise, enforcement_level=EnforcementLevel.ADVISORY),
    ResourceValidationPolicy("ban", "Ban.", forbid, config_schema=PolicyConfigSchema(
        properties={"word": {"type": "string", "default": "forbidden"}})),
    ResourceValidationPolicy(name="remedy", description="Remedy.", remediate=remedy, enforcement_level=EnforcementLevel.REMEDIATE),
    StackValidationPolicy("few", "Few.", count),
])
"""


@pytest.fixture
def pack(stack: Any) -> list[str]:
    """The flags that select the pack."""
    folder = stack.folder / "pack"
    folder.mkdir()
    (folder / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (folder / "__main__.py").write_text(PACK)
    if shutil.which("python") is None:
        pytest.skip("policy packs need a `python` on PATH")
    return ["--policy-pack", str(folder)]


def entries(*texts: str) -> list[dict[str, str]]:
    return [{"name": f"e{number}", "text": text} for number, text in enumerate(texts)]


def test_an_advisory_policy_only_warns(stack: Any, pack: list[str]) -> None:
    """An advisory policy warns; the run continues."""
    stack.plan(entries("advised against"))
    done = stack.verb("up", *pack)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "think again" in done.stdout
    assert set(stack.world()) == {"e0@here"}


def test_a_mandatory_violation_prevents_the_resource(stack: Any, pack: list[str]) -> None:
    """A mandatory policy fails the preview, and stops the update before the resource's step."""
    stack.plan(entries("forbidden"))
    for verb in ("preview", "up"):
        done = stack.verb(verb, *pack)
        assert done.returncode != 0
        assert "not this" in done.stdout
    assert stack.world() == {}


def test_a_remediation_changes_the_inputs(stack: Any, pack: list[str]) -> None:
    """A remediation changes the inputs before they reach the provider, and the next run finds nothing to do."""
    stack.plan(entries("crooked"))
    for _ in range(2):
        done = stack.verb("up", *pack)
        assert done.returncode == 0, done.stdout + done.stderr
    assert stack.world()["e0@here"]["text"] == "straight"
    assert stack.calls("create", "update", "delete") == []


def test_the_whole_stack_is_validated_at_the_end(stack: Any, pack: list[str]) -> None:
    """A stack policy sees all resources; its violation fails the run."""
    stack.plan(entries("a", "b", "c"))
    done = stack.verb("up", *pack)
    assert done.returncode != 0
    assert "too many entries" in done.stdout


def test_a_configuration_file_changes_rules_and_levels(stack: Any, pack: list[str]) -> None:
    """Properties and enforcement levels come from the file."""
    path = stack.folder / "policies.json"
    path.write_text(json.dumps({"ban": {"word": "other", "enforcementLevel": "mandatory"}, "few": "disabled"}))
    stack.plan(entries("forbidden", "b", "c"))
    assert stack.verb("up", *pack, "--policy-pack-config", str(path)).returncode == 0
    stack.plan(entries("other"))
    assert stack.verb("preview", *pack, "--policy-pack-config", str(path)).returncode != 0


def test_several_packs_each_with_its_configuration(stack: Any, pack: list[str]) -> None:
    """Each pack is configured by the file in its place; a violation of any of them prevents the resource."""
    second = shutil.copytree(stack.folder / "pack", stack.folder / "second")
    (second / "__main__.py").write_text(PACK.replace('PolicyPack("rules"', 'PolicyPack("more-rules"'))
    files = []
    for word in ("one", "two"):
        file = stack.folder / f"{word}.json"
        file.write_text(json.dumps({"ban": {"word": word}}))
        files += ["--policy-pack-config", str(file)]
    both = [*pack, "--policy-pack", str(second), *files]
    stack.plan(entries("forbidden"))
    assert stack.verb("up", *both).returncode == 0
    for word in ("one", "two"):
        stack.plan(entries(word))
        assert stack.verb("preview", *both).returncode != 0
    done = stack.verb("preview", *both, "--policy-pack-config", str(stack.folder / "one.json"))
    assert done.returncode != 0
    assert "policy-pack-config" in done.stderr


@pytest.mark.parametrize("given", [{"ban": {"word": 5}}, {"ban": 5}, {"ban": {"enforcementLevel": "strict"}}, []])
def test_a_configuration_against_the_schema_is_refused(stack: Any, pack: list[str], given: Any) -> None:
    """A property of another type than declared, an unknown level, or no settings at all: the run ends before its first step."""
    path = stack.folder / "policies.json"
    path.write_text(json.dumps(given))
    stack.plan(entries("a"))
    done = stack.verb("up", *pack, "--policy-pack-config", str(path))
    assert done.returncode != 0
    assert "Traceback" not in done.stdout + done.stderr
    assert stack.world() == {}


def test_a_policy_that_raises_fails_the_run(stack: Any, pack: list[str]) -> None:
    """The error has the exception, and the resource that was not validated is not created."""
    broken = PACK.replace('report("think again")', 'raise KeyError("no such rule")')
    (stack.folder / "pack" / "__main__.py").write_text(broken)
    stack.plan(entries("advised against"))
    done = stack.verb("up", *pack)
    assert done.returncode != 0
    assert "no such rule" in done.stdout + done.stderr
    assert stack.world() == {}


def test_a_pack_that_fails_to_start_is_reported(stack: Any, pack: list[str]) -> None:
    """The last output of the pack is in the error, and nothing is changed."""
    (stack.folder / "pack" / "__main__.py").write_text("raise SystemExit('the rules are missing')\n")
    stack.plan(entries("a"))
    done = stack.verb("up", *pack)
    assert done.returncode != 0
    assert "the rules are missing" in done.stdout + done.stderr
    assert stack.world() == {}
