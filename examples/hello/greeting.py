"""A dynamic resource: its provider is a few lines of Python in a module that can be imported."""

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider


class GreetingProvider(ResourceProvider):
    """Creates a greeting; it exists in the state only."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        """The greeting's id is the greeted name."""
        return CreateResult(props["name"], {**props, "text": f"Hello, {props['name']}!"})


class Greeting(Resource, module="hello", name="Greeting"):
    """A greeting."""

    text: pulumi.Output[str]

    def __init__(self, resource_name: str, *, name: pulumi.Input[str]) -> None:
        super().__init__(GreetingProvider(), resource_name, {"name": name, "text": None})
