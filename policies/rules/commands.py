"""Commands that a program runs (pulumi-command): which of them write to hubs and provisioning services, where no rule can read it.

Only what is written in the command itself is seen. A script in a file that it starts is not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from .resource import UNKNOWN, NotKnownYetError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .resource import Resource

COMMANDS: Final = ("command:local:Command", "command:remote:Command")
_PLACES: Final = ("create", "update", "stdin", "environment")  # `delete` takes away only
_AZ: Final = re.compile(r"\baz(?:\.cmd)?\s+iot\s+((?:[a-z][\w-]*\s+)*[a-z][\w-]*)", re.IGNORECASE)
_POWERSHELL: Final = re.compile(r"\b(?:New|Add|Set|Update)-AzIo[tT](?:Hub|DeviceProvisioning|Dps)\w*", re.IGNORECASE)
# Their APIs: Resource Manager's paths, and the service API of provisioning services. A device enrols at `global`, which declares nothing.
_APIS: Final = re.compile(r"microsoft\.devices/(?:iothubs|provisioningservices)|(?<!global)\.azure-devices-provisioning\.", re.IGNORECASE)
# The last words of az commands that change nothing: learn.microsoft.com/cli/azure/iot.
_READS: Final = re.compile(r"(?:show|list|query|monitor|export|compute|wait|simulate)(?:-[\w-]+)?", re.IGNORECASE)


def unreadable_command(resource: Resource) -> Iterator[str]:
    """What a command writes at a hub or provisioning service.

    Raises:
        NotKnownYetError: nothing is found, and a part of the command is not known yet.
    """
    not_known = None
    for place in _PLACES:
        found = resource.read(place)
        if found is UNKNOWN:
            not_known = not_known or NotKnownYetError(place)
        elif found and (what := _writes(str(found))):
            yield f"its {place} runs {what}, which makes or changes what no rule can read"
            return
    if not_known:
        raise not_known


def _writes(text: str) -> str | None:
    for words in _AZ.findall(text):
        if not _READS.fullmatch(words.split()[-1]):
            return f"`az iot {' '.join(words.split())}`"
    for pattern in (_POWERSHELL, _APIS):
        if one := pattern.search(text):
            return f"`{one.group().strip('.')}`"
    return None
