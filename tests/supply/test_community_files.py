"""What a forge reads of this repository: valid, about files that exist, and complete where a gap would go unseen."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from tests.kit.prerequisites import need
from tests.kit.repository import ROOT

RENOVATE = json.loads((ROOT / "renovate.json").read_text(encoding="utf-8"))
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
SCHEMAS = {"renovate.json": "vendor.renovate", "config.yml": "vendor.github-issue-config"}


@pytest.mark.parametrize("file", [ROOT / "renovate.json", *FORMS], ids=lambda path: path.name)
def test_the_form_is_valid(file: Path) -> None:
    """By the JSON schema that its reader publishes."""
    schema = SCHEMAS.get(file.name, "vendor.github-issue-forms")
    command = [str(Path(sys.executable).with_name("check-jsonschema")), "--builtin-schema", schema, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_forms_ask_once() -> None:
    """GitHub refuses a form with two fields of one id or label."""
    for file in FORMS:
        fields = [each for each in yaml.safe_load(file.read_text(encoding="utf-8")).get("body", ()) if each["type"] != "markdown"]
        for values in ([each["id"] for each in fields], [each["attributes"]["label"] for each in fields]):
            assert len(set(values)) == len(values), file.name


def _tracked() -> list[str]:
    need((ROOT / ".git").exists(), "this is no Git repository: what it tracks can't be told from other files")
    return subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


# A file that pins something, by its name and content, and the manager of Renovate that must read it.
_Pins = Callable[[str, str], object]
PINS: dict[str, _Pins] = {
    "azure-pipelines": lambda name, text: name.endswith((".yml", ".yaml")) and re.search(r"^\s*- task: \w+@\d", text, re.MULTILINE),
    "custom.regex": lambda name, text: name.endswith(".sha256") and "pulumi-v" in text,
    "docker-compose": lambda name, text: name.endswith(("compose.yaml", "compose.yml")) and "image:" in text,
    "dockerfile": lambda name, text: "Dockerfile" in name and "FROM " in text,
    "github-actions": lambda name, text: name.endswith((".yml", ".yaml")) and re.search(r"^\s*(- )?uses: [\w-]+/\S+@", text, re.MULTILINE),
    "gitlabci": lambda name, text: "gitlab-ci" in name and re.search(r"^\s*image: ", text, re.MULTILINE),
    "gomod": lambda name, _: name.endswith("go.mod"),
    "maven": lambda name, _: name.endswith("pom.xml"),
    "npm": lambda name, _: name.endswith("package.json"),
    "pep621": lambda name, _: name.endswith("pyproject.toml"),
    "pip_requirements": lambda name, text: name.endswith(".txt") and re.search(r"^[\w.\[\]-]+==\S", text, re.MULTILINE),
}
LEFT_OUT = {"requirements/lowest.txt", "requirements/lowest-local-azure.txt"}  # the lower bounds: old on purpose


def _patterns(manager: str) -> list[str]:
    settings = RENOVATE["customManagers"] if manager == "custom.regex" else [RENOVATE[manager]]
    return [pattern for each in settings for pattern in each["managerFilePatterns"]]


@pytest.mark.parametrize("manager", PINS)
def test_renovate_reads_every_file_that_pins_something(manager: str) -> None:
    """Also in examples and tests, which Renovate's own preset leaves out. What is generated, or old on purpose, is left out by name."""
    found = {name for name in _tracked() if (ROOT / name).is_file() and _pins(manager, name)}
    assert found or manager == "azure-pipelines"  # the example there has scripts alone so far
    left_out = {name for name in found if any(fnmatch(name, pattern) for pattern in RENOVATE["ignorePaths"])}
    assert {name for name in left_out if not name.startswith("sdk/")} <= LEFT_OUT
    assert all(pattern.startswith("/") and pattern.endswith("/") for pattern in _patterns(manager))
    regular = [re.compile(pattern[1:-1]) for pattern in _patterns(manager)]
    assert {name for name in found - left_out if not any(each.search(name) for each in regular)} == set()


def _pins(manager: str, name: str) -> bool:
    try:
        return bool(PINS[manager](name, (ROOT / name).read_text(encoding="utf-8")))
    except UnicodeDecodeError:
        return False


def test_renovate_has_a_manager_for_each_kind() -> None:
    """All that are known here are enabled, no preset hides tests and examples, and the checksums of the CLI are read whole."""
    assert set(RENOVATE["enabledManagers"]) == PINS.keys()
    assert RENOVATE["ignorePresets"] == [":ignoreModulesAndTests"]
    (custom,) = RENOVATE["customManagers"]
    lines = (ROOT / "examples/gitops/pulumi.sha256").read_text(encoding="utf-8").splitlines()
    (pattern,) = (each.replace("(?<", "(?P<") for each in custom["matchStrings"])
    assert all(re.fullmatch(pattern, line) for line in lines)


def test_each_owner_owns_something() -> None:
    """Every path of CODEOWNERS is one of the repository, and everything has an owner."""
    lines = [line.split() for line in (ROOT / ".github/CODEOWNERS").read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    assert lines[0][0] == "*"
    for path, *owners in lines:
        assert path == "*" or (ROOT / path.strip("/")).exists(), path
        assert owners
        assert all(re.fullmatch(r"@[\w-]+/[\w-]+", owner) for owner in owners)


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "AGENTS.md"])
def test_what_contributors_are_told_exists(page: str) -> None:
    """Each target of make, file and link."""
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {word for line in re.findall(r"`make ([^`]+)`", text) for word in line.split() if "=" not in word}
    assert named
    assert named - targets == set()
    paths = [*re.findall(r"\]\(([^)#:]+)\)", text), *re.findall(r"`((?:docs|tests|components|requirements|sdk)/[\w./-]*)`", text)]
    assert [path for path in paths if not (ROOT / path).exists()] == []
