"""What an ARM template can declare that rules would have to read: they see a template's resource as one value, with expressions in it.

A template that names no such type, and hides none, is no reason to refuse anything.
Source: learn.microsoft.com/azure/azure-resource-manager/templates/syntax (types are literals; `resources` is a list, or a mapping since
language version 2.0), .../linked-templates, .../child-resource-name-type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from .arm_resources import from_json, read_any_case
from .arm_types import read_short_type, read_type
from .declared_ways import is_of_a_kind
from .opaque_types import ARTIFACTS, DEPLOYMENTS, POLICIES, may_be_opaque, why_opaque
from .resource import TWICE, UNKNOWN, NotKnownYetError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Symbolic names, and with them `existing`, came with this version of the language.
_SYMBOLIC: Final = re.compile(r"2\.\d+(?:-[\w.]+)?")


def reasons_inside(arm_type: str, properties: Any, where: str) -> Iterator[str]:
    """Why rules can't tell what the template makes that is in a resource's `properties`; nothing if its type has none.

    Raises:
        NotKnownYetError: the template is not known yet; ``where`` is the place of `properties`.
    """
    if arm_type == DEPLOYMENTS:
        yield from deployment(properties, where)
    elif arm_type in POLICIES:
        yield from policy(properties, where)
    elif arm_type in ARTIFACTS:
        yield from artifact(properties, where)


def policy(properties: Any, where: str) -> Iterator[str]:
    """Why rules can't tell what a policy of Azure's does: with deployIfNotExists it deploys a template, with modify it changes a hub.

    Source: learn.microsoft.com/azure/governance/policy/concepts/effect-deploy-if-not-exists, effect-modify, effect-append.

    Raises:
        NotKnownYetError: its rule is not known yet.
    """
    place = f"{where}.policyRule".lstrip(".")
    rule = from_json(read_any_case(properties, ("policyRule",)))
    parts = [properties, rule, *(read_any_case(rule, path) for path in (("then",), ("then", "details"), ("then", "details", "deployment")))]
    if any(each is UNKNOWN for each in parts):
        raise NotKnownYetError(place)
    if any(isinstance(each, str) for each in parts):
        yield f"{place} has text where it must have an object, and can't be read"
        return
    *_, details, deployed = parts
    if deployed is not None:
        yield from deployment(read_any_case(deployed, ("properties",)), f"{place}.then.details.deployment.properties")
    yield from _changes(details if _is_list(details) else read_any_case(details, ("operations",)), place)


def _changes(operations: Any, place: str) -> Iterator[str]:
    """What the effects modify and append change: each operation names a field by an alias such as `Microsoft.Devices/IotHubs/…`."""
    if operations is UNKNOWN:
        raise NotKnownYetError(place)
    if isinstance(operations, str):
        yield f"{place} has text where it must have a list, and can't be read"
    for at in range(len(operations) if _is_list(operations) else 0):
        field = read_any_case(operations, (at, "field"))
        if field is UNKNOWN:
            raise NotKnownYetError(place)
        words = str(field).lower()
        if "microsoft.devices" in words or field == TWICE or ("[" in words and not words.startswith(("tags[", "[concat('tags["))):
            yield f"{place} changes {field} of what is declared elsewhere, after rules have read it"
            return


def artifact(properties: Any, where: str) -> Iterator[str]:
    """Why rules can't tell what an artifact of a blueprint makes: a template, or a role.

    Raises:
        NotKnownYetError: its template is not known yet.
    """
    template = read_any_case(properties, ("template",))
    if properties is UNKNOWN:
        raise NotKnownYetError(where)
    if isinstance(properties, str):
        yield f"{where} is text, not an object, and can't be read"
    elif template is not None:
        yield from unreadable(template, f"{where}.template".lstrip("."))
    elif read_any_case(properties, ("principalIds",)) is not None:
        yield "a blueprint's artifact gives a role where the blueprint is assigned"


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def unreadable(template: Any, where: str) -> Iterator[str]:
    """Why rules can't tell what a template makes, or what it makes that they would have to read.

    Raises:
        NotKnownYetError: a part that says which types there are is not known yet; ``where`` begins its place.
    """
    template = from_json(template)
    if template is UNKNOWN:
        raise NotKnownYetError(where)
    if not isinstance(template, Mapping):
        yield f"{where} is no template that can be read"
        return
    language = read_any_case(template, ("languageVersion",))
    resources = read_any_case(template, ("resources",))
    if language is UNKNOWN:
        raise NotKnownYetError(f"{where}.languageVersion")
    symbolic = isinstance(resources, Mapping) and bool(_SYMBOLIC.fullmatch(str(language)))
    yield from _resources(resources, "", f"{where}.resources", symbolic=symbolic)


def _resources(resources: Any, parent: str, where: str, *, symbolic: bool) -> Iterator[str]:
    if resources is UNKNOWN:
        raise NotKnownYetError(where)
    if resources is None:
        return
    if isinstance(resources, Mapping):
        every = [(f"{where}.{name}", read_any_case(resources, (name,))) for name in resources]
    elif _is_list(resources):
        every = [(f"{where}[{place}]", read_any_case(resources, (place,))) for place in range(len(resources))]
    else:
        yield f"{where} is not a list that can be read"
        return
    for place, each in every:
        yield from _resource(each, parent, place, symbolic=symbolic and isinstance(resources, Mapping))


def _resource(resource: Any, parent: str, where: str, *, symbolic: bool) -> Iterator[str]:
    kind = read_any_case(resource, ("type",))
    if resource is UNKNOWN or kind is UNKNOWN:
        raise NotKnownYetError(f"{where}.type")
    if not isinstance(kind, str) or kind == TWICE:
        yield f"{where} has no type that can be read"
        return
    kind = kind.partition("@")[0].strip("/ ")  # Bicep's symbolic names have the API version in the type
    whole = f"{parent}/{kind}" if parent else kind
    short = read_short_type(whole)
    types = {each for each in (read_type(whole), read_type(kind) if parent else "") if each}  # a child may have its whole type
    if not types and not short:
        yield f"{where} has no type that can be read"
        return
    if not (symbolic and read_any_case(resource, ("existing",)) is True):
        if may_be_opaque(short):
            yield f"{where} is a {whole}, which rules can't read in a template"
        for each in sorted(types):
            yield from _reasons(each, resource, where)
    yield from _resources(read_any_case(resource, ("resources",)), whole, f"{where}.resources", symbolic=symbolic)


def _reasons(arm_type: str, resource: Any, where: str) -> Iterator[str]:
    if reason := why_opaque(arm_type):
        yield f"{where}: {reason}"
    elif is_of_a_kind(arm_type):
        yield f"{where} is a {arm_type}, which rules can't read in a template"
    else:
        yield from reasons_inside(arm_type, read_any_case(resource, ("properties",)), f"{where}.properties")


def deployment(properties: Any, where: str) -> Iterator[str]:
    """Why rules can't tell what a deployment makes: its template is elsewhere, or can't be read.

    Raises:
        NotKnownYetError: its template is not known yet.
    """
    if properties is UNKNOWN:
        raise NotKnownYetError(where)
    for name in ("templateLink", "templateSpecVersionId", "onErrorDeployment"):  # the last is an earlier deployment's template
        link = read_any_case(properties, (name,))
        if link is UNKNOWN:
            raise NotKnownYetError(f"{where}.{name}".lstrip("."))
        if link:
            yield f"{f'{where}.{name}'.lstrip('.')} names a template that is elsewhere"
            return
    for name in ("template", "templateContent", "templateBody"):
        template = read_any_case(properties, (name,))
        if template is not None:
            yield from unreadable(template, f"{where}.{name}".lstrip("."))
            return
    yield f"{where or 'it'} has no template that can be read"
