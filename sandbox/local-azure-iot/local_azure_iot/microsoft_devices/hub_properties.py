"""A hub's properties: what of a PUT is stored, and what GET shows of it.

Azure fills in what a client leaves out, and nothing where a client says `{}`: `storageEndpoints` and `messagingEndpoints` are maps, and an
empty map stays empty (Terraform's azurerm sends such maps, and its acceptance tests demand them back). An object that is there gets the
members that it lacks: recorded for the lock duration of `fileNotifications` and for the whole of `cloudToDevice`.

Sources: recordings of the az CLI's own tests, the newest of September 2025 (az 2.77, api-version 2023-06-30-preview),
https://github.com/Azure/azure-cli/blob/dev/src/azure-cli/azure/cli/command_modules/iot/tests/latest/recordings/test_iot_hub.yaml;
the examples in https://github.com/Azure/azure-rest-api-specs/tree/main/specification/iothub/resource-manager/Microsoft.Devices/IoTHub.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from local_azure_iot import host_names
from local_azure_iot.clock import seven_digits
from local_azure_iot.microsoft_devices import hub_routing, lifecycle
from local_azure_iot.microsoft_devices.connection_strings import masked
from local_azure_iot.resource_manager import regions

if TYPE_CHECKING:
    from datetime import datetime

    from local_azure_iot.store import Document

FQDN_SINCE = "2021-07-01"  # the first api-version whose recorded answers have allowedFqdnList
ROOT_CERTIFICATE_SINCE = "2022-04-30"  # of previews; of stable versions 2026-11-01 is the first whose specification has rootCertificate
_STABLE_ROOT_CERTIFICATE_SINCE = "2026-11-01"
_FEEDBACK = {"lockDurationAsIso8601": "PT1M", "ttlAsIso8601": "PT1H", "maxDeliveryCount": 10}
_CLOUD_TO_DEVICE = {"maxDeliveryCount": 10, "defaultTtlAsIso8601": "PT1H", "feedback": _FEEDBACK}
_STORAGE = {"sasTtlAsIso8601": "PT1H"}
_EMPTY_STORAGE = {"$default": {**_STORAGE, "connectionString": "", "containerName": ""}}
_READ_ONLY = ("hostName", "locations", "state", "provisioningState", "privateEndpointConnections")


def has_root_certificate(version: str) -> bool:
    """Whether a hub has the member `rootCertificate` at this api-version."""
    return version >= (ROOT_CERTIFICATE_SINCE if "preview" in version else _STABLE_ROOT_CERTIFICATE_SINCE)


def stored(properties: dict[str, Any], sku: str, before: Document | None, now: datetime) -> dict[str, Any]:
    """What a hub's document keeps of a PUT's properties, as `properties`, `partitionIds` and `rootCertificateUpdated`.

    ``sku`` is the sku's name, ``before`` the hub's document, None for a new hub. A masked secret in the request means the stored one.
    `minTlsVersion` can change, as recorded (1.2, later 1.0), though Azure's documentation says that it can't; a PUT without it keeps it,
    which is a guess.
    """
    kept = {name: value for name, value in copy.deepcopy(properties).items() if name not in _READ_ONLY and value is not None}
    old = before["properties"] if before else {}
    if kept.get("routing"):
        kept["routing"] = hub_routing.stored(kept["routing"], old.get("routing") or {})
    if kept.get("storageEndpoints"):
        kept["storageEndpoints"] = hub_routing.with_secrets(kept["storageEndpoints"], old.get("storageEndpoints") or {})
    if "minTlsVersion" not in kept and "minTlsVersion" in old:
        kept["minTlsVersion"] = old["minTlsVersion"]
    events = _events_of(kept)
    # Recorded: a new hub shows the ids of its partitions; an update declares its endpoint without them, and from then on there are none.
    if before is None:
        partition_ids = [str(number) for number in range(partition_count(kept, sku))]
    else:
        partition_ids = (events.get("partitionIds") or []) if events else before["partitionIds"]
    changed = before is None or _enabled(kept) != _enabled(old)
    return {
        "properties": kept,
        "partitionIds": partition_ids,
        "rootCertificateUpdated": now.isoformat() if changed or before is None else before["rootCertificateUpdated"],
    }


def partition_count(properties: dict[str, Any], sku: str) -> int:
    """How many partitions the built-in endpoint has: 4 unless declared, 2 on a free hub."""
    return int(_events_of(properties).get("partitionCount") or (2 if sku == "F1" else 4))


def accepted(hub: Document, version: str, *, new: bool) -> dict[str, Any]:
    """The properties in the answer to a PUT: those of the request, before the hub is active."""
    declared = {name: masked(value) for name, value in copy.deepcopy(hub["properties"]).items()}
    answer: dict[str, Any] = {"provisioningState": "Accepted", **declared}
    if new and not declared:
        answer = {"state": "Activating", "provisioningState": "Accepted"}
    _fill(answer, "messagingEndpoints")
    answer.setdefault("features", "None")
    if version >= FQDN_SINCE:
        answer.setdefault("allowedFqdnList", [])
    if not has_root_certificate(version):
        answer.pop("rootCertificate", None)
    return answer


def shown(hub: Document, version: str) -> dict[str, Any]:
    """The properties as GET and lists return them, in Azure's order of members."""
    state, provisioning_state = lifecycle.state(hub)
    declared = copy.deepcopy(hub["properties"])
    properties: dict[str, Any] = {"locations": locations(hub), "state": state, "provisioningState": provisioning_state}
    properties["ipFilterRules"] = declared.pop("ipFilterRules", None) or []
    active = state != "Activating"
    if active:
        properties["hostName"] = hub["hostName"]
    properties["eventHubEndpoints"] = {**(declared.pop("eventHubEndpoints", None) or {}), "events": _events(hub, active=active)}
    properties["routing"] = hub_routing.shown(declared.pop("routing", None))
    for name, default in (("storageEndpoints", _EMPTY_STORAGE), ("messagingEndpoints", {"fileNotifications": _FEEDBACK})):
        properties[name] = masked(declared.pop(name, copy.deepcopy(default)))
        _fill(properties, name)
    properties["enableFileUploadNotifications"] = declared.pop("enableFileUploadNotifications", False)
    properties["cloudToDevice"] = _filled(declared.pop("cloudToDevice", {}), _CLOUD_TO_DEVICE)
    declared.pop("features", None)
    properties["features"] = "RootCertificateV2"
    allowed = declared.pop("allowedFqdnList", [])
    root = declared.pop("rootCertificate", {})
    properties |= declared
    if version >= FQDN_SINCE:
        properties["allowedFqdnList"] = allowed
    if has_root_certificate(version):
        updated = seven_digits(hub["rootCertificateUpdated"])
        properties["rootCertificate"] = {"enableRootCertificateV2": True, **root, "lastUpdatedTimeUtc": updated}
    return properties


def _events_of(properties: dict[str, Any]) -> dict[str, Any]:
    return (properties.get("eventHubEndpoints") or {}).get("events") or {}


def _enabled(properties: dict[str, Any]) -> bool:
    return (properties.get("rootCertificate") or {}).get("enableRootCertificateV2") is not False


def _events(hub: Document, *, active: bool) -> dict[str, Any]:
    declared = _events_of(hub["properties"])
    count = partition_count(hub["properties"], hub["sku"]["name"])
    events: dict[str, Any] = {"retentionTimeInDays": declared.get("retentionTimeInDays") or 1, "partitionCount": count}
    if active:
        endpoint = f"sb://{host_names.event_hub(hub['cloud'], hub['namespace'])}/"
        events |= {"partitionIds": hub["partitionIds"], "path": hub["name"].lower(), "endpoint": endpoint}
    return events


def locations(hub: Document) -> list[dict[str, str]]:
    """The primary and the secondary region, in this order; a failover exchanges them."""
    here, there = regions.display(hub["location"]), regions.paired(hub["location"])
    primary, secondary = (there, here) if hub.get("failedOver") else (here, there)
    return [{"location": primary, "role": "primary"}, {"location": secondary, "role": "secondary"}]


_DEFAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "storageEndpoints": ("$default", _STORAGE),
    "messagingEndpoints": ("fileNotifications", _FEEDBACK),
}


def _fill(properties: dict[str, Any], name: str) -> None:
    """Give the only entry of a map, where it is there, the members that it lacks."""
    key, default = _DEFAULTS[name]
    endpoints = properties.get(name)
    if endpoints and isinstance(endpoints.get(key), dict):
        endpoints[key] = _filled(endpoints[key], default)


def _filled(value: Any, default: dict[str, Any]) -> dict[str, Any]:
    given = {name: each for name, each in (value or {}).items() if each is not None}
    filled = {**copy.deepcopy(default), **given}
    return {name: _filled(each, default[name]) if isinstance(default.get(name), dict) else each for name, each in filled.items()}
