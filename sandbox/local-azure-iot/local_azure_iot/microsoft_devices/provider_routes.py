"""Operations on Microsoft.Devices as a whole: what it can do, and how many hubs a subscription has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot.microsoft_devices import (
    certificate_routes,
    consumer_group_routes,
    exported,
    hub_routes,
    lifecycle,
    private_link_routes,
    provisioning_routes,
    routing_routes,
)
from local_azure_iot.microsoft_devices.lifecycle import HUB
from local_azure_iot.microsoft_devices.versions import HUB_VERSIONS, PROVISIONING_VERSIONS
from local_azure_iot.resource_manager import template_export
from local_azure_iot.resource_manager.request_ids import resource_id
from local_azure_iot.routing import Evidence, table
from local_azure_iot.wire import Reply

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import Request

_MODULES = (certificate_routes, consumer_group_routes, hub_routes, private_link_routes, provisioning_routes, routing_routes)
_LIMITS = {"FreeHubCount": ("Free Hub Count", 1), "PaidHubCount": ("Paid Hub Count", 50)}


def list_operations(_azure: Azure, _request: Request) -> Reply:
    """The actions that a role can allow: those of the operations that local Azure has."""
    actions: dict[str, list[str]] = {}
    for route in (route for module in _MODULES for route in module.ROUTES if route.action):
        actions.setdefault(route.action, []).append(route.operation)
    return Reply(body={"value": [_operation(action, names) for action, names in sorted(actions.items())]})


def list_usages(azure: Azure, request: Request) -> Reply:
    """How many free and paid hubs the subscription has, and how many it may have. Local Azure keeps neither limit."""
    hubs = lifecycle.services_in(azure, resource_id(request), HUB)
    free = sum(hub["sku"]["name"] == "F1" for hub in hubs)
    here = f"/subscriptions/{request.parameters['subscription']}/providers/Microsoft.Devices/usages"
    value = [
        {
            "id": f"{here}/{name[0].lower()}{name[1:]}",
            "type": here,
            "unit": "count",
            "currentValue": count,
            "limit": limit,
            "name": {"value": name, "localizedValue": text},
        }
        for (name, (text, limit)), count in zip(_LIMITS.items(), (free, len(hubs) - free), strict=True)
    ]
    return Reply(body={"value": value})


def _operation(action: str, names: list[str]) -> dict[str, Any]:
    text = ", ".join(names)
    resource = action.split("/")[1]
    return {"name": action, "display": {"provider": "Microsoft Devices", "resource": resource, "operation": text, "description": text}}


template_export.PROVIDERS.append(exported.export)
_VERSIONS = tuple(sorted({*HUB_VERSIONS, *PROVISIONING_VERSIONS}))
ROUTES = [
    *table(
        (
            (
                "Operations_List",
                "GET",
                "/providers/Microsoft.Devices/operations",
                list_operations,
                Evidence.DOCUMENTED,
                "",
                "those that local Azure has, in its own words",
            ),
        ),
        versions=_VERSIONS,
        resource_type="Microsoft.Devices/operations",
    ),
    *table(
        (
            (
                "ResourceProviderCommon_GetSubscriptionQuota",
                "GET",
                "/subscriptions/{subscription}/providers/Microsoft.Devices/usages",
                list_usages,
                Evidence.DOCUMENTED,
                "Microsoft.Devices/usages/read",
                "guess: the name of the paid hubs' count",
            ),
        ),
        versions=_VERSIONS,
        resource_type="Microsoft.Devices/usages",
    ),
]
