r"""Canonical JSON and base64: one value has exactly one text, so that a log with any other byte is refused.

JSON: keys sorted by code point, no spaces, ASCII (other characters as ``\u`` escapes), no fractions. Base64: RFC 4648 section 4, padded.
"""

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any, Never

from hubtrust.errors import shown
from hubtrust.evidence.errors import FormError


def canonical_json(value: Any) -> str:
    """``value`` as canonical JSON.

    Raises:
        FormError: JSON has no such value, or it has a fraction, which is written in several ways.
    """
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise FormError(f"it can't be written as JSON: {error}") from None
    if fraction := next((one for one in scalars(value) if isinstance(one, float)), None):
        raise FormError(f"{fraction} is not a whole number")
    return text


def read_json(content: str | bytes) -> Any:
    """The value of ``content``, which is canonical JSON.

    Raises:
        FormError: it is no JSON, or JSON in another form.
    """
    if not content.isascii():
        raise FormError("it is not canonical JSON: it is not ASCII")
    text = content if isinstance(content, str) else content.decode("ascii")
    try:
        value = json.loads(text, parse_float=_refuse, parse_constant=_refuse)
        same = json.dumps(value, sort_keys=True, separators=(",", ":")) == text
    except RecursionError:
        raise FormError("its JSON is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise FormError(f"it is not JSON: {error.msg} at character {error.pos + 1}") from None
    except ValueError as error:  # a fraction, or a number with thousands of digits
        raise FormError(f"it is not the JSON of a log: {error}") from None
    if not same:
        raise FormError("its JSON is not canonical (sorted keys, each once, no spaces, ASCII)")
    return value


def canonical_base64(content: bytes) -> str:
    """``content`` as base64."""
    return base64.b64encode(content).decode()


def read_base64(text: str) -> bytes:
    """The content of ``text``, which is canonical base64.

    Raises:
        FormError: it is no base64, or base64 in another form.
    """
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise FormError("its base64 is damaged") from None
    if canonical_base64(content) != text:
        raise FormError("its base64 is not canonical")
    return content


def members(value: Any, *names: str, what: str) -> list[Any]:
    """The values of exactly these members of the object ``value``, in the order of ``names``.

    Raises:
        FormError: it is no object, or has other members.
    """
    if not isinstance(value, dict) or value.keys() != set(names):
        raise FormError(f"{what} does not have exactly the members {', '.join(names)}")
    return [value[name] for name in names]


def text_of(value: Any, *, what: str) -> str:
    """``value``, which is a text that is not empty.

    Raises:
        FormError: it is anything else.
    """
    if not isinstance(value, str) or not value:
        raise FormError(f"{what} is not a text")
    return value


def _refuse(number: str) -> Never:
    raise ValueError(f"{number[:20]} is not a whole number")


def scalars(value: Any) -> Iterator[Any]:
    """Every text, number, truth value and null in ``value``, which is JSON, and every name of a member; in no order."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left += [*one, *one.values()]
        elif isinstance(one, list | tuple):
            left += one
        else:
            yield one


def in_message(value: Any) -> str:
    """A value that was read, for a message: bounded, and on one line."""
    return (
        shown(f"'{value}'" if isinstance(value, str) else str(value), 80)
        if isinstance(value, str | int | None)
        else "another kind of value"
    )
