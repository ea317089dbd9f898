"""Resources whose type and body are ARM's own: azure-native's generic Resource, and azapi's.

ARM takes types and the names of properties in any letter case, and azapi takes a body also as JSON text.
Sources: pulumi-azure-native 3.29.0, `resources.Resource`; ediri-azapi 1.12.2, and the provider's documentation since version 2 (`body` is
an object, `sensitiveBody` is merged into it): github.com/Azure/terraform-provider-azapi, docs/resources/resource.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .arm_types import read_type, types_at
from .resource import TWICE, UNKNOWN, Unknown, read_in

if TYPE_CHECKING:
    from .resource import Resource

AZAPI_RESOURCE: Final = "azapi:index/resource:Resource"
# Of azapi's resource: ARM has these beside `properties`, or in the id; `output` is what ARM answered, once it has.
_OWN: Final = ("name", "location", "tags", "parentId", "output")


@dataclass(frozen=True)
class ArmResource:
    """One of them, and what ARM gets."""

    type: str
    """In lower case and without an API version, such as `microsoft.devices/iothubs`; empty if it can't be read."""
    body: Any
    """A mapping, in the letter case in which it was written; None if it can't be read, and ``UNKNOWN`` if it is not known yet."""
    prefix: str
    """What comes before the body's paths in the resource's inputs, such as `body.`."""
    merged: bool = False
    """Whether something else, which can't be read with it, is merged into the body."""


def native_generic(resource: Resource) -> ArmResource:
    """What azure-native's generic Resource declares.

    Raises:
        NotKnownYetError: its type is not known yet.
    """
    every = (str(resource.known(name) or "").strip("/") for name in ("resourceProviderNamespace", "parentResourcePath", "resourceType"))
    found = types_at("/".join(("providers", *filter(None, every), "it")))  # the parent's is a path of types and names in turns
    return ArmResource(found[0] if len(found) == 1 else "", resource.props, "")


def azapi(resource: Resource) -> ArmResource:
    """What azapi's Resource declares.

    Raises:
        NotKnownYetError: its type is not known yet.
    """
    return ArmResource(azapi_type(resource), _azapi_body(resource), "body.", merged=resource.read("sensitiveBody") is not None)


def azapi_type(resource: Resource) -> str:
    """The ARM type that one of azapi's resources names; empty if it can't be read.

    Raises:
        NotKnownYetError: it is not known yet.
    """
    return read_type(str(resource.known("type") or ""))


def _azapi_body(resource: Resource) -> Any:
    body = from_json(resource.read("body"))
    if isinstance(body, Unknown) or not isinstance(body, Mapping | None):
        return UNKNOWN if isinstance(body, Unknown) else None
    whole: dict[str, Any] = {name: read_in(body, (name,)) for name in body or ()}
    own = {name: value for name in _OWN if (value := resource.read(name)) is not None}
    if "output" in own:
        own["output"] = from_json(own["output"])  # text, in version 1
    return {name: value for name, value in whole.items() if name not in own} | own


def from_json(value: Any) -> Any:
    """The value, parsed if it is JSON text; text that is none, or is nested too deeply to be parsed, stays text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def read_any_case(value: Any, path: Sequence[str | int]) -> Any:
    """As ``read_in``, with names in any letter case; ``TWICE`` where a name is there in two of them, which ARM may take either of."""
    for step in path:
        if isinstance(value, Mapping) and isinstance(step, str):
            names = [name for name in value if name.lower() == step.lower()]
            if len(names) > 1:
                return TWICE
            value = read_in(value, names) if names else None
        else:
            value = read_in(value, (step,))
    return value
