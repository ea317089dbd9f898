"""A hub's message routing: its endpoints, routes and enrichments, and which of them are refused.

Source: https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-d2c
"""

from __future__ import annotations

import copy
import uuid
from typing import TYPE_CHECKING, Any

from local_azure_iot.microsoft_devices import errors
from local_azure_iot.microsoft_devices.connection_strings import masked, with_secret
from local_azure_iot.microsoft_devices.errors import Service

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILT_IN = "events"  # the endpoint that every hub has
_KINDS = ("serviceBusQueues", "serviceBusTopics", "eventHubs", "storageContainers", "cosmosDBSqlContainers")
_SOURCES = (
    "DeviceMessages", "TwinChangeEvents", "DeviceLifecycleEvents", "DeviceJobLifecycleEvents", "DigitalTwinChangeEvents",
    "DeviceConnectionStateEvents", "MqttBrokerMessages",
)  # fmt: skip
FALLBACK = {"name": "$fallback", "source": "DeviceMessages", "condition": "true", "endpointNames": [BUILT_IN], "isEnabled": True}


def endpoints_of(routing: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The custom endpoints of all kinds."""
    for group in (routing.get("endpoints") or {}).values():
        yield from group or ()


def check(routing: dict[str, Any]) -> None:
    """Check that routes and enrichments name endpoints that exist. Endpoint names ignore case.

    Whether a route's condition can be read is not checked: `$testnew` says it.

    Raises:
        DevicesError: A route, the fallback route or an enrichment names an endpoint that the hub does not have, a name is there twice,
            or a route has no endpoint or another source than the specification's.
    """
    _check_names("endpoints", [str(each.get("name") or "") for each in endpoints_of(routing)])
    _check_names("routes", [str(each.get("name") or "") for each in routing.get("routes") or []])
    for route in routing.get("routes") or []:
        if str(route.get("source") or "").lower() not in map(str.lower, _SOURCES):
            _refuse(f"the source '{route.get('source') or ''}' of the route '{route.get('name')}' is not one of {', '.join(_SOURCES)}.")
        if not route.get("endpointNames"):
            _refuse(f"the route '{route.get('name')}' has no endpoint.")
    names = {BUILT_IN} | {str(endpoint.get("name")).lower() for endpoint in endpoints_of(routing)}
    fallback = routing.get("fallbackRoute")
    for route in [*(routing.get("routes") or []), *([fallback] if fallback else [])]:
        for name in route.get("endpointNames") or []:
            if str(name).lower() not in names:
                raise errors.route_endpoint_undefined(str(route.get("name") or FALLBACK["name"]), str(name))
    for enrichment in routing.get("enrichments") or []:
        for name in enrichment.get("endpointNames") or []:
            if str(name).lower() not in names:
                message = f"Enrichment has an undefined endpoint, Enrichment Key:{enrichment.get('key')}, EndpointName:{name}."
                raise errors.value_invalid(message, Service.HUB, 400131)


def _check_names(what: str, names: list[str]) -> None:
    for number, name in enumerate(names):
        if not name or name.lower() in map(str.lower, names[:number]):
            _refuse(f"{what} has the name '{name}' twice." if name else f"one of {what} has no name.")


def _refuse(reason: str) -> None:
    raise errors.body_invalid(f"routing: {reason}", Service.HUB)


def stored(routing: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """The routing to store: each endpoint has an id, which stays with its name, and its secret."""
    known = {str(endpoint.get("name")).lower(): endpoint for endpoint in endpoints_of(before)}
    for endpoint in endpoints_of(routing):
        old = known.get(str(endpoint.get("name")).lower(), {})
        endpoint["id"] = endpoint.get("id") or old.get("id") or str(uuid.uuid4())
        if isinstance(endpoint.get("connectionString"), str):
            endpoint["connectionString"] = with_secret(endpoint["connectionString"], str(old.get("connectionString") or ""))
    return routing


def with_secrets(endpoints: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """A map of endpoints with the secrets that the request has as `****`."""
    for name, endpoint in endpoints.items():
        if isinstance(endpoint, dict) and isinstance(endpoint.get("connectionString"), str):
            old = (before.get(name) or {}).get("connectionString")
            endpoint["connectionString"] = with_secret(endpoint["connectionString"], str(old or ""))
    return endpoints


def shown(routing: dict[str, Any] | None) -> dict[str, Any]:
    """The routing as GET shows it.

    A hub whose PUT says nothing of routing has the fallback route (recorded); one whose routing has none has it disabled, as the
    specification says of `fallbackRoute`, and Azure then shows none.
    """
    declared = routing or {}
    endpoints = declared.get("endpoints") or {}
    answer: dict[str, Any] = {
        "endpoints": masked({**{kind: endpoints.get(kind) or [] for kind in _KINDS}, **endpoints}),
        "routes": declared.get("routes") or [],
    }
    fallback = copy.deepcopy(FALLBACK) if routing is None else declared.get("fallbackRoute")
    if fallback:
        answer["fallbackRoute"] = fallback
    if declared.get("enrichments"):
        answer["enrichments"] = declared["enrichments"]
    return answer
