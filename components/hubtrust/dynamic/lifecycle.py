"""What a resource's file needs: the contract that it implements (``contract.py``), and the resource that programs declare.

A resource runs in one of two shells (``hubtrust/shell.py``): ``dynamic_shell.py``, or the plugin's.
"""

import copy
from collections.abc import Mapping
from typing import Any, ClassVar

import pulumi
from pulumi.dynamic import Resource

from hubtrust import shell
from hubtrust.dynamic.contract import AnyInputs, Change, Imported
from hubtrust.dynamic.dynamic_shell import Reconciler
from hubtrust.inputs import python_name, wire_name
from hubtrust.known_values import sendable
from hubtrust.program_errors import ProgramError
from hubtrust.version import plugin_version

__all__ = ["AnyInputs", "Change", "Imported", "InputError", "Reconciled", "Reconciler"]


class InputError(ProgramError):
    """An input is a value that no provider can get."""


def _moving(former: str, opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
    """The options with which one shell takes over a resource of the other, of the type ``former``, also where it is renamed in this run.

    A resource that was never there has no state under that type, and the alias finds none.
    """
    given = (opts.aliases if opts else None) or []
    aliases = [pulumi.Alias(type_=former)]
    for each in given if isinstance(given, list) else []:
        if isinstance(each, pulumi.Alias) and not isinstance(each.type_, str):  # it names no type, and so means the one of now
            aliases.append(copy.copy(each))
            aliases[-1].type_ = former
    return pulumi.ResourceOptions.merge(pulumi.ResourceOptions(aliases=aliases), opts)


class Reconciled(Resource, module="hubtrust", name="Reconciled"):
    """A resource with a ``Reconciler``: wire names are camelCase, in the state and in Azure; Python's are snake_case.

    The docstring of its constructor is written by `make docs` from the declared inputs.
    """

    provider: ClassVar[type[Reconciler[Any]]]
    """What reconciles the resource; Pulumi runs it in a process of its own."""

    def __init__(self, name: str, arguments: Mapping[str, Any], opts: pulumi.ResourceOptions | None) -> None:
        """Register the resource. ``arguments`` has the inputs by their Python names; other names in it are ignored."""
        provider = self.provider()
        props: dict[str, Any] = {python_name(output): None for output in provider.outputs}
        for input_name, declaration in provider.inputs.declarations().items():
            value = sendable(InputError, f"{input_name} of {type(self).__name__} '{name}'", arguments[input_name])
            props[input_name] = pulumi.Output.secret(value) if declaration.secret and value is not None else value
        kind = type(self).__name__
        if shell.uses_plugin():
            opts = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(version=plugin_version()), opts)
            pulumi.CustomResource.__init__(self, shell.token(kind), name, props, _moving(shell.dynamic_type(kind), opts))
        else:
            super().__init__(provider, name, props, _moving(shell.token(kind), opts))

    def translate_output_property(self, prop: str) -> str:
        """The Python name of an output: ``not_after`` for ``notAfter``."""
        return python_name(prop)

    def translate_input_property(self, prop: str) -> str:
        """The wire name of an input: ``notAfter`` for ``not_after``. Pulumi's own ``__provider`` is not changed."""
        return prop if prop.startswith("_") else wire_name(prop)
