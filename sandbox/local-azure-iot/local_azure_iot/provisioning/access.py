"""Access to a provisioning service's service API: a signature of one of its policies, or an Entra token for provisioning services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.hub_registry.access import SignatureError, policy_rights, read_signature
from local_azure_iot.login.tokens import TokenError
from local_azure_iot.microsoft_devices import lifecycle

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import Request


def authenticated(azure: Azure, request: Request) -> bool:
    """Whether a policy of the service signed the request, or an Entra token for provisioning services came with it."""
    cloud, authorization = request.destination.cloud, request.header("authorization") or ""
    found = lifecycle.find_by_name(azure, cloud.name, lifecycle.PROVISIONING, request.destination.name)
    if found is None:
        return False
    try:
        if authorization.lower().startswith("bearer "):
            resource = f"https://{cloud.provisioning_suffix}"
            azure.tokens.caller(authorization, (resource, f"{resource}/"))
            return True
        signature = read_signature(authorization)
        policy = policy_rights(found[1], signature.policy)
        if policy is None:
            return False
        signature.check(policy[1], f"{request.destination.name}.{cloud.provisioning_suffix}{request.path}", azure.clock.timestamp())
    except (TokenError, SignatureError):
        return False
    return True
