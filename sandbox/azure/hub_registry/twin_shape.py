"""A twin as HTTP answers and query results show it: identity and properties in one document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.azure.hub_registry import identities, twins

if TYPE_CHECKING:
    from sandbox.azure.local_azure import Azure
    from sandbox.azure.store import Document


def to_json(azure: Azure, hub_key: str, found: Document) -> dict[str, Any]:
    """The twin of a device, in Azure's order of members."""
    activity = azure.presence.of(identities.store_key(hub_key, found["id"]))
    twin = found["twin"]
    body = {
        "deviceId": found["id"],
        "etag": twins.etag(twin),
        "deviceEtag": identities.etag(found),
        "status": found["status"],
        "statusUpdateTime": identities.time(found["statusUpdated"], zone=True),
        "connectionState": "Connected" if activity.connection else "Disconnected",
        "lastActivityTime": identities.time(activity.last, zone=True),
        "cloudToDeviceMessageCount": 0,
        "authenticationType": found["auth"]["type"],
        "x509Thumbprint": dict(zip(("primaryThumbprint", "secondaryThumbprint"), found["auth"]["thumbprints"], strict=True)),
        "modelId": "",
        "version": twin["version"],
        "tags": twin["tags"],
        "properties": {"desired": twins.properties(twin["desired"]), "reported": twins.properties(twin["reported"])},
        "capabilities": {"iotEdge": found["edge"]},
    }
    if found["reason"] is not None:
        body["statusReason"] = found["reason"]
    if found["scope"]:
        body["deviceScope"] = found["scope"]
    if found["parents"]:
        body["parentScopes"] = found["parents"]
    return body
