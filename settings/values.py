"""The text of one key as a value of its field's type. What is wrong with it is said in words of our own, for every type alike."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import SecretStr

from hubtrust.errors import shown

if TYPE_CHECKING:
    from pydantic import JsonValue
    from pydantic.fields import FieldInfo

_LONGEST_SHOWN = 200  # characters of a value
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_BOOLEANS = {"true": True, "false": False}
# The types of JSON
_KINDS: dict[type, str] = {dict: "an object", list: "a list", bool: "a boolean", int: "a number", float: "a number", type(None): "empty"}


def read_value(text: str, key: str, field: FieldInfo) -> Any:
    """The value that ``text``, the text of ``key``, is written for; None if it is empty where no text is wanted, which means not set.

    Raises:
        ValueError: it is of another type; with the fact, and what to use.
    """
    kind = field.annotation
    if kind is bool or kind is int or is_list(kind):
        if not text.strip():
            return None
        return _read_list(text, key, field) if is_list(kind) else _read_scalar(text, key, field)
    if (found := _structure(text)) is not None:
        raise ValueError(f"it is {_KINDS[type(found)]}; use {wanted(key, field)}")
    return text


def is_list(kind: Any) -> bool:
    """Whether the field is a list of texts."""
    return get_origin(kind) is tuple


def wanted(key: str, field: FieldInfo) -> str:
    """What the field of ``key`` takes: its type, and its limits."""
    kind = field.annotation
    if kind is bool:
        return "true or false"
    if kind is int:
        return f"a whole number from {_limit(field, 'ge')} to {_limit(field, 'le')}"
    if is_list(kind):
        return f"a list of texts: config set --path '{key}[0]' VALUE"
    if choices := [choice for choice in _choices(kind) if choice]:
        return f"{', '.join(choices[:-1])} or {choices[-1]}"
    most = _limit(field, "max_length")
    return "a text" if kind is SecretStr or most is None else f"a text of {_limit(field, 'min_length') or 0} to {most} characters"


def quoted(value: object) -> str:
    """A value in a message."""
    return f"'{shown(str(value), _LONGEST_SHOWN)}'"


def _read_scalar(text: str, key: str, field: FieldInfo) -> bool | int:
    if field.annotation is bool and text in _BOOLEANS:
        return _BOOLEANS[text]
    if field.annotation is int and _WHOLE_NUMBER.fullmatch(text):
        return int(text)
    raise ValueError(f"it is {quoted(text)}; use {wanted(key, field)}")


def _read_list(text: str, key: str, field: FieldInfo) -> Any:
    found = _json(text)
    if isinstance(found, bool):
        return found  # what earlier versions took for some of these keys: ``names_for``
    if not isinstance(found, list):
        raise ValueError(f"it is {quoted(text)}; use {wanted(key, field)}")  # noqa: TRY004 - the same error for every wrong value
    for number, item in enumerate(found, 1):
        if not isinstance(item, str):
            remedy = "write it in quotes" if isinstance(item, bool | int | float) else "use a text"
            raise ValueError(  # noqa: TRY004 - as above
                f"item {number} is {quoted(json.dumps(item))}, which is {_KINDS[type(item)]}; {remedy}"
            )
    return found


def _structure(text: str) -> list[JsonValue] | dict[str, JsonValue] | None:
    """The list or object that an engine wrote as JSON, because the settings have one where a text is wanted."""
    found = _json(text) if text.startswith(("[", "{")) else None
    return found if isinstance(found, list | dict) else None


def _json(text: str) -> JsonValue:
    """The value that ``text`` denotes as JSON; None if it is no JSON."""
    try:
        found: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found


def _choices(kind: Any) -> tuple[str, ...]:
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return tuple(kind)
    return get_args(kind) if get_origin(kind) is Literal else ()


def _limit(field: FieldInfo, name: str) -> Any:
    return next((found for each in field.metadata if (found := getattr(each, name, None)) is not None), None)
