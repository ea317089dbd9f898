"""Device identities: creating, changing and deleting them, and their JSON in Azure's answers."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from typing import TYPE_CHECKING, Any

from sandbox.azure.hub_registry import errors, index, scopes, twins
from sandbox.azure.microsoft_devices.lifecycle import DEVICE
from sandbox.azure.microsoft_devices.shared_access_policies import new_key

if TYPE_CHECKING:
    from datetime import datetime

    from sandbox.azure.local_azure import Azure
    from sandbox.azure.store import Document

ZERO_DATE = "0001-01-01T00:00:00"  # how the registry writes a time that is not set: .NET's default date
_ID = re.compile(r"[A-Za-z0-9\-.%_*?!(),:=@$']{1,128}")
_THUMBPRINT = re.compile(r"[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}")
_TYPES = ("sas", "selfSigned", "certificateAuthority")
_TICKS_1970 = 621_355_968_000_000_000  # .NET counts tenths of a microsecond since the year 1


def store_key(hub_key: str, device_id: str) -> str:
    """The store key of a device; `hub_key` is its hub's. Ids keep their case, because `A` and `a` are two devices."""
    return f"{hub_key}/{device_id}"


def find(azure: Azure, hub_key: str, device_id: str) -> Document | None:
    """A device, or None."""
    return azure.store.get(DEVICE, store_key(hub_key, device_id))


def first_devices(azure: Azure, hub_key: str, count: int) -> list[Document]:
    """The first devices of a hub, at most `count`, in the order of their ids."""
    return [device for _, device in azure.store.page(DEVICE, f"{hub_key}/", "", count)]


def require(azure: Azure, hub_key: str, device_id: str) -> Document:
    """The device, which must exist.

    Raises:
        RegistryError: The device does not exist.
    """
    device = find(azure, hub_key, device_id)
    if device is None:
        raise errors.device_not_found(device_id)
    return device


def matches(if_match: str, device: Document) -> bool:
    """Whether an If-Match holds for an identity: `*` or its etag, in quotes or bare."""
    return if_match.strip().strip('"') in {"*", etag(device)}


def etag(device: Document) -> str:
    """Base64 of a decimal counter that grows by one with every write."""
    return base64.b64encode(str(device["etag"]).encode()).decode()


def create(azure: Azure, hub_key: str, body: dict[str, Any], twin: Document | None = None) -> Document:
    """Create a device from a request's members, with `twin` or an empty twin.

    It does not matter whether a CA is registered: connections check that.

    Raises:
        RegistryError: The device exists, or a member of the body is invalid.
    """
    device_id = str(body.get("deviceId", ""))
    if not _ID.fullmatch(device_id):
        allowed = f"1 to {errors.MAX_ID} ASCII letters, digits and -.%_*?!(),:=@$'"
        raise errors.argument_invalid(f"The device id '{device_id[: errors.MAX_ID + 1]}' is not valid: {allowed}")
    if find(azure, hub_key, device_id) is not None:
        raise errors.device_exists(device_id)
    device: Document = {
        "id": device_id,
        "generation": str(_TICKS_1970 + int(azure.clock.timestamp() * 10_000_000)),
        "etag": secrets.randbelow(900_000_000) + 100_000_000 - 1,
        "status": "enabled",
        "statusUpdated": None,
        "twin": twin or twins.new_twin(azure.clock.now()),
    }
    azure.presence.forget(store_key(hub_key, device_id))
    return _write(azure, hub_key, device, body, None)


def update(azure: Azure, hub_key: str, device: Document, body: dict[str, Any]) -> Document:
    """Replace a device's members with a request's. What the request leaves out gets its default, keys too. The twin stays.

    Raises:
        RegistryError: A member of the body is invalid.
    """
    return _write(azure, hub_key, device, body, dict(device))


def delete(azure: Azure, hub_key: str, device: Document) -> None:
    """Delete a device with its twin, and end its connection."""
    device_key = store_key(hub_key, device["id"])
    index.keep_previous(azure, device_key, device)
    azure.store.delete(DEVICE, device_key)
    azure.presence.recheck(device_key)


def change_twin(azure: Azure, hub_key: str, device: Document, body: dict[str, Any], *, replace: bool = False) -> None:
    """Merge a request's tags and desired properties into a device's twin, or replace them.

    Raises:
        RegistryError: A name is invalid, or the twin is too deep or too large.
    """
    before = {**device, "twin": dict(device["twin"])}
    twins.update(device["twin"], body, azure.clock.now(), replace=replace)
    save(azure, hub_key, device, before)


def save(azure: Azure, hub_key: str, device: Document, before: Document | None) -> None:
    """Write a device; `before` is what queries still see while the index lags."""
    device_key = store_key(hub_key, device["id"])
    index.keep_previous(azure, device_key, before)
    azure.store.put(DEVICE, device_key, device)


def _write(azure: Azure, hub_key: str, device: Document, body: dict[str, Any], before: Document | None) -> Document:
    status = _one_of("status", body.get("status"), ("enabled", "disabled"), "enabled")
    reason = body.get("statusReason")
    if reason is not None and (not isinstance(reason, str) or len(reason) > errors.MAX_ID):
        raise errors.argument_invalid(f"statusReason must be text of at most {errors.MAX_ID} characters")
    edge = (body.get("capabilities") or {}).get("iotEdge") is True
    if status != device["status"]:
        device["statusUpdated"] = azure.clock.now().isoformat()
    scope, parents = scopes.scopes(device, body, lambda other: find(azure, hub_key, other), edge=edge)
    device |= {
        "etag": device["etag"] + 1,
        "status": status,
        "reason": reason,
        "auth": _authentication(body.get("authentication") or {}),
        "edge": edge,
        "scope": scope,
        "parents": parents,
    }
    save(azure, hub_key, device, before)
    azure.presence.recheck(store_key(hub_key, device["id"]))
    return device


def _one_of(member: str, value: Any, allowed: tuple[str, ...], default: str) -> str:
    if value is None:
        return default
    for each in allowed:
        if isinstance(value, str) and value.lower() == each.lower():
            return each
    raise errors.argument_invalid(f"{member} must be one of {', '.join(allowed)}, not '{value}'")


def _authentication(body: dict[str, Any]) -> dict[str, Any]:
    thumbprints = body.get("x509Thumbprint") or {}
    sent = [thumbprints.get(name) or None for name in ("primaryThumbprint", "secondaryThumbprint")]
    kind = _one_of("authentication.type", body.get("type"), _TYPES, "selfSigned" if any(sent) else "sas")
    for each in sent:
        if each is not None and not (isinstance(each, str) and _THUMBPRINT.fullmatch(each)):
            raise errors.not_a_thumbprint(str(each))
    keys: list[str | None] = [None, None]
    if kind == "sas":
        keys = _keys(body.get("symmetricKey") or {})
    if kind != "selfSigned":
        sent = [None, None]
    return {"type": kind, "keys": keys, "thumbprints": sent}


def _keys(body: dict[str, Any]) -> list[str | None]:
    sent = [body.get("primaryKey") or None, body.get("secondaryKey") or None]
    if sent == [None, None]:
        return [new_key(), new_key()]
    for each in sent:
        if each is None:
            raise errors.argument_invalid("symmetricKey needs both keys or neither")
        try:
            length = len(base64.b64decode(str(each), validate=True))
        except (binascii.Error, ValueError):
            length = 0
        if not 16 <= length <= 64:  # noqa: PLR2004 - documented, in bytes
            raise errors.argument_invalid("symmetricKey must be base64 of 16 to 64 bytes")
    return sent


def to_json(azure: Azure, hub_key: str, device: Document, version: str) -> dict[str, Any]:
    """A device as an api-version returns it, in Azure's order of members."""
    activity = azure.presence.activity_of(store_key(hub_key, device["id"]))
    modern = version >= "2018"
    auth = device["auth"]
    authentication: dict[str, Any] = {
        "symmetricKey": dict(zip(("primaryKey", "secondaryKey"), auth["keys"], strict=True)),
        "x509Thumbprint": dict(zip(("primaryThumbprint", "secondaryThumbprint"), auth["thumbprints"], strict=True)),
    }
    body = {
        "deviceId": device["id"],
        "generationId": device["generation"],
        "etag": etag(device),
        "connectionState": "Connected" if activity.connection else "Disconnected",
        "status": device["status"],
        "statusReason": device["reason"],
        "connectionStateUpdatedTime": format_time(activity.changed, zone=modern),
        "statusUpdatedTime": format_time(device["statusUpdated"], zone=modern),
        "lastActivityTime": format_time(activity.last, zone=modern),
        "cloudToDeviceMessageCount": 0,
        "authentication": authentication,
    }
    if modern:
        authentication["type"] = auth["type"]
        body["capabilities"] = {"iotEdge": device["edge"]}
        body["deviceScope"] = device["scope"]
        body["parentScopes"] = device["parents"]
    return body


def format_time(moment: datetime | str | None, *, zone: bool) -> str:
    """A time as the registry writes it; the zero date for None."""
    text = ZERO_DATE if moment is None else str(moment).replace(" ", "T").removesuffix("+00:00")
    return f"{text}Z" if zone else text
