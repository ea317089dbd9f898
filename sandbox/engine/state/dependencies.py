"""The dependencies between the resources of a state, in state order."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.engine.values import urn as urns

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from sandbox.engine.state.deployment import Resource


def direct_dependencies(resource: Resource) -> list[str]:
    """URNs of everything a resource needs: its dependencies, its parent, its provider."""
    found = _referenced(resource)
    return [*found, urns.split_reference(resource.provider)[0]] if resource.provider else found


def _referenced(resource: Resource) -> list[str]:
    """URNs of its parent, its dependencies (also of properties), deletedWith and replaceWith."""
    found = [resource.parent, *resource.dependencies, *(urn for deps in resource.property_dependencies.values() for urn in deps)]
    return list(dict.fromkeys(urn for urn in [*found, resource.deleted_with, *resource.replace_with] if urn))


def dependents(root: Resource, resources: Sequence[Resource], ignored: Collection[str]) -> Iterator[Resource]:
    """The direct and indirect dependents of a resource, in state order. A child does not depend on its parent here.

    URNs in `ignored` are left out.
    """
    found = {root.urn}
    start = next((at for at, resource in enumerate(resources) if resource is root), len(resources))
    for resource in resources[start + 1 :]:
        if resource.urn in ignored:
            continue
        needs = {*resource.dependencies, *(urn for deps in resource.property_dependencies.values() for urn in deps)}
        needs |= {resource.deleted_with, *resource.replace_with, urns.split_reference(resource.provider)[0]}
        if needs & found:
            found.add(resource.urn)
            yield resource


def deleted_before(deletions: Sequence[Resource]) -> dict[Resource, list[Resource]]:
    """For each resource to be deleted, those that need it and so must be deleted first. Input and output are in state order."""
    by_urn: dict[str, list[Resource]] = defaultdict(list)
    before: dict[Resource, list[Resource]] = {resource: [] for resource in deletions}
    for resource in deletions:
        for urn in direct_dependencies(resource):
            for needed in by_urn.get(urn, ()):
                before[needed].append(resource)
        by_urn[resource.urn].append(resource)
    return before


def without_dangling_references(resources: Sequence[Resource]) -> list[Resource]:
    """The resources, without references to resources that no longer exist."""
    known: set[str] = set()
    kept = []
    for resource in resources:
        changes: dict[str, object] = {}
        if any(urn not in known for urn in resource.dependencies):
            changes["dependencies"] = tuple(urn for urn in resource.dependencies if urn in known)
        properties = {key: tuple(urn for urn in deps if urn in known) for key, deps in resource.property_dependencies.items()}
        # Pulumi keeps no empty entries here, though it writes them for a resource that was just registered.
        changes["property_dependencies"] = {key: deps for key, deps in properties.items() if deps}
        if resource.deleted_with and resource.deleted_with not in known:
            changes["deleted_with"] = ""
        if any(urn not in known for urn in resource.replace_with):
            changes["replace_with"] = tuple(urn for urn in resource.replace_with if urn in known)
        if resource.parent and resource.parent not in known:
            changes["parent"] = ""
        kept.append(replace(resource, **changes))  # type: ignore[arg-type]
        known.add(resource.urn)
    return kept


def with_new_urns(resource: Resource, names: Mapping[str, str]) -> Resource:
    """The resource, with its references to renamed resources updated."""
    provider, _, id_ = resource.provider.rpartition("::")
    if not names.keys() & {*_referenced(resource), provider}:
        return resource
    return replace(
        resource,
        parent=names.get(resource.parent, resource.parent),
        dependencies=tuple(names.get(urn, urn) for urn in resource.dependencies),
        property_dependencies={key: tuple(names.get(urn, urn) for urn in deps) for key, deps in resource.property_dependencies.items()},
        deleted_with=names.get(resource.deleted_with, resource.deleted_with),
        replace_with=tuple(names.get(urn, urn) for urn in resource.replace_with),
        provider=urns.reference(names.get(provider, provider), id_) if provider else "",
    )
