"""The errors that README.md and docs/rotation.md explain are those of the code."""

import re
from itertools import pairwise

import pytest

from tests.kit.repository import ROOT

ROWS = [
    fragment
    for page in ("README.md", "docs/rotation.md")
    for line in (ROOT / page).read_text(encoding="utf-8").splitlines()
    if line.startswith("| `") and "…" in line.split("|")[1]
    for fragment in re.findall(r"`([^`]+)`", line.split("|")[1])
]


def words(text: str) -> list[str]:
    """The fixed parts of a message between its values."""
    return [part.strip(" '()") for part in re.split(r"…|\d+", text) if part.strip(" '()")]


@pytest.mark.parametrize("fragment", ROWS)
def test_an_error_of_the_table_is_one_of_the_code(fragment: str) -> None:
    """Each fixed part of the message is in the source, in the order of the row, within one message."""
    folders = ("components", "sandbox")
    source = "\n".join(path.read_text(encoding="utf-8") for folder in folders for path in (ROOT / folder).rglob("*.py"))
    source = source.replace("\\n", " ")
    parts = words(fragment)
    places = [[found.start() for found in re.finditer(re.escape(part), source)] for part in parts]

    assert all(places), f"nothing in the code says {[part for part, found in zip(parts, places, strict=True) if not found]}"
    for before, after in pairwise(places):
        assert any(0 < late - early < 300 for early in before for late in after), f"{parts} are not parts of one message"
