"""What a device twin can hold: names, values, depth and size of its tags and desired properties.

The limits are Azure's: learn.microsoft.com/azure/iot-hub/iot-hub-devguide-device-twins, "Tags and properties format" and "Device twin
size". That a name has no `#` and no white space of any kind, and a list no null, is in Azure's own IoT Edge hub (github.com/Azure/iotedge,
ReportedPropertiesValidator), which takes its limits from IoT Hub.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

from hubtrust.devices.json_values import kind
from hubtrust.reconcile_errors import DeclarationError

MOST_TAGS, MOST_DESIRED = 8 * 1024, 32 * 1024  # bytes
LEAST_INTEGER, MOST_INTEGER = -(2**52), 2**52 - 1
_LONGEST_NAME, _LONGEST_TEXT = 1024, 4 * 1024  # bytes of UTF-8
_DEEPEST = 10  # objects and lists inside each other, in the tags or the desired properties
_NUMBER_SIZE, _BOOLEAN_SIZE = 8, 4  # bytes, by Azure's count
_BAD_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f.$#\s]")
_UNCOUNTED = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LONGEST_SHOWN = 40  # characters of a name in a message


def require_document(what: str, value: object, most: int) -> None:
    """``value`` is an object that a twin can hold, of at most ``most`` bytes by Azure's count.

    Raises:
        DeclarationError: it is something else, too large or too deep, or a name or a value in it is one that Azure refuses.
    """
    if not isinstance(value, Mapping):
        raise DeclarationError(what, f"it is {kind(value)}", "give an object of names and values")
    size = twin_size(what, value)
    if size > most:
        raise DeclarationError(what, f"it has {size} bytes by Azure's count", f"use at most {most}")


def require_whole_text(what: str, text: str) -> int:
    """The bytes of ``text`` in UTF-8.

    Raises:
        DeclarationError: it has half of a surrogate pair, which no encoding can write.
    """
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        half = text[error.start]
        raise DeclarationError(what, f"it has {half!r}, half of a character (a surrogate)", "write the whole character") from None


def twin_size(what: str, value: Any, level: int = 0) -> int:
    """The bytes of a value by Azure's count: names and texts in UTF-8 without control characters, 8 for a number, 4 for true or false.

    Members that are null are left out: they are not in the twin.

    Raises:
        DeclarationError: see ``require_document``.
    """
    if isinstance(value, str):
        return _text_size(what, value)
    if isinstance(value, bool):
        return _BOOLEAN_SIZE
    if isinstance(value, int | float):
        return _number_size(what, value)
    if not isinstance(value, Mapping | list | tuple):
        raise DeclarationError(what, f"a value in it is {kind(value)}", "use texts, numbers, true, false, lists and objects")
    if level > _DEEPEST:
        raise DeclarationError(what, f"it is more than {_DEEPEST} levels deep", "nest it less deeply")
    if isinstance(value, Mapping):
        members = ((name, part) for name, part in value.items() if part is not None)
        return sum(_name_size(what, name) + twin_size(what, part, level + 1) for name, part in members)
    if any(part is None for part in value):
        raise DeclarationError(what, "a list in it has null, which Azure does not accept", "leave it out")
    return sum(twin_size(what, part, level + 1) for part in value)


def _name_size(what: str, given: object) -> int:
    if not isinstance(given, str | int) or isinstance(given, bool):
        raise DeclarationError(what, f"a name in it is {kind(given)}", "use texts as names")
    name = str(given)
    shown = f"'{name[:_LONGEST_SHOWN]}…'" if len(name) > _LONGEST_SHOWN else f"'{name}'"
    if not name:
        raise DeclarationError(what, "a name in it is empty", "give each value a name")
    if stray := _BAD_IN_NAMES.search(name):
        raise DeclarationError(
            what, f"the name {shown} has the character {stray[0]!r}", "use a name without dots, white space, $, # and control characters"
        )
    size = require_whole_text(what, name)
    if size > _LONGEST_NAME:
        raise DeclarationError(what, f"the name {shown} has {size} bytes", f"use at most {_LONGEST_NAME}")
    return size


def _text_size(what: str, text: str) -> int:
    size = require_whole_text(what, text)
    if size > _LONGEST_TEXT:
        raise DeclarationError(what, f"a text in it has {size} bytes", f"use at most {_LONGEST_TEXT} for each text")
    return size if text.isprintable() else len(_UNCOUNTED.sub("", text).encode())


def _number_size(what: str, number: float) -> int:
    if isinstance(number, int) and not LEAST_INTEGER <= number <= MOST_INTEGER:
        fact = f"it has an integer of {number.bit_length()} bits"
        raise DeclarationError(what, fact, f"use integers from {LEAST_INTEGER} to {MOST_INTEGER}, or a text in quotes")
    if not math.isfinite(number):
        raise DeclarationError(what, f"it has {number}, which is not a number in JSON", "leave it out")
    return _NUMBER_SIZE
