"""Describes a tls resource type: its attributes and how the provider treats each.

Source: terraform-provider-tls' resource schemas (Terraform names in camelCase, as the Pulumi plugin presents them).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.plugins.property_values import Properties


class Replaces(Enum):
    """When a changed value replaces the resource."""

    NEVER = "never"
    ALWAYS = "always"
    IF_PEM = "if the old value is PEM"  # very old states hold a hash of the value instead


@dataclass(frozen=True)
class Attribute:
    """One attribute. A value of None is Terraform's null.

    `computed`: the provider sets it when the program does not. `keeps_prior`: the plan uses the prior value instead of
    unknown. `non_empty_items`: items of the list may not be empty.
    """

    name: str
    type: type[Any]
    required: bool = False
    computed: bool = False
    sensitive: bool = False
    keeps_prior: bool = False
    default: Any = None
    replaces: Replaces = Replaces.NEVER
    one_of: tuple[str, ...] = ()
    minimum: int | None = None
    non_empty_items: bool = False
    fields: tuple[Attribute, ...] = ()

    @property
    def terraform_name(self) -> str:
        """The name in the provider's messages."""
        special = {"streetAddresses": "street_address"}
        return special.get(self.name) or "".join(f"_{c.lower()}" if c.isupper() else c for c in self.name)


@dataclass(frozen=True)
class Schema:
    """A resource type. `compute` takes the planned values and returns the computed ones.

    `renewable`: it is replaced inside its renewal window. `warnings`: what to warn of once it is created.
    """

    attributes: tuple[Attribute, ...]
    compute: Callable[[Properties], Properties]
    version: int = 0
    renewable: bool = False
    warnings: Callable[[Properties], list[str]] = lambda _: []

    def sensitive(self) -> frozenset[str]:
        """The names of the attributes that are secret."""
        return frozenset(attribute.name for attribute in self.attributes if attribute.sensitive)
