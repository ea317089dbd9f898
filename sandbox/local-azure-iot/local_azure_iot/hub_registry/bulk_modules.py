"""A module as an item of a bulk call, or as a line of an import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import entries, errors, identities, modules, twins

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure


def apply_item(azure: Azure, hub_key: str, item: dict[str, Any], mode: str) -> None:
    """Carry out an item by its ``mode`` in lower case, one of those of devices.

    Raises:
        RegistryError: A member is invalid, or the module is not as the mode demands.
    """
    device_id, module_id = identities.require(azure, hub_key, str(item.get("id") or ""))["id"], str(item["moduleId"])
    module = modules.find(azure, hub_key, device_id, module_id)
    if mode == "create" or (module is None and mode.startswith("createorupdate")):
        module = modules.create(azure, hub_key, device_id, item)
        _write_twin(azure, hub_key, module, item)
        return
    module = module or modules.require(azure, hub_key, device_id, module_id)
    of_twin = mode.startswith("updatetwin")
    if mode.endswith("ifmatchetag"):
        sent = str((item.get("twinETag") if of_twin else None) or item.get("eTag") or "")
        if not (twins.matches(sent, module["twin"]) if of_twin else entries.matches(sent, module)):
            raise errors.etag_invalid()
    if mode.startswith("delete"):
        modules.delete(azure, hub_key, module)
        return
    if not of_twin:
        modules.update(azure, hub_key, module, item)
    if of_twin or mode.startswith("createorupdate"):
        _write_twin(azure, hub_key, module, item)


def _write_twin(azure: Azure, hub_key: str, module: dict[str, Any], item: dict[str, Any]) -> None:
    if item.get("tags") is not None or item.get("properties"):
        modules.change_twin(azure, hub_key, module, item, replace=False)
