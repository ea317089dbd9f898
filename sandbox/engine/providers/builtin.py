"""The provider of the engine's own package `pulumi`: references to other stacks, and resources looked up by their URN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.engine.providers import differences
from sandbox.engine.providers.lifecycle import Checked, ResourceState
from sandbox.engine.providers.provider_error import ProviderError
from sandbox.engine.values import property_values
from sandbox.engine.values import urn as urns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sandbox.engine.providers.differences import Difference
    from sandbox.engine.state.deployment import Resource
    from sandbox.engine.values.property_values import Properties

PACKAGE = "pulumi"
STACK_REFERENCE = "pulumi:pulumi:StackReference"


class Builtin:
    """Serves the package without a plugin.

    Args:
        stack_outputs: the outputs of another stack by the name that a program uses; raises an EngineError if there is no such stack.
        lookup: a resource that this run has registered, by URN.
    """

    def __init__(
        self, stack_outputs: Callable[[str], Mapping[str, property_values.Value]], lookup: Callable[[str], Resource | None]
    ) -> None:
        self._stack_outputs, self._lookup = stack_outputs, lookup

    async def check_config(self, urn: str, old_inputs: Properties, new_inputs: Properties) -> Checked:
        return Checked(new_inputs)

    async def diff_config(self, urn: str, old: Resource, new_inputs: Properties) -> Difference:
        return differences.between(old.inputs, new_inputs)

    async def configure(self, urn: str, id_: str, inputs: Properties) -> None:
        pass  # there is nothing to configure

    async def check(self, urn: str, old_inputs: Properties | None, new_inputs: Properties, seed: bytes) -> Checked:
        raise ProviderError(f"{urns.type_of(urn)} can't be created by a program: use pulumi.StackReference to read a stack")

    async def diff(self, old: Resource, new_inputs: Properties, ignored: Sequence[str]) -> Difference:
        return differences.NONE

    async def create(self, new: Resource) -> ResourceState:
        raise ProviderError(f"{new.type} can't be created")

    async def update(self, old: Resource, new: Resource) -> ResourceState:
        raise ProviderError(f"{new.type} can't be updated")

    async def delete(self, old: Resource) -> None:
        pass  # a reference exists only in the state

    async def read(self, urn: str, id_: str, inputs: Properties | None, state: Properties | None) -> ResourceState | None:
        """A stack reference: the other stack's outputs as they are now."""
        name = property_values.revealed((inputs or {}).get("name"))
        if urns.type_of(urn) != STACK_REFERENCE or not isinstance(name, str):
            raise ProviderError(f"{urns.type_of(urn)} can't be read without the name of a stack; a stack reference can't be imported")
        return ResourceState(id_, self._reference(name), inputs)

    def _reference(self, name: str) -> Properties:
        outputs = dict(self._stack_outputs(name))
        return {
            "name": name,
            "outputs": outputs,
            "secretOutputNames": sorted(key for key, item in outputs.items() if property_values.has_secret(item)),
        }

    async def invoke(self, token: str, args: Properties) -> tuple[Properties | None, tuple[tuple[str, str], ...]]:
        """Another stack's outputs, or a resource of this run."""
        if token == "pulumi:pulumi:readStackOutputs":  # noqa: S105 - a function's name
            return self._reference(property_values.revealed(args.get("name"))), ()
        if token == "pulumi:pulumi:getResource":  # noqa: S105 - a function's name
            urn = property_values.revealed(args.get("urn"))
            found = self._lookup(urn)
            if found is None:
                raise ProviderError(f"unknown resource {urn}")
            return {"urn": urn, "id": found.id, "provider": found.provider, "state": found.outputs}, ()
        raise ProviderError(f"unrecognized function name: {token!r}")

    async def construct(self, request: Any, inputs: Properties) -> Any:
        raise ProviderError(f"{request.type} is not a component that the engine has")

    async def call(self, request: Any, args: Properties) -> Any:
        raise ProviderError(f"unrecognized method name: {request.tok!r}")

    async def cancel(self) -> None:
        """No call takes long enough to need stopping."""
