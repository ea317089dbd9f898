"""Azure Resource Manager's endpoint: checks the token, subscription, api-version and rights, then runs the operation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from local_azure_iot.host_names import Endpoint
from local_azure_iot.hub_registry import management_job_routes
from local_azure_iot.key_vault import vault_routes
from local_azure_iot.key_vault.known_operations import KNOWN_AT_ARM as KNOWN_VAULTS
from local_azure_iot.login.tokens import TokenError
from local_azure_iot.microsoft_devices import (
    certificate_routes,
    consumer_group_routes,
    hub_routes,
    private_link_routes,
    provider_routes,
    provisioning_routes,
    routing_routes,
)
from local_azure_iot.microsoft_devices.known_operations import KNOWN_AT_ARM as KNOWN_DEVICES
from local_azure_iot.resource_manager import access, errors, group_routes, metadata, providers, role_routes
from local_azure_iot.resource_manager.known_operations import KNOWN as KNOWN_OF_ARM
from local_azure_iot.routing import Route, Router
from local_azure_iot.wire import MAX_BODY, MalformedJsonError

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.login.tokens import Caller
    from local_azure_iot.wire import LaterReply, Reply, Request

# The longer paths first: the role routes begin with a scope that swallows anything.
ROUTES: list[Route] = [
    *certificate_routes.ROUTES,
    *consumer_group_routes.ROUTES,
    *hub_routes.ROUTES,
    *management_job_routes.ROUTES,
    *routing_routes.ROUTES,
    *private_link_routes.ROUTES,
    *provider_routes.ROUTES,
    *provisioning_routes.ROUTES,
    *vault_routes.ROUTES,
    *group_routes.ROUTES,
    *role_routes.ROUTES,
]
for _route in ROUTES:
    providers.API_VERSIONS.setdefault(_route.resource_type.lower(), set()).update(_route.versions)
_ROUTER = Router(ROUTES)
_KNOWN = Router((*KNOWN_DEVICES, *KNOWN_VAULTS, *KNOWN_OF_ARM))
_WITHOUT_TOKEN = Router(metadata.ROUTES)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_RESOURCE = re.compile(r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/(?P<type>[^/]+/[^/]+)/", re.IGNORECASE)
_METHODS_WITH_BODY = {"PUT", "PATCH"}
# ARM's error for an unknown api-version of its own types; providers have another error.
_ARM_TYPES = ("Microsoft.Resources",)


def answer(azure: Azure, request: Request) -> Reply | LaterReply:
    """Answer one request at ARM.

    Raises:
        ServiceError: The error answer of ARM or of the resource provider.
    """
    if found := _WITHOUT_TOKEN.find(request.method, request.path):
        return found.route.handler(azure, request)
    caller = _caller(azure, request)
    _check_subscription(azure, request)
    match = _ROUTER.find(request.method, request.path)
    if match is None:
        if known := _KNOWN.find(request.method, request.path):
            raise errors.not_implemented(known.route.operation, f"{request.method} {request.path}")
        allowed = _ROUTER.methods(request.path)
        raise errors.method_not_allowed(request.method, allowed) if allowed else errors.no_route(request.path)
    request.parameters = match.parameters
    _check_version(request, match.route)
    _check_body(request)
    if match.route.action:
        access.require(azure, caller, match.route.action.format(**match.parameters), _scope(request))
    try:
        return match.route.handler(azure, request)
    except MalformedJsonError as error:
        raise errors.content_malformed(str(error)) from error


def _caller(azure: Azure, request: Request) -> Caller:
    audiences = request.destination.cloud.audiences
    if request.destination.endpoint is Endpoint.LOOPBACK:
        audiences = (*audiences, request.base_url, f"{request.base_url}/")
    try:
        return azure.tokens.caller(request.header("authorization"), audiences)
    except TokenError as error:
        login = request.destination.cloud.login[0]
        raise errors.unauthenticated(error.code, error.message, login=login, tenant_id=azure.tokens.tenant_id) from error


def _check_subscription(azure: Azure, request: Request) -> None:
    found = re.match(r"/subscriptions/([^/]+)", request.path, re.IGNORECASE)
    if found is None:
        return
    subscription = found.group(1)
    if not _GUID.fullmatch(subscription):
        raise errors.subscription_malformed(subscription)
    if subscription.lower() != azure.subscription_id:
        raise errors.subscription_not_found(subscription)


def _check_version(request: Request, route: Route) -> None:
    if not request.api_version:
        raise errors.api_version_missing()
    if request.api_version.lower() in route.versions:
        return
    if route.resource_type in _ARM_TYPES:
        raise errors.api_version_invalid(request.api_version, route.versions)
    raise errors.resource_type_unsupported(route.resource_type, request.api_version, route.versions)


def _check_body(request: Request) -> None:
    if len(request.body) > MAX_BODY:
        raise errors.content_too_large()
    media_type = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if request.body and media_type and media_type != "application/json":
        raise errors.content_type_unsupported(media_type)
    if request.method in _METHODS_WITH_BODY and request.body and not media_type:
        raise errors.content_type_unsupported("")


def _scope(request: Request) -> str:
    """The scope at which rights are checked: the resource itself, or the scope in front of an extension resource."""
    parameters = request.parameters
    if "scope" in parameters:
        return "/" + parameters["scope"].strip("/")
    path = f"/subscriptions/{parameters['subscription']}" if "subscription" in parameters else request.path
    if "group" in parameters:
        path += f"/resourceGroups/{parameters['group']}"
    if "name" in parameters and (found := _RESOURCE.match(request.path)):
        path += f"/providers/{found['type']}/{parameters['name']}"
    return path
