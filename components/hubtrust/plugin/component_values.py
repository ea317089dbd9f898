"""What a component is given, from the wire: unknowns, secrets and output values become Outputs, references the resources that they name.

Pulumi's own reader makes one secret of a whole object with a secret in it; but the objects that a component is given decide which resources
there are, and only values in them are secrets.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pulumi
from google.protobuf import struct_pb2
from pulumi.resource import DependencyResource
from pulumi.runtime import rpc

from hubtrust import shell, urns
from hubtrust.engine_marks import ASSET, OUTPUT, RESOURCE, SECRET, SIGNATURE, UNKNOWN

_LARGEST_EXACT = 2**53  # whole numbers up to here are themselves as floats


@dataclass(frozen=True)
class ComponentValues:
    """Reads the values of one call."""

    referred: Callable[[str], pulumi.Resource | None]
    """The component of this plugin with a URN; None if there is none."""

    def read_all(self, struct: struct_pb2.Struct, dependencies: Callable[[str], Iterable[str]]) -> dict[str, Any]:
        """Every value by its name; ``dependencies`` are the URNs on which the one of this name depends as a whole."""
        return {name: self._depending(self.read(value), dependencies(name)) for name, value in struct.fields.items()}

    def read(self, value: struct_pb2.Value) -> Any:
        """One value. Whole numbers are integers."""
        kind = value.WhichOneof("kind")
        if kind == "struct_value":
            return self._read_object(value)
        if kind == "list_value":
            return [self.read(one) for one in value.list_value.values]
        if kind == "number_value":
            number = value.number_value
            return int(number) if number.is_integer() and abs(number) <= _LARGEST_EXACT else number
        if kind == "bool_value":
            return value.bool_value
        if kind == "string_value":
            return _unknown() if value.string_value == UNKNOWN else value.string_value
        return None

    def _read_object(self, value: struct_pb2.Value) -> Any:
        fields = value.struct_value.fields
        signature = fields[SIGNATURE].string_value if SIGNATURE in fields else None
        if signature is None:
            return {name: self.read(one) for name, one in fields.items()}
        if signature == SECRET:
            return pulumi.Output.secret(self.read(fields["value"]))
        if signature == OUTPUT:
            inner = self.read(fields["value"]) if "value" in fields else _unknown()
            urns = [one.string_value for one in fields["dependencies"].list_value.values] if "dependencies" in fields else []
            found = _with(inner, urns)
            return pulumi.Output.secret(found) if "secret" in fields and fields["secret"].bool_value else found
        if signature == RESOURCE:
            return self._refer(value)
        if signature == ASSET and "text" in fields:
            return fields["text"].string_value
        return rpc.deserialize_property(value.struct_value)  # another asset, or an archive

    def _refer(self, value: struct_pb2.Value) -> Any:
        """The component itself; of a resource of others its id, which a preview may not know yet."""
        fields = value.struct_value.fields
        urn = fields["urn"].string_value
        if found := self.referred(urn):
            return found
        if urns.read(urn).type.startswith(f"{shell.PLUGIN}:") or "id" not in fields:
            return DependencyResource(urn)
        id_ = self.read(fields["id"])
        return _unknown() if id_ == "" else id_  # engines send an id that is not known yet as an empty text

    def _depending(self, value: Any, urns: Iterable[str]) -> Any:
        """A text, number or truth value that depends on resources is an Output; of all others the parts say what they depend on."""
        depends = list(urns)
        return _with(value, depends) if depends and isinstance(value, str | int | float) else value


def _unknown() -> pulumi.Output[Any]:
    return pulumi.Output.from_input(pulumi.output.UNKNOWN)


def _with(value: Any, urns: Iterable[str]) -> pulumi.Output[Any]:
    """``value`` as an Output that depends on the resources with these URNs."""
    resources: set[pulumi.Resource] = {DependencyResource(urn) for urn in urns}

    async def is_known() -> bool:
        return True

    async def nothing() -> None:
        return None

    depends: pulumi.Output[None] = pulumi.Output(resources, nothing(), is_known())
    return pulumi.Output.all(value, depends).apply(lambda both: both[0])
