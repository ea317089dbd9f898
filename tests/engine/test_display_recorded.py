"""The displays compared with the real CLI: given its recorded events, they print its lines."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.engine.display.board import ROOT, Board, DisplayOptions
from sandbox.engine.display.full import FullDifferences
from sandbox.engine.display.sections import final_sections
from sandbox.engine.display.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STACK = f"urn:pulumi:dev::quill::{ROOT}::quill-dev"


def noon() -> float:
    """A clock that does not move."""
    return 100.0


def scenarios(traces: Path) -> Iterator[tuple[str, list[dict[str, Any]], str]]:
    """(name, events, what the CLI printed) of every recorded run that printed progress."""
    for log in sorted(traces.glob("*/*.events.jsonl")):
        printed = log.with_name(log.name.replace(".events.jsonl", ".stdout.txt")).read_text(encoding="utf-8")
        if "@ " in printed:
            events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
            yield f"{log.parent.name}/{log.name[:2]}", events, printed


def section(lines: list[str], title: str) -> list[str]:
    """The lines of a section, up to the next empty one."""
    if title not in lines:
        return []
    start = lines.index(title)
    return lines[start : lines.index("", start)] if "" in lines[start:] else lines[start:]


@pytest.mark.recorded
@pytest.mark.parametrize("title", ["Outputs:", "Resources:", "Policies:"])
def test_the_sections_equal_the_real_clis(traces: Path, title: str):
    """Of every recorded run, from its events; outputs only of those that succeeded and left a stack."""
    compared = 0
    for name, events, printed in scenarios(traces):
        board = Board(STACK, noon, DisplayOptions(planned=printed.startswith("Previewing")))
        for event in events:
            board.apply(event)
        if title == "Outputs:" and ("failed" in str(board.summary) or printed.startswith("Destroying")):
            continue
        ours = section(final_sections(board), title)
        assert ours == section([line.rstrip() for line in printed.split("\n")], title), name
        compared += bool(ours)
    assert compared > 0


@pytest.mark.recorded
def test_the_full_differences_equal_the_real_clis(traces: Path):
    """`preview --diff` and `up --diff`, line by line, but for the order of independent resources."""
    for number in ("04", "06"):
        events = [json.loads(line) for line in (traces / "json" / f"{number}.events.jsonl").read_text(encoding="utf-8").splitlines()]
        printed = (traces / "json" / f"{number}.stdout.txt").read_text(encoding="utf-8").partition("\n[stderr]")[0].split("\n")[1:]
        out = io.StringIO()
        display = FullDifferences(out, io.StringIO(), Board(STACK, noon, DisplayOptions(planned=number == "04")))
        stream = Stream(display, None, lambda: 0)
        for event in events:
            stream.send({key: value for key, value in event.items() if key not in ("sequence", "timestamp")})
        display.close()
        ours = [line for line in out.getvalue().split("\n") if line]
        wanted = [line for line in printed if line and not line.startswith("Duration")]
        assert [line for line in ours if line.startswith(" ")] == [line for line in wanted if line.startswith(" ")], number
