"""Devices from JSON: an object a line, which ends at a line feed alone, or a list; with our own fields, or as a hub writes them."""

from collections.abc import Iterator, Mapping
from typing import Any

from hubtrust.devices.field_names import meant_by
from hubtrust.devices.hub_export import HUB_FIELDS, is_written_by_a_hub, read_exported
from hubtrust.devices.json_records import json_records
from hubtrust.devices.json_values import kind
from hubtrust.reconcile_errors import DeclarationError

_FIELDS = ("id", "status", "reason", "edge", "thumbprints", "tags", "desired")


def json_devices(text: str) -> Iterator[tuple[int, Mapping[str, Any] | DeclarationError]]:
    """Each device's description and the number of its first line, or what is wrong with it. Empty lines are passed over."""
    for number, value in json_records(text):
        try:
            found = value if isinstance(value, DeclarationError) else _device(value)
        except DeclarationError as error:
            found = error
        if found is not None:
            yield number, found


def _device(found: object) -> Mapping[str, Any] | None:
    """The description, by its wire names; None: it is passed over.

    Raises:
        DeclarationError: it is no object, or has a field that there is not.
    """
    if not isinstance(found, Mapping):
        raise DeclarationError("the line", f"it is {kind(found)}", "write an object with an id")
    if not (others := [name for name in found if name not in _FIELDS]):
        if "id" not in found:
            raise DeclarationError("the line", "it has no id", "give each device an id")
        return found
    unknown = [name for name in others if name not in HUB_FIELDS]
    if unknown and not is_written_by_a_hub(found):
        meant = meant_by(unknown[0], _FIELDS)
        remedy = f"write it as '{meant}'" if meant else f"use {', '.join(_FIELDS)}"
        raise DeclarationError("the line", f"there is no field '{unknown[0]}'", remedy)
    return read_exported(found)
