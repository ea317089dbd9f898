"""Vaults as Azure's answers show them, also the soft-deleted ones."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from local_azure_iot.host_names import CLOUDS
from local_azure_iot.key_vault import vaults
from local_azure_iot.resource_manager import resource_list, template_export
from local_azure_iot.resource_manager.template_export import Exported

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.resource_manager.resource_ids import ResourceId
    from local_azure_iot.store import Document

_EXPORTED_VERSION = "2024-11-01"
_SUFFIXES = {cloud.name: cloud.key_vault_suffix for cloud in CLOUDS}
# Older api-versions leave these out.
_MEMBERS_SINCE = {"systemData": "2020-04-01-preview"}
_PROPERTIES_SINCE = {"publicNetworkAccess": "2021-06-01-preview"}


def of_vault(azure: Azure, vault: Document, version: str) -> dict[str, Any]:
    """A vault."""
    uri = f"https://{vault['name'].lower()}.{_SUFFIXES[vault['cloud']]}/"
    return _json(vault, version, uri, "Succeeded" if vaults.is_ready(azure, vault) else "RegisteringDns")


def of_new_vault(vault: Document, version: str) -> dict[str, Any]:
    """A vault in the answer to the PUT that creates it: its host name is being registered, and its URI has no slash. As recorded."""
    return _json(vault, version, f"https://{vault['name'].lower()}.{_SUFFIXES[vault['cloud']]}", "RegisteringDns")


def of_deleted_vault(vault: Document) -> dict[str, Any]:
    """A soft-deleted vault."""
    location = f"/subscriptions/{vault['subscription']}/providers/Microsoft.KeyVault/locations/{vault['location']}"
    properties: dict[str, Any] = {
        "vaultId": vaults.identifier(vault),
        "location": vault["location"],
        "tags": vault["tags"],
        "deletionDate": _seconds(vault["deleted"]["at"]),
        "scheduledPurgeDate": _seconds(vault["deleted"]["scheduled"]),
    }
    if vault["properties"].get("enablePurgeProtection"):
        properties["purgeProtectionEnabled"] = True
    return {
        "id": f"{location}/deletedVaults/{vault['name']}",
        "name": vault["name"],
        "type": "Microsoft.KeyVault/deletedVaults",
        "properties": properties,
    }


def list_resources(azure: Azure, resource_id: ResourceId) -> list[dict[str, Any]]:
    """All vaults in a resource group or subscription, as the list of all resources shows them."""
    return [_resource(vault) for vault in vaults.vaults_in(azure, resource_id)]


def export(azure: Azure, resource_id: ResourceId) -> list[Exported]:
    """All vaults in a resource group as templates declare them."""
    found = []
    for vault in vaults.vaults_in(azure, resource_id):
        body = {"location": vault["location"], "tags": vault["tags"], "properties": vault["properties"]}
        found.append(Exported(vaults.identifier(vault), vaults.TYPE, _EXPORTED_VERSION, (vault["name"],), body))
    return found


resource_list.PROVIDERS.append(list_resources)
template_export.PROVIDERS.append(export)


def _resource(vault: Document) -> dict[str, Any]:
    return {
        "id": vaults.identifier(vault),
        "name": vault["name"],
        "type": vaults.TYPE,
        "location": vault["location"],
        "tags": vault["tags"],
    }


def _json(vault: Document, version: str, uri: str, state: str) -> dict[str, Any]:
    times = {"createdAt": _milliseconds(vault["created"]), "lastModifiedAt": _milliseconds(vault["changed"])}
    properties = {**vault["properties"], "vaultUri": uri, "provisioningState": state}
    body = {
        **_resource(vault),
        "systemData": {"createdByType": "Application", "lastModifiedByType": "Application", **times},
        "properties": _known(properties, _PROPERTIES_SINCE, version),
    }
    return _known(body, _MEMBERS_SINCE, version)


def _known(members: dict[str, Any], since: dict[str, str], version: str) -> dict[str, Any]:
    return {name: value for name, value in members.items() if version >= since.get(name, "")}


def _milliseconds(moment: str) -> str:
    return datetime.fromisoformat(moment).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _seconds(moment: str) -> str:
    return datetime.fromisoformat(moment).strftime("%Y-%m-%dT%H:%M:%SZ")
