"""Operations on a hub's device registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import bulk, entries, errors, identities, key_rotation, twin_shape, twins
from local_azure_iot.hub_registry import module_routes as modules
from local_azure_iot.hub_registry.query_routes import run_query
from local_azure_iot.hub_registry.throttle import Operation
from local_azure_iot.hub_registry.versions import VERSIONS
from local_azure_iot.microsoft_devices import hubs
from local_azure_iot.routing import Evidence, Route
from local_azure_iot.wire import NO_BODY, LaterReply, Reply, whole_number

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.routing import Handler
    from local_azure_iot.wire import Request

_MAX_LIST = 1000


def get_device(azure: Azure, request: Request) -> Reply:
    """A device; its etag is in the header too, in quotes."""
    return _device(azure, request, identities.require(azure, request.parameters["hub_key"], request.parameters["id"]))


def put_device(azure: Azure, request: Request) -> Reply:
    """Create a device (no If-Match: 409 where it exists) or replace it (If-Match: 404 where it does not exist): 200 for both."""
    hub_key, device_id = request.parameters["hub_key"], request.parameters["id"]
    body, if_match = request.json_object(), request.header("if-match")
    if body.get("deviceId") != device_id:
        raise errors.argument_invalid(f"deviceId in the body is {errors.said(body.get('deviceId'))}, and not '{device_id}' of the path")
    if if_match is None:
        return _device(azure, request, identities.create(azure, hub_key, body))
    device = identities.require(azure, hub_key, device_id)
    if not entries.matches(if_match, device):
        raise errors.etag_invalid()
    return _device(azure, request, identities.update(azure, hub_key, device, body))


def delete_device(azure: Azure, request: Request) -> Reply:
    """Delete a device: 204."""
    if_match = request.header("if-match")
    if if_match is None:
        raise errors.etag_missing()
    hub_key = request.parameters["hub_key"]
    device = identities.require(azure, hub_key, request.parameters["id"])
    if not entries.matches(if_match, device):
        raise errors.etag_invalid()
    identities.delete(azure, hub_key, device)
    return Reply(status=204, body=NO_BODY)


def list_devices(azure: Azure, request: Request) -> Reply:
    """The first devices, at most a thousand. There is no second page; queries have pages."""
    hub_key, text = request.parameters["hub_key"], request.query.get("top", str(_MAX_LIST))
    count = whole_number(text)
    if count is None or not 1 <= count <= _MAX_LIST:
        raise errors.argument_invalid(f"top must be 1 to {_MAX_LIST}, not '{text[:50]}'")
    devices = identities.first_devices(azure, hub_key, count)
    return Reply(body=[identities.to_json(azure, hub_key, device, request.api_version) for device in devices])


def post_devices(azure: Azure, request: Request) -> Reply:
    """Up to a hundred devices: 200 when all succeeded, 400 when some were refused; the others are written all the same."""
    result = bulk.apply(azure, request.parameters["hub_key"], request.json_array())
    return Reply(status=200 if result["isSuccessful"] else 400, body=result)


def regenerate_keys(azure: Azure, request: Request) -> Reply:
    """New keys for up to a hundred devices and modules: 200, or 207 where some were refused."""
    body = request.json_object({"policyKey": str, "devices": [{"id": str, "moduleId": str}]})
    result = key_rotation.rotate(azure, request.parameters["hub_key"], body.get("policyKey"), body.get("devices") or [])
    return Reply(status=207 if result["errors"] else 200, body=result)


def get_twin(azure: Azure, request: Request) -> Reply:
    """The twin of a device."""
    return _twin(azure, request, identities.require(azure, request.parameters["hub_key"], request.parameters["id"]))


def patch_twin(azure: Azure, request: Request) -> Reply:
    """Merge tags and desired properties into a twin."""
    return _write_twin(azure, request, replace=False)


def put_twin(azure: Azure, request: Request) -> Reply:
    """Replace a twin's tags and desired properties."""
    return _write_twin(azure, request, replace=True)


def _write_twin(azure: Azure, request: Request, *, replace: bool) -> Reply:
    hub_key, if_match = request.parameters["hub_key"], request.header("if-match")
    device = identities.require(azure, hub_key, request.parameters["id"])
    if if_match is not None and not twins.matches(if_match, device["twin"]):
        raise errors.etag_invalid()
    identities.change_twin(azure, hub_key, device, request.json_object(), replace=replace)
    return _twin(azure, request, device)


def device_statistics(azure: Azure, request: Request) -> LaterReply:
    """The number of devices in the registry."""

    async def answer() -> Reply:
        return Reply(body=await hubs.device_counts(azure, request.parameters["hub_key"]))

    return LaterReply(answer)


def service_statistics(azure: Azure, request: Request) -> Reply:
    """The number of connected devices."""
    return Reply(body={"connectedDeviceCount": azure.presence.count(f"{request.parameters['hub_key']}/")})


def _device(azure: Azure, request: Request, device: dict[str, Any]) -> Reply:
    body = identities.to_json(azure, request.parameters["hub_key"], device, request.api_version)
    return Reply(body=body, headers={"etag": f'"{body["etag"]}"'})


def _twin(azure: Azure, request: Request, device: dict[str, Any]) -> Reply:
    body: dict[str, Any] = twin_shape.to_json(azure, request.parameters["hub_key"], device)
    return Reply(body=body, headers={"etag": f'"{body["etag"]}"'})


RIGHTS: dict[str, tuple[str, Operation]] = {}  # by operation: the right that a policy needs, and the operation that the throttle counts
ROUTES: list[Route] = []


def _add(
    operation: str, line: str, handler: Handler, right: str, counted: Operation, action: str, evidence: Evidence, note: str = ""
) -> None:
    method, _, path = line.partition(" ")
    RIGHTS[operation] = (right, counted)
    action = f"Microsoft.Devices/IotHubs/{action}"
    ROUTES.append(
        Route(
            operation=operation, method=method, path=path, handler=handler, evidence=evidence, versions=VERSIONS,
            note=note, resource_type="Microsoft.Devices/IotHubs", action=action,
        )
    )  # fmt: skip


_READ, _WRITE, _TWINS = "RegistryRead", "RegistryWrite", "ServiceConnect"
_COUNTED, _RECORDED, _DOCUMENTED = Operation.REGISTRY, Evidence.RECORDED, Evidence.DOCUMENTED
_BULK = "guesses: errorCode as a number, a device twice in one call"
_add("Query_GetTwins", "POST /devices/query", run_query, _TWINS, Operation.QUERY, "twins/read", _DOCUMENTED, "guess: at most 1000 a page")
_add("BulkRegistry_UpdateRegistry", "POST /devices", post_devices, _WRITE, _COUNTED, "devices/write", _DOCUMENTED, _BULK)
_ROTATED = "its form is az CLI's extension's; guesses: 207 and its numbers, at most 100, which identities are refused"
_add(
    "Service_BulkRegenerateDeviceKeyMethod", "POST /devices/keys/regenerate", regenerate_keys, _WRITE, _COUNTED, "devices/write",
    _DOCUMENTED, _ROTATED,
)  # fmt: skip
_SCOPES = "parents are documented; guess: which scopes are refused"
_add("Devices_GetDevices", "GET /devices", list_devices, _READ, _COUNTED, "devices/read", _RECORDED)
_add("Devices_GetIdentity", "GET /devices/{id}", get_device, _READ, _COUNTED, "devices/read", _RECORDED, "guess: the 404's words")
_add("Devices_CreateOrUpdateIdentity", "PUT /devices/{id}", put_device, _WRITE, _COUNTED, "devices/write", _RECORDED, _SCOPES)
_add("Devices_DeleteIdentity", "DELETE /devices/{id}", delete_device, _WRITE, _COUNTED, "devices/delete", _RECORDED)
_add("Devices_GetTwin", "GET /twins/{id}", get_twin, _TWINS, Operation.TWIN_READ, "twins/read", _DOCUMENTED)
_add("Devices_UpdateTwin", "PATCH /twins/{id}", patch_twin, _TWINS, Operation.TWIN_WRITE, "twins/write", _DOCUMENTED)
_add("Devices_ReplaceTwin", "PUT /twins/{id}", put_twin, _TWINS, Operation.TWIN_WRITE, "twins/write", _DOCUMENTED)
_add("Statistics_GetDeviceStatistics", "GET /statistics/devices", device_statistics, _READ, _COUNTED, "statistics/read", _DOCUMENTED)
_add("Statistics_GetServiceStatistics", "GET /statistics/service", service_statistics, _TWINS, _COUNTED, "statistics/read", _DOCUMENTED)

_MODULE, _ONE = "/devices/{id}/modules/{mid}", "/twins/{id}/modules/{mid}"
_TIER = "guesses: messages, 50 modules beside those of IoT Edge; they can't connect: the name in their certificates is documented only"
_add("Modules_GetModulesOnDevice", "GET /devices/{id}/modules", modules.list_modules, _READ, _COUNTED, "devices/read", _DOCUMENTED)
_add("Modules_GetIdentity", f"GET {_MODULE}", modules.get_module, _READ, _COUNTED, "devices/read", _DOCUMENTED)
_add("Modules_CreateOrUpdateIdentity", f"PUT {_MODULE}", modules.put_module, _WRITE, _COUNTED, "devices/write", _DOCUMENTED, _TIER)
_add("Modules_DeleteIdentity", f"DELETE {_MODULE}", modules.delete_module, _WRITE, _COUNTED, "devices/delete", _DOCUMENTED)
_add("Modules_GetTwin", f"GET {_ONE}", modules.get_module_twin, _TWINS, Operation.TWIN_READ, "twins/read", _DOCUMENTED)
_add("Modules_UpdateTwin", f"PATCH {_ONE}", modules.patch_module_twin, _TWINS, Operation.TWIN_WRITE, "twins/write", _DOCUMENTED)
_add("Modules_ReplaceTwin", f"PUT {_ONE}", modules.put_module_twin, _TWINS, Operation.TWIN_WRITE, "twins/write", _DOCUMENTED)
