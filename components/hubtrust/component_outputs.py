"""The outputs of a component, declared once: its attributes that are Outputs or Inputs, which state, plugin and schema all read."""

import inspect
from collections.abc import Awaitable
from typing import Any, Final, get_args, get_origin

import pulumi

from hubtrust.inputs import wire_name

SECRETS: Final = frozenset({"private_key", "signer"})
"""The outputs that are secrets, whatever they are made of."""


def outputs_of(component: type[Any]) -> dict[str, Any]:
    """Every attribute that is annotated as an Output or an Input, and its annotation, in the order of the class."""
    # An Input is a union with what can be awaited, and with a name of Output that nobody has resolved.
    return {
        name: hint
        for name, hint in inspect.get_annotations(component, eval_str=True).items()
        if any(get_origin(one) in (pulumi.Output, Awaitable) for one in (hint, *get_args(hint)))
    }


def output_values(component: pulumi.ComponentResource) -> dict[str, pulumi.Input[Any]]:
    """The outputs by their names in the state."""
    found = {name: getattr(component, name) for name in outputs_of(type(component))}
    return {
        wire_name(name): pulumi.Output.secret(value) if name in SECRETS and value is not None else value for name, value in found.items()
    }


def register(component: pulumi.ComponentResource) -> None:
    """End the declaration of the component: its outputs go to the state."""
    component.register_outputs(output_values(component))
