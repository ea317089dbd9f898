"""Long-running operations: their URLs and the requests that poll them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import quote

from local_azure_iot.resource_manager import errors, long_running
from local_azure_iot.wire import NO_BODY, Reply

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.resource_manager.long_running import Operation
    from local_azure_iot.wire import Request


def urls(request: Request, operation: Operation, *, results: str, extra: str = "") -> tuple[str, str]:
    """`Azure-AsyncOperation` and `Location` of an operation, as Microsoft.Devices writes them."""
    subscription = f"{request.base_url}/subscriptions/{request.parameters['subscription']}"
    base = f"{subscription}/providers/Microsoft.Devices/locations/{operation.location}/{results}/{token(operation)}"
    location = f"{base}?api-version={request.api_version}{extra}"
    return f"{location}&asyncinfo", location


def poll(azure: Azure, request: Request) -> Reply:
    """Poll an operation: its status where the query has `asyncinfo`; otherwise 202 until it is done and then an empty 200."""
    finished = is_finished(azure, request)
    if "asyncinfo" in request.query:
        return Reply(body={"status": "Succeeded" if finished else "Running"})
    location = f"{request.base_url}{quote(request.path)}?api-version={quote(request.api_version)}"
    headers = {"location": location, "retry-after": retry_after(azure)}
    return Reply(status=200 if finished else 202, body=NO_BODY, headers=headers)


def token(operation: Operation) -> str:
    """The last part of the URL at which an operation is polled."""
    return base64.b64encode(f"id={operation.id};region={operation.location}".encode()).decode()


def is_finished(azure: Azure, request: Request) -> bool:
    """Whether the operation that a request polls is done.

    Raises:
        ArmError: The operation does not exist.
    """
    given = request.parameters["operation"]
    try:
        operation_id = dict(part.split("=", 1) for part in base64.b64decode(given, validate=True).decode().split(";"))["id"]
        return long_running.finished(azure, operation_id)
    except (ValueError, KeyError, errors.ArmError) as error:
        raise errors.operation_not_found(given) from error


def retry_after(azure: Azure) -> str:
    """The `Retry-After` of polling: 15 seconds, as recorded, or the setting `retry_after`."""
    return str(15 if azure.settings.retry_after is None else azure.settings.retry_after)
