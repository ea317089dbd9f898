"""Injected statuses in the words of the service that was asked: a table for each service."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from local_azure_iot.host_names import Endpoint
from local_azure_iot.hub_registry import errors as registry
from local_azure_iot.key_vault import endpoint as vault_endpoint
from local_azure_iot.key_vault import errors as vault
from local_azure_iot.key_vault import management_errors as vaults_at_arm
from local_azure_iot.login import errors as login
from local_azure_iot.microsoft_devices import errors as devices
from local_azure_iot.provisioning import errors as provisioning
from local_azure_iot.resource_manager import errors as arm

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.faults import Rule
    from local_azure_iot.wire import Moment, Reply, Request, ServiceError

    Table = dict[str, Callable[[Request], ServiceError]]


def reply(request: Request, rule: Rule, moment: Moment) -> Reply:
    """The answer with the rule's status."""
    answer = _error(request, rule.fault).reply(moment)
    if rule.retry_after is not None:
        answer.headers = {**answer.headers, "retry-after": rule.retry_after}
    return answer


def internal_error(request: Request) -> ServiceError:
    """What the service that was asked says where local Azure itself failed."""
    return _error(request, "500")


def _error(request: Request, status: str) -> ServiceError:
    endpoint = request.destination.endpoint
    if endpoint is Endpoint.LOGIN and status.partition("-")[0] in _LOGIN:
        return _LOGIN[status.partition("-")[0]](request)
    if endpoint is Endpoint.KEY_VAULT:
        return _VAULT.get(status.partition("-")[0], _vault_broken)(request)
    if endpoint in _OWN:
        return _OWN[endpoint][status](request)
    if "/providers/microsoft.devices/" in request.path.lower() and status in _DEVICES:
        return _DEVICES[status](_service(request))
    if "/providers/microsoft.keyvault/" in request.path.lower() and status == "409":
        return vaults_at_arm.name_soft_deleted()
    return _ARM[status](request)


def _service(request: Request) -> devices.Service:
    return devices.Service.PROVISIONING if "/provisioningservices/" in request.path.lower() else devices.Service.HUB


def _token_refused(request: Request) -> ServiceError:
    login_host = request.destination.cloud.login[0]
    return arm.unauthenticated("InvalidAuthenticationToken", "The access token is invalid.", login=login_host, tenant_id="common")


def _service_absent(request: Request) -> ServiceError:
    found = re.match(rf"{_SERVICE}(?:/|$)", request.path, re.IGNORECASE)
    if found is None:
        return _absent_in_arm(request)
    absent = devices.provisioning_not_found if _service(request) is devices.Service.PROVISIONING else devices.hub_not_found
    return absent(found["name"], found["group"], request.path.split("/")[2])


def _group_absent(request: Request) -> ServiceError:
    found = re.match(rf"{_GROUP}(?:/|$)", request.path, re.IGNORECASE)
    return arm.group_not_found(found["group"]) if found else _absent_in_arm(request)


def _absent_in_vault(request: Request) -> ServiceError:
    found = re.match(r"/keys/([^/]+(?:/[0-9a-f]+(?=/|$))?)", request.path)
    return vault.key_not_found(found[1] if found else request.path)


def _vault_broken(_request: Request) -> ServiceError:
    return vault.internal()


def _absent_in_hub(request: Request) -> ServiceError:
    """What a hub answers where what the path names does not exist: the first row that fits."""
    for pattern, absent in _ABSENT_IN_HUB:
        if found := re.fullmatch(pattern, request.path, re.IGNORECASE):
            return absent(**found.groupdict())
    return registry.not_found()


def _absent_in_provisioning(request: Request) -> ServiceError:
    """What a provisioning service answers where what the path names does not exist: the first row that fits."""
    for pattern, absent in _ABSENT_IN_PROVISIONING:
        if re.fullmatch(pattern, request.path, re.IGNORECASE):
            return absent()
    return provisioning.no_route(f"{request.method} {request.path}")


def _absent_in_arm(request: Request) -> ServiceError:
    """What Azure answers where the resource that the path names does not exist: the first row that fits."""
    for pattern, absent in _ABSENT:
        if found := re.fullmatch(pattern, request.path, re.IGNORECASE):
            return absent(request, **found.groupdict())
    return arm.resource_not_found(*_named(request.path))


def _named(path: str) -> tuple[str, str]:
    """The resource's type and names as ARM's message has them, and its group."""
    group = re.search(r"/resourceGroups/([^/]+)", path, re.IGNORECASE)
    found = re.search(r".*/providers/([^/]+)((?:/[^/]+/[^/]+)*)", path, re.IGNORECASE)
    parts = found.group(2).split("/")[1:] if found else path.split("/")[1:]
    namespace = found.group(1) if found else "Microsoft.Resources"
    return f"{namespace}/{'/'.join([*parts[0::2], *parts[1::2]])}", group.group(1) if group else ""


_GROUP = r"/subscriptions/[^/]+/resourceGroups/(?P<group>[^/]+)"
_SERVICE = rf"{_GROUP}/providers/Microsoft\.Devices/(?:IotHubs|provisioningServices)/(?P<name>[^/]+)"
_ABSENT: tuple[tuple[str, Callable[..., ServiceError]], ...] = (
    (r"/subscriptions/(?P<subscription>[^/]+)", lambda _request, subscription: arm.subscription_not_found(subscription)),
    (_GROUP, lambda _request, group: arm.group_not_found(group)),
    (rf"{_GROUP}/resources", lambda _request, group: arm.group_not_found(group)),
    (rf"{_GROUP}/providers/Microsoft\.Devices/[^/]+", lambda _request, group: arm.group_not_found(group)),  # a list of the group's
    (rf"{_GROUP}/providers/Microsoft\.KeyVault/vaults", lambda _request, group: arm.group_not_found(group)),
    (r".*/deletedVaults/(?P<name>[^/]+)(?:/purge)?", lambda _request, name: vaults_at_arm.deleted_vault_not_found(name)),
    # ARM itself answers for a service that it does not find, as azure-rest-api-specs #27183 shows for a hub that is there.
    (rf"{_SERVICE}(?:/certificates|/listkeys)?", lambda request, **_: arm.resource_not_found(*_named(request.path))),
    (
        rf"{_SERVICE}/certificates/(?P<certificate>[^/]+)(?:/[^/]+)?",
        lambda request, certificate, **_: devices.certificate_not_found(certificate, _service(request)),
    ),
    (
        r".*/providers/Microsoft\.Authorization/roleAssignments/(?P<name>[^/]+)",
        lambda _request, name: arm.role_assignment_not_found(name),
    ),
    (
        r".*/providers/Microsoft\.Authorization/roleDefinitions/(?P<name>[^/]+)",
        lambda _request, name: arm.role_definition_not_found(name),
    ),
    (r".*/operation(?:results|s)/(?P<operation>[^/]+)", lambda _request, operation: arm.operation_not_found(operation)),
)

_ABSENT_IN_HUB: tuple[tuple[str, Callable[..., ServiceError]], ...] = (
    (r"/devices/(?:query|keys/regenerate)", registry.not_found),
    (r"/(?:devices|twins|digitaltwins)/(?P<device>[^/]+).*", registry.device_not_found),
    (r"/configurations/(?!testQueries$)(?P<configuration>[^/]+)", registry.configuration_not_found),
    (r"/jobs/(?!create$)(?:v2/(?!query$))?[^/]+(?:/cancel)?", registry.job_not_found),
)

_ABSENT_IN_PROVISIONING: tuple[tuple[str, Callable[[], ServiceError]], ...] = (
    (r"/enrollmentGroups/(?!query$).+", provisioning.group_not_found),
    (r"/registrations/[^/]+/query", provisioning.group_not_found),
    (r"/enrollments/(?!query$).+", provisioning.enrollment_not_found),
    (r"/registrations/[^/]+", provisioning.registration_not_found),
)

_DEVICES: dict[str, Callable[[devices.Service], ServiceError]] = {
    "409": devices.not_active,
    "412": devices.etag_invalid,
    "429": devices.throttled,
    "500": devices.internal,
    "503": devices.unavailable,
}
_ARM: Table = {
    "401": _token_refused,
    "403": lambda request: arm.forbidden(client_id="unknown", object_id="unknown", action="unknown", scope=request.path),
    "404": _absent_in_arm,
    "404-service": _service_absent,
    "404-group": _group_absent,
    "409": lambda request: devices.not_active(_service(request)),
    "412": lambda request: devices.etag_invalid(_service(request)),
    "429": lambda _request: arm.too_many_requests(),
    "500": lambda _request: arm.internal_error(),
    "503": lambda _request: arm.server_busy(),
    "504": lambda request: arm.gateway_timeout(
        "Microsoft.KeyVault" if "/microsoft.keyvault/" in request.path.lower() else "Microsoft.Devices"
    ),
}
_HUB: Table = {
    "401": lambda _request: registry.unauthorized(),
    "403": lambda _request: registry.unauthorized(),  # a hub has no 403 for it
    "404": _absent_in_hub,
    "404-service": lambda _request: registry.hub_not_found(),
    "404-group": lambda _request: registry.hub_not_found(),
    "409": lambda _request: registry.device_exists("unknown"),
    "412": lambda _request: registry.etag_invalid(),
    "429": lambda _request: registry.throttled("CRUD"),
    "500": lambda _request: registry.internal(),
    "503": lambda _request: registry.unavailable(),
    "504": lambda _request: registry.unavailable(),
}
_PROVISIONING: Table = {
    "401": lambda _request: provisioning.unauthorized(),
    "403": lambda _request: provisioning.unauthorized(),  # nobody has seen a 403 of this API
    "404": _absent_in_provisioning,
    "404-service": lambda _request: provisioning.unauthorized(),
    "404-group": lambda _request: provisioning.unauthorized(),
    "409": lambda request: provisioning.group_exists() if "/enrollmentgroups" in request.path.lower() else provisioning.enrollment_exists(),
    "412": lambda _request: provisioning.etag_invalid(),
    "429": lambda _request: provisioning.throttled(),
    "500": lambda _request: provisioning.internal(),
    "503": lambda _request: provisioning.unavailable(),
    "504": lambda _request: provisioning.unavailable(),
}
_OWN = {Endpoint.HUB: _HUB, Endpoint.PROVISIONING: _PROVISIONING, Endpoint.DEVICE_PROVISIONING: _PROVISIONING}
_LOGIN: Table = {
    "404": lambda _request: login.not_found(),
    "429": lambda _request: login.throttled(),
    "500": lambda _request: login.unavailable(500),
    "503": lambda _request: login.unavailable(503),
    "504": lambda _request: login.unavailable(504),
}
_VAULT: Table = {
    "401": vault_endpoint.token_refused,
    "403": lambda _request: vault.operation_not_permitted("sign"),
    "404": _absent_in_vault,
    "429": lambda _request: vault.throttled(),
    "503": lambda _request: vault.unavailable(),
}
