"""Long-running operations: when they are done.

An operation is done once the clock has passed it. Only the deletion of many documents takes longer: it goes on in the background, and
until it ends what it deletes is remembered as a `REMOVAL`.

Source: https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from local_azure_iot.resource_manager import errors, regions

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.local_azure import Azure

_OPERATION = "operation"
REMOVAL = "removal"  # what was deleted, under its store key, while documents of it are still there
# By the kind of a document that operations delete: what looks for it, which deletes it once that is due.
FINDERS: dict[str, Callable[[Azure, str], object]] = {}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operation that has begun. It is done once the clock has reached `ready`."""

    id: str
    ready: datetime
    location: str


def begin(azure: Azure, *, prefix: str, location: str, deletes: tuple[str, str] | None = None) -> Operation:
    """Begin an operation that takes as long as the setting `operation_seconds`; ``deletes``: the kind and store key of what it deletes."""
    ready = azure.clock.now() + timedelta(seconds=azure.settings.operation_seconds)
    operation = Operation(id=f"{prefix}_{uuid.uuid4()}", ready=ready, location=regions.normalized(location))
    azure.store.put(_OPERATION, operation.id, {"ready": ready.isoformat(), "location": operation.location, "deletes": deletes})
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
    if not is_due(azure, found["ready"]):
        return False
    if not found.get("deletes"):
        return True
    kind, key = found["deletes"]
    FINDERS[kind](azure, key)
    return not (azure.store.get(REMOVAL, key) or azure.store.count(REMOVAL, f"{key}/"))
