"""The plugin's tokens, and which shell a program chooses."""

import inspect

from docs.constructor_arguments import resources
from hubtrust.plugin.tokens import MODULES, resource


def test_every_resource_of_the_package_has_a_token() -> None:
    """The table names each one, in its module."""
    found = {each.__name__: inspect.getmodule(each).__name__.rpartition(".")[2] for each in resources()}  # type: ignore[union-attr] # a class has one

    assert found == MODULES
    assert {resource(name).__name__ for name in MODULES} == set(MODULES)
