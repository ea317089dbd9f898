"""Writes docs/troubleshooting.md: each error of this project by its message, from the code that raises it.

    python -m docs.troubleshooting [--check]

A new error needs no change here; a new root of errors is a row of ``PARTS``.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from docs.error_shapes import VALUE, Sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from docs.error_shapes import Shape

_ROOT = Path(__file__).resolve().parents[1]
PAGE = _ROOT / "docs" / "troubleshooting.md"
_INTRODUCTION = f"""# Errors, by their messages

Look for a few words of your message on this page, from between its values: here each value is `{VALUE}`.
Beside it is what the message tells you to do; yours may be more exact, because it has the values. Above each table is what its errors
have in common.

What Azure itself says (`AuthorizationFailed`, `SubscriptionNotFound`, …) is shown inside our messages as it is:
[README.md](../README.md#when-it-fails) has the frequent ones. Why a device can't connect: [devices.md](devices.md).

This page is written by `make docs` from the code, and a test compares the two.
"""


@dataclass(frozen=True)
class Part:
    """One section of the page: where its errors are raised, and in one sentence, who shows them."""

    title: str
    shown: str
    sources: Sources
    by_class: bool = True
    """Whether the class of an error says more than the title."""


def _folders(*names: str) -> tuple[Path, ...]:
    return tuple(_ROOT / name for name in names)


PARTS = (
    Part(
        "In `pulumi up`, `preview`, `refresh`, `destroy`, and `hubtrust`",
        "The package shows these: its components and resources, its command `hubtrust`, and `make live`.",
        Sources(_folders("components/hubtrust", "live"), {"HubtrustError": 3}),
    ),
    Part(
        "Settings of the program",
        "The program shows these before anything is deployed, all of them at once, each with the name of its key before it.",
        Sources(_folders("settings"), {"ValueError": 1, "SettingsError": 1, "AccessError": 3, "RefusedError": 3, "Problem.of": 1}),
        by_class=False,
    ),
    Part(
        "Policies",
        "The policy pack shows these, each below the name of its rule: [policies.md](policies.md).",
        Sources(_folders("policies/rules"), {}, ": ", yields=True),
    ),
    Part(
        "`make environment`",
        "[environments.md](environments.md) says what is refused, and why.",
        Sources(_folders("environments"), {"EnvironmentRefusedError": 1}, ": "),
        by_class=False,
    ),
    Part(
        "Local Azure",
        "`local-azure-iot` and `python -m sandbox` show these. What local Azure answers to requests is Azure's: "
        "[azure-coverage.md](azure-coverage.md).",
        Sources(
            _folders("sandbox/local-azure-iot/local_azure_iot", "sandbox/program.py"),
            {"InstallationError": 1, "StartError": 1, "CommandError": 1, "CannotStartError": 1},
        ),
    ),
    Part(
        "The embedded engine",
        "`python -m sandbox.engine` shows these: [engine.md](engine.md).",
        Sources(_folders("sandbox/engine"), {"EngineError": 1}),
    ),
)


def page() -> str:
    """The whole page."""
    return "\n".join([_INTRODUCTION, *(line for part in PARTS for line in _section(part))])


def _section(part: Part) -> Iterator[str]:
    yield f"## {part.title}\n{part.shown}\n"
    shapes = part.sources.shapes()
    if not part.by_class:
        yield from _table(sorted(shapes, key=lambda shape: (shape.message, shape.remedy)))
        return
    for name, of_it in groupby(shapes, lambda shape: shape.kind):
        told = list(_told(of_it))
        if told:
            kind = part.sources.kinds[name]
            yield f"### {name.strip('_').replace('_', ' ')}\n{_cell(kind.meaning)}\n"
            yield from _table(told)


def _table(shapes: Iterable[Shape]) -> Iterator[str]:
    yield "| message | what to do |\n|---|---|"
    yield from (f"| {_code(shape.message)} | {_cell(shape.remedy)} |" for shape in _told(iter(shapes)))
    yield ""


def _told(shapes: Iterator[Shape]) -> Iterator[Shape]:
    """Each message once; the one without a remedy only if there is no other."""
    for _, same in groupby(shapes, lambda shape: shape.message):
        every = list(same)
        yield from [shape for shape in every if shape.remedy.strip(VALUE)] or every


def _code(text: str) -> str:
    """Code in a table: on one line, with a fence that the text does not have."""
    text = " ".join(text.split()).replace("|", "\\|")
    fence = "``" if "`" in text else "`"
    return f"{fence} {text} {fence}" if "`" in text else f"`{text}`"


def _cell(text: str) -> str:
    """A sentence in a table: what looks like a tag or emphasis is shown as it is."""
    text = " ".join(text.split()).replace("|", "\\|")
    return "".join(each if at % 2 else re.sub(r"([<>*_\[\]])", r"\\\1", each) for at, each in enumerate(re.split(r"(`[^`]*`)", text)))


def main(arguments: list[str]) -> int:
    """Write the page, or with --check compare it; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m docs.troubleshooting", description="Write docs/troubleshooting.md from the errors in the code."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if the page differs")
    if parser.parse_args(arguments).check:
        return int(PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
