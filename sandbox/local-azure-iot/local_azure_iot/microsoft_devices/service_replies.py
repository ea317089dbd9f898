"""The replies to a PUT, PATCH or DELETE that IoT hubs and provisioning services have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot import shapes
from local_azure_iot.microsoft_devices import lifecycle
from local_azure_iot.microsoft_devices.errors import Service
from local_azure_iot.resource_manager.operation_routes import retry_after, urls
from local_azure_iot.resource_manager.request_ids import resource_id
from local_azure_iot.wire import NO_BODY, Reply

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.microsoft_devices.lifecycle import Kind
    from local_azure_iot.resource_manager.long_running import Operation
    from local_azure_iot.wire import Request

# The path segment of operation URLs, and what their query has besides the api-version: as recorded.
_URL_PARTS = {
    Service.HUB: ("operationResults", "&operationSource=os_ih"),
    Service.PROVISIONING: ("provisioningserviceoperationresults", ""),
}


def put_accepted(azure: Azure, request: Request, kind: Kind, operation: Operation, body: dict[str, Any]) -> Reply:
    """201 with Azure-AsyncOperation alone, also for a change: as recorded."""
    progress, _ = _operation_urls(request, kind, operation)
    headers = {"azure-asyncoperation": progress}
    if azure.settings.retry_after is not None:
        headers["retry-after"] = str(azure.settings.retry_after)
    return Reply(status=201, body=body, headers=headers)


def delete_accepted(azure: Azure, request: Request, kind: Kind, operation: Operation | None) -> Reply:
    """202 and the four bytes `null`, with Location and Retry-After too: as recorded. 204 if the service does not exist."""
    return Reply(status=204, body=NO_BODY) if operation is None else accepted(azure, request, kind, operation)


def accepted(azure: Azure, request: Request, kind: Kind, operation: Operation) -> Reply:
    """202 and the four bytes `null`, with the URLs of an operation that changes no properties, a deletion or a failover: as recorded."""
    progress, location = _operation_urls(request, kind, operation)
    headers = {"azure-asyncoperation": progress, "location": location, "retry-after": retry_after(azure)}
    return Reply(status=202, body=None, headers=headers)


def patch_tags(azure: Azure, request: Request, kind: Kind, service: dict[str, Any]) -> None:
    """Replace the tags of ``service`` by those in the body.

    Raises:
        MalformedJsonError: The body has another shape.
        DevicesError: The service is being created, changed or deleted.
    """
    tags = request.json_object(shapes.TAGS_ONLY).get("tags") or {}
    lifecycle.update_tags(azure, resource_id(request), kind, service, tags)


def _operation_urls(request: Request, kind: Kind, operation: Operation) -> tuple[str, str]:
    results, extra = _URL_PARTS[kind.service]
    return urls(request, operation, results=results, extra=extra)
