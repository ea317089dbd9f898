"""Writes the docstrings of the dynamic resources' constructors, which editors show, from the declared inputs.

    python -m docs.constructor_arguments [--check]

The first line is the class's own. A new resource needs no change here.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import pkgutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from hubtrust import dynamic
from hubtrust.dynamic.lifecycle import Reconciled

if TYPE_CHECKING:
    from collections.abc import Iterator

_WIDTH, _BODY, _ARGUMENT, _MORE = 140, 8, 12, 16  # columns: a line, the docstring, an argument, and the rest of its text


def resources() -> Iterator[type[Reconciled]]:
    """Every dynamic resource."""
    for found in pkgutil.iter_modules(dynamic.__path__, f"{dynamic.__name__}."):
        importlib.import_module(found.name)
    return iter(Reconciled.__subclasses__())


def docstring(resource: type[Reconciled]) -> list[str]:
    """The lines of the constructor's docstring, with what is said of each argument where the input is declared."""
    said = {one.argument or name: one.doc for name, one in resource.provider.inputs.declarations().items() if one.argument != ""}
    said |= {"resource_name": "its name in Pulumi.", "opts": "Pulumi's resource options."}
    arguments = _shortest_first([name for name in inspect.signature(resource.__init__).parameters if name != "self"])
    summary = (resource.__doc__ or "").partition("\n")[0]
    lines = [f'{" " * _BODY}"""{summary}', "", f"{' ' * _BODY}Args:"]
    for name in arguments:
        text = f"{name}: {said.get(name, '')}"
        lines += textwrap.wrap(text, _WIDTH, initial_indent=" " * _ARGUMENT, subsequent_indent=" " * _MORE, break_on_hyphens=False)
    return [*lines, f'{" " * _BODY}"""']


def _shortest_first(names: list[str]) -> list[str]:
    """``names`` with `name` before `resource_name`: editors show for an argument the first line that has its name and a colon."""
    ordered: list[str] = []
    for name in names:
        place = next((place for place, other in enumerate(ordered) if other.endswith(name)), len(ordered))
        ordered.insert(place, name)
    return ordered


def written(source: str, resource: type[Reconciled]) -> str:
    """The ``source`` of the resource's file, with the docstring."""
    found = next(node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == resource.__name__)
    constructor = next(node for node in found.body if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    first = constructor.body[0]
    begin = first.lineno - 1
    old = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    lines = source.splitlines()
    lines[begin : first.end_lineno if old else begin] = docstring(resource)
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the docstrings, or with --check report which files are out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 where a file is out of date")
    arguments, code = parser.parse_args(), 0
    for resource in resources():
        path = Path(inspect.getfile(resource))
        source = path.read_text(encoding="utf-8")
        if (new := written(source, resource)) == source:
            continue
        if arguments.check:
            print(f"{path}: the docstring of {resource.__name__} is out of date: run `make docs`", file=sys.stderr)
            code = 1
        else:
            path.write_text(new, encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
