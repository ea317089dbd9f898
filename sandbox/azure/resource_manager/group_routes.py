"""Subscriptions, providers and resource groups on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sandbox.azure import shapes
from sandbox.azure.resource_manager import errors, groups, long_running, regions
from sandbox.azure.routing import Evidence, table
from sandbox.azure.wire import NO_BODY, Reply

if TYPE_CHECKING:
    from sandbox.azure.local_azure import Azure
    from sandbox.azure.wire import Request

VERSIONS = tuple(
    (
        "2016-02-01 2016-06-01 2016-09-01 2017-05-10 2018-02-01 2018-05-01 2019-05-01 2019-05-10 2019-06-01 2019-07-01 2019-08-01 "
        "2019-10-01 2019-11-01 2020-01-01 2020-06-01 2020-08-01 2020-10-01 2021-01-01 2021-04-01 2022-01-01 2022-09-01 2022-12-01 "
        "2023-07-01 2024-03-01 2024-07-01 2024-11-01 2025-03-01 2025-04-01 "
    ).split()
)
PROVIDER = "provider-registration"
_NAMESPACES = ("Microsoft.Devices", "Microsoft.Authorization", "Microsoft.Resources")
_TYPES = {
    "Microsoft.Devices": (
        "IotHubs",
        "ProvisioningServices",
        "checkNameAvailability",
        "checkProvisioningServiceNameAvailability",
        "operationResults",
    ),
    "Microsoft.Authorization": ("roleAssignments", "roleDefinitions"),
    "Microsoft.Resources": ("resourceGroups", "subscriptions"),
}


def list_subscriptions(azure: Azure, request: Request) -> Reply:
    """The one subscription there is."""
    return Reply(body={"value": [_subscription(azure, request)], "count": {"type": "Total", "value": 1}})


def get_subscription(azure: Azure, request: Request) -> Reply:
    """The subscription."""
    return Reply(body=_subscription(azure, request))


def list_tenants(azure: Azure, _request: Request) -> Reply:
    """The one tenant there is."""
    tenant = azure.tokens.tenant_id
    body = {
        "id": f"/tenants/{tenant}",
        "tenantId": tenant,
        "countryCode": "US",
        "displayName": "hubtrust sandbox",
        "domains": [],
        "tenantCategory": "Home",
    }
    return Reply(body={"value": [body]})


def list_locations(azure: Azure, request: Request) -> Reply:
    """The regions."""
    subscription = _subscription(azure, request)["id"]
    value = [
        {"id": f"{subscription}/locations/{name}", "name": name, "type": "Region", "displayName": display, "regionalDisplayName": display}
        for name, display in regions.DISPLAY_BY_NAME.items()
    ]
    return Reply(body={"value": value})


def list_providers(azure: Azure, request: Request) -> Reply:
    """The resource providers."""
    return Reply(body={"value": [_provider(azure, request, namespace) for namespace in _NAMESPACES]})


def get_provider(azure: Azure, request: Request) -> Reply:
    """One resource provider and whether it is registered."""
    return Reply(body=_provider(azure, request, _namespace(request)))


def register_provider(azure: Azure, request: Request) -> Reply:
    """Register a resource provider: done at once."""
    azure.store.put(PROVIDER, _provider_key(request, _namespace(request)), {"state": "Registered"})
    return get_provider(azure, request)


def unregister_provider(azure: Azure, request: Request) -> Reply:
    """Take a registration away."""
    azure.store.put(PROVIDER, _provider_key(request, _namespace(request)), {"state": "NotRegistered"})
    return get_provider(azure, request)


def registered(azure: Azure, request: Request, namespace: str) -> bool:
    """Whether the subscription may use a provider; it may, until somebody unregisters it."""
    found = azure.store.get(PROVIDER, _provider_key(request, namespace))
    return found is None or found["state"] == "Registered"


def list_groups(azure: Azure, request: Request) -> Reply:
    """All resource groups."""
    prefix = f"{request.place.cloud.name}/{request.parameters['subscription']}/".lower()
    keys = [f"{prefix}{group['name'].lower()}" for group in azure.store.list(groups.GROUP, prefix)]
    return Reply(body={"value": [groups.shown(group, request.api_version) for key in keys if (group := groups.find(azure, key))]})


def put_group(azure: Azure, request: Request) -> Reply:
    """Make a resource group (201) or change it (200)."""
    group, new = groups.write(azure, request, request.json_object(shapes.GROUP))
    return Reply(status=201 if new else 200, body=groups.shown(group, request.api_version))


def patch_group(azure: Azure, request: Request) -> Reply:
    """Change its tags."""
    return Reply(body=groups.shown(groups.patch(azure, request, request.json_object(shapes.GROUP)), request.api_version))


def get_group(azure: Azure, request: Request) -> Reply:
    """A resource group."""
    return Reply(body=groups.shown(groups.need(azure, request), request.api_version))


def head_group(azure: Azure, request: Request) -> Reply:
    """Whether there is such a group: 204 or 404."""
    return Reply(status=204 if groups.find(azure, groups.group_key(request)) else 404, body=NO_BODY)


def delete_group(azure: Azure, request: Request) -> Reply:
    """Delete it and all that is in it: 202 and a place to ask when it is done."""
    operation = groups.delete(azure, request)
    location = f"{request.base_url}/subscriptions/{request.parameters['subscription']}/operationresults/{operation.id}"
    headers = {"location": f"{location}?api-version={request.api_version}", "retry-after": long_running.retry_after(azure)}
    return Reply(status=202, headers=headers)


def poll_group(azure: Azure, request: Request) -> Reply:
    """How far the deletion is: 202 until it is done, then 200."""
    found = azure.store.get(long_running.OPERATION, request.parameters["operation"])
    if found is None:
        raise errors.operation_not_found(request.parameters["operation"])
    if long_running.done(azure, found["ready"]):
        return Reply(status=200)
    location = f"{request.base_url}{quote(request.path)}?api-version={request.api_version}"
    return Reply(status=202, headers={"location": location, "retry-after": long_running.retry_after(azure)})


def _subscription(azure: Azure, request: Request) -> dict[str, Any]:
    from sandbox.azure.login import principals

    subscription = request.parameters.get("subscription") or principals.directory(azure.store).subscription_id
    return {
        "id": f"/subscriptions/{subscription}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": subscription,
        "tenantId": azure.tokens.tenant_id,
        "displayName": "hubtrust sandbox",
        "state": "Enabled",
        "subscriptionPolicies": {"locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off"},
    }


def _namespace(request: Request) -> str:
    wanted = request.parameters["namespace"]
    for namespace in _NAMESPACES:
        if namespace.lower() == wanted.lower():
            return namespace
    raise errors.provider_not_found(wanted)


def _provider_key(request: Request, namespace: str) -> str:
    return f"{request.parameters['subscription']}/{namespace}".lower()


def _provider(azure: Azure, request: Request, namespace: str) -> dict[str, Any]:
    types = [{"resourceType": name, "locations": list(regions.DISPLAY_BY_NAME.values()), "apiVersions": []} for name in _TYPES[namespace]]
    return {
        "id": f"/subscriptions/{request.parameters['subscription']}/providers/{namespace}",
        "namespace": namespace,
        "resourceTypes": types,
        "registrationState": "Registered" if registered(azure, request, namespace) else "NotRegistered",
        "registrationPolicy": "RegistrationRequired",
    }


_SUB = "/subscriptions/{subscription}"
_READ = "Microsoft.Resources/subscriptions/read"
_GROUP = "Microsoft.Resources/subscriptions/resourceGroups"
ROUTES = table(
    (
        ("Subscriptions_List", "GET", "/subscriptions", list_subscriptions, Evidence.DOCUMENTED, ""),
        ("Subscriptions_Get", "GET", _SUB, get_subscription, Evidence.DOCUMENTED, _READ),
        ("Tenants_List", "GET", "/tenants", list_tenants, Evidence.DOCUMENTED, ""),
        ("Subscriptions_ListLocations", "GET", f"{_SUB}/locations", list_locations, Evidence.DOCUMENTED, _READ),
        ("Providers_List", "GET", f"{_SUB}/providers", list_providers, Evidence.DOCUMENTED, _READ),
        ("Providers_Get", "GET", f"{_SUB}/providers/{{namespace}}", get_provider, Evidence.DOCUMENTED, _READ),
        (
            "Providers_Register",
            "POST",
            f"{_SUB}/providers/{{namespace}}/register",
            register_provider,
            Evidence.DOCUMENTED,
            "{namespace}/register/action",
        ),
        (
            "Providers_Unregister",
            "POST",
            f"{_SUB}/providers/{{namespace}}/unregister",
            unregister_provider,
            Evidence.DOCUMENTED,
            "{namespace}/unregister/action",
        ),
        ("ResourceGroups_List", "GET", f"{_SUB}/resourceGroups", list_groups, Evidence.DOCUMENTED, f"{_GROUP}/read"),
        ("ResourceGroups_CreateOrUpdate", "PUT", f"{_SUB}/resourceGroups/{{group}}", put_group, Evidence.RECORDED, f"{_GROUP}/write"),
        ("ResourceGroups_Update", "PATCH", f"{_SUB}/resourceGroups/{{group}}", patch_group, Evidence.DOCUMENTED, f"{_GROUP}/write"),
        ("ResourceGroups_Get", "GET", f"{_SUB}/resourceGroups/{{group}}", get_group, Evidence.RECORDED, f"{_GROUP}/read"),
        ("ResourceGroups_CheckExistence", "HEAD", f"{_SUB}/resourceGroups/{{group}}", head_group, Evidence.RECORDED, f"{_GROUP}/read"),
        ("ResourceGroups_Delete", "DELETE", f"{_SUB}/resourceGroups/{{group}}", delete_group, Evidence.RECORDED, f"{_GROUP}/delete"),
        ("ResourceGroups_Delete (poll)", "GET", f"{_SUB}/operationresults/{{operation}}", poll_group, Evidence.GUESS, _READ),
    ),
    versions=VERSIONS,
    resource_type="Microsoft.Resources",
)
