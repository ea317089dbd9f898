"""Bulk operations on devices, and their refusals. Source: learn.microsoft.com/rest/api/iothub/service/bulk-registry."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hubtrust.azure.device_description import OWNER_TAG, DeviceDescription, Twin
from hubtrust.errors import one_line

MOST_IN_BULK = 100  # devices a call
# Numbers of the error codes, where a bulk answer has those instead of names: …/iot-hub/iot-hub-troubleshoot-error-codes
_NUMBERED = {"400023": "EtagDoesNotMatch", "404001": "DeviceNotFound", "409001": "DeviceAlreadyExists", "412001": "PreconditionFailed"}


class RefusalReason(enum.Enum):
    """Why a hub refused one operation of a bulk call."""

    EXISTS = "DeviceAlreadyExists"
    ABSENT = "DeviceNotFound"
    STALE = "PreconditionFailed"
    BUSY = "Busy"
    OTHER = "Other"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused operation of a bulk call, with Azure's message."""

    device_id: str
    reason: RefusalReason
    message: str


Operation = dict[str, Any]  # one device of a bulk call, as it is sent


def creation(device_id: str, wanted: DeviceDescription, owner: Mapping[str, str]) -> Operation:
    """Create the device and its twin, with the owner tag, in one call."""
    twin = {"tags": {**wanted.tags, **_tag(owner)}, "properties": {"desired": dict(wanted.desired)}}
    return {"id": device_id, "importMode": "create", **_scopes(wanted, None), **_identity(wanted), **twin}


def identity_update(found: Twin, wanted: DeviceDescription) -> Operation:
    """Replace the identity, unless it was changed since it was read."""
    return {
        "id": found.device_id,
        "importMode": "updateIfMatchETag",
        "eTag": found.device_etag,
        **_scopes(wanted, found),
        **_identity(wanted),
    }


def twin_update(found: Twin, tags: Mapping[str, Any], desired: Mapping[str, Any], owner: Mapping[str, str]) -> Operation:
    """Set these tags and desired properties (None removes one) and the owner tag. All others are sent again unchanged."""
    whole_tags = {**found.description.tags, **tags, **_tag(owner)}
    whole_desired = {**found.description.desired, **desired}
    twin = {"tags": whole_tags, "properties": {"desired": whole_desired}}
    return {"id": found.device_id, "importMode": "updateTwinIfMatchETag", "twinETag": found.etag, **twin}


def deletion(found: Twin) -> Operation:
    """Delete the device, unless it was changed since it was read."""
    return {"id": found.device_id, "importMode": "deleteIfMatchETag", "eTag": found.device_etag}


def refusal(error: Mapping[str, Any]) -> Refusal:
    """The refusal that one row of a bulk response's `errors` describes."""
    code = str(error.get("errorCode"))
    name = _NUMBERED.get(code, code)
    message = f"{name}: {one_line(error.get('errorStatus') or '')}".rstrip(": .")
    busy = name.startswith(("429", "500", "503", "Throttl", "ServerError", "ServiceUnavailable"))
    name = "PreconditionFailed" if name == "EtagDoesNotMatch" else name
    known = {each.value: each for each in (RefusalReason.EXISTS, RefusalReason.ABSENT, RefusalReason.STALE)}
    return Refusal(str(error.get("deviceId") or ""), RefusalReason.BUSY if busy else known.get(name, RefusalReason.OTHER), message)


def _tag(owner: Mapping[str, str]) -> dict[str, Any]:
    return {OWNER_TAG: dict(owner)}


def _scopes(wanted: DeviceDescription, found: Twin | None) -> dict[str, Any]:
    """The members that say which device is above it. An update has to send them again: what it leaves out would be removed.

    A leaf device names its parent by `deviceScope`; Azure copies it to `parentScopes`. An IoT Edge device has a scope of its own.
    """
    parent = wanted.parent if wanted.parent is not None else found.description.parent if found else None
    if not parent and not (found and found.scopes):
        return {}
    above = {"parentScopes": [parent] if parent else []}
    if not wanted.edge:
        return {"deviceScope": parent or "", **above}
    own = found.scopes.get("deviceScope") if found and found.description.edge else None
    return {"deviceScope": own, **above} if own else above


def authentication(thumbprints: Sequence[str]) -> dict[str, Any]:
    """By one or two self-signed certificates, or by a CA if there are none."""
    if not thumbprints:
        return {"type": "certificateAuthority"}
    names = ("primaryThumbprint", "secondaryThumbprint")
    return {"type": "selfSigned", "x509Thumbprint": dict(zip(names, thumbprints, strict=False))}


def _identity(wanted: DeviceDescription) -> dict[str, Any]:
    return {
        "status": "enabled" if wanted.enabled else "disabled",
        "statusReason": wanted.reason,
        "authentication": authentication(wanted.thumbprints),
        "capabilities": {"iotEdge": wanted.edge},
    }
