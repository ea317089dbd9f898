"""IoT hubs: creating, changing and deleting them, and their JSON in Azure's answers."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from local_azure_iot.microsoft_devices import (
    delivery_settings,
    errors,
    etags,
    hub_properties,
    hub_routing,
    lifecycle,
    managed_identities,
    network_rules,
    shared_access_policies,
)
from local_azure_iot.microsoft_devices.errors import Service
from local_azure_iot.microsoft_devices.lifecycle import HUB
from local_azure_iot.resource_manager import groups, regions

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.resource_manager.long_running import Operation
    from local_azure_iot.resource_manager.resource_ids import ResourceId
    from local_azure_iot.store import Document

_NAME = re.compile(r"[0-9A-Za-z-]{2,49}[0-9A-Za-z]")
_SKUS = ("F1", "B1", "B2", "B3", "S1", "S2", "S3")
_PARTITIONS = {"F1": (2, 2)}  # every other: 2 to 128, of which azurerm's acceptance test takes 77
_DATA_RESIDENCY_REGIONS = ("brazilsouth", "southeastasia", "eastus2euap")


def create_or_update(azure: Azure, resource_id: ResourceId, body: dict[str, Any], if_match: str | None) -> tuple[Document, Operation]:
    """Create or change a hub. Returns the hub before it is active.

    Raises:
        ArmError: The group is missing or being deleted, the provider is not registered, or the location is missing, unknown or different.
        DevicesError: If-Match is stale, the hub is being created, changed or deleted, or the name or a property is invalid.
    """
    hub_key, existing, location = lifecycle.check_put(azure, resource_id, HUB, body)
    name = resource_id.name
    check_name(name)
    if existing:
        _require_match(if_match, existing)
    _check(body, location)
    properties = dict(body.get("properties") or {})
    policies = shared_access_policies.after_put(
        Service.HUB, properties.pop("authorizationPolicies", None), existing["policies"] if existing else None
    )
    hub: Document = existing or {
        "cloud": resource_id.cloud.name,
        "name": name,
        "group": resource_id.group,
        "subscription": resource_id.subscription,
        "location": location,
        "created": azure.clock.now().isoformat(),
        "namespace": f"iothub-ns-{name[:10].lower()}-{uuid.uuid4().int % 10**8}-{uuid.uuid4().hex[:10]}",
        "hostName": f"{name}.{resource_id.cloud.hub_suffix}",
    }
    sku = lifecycle.sku(body)
    hub |= hub_properties.stored(properties, sku["name"], existing, azure.clock.now())
    hub |= {"tags": body.get("tags") or {}, "sku": sku, "policies": policies}
    hub["identity"] = managed_identities.declared(azure, body.get("identity"), hub.get("identity"))
    azure.store.put(lifecycle.NAME, lifecycle.name_key(hub["cloud"], HUB, name), {"key": hub_key})
    return hub, lifecycle.begin(azure, resource_id, HUB, hub, "update" if existing else "create")


def check_name(name: str) -> None:
    """Check a name of a hub.

    Raises:
        DevicesError: It is none.
    """
    if not _NAME.fullmatch(name):
        raise errors.hub_name_invalid(name)


def delete(azure: Azure, resource_id: ResourceId, if_match: str | None) -> Operation | None:
    """Begin to delete a hub. None if the hub does not exist.

    Raises:
        ArmError: The resource group does not exist.
        DevicesError: If-Match is stale, or the hub is being created, changed or deleted.
    """
    groups.require(azure, resource_id)
    hub = lifecycle.find(azure, lifecycle.store_key(resource_id, HUB), HUB)
    if hub is None:
        return None
    _require_match(if_match, hub)
    lifecycle.require_active(hub, HUB)
    return lifecycle.begin(azure, resource_id, HUB, hub, "delete")


def fail_over(azure: Azure, resource_id: ResourceId, region: str) -> Operation:
    """Begin to move a hub to its secondary region, where it then has its primary one. Its resource keeps its location.

    Source: https://learn.microsoft.com/azure/iot-hub/tutorial-manual-failover

    Raises:
        ArmError: The resource group does not exist.
        DevicesError: The hub does not exist, is being created, changed or deleted, or `region` is not its secondary one.
    """
    hub = require(azure, resource_id)
    lifecycle.require_active(hub, HUB)
    secondary = hub_properties.locations(hub)[1]["location"]
    if regions.normalized(region) != regions.normalized(secondary):
        raise errors.failover_region_invalid(region, secondary)
    return lifecycle.begin(azure, resource_id, HUB, hub, "failover")


def require(azure: Azure, resource_id: ResourceId) -> Document:
    """The hub, which must exist.

    Raises:
        ArmError: Its resource group does not exist.
        DevicesError: The hub does not exist.
    """
    return lifecycle.require(azure, resource_id, HUB, errors.hub_not_found)


async def device_counts(azure: Azure, hub_key: str) -> dict[str, int]:
    """How many devices a hub has, enabled and disabled. Not within a transaction."""
    statuses = await azure.store.count_by(lifecycle.DEVICE, f"{hub_key}/", "status")
    enabled, disabled = statuses.get("enabled", 0), statuses.get("disabled", 0)
    return {"totalDeviceCount": enabled + disabled, "enabledDeviceCount": enabled, "disabledDeviceCount": disabled}


def _require_match(if_match: str | None, hub: Document) -> None:
    if if_match and not etags.matches(if_match, hub["etag"]):
        raise errors.hub_etag_invalid(Service.HUB)


def _check(body: dict[str, Any], location: str) -> None:
    sku = body.get("sku") or {}
    if sku.get("name") not in _SKUS:
        raise errors.value_invalid(f"Invalid Sku '{sku.get('name') or ''}' - value must be one of {', '.join(_SKUS)}.", Service.HUB, 400012)
    capacity = 1 if sku.get("capacity") is None else sku["capacity"]
    if not 1 <= capacity <= (1 if sku["name"] == "F1" else 200):
        raise errors.value_invalid(f"Invalid capacity {capacity} for Sku '{sku['name']}'.", Service.HUB, 400013)
    properties = body.get("properties") or {}
    version = properties.get("minTlsVersion")
    if version is not None and version not in {"1.0", "1.1", "1.2"}:
        raise errors.value_invalid(f"{version} is not a valid MinTlsVersion value.", Service.HUB, 400089)
    events = (properties.get("eventHubEndpoints") or {}).get("events") or {}
    low, high = _PARTITIONS.get(sku["name"], (2, 128))
    count = low if events.get("partitionCount") is None else events["partitionCount"]
    if not low <= count <= high:
        raise errors.value_invalid(f"Invalid PartitionCount {count} - value must be between {low} and {high}.", Service.HUB)
    if properties.get("enableDataResidency") and regions.normalized(location) not in _DATA_RESIDENCY_REGIONS:
        message = (
            f"Requested IoT Hub features '\"DataResidency, RootCertificateV2\"' not available in '{regions.normalized(location)}' region."
        )
        raise errors.value_invalid(message, Service.HUB, 400059)
    delivery_settings.check(properties)
    hub_routing.check(properties.get("routing") or {})
    network_rules.check(properties)


def most_devices(hub: Document) -> int:
    """How many devices a hub may have: learn.microsoft.com/azure/iot-hub/iot-hub-devguide-quotas-throttling, "Other limits"."""
    return 500 if str(hub["sku"]["name"]).upper() == "F1" else 1_000_000


def put_answer(hub: Document, version: str, *, new: bool, sent_etag: str | None) -> dict[str, Any]:
    """The answer to a PUT: the request's own properties, before the hub is active."""
    body = {**_head(hub), "properties": hub_properties.accepted(hub, version, new=new), "sku": hub["sku"]}
    if not new and sent_etag:
        body["etag"] = sent_etag
    if hub["identity"]["type"] != managed_identities.NONE:
        body["identity"] = managed_identities.accepted(hub["identity"])
    return body


def to_json(hub: Document, version: str) -> dict[str, Any]:
    """A hub as GET and lists return it, in Azure's order of members."""
    created = hub["created"].removesuffix("+00:00")
    body = {**_head(hub), "etag": hub["etag"], "properties": hub_properties.shown(hub, version), "sku": hub["sku"]}
    return {**body, "identity": hub["identity"], "systemData": {"createdAt": f"{created}Z"}}


def _head(hub: Document) -> dict[str, Any]:
    return {
        "id": lifecycle.identifier(hub, HUB),
        "name": hub["name"],
        "type": "Microsoft.Devices/IotHubs",
        "location": hub["location"],
        "tags": hub["tags"],
        "subscriptionid": hub["subscription"],
        "resourcegroup": hub["group"],
    }
