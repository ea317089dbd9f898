"""Operations on subscriptions, resource providers, resource groups and the list of all resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from local_azure_iot import shapes
from local_azure_iot.login import principals
from local_azure_iot.resource_manager import groups, long_running, providers, regions, resource_list, template_export
from local_azure_iot.resource_manager.operation_routes import retry_after
from local_azure_iot.resource_manager.request_ids import resource_id
from local_azure_iot.routing import Evidence, table
from local_azure_iot.wire import NO_BODY, Reply

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import Request

VERSIONS = tuple(
    (
        "2015-11-01 2016-02-01 2016-06-01 2016-09-01 2017-05-10 2018-02-01 2018-05-01 2019-05-01 2019-05-10 2019-06-01 "
        "2019-07-01 2019-08-01 2019-10-01 2019-11-01 2020-01-01 2020-06-01 2020-08-01 2020-10-01 2021-01-01 2021-04-01 "
        "2022-01-01 2022-09-01 2022-12-01 2023-07-01 2024-03-01 2024-07-01 2024-11-01 2025-03-01 2025-04-01"
    ).split()
)


def list_subscriptions(azure: Azure, request: Request) -> Reply:
    """A list with the only subscription."""
    return Reply(body={"value": [_subscription(azure, request)], "count": {"type": "Total", "value": 1}})


def get_subscription(azure: Azure, request: Request) -> Reply:
    """The subscription."""
    return Reply(body=_subscription(azure, request))


def list_tenants(azure: Azure, _request: Request) -> Reply:
    """A list with the only tenant."""
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
    subscription = request.parameters["subscription"]
    return Reply(body={"value": [providers.to_json(azure, subscription, namespace) for namespace in providers.NAMESPACES]})


def get_provider(azure: Azure, request: Request) -> Reply:
    """One resource provider and whether it is registered."""
    return Reply(body=providers.to_json(azure, request.parameters["subscription"], providers.namespace(request.parameters["namespace"])))


def register_provider(azure: Azure, request: Request) -> Reply:
    """Register a resource provider, at once."""
    providers.register(azure, request.parameters["subscription"], providers.namespace(request.parameters["namespace"]))
    return get_provider(azure, request)


def unregister_provider(azure: Azure, request: Request) -> Reply:
    """Unregister a resource provider, at once."""
    providers.unregister(azure, request.parameters["subscription"], providers.namespace(request.parameters["namespace"]))
    return get_provider(azure, request)


def list_groups(azure: Azure, request: Request) -> Reply:
    """All resource groups."""
    found = groups.groups_in_subscription(azure, resource_id(request))
    return Reply(body={"value": [groups.to_json(group, request.api_version) for group in found]})


def put_group(azure: Azure, request: Request) -> Reply:
    """Create a resource group (201) or change it (200)."""
    group, new = groups.create_or_update(azure, resource_id(request), request.json_object(shapes.GROUP))
    return Reply(status=201 if new else 200, body=groups.to_json(group, request.api_version))


def patch_group(azure: Azure, request: Request) -> Reply:
    """Change a resource group's tags."""
    return Reply(
        body=groups.to_json(groups.update_tags(azure, resource_id(request), request.json_object(shapes.GROUP)), request.api_version)
    )


def get_group(azure: Azure, request: Request) -> Reply:
    """A resource group."""
    return Reply(body=groups.to_json(groups.require(azure, resource_id(request)), request.api_version))


def head_group(azure: Azure, request: Request) -> Reply:
    """Whether the resource group exists: 204 or 404."""
    return Reply(status=204 if groups.find(azure, resource_id(request).group_key) else 404, body=NO_BODY)


def delete_group(azure: Azure, request: Request) -> Reply:
    """Delete a resource group and everything in it: 202 and a URL to poll."""
    operation = groups.delete(azure, resource_id(request))
    location = f"{request.base_url}/subscriptions/{request.parameters['subscription']}/operationresults/{operation.id}"
    headers = {"location": f"{location}?api-version={request.api_version}", "retry-after": retry_after(azure)}
    return Reply(status=202, headers=headers)


def poll_group(azure: Azure, request: Request) -> Reply:
    """Whether the deletion is done: 202 until it is, then 200."""
    if long_running.finished(azure, request.parameters["operation"]):
        return Reply(status=200)
    location = f"{request.base_url}{quote(request.path)}?api-version={request.api_version}"
    return Reply(status=202, headers={"location": location, "retry-after": retry_after(azure)})


def export_template(azure: Azure, request: Request) -> Reply:
    """The template of a group's resources, at once: Azure may answer 202 and take some seconds."""
    body = request.json_object(shapes.TEMPLATE_EXPORT)
    found = template_export.template(azure, resource_id(request), body.get("resources") or ["*"], body.get("options") or "")
    return Reply(body={"template": found})


def list_resources(azure: Azure, request: Request) -> Reply:
    """All resources of a subscription or resource group that fit the filter, on one page."""
    return Reply(body={"value": resource_list.resources_in(azure, resource_id(request), request.query.get("$filter", ""))})


def _subscription(azure: Azure, request: Request) -> dict[str, Any]:
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


_SUB = "/subscriptions/{subscription}"
_RESOURCES = "Microsoft.Resources/subscriptions"
_READ = f"{_RESOURCES}/read"
_GROUP = f"{_RESOURCES}/resourceGroups"
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
        (
            "ResourceGroups_ExportTemplate",
            "POST",
            f"{_SUB}/resourceGroups/{{group}}/exportTemplate",
            export_template,
            Evidence.DOCUMENTED,
            f"{_GROUP}/exportTemplate/action",
            "hubs, provisioning services, their certificates, and vaults; parameters for names only",
        ),
        ("Resources_List", "GET", f"{_SUB}/resources", list_resources, Evidence.DOCUMENTED, f"{_RESOURCES}/resources/read", "one page"),
        (
            "Resources_ListByResourceGroup",
            "GET",
            f"{_SUB}/resourceGroups/{{group}}/resources",
            list_resources,
            Evidence.DOCUMENTED,
            f"{_GROUP}/resources/read",
            "one page",
        ),
        ("ResourceGroups_Delete (poll)", "GET", f"{_SUB}/operationresults/{{operation}}", poll_group, Evidence.GUESS, _READ),
    ),
    versions=VERSIONS,
    resource_type="Microsoft.Resources",
)
