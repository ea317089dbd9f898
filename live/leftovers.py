"""What a failed `destroy` has left in Azure, from the stack's state, and the command that deletes it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from live.scenario import NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_GROUP = "azure-native:resources:ResourceGroup"


def left(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, subscription: str) -> list[str]:
    """Lines that name what is left and how it is deleted; empty if nothing is.

    Args:
        before: the state before `destroy`; what was being created then may exist, although the state after it forgot that.
        after: the state after it; None if it can't be read.
        subscription: its id.
    """
    if after is None or before is None:
        return [
            "The stack's state can't be read, so nobody knows what is left. Look for resource groups of this run:",
            f"  az group list --subscription {subscription} --query \"[?starts_with(name, '{NAME}')].name\" --output tsv",
            f"and delete each: az group delete --subscription {subscription} --yes --name NAME",
        ]
    remaining = [each for each in after.get("resources") or [] if str(each.get("type", "")).startswith("azure-native:")]
    begun = [each["resource"] for state in (before, after) for each in state.get("pending_operations") or []]
    had = {_group(each) for each in before.get("resources") or [] if each.get("type") == _GROUP}
    in_groups = {name for each in (*remaining, *begun) if (name := _group(each))}
    groups = sorted(in_groups - (had - {_group(each) for each in remaining}))
    if groups:
        commands = [f"  az group delete --subscription {subscription} --yes --name {name}" for name in groups]
        return ["Left in Azure, with all that is in it. This deletes it:", *commands]
    ids = sorted(_ids(remaining))
    return ["Left in Azure. This deletes it:", *(f"  az resource delete --ids {each}" for each in ids)] if ids else []


def _group(resource: Mapping[str, Any]) -> str | None:
    """The resource group that a resource is, or is in."""
    parts = str(resource.get("id", "")).split("/")
    if len(parts) > 4 and parts[3].lower() == "resourcegroups":  # noqa: PLR2004 - /subscriptions/S/resourceGroups/NAME
        return parts[4]
    named = (resource.get("inputs") or {}).get("resourceGroupName")
    return named if isinstance(named, str) and str(resource.get("type", "")).startswith("azure-native:") else None


def _ids(resources: Iterable[Mapping[str, Any]]) -> set[str]:
    return {str(each["id"]) for each in resources if str(each.get("id", "")).startswith("/")}
