"""Long-running operations: when they are done. Nothing runs in the background; an operation is done once the clock has passed it.

Source: https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from local_azure_iot.resource_manager import errors, regions

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure

_OPERATION = "operation"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operation that has begun. It is done once the clock has reached `ready`."""

    id: str
    ready: datetime
    location: str


def begin(azure: Azure, *, prefix: str, location: str) -> Operation:
    """Begin an operation that takes as long as the setting `operation_seconds`."""
    ready = azure.clock.now() + timedelta(seconds=azure.settings.operation_seconds)
    operation = Operation(id=f"{prefix}_{uuid.uuid4()}", ready=ready, location=regions.normalized(location))
    azure.store.put(_OPERATION, operation.id, {"ready": ready.isoformat(), "location": operation.location})
    return operation


def is_due(azure: Azure, ready: str) -> bool:
    """Whether the clock has reached `ready` (ISO 8601)."""
    return azure.clock.now() >= datetime.fromisoformat(ready)


def finished(azure: Azure, operation_id: str) -> bool:
    """Whether an operation is done.

    Raises:
        ArmError: The operation does not exist.
    """
    found = azure.store.get(_OPERATION, operation_id)
    if found is None:
        raise errors.operation_not_found(operation_id)
    return is_due(azure, found["ready"])
