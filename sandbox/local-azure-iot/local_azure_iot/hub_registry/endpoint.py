"""A hub's own endpoint: finds the hub, checks the client's address, the api-version, the token and the rate, then runs the operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.clock import monotonic
from local_azure_iot.hub_registry import (
    access,
    configuration_routes,
    device_access,
    device_routes,
    digital_twin_routes,
    errors,
    job_routes,
    message_routes,
    routes,
)
from local_azure_iot.hub_registry.known_operations import KNOWN
from local_azure_iot.hub_registry.route_table import DEVICE_CONNECT
from local_azure_iot.microsoft_devices import lifecycle, network_rules
from local_azure_iot.routing import Router
from local_azure_iot.wire import MalformedJsonError

if TYPE_CHECKING:
    from local_azure_iot.hub_registry.throttle import Operation
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.routing import Match, Route
    from local_azure_iot.store import Document
    from local_azure_iot.wire import LaterReply, Reply, Request

_TABLES = (routes, configuration_routes, job_routes, digital_twin_routes, message_routes, device_routes)
ROUTES: list[Route] = [route for table in _TABLES for route in table.ROUTES]
RIGHTS: dict[str, tuple[str, Operation]] = {operation: right for table in _TABLES for operation, right in table.RIGHTS.items()}
_ROUTER, _KNOWN = Router(ROUTES), Router(KNOWN)


def answer(azure: Azure, request: Request) -> Reply | LaterReply:
    """Answer one request at a hub's host name.

    Raises:
        RegistryError: The error answer of the hub.
    """
    hub_key, hub = _require_hub(azure, request)
    if network_rules.refusal(hub["properties"], azure.settings.client_address or request.client):
        raise errors.unauthorized()
    match = _ROUTER.find(request.intended_method, request.path)
    if match is None:
        raise _absent(azure, request, hub_key, hub)
    if request.api_version.lower() not in match.route.versions:
        raise errors.version_invalid(request.api_version)
    right, _ = RIGHTS[match.route.operation]
    request.parameters = {**match.parameters, "hub_key": hub_key}
    if right == DEVICE_CONNECT:
        _admit(azure, request, hub)
    else:
        access.require(
            azure, request.destination.cloud, hub, request.header("authorization"),
            right=right, action=match.route.action, path=request.path,
        )  # fmt: skip
    try:
        return match.route.handler(azure, request)
    except MalformedJsonError as error:
        raise errors.json_invalid(str(error)) from error
    except UnicodeEncodeError as error:  # JSON can write half a character, which no id or name has
        raise errors.json_invalid("a text in it is not Unicode") from error


def _admit(azure: Azure, request: Request, hub: Document) -> None:
    """Check the credentials of the device or module whose path this is; its routes find who it is among the parameters."""
    parameters = request.parameters
    try:
        admitted = device_access.admit(
            azure, parameters["hub_key"], hub, parameters["id"], parameters.get("mid", ""),
            chain=request.chain, signature=request.header("authorization") or "",
        )  # fmt: skip
    except device_access.DeviceRefusedError as refused:
        name = "/".join(filter(None, (parameters["id"], parameters.get("mid", ""))))
        device_access.tell_refusal(azure, hub["hostName"], request.chain, request.client, name, refused)
        raise errors.unauthorized() from refused
    parameters |= {"generation": admitted.generation, "authentication": admitted.authentication()}
    azure.presence.record_message(admitted.store_key, azure.clock.now())


def _absent(azure: Azure, request: Request, hub_key: str, hub: Document) -> errors.RegistryError:
    """The error for what no route answers, after authentication: a stranger learns nothing of what is here."""
    line = f"{request.intended_method} {request.path}"
    known = _KNOWN.find(request.intended_method, request.path)
    try:
        access.identify(azure, request.destination.cloud, hub, request.header("authorization"), request.path)
    except errors.RegistryError:
        if known is None or "id" not in known.parameters:
            raise
        request.parameters = {**known.parameters, "hub_key": hub_key}
        _admit(azure, request, hub)  # a device or module may ask for what is its own
    return errors.not_implemented(known.route.operation, line) if known else errors.no_route(line)


def throttle_seconds(azure: Azure, request: Request) -> float:
    """Seconds that the hub's throttle makes this request wait; 0 where the setting `throttle` is off.

    Raises:
        RegistryError: The request would wait longer than the queue allows: 429.
    """
    if azure.settings.throttle is None:
        return 0.0
    match, found = _ROUTER.find(request.intended_method, request.path), _find_hub(azure, request)
    if match is None or found is None:
        return 0.0
    return _queue_seconds(azure, match, *found)


def _queue_seconds(azure: Azure, match: Match[Route], hub_key: str, hub: Document) -> float:
    _, operation = RIGHTS[match.route.operation]
    factor, burst = azure.settings.throttle or 1.0, azure.settings.throttle_burst
    seconds = azure.throttle.wait(hub_key, hub, operation, factor=factor, burst=burst, now=monotonic())
    if seconds is None:
        raise errors.throttled(operation)
    return seconds


def _require_hub(azure: Azure, request: Request) -> tuple[str, Document]:
    found = _find_hub(azure, request)
    if found is None:
        raise errors.hub_not_found()
    return found


def _find_hub(azure: Azure, request: Request) -> tuple[str, Document] | None:
    destination = request.destination
    found = lifecycle.find_by_name(azure, destination.cloud.name, lifecycle.HUB, destination.name)
    # A hub that is being created has no host name yet.
    return found if found and lifecycle.state(found[1])[0] != "Activating" else None
