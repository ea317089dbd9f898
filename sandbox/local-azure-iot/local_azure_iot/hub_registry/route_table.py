"""A table of operations at a hub's own host name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local_azure_iot.hub_registry.versions import VERSIONS
from local_azure_iot.routing import Evidence, Route

if TYPE_CHECKING:
    from local_azure_iot.hub_registry.throttle import Operation
    from local_azure_iot.routing import Handler

DEVICE_CONNECT = "DeviceConnect"  # the right that a device has at its own paths: they take its credentials, or a policy's


@dataclass
class HubTable:
    """Routes, and for each operation the right that a policy needs and what the throttle counts."""

    routes: list[Route] = field(default_factory=list)
    rights: dict[str, tuple[str, Operation]] = field(default_factory=dict)

    def add(
        self, operation: str, line: str, handler: Handler, right: str, counted: Operation, action: str, evidence: Evidence, note: str = ""
    ) -> None:
        """Add an operation; ``line`` is its method and path, ``action`` the data action without its resource type."""
        method, _, path = line.partition(" ")
        self.rights[operation] = (right, counted)
        self.routes.append(
            Route(
                operation=operation, method=method, path=path, handler=handler, evidence=evidence, versions=VERSIONS,
                note=note, resource_type="Microsoft.Devices/IotHubs", action=f"Microsoft.Devices/IotHubs/{action}",
            )
        )  # fmt: skip
