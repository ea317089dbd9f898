"""Rosters from a pattern, a list of ids, or a file: CSV or JSON. Errors name invalid lines by their numbers."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hubtrust.devices.description import read_description, require_device_id
from hubtrust.devices.id_patterns import expand
from hubtrust.devices.json_values import kind
from hubtrust.devices.roster import MOST_DEVICES, Roster, RosterError
from hubtrust.devices.roster_csv import csv_devices
from hubtrust.devices.roster_json import json_devices
from hubtrust.devices.roster_lines import RosterLines
from hubtrust.devices.roster_text import as_text
from hubtrust.file_content import file_content
from hubtrust.reconcile_errors import DeclarationError

if TYPE_CHECKING:
    from hubtrust.azure.device_description import DeviceDescription

_JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
_KEY = json.JSONEncoder(sort_keys=True)  # created once: `json.dumps` with options creates one for each call


@RosterError.told()
def from_pattern(pattern: str, tags: Mapping[str, Any] | None = None) -> Roster:
    """The devices of a pattern.

    Args:
        pattern: `press-{001..025}` is press-001 to press-025; several ranges give every combination, leading zeros are kept.
        tags: tags of the twin of every device, an object.

    Raises:
        RosterError: the pattern is invalid, or gives an id that Azure does not accept, or more devices than a hub holds; or a
            twin can't hold the ``tags``.
    """
    declared = read_description({"tags": tags})
    return Roster.of((device_id, declared) for device_id in expand(pattern))


@RosterError.told()
def from_ids(ids: Iterable[str], tags: Mapping[str, Any] | None = None) -> Roster:
    """Devices by their ids.

    Args:
        ids: the ids, each at most 128 characters, case-sensitive.
        tags: tags of the twin of every device, an object.

    Raises:
        RosterError: see ``Roster.of``; or ``ids`` is one text, or a twin can't hold the ``tags``.
    """
    if isinstance(ids, str | bytes) or not isinstance(ids, Iterable):
        raise RosterError("ids", f"it is {kind(ids)}", "give a list of texts, or use from_pattern")
    declared = read_description({"tags": tags})
    return Roster.of((device_id, declared) for device_id in ids)


@RosterError.told()
def from_file(path: str | os.PathLike[str], *, what: str | None = None, tags: Mapping[str, Any] | None = None) -> Roster:
    """Devices from a CSV file (see ``from_csv``) or a file of JSON (see ``from_json_lines``), whichever it is.

    It is read as UTF-8 whatever the machine's locale is, or as UTF-16 with a byte order mark.

    Args:
        path: the file.
        what: what it is called in errors; default: its path.
        tags: tags of the twin of every device, an object; a device's own go before these.

    Raises:
        RosterError: the file can't be read, or see ``from_csv`` and ``from_json_lines``.
    """
    named = what or f"file '{path}'"
    if not isinstance(path, str | os.PathLike):
        raise RosterError(named, f"its path is {kind(path)}", "give the path of a file")
    content = file_content(Path(path), what=named, remedy="give the path of a file that can be read")
    text = as_text(content, what=named)
    return (from_json_lines if is_json(path, text) else from_csv)(text, what=named, tags=tags)


def is_json(path: str | os.PathLike[str], text: str) -> bool:
    """Whether a file is JSON and no CSV, by its name or its first character."""
    return str(path).lower().endswith(_JSON_SUFFIXES) or text.lstrip()[:1] in ("{", "[")


@RosterError.told()
def from_csv(text: str | bytes, *, what: str, tags: Mapping[str, Any] | None = None) -> Roster:
    """Columns `id`, and any of `status`, `reason`, `edge`, `thumbprint`, `secondaryThumbprint`, `tag.<name>`, `desired.<name>`.

    The first line has the names of the columns, separated by comma, semicolon, tab or |; before it there may be Excel's `sep=;`.
    Values are texts; an empty one means no value, and a row without any value is passed over.

    Args:
        text: the content of the file.
        what: what it is called in errors.
        tags: tags of the twin of every device, an object; a device's own go before these.

    Raises:
        RosterError: the encoding, the first line, or another one, is invalid; the first twenty invalid lines are named. Or a twin
            can't hold the ``tags``.
    """
    return _from_lines(csv_devices(as_text(text, what=what), what=what), what, tags)


@RosterError.told()
def from_json_lines(text: str | bytes, *, what: str, tags: Mapping[str, Any] | None = None) -> Roster:
    """One object a line: `id`, and any of `status`, `reason`, `edge`, `thumbprints`, `tags`, `desired`.

    It may also be one list of such objects, and an object may be as a hub exports it (see ``hubtrust.devices.hub_export``). A line ends at
    a line feed, and at nothing else.

    Args:
        text: the content of the file.
        what: what it is called in errors.
        tags: tags of the twin of every device, an object; a device's own go before these.

    Raises:
        RosterError: the encoding or lines are invalid; the first twenty of them are named. Or a twin can't hold the ``tags``.
    """
    return _from_lines(json_devices(as_text(text, what=what)), what, tags)


def _from_lines(lines: Iterable[tuple[int, Mapping[str, Any] | DeclarationError]], what: str, tags: Mapping[str, Any] | None) -> Roster:
    common = read_description({"tags": tags}).tags
    descriptions: dict[str, DeviceDescription] = {}  # thousands of lines differ only in the id
    read = RosterLines(
        "device",
        lambda device: require_device_id(device.get("id")),
        lambda device: _described(device, common, descriptions),
        MOST_DEVICES,
        ("the most that a hub holds", "spread them over several hubs"),
    )
    return Roster.of(read.read(lines, what).items())


def _described(line: Mapping[str, Any], common: Mapping[str, Any], descriptions: dict[str, "DeviceDescription"]) -> "DeviceDescription":
    """The description of a device that has the ``common`` tags too; equal ones are one object, kept in ``descriptions``."""
    inputs = {name: value for name, value in line.items() if name != "id"}
    try:
        key = _KEY.encode(inputs)
    except RecursionError:
        raise DeclarationError("the line", "it is nested too deeply", "nest it less deeply") from None
    if key not in descriptions:
        own = read_description(inputs)
        descriptions[key] = read_description({**inputs, "tags": {**common, **own.tags}}) if common else own
    return descriptions[key]
