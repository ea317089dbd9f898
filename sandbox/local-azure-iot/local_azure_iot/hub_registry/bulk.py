"""Up to a hundred devices and modules in one call. Each is handled on its own; the answer lists those that were refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import bulk_modules, entries, errors, identities, twins

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document


def apply(azure: Azure, hub_key: str, items: list[Any]) -> dict[str, Any]:
    """Carry out the items; returns `{isSuccessful, errors, warnings}`.

    Raises:
        RegistryError: There are too many items, or one is not an object. Nothing is written.
    """
    if len(items) > errors.MAX_BULK:
        raise errors.too_many_devices(len(items))
    refused: list[dict[str, Any]] = []
    seen: set[tuple[str, str]] = set()
    for item in items:
        if not isinstance(item, dict):
            raise errors.json_invalid("each item must be an object")
        device_id, module_id = str(item.get("id") or ""), item.get("moduleId") or None
        try:
            if (device_id, str(module_id)) in seen:
                raise errors.defined_twice(device_id)
            seen.add((device_id, str(module_id)))
            apply_item(azure, hub_key, item, default_mode="create")
        except errors.RegistryError as error:
            operation = str(item.get("importMode") or "create")
            entry = {"deviceId": device_id, "errorCode": error.number, "errorStatus": error.message, "moduleId": module_id}
            refused.append({**entry, "operation": operation})
    return {"isSuccessful": not refused, "errors": refused, "warnings": []}


def apply_item(azure: Azure, hub_key: str, item: dict[str, Any], *, default_mode: str) -> None:
    """Carry out one item, of a device or of a module; ``default_mode`` where it names none.

    Raises:
        RegistryError: Its mode is unknown, a member is invalid, or what it is about is not as the mode demands.
    """
    mode = str(item.get("importMode") or default_mode).lower()
    if mode not in _MODES:
        raise errors.argument_invalid(f"importMode '{item.get('importMode')}' is not one of {', '.join(_NAMES)}")
    if item.get("moduleId"):
        bulk_modules.apply_item(azure, hub_key, item, mode)
    else:
        _MODES[mode](azure, hub_key, str(item.get("id") or ""), item)


def _create(azure: Azure, hub_key: str, device_id: str, item: dict[str, Any]) -> None:
    twin = twins.new_twin(azure.clock.now())
    if item.get("tags") is not None or item.get("properties"):
        twins.update(twin, item, azure.clock.now(), replace=False)
        twin["etag"] -= 1  # created with its device, in one write
    identities.create(azure, hub_key, {**item, "deviceId": device_id}, twin)


def _update(azure: Azure, hub_key: str, device_id: str, item: dict[str, Any]) -> None:
    identities.update(azure, hub_key, identities.require(azure, hub_key, device_id), item)


def _update_if_match(azure: Azure, hub_key: str, device_id: str, item: dict[str, Any]) -> None:
    identities.update(azure, hub_key, _require_if_match(azure, hub_key, device_id, item), item)


def _delete(azure: Azure, hub_key: str, device_id: str, _item: dict[str, Any]) -> None:
    identities.delete(azure, hub_key, identities.require(azure, hub_key, device_id))


def _delete_if_match(azure: Azure, hub_key: str, device_id: str, item: dict[str, Any]) -> None:
    identities.delete(azure, hub_key, _require_if_match(azure, hub_key, device_id, item))


def _update_twin(azure: Azure, hub_key: str, device_id: str, item: dict[str, Any]) -> None:
    identities.change_twin(azure, hub_key, identities.require(azure, hub_key, device_id), item)


def _update_twin_if_match(azure: Azure, hub_key: str, device_id: str, item: dict[str, Any]) -> None:
    device = identities.require(azure, hub_key, device_id)
    if not twins.matches(str(item.get("twinETag") or item.get("eTag") or ""), device["twin"]):
        raise errors.etag_invalid()
    identities.change_twin(azure, hub_key, device, item)


def _create_or_update(azure: Azure, hub_key: str, device_id: str, item: dict[str, Any]) -> None:
    device = identities.find(azure, hub_key, device_id)
    if device is None:
        _create(azure, hub_key, device_id, item)
        return
    if item.get("twinETag") and not twins.matches(str(item["twinETag"]), device["twin"]):
        raise errors.etag_invalid()
    identities.update(azure, hub_key, device, item)
    if item.get("tags") is not None or item.get("properties"):
        identities.change_twin(azure, hub_key, device, item)


def _create_or_update_if_match(azure: Azure, hub_key: str, device_id: str, item: dict[str, Any]) -> None:
    if identities.find(azure, hub_key, device_id) is not None:
        _require_if_match(azure, hub_key, device_id, item)
    _create_or_update(azure, hub_key, device_id, item)


def _require_if_match(azure: Azure, hub_key: str, device_id: str, item: dict[str, Any]) -> Document:
    device = identities.require(azure, hub_key, device_id)
    if not entries.matches(str(item.get("eTag") or ""), device):
        raise errors.etag_invalid()
    return device


_NAMES: dict[str, Callable[[Azure, str, str, dict[str, Any]], None]] = {
    "create": _create,
    "update": _update,
    "updateIfMatchETag": _update_if_match,
    "delete": _delete,
    "deleteIfMatchETag": _delete_if_match,
    "updateTwin": _update_twin,
    "updateTwinIfMatchETag": _update_twin_if_match,
    "createOrUpdate": _create_or_update,
    "createOrUpdateIfMatchETag": _create_or_update_if_match,
}
_MODES = {name.lower(): function for name, function in _NAMES.items()}
