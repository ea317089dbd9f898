"""What a request says of an enrollment, as Azure answers it: null and missing members, defaults, and the spelling of its words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local_azure_iot.provisioning import errors, versions

if TYPE_CHECKING:
    from collections.abc import Iterable

_POLICIES = ("hashed", "geoLatency", "static", "custom")
_STATUSES = ("enabled", "disabled")
_DEVICE_ID = re.compile(r"[A-Za-z0-9\-.%_*?!(),:=@$']{1,128}")  # a hub's rule


def read(body: dict[str, Any], attestation: dict[str, Any], version: str, *, individual: bool) -> dict[str, Any]:
    """The members as GET answers them; ``attestation`` is the one that is already read.

    Null is as good as missing. Only the status is null where null was sent, and is then as good as `enabled`.

    Raises:
        ProvisioningError: A member is none of Azure's. What Azure refuses is a guess.
    """
    allocation = _word("allocationPolicy", body.get("allocationPolicy"), _POLICIES)
    members: dict[str, Any] = {
        "attestation": attestation,
        "capabilities": _with_defaults(body.get("capabilities"), iotEdge=False),
        "iotHubs": body.get("iotHubs"),
        "iotHubHostName": body.get("iotHubHostName"),
        "initialTwin": body.get("initialTwin"),
        "reprovisionPolicy": _with_defaults(body.get("reprovisionPolicy"), updateHubAssignment=True, migrateDeviceData=True),
        "allocationPolicy": allocation,
        "customAllocationDefinition": _webhook(body.get("customAllocationDefinition"), required=allocation == "custom"),
    }
    if individual:
        members |= {"deviceId": _device_id(body.get("deviceId")), "optionalDeviceInformation": body.get("optionalDeviceInformation")}
    members |= {name: body.get(name) for name in versions.ADDED_MEMBERS if versions.has(name, version)}
    record = {name: value for name, value in members.items() if value is not None}
    record["provisioningStatus"] = _word("provisioningStatus", body.get("provisioningStatus", "enabled"), _STATUSES)
    return record


def _with_defaults(sent: dict[str, Any] | None, **defaults: bool) -> dict[str, bool] | None:
    if sent is None:
        return None
    return {name: default if sent.get(name) is None else sent[name] for name, default in defaults.items()}


def _webhook(sent: dict[str, Any] | None, *, required: bool) -> dict[str, str] | None:
    """Azure does not look whether somebody answers there."""
    if sent is None and not required:
        return None
    names = ("webhookUrl", "apiVersion")
    if missing := [name for name in names if not (sent or {}).get(name)]:
        raise errors.argument_invalid(f"customAllocationDefinition.{missing[0]} is missing.")
    return {name: (sent or {})[name] for name in names}


def _device_id(sent: str | None) -> str | None:
    if not sent:
        return None
    if not _DEVICE_ID.fullmatch(sent):
        raise errors.argument_invalid(f"The deviceId '{sent[:150]}' is not valid.")
    return sent


def _word(name: str, sent: str | None, words: Iterable[str]) -> str | None:
    if sent is None:
        return None
    for word in words:
        if word.lower() == sent.lower():
            return word
    raise errors.argument_invalid(f"{name} '{sent[:100]}' is not one of {', '.join(words)}.")
