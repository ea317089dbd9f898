"""Errors of Key Vault's data plane, in its envelope `{"error": {"code", "message", "innererror"}}`: one constructor for each.

Source: learn.microsoft.com/azure/key-vault/general/rest-error-codes, and traffic that users of Azure's SDKs reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot.wire import Moment, Reply, ServiceError

if TYPE_CHECKING:
    from local_azure_iot.login.tokens import Caller
    from local_azure_iot.store import Document

_HELP = "For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182"


class VaultError(ServiceError):
    """An error answer of a key vault."""

    def __init__(self, status: int, code: str, message: str, *, inner: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.inner, self.headers = status, code, message, inner, headers or {}

    def reply(self, moment: Moment) -> Reply:  # noqa: ARG002 - Key Vault has neither time nor correlation id in the body
        """The HTTP answer."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.inner:
            error["innererror"] = {"code": self.inner}
        return Reply(status=self.status, body={"error": error}, headers=self.headers)


def challenge(message: str, *, login: str, tenant_id: str, resource: str) -> VaultError:
    """The token is missing or invalid: the challenge says where to get one and for which resource."""
    header = f'Bearer authorization="https://{login}/{tenant_id}", resource="{resource}"'
    return VaultError(401, "Unauthorized", message, headers={"www-authenticate": header})


def not_implemented(operation: str, request: str) -> VaultError:
    """Azure has the operation and local Azure has not. No Azure answers so: only the envelope is Key Vault's."""
    return VaultError(501, "NotImplemented", f"{operation} ({request}) is an operation of Azure's that local Azure does not have.")


def forbidden_by_role(caller: Caller, issuer: str, action: str, key_id: str, vault: Document) -> VaultError:
    """No role of the caller allows the action."""
    message = (
        "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were "
        f"changed recently, please observe propagation time.\r\nCaller: {_caller(caller, issuer)}\r\n"
        f"Action: '{action}'\r\nResource: '{key_id}'\r\nAssignment: (not found)\r\nDecisionReason: 'DeniedWithNoValidRBAC' \r\n"
        f"Vault: {_vault(vault)}\r\n"
    )
    return VaultError(403, "Forbidden", message, inner="ForbiddenByRbac")


def forbidden_by_policy(caller: Caller, issuer: str, permission: str, vault: Document) -> VaultError:
    """No access policy of the vault gives the caller the permission for keys."""
    who = f"appid={caller.client_id};oid={caller.object_id};numgroups=0;iss={issuer}"
    message = (
        f"The user, group or application '{who}' does not have keys {permission} permission on key vault '{_vault(vault)}'. "
        "For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287"
    )
    return VaultError(403, "Forbidden", message, inner="ForbiddenByPolicy")


def forbidden_by_connection(caller: Caller, issuer: str, vault: Document) -> VaultError:
    """The vault has no public network access."""
    message = (
        "Public network access is disabled and request is not from a trusted service nor via an approved private link.\r\n"
        f"Caller: {_caller(caller, issuer)}\r\nVault: {_vault(vault)}"
    )
    return VaultError(403, "Forbidden", message, inner="ForbiddenByConnection")


def forbidden_by_firewall(caller: Caller, issuer: str, address: str, vault: Document) -> VaultError:
    """No network rule of the vault allows the client's address."""
    message = (
        f"Client address is not authorized and caller is not a trusted service.\r\nClient address: {address}\r\n"
        f"Caller: {_caller(caller, issuer)}\r\nVault: {_vault(vault)}"
    )
    return VaultError(403, "Forbidden", message, inner="ForbiddenByFirewall")


def _caller(caller: Caller, issuer: str) -> str:
    return f"appid={caller.client_id};oid={caller.object_id};iss={issuer}"


def _vault(vault: Document) -> str:
    return f"{vault['name']};location={vault['location']}"


def key_not_found(name: str) -> VaultError:
    """The key does not exist, or has no such version."""
    recover = "If you recently deleted this key you may be able to recover it using the correct recovery command."
    return VaultError(404, "KeyNotFound", f"A key with (name/id) {name} was not found in this key vault. {recover} {_HELP}")


def deleted_key_not_found(name: str) -> VaultError:
    """No soft-deleted key has the name."""
    return VaultError(404, "KeyNotFound", f"Deleted Key not found: {name}")


def name_soft_deleted(name: str) -> VaultError:
    """A soft-deleted key has the name."""
    message = (
        f"Key {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the key can only be "
        "recovered or purged."
    )
    return VaultError(409, "Conflict", message, inner="ObjectIsDeletedButRecoverable")


def purge_refused() -> VaultError:
    """The vault is protected against purge. The codes are a guess."""
    message = (
        'Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault service will automatically purge '
        "it after the retention period has passed."
    )
    return VaultError(403, "Forbidden", message, inner="PurgeProtectionEnabled")


def hardware_key_refused() -> VaultError:
    """A vault with the sku standard has no keys in hardware. The status and code are a guess."""
    return VaultError(400, "BadParameter", "Hardware key operation not allowed on standard vault")


def key_disabled(operation: str) -> VaultError:
    """The key is disabled."""
    return VaultError(403, "Forbidden", f"Operation {operation} is not allowed on a disabled key.", inner="KeyDisabled")


def key_expired(operation: str) -> VaultError:
    """The key has expired."""
    return VaultError(403, "Forbidden", f"Operation {operation} is not allowed on an expired key.", inner="KeyExpired")


def operation_not_permitted(operation: str) -> VaultError:
    """The key's `key_ops` do not contain the operation."""
    return VaultError(403, "Forbidden", f"Operation {operation} is not permitted on this key.", inner="KeyOperationForbidden")


def algorithm_incompatible(kind: str, algorithm: str) -> VaultError:
    """The algorithm is for keys of another kind or curve."""
    return VaultError(
        400, "BadParameter", f"Key and signing algorithm are incompatible. Key is of type '{kind}', and algorithm is of type '{algorithm}'."
    )


def digest_length(found: int) -> VaultError:
    """The length of the digest is not that of the algorithm's hash."""
    return VaultError(
        400, "BadParameter", f"Invalid length of 'value': {found} bytes. Please check that the value is a hash of the algorithm."
    )


def parameter_invalid(reason: str) -> VaultError:
    """The body is invalid for the operation."""
    return VaultError(400, "BadParameter", reason)


def method_not_allowed(method: str) -> VaultError:
    """No operation has this path and method."""
    return VaultError(405, "MethodNotAllowed", f"The HTTP method {method} is not supported at this resource by local Azure.")


def version_unsupported(version: str) -> VaultError:
    """Key Vault does not have the api-version."""
    return VaultError(
        400, "BadParameter", f"The specified version ({version}) is not recognized. Consider using the latest supported version."
    )


def throttled() -> VaultError:
    """Too many requests for the vault or for the subscription."""
    message = "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached"
    return VaultError(429, "Throttled", message, inner="VaultRequestTypeLimitReached")


def internal() -> VaultError:
    """An internal error of the vault."""
    return VaultError(500, "InternalServerError", "Internal server error.")


def unavailable() -> VaultError:
    """The vault is temporarily unavailable."""
    return VaultError(503, "ServiceUnavailable", "The service is temporarily unavailable.")
