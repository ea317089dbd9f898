"""User names of MQTT as devices write them for hubs and provisioning services: `{host or scope}/{ids}/…/{parameters}`."""

from __future__ import annotations

import re

_NAMES = "api-version|DeviceClientType|ClientVersion|model-id"
_PARAMETERS = re.compile(rf"\?|({_NAMES})=", re.IGNORECASE)
_PARAMETER_ENDS = re.compile(rf"/(?=(?:{_NAMES})=)", re.IGNORECASE)


def parts(username: str) -> tuple[str, list[str], str]:
    """The host or scope, the ids and the parameters of a user name. In these clients have slashes too, between them or in a value."""
    name, *ids = username.split("/")
    begin = next((number for number, each in enumerate(ids) if number and _PARAMETERS.match(each)), len(ids))
    parameters = "/".join(ids[begin:]).lstrip("?")
    if not parameters and len(ids) > 1 and not ids[-1]:
        begin -= 1
    return name, ids[:begin], parameters


def parameters(username: str) -> dict[str, str]:
    """What stands behind the ids in a user name: `api-version=…&DeviceClientType=…&model-id=…`, still percent-encoded."""
    text = _PARAMETER_ENDS.sub("&", parts(username)[2])
    return {name.lower(): value for name, _, value in (part.partition("=") for part in text.split("&"))}
