"""The keys that describe the hub."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from hubtrust import HubArgs, HubtrustError
from hubtrust.azure import hub_limits
from hubtrust.azure.clouds import require_name
from hubtrust.azure_search import OWNER_TAG
from hubtrust.hub_args import SKU, UNITS
from hubtrust.operators import Operator

from .configuration import Configured, Problem, checked_by
from .hub_access import hub_identity, ip_rule, managed_identity, network_rule_sets, twice
from .tag import Tag, as_mapping
from .values import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,30}")  # room for what Pulumi and we add to it


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not a valid name; use 2 to 31 letters, digits and hyphens, with a letter first")
    return text


class HubConfig(Configured):
    """Which hub, what it is like, and who may use it."""

    name: Annotated[str, AfterValidator(_name)] = "hubtrust"
    hub_name: Annotated[str, checked_by(hub_limits.hub_name)] = ""
    resource_group: Annotated[str, checked_by(hub_limits.group_name)] = ""
    existing_hub: str = ""
    adopt_hub: str = ""
    leave_hub: str = ""
    # Empty, or 0, is not declared: a created hub gets the default, an adopted one keeps what it has.
    sku: Literal["", "F1", "B1", "B2", "B3", "S1", "S2", "S3"] = ""
    units: Annotated[int, Field(ge=0, le=200)] = 0
    min_tls_version: Literal["", "1.0", "1.2"] = ""
    local_auth: Literal["", "true", "false"] = ""
    protect: bool = HubArgs.protect
    retain: bool = False
    public_network_access: Literal["", "Enabled", "Disabled"] = ""
    ip_rules: tuple[Annotated[str, checked_by(ip_rule)], ...] = ()
    identity: tuple[Annotated[str, checked_by(managed_identity)], ...] = ()
    operators: tuple[Annotated[str, checked_by(Operator.read)], ...] = ()
    tags: tuple[Tag, ...] = ()
    cloud: Annotated[str, checked_by(require_name)] = ""

    def hub_problems(self) -> Iterator[Problem]:
        """Keys of the hub that contradict each other."""
        if self.existing_hub and self.adopt_hub:
            remedy = "set adoptHub to manage the whole hub here, or existingHub to manage only its certificates"
            yield Problem.of(f"existingHub and adoptHub are both set; {remedy}", "existing_hub", "adopt_hub")
        yield from self._limit_problems()
        for key, names in {"ip_rules": [ip_rule(rule)[0] for rule in self.ip_rules], "identity": self.identity}.items():
            if (name := twice(names)) is not None:
                yield Problem.of(f"two items are called '{name}'; remove one", key)
        if (name := twice([tag.partition("=")[0] for tag in self.tags])) is not None:
            yield Problem.of(f"tags has '{name}' twice; remove one", "tags")

    def _limit_problems(self) -> Iterator[Problem]:
        limits: dict[str, Callable[[], object]] = {
            "sku units": lambda: hub_limits.size(self.sku or SKU, self.units or UNITS),
            "tags": lambda: hub_limits.tags(as_mapping(self.tags), own=OWNER_TAG),
        }
        for keys, read in limits.items():
            try:
                read()
            except HubtrustError as error:
                yield Problem.of(str(error), *keys.split())

    @property
    def tag_values(self) -> dict[str, str]:
        """The tags of the hub, and of the other resources in Azure that the stack makes."""
        return as_mapping(self.tags)

    @property
    def hub(self) -> HubArgs | str:
        """The hub: what it is like, if this stack manages it, or the resource id of an existing one."""
        if self.existing_hub:
            return self.existing_hub
        sas_off = {"true": False, "false": True}.get(self.local_auth)
        return HubArgs(
            resource_group=self.resource_group or None,
            name=self.hub_name or None,
            adopt_id=self.adopt_hub or None,
            sku=self.sku or None,
            units=self.units or None,
            tags=self.tag_values or None,
            protect=self.protect,
            min_tls_version=self.min_tls_version or None,
            public_network_access=self.public_network_access or None,
            network_rule_sets=network_rule_sets(self.ip_rules),
            identity=hub_identity(self.identity),
            disable_local_auth=sas_off,
            disable_device_sas=sas_off,
            disable_module_sas=sas_off,
        )
