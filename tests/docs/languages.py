"""What a block that is not commands must be, by its language: it can be read, and what it names exists."""

import ast
import inspect
import json
import re
from collections.abc import Callable
from functools import cache

import yaml

import hubtrust
from tests.docs.fences import Fence
from tests.kit.repository import ROOT

_COMMAND = re.compile(r"\s*(\$ |(make|pulumi|az|hubtrust|local-azure-iot|pip|openssl|git|python3?|\.venv/bin/\w+) [-\w])")
_PROGRAMS = {"typescript": "*.ts", "go": "*.go"}


def _python(block: Fence) -> None:
    """It is Python, what it imports from hubtrust is there, and what it calls of that has these arguments."""
    tree = ast.parse(block.text, filename=str(block))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "hubtrust":
            missing = [each.name for each in node.names if not hasattr(hubtrust, each.name)]
            assert not missing, f"{block}: hubtrust has no {missing}"
        if isinstance(node, ast.Call):
            _call(block, node)


def _call(block: Fence, call: ast.Call) -> None:
    name = ast.unparse(call.func).removeprefix("hubtrust.")
    known = getattr(hubtrust, name, None) if name in hubtrust.__all__ else None
    if known is None:
        return
    parameters = inspect.signature(known).parameters
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values()):
        return
    unknown = [each.arg for each in call.keywords if each.arg and each.arg not in parameters]
    assert not unknown, f"{block}: {name} has no argument {unknown}"


def _yaml(block: Fence) -> None:
    """It is YAML, and settings of the program are those of Pulumi.yaml."""
    found = yaml.safe_load(block.text)
    unknown = [name for name in _names(found) if name.startswith("hubtrust:") and name.partition(":")[2] not in _settings()]
    assert not unknown, f"{block}: Pulumi.yaml has no setting {unknown}"


def _names(found: object) -> list[str]:
    if isinstance(found, dict):
        return [*map(str, found), *(name for value in found.values() for name in _names(value))]
    return [name for value in found for name in _names(value)] if isinstance(found, list) else []


@cache
def _settings() -> frozenset[str]:
    return frozenset(yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"])


def _json(block: Fence) -> None:
    """It is JSON."""
    json.loads(block.text)


def _text(block: Fence) -> None:
    """Output or a drawing: it does not begin with a command, which would run nowhere."""
    assert not _COMMAND.match(block.text), f"{block} begins with a command: give it the language sh or console"


def _program(block: Fence) -> None:
    """It is a program of examples/, which a test runs."""
    programs = [path.read_text(encoding="utf-8") for path in (ROOT / "examples").rglob(_PROGRAMS[block.language])]
    assert block.text in programs, f"{block}: no file {_PROGRAMS[block.language]} of examples/ is this program"


CHECKED: dict[str, Callable[[Fence], None]] = {
    "python": _python,
    "yaml": _yaml,
    "json": _json,
    "text": _text,
    **dict.fromkeys(_PROGRAMS, _program),
}
