"""Digital twins of IoT Plug and Play: a device's twin with components, and each property with what was asked for and what was answered.

Source: https://learn.microsoft.com/azure/iot/concepts-digital-twin and
https://learn.microsoft.com/azure/iot/howto-manage-digital-twin. A component has the member `"__t": "c"` in the device's twin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import errors

if TYPE_CHECKING:
    from local_azure_iot.store import Document

_MARK = "__t"
_DEPTH = 2  # a property of a component


def to_json(device: Document) -> dict[str, Any]:
    """The digital twin of a device."""
    twin = device["twin"]
    result = {"$dtId": device["id"], **_part(twin["desired"], twin["reported"])}
    metadata = result.pop("$metadata")
    return {**result, "$metadata": {"$model": device.get("modelId", ""), **metadata}}


def _part(desired: dict[str, Any], reported: dict[str, Any]) -> dict[str, Any]:
    """The properties and components of a device, or the properties of a component."""
    wanted, found = desired["values"], reported["values"]
    values: dict[str, Any] = {}
    components: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    for name in dict.fromkeys([*found, *wanted]):
        if name == _MARK:
            continue
        if _is_component(wanted.get(name)) or _is_component(found.get(name)):
            components[name] = _part(_inner(desired, name), _inner(reported, name))
            continue
        about: dict[str, Any] = {}
        if name in wanted:
            version = desired["metadata"].get(name, {}).get("$lastUpdatedVersion", desired["version"])
            about |= {"desiredValue": wanted[name], "desiredVersion": version}
        if name in found:
            values[name] = _answered(found[name], about)
            about["lastUpdateTime"] = reported["metadata"].get(name, {}).get("$lastUpdated", reported["metadata"].get("$lastUpdated"))
        metadata[name] = about
    return {**values, **components, "$metadata": metadata}


def _answered(value: Any, about: dict[str, Any]) -> Any:
    """The value that a device reports; the answer to a writable property has the value within it, with a code and a version."""
    if not (isinstance(value, dict) and "value" in value and "ac" in value):
        return value
    names = {"ackVersion": "av", "ackCode": "ac", "ackDescription": "ad"}
    about |= {name: value[short] for name, short in names.items() if short in value}
    return value["value"]


def _is_component(value: Any) -> bool:
    return isinstance(value, dict) and value.get(_MARK) == "c"


def _inner(part: dict[str, Any], name: str) -> dict[str, Any]:
    value = part["values"].get(name)
    return {
        "values": value if isinstance(value, dict) else {},
        "metadata": part["metadata"].get(name, {}),
        "version": part["version"],
    }


def desired_of(device: Document, operations: list[Any]) -> dict[str, Any]:
    """What a JSON Patch (RFC 6902) of a digital twin changes in the desired properties, to be merged; null removes.

    Raises:
        RegistryError: An operation is none of add, replace and remove, or leads to nothing that can be written.
    """
    current: dict[str, Any] = device["twin"]["desired"]["values"]
    change: dict[str, Any] = {}
    for operation in operations:
        if not isinstance(operation, dict) or str(operation.get("op")) not in {"add", "replace", "remove"}:
            raise errors.digital_twin_patch_invalid("each operation must have an op: add, replace or remove")
        if operation["op"] != "remove" and "value" not in operation:
            raise errors.digital_twin_patch_invalid(f"'{operation['op']}' needs a value")
        _apply(current, change, _path(operation.get("path")), operation)
    return change


def _apply(current: dict[str, Any], change: dict[str, Any], path: list[str], operation: dict[str, Any]) -> None:
    known: Any = current
    for name in path:
        known = known.get(name) if isinstance(known, dict) else None
    if operation["op"] != "add" and known is None:
        raise errors.digital_twin_patch_invalid(f"'{operation['op']}' needs something at '{operation['path']}'")
    place = change
    if len(path) == _DEPTH:
        inner = place.get(path[0])
        inner = inner if isinstance(inner, dict) else {_MARK: "c"}
        place[path[0]] = inner
        place = inner
    value = operation.get("value") if operation["op"] != "remove" else None
    if isinstance(value, dict) and isinstance(value.get("$metadata"), dict):  # a whole component
        value = {_MARK: "c", **{name: each for name, each in value.items() if name != "$metadata"}}
    place[path[-1]] = value


def _path(text: Any) -> list[str]:
    parts = text.split("/")[1:] if isinstance(text, str) and text.startswith("/") else []
    names = [part.replace("~1", "/").replace("~0", "~") for part in parts]
    if not 1 <= len(names) <= _DEPTH or not all(names) or any(name.startswith("$") for name in names):
        raise errors.digital_twin_path_invalid(f"'{str(text)[:80]}' is neither a property, a component, nor a component's property")
    return names
