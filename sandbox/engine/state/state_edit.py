"""Manual edits of a stack's state: remove or unprotect a resource in the state without touching the real one."""

from __future__ import annotations

from typing import Any

from sandbox.engine.errors import EngineError

Deployment = dict[str, Any]


class StateEditError(EngineError):
    """The edit would leave an inconsistent state, or names a resource that does not exist."""


def unprotected(deployment: Deployment, urns: list[str] | None) -> tuple[Deployment, int]:
    """(the deployment with these resources unprotected, or all if None; how many were).

    Raises:
        StateEditError: a URN is not in the state.
    """
    resources = deployment.get("resources") or []
    for urn in urns or []:
        _located(resources, urn)
    chosen = [not item.get("delete") and (urns is None or item["urn"] in urns) for item in resources]
    changed = [
        {key: value for key, value in item.items() if key != "protect"} if hit else item
        for item, hit in zip(resources, chosen, strict=True)
    ]
    return {**deployment, "resources": changed}, sum(chosen)


def deleted(deployment: Deployment, urns: list[str], *, force: bool, target_dependents: bool) -> tuple[Deployment, list[str]]:
    """(the deployment without these resources, the removed URNs).

    Raises:
        StateEditError: one does not exist, is protected (without `force`), or others depend on it (without `target_dependents`).
    """
    resources = deployment.get("resources") or []
    removed = {urn for urn in urns if _located(resources, urn)}
    dependents = _dependents(resources, removed)
    if dependents and not target_dependents:
        listed = "\n".join(f" * '{urn.rpartition('::')[2]}' ({urn})" for urn in dependents)
        named = next(iter(urns))
        raise StateEditError(
            f"{named} can't be safely deleted because the following resources depend on it:\n{listed}\n\n"
            "Delete those resources first or pass --target-dependents."
        )
    removed.update(dependents)
    for item in resources:
        if item["urn"] in removed and item.get("protect") and not force:
            raise StateEditError(
                f"{item['urn']} can't be safely deleted because it is protected. Re-run this command with --force to force deletion"
            )
    return {**deployment, "resources": [item for item in resources if item["urn"] not in removed]}, sorted(removed)


def _located(resources: list[dict[str, Any]], urn: str) -> bool:
    if any(item["urn"] == urn for item in resources):
        return True
    raise StateEditError(
        f'No such resource "{urn}" exists in the current state\n'
        "To list the resource URNs in the stack, run `stack --show-urns`; to inspect the full state, run `stack export`."
    )


def _dependents(resources: list[dict[str, Any]], removed: set[str]) -> list[str]:
    """URNs of direct and indirect dependents of the resources to remove, without those themselves, in state order."""
    needed = set(removed)
    found = []
    for item in resources:
        if item["urn"] not in needed and needed & set(_needs(item)):
            needed.add(item["urn"])
            found.append(item["urn"])
    return found


def _needs(item: dict[str, Any]) -> list[str]:
    by_property = [urn for urns in (item.get("propertyDependencies") or {}).values() for urn in urns or []]
    provider = str(item.get("provider") or "").rpartition("::")[0]
    return [item.get("parent") or "", *(item.get("dependencies") or []), *by_property, provider, item.get("deletedWith") or ""]
