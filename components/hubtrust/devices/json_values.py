"""JSON as it is read here: strictly, so that nothing in a text is lost or taken for something else.

A name that occurs twice would hide a value, `NaN` is no JSON (RFC 8259 section 6), and a number that is too large would become another one.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from hubtrust.reconcile_errors import DeclarationError

_LONGEST_INTEGER = 20  # characters: the largest integer of a twin has 16 digits, the largest that .NET reads has 19
_WHITE_SPACE = " \t\r\n"  # RFC 8259 section 2
_SPACE = re.compile(f"[{_WHITE_SPACE}]*")
_KINDS = {type(None): "null", int: "a number", float: "a number", str: "a text", list: "a list", tuple: "a list"}


class _NotReadError(Exception):
    def __init__(self, fact: str, remedy: str) -> None:
        super().__init__(fact)
        self.fact, self.remedy = fact, remedy


def kind(value: object) -> str:
    """What ``value`` is, in words, for a message that must not show the value itself."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "an object"
    return _KINDS.get(type(value)) or f"of type {type(value).__name__}"


def shown_character(char: str) -> str:
    """``char`` in quotes; with its code point where it may look like another one (U+043E is a Cyrillic letter that looks like o)."""
    return repr(char) if char.isascii() or not char.isprintable() else f"{char!r} (U+{ord(char):04X})"


def parse(text: str, *, what: str = "the line") -> Any:
    """The one JSON value in ``text``.

    Raises:
        DeclarationError: it is not valid JSON, has a name twice, a number that is none or too large, or is nested too deeply.
    """
    value, end = parse_at(text, _skipped(text, 0), what=what)
    if rest := text[end:].strip(_WHITE_SPACE):
        raise DeclarationError(what, f"something follows the JSON value, from {rest[:10]!r} on", "write one value a line")
    return value


def parse_at(text: str, start: int, *, what: str = "the line") -> tuple[Any, int]:
    """The JSON value that begins at ``start``, and the place after it.

    Raises:
        DeclarationError: see ``parse``.
    """
    try:
        return _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        place = f"character {error.pos - text.rfind(chr(10), 0, error.pos)}" + (f" of line {error.lineno}" if error.lineno > 1 else "")
        fact = f"it is not valid JSON ({error.msg.removesuffix(' at')} at {place})"
        raise DeclarationError(what, fact, "write it as JSON") from None
    except _NotReadError as error:
        raise DeclarationError(what, error.fact, error.remedy) from None
    except RecursionError:
        raise DeclarationError(what, "it is not JSON that a hub can hold: it is nested too deeply", "nest it less deeply") from None


def parse_sequence(text: str) -> Iterator[tuple[int, Any]]:
    """The values of one list, or values that follow each other over any number of lines; each with the number of its first line.

    In place of what can't be read comes the error, and nothing after it: nobody can tell where the next value begins.
    """
    at = _skipped(text, 0)
    in_list = text.startswith("[", at)
    at, line, counted = at + in_list, 1, 0
    while True:
        at = _skipped(text, at)
        line, counted = line + text.count("\n", counted, at), at
        if at >= len(text) or (in_list and text[at] == "]"):
            break
        try:
            value, at = parse_at(text, at, what="the device")
            at = _after_comma(text, at, in_list=in_list)
        except DeclarationError as error:
            yield line, error
            return
        yield line, value
    if in_list and (at >= len(text) or text[at + 1 :].strip(_WHITE_SPACE)):
        fact = "the list does not end: the file is cut off" if at >= len(text) else "something follows the end of the list"
        yield line, DeclarationError("the file", fact, "write one list")


def _after_comma(text: str, at: int, *, in_list: bool) -> int:
    """The place after the comma between two values of a list."""
    after = _skipped(text, at)
    if not in_list or text.startswith("]", after) or after >= len(text):
        return after
    if text[after] != ",":
        raise DeclarationError("the device", f"{text[after]!r} follows it in place of a comma", "separate devices by commas")
    return after + 1


def _skipped(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        names = [name for name, _ in members]
        twice = next(name for name in names if names.count(name) > 1)
        raise _NotReadError(f"it has the name '{twice}' twice", "leave one out")
    return found


def _integer(text: str) -> int:
    if len(text) > _LONGEST_INTEGER:
        raise _NotReadError(f"it has a number of {len(text)} digits", "write it as a text, in quotes")
    return int(text)


def _float(text: str) -> float:
    found = float(text)
    if math.isinf(found):
        raise _NotReadError(f"the number {text[:20]} is too large", "write it as a text, in quotes")
    return found


def _constant(text: str) -> Any:
    raise _NotReadError(f"{text} is not a number in JSON", "leave it out, or write it as a text, in quotes")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant)
