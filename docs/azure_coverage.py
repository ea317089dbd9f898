"""Writes the tables of docs/azure-coverage.md from local Azure's own routes; what is written by hand around them stays.

    python -m docs.azure_coverage [--check]

Every module of `sandbox.azure` with a list `ROUTES` becomes a table under its docstring's first line, so a new door needs nothing here.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox import azure as cloud
from sandbox.azure.routing import Evidence, Route

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "azure-coverage.md"
BEGIN, END = "<!-- the tables: made by `make docs` -->", "<!-- the end of the tables -->"


def tables() -> Iterator[tuple[str, list[Route]]]:
    """Each door's heading and its operations, in the order of the modules' names."""
    for found in sorted(pkgutil.walk_packages(cloud.__path__, f"{cloud.__name__}."), key=lambda module: module.name):
        module = importlib.import_module(found.name)
        routes = getattr(module, "ROUTES", None)
        if routes and not found.name.endswith((".front", ".arm")):  # these only gather the routes of others
            yield (module.__doc__ or found.name).strip().splitlines()[0].rstrip("."), routes


def page(around: str) -> str:
    """The page `around` with its tables made anew."""
    before, _, rest = around.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{_made()}{END}{after}"


def _made() -> str:
    found = list(tables())
    counts = Counter(route.evidence for _, routes in found for route in routes)
    told = ", ".join(f"{counts[evidence]} {evidence}" for evidence in Evidence)
    lines = [f"\n{sum(counts.values())} operations: {told}.\n"]
    names: dict[tuple[str, ...], str] = {}
    for heading, routes in found:
        lines += [f"\n### {heading}\n", "| operation | request | api-versions | evidence | and |", "|---|---|---|---|---|"]
        for route in routes:
            request = f"`{route.method} {route.path}`"
            cells = (route.operation, request, _versions(route.versions, names), str(route.evidence), route.note)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    lines.append("\n### The api-versions in full\n")
    lines += [f"- {name}: {', '.join(versions)}" for versions, name in names.items()]
    return "\n".join(lines) + "\n\n"


def _versions(versions: tuple[str, ...], names: dict[tuple[str, ...], str]) -> str:
    if not versions:
        return ""
    return names.setdefault(versions, f"{versions[0]} … {versions[-1]} ({len(versions)})" if len(versions) > 1 else versions[0])


def main() -> int:
    """Write the page, or with --check tell whether it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 where the page is out of date")
    arguments = parser.parse_args()
    there = PAGE.read_text(encoding="utf-8")
    made = page(there)
    if arguments.check and made != there:
        print(f"{PAGE.relative_to(ROOT)} is out of date: run `make docs`", file=sys.stderr)
        return 1
    if made != there:
        PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
