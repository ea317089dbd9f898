"""All resources of a subscription or resource group, whatever their type, and the filter of such a list.

Source: https://learn.microsoft.com/rest/api/resources/resources/list
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local_azure_iot.resource_manager import errors, groups

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.resource_manager.resource_ids import ResourceId

    # One provider's resources in a group or subscription: id, name, type, location, tags.
    ListResources = Callable[[Azure, ResourceId], list[dict[str, Any]]]

PROVIDERS: list[ListResources] = []  # each resource provider adds a function
_CONDITION = re.compile(r"\s*(\w+)\s+eq\s+'([^']*)'\s*", re.IGNORECASE)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)


def resources_in(azure: Azure, resource_id: ResourceId, text: str) -> list[dict[str, Any]]:
    """The resources that fit a filter such as `resourceType eq 'Microsoft.KeyVault/vaults' and name eq 'kv'`; an empty one fits all.

    Raises:
        ArmError: The resource group does not exist, or the filter has another form.
    """
    if resource_id.group:
        groups.require(azure, resource_id)
    wanted = _conditions(text)
    found = [each for list_resources in PROVIDERS for each in list_resources(azure, resource_id)]
    return [each for each in found if _fits(each, wanted)]


def _conditions(text: str) -> dict[str, str]:
    conditions: dict[str, str] = {}
    for part in _AND.split(text) if text.strip() else ():
        match = _CONDITION.fullmatch(part)
        if match is None or match[1].lower() not in _VALUES:
            raise errors.filter_invalid(text)
        conditions[match[1].lower()] = match[2].lower()
    return conditions


def _fits(resource: dict[str, Any], wanted: dict[str, str]) -> bool:
    return all(value in _VALUES[name](resource) for name, value in wanted.items())


# What a resource has under each name that a filter may compare, in lower case.
_VALUES: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "resourcetype": lambda resource: [resource["type"].lower()],
    "name": lambda resource: [resource["name"].lower()],
    "location": lambda resource: [resource["location"].lower()],
    "resourcegroup": lambda resource: [resource["id"].split("/")[4].lower()],
    "tagname": lambda resource: [name.lower() for name in resource["tags"]],
    "tagvalue": lambda resource: [value.lower() for value in resource["tags"].values()],
}
