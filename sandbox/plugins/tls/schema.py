"""The shape of a tls resource: its attributes and what the provider does with each.

Source: terraform-provider-tls' resource schemas (Terraform names in camelCase, as the Pulumi plugin shows them).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.plugins.property_values import Properties


class Replaces(Enum):
    """When a changed value makes a new resource."""

    NEVER = "never"
    ALWAYS = "always"
    IF_PEM = "if the old value is PEM"  # what very old states hold is a hash of it


@dataclass(frozen=True)
class Attribute:
    """One attribute. A value of None is Terraform's null.

    `computed`: the provider fills it where the program does not. `keeps`: a planned unknown becomes the old value.
    """

    name: str
    type: type[Any]
    required: bool = False
    computed: bool = False
    sensitive: bool = False
    keeps: bool = False
    default: Any = None
    replaces: Replaces = Replaces.NEVER
    one_of: tuple[str, ...] = ()
    at_least: int | None = None
    filled: bool = False  # items of a list may not be empty
    fields: tuple[Attribute, ...] = ()

    @property
    def terraform_name(self) -> str:
        """The name in the provider's own messages."""
        special = {"streetAddresses": "street_address"}
        return special.get(self.name) or "".join(f"_{c.lower()}" if c.isupper() else c for c in self.name)


@dataclass(frozen=True)
class Schema:
    """A resource type. `make` takes the planned values and returns the computed ones; `renews` as it nears its end.

    `warnings` are what to warn of once it is made.
    """

    attributes: tuple[Attribute, ...]
    make: Callable[[Properties], Properties]
    version: int = 0
    renews: bool = False
    warnings: Callable[[Properties], list[str]] = lambda _: []

    def sensitive(self) -> frozenset[str]:
        """The names of what is secret."""
        return frozenset(attribute.name for attribute in self.attributes if attribute.sensitive)
