"""The outputs of a component, declared once: its attributes that are Outputs or Inputs, which state, plugin and schema all read."""

import functools
import inspect
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Annotated, Any, Final, get_args, get_origin

import pulumi

from hubtrust.inputs import wire_name

SECRET: Final = object()
"""In ``Annotated[…, SECRET]`` of an attribute: it is a secret as an output, whatever it is made of."""


@dataclass(frozen=True)
class ComponentOutput:
    """An output of a component."""

    name: str
    """The attribute's."""
    hint: Any
    """Its annotation, without ``Annotated``."""
    secret: bool
    """Whether it is one whatever its value is made of."""

    @property
    def wire(self) -> str:
        """Its name in the state, and in other languages."""
        return wire_name(self.name)


@functools.cache
def outputs_of(component: type[Any]) -> tuple[ComponentOutput, ...]:
    """Every attribute that is annotated as an Output or an Input, in the order of the class."""
    found = []
    for name, annotation in inspect.get_annotations(component, eval_str=True).items():
        is_annotated = get_origin(annotation) is Annotated
        hint = get_args(annotation)[0] if is_annotated else annotation
        # An Input is a union with what can be awaited, and with a name of Output that nobody has resolved.
        if any(get_origin(one) in (pulumi.Output, Awaitable) for one in (hint, *get_args(hint))):
            found.append(ComponentOutput(name, hint, is_annotated and SECRET in get_args(annotation)[1:]))
    return tuple(found)


def output_values(component: pulumi.ComponentResource) -> dict[str, pulumi.Input[Any]]:
    """The outputs by their names in the state."""
    values: dict[str, pulumi.Input[Any]] = {}
    for one in outputs_of(type(component)):
        value = getattr(component, one.name)
        values[one.wire] = pulumi.Output.secret(value) if one.secret and value is not None else value
    return values


def register(component: pulumi.ComponentResource) -> None:
    """End the declaration of the component: its outputs go to the state."""
    component.register_outputs(output_values(component))
