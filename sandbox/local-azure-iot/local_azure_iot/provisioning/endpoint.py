"""The endpoints of provisioning services: the service API of each, and the API of the devices that enrol themselves.

`<service>.azure-devices-provisioning.net` takes signatures of the service's policies and Entra tokens, and refuses others first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.clock import monotonic
from local_azure_iot.host_names import Endpoint
from local_azure_iot.microsoft_devices import lifecycle, network_rules
from local_azure_iot.provisioning import access, device_routes, enrollment_routes, errors, registration_routes
from local_azure_iot.provisioning.known_operations import KNOWN
from local_azure_iot.routing import Router
from local_azure_iot.wire import MalformedJsonError

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.routing import Route
    from local_azure_iot.store import Document
    from local_azure_iot.wire import LaterReply, Reply, Request

_TABLES = (enrollment_routes, registration_routes)
ROUTES: list[Route] = [route for table in _TABLES for route in table.ROUTES]
_RIGHTS: dict[str, str] = {operation: right for table in _TABLES for operation, right in table.RIGHTS.items()}
_ROUTER, _KNOWN, _DEVICES = Router(ROUTES), Router(KNOWN), Router(device_routes.ROUTES)


def answer(azure: Azure, request: Request) -> Reply | LaterReply:
    """Answer one request at a provisioning service's host name, or at the name that all devices use.

    Raises:
        ProvisioningError: The error answer of the service.
    """
    of_service = request.destination.endpoint is Endpoint.PROVISIONING
    match, line = _ROUTER.find(request.intended_method, request.path), f"{request.intended_method} {request.path}"
    if not (match and of_service) and (found := _DEVICES.find(request.intended_method, request.path)):
        request.parameters = found.parameters
        return found.route.handler(azure, request)  # it judges the device's credentials
    if not of_service:
        raise errors.no_route(line)
    service_key, service = _require_service(azure, request)
    client_address = azure.settings.client_address or request.client
    if network_rules.refusal(service["properties"], client_address, target=network_rules.SERVICE_API):
        raise errors.unauthorized()
    client = access.identify(azure, request.destination.cloud, service, request.header("authorization"), request.path)
    if match is None:
        known = _KNOWN.find(request.intended_method, request.path)
        raise errors.not_implemented(known.route.operation, line) if known else errors.no_route(line)
    access.require(azure, service, client, right=_RIGHTS[match.route.operation], action=match.route.action)
    if request.api_version.lower() not in match.route.versions:
        raise errors.version_invalid(request.api_version)
    factor = azure.settings.throttle
    if factor is not None and not azure.registration_throttle.operate(service_key, factor, monotonic()):
        raise errors.throttled()
    request.parameters = {**match.parameters, "service_key": service_key}
    try:
        return match.route.handler(azure, request)
    except MalformedJsonError as error:
        raise errors.json_invalid(str(error)) from error
    except UnicodeEncodeError as error:  # JSON can write half a character, which no id or name has
        raise errors.json_invalid("a text in it is not Unicode") from error


def _require_service(azure: Azure, request: Request) -> tuple[str, Document]:
    destination = request.destination
    found = lifecycle.find_by_name(azure, destination.cloud.name, lifecycle.PROVISIONING, destination.name)
    if found is None or lifecycle.state(found[1])[0] == "Activating":  # one that is being created has no host name yet
        raise errors.unauthorized()
    return found
