"""Access to a provisioning service's service API: a signature of one of its policies, or an Entra token with a data-plane role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.hub_registry.access import SignatureError, accepts_signatures, policy_rights, read_signature
from local_azure_iot.login.tokens import Caller, TokenError
from local_azure_iot.microsoft_devices import lifecycle
from local_azure_iot.provisioning import errors
from local_azure_iot.resource_manager import access as roles

if TYPE_CHECKING:
    from local_azure_iot.host_names import AzureCloud
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

# What a right brings with it. That the rights to write bring those to read is a guess; the policy that each service has at first,
# `ServiceConfig, EnrollmentWrite, DeviceConnect`, reads and deletes all.
_IMPLIED = {
    "EnrollmentWrite": {"EnrollmentRead"},
    "RegistrationStatusWrite": {"RegistrationStatusRead"},
    "ServiceConfig": {"RegistrationStatusRead", "RegistrationStatusWrite"},
}


def identify(azure: Azure, cloud: AzureCloud, service: Document, authorization: str | None, path: str) -> frozenset[str] | Caller:
    """Who sends a request for a ``path``: the rights of the policy that signed it, or the caller of an Entra token.

    Raises:
        ProvisioningError: 401: token or signature is missing or invalid, or it is a signature and `disableLocalAuth` is set.
    """
    if not authorization:
        raise errors.unauthorized()
    try:
        if authorization.lower().startswith("bearer "):
            resource = f"https://{cloud.provisioning_suffix}"
            return azure.tokens.caller(authorization, (resource, f"{resource}/"))
        signature = read_signature(authorization)
        policy = policy_rights(service, signature.policy)
        if policy is None or not accepts_signatures(service):
            raise errors.unauthorized()
        signature.check(policy[1], f"{service['hostName']}{path}", azure.clock.timestamp())
    except (TokenError, SignatureError) as error:
        raise errors.unauthorized() from error
    return frozenset(policy[0]).union(*(_IMPLIED.get(right, ()) for right in policy[0]))


def require(azure: Azure, service: Document, client: frozenset[str] | Caller, *, right: str, action: str) -> None:
    """Check that a client may do something: its policy must have ``right``, or its role the data action ``action``.

    Raises:
        ProvisioningError: 401, as it is said of a policy without the right; for roles it is a guess.
    """
    if isinstance(client, Caller):
        scope = lifecycle.identifier(service, lifecycle.PROVISIONING)
        if azure.settings.role_checks and not roles.allowed(azure, client, action, scope, data=True):
            raise errors.unauthorized()
    elif right not in client:
        raise errors.unauthorized()
