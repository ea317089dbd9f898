"""Parents of devices: the scope of an IoT Edge device, and the devices below it.

Sources: the members `deviceScope` and `parentScopes` in Azure's OpenAPI file and SDKs, and how the az CLI's extension sets and removes a
parent. Azure makes the scope of an IoT Edge device. A leaf device names its parent by `deviceScope`, which Azure copies to `parentScopes`;
an IoT Edge device below another one names it by `parentScopes`, which takes one scope. Which scopes Azure refuses is a guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.store import Document

    Find = Callable[[str], Document | None]  # a device of the hub by its id

_PREFIX = "ms-azure-iot-edge://"


def scopes(device: Document, body: dict[str, Any], find: Find, *, edge: bool) -> tuple[str | None, list[str]]:
    """The scope of a device and those of its parents, as a request's body asks for.

    Raises:
        RegistryError: The parent is no IoT Edge device of the hub, or is the device itself or one below it.
    """
    asked, above = body.get("deviceScope") or "", body.get("parentScopes") or []
    if not isinstance(asked, str) or not isinstance(above, list) or not all(isinstance(one, str) for one in above):
        raise errors.argument_invalid("deviceScope must be text, and parentScopes a list of texts")
    own = f"{_PREFIX}{device['id']}-{device['generation']}" if edge else asked
    parents = [one for one in above if one] if edge else [asked] if asked else []
    if len(parents) > 1:
        raise errors.argument_invalid(f"parentScopes has {len(parents)} scopes; a device has one parent")
    for parent in parents:
        if parent not in device.get("parents", ()):  # that of a parent that was deleted since stays
            _require_parent(device, parent, find)
    return own or None, parents


def moved(item: dict[str, Any], find: Find) -> dict[str, Any]:
    """An exported device as a hub takes it where its parent is the device with the same id, but of another generation.

    An IoT Edge device that is imported gets a new scope. That an import follows it to the devices below is a guess.
    """
    names = [item.get("deviceScope"), *(item["parentScopes"] if isinstance(item.get("parentScopes"), list) else [])]
    here = {name: _edge_scope(name, find) for name in names if isinstance(name, str) and name}
    own, above = item.get("deviceScope"), item.get("parentScopes")
    return {
        **item,
        "deviceScope": here.get(own, own) if isinstance(own, str) else own,
        "parentScopes": [here.get(name, name) if isinstance(name, str) else name for name in above] if isinstance(above, list) else above,
    }


def _edge_scope(scope: str, find: Find) -> str:
    found = find(scope.removeprefix(_PREFIX).rpartition("-")[0])
    return str(found["scope"]) if found is not None and found["edge"] else scope


def _require_parent(device: Document, scope: str, find: Find) -> None:
    above, steps = _device_of(scope, find), set[str]()
    if above is None:
        raise errors.argument_invalid(f"The scope '{scope}' is not that of an IoT Edge device of this hub")
    while above is not None and above["id"] not in steps:
        if above["id"] == device["id"]:
            raise errors.argument_invalid(f"The device '{device['id']}' can't be below itself")
        steps.add(above["id"])
        above = next((_device_of(one, find) for one in above["parents"]), None)


def _device_of(scope: str, find: Find) -> Document | None:
    """The IoT Edge device with this scope; a deleted one's is no device's any more, also if the id is in use again."""
    found = find(scope.removeprefix(_PREFIX).rpartition("-")[0])
    return found if found is not None and found["edge"] and found["scope"] == scope else None
