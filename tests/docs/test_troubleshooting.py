"""docs/troubleshooting.md has every error of the code, by its message; what README.md explains is among them or is Azure's."""

import ast
import re
from pathlib import Path

import pytest

from docs import troubleshooting
from docs.error_shapes import VALUE, Shape, Sources


def test_the_page_is_that_of_the_code() -> None:
    """`make docs` writes it."""
    assert troubleshooting.PAGE.read_text(encoding="utf-8") == troubleshooting.page(), "run `make docs`"


def shapes(folder: Path, source: str) -> list[Shape]:
    (folder / "module.py").write_text(source)
    ast.parse(source)
    return Sources((folder,), {"BaseError": 3}).shapes()


CLASS = '''
class OwnError(BaseError):
    """What it means.

    More of it.
    """

_REMEDY = "call a friend"
'''


@pytest.mark.parametrize(
    ("body", "message", "remedies"),
    [
        ('raise OwnError(f"hub {name!r}", "it is gone", "run again")', "hub …: it is gone", ["run again"]),
        ('raise OwnError("hub", "it is gone", _REMEDY)', "hub: it is gone", ["call a friend"]),
        ('remedy = "one" if name else f"two {name}"\n    raise OwnError("hub", "it is gone", remedy)', "hub: it is gone", ["one", "two …"]),
        (
            'remedy = "one"\n    if name:\n        remedy = "two"\n    raise OwnError("hub", "gone " + name, remedy)',
            "hub: gone …",
            ["one", "two"],
        ),
        (
            'if name:\n        remedy = "two"\n        return\n    remedy = "one"\n    raise OwnError("hub", "is gone", remedy)',
            "hub: is gone",
            ["one"],
        ),
        ('what, remedy = "hub", "one"\n    return OwnError(what, "is gone", remedy)', "hub: is gone", ["one"]),
    ],
)
def test_a_message_is_followed_to_its_words(tmp_path: Path, body: str, message: str, remedies: list[str]) -> None:
    """Through variables, branches and constants of the module; a value is …."""
    found = shapes(tmp_path, f"{CLASS}\ndef function(name):\n    {body}\n")
    assert [(each.message, each.remedy) for each in found] == [(message, remedy) for remedy in remedies]


def test_what_is_not_known_is_a_value(tmp_path: Path) -> None:
    """Another error's parts, given on, are no message of their own."""
    assert shapes(tmp_path, f"{CLASS}\ndef function(error):\n    raise OwnError(error.what, error.fact, error.remedy)\n") == []


def test_the_page_has_meanings_and_remedies() -> None:
    """No table is without a message, and almost every message of the package says what to do."""
    text = troubleshooting.PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.*) \| (.*) \|$", text.split("\n## ")[1], re.MULTILINE)
    assert len(rows) > 400
    assert sum(not remedy.strip(VALUE) for _, remedy in rows) < len(rows) / 10
