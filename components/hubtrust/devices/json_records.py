"""Records from JSON: a value a line, which ends at a line feed alone, or a list."""

import io
import itertools
from collections.abc import Iterator
from typing import Any

from hubtrust.devices.json_values import parse, parse_sequence
from hubtrust.reconcile_errors import DeclarationError

_BLANK = " \t\r\n\ufeff"  # a byte order mark within a text is left where files were joined


def json_records(text: str) -> Iterator[tuple[int, Any]]:
    """Each value and its line; in place of one that can't be read the error. Empty lines are passed over."""
    lines = ((number, line.strip(_BLANK)) for number, line in enumerate(io.StringIO(text, newline="\n"), 1))
    first = next(((number, line) for number, line in lines if line), None)
    if first is None:
        return
    if first[1].startswith("[") or first[1] == "{":  # a list, or objects that are written over several lines
        yield from parse_sequence(text)
        return
    for number, line in itertools.chain([first], lines):
        if line:
            try:
                yield number, parse(line)
            except DeclarationError as error:
                yield number, error
