"""A twin as HTTP answers and query results show it: identity and properties in one document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import entries, twins
from local_azure_iot.messaging import cloud_to_device

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document


def to_json(azure: Azure, hub_key: str, device: Document) -> dict[str, Any]:
    """The twin of a device, in Azure's order of members."""
    activity = azure.presence.activity_of(entries.store_key(hub_key, device["id"]))
    twin = device["twin"]
    body = {
        "deviceId": device["id"],
        "etag": twins.etag(twin),
        "deviceEtag": entries.etag(device),
        "status": device["status"],
        "statusUpdateTime": entries.format_time(device["statusUpdated"], zone=True),
        "connectionState": "Connected" if activity.connection else "Disconnected",
        "lastActivityTime": entries.format_time(activity.last, zone=True),
        "cloudToDeviceMessageCount": cloud_to_device.waiting(azure, hub_key, device["id"]),
        "authenticationType": device["auth"]["type"],
        "x509Thumbprint": dict(zip(("primaryThumbprint", "secondaryThumbprint"), device["auth"]["thumbprints"], strict=True)),
        "modelId": device.get("modelId", ""),
        "version": twin["version"],
        "tags": twin["tags"],
        "properties": {"desired": twins.properties(twin["desired"]), "reported": twins.properties(twin["reported"])},
        "capabilities": {"iotEdge": device["edge"]},
    }
    if device["reason"] is not None:
        body["statusReason"] = device["reason"]
    if device["scope"]:
        body["deviceScope"] = device["scope"]
    if reached := (device.get("deployed") or {}).get("statuses"):
        body["configurations"] = reached
    if device["parents"]:
        body["parentScopes"] = device["parents"]
    return body
