"""Operations on provisioning services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot import shapes
from local_azure_iot.microsoft_devices import lifecycle, provisioning, shared_access_policies
from local_azure_iot.microsoft_devices.errors import Service
from local_azure_iot.microsoft_devices.lifecycle import PROVISIONING
from local_azure_iot.microsoft_devices.name_check import check_provisioning_name
from local_azure_iot.microsoft_devices.service_replies import delete_accepted, patch_tags, put_accepted
from local_azure_iot.microsoft_devices.versions import PROVISIONING_VERSIONS
from local_azure_iot.resource_manager.operation_routes import poll
from local_azure_iot.resource_manager.request_ids import resource_id
from local_azure_iot.routing import Evidence, table
from local_azure_iot.wire import Reply

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import Request


def put_service(azure: Azure, request: Request) -> Reply:
    """Create or change a service: 201 for both."""
    body, service_id = request.json_object(shapes.PROVISIONING), resource_id(request)
    new = lifecycle.find(azure, lifecycle.store_key(service_id, PROVISIONING), PROVISIONING) is None
    service, operation = provisioning.create_or_update(azure, service_id, body, request.api_version)
    sent_etag = request.header("if-match") or body.get("etag")
    with_policies = bool((body.get("properties") or {}).get("authorizationPolicies"))
    answer = provisioning.put_answer(service, request.api_version, new=new, sent_etag=sent_etag, with_policies=with_policies)
    return put_accepted(azure, request, PROVISIONING, operation, answer)


def patch_service(azure: Azure, request: Request) -> Reply:
    """Change a service's tags."""
    service = provisioning.require(azure, resource_id(request))
    patch_tags(azure, request, PROVISIONING, service)
    return Reply(body=provisioning.to_json(service, request.api_version))


def get_service(azure: Azure, request: Request) -> Reply:
    """A service."""
    return Reply(body=provisioning.to_json(provisioning.require(azure, resource_id(request)), request.api_version))


def delete_service(azure: Azure, request: Request) -> Reply:
    """Begin to delete a service: 202 and the four bytes `null`; 204 if the service does not exist."""
    operation = provisioning.delete(azure, resource_id(request))
    return delete_accepted(azure, request, PROVISIONING, operation)


def list_services(azure: Azure, request: Request) -> Reply:
    """The services of a subscription or of a resource group."""
    found = lifecycle.services_in(azure, resource_id(request), PROVISIONING)
    return Reply(body={"value": [provisioning.to_json(service, request.api_version) for service in found]})


def list_keys(azure: Azure, request: Request) -> Reply:
    """All shared access policies with their keys."""
    return Reply(body={"value": provisioning.require(azure, resource_id(request))["policies"]})


def get_keys(azure: Azure, request: Request) -> Reply:
    """One shared access policy with its keys."""
    policies = provisioning.require(azure, resource_id(request))["policies"]
    return Reply(body=shared_access_policies.require_policy(policies, request.parameters["policy"], Service.PROVISIONING))


def list_skus(azure: Azure, request: Request) -> Reply:
    """The skus: there is only S1."""
    provisioning.require(azure, resource_id(request))
    return Reply(body={"value": [{"name": "S1"}]})


_SUB = "/subscriptions/{subscription}"
_IN_GROUP = f"{_SUB}/resourceGroups/{{group}}/providers/Microsoft.Devices/provisioningServices"
_ONE = f"{_IN_GROUP}/{{name}}"
_DEVICES = f"{_SUB}/providers/Microsoft.Devices"
_ACTION = "Microsoft.Devices/provisioningServices"
ROUTES = table(
    (
        (
            "IotDpsResource_CreateOrUpdate",
            "PUT",
            _ONE,
            put_service,
            Evidence.RECORDED,
            f"{_ACTION}/write",
            "guess: the words about a linked hub that is not valid, and that a link by identity needs the identity",
        ),
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
            "IotDpsResource_GetOperationResult",
            "GET",
            f"{_ONE}/operationresults/{{operation}}",
            poll,
            Evidence.DOCUMENTED,
            f"{_ACTION}/operationResults/read",
        ),
        (
            "Operation results (provisioning)",
            "GET",
            f"{_DEVICES}/locations/{{location}}/provisioningServiceOperationResults/{{operation}}",
            poll,
            Evidence.RECORDED,
            "",
        ),
    ),
    versions=PROVISIONING_VERSIONS,
    resource_type="Microsoft.Devices/provisioningServices",
)
