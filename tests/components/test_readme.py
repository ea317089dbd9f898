"""README.md begins with what a stranger needs. The errors that it, docs/custody.md and docs/rotation.md explain are those of the code."""

import re
import tomllib
from itertools import pairwise

import pytest

from tests.kit.repository import ROOT

ROWS = [
    fragment
    for page in ("README.md", "docs/custody.md", "docs/rotation.md")
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


def test_the_first_screen() -> None:
    """The problem, how to install, and ten lines of code, before the first heading of what comes later."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    first = page.split("\n## ", 1)[0]
    assert len(first.splitlines()) <= 35
    assert [first.index(word) for word in ("**The problem.**", "**Install**", "**Ten lines**")] == sorted(
        first.index(word) for word in ("**The problem.**", "**Install**", "**Ten lines**")
    )
    (program,) = re.findall(r"```python\n(.*?)```", first, re.DOTALL)  # tests/e2e/test_examples.py runs it
    assert len([line for line in program.splitlines() if line.strip()]) <= 10


def test_it_is_installed_from_the_repository() -> None:
    """The address is the one of the package's metadata; tests/package/test_installation.py installs from such an address."""
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    first = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## ", 1)[0]
    assert re.findall(r"^pip install (.*)$", first, re.MULTILINE) == [f"git+{urls['Homepage']}"]
    assert re.findall(r"^git clone (\S+)", first, re.MULTILINE) == [urls["Homepage"]]
    (folder,) = re.findall(r"pulumi package add \.\./hubtrust/(\S+)", first)
    assert (ROOT / folder / "PulumiPlugin.yaml").is_file()
