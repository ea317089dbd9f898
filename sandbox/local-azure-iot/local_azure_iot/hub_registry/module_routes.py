"""Operations on the modules of a device, and on their twins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import entries, errors, identities, modules, tier, twins
from local_azure_iot.wire import NO_BODY, Reply

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import Request


def list_modules(azure: Azure, request: Request) -> Reply:
    """The modules of a device."""
    hub_key, device = _device(azure, request)
    return Reply(body=[modules.to_json(azure, hub_key, module) for module in modules.of_device(azure, hub_key, device["id"])])


def get_module(azure: Azure, request: Request) -> Reply:
    """A module; its etag is in the header too, in quotes."""
    return _reply(modules.to_json(azure, request.parameters["hub_key"], _module(azure, request)[2]))


def put_module(azure: Azure, request: Request) -> Reply:
    """Create a module (no If-Match: 201, 409 where it exists) or replace it (If-Match: 200, 404 where it does not exist)."""
    hub_key, device = _device(azure, request)
    body, if_match = request.json_object(), request.header("if-match")
    device_id, module_id = device["id"], request.parameters["mid"]
    if body.get("deviceId") != device_id or body.get("moduleId") != module_id:
        raise errors.argument_invalid(f"deviceId and moduleId in the body are not '{device_id}' and '{module_id}' of the path")
    if if_match is None:
        return _reply(modules.to_json(azure, hub_key, modules.create(azure, hub_key, device_id, body)), status=201)
    module = modules.require(azure, hub_key, device_id, module_id)
    if not entries.matches(if_match, module):
        raise errors.etag_invalid()
    return _reply(modules.to_json(azure, hub_key, modules.update(azure, hub_key, module, body)))


def delete_module(azure: Azure, request: Request) -> Reply:
    """Delete a module: 204."""
    if_match = request.header("if-match")
    if if_match is None:
        raise errors.etag_missing()
    hub_key, _, module = _module(azure, request)
    if not entries.matches(if_match, module):
        raise errors.etag_invalid()
    modules.delete(azure, hub_key, module)
    return Reply(status=204, body=NO_BODY)


def get_module_twin(azure: Azure, request: Request) -> Reply:
    """The twin of a module."""
    hub_key, device, module = _module(azure, request)
    return _reply(modules.twin_json(azure, hub_key, device, module))


def patch_module_twin(azure: Azure, request: Request) -> Reply:
    """Merge tags and desired properties into a module's twin."""
    return _write_twin(azure, request, replace=False)


def put_module_twin(azure: Azure, request: Request) -> Reply:
    """Replace the tags and desired properties of a module's twin."""
    return _write_twin(azure, request, replace=True)


def _write_twin(azure: Azure, request: Request, *, replace: bool) -> Reply:
    hub_key, device, module = _module(azure, request)
    if_match = request.header("if-match")
    if if_match is not None and not twins.matches(if_match, module["twin"]):
        raise errors.etag_invalid()
    modules.change_twin(azure, hub_key, module, request.json_object(), replace=replace)
    return _reply(modules.twin_json(azure, hub_key, device, module))


def _module(azure: Azure, request: Request) -> tuple[str, dict[str, Any], dict[str, Any]]:
    hub_key, device = _device(azure, request)
    return hub_key, device, modules.require(azure, hub_key, device["id"], request.parameters["mid"])


def _device(azure: Azure, request: Request) -> tuple[str, dict[str, Any]]:
    """The hub's key and the module's device. With a shared access signature a missing or disabled device was seen to be 401, not 404."""
    hub_key, device_id = request.parameters["hub_key"], request.parameters["id"]
    tier.require_standard(azure, hub_key)
    device = identities.find(azure, hub_key, device_id)
    by_signature = not (request.header("authorization") or "").lower().startswith("bearer ")
    if by_signature and (device is None or device["status"] != "enabled"):
        raise errors.unauthorized()
    return hub_key, device or identities.require(azure, hub_key, device_id)


def _reply(body: dict[str, Any], *, status: int = 200) -> Reply:
    return Reply(status=status, body=body, headers={"etag": f'"{body["etag"]}"'})
