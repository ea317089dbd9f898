"""A key vault's endpoint: sends the challenge, checks the token, the network and the rights, then runs the operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.key_vault import data_access, errors, routes, vaults
from local_azure_iot.key_vault.known_operations import KNOWN
from local_azure_iot.login.tokens import TokenError
from local_azure_iot.routing import Router
from local_azure_iot.wire import MalformedJsonError

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.login.tokens import Caller
    from local_azure_iot.wire import LaterReply, Reply, Request

_ROUTER, _KNOWN = Router(routes.ROUTES), Router(KNOWN)


def answer(azure: Azure, request: Request) -> Reply | LaterReply:
    """Answer one request at a vault.

    Raises:
        VaultError: The error answer of the vault.
    """
    vault = vaults.find(azure, request.destination.cloud.name, request.destination.name)
    if vault is None:  # the proxy refuses a vault that does not exist; this is for clients that connect without it
        raise errors.unavailable()
    caller = _caller(azure, request, vault["properties"]["tenantId"])
    data_access.require_network(azure, caller, vault)
    match = _ROUTER.find(request.method, request.path)
    if match is None:
        if known := _KNOWN.find(request.method, request.path):
            raise errors.not_implemented(known.route.operation, f"{request.method} {request.path}")
        raise errors.method_not_allowed(request.method)
    if request.api_version not in routes.VERSIONS:
        raise errors.version_unsupported(request.api_version)
    request.parameters = match.parameters
    data_access.require_right(azure, caller, vault, match.route.action, match.parameters.get("key", ""))
    try:
        return match.route.handler(azure, request)
    except MalformedJsonError as error:
        raise errors.parameter_invalid(str(error)) from error


def token_refused(request: Request) -> errors.VaultError:
    """The challenge to a token that the vault does not take."""
    return _challenge(request, "common", "AKV10022: Invalid audience.")


def _caller(azure: Azure, request: Request, tenant_id: str) -> Caller:
    resource = _resource(request)
    header = request.header("authorization")
    if not header:
        raise _challenge(request, tenant_id, "AKV10000: Request is missing a Bearer or PoP token.")
    try:
        caller = azure.tokens.caller(header, (resource, f"{resource}/"))
    except TokenError as error:
        raise _challenge(request, tenant_id, f"AKV10022: {error.message}") from error
    if caller.tenant_id != tenant_id:
        wanted = f"Expected one of https://sts.windows.net/{tenant_id}/, found {azure.tokens.issuer}."
        raise _challenge(request, tenant_id, f"AKV10032: Invalid issuer. {wanted}")
    return caller


def _challenge(request: Request, tenant_id: str, message: str) -> errors.VaultError:
    return errors.challenge(message, login=request.destination.cloud.login[0], tenant_id=tenant_id, resource=_resource(request))


def _resource(request: Request) -> str:
    return f"https://{request.destination.cloud.key_vault_suffix}"
