"""The keys that describe the hub."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field
from pydantic.alias_generators import to_camel

from hubtrust import HubSettings
from hubtrust.azure.clouds import require_name
from hubtrust.operators import Operator

from .configuration import checked_by
from .tag import Tag, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

# learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules, Microsoft.Devices/IotHubs
_HUB_NAME = re.compile(r"[0-9A-Za-z-]{2,49}[0-9A-Za-z]")


def _hub_name(text: str) -> str:
    if text and not _HUB_NAME.fullmatch(text):
        raise ValueError(f"'{text}' is not a valid hub name; use 3 to 50 letters, digits and hyphens, without a hyphen at the end")
    return text


class HubConfig(BaseModel):
    """Which hub, what it is like, and who may use it."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{1,30}$")] = "hubtrust"
    hub_name: Annotated[str, AfterValidator(_hub_name)] = ""
    resource_group: str = ""
    existing_hub: str = ""
    adopt_hub: str = ""
    leave_hub: str = ""
    # Empty, or 0, is not declared: a created hub gets the default, an adopted one keeps what it has.
    sku: Literal["", "F1", "B1", "B2", "B3", "S1", "S2", "S3"] = ""
    units: Annotated[int, Field(ge=0, le=200)] = 0
    min_tls_version: Literal["", "1.0", "1.2"] = ""
    local_auth: Literal["", "true", "false"] = ""
    protect: bool = HubSettings.protect
    retain: bool = False
    operators: tuple[Annotated[str, checked_by(Operator.read)], ...] = ()
    tags: tuple[Tag, ...] = ()
    cloud: Annotated[str, checked_by(require_name)] = ""

    def hub_conflicts(self) -> Iterator[str]:
        """Keys of the hub that contradict each other, a line each."""
        if (self.existing_hub or self.adopt_hub) and (self.hub_name or self.resource_group):
            name = "existingHub" if self.existing_hub else "adoptHub"
            yield f"{name} is set together with hubName or resourceGroup; remove those two: an existing hub has both already"
        if self.existing_hub and self.adopt_hub:
            yield (
                "existingHub and adoptHub are both set; set adoptHub to manage the whole hub here, or existingHub to manage only its"
                " certificates"
            )
        if self.existing_hub and (ignored := self._of_the_hubs_owner()):
            yield (
                f"existingHub leaves the hub to its owner, who decides its {', '.join(ignored)}; remove that, or set adoptHub to manage"
                " the hub here"
            )
        if self.sku == "F1" and self.units > 1:
            yield f"sku F1 has one unit, but units is {self.units}; set units to 1"

    def _of_the_hubs_owner(self) -> list[str]:
        """The keys that are set and that an existing hub's owner decides."""
        keys = ("sku", "units", "min_tls_version", "local_auth", "tags", "operators")
        return [to_camel(key) for key in keys if getattr(self, key)]

    @property
    def hub(self) -> HubSettings:
        """The hub, if this stack manages it."""
        return HubSettings(
            resource_group=self.resource_group or None,
            name=self.hub_name or None,
            adopt_id=self.adopt_hub or None,
            sku=self.sku or None,
            units=self.units or None,
            min_tls_version=self.min_tls_version or None,
            local_auth={"true": True, "false": False}.get(self.local_auth),
            tags=as_mapping(self.tags),
            operators=self.operators,
            protect=self.protect,
        )
