"""ARCHITECTURE.md names the files and folders that exist."""

import re
import subprocess

from tests.kit.repository import ROOT

PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
MOST_AT_THE_TOP = 26


def section(title: str) -> str:
    """The text below one heading."""
    return PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def tracked() -> list[str]:
    """Every file that Git tracks, from the root."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return listed.splitlines()


def test_every_top_level_entry_has_a_reason() -> None:
    """The top level has few tracked entries, and the page gives a reason for each."""
    entries = {path.partition("/")[0] for path in tracked()}
    named = {name.rstrip("/") for name in re.findall(r"`([^`]+)`", section("The top level"))}

    assert entries - named == set()
    assert len(entries) <= MOST_AT_THE_TOP


def test_every_file_that_the_page_names_exists() -> None:
    """Each Python file, grammar and folder in backticks exists under that name or below another folder."""
    folders = {f"/{'/'.join(path.split('/')[:depth])}/" for path in tracked() for depth in range(1, path.count("/") + 1)}
    existing = {f"/{path}" for path in tracked()} | folders
    named = set(re.findall(r"`([\w./-]+(?:\.py|\.lark|/))`", PAGE))

    assert {name for name in named if not any(path.endswith(f"/{name}") for path in existing)} == set()
