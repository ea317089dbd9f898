"""Modules of devices over HTTP: identities, twins, etags, and what becomes of them with their device."""

from typing import Any

from tests.kit.hub_client import HubClient

_CA = {"type": "certificateAuthority"}
_ANY = {"If-Match": "*"}


def _put(registry: HubClient, device: str, module: str, headers: dict[str, str] | None = None, **members: Any) -> Any:
    body = {"deviceId": device, "moduleId": module, "authentication": _CA, **members}
    return registry.ask("PUT", f"/devices/{device}/modules/{module}", json=body, headers=headers)


def _ids(registry: HubClient, device: str) -> list[str]:
    return [each["moduleId"] for each in registry.ask("GET", f"/devices/{device}/modules").raise_for_status().json()]


def test_the_life_of_a_module(registry: HubClient) -> None:
    """Created by a PUT without If-Match, replaced with one, its twin apart from the device's; deleted by its etag, and with its device."""
    registry.put("press-001")
    created = _put(registry, "press-001", "camera", managedBy="us")
    assert (created.status_code, created.headers["etag"]) == (201, f'"{created.json()["etag"]}"')
    assert (created.json()["managedBy"], created.json()["authentication"]["type"]) == ("us", "certificateAuthority")
    again = _put(registry, "press-001", "camera")
    assert (again.status_code, again.headers["iothub-errorcode"]) == (409, "ModuleAlreadyExistsOnDevice")
    assert _put(registry, "press-001", "camera", {"If-Match": '"MTIz"'}).status_code == 412
    changed = _put(registry, "press-001", "camera", {"If-Match": created.json()["etag"]}, authentication={"type": "sas"})
    assert (changed.status_code, changed.json()["managedBy"], len(changed.json()["authentication"]["symmetricKey"])) == (200, None, 2)
    place = "/twins/press-001/modules/camera"
    twin = registry.ask("PATCH", place, json={"tags": {"a": 1}, "properties": {"desired": {"b": 2}}}).json()
    assert (twin["moduleId"], twin["tags"], twin["properties"]["desired"]["b"]) == ("camera", {"a": 1}, 2)
    assert registry.ask("PATCH", place, json={"tags": {}}, headers={"If-Match": '"MTIz"'}).status_code == 412
    assert registry.ask("PUT", place, json={"tags": {"c": 1}}, headers={"If-Match": twin["etag"]}).json()["tags"] == {"c": 1}
    assert registry.ask("GET", "/twins/press-001").json()["tags"] == {}
    assert registry.ask("GET", place).json()["deviceEtag"] == changed.json()["etag"]
    assert registry.ask("DELETE", "/devices/press-001/modules/camera").status_code == 412
    assert registry.ask("DELETE", "/devices/press-001/modules/camera", headers=_ANY).status_code == 204
    for path in ("/devices/press-001/modules/camera", place):
        gone = registry.ask("GET", path)
        assert (gone.status_code, gone.headers["iothub-errorcode"]) == (404, "ModuleNotFound")
    _put(registry, "press-001", "camera").raise_for_status()
    registry.ask("DELETE", "/devices/press-001", headers=_ANY).raise_for_status()
    registry.put("press-001")
    assert _ids(registry, "press-001") == []


def test_how_many_and_which_modules_there_are(registry: HubClient) -> None:
    """Those of IoT Edge come and go with the capability, 50 may be added, and nothing else than an id is one."""
    registry.put("gateway", capabilities={"iotEdge": True})
    assert _ids(registry, "gateway") == ["$edgeAgent", "$edgeHub"]
    for number in range(50):
        _put(registry, "gateway", f"m-{number:02}").raise_for_status()
    more = _put(registry, "gateway", "one-more")
    assert (more.status_code, more.headers["iothub-errorcode"]) == (413, "TooManyModulesOnDevice")
    assert len(_ids(registry, "gateway")) == 52
    registry.ask("PUT", "/devices/gateway", json={"deviceId": "gateway"}, headers=_ANY).raise_for_status()
    assert len(_ids(registry, "gateway")) == 50
    assert _put(registry, "gateway", "a b").status_code == 400
    registry.put("leaf")
    other = registry.ask("PUT", "/devices/gateway/modules/a", json={"deviceId": "gateway", "moduleId": "b"})
    assert (other.status_code, _put(registry, "leaf", "x", managedBy=7).status_code) == (400, 400)


def test_who_may_ask(registry: HubClient) -> None:
    """By signature a missing or disabled device is 401; in the basic tier there are no modules."""
    registry.put("off", status="disabled")
    for device in ("none", "off"):
        assert registry.ask("GET", f"/devices/{device}/modules").status_code == 401
    registry.put("press-001")
    body = {"location": "westus", "sku": {"name": "B1", "capacity": 1}, "properties": {}}
    registry.azure.ask("PUT", registry.hub.id, json=body).raise_for_status()
    registry.azure.until(lambda: registry.azure.ask("GET", registry.hub.id).json()["properties"].get("state") == "Active")
    refused = _put(registry, "press-001", "camera")
    assert (refused.status_code, refused.headers["iothub-errorcode"]) == (403, "OperationNotAllowedInCurrentTier")
