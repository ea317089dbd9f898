"""Provisioning services on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.azure import shapes
from sandbox.azure.microsoft_devices import errors, etags, keys, lifecycle, provisioning
from sandbox.azure.microsoft_devices.errors import Service
from sandbox.azure.microsoft_devices.lifecycle import PROVISIONING
from sandbox.azure.microsoft_devices.name_check import check_provisioning_name
from sandbox.azure.microsoft_devices.versions import PROVISIONING_VERSIONS
from sandbox.azure.resource_manager import groups, long_running
from sandbox.azure.routing import Evidence, table
from sandbox.azure.wire import NO_BODY, Reply

if TYPE_CHECKING:
    from sandbox.azure.local_azure import Azure
    from sandbox.azure.wire import Request


def put_service(azure: Azure, request: Request) -> Reply:
    """Make or change a service: 201 for both."""
    body = request.json_object(shapes.PROVISIONING)
    before = lifecycle.find(azure, lifecycle.key(request, PROVISIONING), PROVISIONING)
    service, headers = provisioning.write(azure, request, body)
    sent_etag = request.header("if-match") or body.get("etag")
    with_policies = bool((body.get("properties") or {}).get("authorizationPolicies"))
    answer = provisioning.just_written(service, new=before is None, sent_etag=sent_etag, with_policies=with_policies)
    return Reply(status=201, body=answer, headers=headers)


def patch_service(azure: Azure, request: Request) -> Reply:
    """Change its tags."""
    service = provisioning.need(azure, request)
    if service.get("operation"):
        raise errors.not_active(Service.PROVISIONING)
    service["tags"] = request.json_object(shapes.TAGS_ONLY).get("tags") or {}
    service["etag"] = etags.rowversion(azure)
    azure.store.put(PROVISIONING.document, lifecycle.key(request, PROVISIONING), service)
    return Reply(body=provisioning.shown(service))


def get_service(azure: Azure, request: Request) -> Reply:
    """A service."""
    return Reply(body=provisioning.shown(provisioning.need(azure, request)))


def delete_service(azure: Azure, request: Request) -> Reply:
    """Begin to delete a service: 202 and the four bytes `null`; 204 when there is none."""
    groups.need(azure, request)
    service = lifecycle.find(azure, lifecycle.key(request, PROVISIONING), PROVISIONING)
    if service is None:
        return Reply(status=204, body=NO_BODY)
    if service.get("operation"):
        raise errors.not_active(Service.PROVISIONING)
    return Reply(status=202, body=None, headers=lifecycle.begin(azure, request, PROVISIONING, service, "delete"))


def list_services(azure: Azure, request: Request) -> Reply:
    """The services of a subscription or of a resource group."""
    return Reply(body={"value": [provisioning.shown(service) for service in lifecycle.listed(azure, request, PROVISIONING)]})


def list_keys(azure: Azure, request: Request) -> Reply:
    """All shared access policies with their keys."""
    return Reply(body={"value": provisioning.need(azure, request)["policies"]})


def get_keys(azure: Azure, request: Request) -> Reply:
    """One shared access policy with its keys."""
    return Reply(body=keys.named(provisioning.need(azure, request)["policies"], request.parameters["policy"], Service.PROVISIONING))


def list_skus(azure: Azure, request: Request) -> Reply:
    """The skus: there is one."""
    provisioning.need(azure, request)
    return Reply(body={"value": [{"name": "S1"}]})


_SUB = "/subscriptions/{subscription}"
_IN_GROUP = f"{_SUB}/resourceGroups/{{group}}/providers/Microsoft.Devices/provisioningServices"
_ONE = f"{_IN_GROUP}/{{name}}"
_DEVICES = f"{_SUB}/providers/Microsoft.Devices"
_ACTION = "Microsoft.Devices/provisioningServices"
ROUTES = table(
    (
        ("IotDpsResource_CreateOrUpdate", "PUT", _ONE, put_service, Evidence.RECORDED, f"{_ACTION}/write"),
        ("IotDpsResource_Update", "PATCH", _ONE, patch_service, Evidence.DOCUMENTED, f"{_ACTION}/write"),
        ("IotDpsResource_Get", "GET", _ONE, get_service, Evidence.RECORDED, f"{_ACTION}/read"),
        ("IotDpsResource_Delete", "DELETE", _ONE, delete_service, Evidence.RECORDED, f"{_ACTION}/delete"),
        (
            "IotDpsResource_ListBySubscription",
            "GET",
            f"{_DEVICES}/provisioningServices",
            list_services,
            Evidence.DOCUMENTED,
            f"{_ACTION}/read",
        ),
        ("IotDpsResource_ListByResourceGroup", "GET", _IN_GROUP, list_services, Evidence.DOCUMENTED, f"{_ACTION}/read"),
        ("IotDpsResource_ListKeys", "POST", f"{_ONE}/listkeys", list_keys, Evidence.RECORDED, f"{_ACTION}/listkeys/action"),
        (
            "IotDpsResource_ListKeysForKeyName",
            "POST",
            f"{_ONE}/keys/{{policy}}/listkeys",
            get_keys,
            Evidence.RECORDED,
            f"{_ACTION}/keys/listkeys/action",
        ),
        ("IotDpsResource_ListValidSkus", "GET", f"{_ONE}/skus", list_skus, Evidence.DOCUMENTED, f"{_ACTION}/skus/read"),
        (
            "IotDpsResource_CheckProvisioningServiceNameAvailability",
            "POST",
            f"{_DEVICES}/checkProvisioningServiceNameAvailability",
            check_provisioning_name,
            Evidence.RECORDED,
            "Microsoft.Devices/checkProvisioningServiceNameAvailability/action",
        ),
        (
            "Operation results (provisioning)",
            "GET",
            f"{_DEVICES}/locations/{{location}}/provisioningServiceOperationResults/{{operation}}",
            long_running.poll,
            Evidence.RECORDED,
            "",
        ),
    ),
    versions=PROVISIONING_VERSIONS,
    resource_type="Microsoft.Devices/provisioningServices",
)
