"""Device identities: creating, changing and deleting them, and their JSON in Azure's answers."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import authentication, entries, errors, index, modules, scopes, tier, twins
from local_azure_iot.messaging import cloud_to_device
from local_azure_iot.microsoft_devices.lifecycle import CLOUD_TO_DEVICE, DEVICE, FILE_UPLOAD, MQTT_SESSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

_ID = re.compile(r"[A-Za-z0-9\-.%_*?!(),:=@$']{1,128}")
# What looks at a device that was written: `configuration_targets`.
ON_WRITTEN: list[Callable[[Azure, str, Document], None]] = []
_SHAPE = {"authentication": dict, "capabilities": {"iotEdge": bool}}
_TYPES = ("sas", "selfSigned", "certificateAuthority")


def find(azure: Azure, hub_key: str, device_id: str) -> Document | None:
    """A device, or None."""
    return azure.store.get(DEVICE, entries.store_key(hub_key, device_id))


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


def create(azure: Azure, hub_key: str, body: dict[str, Any], twin: Document | None = None) -> Document:
    """Create a device from a request's members, with `twin` or an empty twin.

    It does not matter whether a CA is registered: connections check that.

    Raises:
        RegistryError: The device exists, the hub has as many as it may, or a member of the body is invalid.
    """
    device_id = str(body.get("deviceId", ""))
    if not _ID.fullmatch(device_id):
        allowed = f"1 to {errors.MAX_ID} ASCII letters, digits and -.%_*?!(),:=@$'"
        raise errors.argument_invalid(f"The device id '{device_id[: errors.MAX_ID + 1]}' is not valid: {allowed}")
    if find(azure, hub_key, device_id) is not None:
        raise errors.device_exists(device_id)
    tier.require_room(azure, hub_key)
    device: Document = {
        "id": device_id,
        "generation": entries.new_generation(azure),
        "etag": secrets.randbelow(900_000_000) + 100_000_000 - 1,
        "status": "enabled",
        "statusUpdated": None,
        "twin": twin or twins.new_twin(azure.clock.now()),
    }
    azure.presence.forget(entries.store_key(hub_key, device_id))
    return _write(azure, hub_key, device, body, None)


def update(azure: Azure, hub_key: str, device: Document, body: dict[str, Any]) -> Document:
    """Replace a device's members with a request's. What the request leaves out gets its default, keys too. The twin stays.

    Raises:
        RegistryError: A member of the body is invalid.
    """
    return _write(azure, hub_key, device, body, dict(device))


def delete(azure: Azure, hub_key: str, device: Document) -> None:
    """Delete a device with its twin and its modules, and end its connection."""
    device_key = entries.store_key(hub_key, device["id"])
    index.keep_previous(azure, device_key, device)
    azure.store.delete(DEVICE, device_key)
    modules.delete_of_device(azure, hub_key, device["id"])
    for kind in (CLOUD_TO_DEVICE, FILE_UPLOAD, MQTT_SESSION):
        azure.store.delete_under(kind, f"{device_key}/")
    azure.presence.recheck(device_key)


def change_twin(azure: Azure, hub_key: str, device: Document, body: dict[str, Any], *, replace: bool = False) -> None:
    """Merge a request's tags and desired properties into a device's twin, or replace them.

    Raises:
        RegistryError: A name is invalid, or the twin is too deep or too large.
    """
    before = {**device, "twin": dict(device["twin"])}
    twins.update(device["twin"], body, azure.clock.now(), replace=replace)
    save(azure, hub_key, device, before)
    twins.tell_session(azure, (hub_key, device["id"], ""), before["twin"], device["twin"], body, replace=replace)


def change_authentication(azure: Azure, hub_key: str, device: Document, auth: dict[str, Any]) -> None:
    """Replace how a device authenticates, and nothing else of it."""
    before = dict(device)
    device |= {"auth": auth, "etag": device["etag"] + 1}
    save(azure, hub_key, device, before)
    azure.presence.recheck(entries.store_key(hub_key, device["id"]))


def save(azure: Azure, hub_key: str, device: Document, before: Document | None) -> None:
    """Write a device; `before` is what queries still see while the index lags."""
    device_key = entries.store_key(hub_key, device["id"])
    index.keep_previous(azure, device_key, before)
    azure.store.put(DEVICE, device_key, device)
    for look in ON_WRITTEN:
        look(azure, hub_key, device)


def _write(azure: Azure, hub_key: str, device: Document, body: dict[str, Any], before: Document | None) -> Document:
    errors.check_shape(body, _SHAPE)
    status = authentication.one_of("status", body.get("status"), ("enabled", "disabled"), "enabled")
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
        "auth": authentication.authentication(body.get("authentication") or {}, _TYPES),
        "edge": edge,
        "scope": scope,
        "parents": parents,
    }
    save(azure, hub_key, device, before)
    modules.follow_device(azure, hub_key, device)
    azure.presence.recheck(entries.store_key(hub_key, device["id"]))
    return device


def to_json(azure: Azure, hub_key: str, device: Document, version: str) -> dict[str, Any]:
    """A device as an api-version returns it, in Azure's order of members."""
    activity = azure.presence.activity_of(entries.store_key(hub_key, device["id"]))
    modern = version >= "2018"
    auth = device["auth"]
    shown = authentication.to_json(auth)
    body = {
        "deviceId": device["id"],
        "generationId": device["generation"],
        "etag": entries.etag(device),
        "connectionState": "Connected" if activity.connection else "Disconnected",
        "status": device["status"],
        "statusReason": device["reason"],
        "connectionStateUpdatedTime": entries.format_time(activity.changed, zone=modern),
        "statusUpdatedTime": entries.format_time(device["statusUpdated"], zone=modern),
        "lastActivityTime": entries.format_time(activity.last, zone=modern),
        "cloudToDeviceMessageCount": cloud_to_device.waiting(azure, hub_key, device["id"]),
        "authentication": shown,
    }
    if modern:
        shown["type"] = auth["type"]
        body["capabilities"] = {"iotEdge": device["edge"]}
        body["deviceScope"] = device["scope"]
        body["parentScopes"] = device["parents"]
    return body
