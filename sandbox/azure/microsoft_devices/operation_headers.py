"""The headers that answer a PUT or DELETE of a hub or provisioning service: where to poll its operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.azure.microsoft_devices.errors import Service
from sandbox.azure.resource_manager.operation_routes import retry_after, urls

if TYPE_CHECKING:
    from sandbox.azure.local_azure import Azure
    from sandbox.azure.microsoft_devices.lifecycle import Kind
    from sandbox.azure.resource_manager.long_running import Operation
    from sandbox.azure.wire import Request

# The path segment of operation URLs, and what their query has besides the api-version: as recorded.
_URL_PARTS = {
    Service.HUB: ("operationResults", "&operationSource=os_ih"),
    Service.PROVISIONING: ("provisioningserviceoperationresults", ""),
}


def accepted(azure: Azure, request: Request, kind: Kind, operation: Operation, *, deleting: bool) -> dict[str, str]:
    """A PUT is answered with Azure-AsyncOperation alone, a DELETE with Location and Retry-After too: as recorded."""
    results, extra = _URL_PARTS[kind.service]
    progress, location = urls(request, operation, results=results, extra=extra)
    headers = {"azure-asyncoperation": progress}
    if deleting:
        headers |= {"location": location, "retry-after": retry_after(azure)}
    elif azure.dials.retry_after is not None:
        headers["retry-after"] = str(azure.dials.retry_after)
    return headers
