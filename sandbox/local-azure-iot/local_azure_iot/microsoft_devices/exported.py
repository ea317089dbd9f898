"""Hubs, provisioning services and their certificates as templates declare them, without what can't be written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from local_azure_iot.microsoft_devices import certificates, hub_properties, lifecycle, provisioning
from local_azure_iot.microsoft_devices.lifecycle import HUB, PROVISIONING
from local_azure_iot.resource_manager.template_export import Exported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.microsoft_devices.lifecycle import Kind
    from local_azure_iot.resource_manager.resource_ids import ResourceId
    from local_azure_iot.store import Document

_VERSIONS = {HUB.service: "2023-06-30", PROVISIONING.service: "2022-12-12"}
_READ_ONLY = {
    HUB.service: ("locations", "state", "provisioningState", "hostName"),
    PROVISIONING.service: ("state", "provisioningState", "serviceOperationsHostName", "deviceProvisioningHostName", "idScope"),
}


def export(azure: Azure, resource_id: ResourceId) -> list[Exported]:
    """All resources of Microsoft.Devices in a resource group."""
    found: list[Exported] = []
    for kind in lifecycle.KINDS:
        for service in lifecycle.services_in(azure, resource_id, kind):
            found += _export(azure, kind, service, lifecycle.store_key(replace(resource_id, name=service["name"]), kind))
    return found


def _export(azure: Azure, kind: Kind, service: Document, service_key: str) -> Iterator[Exported]:
    identifier, version = lifecycle.identifier(service, kind), _VERSIONS[kind.service]
    properties = hub_properties.shown(service, version) if kind is HUB else provisioning.to_json(service, version)["properties"]
    body = {name: service[name] for name in ("location", "tags", "sku", "identity") if service.get(name)}
    body["properties"] = {name: value for name, value in properties.items() if name not in _READ_ONLY[kind.service]}
    if kind is HUB:
        events = body["properties"]["eventHubEndpoints"]["events"]
        body["properties"]["eventHubEndpoints"] = {"events": {name: events[name] for name in ("retentionTimeInDays", "partitionCount")}}
    yield Exported(identifier, f"Microsoft.Devices/{kind.service}", version, (service["name"],), body)
    for certificate in certificates.certificates_of(azure, service_key):
        uploaded: dict[str, Any] = {"properties": {"isVerified": certificate["verified"], "certificate": certificate["text"]}}
        path, names = f"{identifier}/certificates/{certificate['name']}", (service["name"], certificate["name"])
        yield Exported(path, f"Microsoft.Devices/{kind.service}/certificates", version, names, uploaded)
