"""What a configuration sets: paths into desired properties with their values, for devices, for modules, or for a device's IoT Edge modules.

Sources: https://learn.microsoft.com/azure/iot-hub/iot-hub-automatic-device-management-cli and
https://learn.microsoft.com/azure/iot-edge/module-deployment-monitoring ("Layered deployment").
"""

from __future__ import annotations

import copy
from typing import Any

from local_azure_iot.hub_registry import errors

Paths = dict[tuple[str, ...], Any]  # the path within the desired properties, and its value
KINDS = ("deviceContent", "moduleContent", "modulesContent")
_DESIRED = "properties.desired"


def kind_of(content: dict[str, Any]) -> str:
    """Which of the KINDS a content is.

    Raises:
        RegistryError: It is none or several of them, or a path in it does not lead into the desired properties.
    """
    given = [kind for kind in KINDS if content.get(kind) is not None]
    if len(given) != 1:
        raise errors.configuration_content_invalid(f"content must have one of {', '.join(KINDS)}, not {', '.join(given) or 'none'}")
    for _, section in sections(content):
        paths(section)
    return given[0]


def sections(content: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The parts of a content: each IoT Edge module's id with what is set in it, or one part without an id.

    Raises:
        RegistryError: A part is not an object.
    """
    parts = [(module, part) for module, part in _object(content.get("modulesContent") or {}).items()]
    parts += [("", content[kind]) for kind in ("deviceContent", "moduleContent") if content.get(kind) is not None]
    return [(module, _object(part)) for module, part in parts]


def paths(section: dict[str, Any]) -> Paths:
    """The paths that a part sets. The desired properties as a whole are one path for each member of them.

    Raises:
        RegistryError: A path does not lead into the desired properties.
    """
    found: Paths = {}
    for name, value in section.items():
        if name == _DESIRED:
            found |= {(member,): inner for member, inner in _object(value).items()}
        elif name.startswith(f"{_DESIRED}.") and all(name.split(".")):
            found[tuple(name.split(".")[2:])] = value
        else:
            raise errors.configuration_content_invalid(f"'{name[:80]}' does not begin with '{_DESIRED}'")
    return found


def is_layered(content: dict[str, Any]) -> bool:
    """Whether an IoT Edge content adds to another: it sets paths in the modules' desired properties, none as a whole."""
    return not any(_DESIRED in section for _, section in sections(content))


def nested(found: Paths) -> dict[str, Any]:
    """The paths as one object; a later path replaces what an earlier one has in its way."""
    result: dict[str, Any] = {}
    for path, value in found.items():
        place = result
        for name in path[:-1]:
            inner = place.get(name)
            place[name] = inner = dict(inner) if isinstance(inner, dict) else {}
            place = inner
        place[path[-1]] = value
    return result


def patch(values: dict[str, Any], removed: list[tuple[str, ...]], found: Paths) -> dict[str, Any]:
    """What to merge into desired properties so that the ``removed`` paths are gone and the ``found`` ones have their values."""
    wanted = copy.deepcopy(values)
    for path in removed:
        place: Any = wanted
        for name in path[:-1]:
            place = place.get(name) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place.pop(path[-1], None)
    for path, value in found.items():
        place = wanted
        for name in path[:-1]:
            inner = place[name] if isinstance(place.get(name), dict) else {}
            place[name] = inner
            place = inner
        place[path[-1]] = value
    return _difference(values, wanted)


def _difference(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {name: None for name in old if name not in new}
    for name, value in new.items():
        before = old.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            inner = _difference(before, value)
            result |= {name: inner} if inner else {}
        elif name not in old or type(before) is not type(value) or before != value:
            result[name] = value
    return result


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise errors.configuration_content_invalid(f"an object was expected, not {type(value).__name__}")
    return value
