"""Provisioning services (DPS): creating, changing and deleting them, and their JSON in Azure's answers."""

from __future__ import annotations

import copy
import re
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from local_azure_iot.microsoft_devices import errors, lifecycle, linked_hubs, managed_identities, network_rules, shared_access_policies
from local_azure_iot.microsoft_devices.errors import Service
from local_azure_iot.microsoft_devices.lifecycle import PROVISIONING
from local_azure_iot.resource_manager import groups, regions

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.resource_manager.long_running import Operation
    from local_azure_iot.resource_manager.resource_ids import ResourceId
    from local_azure_iot.store import Document

_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{1,48}[0-9A-Za-z]")
_DATA_RESIDENCY_REGIONS = ("eastus2euap", "brazilsouth", "southeastasia")
_READ_ONLY = ("state", "provisioningState", "idScope", "serviceOperationsHostName", "deviceProvisioningHostName")
_MOST_UNITS = 200
_POLICIES = ("Hashed", "GeoLatency", "Static")


def create_or_update(azure: Azure, resource_id: ResourceId, body: dict[str, Any], version: str) -> tuple[Document, Operation]:
    """Create or change a service. Returns it before it is active. If-Match is not checked: Azure ignores it here.

    ``version`` is the api-version: older ones know no links by identity.

    Raises:
        ArmError: The group is missing or being deleted, the provider is not registered, or the location is missing, unknown or different.
        DevicesError: The service is being created, changed or deleted, or the name or a property is invalid.
    """
    service_key, existing, location = lifecycle.check_put(azure, resource_id, PROVISIONING, body)
    name = resource_id.name
    check_name(name)
    if existing is None:
        _check_room(azure, resource_id)
    properties = {key: value for key, value in copy.deepcopy(body.get("properties") or {}).items() if key not in _READ_ONLY}
    _check(body, properties, location)
    policies = shared_access_policies.after_put(
        Service.PROVISIONING, properties.pop("authorizationPolicies", None), existing["policies"] if existing else None
    )
    service: Document = existing or {
        "cloud": resource_id.cloud.name,
        "name": name,
        "group": resource_id.group,
        "subscription": resource_id.subscription,
        "location": location,
        "idScope": f"0ne{secrets.token_hex(4).upper()}",
        "hostName": f"{name}.{resource_id.cloud.provisioning_suffix}",
        "deviceHostName": resource_id.cloud.device_provisioning,
        "hubs": [],
    }
    identity = managed_identities.declared(azure, body.get("identity"), service.get("identity"))
    service["hubs"] = linked_hubs.declared(properties.pop("iotHubs", None) or [], service["hubs"], identity, version)
    service |= {"tags": body.get("tags") or {}, "sku": lifecycle.sku(body), "properties": properties, "policies": policies}
    service["identity"] = identity
    azure.store.put(lifecycle.NAME, lifecycle.name_key(service["cloud"], PROVISIONING, name), {"key": service_key})
    return service, lifecycle.begin(azure, resource_id, PROVISIONING, service, "update" if existing else "create")


def check_name(name: str) -> None:
    """Check a name of a service.

    Raises:
        DevicesError: It is none.
    """
    if not _NAME.fullmatch(name) or name.lower() == "global":
        raise errors.provisioning_name_invalid()


def delete(azure: Azure, resource_id: ResourceId) -> Operation | None:
    """Begin to delete a service. None if the service does not exist.

    Raises:
        ArmError: The resource group does not exist.
        DevicesError: The service is being created, changed or deleted.
    """
    groups.require(azure, resource_id)
    service = lifecycle.find(azure, lifecycle.store_key(resource_id, PROVISIONING), PROVISIONING)
    if service is None:
        return None
    lifecycle.require_active(service, PROVISIONING)
    return lifecycle.begin(azure, resource_id, PROVISIONING, service, "delete")


def require(azure: Azure, resource_id: ResourceId) -> Document:
    """The service, which must exist.

    Raises:
        ArmError: Its resource group does not exist.
        DevicesError: The service does not exist.
    """
    return lifecycle.require(azure, resource_id, PROVISIONING, errors.provisioning_not_found)


def _check_room(azure: Azure, resource_id: ResourceId) -> None:
    most = azure.settings.provisioning_services
    if most is not None and len(lifecycle.services_in(azure, replace(resource_id, group=""), PROVISIONING)) >= most:
        raise errors.too_many_services(most)


def _check(body: dict[str, Any], properties: dict[str, Any], location: str) -> None:
    sku = body.get("sku") or {}
    if sku.get("name") != "S1":
        raise errors.value_invalid(f"Invalid Sku '{sku.get('name')}' - value must be S1.", Service.PROVISIONING, 400012)
    if (properties.get("allocationPolicy") or "Hashed") not in _POLICIES:
        message = f"Invalid allocationPolicy '{properties['allocationPolicy']}' - value must be one of {', '.join(_POLICIES)}."
        raise errors.value_invalid(message, Service.PROVISIONING, 400017)
    if sku.get("capacity") is not None and not 1 <= sku["capacity"] <= _MOST_UNITS:
        raise errors.value_invalid(f"Invalid capacity {sku['capacity']} for Sku 'S1'.", Service.PROVISIONING, 400013)
    network_rules.check(properties, Service.PROVISIONING)
    if properties.get("enableDataResidency") and regions.normalized(location) not in _DATA_RESIDENCY_REGIONS:
        message = (
            f"DataResidency is not supported in {regions.normalized(location)} for DPS. "
            'Supported regions are "East US 2 EUAP", "Brazil South", and "Southeast Asia".'
        )
        raise errors.value_invalid(message, Service.PROVISIONING, 400309)


def put_answer(service: Document, version: str, *, new: bool, sent_etag: str | None, with_policies: bool) -> dict[str, Any]:
    """The answer to a PUT; it includes the policies with their keys where the request had some."""
    properties: dict[str, Any] = {"state": "Activating" if new else "Transitioning", "provisioningState": "Accepted"}
    if service["hubs"] or not new:
        properties["iotHubs"] = linked_hubs.shown(service["hubs"], version)
    properties |= {"allocationPolicy": service["properties"].get("allocationPolicy") or "Hashed", "idScope": None}
    properties |= {key: value for key, value in service["properties"].items() if value is not None and key != "allocationPolicy"}
    if with_policies:
        properties["authorizationPolicies"] = service["policies"]
    body = {"name": service["name"], "location": service["location"], "properties": properties, **_tail(service)}
    return {"etag": sent_etag, **body} if sent_etag and not new else body


def to_json(service: Document, version: str) -> dict[str, Any]:
    """A service as GET and lists return it, in Azure's order of members."""
    state, provisioning_state = lifecycle.state(service)
    properties: dict[str, Any] = {
        "state": state,
        "provisioningState": provisioning_state,
        "iotHubs": linked_hubs.shown(service["hubs"], version),
        "allocationPolicy": service["properties"].get("allocationPolicy") or "Hashed",
        "serviceOperationsHostName": service["hostName"],
        "deviceProvisioningHostName": service["deviceHostName"],
        "idScope": service["idScope"],
    }
    properties |= {key: value for key, value in service["properties"].items() if value is not None and key != "allocationPolicy"}
    return {
        "etag": service["etag"],
        "name": service["name"],
        "location": service["location"],
        "properties": properties,
        **_tail(service),
    }


def _tail(service: Document) -> dict[str, Any]:
    tail = {
        "resourcegroup": service["group"],
        "type": "Microsoft.Devices/provisioningServices",
        "id": lifecycle.identifier(service, PROVISIONING),
        "subscriptionid": service["subscription"],
        "tags": service["tags"],
        "sku": service["sku"],
    }
    has_identity = (service.get("identity") or {}).get("type") not in {None, managed_identities.NONE}
    return {**tail, "identity": service["identity"]} if has_identity else tail
