"""Long-running operations: their urls, their answers, and how long they take."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from sandbox.azure.resource_manager import errors
from sandbox.azure.wire import NO_BODY, Reply

if TYPE_CHECKING:
    from sandbox.azure.local_azure import Azure
    from sandbox.azure.wire import Request

OPERATION = "operation"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One that has begun. It is done once the clock has reached `ready`."""

    id: str
    ready: datetime
    location: str


def begin(azure: Azure, *, prefix: str, location: str) -> Operation:
    """Begin an operation that takes as long as the dial says."""
    ready = azure.clock.now() + timedelta(seconds=azure.dials.operation_seconds)
    operation = Operation(id=f"{prefix}_{uuid.uuid4()}", ready=ready, location=_region(location))
    azure.store.put(OPERATION, operation.id, {"ready": ready.isoformat(), "location": operation.location})
    return operation


def done(azure: Azure, ready: str) -> bool:
    """Whether the moment `ready` (ISO 8601) has come."""
    return azure.clock.now() >= datetime.fromisoformat(ready)


def urls(request: Request, operation: Operation, *, subscription: str, results: str, extra: str = "") -> tuple[str, str]:
    """`Azure-AsyncOperation` and `Location` of an operation, as Microsoft.Devices writes them."""
    token = base64.b64encode(f"id={operation.id};region={operation.location}".encode()).decode()
    base = f"{request.base_url}/subscriptions/{subscription}/providers/Microsoft.Devices/locations/{operation.location}/{results}/{token}"
    location = f"{base}?api-version={request.api_version}{extra}"
    return f"{location}&asyncinfo", location


def poll(azure: Azure, request: Request) -> Reply:
    """One look at an operation: its status with `asyncinfo`, else 202 until it is done and then an empty 200."""
    token = request.parameters["operation"]
    try:
        operation_id = dict(part.split("=", 1) for part in base64.b64decode(token, validate=True).decode().split(";"))["id"]
    except (ValueError, KeyError) as error:
        raise errors.operation_not_found(token) from error
    found = azure.store.get(OPERATION, operation_id)
    if found is None:
        raise errors.operation_not_found(token)
    finished = done(azure, found["ready"])
    if "asyncinfo" in request.query:
        return Reply(body={"status": "Succeeded" if finished else "Running"})
    location = f"{request.base_url}{quote(request.path)}?api-version={quote(request.api_version)}"
    headers = {"location": location, "retry-after": retry_after(azure)}
    return Reply(status=200 if finished else 202, body=NO_BODY, headers=headers)


def retry_after(azure: Azure) -> str:
    """How long clients are told to wait before they ask again: 15 seconds, as recorded, or what the dial says."""
    return str(15 if azure.dials.retry_after is None else azure.dials.retry_after)


def _region(location: str) -> str:
    return location.lower().replace(" ", "")
