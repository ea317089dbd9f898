"""Device twins: tags and desired properties for the back end, reported properties for the device."""

from __future__ import annotations

import base64
import copy
import json
import re
from typing import TYPE_CHECKING, Any

from sandbox.azure.hub_registry import errors

if TYPE_CHECKING:
    from datetime import datetime

    from sandbox.azure.store import Document

Part = dict[str, Any]  # one side of a twin's properties: `values`, `metadata` of the same shape, `version`
_MAX_DEPTH = 10
_MAX_BYTES = {"tags": 8 * 1024, "desired": 32 * 1024, "reported": 32 * 1024}
_MAX_TEXT = 4 * 1024
_WRITER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
_BAD_NAME = re.compile(r"[\x00-\x1f\x7f-\x9f.$ ]")


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
    tags, desired = body.get("tags"), (body.get("properties") or {}).get("desired")
    for name, value in (("tags", tags), ("desired", desired)):
        if value is not None and not isinstance(value, dict):
            raise errors.argument_invalid(f"{name} must be an object")
    new_tags = _merged({} if replace else twin["tags"], tags or {}) if (replace or tags is not None) else twin["tags"]
    _check("tags", new_tags)
    if replace or desired is not None:
        twin["desired"] = patched_part("desired", twin["desired"], desired or {}, now, replace=replace)
    twin |= {"tags": new_tags, "etag": twin["etag"] + 1, "version": twin["version"] + 1}


def patched_part(name: str, part: Part, patch: dict[str, Any], now: datetime, *, replace: bool = False) -> Part:
    """One side of the properties after a patch.

    Raises:
        RegistryError: A name is invalid, or the twin is too deep or too large.
    """
    patch = {member: value for member, value in patch.items() if member not in {"$version", "$metadata"}}
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
    _check_names(part, values, 1)
    size = len(_WRITER.encode(values).encode())
    if size > _MAX_BYTES[part]:
        raise errors.argument_invalid(f"{part} of {size} bytes are too large: at most {_MAX_BYTES[part]} are allowed")


def _check_names(part: str, value: Any, depth: int) -> None:
    if isinstance(value, str) and len(value.encode()) > _MAX_TEXT:
        raise errors.argument_invalid(f"{part} hold a text of {len(value.encode())} bytes: at most {_MAX_TEXT} are allowed")
    if isinstance(value, list):
        for each in value:
            _check_names(part, each, depth + 1)
    if not isinstance(value, dict):
        return
    if depth > _MAX_DEPTH:
        raise errors.argument_invalid(f"{part} are more than {_MAX_DEPTH} levels deep")
    for name, each in value.items():
        if not name or _BAD_NAME.search(name):
            raise errors.argument_invalid(f"{part} can't have a member '{name}': no dots, dollars, spaces or control characters")
        _check_names(part, each, depth + 1)


def properties(part: Part) -> dict[str, Any]:
    """One side of the properties as answers show it."""
    return {**part["values"], "$metadata": part["metadata"], "$version": part["version"]}
