"""Operations on IoT hubs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot import shapes
from local_azure_iot.microsoft_devices import hubs, lifecycle, shared_access_policies
from local_azure_iot.microsoft_devices.errors import Service
from local_azure_iot.microsoft_devices.lifecycle import HUB
from local_azure_iot.microsoft_devices.name_check import check_hub_name
from local_azure_iot.microsoft_devices.service_replies import accepted, delete_accepted, patch_tags, put_accepted
from local_azure_iot.microsoft_devices.versions import HUB_VERSIONS
from local_azure_iot.resource_manager.operation_routes import poll
from local_azure_iot.resource_manager.request_ids import resource_id
from local_azure_iot.routing import Evidence, table
from local_azure_iot.wire import LaterReply, MalformedJsonError, Reply

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import Request


def put_hub(azure: Azure, request: Request) -> Reply:
    """Create or change a hub: 201 for both."""
    body, hub_id, if_match = request.json_object(shapes.HUB), resource_id(request), request.header("if-match")
    new = lifecycle.find(azure, lifecycle.store_key(hub_id, HUB), HUB) is None
    hub, operation = hubs.create_or_update(azure, hub_id, body, if_match)
    answer = hubs.put_answer(hub, request.api_version, new=new, sent_etag=if_match or body.get("etag"))
    return put_accepted(azure, request, HUB, operation, answer)


def patch_hub(azure: Azure, request: Request) -> Reply:
    """Change a hub's tags."""
    hub = hubs.require(azure, resource_id(request))
    patch_tags(azure, request, HUB, hub)
    return Reply(body=hubs.to_json(hub, request.api_version))


def get_hub(azure: Azure, request: Request) -> Reply:
    """A hub."""
    return Reply(body=hubs.to_json(hubs.require(azure, resource_id(request)), request.api_version))


def delete_hub(azure: Azure, request: Request) -> Reply:
    """Begin to delete a hub: 202 and the four bytes `null`; 204 if the hub does not exist."""
    operation = hubs.delete(azure, resource_id(request), request.header("if-match"))
    return delete_accepted(azure, request, HUB, operation)


def fail_over(azure: Azure, request: Request) -> Reply:
    """Begin to move a hub to its secondary region: 202."""
    region = request.json_object(shapes.FAILOVER).get("failoverRegion")
    if region is None:
        raise MalformedJsonError("Required property 'failoverRegion' not found in JSON")
    return accepted(azure, request, HUB, hubs.fail_over(azure, resource_id(request), region))


def list_hubs(azure: Azure, request: Request) -> Reply:
    """The hubs of a subscription or of a resource group."""
    value = [hubs.to_json(hub, request.api_version) for hub in lifecycle.services_in(azure, resource_id(request), HUB)]
    return Reply(body={"value": value})


def list_keys(azure: Azure, request: Request) -> Reply:
    """All shared access policies with their keys."""
    return Reply(body={"value": hubs.require(azure, resource_id(request))["policies"]})


def get_keys(azure: Azure, request: Request) -> Reply:
    """One shared access policy with its keys."""
    policies = hubs.require(azure, resource_id(request))["policies"]
    return Reply(body=shared_access_policies.require_policy(policies, request.parameters["policy"], Service.HUB))


def list_skus(azure: Azure, request: Request) -> Reply:
    """The skus that a hub can be scaled to."""
    hub = hubs.require(azure, resource_id(request))
    limits = {"F1": 1, "B1": 200, "B2": 200, "B3": 10, "S1": 200, "S2": 200, "S3": 10}
    chosen = ("F1",) if hub["sku"]["name"] == "F1" else tuple(name for name in limits if name != "F1")
    tiers = {"F": "Free", "B": "Basic", "S": "Standard"}
    value = [
        {
            "resourceType": "Microsoft.Devices/IotHubs",
            "sku": {"name": name, "tier": tiers[name[0]]},
            "capacity": {"minimum": 1, "maximum": limits[name], "default": 1, "scaleType": "None" if name == "F1" else "Manual"},
        }
        for name in chosen
    ]
    return Reply(body={"value": value})


def list_quotas(azure: Azure, request: Request) -> LaterReply:
    """How much of the hub's quota is used. Recorded: a paid hub may have a million devices."""
    hub = hubs.require(azure, resource_id(request))
    messages = {"F1": 8000, "B1": 400000, "S1": 400000, "B2": 6000000, "S2": 6000000, "B3": 300000000, "S3": 300000000}[hub["sku"]["name"]]

    async def answer() -> Reply:
        devices = (await hubs.device_counts(azure, lifecycle.store_key(resource_id(request), HUB)))["totalDeviceCount"]
        value = [
            {"name": "TotalMessages", "currentValue": 0, "maxValue": messages * hub["sku"]["capacity"]},
            {"name": "TotalDeviceCount", "currentValue": devices, "maxValue": hubs.most_devices(hub)},
        ]
        return Reply(body={"value": value})

    return LaterReply(answer)


def get_stats(azure: Azure, request: Request) -> LaterReply:
    """How many devices the registry holds."""
    hubs.require(azure, resource_id(request))

    async def answer() -> Reply:
        return Reply(body=await hubs.device_counts(azure, lifecycle.store_key(resource_id(request), HUB)))

    return LaterReply(answer)


_SUB = "/subscriptions/{subscription}"
_IN_GROUP = f"{_SUB}/resourceGroups/{{group}}/providers/Microsoft.Devices/IotHubs"
_ONE = f"{_IN_GROUP}/{{name}}"
_DEVICES = f"{_SUB}/providers/Microsoft.Devices"
_ACTION = "Microsoft.Devices/IotHubs"
ROUTES = table(
    (
        (
            "IotHubResource_CreateOrUpdate",
            "PUT",
            _ONE,
            put_hub,
            Evidence.RECORDED,
            f"{_ACTION}/write",
            "guess: which network settings are refused",
        ),
        ("IotHubResource_Update", "PATCH", _ONE, patch_hub, Evidence.DOCUMENTED, f"{_ACTION}/write"),
        ("IotHubResource_Get", "GET", _ONE, get_hub, Evidence.RECORDED, f"{_ACTION}/read"),
        ("IotHubResource_Delete", "DELETE", _ONE, delete_hub, Evidence.RECORDED, f"{_ACTION}/delete"),
        (
            "IotHub_ManualFailover",
            "POST",
            f"{_ONE}/failover",
            fail_over,
            Evidence.DOCUMENTED,
            f"{_ACTION}/failover/action",
            "guesses: the state meanwhile, the error for another region",
        ),
        ("IotHubResource_ListBySubscription", "GET", f"{_DEVICES}/IotHubs", list_hubs, Evidence.DOCUMENTED, f"{_ACTION}/read"),
        ("IotHubResource_ListByResourceGroup", "GET", _IN_GROUP, list_hubs, Evidence.DOCUMENTED, f"{_ACTION}/read"),
        ("IotHubResource_ListKeys", "POST", f"{_ONE}/listkeys", list_keys, Evidence.RECORDED, f"{_ACTION}/listkeys/action"),
        (
            "IotHubResource_GetKeysForKeyName",
            "POST",
            f"{_ONE}/IotHubKeys/{{policy}}/listkeys",
            get_keys,
            Evidence.RECORDED,
            f"{_ACTION}/iotHubKeys/listkeys/action",
        ),
        (
            "IotHubResource_CheckNameAvailability",
            "POST",
            f"{_DEVICES}/checkNameAvailability",
            check_hub_name,
            Evidence.RECORDED,
            "Microsoft.Devices/checkNameAvailability/action",
        ),
        ("IotHubResource_GetValidSkus", "GET", f"{_ONE}/skus", list_skus, Evidence.DOCUMENTED, f"{_ACTION}/skus/read"),
        ("IotHubResource_GetQuotaMetrics", "GET", f"{_ONE}/quotaMetrics", list_quotas, Evidence.DOCUMENTED, f"{_ACTION}/quotaMetrics/read"),
        ("IotHubResource_GetStats", "GET", f"{_ONE}/IotHubStats", get_stats, Evidence.DOCUMENTED, f"{_ACTION}/iotHubStats/read"),
        (
            "Operation results (hub)",
            "GET",
            f"{_DEVICES}/locations/{{location}}/operationResults/{{operation}}",
            poll,
            Evidence.RECORDED,
            "",
        ),
    ),
    versions=HUB_VERSIONS,
    resource_type="Microsoft.Devices/IotHubs",
)
