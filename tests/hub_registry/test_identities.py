"""Device identities over HTTP: Azure's rules for etags, authentication and errors."""

import base64

import pytest

from tests.kit.hub_client import HubClient

_THUMBPRINT = "A361EA6A7119A8B0B7BBFFA2EAFDAD1F9D5BED8C"


def test_put_without_if_match_only_creates(door: HubClient) -> None:
    """The first PUT makes the device (200), the second is refused as 409 DeviceAlreadyExists, even with the etag in its body."""
    made = door.put("press-001")
    again = door.ask("PUT", "/devices/press-001", json=made)
    assert (again.status_code, again.headers["iothub-errorcode"]) == (409, "DeviceAlreadyExists")
    assert again.json()["Message"] == "ErrorCode:DeviceAlreadyExists;A device with ID 'press-001' is already registered."


def test_put_with_if_match_only_updates(door: HubClient) -> None:
    """404 where there is nothing, 412 by a stale etag, 200 by the etag (quoted or bare) or by a star; the etag counts up by one."""
    body = {"deviceId": "press-001", "authentication": {"type": "certificateAuthority"}, "status": "disabled", "statusReason": "worn"}
    assert door.ask("PUT", "/devices/press-001", json=body, headers={"If-Match": "*"}).status_code == 404
    first = door.put("press-001")["etag"]
    second = door.ask("PUT", "/devices/press-001", json=body, headers={"If-Match": f'"{first}"'})
    assert second.json()["statusReason"] == "worn"
    assert second.headers["etag"] == f'"{second.json()["etag"]}"'
    stale = door.ask("PUT", "/devices/press-001", json=body, headers={"If-Match": first})
    assert (stale.status_code, stale.headers["iothub-errorcode"]) == (412, "PreconditionFailed")
    third = door.ask("PUT", "/devices/press-001", json=body, headers={"If-Match": "*"}).json()
    numbers = [int(base64.b64decode(each)) for each in (first, second.json()["etag"], third["etag"])]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


def test_delete_needs_if_match(door: HubClient) -> None:
    """412 without one and by a stale one, 204 by a star, then 404."""
    door.put("press-001")
    assert door.ask("DELETE", "/devices/press-001").status_code == 412
    assert door.ask("DELETE", "/devices/press-001", headers={"If-Match": '"MTIz"'}).status_code == 412
    gone = door.ask("DELETE", "/devices/press-001", headers={"If-Match": "*"})
    assert (gone.status_code, gone.content) == (204, b"")
    for method in ("GET", "DELETE"):
        missing = door.ask(method, "/devices/press-001", headers={"If-Match": "*"})
        assert (missing.status_code, missing.headers["iothub-errorcode"]) == (404, "DeviceNotFound")


def test_an_update_puts_a_whole_device_in_place_of_another(door: HubClient) -> None:
    """What an update leaves out is the default again: keys are minted anew, the status is enabled. The twin's tags stay."""
    door.put("press-001", authentication={"type": "sas"}, status="disabled")
    door.ask("PATCH", "/twins/press-001", json={"tags": {"line": 7}}).raise_for_status()
    before = door.ask("GET", "/devices/press-001").json()
    after = door.ask("PUT", "/devices/press-001", json={"deviceId": "press-001"}, headers={"If-Match": "*"}).json()
    assert after["status"] == "enabled"
    assert after["authentication"]["symmetricKey"] != before["authentication"]["symmetricKey"]
    assert door.ask("GET", "/twins/press-001").json()["tags"] == {"line": 7}


def test_how_each_kind_of_authentication_is_shown(door: HubClient) -> None:
    """By CA: neither keys nor thumbprints. Self-signed: the thumbprints. By keys: 32 bytes in base64, two of them."""
    by_ca = door.put("by-ca")["authentication"]
    assert by_ca == {
        "symmetricKey": {"primaryKey": None, "secondaryKey": None},
        "x509Thumbprint": {"primaryThumbprint": None, "secondaryThumbprint": None},
        "type": "certificateAuthority",
    }
    pair = {"primaryThumbprint": _THUMBPRINT, "secondaryThumbprint": _THUMBPRINT[::-1]}
    assert door.put("own", authentication={"type": "selfSigned", "x509Thumbprint": pair})["authentication"]["x509Thumbprint"] == pair
    keys = door.put("by-key", authentication={"type": "sas"})["authentication"]["symmetricKey"]
    assert [len(base64.b64decode(key)) for key in keys.values()] == [32, 32]


@pytest.mark.parametrize(("members", "name"), [
    ({"authentication": {"type": "none"}}, "ArgumentInvalid"),
    ({"authentication": {"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": "A3:61"}}}, "StringIsNotThumbprint"),
    ({"authentication": {"symmetricKey": {"primaryKey": "c2hvcnQ=", "secondaryKey": "c2hvcnQ="}}}, "ArgumentInvalid"),
    ({"status": "retired"}, "ArgumentInvalid"),
    ({"statusReason": "x" * 129}, "ArgumentInvalid"),
    ({"deviceId": "another"}, "ArgumentInvalid"),
])  # fmt: skip
def test_a_bad_member_is_refused(door: HubClient, members: dict[str, object], name: str) -> None:
    """400 with the error's name in the header, and no device is made."""
    answer = door.ask("PUT", "/devices/press-001", json={"deviceId": "press-001"} | members)
    assert (answer.status_code, answer.headers["iothub-errorcode"]) == (400, name)
    assert door.ask("GET", "/devices/press-001").status_code == 404


def test_ids_keep_their_case_and_their_signs(door: HubClient) -> None:
    """`A` and `a` are two devices; every sign that Azure allows can stand in an id, and nothing else."""
    signs = "-.%_*?!(),:=@$'"
    for device in ("A", "a", signs, "x" * 128):
        assert door.put(device)["deviceId"] == device
    assert sorted(each["deviceId"] for each in door.ask("GET", "/devices").json()) == sorted(("A", "a", signs, "x" * 128))
    for device in ("ü", "a b", "x" * 129):
        assert door.ask("PUT", f"/devices/{device}", json={"deviceId": device}).status_code == 400


def test_an_edge_device_has_a_scope_of_its_own(door: HubClient) -> None:
    """Azure makes it from id and generation."""
    made = door.put("gateway", capabilities={"iotEdge": True})
    assert made["capabilities"] == {"iotEdge": True}
    assert made["deviceScope"] == f"ms-azure-iot-edge://gateway-{made['generationId']}"


def test_statistics_count_devices(door: HubClient) -> None:
    """At the hub's own door, and at ARM."""
    door.put("a")
    door.put("b", status="disabled")
    expected = {"totalDeviceCount": 2, "enabledDeviceCount": 1, "disabledDeviceCount": 1}
    assert door.ask("GET", "/statistics/devices").json() == expected
    assert door.azure.ask("GET", f"{door.hub.id}/IotHubStats").json() == expected
    assert door.ask("GET", "/statistics/service").json() == {"connectedDeviceCount": 0}


def test_devices_go_with_their_hub(door: HubClient) -> None:
    """A hub made again under the same name is empty; while there is none its name answers 401 IotHubNotFound."""
    door.put("press-001")
    door.hub.vanish()
    gone = door.ask("GET", "/devices/press-001")
    assert (gone.status_code, gone.headers["iothub-errorcode"]) == (401, "IotHubNotFound")
    door.azure.ask("PUT", door.hub.id, json={"location": "westus", "sku": {"name": "S1", "capacity": 1}, "properties": {}})
    door.azure.until(lambda: door.azure.ask("GET", door.hub.id).json()["properties"].get("state") == "Active")
    door.authorization = HubClient(door.azure, door.hub).authorization
    assert door.ask("GET", "/devices").json() == []
