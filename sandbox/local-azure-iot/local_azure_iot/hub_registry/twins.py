"""Device twins: tags and desired properties for the back end, reported properties for the device."""

from __future__ import annotations

import base64
import copy
import math
import unicodedata
from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import errors
from local_azure_iot.messaging import twin_notifications

if TYPE_CHECKING:
    from datetime import datetime

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

Part = dict[str, Any]  # one side of a twin's properties: `values`, `metadata` of the same shape, `version`
# Documented limits. That `#` and all white space are refused in names, and null in lists, is how Azure's IoT Edge hub checks them, which
# takes its limits from IoT Hub.
_MAX_DEPTH = 10  # of what is in the tags or properties, so that the innermost of ten objects may have members
_MAX_BYTES = {"tags": 8 * 1024, "desired": 32 * 1024, "reported": 32 * 1024}
_MAX_TEXT = 4 * 1024
_MAX_NAME = 1024
_NOT_PROPERTIES = frozenset({"$version", "$metadata"})  # members that answers show and requests may send back
_SHAPE = {"tags": dict, "properties": {"desired": dict}}
_INTEGERS = range(-4503599627370496, 4503599627370496)


def new_twin(now: datetime) -> Document:
    """The twin of a new device."""
    return {"etag": 1, "version": 2, "tags": {}, "desired": _empty(now), "reported": _empty(now)}


def _empty(now: datetime) -> Part:
    return {"values": {}, "metadata": {"$lastUpdated": format_time(now)}, "version": 1}


def format_time(now: datetime) -> str:
    """`2023-10-06T19:14:45.1234560Z`: .NET's seven digits."""
    return f"{now.replace(tzinfo=None).isoformat(timespec='microseconds')}0Z"  # many times faster than strftime, and every write needs some


def etag(twin: Document) -> str:
    """Base64 of eight big-endian bytes that count the writes by the back end."""
    return base64.b64encode(int(twin["etag"]).to_bytes(8, "big")).decode()


def matches(if_match: str, twin: Document) -> bool:
    """Whether an If-Match holds for a twin."""
    return if_match.strip().strip('"') in {"*", etag(twin)}


def update(twin: Document, body: dict[str, Any], now: datetime, *, replace: bool) -> None:
    """Merge a request's tags and desired properties into a twin, null removing a member; with `replace` they replace the old ones.

    Raises:
        RegistryError: A name is invalid, or the twin is too deep or too large. The twin stays unchanged.
    """
    errors.check_shape(body, _SHAPE)
    tags, desired = body.get("tags"), (body.get("properties") or {}).get("desired")
    if tags is not None:
        _size("tags", tags, 1)  # before anything walks through it: it may be nested as deeply as a request's JSON can be
    new_tags = _merged({} if replace else twin["tags"], tags or {}) if (replace or tags is not None) else twin["tags"]
    _check("tags", new_tags)
    if replace or desired is not None:
        twin["desired"] = patched_part("desired", twin["desired"], desired or {}, now, replace=replace)
    twin |= {"tags": new_tags, "etag": twin["etag"] + 1, "version": twin["version"] + 1}


def tell_session(
    azure: Azure, identity: tuple[str, str, str], before: Document, after: Document, body: dict[str, Any], *, replace: bool
) -> None:
    """Tell the session of an identity (hub key, device, module or empty) what a request changed in its desired properties."""
    if after["desired"]["version"] == before["desired"]["version"]:
        return
    if replace:
        patch = twin_notifications.change(before["desired"]["values"], after["desired"]["values"])
    else:
        desired = (body.get("properties") or {}).get("desired") or {}
        patch = {name: value for name, value in desired.items() if name not in _NOT_PROPERTIES}
    twin_notifications.desired_changed(azure, *identity, patch, after["desired"]["version"])


def patched_part(name: str, part: Part, patch: dict[str, Any], now: datetime, *, replace: bool = False) -> Part:
    """One side of the properties after a patch.

    Raises:
        RegistryError: A name is invalid, or the twin is too deep or too large.
    """
    patch = {member: value for member, value in patch.items() if member not in _NOT_PROPERTIES}
    _size(name, patch, 1)
    values = _merged({} if replace else part["values"], patch)
    _check(name, values)
    version = part["version"] + 1
    times: dict[str, Any] = {"$lastUpdated": format_time(now)}
    if name == "desired":
        times["$lastUpdatedVersion"] = version
    return {"values": values, "metadata": _metadata({} if replace else part["metadata"], patch, values, times), "version": version}


def _merged(old: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    result = copy.deepcopy(old)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            before = result.get(name)
            result[name] = _merged(before if isinstance(before, dict) else {}, value)
        else:
            result[name] = value
    return result


def _metadata(old: dict[str, Any], patch: dict[str, Any], values: dict[str, Any], times: dict[str, Any]) -> dict[str, Any]:
    result = {name: copy.deepcopy(each) for name, each in old.items() if name in values} | times
    for name, value in patch.items():
        if name not in values:
            continue
        if isinstance(value, dict):
            result[name] = _metadata(old.get(name) or {}, value, values[name], times)
        else:
            result[name] = dict(times)
    return result


def _check(part: str, values: dict[str, Any]) -> None:
    size = _size(part, values, 1)
    if size > _MAX_BYTES[part]:
        raise errors.argument_invalid(f"{part} of {size} bytes are too large: at most {_MAX_BYTES[part]} are allowed")


def _size(part: str, value: Any, depth: int) -> int:
    """The documented size of a value: names and texts without control characters, 8 bytes for a number, 4 for a boolean.

    Raises:
        RegistryError: A name or a value is invalid, or nested too deep.
    """
    match value:
        case str():
            if len(_utf8(part, value)) > _MAX_TEXT:
                raise errors.argument_invalid(f"{part} hold a text of {len(_utf8(part, value))} bytes: at most {_MAX_TEXT} are allowed")
            return _counted(part, value)
        case bool():
            return 4
        case int() if value not in _INTEGERS:
            raise errors.argument_invalid(f"{part} hold the integer {str(value)[:30]}: only 53 bits with a sign are allowed")
        case float() if math.isinf(value) or math.isnan(value):
            raise errors.argument_invalid(f"{part} hold a number that is none")
        case int() | float():
            return 8
        case dict() | list() if depth > _MAX_DEPTH + 1:
            raise errors.argument_invalid(f"{part} are more than {_MAX_DEPTH} levels deep")
        case dict():
            return sum(_name_size(part, name) + _size(part, each, depth + 1) for name, each in value.items() if each is not None)
        case list() if None in value:
            raise errors.argument_invalid(f"{part} hold a list with null in it")
        case _:
            return sum(_size(part, each, depth + 1) for each in value)


def _name_size(part: str, name: str) -> int:
    if not name or any(char in ".$#" or char.isspace() or unicodedata.category(char) == "Cc" for char in name):
        raise errors.argument_invalid(f"{part} can't have a member '{name}': no dots, dollars, #, white space or control characters")
    if len(_utf8(part, name)) > _MAX_NAME:
        raise errors.argument_invalid(f"{part} can't have a member '{name[:10]}…': at most {_MAX_NAME} bytes are allowed")
    return _counted(part, name)


def _counted(part: str, text: str) -> int:
    return len(_utf8(part, "".join(char for char in text if unicodedata.category(char) != "Cc")))


def _utf8(part: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise errors.argument_invalid(f"{part} hold a text that is not Unicode") from None


def properties(part: Part) -> dict[str, Any]:
    """One side of the properties as answers show it."""
    return {**part["values"], "$metadata": part["metadata"], "$version": part["version"]}
