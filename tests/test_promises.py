"""Each promise of SECURITY.md names tests that exist, so that a promise ends with its test and not in silence."""

import ast
import re

import pytest

from tests.kit.repository import ROOT

PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def section(title: str) -> str:
    """The text below one heading."""
    return PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


PROMISES = [each for each in re.split(r"^- ", section("What this project promises"), flags=re.MULTILINE)[1:] if each.strip()]


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: re.sub(r"\W+", "-", promise[2:40]).strip("-"))
def test_a_promise_is_held_by_tests(promise: str) -> None:
    """It begins with what is promised, and ends with at least one test."""
    assert promise.startswith("**")
    assert _TEST.search(promise.partition("\n  Held by ")[2]), "name the tests that hold this promise"


def test_what_is_promised_of_the_sandbox_is_held_by_tests() -> None:
    """The section about local Azure promises too."""
    assert _TEST.search(section("The sandbox is not Azure").partition("\nHeld by ")[2])


@pytest.mark.parametrize(("path", "name"), sorted(set(_TEST.findall(PAGE))))
def test_each_named_test_exists(path: str, name: str) -> None:
    """The file has a test of that name, and it is not always skipped."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    found = [each for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name == name]
    assert len(found) == 1, f"SECURITY.md names {path}::{name}, which is not there: name the test that holds the promise now"
    assert not any("mark.skip" in ast.unparse(each) for each in found[0].decorator_list)
