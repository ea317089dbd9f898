"""IoT hubs: creating, changing and deleting them, and their JSON in Azure's answers."""

from __future__ import annotations

import copy
import re
import uuid
from typing import TYPE_CHECKING, Any

from local_azure_iot.microsoft_devices import errors, etags, lifecycle, network_rules, shared_access_policies
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
_PARTITIONS = {"F1": (2, 2)}  # every other: 2 to 32
FQDN_SINCE = "2021-07-01"  # the first api-version whose recorded answers have allowedFqdnList
_DATA_RESIDENCY_REGIONS = ("brazilsouth", "southeastasia", "eastus2euap")


def create_or_update(azure: Azure, resource_id: ResourceId, body: dict[str, Any], if_match: str | None) -> tuple[Document, Operation]:
    """Create or change a hub. Returns the hub before it is active.

    Raises:
        ArmError: The group is missing or being deleted, the provider is not registered, or the location is missing, unknown or different.
        DevicesError: If-Match is stale, the hub is being created, changed or deleted, or the name or a property is invalid.
    """
    hub_key, existing, location = lifecycle.check_put(azure, resource_id, HUB, body)
    name = resource_id.name
    if not _NAME.fullmatch(name):
        raise errors.hub_name_invalid(name)
    if existing:
        _require_match(if_match, existing)
    _check(body, location)
    properties = copy.deepcopy(body.get("properties") or {})
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
    if existing:
        _keep_tls_minimum(existing["properties"], properties)
    hub |= {"tags": body.get("tags") or {}, "sku": lifecycle.sku(body), "properties": properties, "policies": policies}
    hub["identity"] = _identity(azure, body.get("identity"), hub.get("identity"))
    azure.store.put(lifecycle.NAME, lifecycle.name_key(hub["cloud"], HUB, name), {"key": hub_key})
    return hub, lifecycle.begin(azure, resource_id, HUB, hub, "update" if existing else "create")


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


def require(azure: Azure, resource_id: ResourceId) -> Document:
    """The hub, which must exist.

    Raises:
        ArmError: Its resource group does not exist.
        DevicesError: The hub does not exist.
    """
    return lifecycle.require(azure, resource_id, HUB, errors.hub_not_found)


def device_counts(azure: Azure, hub_key: str) -> dict[str, int]:
    """How many devices a hub has, enabled and disabled."""
    statuses = azure.store.count_by(lifecycle.DEVICE, f"{hub_key}/", "status")
    enabled, disabled = statuses.get("enabled", 0), statuses.get("disabled", 0)
    return {"totalDeviceCount": enabled + disabled, "enabledDeviceCount": enabled, "disabledDeviceCount": disabled}


def _require_match(if_match: str | None, hub: Document) -> None:
    if if_match and not etags.matches(if_match, hub["etag"]):
        raise errors.hub_etag_invalid(Service.HUB)


def _check(body: dict[str, Any], location: str) -> None:
    sku = body.get("sku") or {}
    if sku.get("name") not in _SKUS:
        raise errors.value_invalid(f"Invalid Sku '{sku.get('name')}' - value must be one of {', '.join(_SKUS)}.", Service.HUB, 400012)
    capacity = 1 if sku.get("capacity") is None else sku["capacity"]
    if not 1 <= capacity <= (1 if sku["name"] == "F1" else 200):
        raise errors.value_invalid(f"Invalid capacity {capacity} for Sku '{sku['name']}'.", Service.HUB, 400013)
    properties = body.get("properties") or {}
    version = properties.get("minTlsVersion")
    if version is not None and version not in {"1.0", "1.1", "1.2"}:
        raise errors.value_invalid(f"{version} is not a valid MinTlsVersion value.", Service.HUB, 400089)
    events = (properties.get("eventHubEndpoints") or {}).get("events") or {}
    low, high = _PARTITIONS.get(sku["name"], (2, 32))
    count = low if events.get("partitionCount") is None else events["partitionCount"]
    if not low <= count <= high:
        raise errors.value_invalid(f"Invalid PartitionCount {count} - value must be between {low} and {high}.", Service.HUB)
    if properties.get("enableDataResidency") and regions.normalized(location) not in _DATA_RESIDENCY_REGIONS:
        message = (
            f"Requested IoT Hub features '\"DataResidency, RootCertificateV2\"' not available in '{regions.normalized(location)}' region."
        )
        raise errors.value_invalid(message, Service.HUB, 400059)
    _check_enrichments(properties.get("routing") or {})
    network_rules.check(properties)


def _keep_tls_minimum(before: dict[str, Any], properties: dict[str, Any]) -> None:
    """The lowest TLS version is chosen when the hub is created: a body without it keeps it, and another one is refused."""
    found, wanted = before.get("minTlsVersion"), properties.get("minTlsVersion")
    if wanted not in (None, found):
        raise errors.tls_minimum_fixed(found, wanted)
    if found is not None:
        properties["minTlsVersion"] = found


def _check_enrichments(routing: dict[str, Any]) -> None:
    endpoints = {"events"} | {endpoint.get("name") for group in (routing.get("endpoints") or {}).values() for endpoint in group or []}
    for enrichment in routing.get("enrichments") or []:
        for name in enrichment.get("endpointNames") or []:
            if name not in endpoints:
                message = f"Enrichment has an undefined endpoint, Enrichment Key:{enrichment.get('key')}, EndpointName:{name}."
                raise errors.value_invalid(message, Service.HUB, 400131)


def _identity(azure: Azure, declared: dict[str, Any] | None, before: dict[str, Any] | None) -> dict[str, Any]:
    if not declared or declared.get("type") in {None, "None"}:
        return {"type": "None"}
    identity: dict[str, Any] = {"type": declared["type"]}
    if "SystemAssigned" in declared["type"]:
        identity |= {"tenantId": azure.tokens.tenant_id, "principalId": (before or {}).get("principalId") or str(uuid.uuid4())}
    if declared.get("userAssignedIdentities"):
        identity["userAssignedIdentities"] = declared["userAssignedIdentities"]
    return identity


def put_answer(hub: Document, version: str, *, new: bool, sent_etag: str | None) -> dict[str, Any]:
    """The answer to a PUT: the request's own properties, before the hub is active."""
    properties = copy.deepcopy(hub["properties"])
    accepted: dict[str, Any] = {"provisioningState": "Accepted", **properties}
    if new and not properties:
        accepted = {"state": "Activating", "provisioningState": "Accepted"}
    accepted.setdefault("features", "None")
    if version >= FQDN_SINCE:
        accepted.setdefault("allowedFqdnList", [])
    body = {**_head(hub), "properties": accepted, "sku": hub["sku"]}
    if not new and sent_etag:
        body["etag"] = sent_etag
    if hub["identity"]["type"] != "None":
        body["identity"] = hub["identity"]
    return body


def to_json(hub: Document, version: str) -> dict[str, Any]:
    """A hub as GET and lists return it, in Azure's order of members."""
    state, provisioning_state = lifecycle.state(hub)
    properties: dict[str, Any] = {"locations": _locations(hub), "state": state, "provisioningState": provisioning_state}
    declared = copy.deepcopy(hub["properties"])
    properties["ipFilterRules"] = declared.pop("ipFilterRules", None) or []
    if state != "Activating":
        properties["hostName"] = hub["hostName"]
    events = (declared.pop("eventHubEndpoints", None) or {}).get("events") or {}
    properties["eventHubEndpoints"] = {"events": _events(hub, events, active=state != "Activating")}
    properties["routing"] = _routing(declared.pop("routing", None))
    storage = declared.pop("storageEndpoints", None) or {
        "$default": {"sasTtlAsIso8601": "PT1H", "connectionString": "", "containerName": ""}
    }
    properties["storageEndpoints"] = _masked(storage)
    for member, default in _DEFAULTS.items():
        properties[member] = declared.pop(member, None) or copy.deepcopy(default)
    properties["features"] = "RootCertificateV2"
    declared.pop("features", None)
    allowed = declared.pop("allowedFqdnList", None) or []
    if version >= FQDN_SINCE:
        properties["allowedFqdnList"] = allowed
    properties["enableDataResidency"] = declared.pop("enableDataResidency", None) or False
    properties |= {member: value for member, value in declared.items() if value is not None}
    created = hub["created"].removesuffix("+00:00")
    body = {**_head(hub), "etag": hub["etag"], "properties": properties, "sku": hub["sku"], "identity": hub["identity"]}
    return {**body, "systemData": {"createdAt": f"{created}Z"}}


_FEEDBACK = {"lockDurationAsIso8601": "PT1M", "ttlAsIso8601": "PT1H", "maxDeliveryCount": 10}
_DEFAULTS: dict[str, Any] = {
    "messagingEndpoints": {"fileNotifications": _FEEDBACK},
    "enableFileUploadNotifications": False,
    "cloudToDevice": {"maxDeliveryCount": 10, "defaultTtlAsIso8601": "PT1H", "feedback": _FEEDBACK},
}


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


def _locations(hub: Document) -> list[dict[str, str]]:
    primary = regions.display(hub["location"])
    return [{"location": primary, "role": "primary"}, {"location": "East US" if primary == "West US" else "West US", "role": "secondary"}]


def _events(hub: Document, declared: dict[str, Any], *, active: bool) -> dict[str, Any]:
    count = declared.get("partitionCount") or (2 if hub["sku"]["name"] == "F1" else 4)
    events: dict[str, Any] = {"retentionTimeInDays": declared.get("retentionTimeInDays") or 1, "partitionCount": count}
    if active:
        endpoint = f"sb://{hub['namespace']}.servicebus.windows.net/"
        events |= {"partitionIds": [str(number) for number in range(count)], "path": hub["name"].lower(), "endpoint": endpoint}
    return events


def _routing(declared: dict[str, Any] | None) -> dict[str, Any]:
    declared = declared or {}
    kinds = ("serviceBusQueues", "serviceBusTopics", "eventHubs", "storageContainers", "cosmosDBSqlContainers")
    endpoints = declared.get("endpoints") or {}
    fallback = {"name": "$fallback", "source": "DeviceMessages", "condition": "true", "endpointNames": ["events"], "isEnabled": True}
    routing = {
        "endpoints": _masked({kind: endpoints.get(kind) or [] for kind in kinds}),
        "routes": declared.get("routes") or [],
        "fallbackRoute": declared.get("fallbackRoute") or fallback,
    }
    if declared.get("enrichments"):
        routing["enrichments"] = declared["enrichments"]
    return routing


def _masked(value: Any) -> Any:
    """Connection strings are returned with `****` in place of their secrets."""
    if isinstance(value, dict):
        return {name: _mask(item) if name == "connectionString" else _masked(item) for name, item in value.items()}
    return [_masked(item) for item in value] if isinstance(value, list) else value


def _mask(text: Any) -> Any:
    return re.sub(r"(AccountKey|SharedAccessKey)=[^;]*", r"\1=****", text) if isinstance(text, str) else text
