"""Rosters from a pattern, a list of ids, a CSV file or a file of JSON lines. Errors name every invalid line by its number."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hubtrust.devices.description import read_description, require_device_id
from hubtrust.devices.id_patterns import expand
from hubtrust.devices.roster import Roster, RosterError
from hubtrust.errors import HubtrustError
from hubtrust.reconcile_errors import DeclarationError

if TYPE_CHECKING:
    from hubtrust.azure.device_description import DeviceDescription

_COLUMNS = ("id", "status", "reason", "edge", "thumbprint", "secondaryThumbprint")
_FIELDS = ("id", "status", "reason", "edge", "thumbprints", "tags", "desired")
_BOOLEANS = {"true": True, "false": False, "": None}


@RosterError.told()
def from_pattern(pattern: str, tags: Mapping[str, Any] | None = None) -> Roster:
    """`press-{001..025}` is press-001 to press-025; several ranges give every combination, leading zeros are kept.

    Raises:
        RosterError: the pattern is invalid, or gives an id that Azure does not accept, or more devices than a hub holds.
    """
    declared = read_description({"tags": tags or {}})
    return Roster.of((device_id, declared) for device_id in expand(pattern))


@RosterError.told()
def from_ids(ids: Iterable[str], tags: Mapping[str, Any] | None = None) -> Roster:
    """Devices with these ids, all with the same ``tags``.

    Raises:
        RosterError: see ``Roster.of``; or a tag is invalid.
    """
    declared = read_description({"tags": tags or {}})
    return Roster.of((device_id, declared) for device_id in ids)


@RosterError.told()
def from_csv(text: str, *, what: str, tags: Mapping[str, Any] | None = None) -> Roster:
    """Columns `id`, and any of `status`, `reason`, `edge`, `thumbprint`, `secondaryThumbprint`, `tag.<name>`, `desired.<name>`.

    The first line has the names of the columns. Values are texts; an empty one means no value. All devices have the ``tags``.

    Raises:
        RosterError: the first line, or another one, is invalid; all invalid lines are named.
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    header = [name.strip() for name in next(reader, [])]
    unknown = [name for name in header if name not in _COLUMNS and not name.startswith(("tag.", "desired."))]
    if "id" not in header or unknown or len(set(header)) < len(header):
        fact = f"there is no column '{unknown[0]}'" if unknown else "its first line has no column 'id', or has a column twice"
        raise RosterError(what, fact, f"name the columns in the first line: {', '.join(_COLUMNS)}, tag.<name>, desired.<name>")
    return _from_lines(_csv_lines(reader), lambda row: _csv_device(header, row), what, tags)


@RosterError.told()
def from_json_lines(text: str, *, what: str, tags: Mapping[str, Any] | None = None) -> Roster:
    """One object a line: `id`, and any of `status`, `reason`, `edge`, `thumbprints`, `tags`, `desired`. All devices have the ``tags``.

    Raises:
        RosterError: lines are invalid; all of them are named.
    """
    lines = ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())
    return _from_lines(lines, _json_device, what, tags)


def _csv_lines(reader: Any) -> Iterator[tuple[int, Any]]:
    """Each row and the number of its first line; in place of a row that can't be read, csv's error."""
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, error
            continue
        if row:
            yield number, row


def _from_lines(
    lines: Iterable[tuple[int, Any]], read: Callable[[Any], dict[str, Any]], what: str, tags: Mapping[str, Any] | None
) -> Roster:
    held: dict[str, DeviceDescription] = {}
    first: dict[str, int] = {}
    invalid: list[str] = []
    descriptions: dict[str, DeviceDescription] = {}  # thousands of lines differ only in the id
    for number, line in lines:
        try:
            inputs = read(line)
            device_id = require_device_id(inputs.pop("id", ""))
            if device_id in held:
                invalid.append(f"line {number}: device '{device_id}' is already in line {first[device_id]}")
                continue
            inputs["tags"] = {**(tags or {}), **(inputs.get("tags") or {})}
            key = json.dumps(inputs, sort_keys=True)
            if key not in descriptions:
                descriptions[key] = read_description(inputs)
            held[device_id], first[device_id] = descriptions[key], number
        except HubtrustError as error:
            invalid.append(f"line {number}: {error.what}: {error.fact}")
    if invalid:
        fact = f"{len(invalid)} invalid {'line' if len(invalid) == 1 else 'lines'}: {'; '.join(invalid)}"
        raise RosterError(what, fact, "correct them and run again; nothing was changed")
    return Roster.of(held.items())


def _csv_device(header: list[str], row: Any) -> dict[str, Any]:
    if isinstance(row, csv.Error):
        raise DeclarationError("the line", f"it is not valid CSV ({row})", "quote its values")
    if len(row) != len(header):
        raise DeclarationError(
            "the line", f"it has {len(row)} fields, and the first line has {len(header)}", "give a field for each column"
        )
    cells = {name: cell.strip() for name, cell in zip(header, row, strict=True)}
    edge = cells.get("edge", "").lower()
    if edge not in _BOOLEANS:
        raise DeclarationError("edge", f"it is '{cells['edge']}'", "use true or false")
    thumbprints = [cells[name] for name in ("thumbprint", "secondaryThumbprint") if cells.get(name)]
    return {
        "id": cells["id"],
        "status": cells.get("status") or None,
        "reason": cells.get("reason") or None,
        "edge": _BOOLEANS[edge],
        "thumbprints": thumbprints or None,
        "tags": _columns("tag.", cells),
        "desired": _columns("desired.", cells),
    }


def _columns(prefix: str, cells: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(prefix): cell for name, cell in cells.items() if name.startswith(prefix) and cell}


def _json_device(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise DeclarationError("the line", f"it is not valid JSON ({error})", "write an object") from None
    if not isinstance(found, dict):
        raise DeclarationError("the line", "it is not an object", "write an object with an id")
    if unknown := sorted(found.keys() - set(_FIELDS)):
        raise DeclarationError("the line", f"there is no field '{unknown[0]}'", f"use {', '.join(_FIELDS)}")
    return found
