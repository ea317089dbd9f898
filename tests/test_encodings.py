"""Text is UTF-8 whatever the machine prefers: every file and every program's output is read and written with its encoding named."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.repository import ROOT

FOLDERS = ("components", "settings", "environments", "policies", "sandbox", "examples", "docs", "benchmarks")
FILES = sorted([ROOT / "__main__.py", *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))])
_TEXT = {"read_text", "write_text"}


def unnamed(source: str) -> Iterator[int]:
    """The lines of calls that read or write text by the machine's own encoding."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        modes = [
            part.value for part in (*node.args, keywords.get("mode")) if isinstance(part, ast.Constant) and isinstance(part.value, str)
        ]
        opens = name == "fdopen" or (name == "open" and isinstance(node.func, ast.Name)) or (name == "open" and _is_mode(modes))
        runs = any(isinstance(asked, ast.Constant) and asked.value is True for asked in map(keywords.get, ("text", "universal_newlines")))
        is_text = name in _TEXT or runs or (opens and not any("b" in mode for mode in modes))
        positional = name == "read_text" and node.args
        if is_text and "encoding" not in keywords and not positional:
            yield node.lineno


def _is_mode(texts: list[str]) -> bool:
    return any(text and set(text) <= set("rwaxbt+") for text in texts)


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("path.read_text()", [1]),
        ("path.write_text(text)", [1]),
        ("\nopen('x')", [2]),
        ("path.open('w')", [1]),
        ("os.fdopen(number, 'w')", [1]),
        ("subprocess.run(command, text=True)", [1]),
        ("path.read_text(encoding='utf-8')", []),
        ("path.open('rb')", []),
        ("seal.open(urn, text)", []),
        ("shown(text=found)", []),
        ("subprocess.run(command, text=True, encoding='utf-8')", []),
    ],
)
def test_a_call_without_an_encoding_is_seen(source: str, lines: list[int]) -> None:
    """Binary files and other things that are opened need none."""
    assert list(unnamed(source)) == lines


def test_every_text_has_its_encoding() -> None:
    """By default Python takes the locale's, which is ASCII in many containers, and a code page on Windows."""
    found = [f"{path.relative_to(ROOT)}:{line}" for path in FILES for line in unnamed(path.read_text(encoding="utf-8"))]
    assert found == []


def test_files_are_searched() -> None:
    """The list of files is not empty by a mistake."""
    assert Path("settings/configuration.py") in {path.relative_to(ROOT) for path in FILES}
