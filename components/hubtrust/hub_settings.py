"""What a program declares of a hub that its stack manages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self


@dataclass(frozen=True, kw_only=True)
class HubSettings:
    """A hub that this stack manages. What is None is not declared: a created hub gets the default, an adopted one keeps what it has."""

    resource_group: str | None = None  # the name of an existing one; None: one is created
    name: str | None = None  # unique in all of Azure; None: the resource's name and eight hex digits, which stay for the stack's life
    adopt_id: str | None = None  # the resource id of an existing hub to import into this stack; leave resource_group and name out then
    location: str | None = None  # an Azure region; default: azure-native:location
    sku: str | None = None  # F1, B1 to B3 or S1 to S3; default S1
    units: int | None = None  # default 1
    min_tls_version: str | None = None  # default 1.2; enforced by Azure in some regions only, and can't change after the hub's creation
    local_auth: bool | None = None  # allow SAS keys; default False
    tags: Mapping[str, str] | None = None  # of the hub, and of the resource group if one is created; added to those of an adopted hub
    operators: Sequence[str] = ()  # who gets the role IoT Hub Data Contributor, each as `Operator.read` takes it
    protect: bool = True  # Pulumi refuses to delete the hub and the resource group

    def with_defaults(self) -> Self:
        """The same, with the defaults of a hub that is created."""
        undeclared = {name: value for name, value in DEFAULTS.items() if getattr(self, name) is None}
        return replace(self, **undeclared)  # type: ignore[arg-type] # each default has its field's type

    def undeclared(self) -> list[str]:
        """The properties of an adopted hub that stay as they are, as paths of the option `ignoreChanges`."""
        return [path for name, paths in _PATHS.items() if getattr(self, name) is None for path in paths]


SKU: Final = "S1"
DEFAULTS: Final = {"sku": SKU, "units": 1, "min_tls_version": "1.2", "local_auth": False}
_PATHS: Final = {
    "location": ("location",),
    "sku": ("sku.name",),
    "units": ("sku.capacity",),
    "min_tls_version": ("properties.minTlsVersion",),
    "local_auth": ("properties.disableLocalAuth", "properties.disableDeviceSAS", "properties.disableModuleSAS"),
}
