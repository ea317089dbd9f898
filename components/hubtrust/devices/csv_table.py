"""Records from CSV, as spreadsheets write it (RFC 4180, and what Excel makes of it): each row by the names of its columns.

Excel separates by semicolons where the comma is the decimal sign, writes a first line `sep=;`, and rows and columns that are empty; from
the 17th row on it leaves out the separators of empty cells at the end of a row.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hubtrust.devices.description import require_desired, require_tags
from hubtrust.devices.field_names import meant_by
from hubtrust.devices.key_texts import without_keys
from hubtrust.devices.roster import RosterError
from hubtrust.reconcile_errors import DeclarationError

_TAG, _DESIRED = "tag.", "desired."
_BOOLEANS = {"true": True, "false": False, "": None}
_SEPARATORS = ",;\t|"
_DECLARED_SEPARATOR = re.compile(r'"?sep=([^\r\n]?)"?[ \t]*(?:\r\n|\r|\n|$)', re.IGNORECASE)
_OTHER_SEPARATORS = re.compile(r"[^A-Za-z0-9.]+")
_LINE_ENDS = ("\n", "\r")
_QUOTED = re.compile(r'"[^"]*"')


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that a file may have, besides `tag.<name>` and `desired.<name>`; the first of them must be there."""

    names: tuple[str, ...]

    @property
    def remedy(self) -> str:
        """What to write in the first line."""
        return f"name the columns in the first line: {', '.join(self.names)}, {_TAG}<name>, {_DESIRED}<name>; separate them by commas"

    def has(self, name: str) -> bool:
        """Whether there is such a column."""
        return name in self.names or name.startswith((_TAG, _DESIRED))


def csv_records(text: str, columns: Columns, *, what: str) -> Iterator[tuple[int, Mapping[str, str] | DeclarationError]]:
    """Each row's cells and the number of its first line, or what is wrong with this line. Rows without any value are passed over.

    Raises:
        RosterError: the first line, which names the columns, is invalid.
    """
    if text.lstrip()[:1] in ("{", "["):
        raise RosterError(what, "it is JSON, not CSV", "read it with from_json_lines, or with from_file, which reads both")
    declared = _DECLARED_SEPARATOR.match(text)
    if declared and (not declared[1] or declared[1].isalnum() or declared[1] == '"'):
        raise RosterError(what, f"its first line, '{declared[0].strip()}', names no separator", "write it as sep=; or remove it")
    body = text[declared.end() :] if declared else text
    separator = declared[1] if declared else _separator(body, columns)
    # newline="": a line ends at \n, \r or \r\n, and at nothing else; within quotes it is kept as it is.
    source = io.StringIO(body, newline="")
    reader = csv.reader(source, delimiter=separator, strict=True)
    rows = _rows(reader, 1 if declared else 0)
    _, first = next(rows, (1, DeclarationError("the line", "there is none", columns.remedy)))
    if isinstance(first, DeclarationError):
        raise RosterError(what, f"its first line: {first.fact}", first.remedy)
    header = [name.strip() for name in first]
    _require_columns(header, columns, separator, what)
    for number, row in rows:
        try:
            ends = body.endswith(_LINE_ENDS) or source.tell() < len(body)
            yield number, row if isinstance(row, DeclarationError) else _cells(header, row, ends=ends)
        except DeclarationError as error:
            yield number, error


def _separator(text: str, columns: Columns) -> str:
    """What separates the names in the first line: that which gives the most columns that there are."""
    line = next((line for line in io.StringIO(text, newline="") if line.strip(f" \r\n{_SEPARATORS}")), "")

    def fitting(separator: str) -> tuple[int, int]:
        names = [name.strip(' "\t\r\n') for name in line.split(separator)]
        return sum(columns.has(name) for name in names), _QUOTED.sub("", line).count(separator)

    return max(_SEPARATORS, key=fitting)


def _rows(reader: Any, before: int) -> Iterator[tuple[int, Sequence[str] | DeclarationError]]:
    """The rows with a value, and each one's first line; ``before`` lines come before the reader's. What can't be read is an error."""
    while True:
        number = before + reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, DeclarationError("the line", _csv_fact(str(error)), 'close each quote, and write a quote within quotes as ""')
            continue
        if any(cell.strip() for cell in row):
            yield number, row


def _csv_fact(reason: str) -> str:
    if "end of data" in reason:
        return "a quote in it is not closed"
    if "field larger" in reason:
        return f"a quote in it is not closed, or a value has more than {csv.field_size_limit():,} characters"
    return f"it is not valid CSV ({reason})"


def _require_columns(header: Sequence[str], columns: Columns, separator: str, what: str) -> None:
    named = [name for name in header if name]
    if unknown := next((name for name in named if not columns.has(name)), None):
        raise RosterError(what, f"there is no column '{without_keys(unknown)}'", _meant(unknown, columns, separator))
    if twice := next((name for name in named if named.count(name) > 1), None):
        raise RosterError(what, f"its first line has the column '{twice}' twice", "leave one out, or give it another name")
    if columns.names[0] not in named:
        raise RosterError(what, f"its first line has no column '{columns.names[0]}'", columns.remedy)
    for name in named:
        try:
            if name.startswith(_TAG):
                require_tags({name.removeprefix(_TAG): ""})
            elif name.startswith(_DESIRED):
                require_desired({name.removeprefix(_DESIRED): ""})
        except DeclarationError as error:
            raise RosterError(what, f"the column '{name}': {error.fact}", error.remedy) from None


def _meant(unknown: str, columns: Columns, separator: str) -> str:
    parts = _OTHER_SEPARATORS.split(unknown)
    if len(parts) > 1 and all(map(columns.has, parts)):
        return f"separate the names of columns by {separator!r}, or by another one that a line sep= before them names"
    meant = meant_by(unknown, (*columns.names, _TAG, _DESIRED))
    return f"write it as '{meant}', or {columns.remedy}" if meant else columns.remedy


def _cells(header: Sequence[str], row: Sequence[str], *, ends: bool) -> dict[str, str]:
    """The cells of a row. ``ends``: the row has a line end, so that it is whole: Excel leaves out separators before it."""
    values = [cell.strip() for cell in row]
    while len(values) > len(header) and not values[-1]:
        values.pop()
    if ends:
        values += [""] * (len(header) - len(values))
    if len(values) < len(header):
        fact = f"it has {len(values)} of {len(header)} fields and no line end, as in a file that is cut off"
        raise DeclarationError("the line", fact, "check that the file is whole; if it is, end its last line")
    if len(values) > len(header):
        raise DeclarationError(
            "the line", f"it has {len(values)} fields, and the first line has {len(header)}", "quote a value that has the separator in it"
        )
    if values == list(header) and len(header) > 1:
        raise DeclarationError("the line", "it repeats the names of the columns", "remove it")
    if stray := next((place for place, (name, cell) in enumerate(zip(header, values, strict=True), 1) if cell and not name), 0):
        raise DeclarationError("the line", f"field {stray} has a value, and its column has no name", "name the column in the first line")
    return dict(zip(header, values, strict=True))


def edge(cells: Mapping[str, str]) -> bool | None:
    """The cell `edge`; None: it has no value.

    Raises:
        DeclarationError: it is neither true nor false.
    """
    found = cells.get("edge", "").lower()
    if found not in _BOOLEANS:
        raise DeclarationError("edge", f"it is '{cells['edge']}'", "use true or false")
    return _BOOLEANS[found]


def twin_columns(cells: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The tags and desired properties of a row."""
    return {"tags": _columns(_TAG, cells), "desired": _columns(_DESIRED, cells)}


def _columns(prefix: str, cells: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(prefix): cell for name, cell in cells.items() if name.startswith(prefix) and cell}
