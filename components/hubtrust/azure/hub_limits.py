"""What Azure takes as the name, size, region and tags of a hub and its resource group, so that a wrong one is told before anything is made.

learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules and /tag-resources
"""

import re
from collections.abc import Mapping

from hubtrust.azure.errors import RefusedError

_HUB_NAME = re.compile(r"[0-9A-Za-z-]{2,49}[0-9A-Za-z]")
_GROUP_NAME = re.compile(r"[\w.()-]{0,89}[\w()-]")
_SIZES = ("F1", "B1", "B2", "B3", "S1", "S2", "S3")
_MOST_UNITS = 200
_MOST_TAGS = 50
_LONGEST_TAG_NAME, _LONGEST_TAG_VALUE = 512, 256
_NOT_IN_TAG_NAMES = "<>%&\\?/"


def hub_name(value: object) -> str:
    """A hub's name.

    Raises:
        RefusedError: it is not one.
    """
    text = text_of("the hub's name", value)
    if not _HUB_NAME.fullmatch(text):
        remedy = "use 3 to 50 letters, digits and hyphens, without a hyphen at the end"
        raise RefusedError("the hub's name", f"'{text}' is not a valid hub name", remedy)
    return text


def group_name(value: object) -> str:
    """A resource group's name.

    Raises:
        RefusedError: it is not one.
    """
    text = text_of("the resource group's name", value)
    if not _GROUP_NAME.fullmatch(text):
        remedy = "use only its name: 1 to 90 letters, digits, and any of . _ - ( ), without a point at the end"
        raise RefusedError("the resource group's name", f"'{text}' is not a valid name", remedy)
    return text


def region(value: object) -> str:
    """A region, such as `westeurope` or `West Europe`.

    Raises:
        RefusedError: it is not a text, or empty.
    """
    text = text_of("location", value)
    if not text.strip():
        raise RefusedError("location", "it is empty", "name a region, such as westeurope, or leave it out")
    return text


def size(sku: object, units: object) -> tuple[str, int]:
    """A hub's sku, and how many units of it.

    Raises:
        RefusedError: there is no such size.
    """
    name = text_of("sku", sku)
    if name not in _SIZES:
        raise RefusedError("sku", f"it is '{name}'", f"use {', '.join(_SIZES[:-1])} or {_SIZES[-1]}")
    number = units if isinstance(units, int | float) and not isinstance(units, bool) else 0
    if not 1 <= number <= _MOST_UNITS or number != int(number):
        raise RefusedError("units", f"it is {units!r}", f"use a whole number from 1 to {_MOST_UNITS}")
    if name == "F1" and number > 1:
        raise RefusedError("units", f"sku F1 has one unit, but units is {number}", "set units to 1, or use another sku")
    return name, int(number)


def public_network_access(value: object) -> str:
    """Whether a hub can be reached without a private endpoint.

    Raises:
        RefusedError: it is neither Enabled nor Disabled.
    """
    return _one_of("publicNetworkAccess", value, ("Enabled", "Disabled"))


def min_tls_version(value: object) -> str:
    """The lowest TLS version of a hub.

    Raises:
        RefusedError: Azure has no such version.
    """
    return _one_of("minTlsVersion", value, ("1.2", "1.0"))


def tags(value: object, *, own: str) -> Mapping[str, str]:
    """The tags of a hub; ``own`` is the name of one that is added to them.

    Raises:
        RefusedError: they are beyond Azure's limits, or ``own`` is among them.
    """
    if not isinstance(value, Mapping):
        raise RefusedError("tags", f"they are {_kind(value)}", "give names and values, such as {'plant': 'Rosenheim'}")
    for name, text in value.items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise RefusedError(f"tag '{name}'", f"it is {_kind(text)}", "use texts for its name and its value")
        if name.lower() == own.lower():
            raise RefusedError(f"tag '{name}'", "it names the stack that manages the hub", "leave it out")
        if not 0 < len(name) <= _LONGEST_TAG_NAME or any(sign in name for sign in _NOT_IN_TAG_NAMES):
            remedy = f"use 1 to {_LONGEST_TAG_NAME} characters without any of {' '.join(_NOT_IN_TAG_NAMES)}"
            raise RefusedError(f"tag '{name}'", "Azure does not accept this tag name", remedy)
        if len(text) > _LONGEST_TAG_VALUE:
            raise RefusedError(f"tag '{name}'", f"its value has {len(text)} characters", f"use at most {_LONGEST_TAG_VALUE}")
    if len({name.lower() for name in value}) < len(value):
        raise RefusedError("tags", "two of their names differ only in upper and lower case, and Azure treats them as one", "remove one")
    if len(value) >= _MOST_TAGS:
        fact = f"there are {len(value)}, and the stack adds one that names it"
        raise RefusedError("tags", fact, f"use at most {_MOST_TAGS - 1}: Azure allows {_MOST_TAGS}")
    return value


def _one_of(what: str, value: object, choices: tuple[str, ...]) -> str:
    text = text_of(what, value)
    if text not in choices:
        raise RefusedError(what, f"it is '{text}'", f"use {' or '.join(choices)}")
    return text


def text_of(what: str, value: object) -> str:
    """``value``, which ``what`` names, if it is a text that can be sent.

    Raises:
        RefusedError: it is not, or has half of a surrogate pair, which no message can have (RFC 3629 section 3).
    """
    if not isinstance(value, str):
        raise RefusedError(what, f"it is {_kind(value)}", "give a text")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise RefusedError(
            what, "it has half of a surrogate pair, which is not a character", "decode the text with its own encoding, such as UTF-8"
        )
    return value


def _kind(value: object) -> str:
    return "nothing" if value is None else f"of type {type(value).__name__}"
