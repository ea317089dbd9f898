"""Microsoft Graph's endpoint: checks the token, then runs the operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.graph import errors, routes
from local_azure_iot.login.tokens import TokenError
from local_azure_iot.routing import Router
from local_azure_iot.wire import MalformedJsonError

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import LaterReply, Reply, Request

_ROUTER = Router(routes.ROUTES)
_VERSIONS = ("v1.0", "beta")
_APPLICATION = "00000003-0000-0000-c000-000000000000"  # Microsoft Graph's own, which a token may name as its audience


def answer(azure: Azure, request: Request) -> Reply | LaterReply:
    """Answer one request at Microsoft Graph.

    Raises:
        GraphError: The error answer.
    """
    resource = request.destination.cloud.graph
    try:
        azure.tokens.caller(request.header("authorization"), (resource, resource.rstrip("/"), _APPLICATION))
    except TokenError as error:
        raise errors.unauthenticated(error.message) from error
    version = request.path.split("/")[1]
    if version not in _VERSIONS:
        raise errors.version_invalid(version)
    match = _ROUTER.find(request.method, request.path)
    if match is None:
        raise errors.not_implemented(f"{request.method} {request.path}")
    request.parameters = match.parameters
    try:
        return match.route.handler(azure, request)
    except MalformedJsonError as error:
        raise errors.malformed(str(error)) from error
