"""Pulumi's URNs: `urn:pulumi:stack::project::parent's type$own type::name` (pulumi.com/docs/iac/concepts/resources/names)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Urn:
    """The parts of a URN. A name may have colons."""

    stack: str
    project: str
    parents: str
    """The types of the component that it is in, and of all above; empty for none."""
    type: str
    name: str


def read(urn: str) -> Urn:
    """The parts of ``urn``, as an engine writes it.

    Raises:
        IndexError: it is no URN, which no engine gives.
    """
    parts = urn.removeprefix("urn:pulumi:").split("::", 3)
    parents, _, own = parts[2].rpartition("$")
    return Urn(parts[0], parts[1], parents, own, parts[3])
