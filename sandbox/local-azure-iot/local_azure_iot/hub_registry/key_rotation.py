"""New keys for devices and modules, in one call.

Source: `POST /devices/keys/regenerate` in az CLI's extension, azext_iot/sdk/iothub/service (github.com/Azure/azure-iot-cli-extension).
Which identities Azure refuses, and how many it takes, is a guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import errors, identities, modules
from local_azure_iot.microsoft_devices.shared_access_policies import new_key

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

_WHICH = {"primarykey": ("primaryKey", (0,)), "secondarykey": ("secondaryKey", (1,)), "both": ("both", (0, 1))}


def rotate(azure: Azure, hub_key: str, policy_key: str | None, items: list[dict[str, Any]]) -> dict[str, Any]:
    """Give each device or module of ``items`` (`id`, perhaps `moduleId`) new keys; returns `{policyKey, rotatedKeys, errors}`.

    Raises:
        RegistryError: ``policy_key`` is not primaryKey, secondaryKey or both, or there are too many items. Nothing is written.
    """
    if (policy_key or "").lower() not in _WHICH:
        raise errors.argument_invalid(f"policyKey must be primaryKey, secondaryKey or both; it is {errors.said(policy_key)}")
    if len(items) > errors.MAX_BULK:
        raise errors.too_many_devices(len(items))
    name, places = _WHICH[(policy_key or "").lower()]
    rotated: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    for item in items:
        who = {"id": str(item.get("id") or ""), "moduleId": item.get("moduleId")}
        try:
            keys = _rotate_one(azure, hub_key, who, places)
        except errors.RegistryError as error:
            refused.append({**who, "errorCode": error.number, "errorStatus": error.message})
        else:
            rotated.append({**who, "primaryKey": keys[0], "secondaryKey": keys[1]})
    return {"policyKey": name, "rotatedKeys": rotated, "errors": refused}


def _rotate_one(azure: Azure, hub_key: str, who: dict[str, Any], places: tuple[int, ...]) -> list[str]:
    device = identities.require(azure, hub_key, who["id"])
    if not who["moduleId"]:
        keys = _new_keys(device, places)
        identities.change_authentication(azure, hub_key, device, {**device["auth"], "keys": keys})
        return keys
    module = modules.require(azure, hub_key, device["id"], who["moduleId"])
    keys = _new_keys(module, places)
    modules.change_authentication(azure, hub_key, module, {**module["auth"], "keys": keys})
    return keys


def _new_keys(identity: Document, places: tuple[int, ...]) -> list[str]:
    if identity["auth"]["type"] != "sas":
        raise errors.argument_invalid(f"'{identity['id']}' has no keys: its authentication is '{identity['auth']['type']}'")
    return [new_key() if place in places else key for place, key in enumerate(identity["auth"]["keys"])]
