"""What Azure takes as the name, size and allocation of a provisioning service, so that a wrong one is told before anything is made.

learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules, learn.microsoft.com/azure/templates/microsoft.devices/
provisioningservices. What it takes as its group, region and tags: ``hub_limits``.
"""

import re

from hubtrust.azure.errors import RefusedError
from hubtrust.azure.hub_limits import text_of

ALLOCATION_POLICIES = ("Hashed", "GeoLatency", "Static")
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{1,48}[0-9A-Za-z]")
_GLOBAL = "global"  # the host name that all devices use
_MOST_UNITS = 200
_LARGEST_WEIGHT = 1000


def service_name(value: object) -> str:
    """A provisioning service's name.

    Raises:
        RefusedError: it is not one.
    """
    text = text_of("the provisioning service's name", value)
    if not _NAME.fullmatch(text) or text.lower() == _GLOBAL:
        remedy = f"use 3 to 50 letters, digits and hyphens, without a hyphen at an end, and not '{_GLOBAL}'"
        raise RefusedError("the provisioning service's name", f"'{text}' is not a valid name", remedy)
    return text


def units(value: object) -> int:
    """How many units of its only size, S1.

    Raises:
        RefusedError: it is no such number.
    """
    return _whole("units", value, 1, _MOST_UNITS)


def weight(value: object) -> int:
    """The weight of a linked hub: its share of the devices, compared with the weights of the others.

    Raises:
        RefusedError: it is no such number.
    """
    return _whole("weight", value, 1, _LARGEST_WEIGHT)


def allocation_policy(value: object) -> str:
    """How devices are spread over hubs where their enrollment does not say it. `custom` is not among them.

    Raises:
        RefusedError: Azure has no such policy.
    """
    text = text_of("allocation_policy", value)
    if text not in ALLOCATION_POLICIES:
        remedy = f"use {', '.join(ALLOCATION_POLICIES)}"
        raise RefusedError("allocation_policy", f"it is '{text}'", f"{remedy}; custom allocation belongs to an enrollment")
    return text


def _whole(what: str, value: object, least: int, most: int) -> int:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else least - 1
    if not least <= number <= most or number != int(number):
        raise RefusedError(what, f"it is {value!r}", f"use a whole number from {least} to {most}")
    return int(number)
