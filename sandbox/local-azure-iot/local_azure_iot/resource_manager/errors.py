"""Errors of ARM itself, in its envelope `{"error": {"code", "message"}}`: one constructor for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot.wire import MAX_BODY, Moment, Reply, ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHOWN = 100  # characters of a client's value in a message


class ArmError(ServiceError):
    """An error answer of ARM itself, before any resource provider gets the request."""

    def __init__(
        self, status: int, code: str, message: str, *, details: list[dict[str, Any]] | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.details, self.headers = details, headers or {}

    def reply(self, moment: Moment) -> Reply:  # noqa: ARG002 - ARM has neither time nor correlation id in the body
        """The HTTP answer."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.details:
            error["details"] = self.details
        return Reply(status=self.status, body={"error": error}, headers={"x-ms-failure-cause": "gateway", **self.headers})


def misdirected(host: str) -> ArmError:
    """`Host` is neither one of Azure's names nor this machine. Azure's front ends refuse it too, with a page of their own."""
    message = f"Local Azure does not answer for the host '{host[:_SHOWN]}'. Use one of Azure's names, or the address in the ready file."
    return ArmError(421, "MisdirectedRequest", message, headers={"connection": "close"})


def from_a_web_page(sign: str) -> ArmError:
    """A browser sends the request for a web page. Azure takes those that have a token; nobody's page uses local Azure."""
    message = f"Local Azure does not answer web pages, and the header {sign} shows that one asks. Ask from a program."
    return ArmError(403, "WebPageRefused", message, headers={"connection": "close"})


def unauthenticated(code: str, message: str, *, login: str, tenant_id: str) -> ArmError:
    """The token is missing or invalid."""
    short = message.replace('"', "'")
    challenge = f'Bearer authorization_uri="https://{login}/{tenant_id}", error="invalid_token", error_description="{short}"'
    return ArmError(401, code, message, headers={"www-authenticate": challenge})


def forbidden(*, client_id: str, object_id: str, action: str, scope: str) -> ArmError:
    """The caller has no role that allows the action."""
    message = (
        f"The client '{client_id}' with object id '{object_id}' does not have authorization to perform action '{action}' over scope "
        f"'{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials."
    )
    return ArmError(403, "AuthorizationFailed", message)


def no_route(path: str) -> ArmError:
    """The path does not belong to any operation of local Azure."""
    return ArmError(
        404, "InvalidResourceType", f"No operation of local Azure answers the path '{path}'. See docs/azure-coverage.md for those that do."
    )


def not_implemented(operation: str, request: str) -> ArmError:
    """Azure has the operation and local Azure has not. No Azure answers so: only the envelope is ARM's."""
    return ArmError(501, "NotImplemented", f"{operation} ({request}) is an operation of Azure's that local Azure does not have.")


def identity_based_access() -> ArmError:
    """A job is to reach its blobs as the hub's own identity. No Azure answers so: only the envelope is ARM's."""
    message = "authenticationType 'identityBased' is Azure's; local Azure reaches blobs by a SAS token in the container's URI only."
    return ArmError(501, "NotImplemented", message)


def method_not_allowed(method: str, allowed: Iterable[str]) -> ArmError:
    """The path does not support the method."""
    names = ", ".join(sorted(allowed))
    return ArmError(405, "MethodNotAllowed", f"The requested resource does not support http method '{method}'.", headers={"allow": names})


def api_version_missing() -> ArmError:
    """The request has no api-version."""
    return ArmError(400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")


def api_version_invalid(version: str, supported: Iterable[str]) -> ArmError:
    """One of ARM's own types does not have the api-version."""
    known = ",".join(f"'{each}'" for each in supported)
    return ArmError(400, "InvalidApiVersionParameter", f"The api-version '{version}' is invalid. The supported versions are {known}.")


def resource_type_unsupported(resource_type: str, version: str, supported: Iterable[str]) -> ArmError:
    """A provider's type does not have the api-version. Azure answers 404 here, as issues of its clients show."""
    namespace, _, name = resource_type.partition("/")
    known = ",".join(sorted(supported))
    message = (
        f"The resource type '{name}' could not be found in the namespace '{namespace}' for api version '{version}'. "
        f"The supported api-versions are '{known}'."
    )
    return ArmError(404, "InvalidResourceType", message)


def subscription_not_found(subscription: str) -> ArmError:
    """The subscription does not exist, or the caller has no access to it."""
    return ArmError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")


def subscription_malformed(subscription: str) -> ArmError:
    """The subscription id is not a GUID."""
    return ArmError(400, "InvalidSubscriptionId", f"The provided subscription identifier '{subscription}' is malformed or invalid.")


def group_not_found(group: str) -> ArmError:
    """The resource group does not exist."""
    return ArmError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def resource_not_found(resource: str, group: str) -> ArmError:
    """ARM does not find the resource (its type and name), and asks no provider."""
    message = (
        f"The Resource '{resource}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix"
    )
    return ArmError(404, "ResourceNotFound", message)


def group_being_deleted(group: str) -> ArmError:
    """The resource group is being deleted; nothing can be created in it."""
    message = f"The resource group '{group}' is in deprovisioning state and cannot perform this operation."
    return ArmError(409, "ResourceGroupBeingDeleted", message)


def group_name_invalid(group: str) -> ArmError:
    """The name is not 1 to 90 letters, digits and _-.() without a dot at the end."""
    rule = "up to 90 letters, digits, '-', '_', '(', ')', '.', with no '.' at the end"
    return ArmError(400, "InvalidResourceGroup", f"The provided resource group name '{group}' is not valid: {rule}.")


def group_location_differs(group: str, existing: str, wanted: str) -> ArmError:
    """The group exists in another region, or the request has no location."""
    message = (
        f"Invalid resource group location '{wanted}'. The Resource group already exists in location '{existing}'."
        if wanted
        else f"The resource group '{group}' needs a location."
    )
    return ArmError(409, "InvalidResourceGroupLocation", message)


def location_required(what: str) -> ArmError:
    """The request has no location."""
    return ArmError(400, "LocationRequired", f"The location property is required for this definition of '{what}'.")


def location_unavailable(location: str, resource_type: str, known: Iterable[str]) -> ArmError:
    """The region does not exist."""
    message = (
        f"The provided location '{location}' is not available for resource type '{resource_type}'. "
        f"List of available regions for the resource type is '{','.join(known)}'."
    )
    return ArmError(400, "LocationNotAvailableForResourceType", message)


def location_differs(name: str, resource_type: str, group: str, existing: str, wanted: str) -> ArmError:
    """The resource exists in another region."""
    message = (
        f"The resource '{name}' already exists in location '{existing}' in resource group '{group}'. "
        f"A resource with the same name cannot be created in location '{wanted}'. Please select a new resource name. ({resource_type})"
    )
    return ArmError(409, "InvalidResourceLocation", message)


def provider_not_registered(namespace: str) -> ArmError:
    """The subscription has not registered the resource provider."""
    where = "See https://aka.ms/rps-not-found for how to register subscriptions."
    message = f"The subscription is not registered to use namespace '{namespace}'. {where}"
    detail = {"code": "MissingSubscriptionRegistration", "target": namespace, "message": message}
    return ArmError(409, "MissingSubscriptionRegistration", message, details=[detail])


def provider_not_found(namespace: str) -> ArmError:
    """Local Azure does not have the resource provider."""
    return ArmError(404, "InvalidResourceNamespace", f"The resource namespace '{namespace}' is invalid.")


def filter_invalid(text: str) -> ArmError:
    """The `$filter` of a list is none that local Azure understands."""
    return ArmError(400, "InvalidFilterInQueryString", f"Invalid $filter '{text}' specified in the query string.")


def content_malformed(reason: str) -> ArmError:
    """The body is not the JSON that was expected."""
    return ArmError(400, "InvalidRequestContent", f"The request content was invalid and could not be deserialized: '{reason}'.")


def content_too_large() -> ArmError:
    """The body is over ARM's limit."""
    return ArmError(
        413,
        "RequestContentTooLarge",
        f"The request content size exceeds the maximum size of '{MAX_BODY // 1024 // 1024} MB'.",
        headers={"connection": "close"},
    )


def content_type_unsupported(found: str) -> ArmError:
    """The body is not declared as JSON."""
    return ArmError(
        415, "UnsupportedMediaType", f"The content media type '{found}' is not supported. Only 'application/json' is supported."
    )


def operation_not_found(operation: str) -> ArmError:
    """The long-running operation does not exist."""
    return ArmError(404, "ResourceNotFound", f"The operation '{operation}' was not found.")


def role_assignment_not_found(name: str) -> ArmError:
    """The role assignment does not exist."""
    return ArmError(404, "RoleAssignmentNotFound", f"The role assignment '{name}' is not found.")


def role_assignment_exists(name: str) -> ArmError:
    """The principal has the role at the scope already, by an assignment of another name."""
    return ArmError(
        409,
        "RoleAssignmentExists",
        f"The role assignment already exists. The ID of the existing role assignment is {name.replace('-', '')}.",
    )


def role_assignment_fixed() -> ArmError:
    """The request changes the principal, role or scope of an assignment."""
    return ArmError(
        409, "RoleAssignmentUpdateNotPermitted", "Tenant ID, application ID, principal ID, and scope are not allowed to be updated."
    )


def role_definition_not_found(role: str) -> ArmError:
    """The role does not exist."""
    return ArmError(404, "RoleDefinitionDoesNotExist", f"The specified role definition with ID '{role}' does not exist.")


def role_content_invalid(reason: str) -> ArmError:
    """The role assignment lacks a required property."""
    return ArmError(400, "InvalidRoleAssignmentContent", reason)


def too_many_requests() -> ArmError:
    """ARM throttles the subscription."""
    return ArmError(429, "TooManyRequests", "The request is being throttled as the limit has been reached for operation type.")


def gateway_timeout(namespace: str) -> ArmError:
    """The provider did not answer in time."""
    message = f"The gateway did not receive a response from '{namespace}' within the specified time period."
    return ArmError(504, "GatewayTimeout", message)


def server_busy() -> ArmError:
    """ARM is temporarily unavailable."""
    return ArmError(503, "ServerTimeout", "The request timed out. Please try again later.")


def internal_error() -> ArmError:
    """An internal error of ARM."""
    return ArmError(500, "InternalServerError", "The server encountered an internal error. Please retry the request.")
