"""Validates a resource's inputs, with the messages of the Terraform framework and Pulumi's bridge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.plugins.property_values import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.plugins.property_values import Properties
    from sandbox.plugins.tls.schema import Attribute, Schema

TYPES = {str: "a string", int: "a whole number", bool: "a boolean", list: "a list", dict: "an object"}


def failures(schema: Schema, name: str, inputs: Properties) -> list[str]:
    """One reason for each fault; `name` is the resource's logical name. A reason never contains a secret value."""
    return [reason for attribute in schema.attributes for reason in _faults(attribute, name, inputs.get(attribute.name))]


def _faults(attribute: Attribute, name: str, value: Any) -> Iterator[str]:
    place = f"Examine values at '{name}.{attribute.name}'."
    if isinstance(value, Unknown):
        return
    if value is None:
        if attribute.required:
            yield f"Missing required property '{attribute.name}'"
        return
    # In Python a boolean is an int, in Terraform it is not a number.
    if not isinstance(value, attribute.type) or (isinstance(value, bool) and attribute.type is not bool):
        yield f"Incorrect attribute type. Attribute {attribute.terraform_name} must be {TYPES[attribute.type]}. {place}"
    elif attribute.type is list:
        yield from _item_faults(attribute, name, value)
    elif attribute.one_of and value not in attribute.one_of:
        yield f"Invalid Attribute Value Match. Attribute {_not_one_of(attribute, attribute.terraform_name, value)}. {place}"
    elif attribute.minimum is not None and value < attribute.minimum:
        path = attribute.terraform_name
        yield f"Invalid Attribute Value. Attribute {path} value must be at least {attribute.minimum}, got: {value}. {place}"


def _item_faults(attribute: Attribute, name: str, items: list[Any]) -> Iterator[str]:
    for index, item in enumerate(items):
        path = f"{attribute.terraform_name}[{index}]"
        place = f"Examine values at '{name}.{attribute.name}[{index}]'."
        if isinstance(item, Unknown):
            continue
        if not isinstance(item, str):
            yield f"Incorrect attribute type. Attribute {path} must be a string. {place}"
        elif attribute.one_of and item not in attribute.one_of:
            yield f"Invalid Attribute Value Match. Attribute {_not_one_of(attribute, path, item)}. {place}"
        elif attribute.non_empty_items and not item:
            yield f"Invalid Attribute Value Length. Attribute {path} string length must be at least 1, got: 0. {place}"


def _not_one_of(attribute: Attribute, path: str, value: str) -> str:
    allowed = " ".join(f'"{choice}"' for choice in attribute.one_of)
    return f'{path} value must be one of: [{allowed}], got: "{value}"'
