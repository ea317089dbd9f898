"""The template of a resource group's resources: what `az group export` asks for.

Source: https://learn.microsoft.com/rest/api/resources/resource-groups/export-template
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local_azure_iot.resource_manager import errors, groups

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.resource_manager.resource_ids import ResourceId

    # One provider's resources in a group, each parent before its children.
    ExportResources = Callable[[Azure, ResourceId], list["Exported"]]

_SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
_WITHOUT_PARAMETERS = {"skipallparameterization", "skipresourcenameparameterization"}
PROVIDERS: list[ExportResources] = []  # each resource provider adds a function


@dataclass(frozen=True)
class Exported:
    """One resource as a template declares it. `names` are its parents' names and its own; `body` is what can be written of it."""

    id: str
    type: str
    api_version: str
    names: tuple[str, ...]
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def parent(self) -> str:
        """The id of the resource to which it belongs, or the empty string."""
        return self.id.rsplit("/", 2)[0] if len(self.names) > 1 else ""


def template(azure: Azure, resource_id: ResourceId, wanted: list[str], options: str) -> dict[str, Any]:
    """The template of the resources with the ids `wanted` and of their children; `*` is all of the group.

    Raises:
        ArmError: The group does not exist, or a resource is not in it.
    """
    groups.require(azure, resource_id)
    exported = [each for provider in PROVIDERS for each in provider(azure, resource_id)]
    chosen = exported if "*" in wanted else [each for each in exported if _is_wanted(each, wanted)]
    found = {each.id.lower() for each in chosen}
    for each in wanted:
        if each != "*" and each.lower().rstrip("/") not in found:
            raise errors.resource_not_found("/".join(each.strip("/").split("/")[-3:]), resource_id.group)
    named = not _WITHOUT_PARAMETERS & {option.strip().lower() for option in options.split(",")}
    parameters = {_parameter(each): {"defaultValue": each.names[0], "type": "String"} for each in chosen if named and len(each.names) == 1}
    resources = [_declaration(each, parameters, {other.id for other in chosen}) for each in chosen]
    return {"$schema": _SCHEMA, "contentVersion": "1.0.0.0", "parameters": parameters, "variables": {}, "resources": resources}


def _is_wanted(resource: Exported, wanted: list[str]) -> bool:
    own = resource.id.lower()
    return any(own == each.lower().rstrip("/") or own.startswith(f"{each.lower().rstrip('/')}/") for each in wanted)


def _parameter(resource: Exported) -> str:
    """The name of the parameter for a resource's name, as `IotHubs_my_hub_name`."""
    kind = resource.type.split("/")[1]
    return f"{kind}_{re.sub('[^0-9A-Za-z]', '_', resource.names[0])}_name"


def _declaration(resource: Exported, parameters: dict[str, Any], chosen: set[str]) -> dict[str, Any]:
    parameter = _parameter(resource)
    if parameter in parameters:
        rest = "/".join(resource.names[1:])
        name = f"[concat(parameters('{parameter}'), '/{rest}')]" if rest else f"[parameters('{parameter}')]"
        parent_name = f"parameters('{parameter}')"
    else:
        name, parent_name = "/".join(resource.names), f"'{resource.names[0]}'"
    declared: dict[str, Any] = {"type": resource.type, "apiVersion": resource.api_version, "name": name}
    if resource.parent in chosen:
        declared["dependsOn"] = [f"[resourceId('{resource.type.rpartition('/')[0]}', {parent_name})]"]
    return {**declared, **resource.body}
