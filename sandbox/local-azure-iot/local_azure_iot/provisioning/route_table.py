"""A table of operations of a provisioning service's service API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local_azure_iot.provisioning.versions import VERSIONS
from local_azure_iot.routing import Evidence, Route

if TYPE_CHECKING:
    from local_azure_iot.routing import Handler

_TYPE = "Microsoft.Devices/provisioningServices"


@dataclass
class ServiceTable:
    """Routes, and for each operation the right that a policy needs."""

    routes: list[Route] = field(default_factory=list)
    rights: dict[str, str] = field(default_factory=dict)

    def add(self, operation: str, line: str, handler: Handler, right: str, action: str, evidence: Evidence, note: str = "") -> None:
        """Add an operation; ``line`` is its method and path, ``action`` the data action without its resource type."""
        method, _, path = line.partition(" ")
        self.rights[operation] = right
        self.routes.append(
            Route(
                operation=operation, method=method, path=path, handler=handler, evidence=evidence, versions=VERSIONS, note=note,
                resource_type=_TYPE, action=f"{_TYPE}/{action}",
            )
        )  # fmt: skip
