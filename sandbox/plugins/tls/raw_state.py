"""`__pulumi_raw_state_delta`: how Pulumi's bridge recovers Terraform's state from Pulumi's outputs.

It is written so that the real plugin can take over a state created here. A null attribute is recorded as a replacement
by null (the bridge always marks it secret), a list as an array, and the one-block list `subject` as a single object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.plugins.property_values import Secret

if TYPE_CHECKING:
    from sandbox.plugins.property_values import Properties
    from sandbox.plugins.tls.schema import Attribute, Schema


def raw_state_delta(schema: Schema, values: Properties) -> Properties:
    """The delta from `values`, where None is Terraform's null, to the raw state of this schema."""
    return _object(schema.attributes, values)


def _object(attributes: tuple[Attribute, ...], values: Properties, renamed: dict[str, str] | None = None) -> Properties:
    deltas = {attribute.name: _delta(attribute, values.get(attribute.name)) for attribute in attributes}
    inner: dict[str, Any] = {}
    present = {name: delta for name, delta in deltas.items() if delta is not None}
    if present:
        inner["ps"] = present
    if renamed:
        inner["renamed"] = renamed
    return {"obj": inner}


def _delta(attribute: Attribute, value: Any) -> Any:
    if value is None:
        return Secret({"replace": {"raw": None}})
    if attribute.type is list:
        return {"arr": {}}
    if attribute.type is dict:
        return {"plu": {"i": _object(attribute.fields, value, {"streetAddresses": "street_address"})}}
    return None
