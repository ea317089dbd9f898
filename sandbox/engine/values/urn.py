"""Uniform resource names: `urn:pulumi:<stack>::<project>::<parent type>$…<type>::<name>`, and provider references."""

from __future__ import annotations

from typing import Any

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_PREFIX = "pulumi:providers:"


def make(stack: str, project: str, parent: str, type_: str, name: str) -> str:
    """The URN of a resource; `parent` is the parent's URN or empty.

    The type of the root stack is left out of its children's URNs, as if they had no parent.
    """
    inherited = qualified_type(parent) if parent else ""
    chain = f"{inherited}${type_}" if inherited and inherited != STACK_TYPE else type_
    return f"urn:pulumi:{stack}::{project}::{chain}::{name}"


def qualified_type(urn: str) -> str:
    """The chain of types, parents first, joined by `$`."""
    return urn.split("::", 3)[2]


def type_of(urn: str) -> str:
    """The resource's own type."""
    return qualified_type(urn).rsplit("$", 1)[-1]


def name_of(urn: str) -> str:
    """The resource's name, which may contain `::`."""
    return urn.split("::", 3)[3]


def named(urn: str) -> dict[str, Any]:
    """A resource's URN, name and type, as most requests to providers and hooks need them."""
    _, _, chain, name = urn.split("::", 3)
    return {"urn": urn, "name": name, "type": chain.rsplit("$", 1)[-1]}


def is_default_provider(urn: str) -> bool:
    """Whether a URN is that of a default provider."""
    name = name_of(urn)
    return is_provider(type_of(urn)) and (name == "default" or name.startswith("default_"))


def is_provider(type_: str) -> bool:
    """Whether a type is that of a provider resource."""
    return type_.startswith(PROVIDER_PREFIX)


def package_of(type_: str) -> str:
    """The provider package of a resource type; of a provider resource, the package that it provides."""
    return type_.removeprefix(PROVIDER_PREFIX) if is_provider(type_) else type_.split(":", 1)[0]


def provided_package(urn: str) -> str:
    """The package that a provider resource provides, by the resource's URN."""
    return package_of(type_of(urn))


def reference(urn: str, id_: str) -> str:
    """A provider reference: the provider's URN and its id."""
    return f"{urn}::{id_}"


def split_reference(text: str) -> tuple[str, str]:
    """A provider reference's URN and id."""
    urn, _, id_ = text.rpartition("::")
    return urn, id_
