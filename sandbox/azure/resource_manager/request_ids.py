"""The resource id that a request's path holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.azure.resource_manager.resource_ids import ResourceId

if TYPE_CHECKING:
    from sandbox.azure.wire import Request


def resource_id(request: Request) -> ResourceId:
    """Read the resource id from a path that a route has matched; what the path leaves out is empty."""
    found = request.parameters
    return ResourceId(
        cloud=request.destination.cloud,
        subscription=found.get("subscription", ""),
        group=found.get("group", ""),
        name=found.get("name", ""),
    )
