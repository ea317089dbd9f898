"""The resource id that a request's path holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.resource_manager.resource_ids import ResourceId

if TYPE_CHECKING:
    from local_azure_iot.wire import Request


def resource_id(request: Request) -> ResourceId:
    """The resource id in a path that a route has matched; parts that the path does not have are empty."""
    found = request.parameters
    return ResourceId(
        cloud=request.destination.cloud,
        subscription=found.get("subscription", ""),
        group=found.get("group", ""),
        name=found.get("name", ""),
    )
