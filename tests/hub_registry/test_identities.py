"""Device identities over HTTP: Azure's rules for etags, authentication and errors."""

import base64

import pytest

from tests.kit.hub_client import HubClient

_THUMBPRINT = "A361EA6A7119A8B0B7BBFFA2EAFDAD1F9D5BED8C"


def test_put_without_if_match_only_creates(registry: HubClient) -> None:
    """The first PUT creates the device (200), the second is refused with 409 DeviceAlreadyExists, even with the etag in its body."""
    created = registry.put("press-001")
    again = registry.ask("PUT", "/devices/press-001", json=created)
    assert (again.status_code, again.headers["iothub-errorcode"]) == (409, "DeviceAlreadyExists")
    assert again.json()["Message"] == "ErrorCode:DeviceAlreadyExists;A device with ID 'press-001' is already registered."


def test_put_with_if_match_only_updates(registry: HubClient) -> None:
    """404 without a device, 412 with a stale etag, 200 with the current one (quoted or bare) or `*`; each update adds one to the etag."""
    body = {"deviceId": "press-001", "authentication": {"type": "certificateAuthority"}, "status": "disabled", "statusReason": "worn"}
    assert registry.ask("PUT", "/devices/press-001", json=body, headers={"If-Match": "*"}).status_code == 404
    first = registry.put("press-001")["etag"]
    second = registry.ask("PUT", "/devices/press-001", json=body, headers={"If-Match": f'"{first}"'})
    assert second.json()["statusReason"] == "worn"
    assert second.headers["etag"] == f'"{second.json()["etag"]}"'
    stale = registry.ask("PUT", "/devices/press-001", json=body, headers={"If-Match": first})
    assert (stale.status_code, stale.headers["iothub-errorcode"]) == (412, "PreconditionFailed")
    third = registry.ask("PUT", "/devices/press-001", json=body, headers={"If-Match": "*"}).json()
    numbers = [int(base64.b64decode(each)) for each in (first, second.json()["etag"], third["etag"])]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


def test_delete_needs_if_match(registry: HubClient) -> None:
    """412 without one or with a stale one, 204 with `*`, then 404."""
    registry.put("press-001")
    assert registry.ask("DELETE", "/devices/press-001").status_code == 412
    assert registry.ask("DELETE", "/devices/press-001", headers={"If-Match": '"MTIz"'}).status_code == 412
    gone = registry.ask("DELETE", "/devices/press-001", headers={"If-Match": "*"})
    assert (gone.status_code, gone.content) == (204, b"")
    for method in ("GET", "DELETE"):
        missing = registry.ask(method, "/devices/press-001", headers={"If-Match": "*"})
        assert (missing.status_code, missing.headers["iothub-errorcode"]) == (404, "DeviceNotFound")


def test_an_update_replaces_the_whole_device(registry: HubClient) -> None:
    """What an update leaves out gets its default: new keys, status enabled. The twin's tags stay."""
    registry.put("press-001", authentication={"type": "sas"}, status="disabled")
    registry.ask("PATCH", "/twins/press-001", json={"tags": {"line": 7}}).raise_for_status()
    before = registry.ask("GET", "/devices/press-001").json()
    after = registry.ask("PUT", "/devices/press-001", json={"deviceId": "press-001"}, headers={"If-Match": "*"}).json()
    assert after["status"] == "enabled"
    assert after["authentication"]["symmetricKey"] != before["authentication"]["symmetricKey"]
    assert registry.ask("GET", "/twins/press-001").json()["tags"] == {"line": 7}


def test_how_each_kind_of_authentication_is_shown(registry: HubClient) -> None:
    """By CA: neither keys nor thumbprints. Self-signed: the thumbprints. By keys: 32 bytes in base64, two of them."""
    by_ca = registry.put("by-ca")["authentication"]
    assert by_ca == {
        "symmetricKey": {"primaryKey": None, "secondaryKey": None},
        "x509Thumbprint": {"primaryThumbprint": None, "secondaryThumbprint": None},
        "type": "certificateAuthority",
    }
    pair = {"primaryThumbprint": _THUMBPRINT, "secondaryThumbprint": _THUMBPRINT[::-1]}
    assert registry.put("own", authentication={"type": "selfSigned", "x509Thumbprint": pair})["authentication"]["x509Thumbprint"] == pair
    keys = registry.put("by-key", authentication={"type": "sas"})["authentication"]["symmetricKey"]
    assert [len(base64.b64decode(key)) for key in keys.values()] == [32, 32]


@pytest.mark.parametrize(("members", "name"), [
    ({"authentication": {"type": "none"}}, "ArgumentInvalid"),
    ({"authentication": {"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": "A3:61"}}}, "StringIsNotThumbprint"),
    ({"authentication": {"symmetricKey": {"primaryKey": "c2hvcnQ=", "secondaryKey": "c2hvcnQ="}}}, "ArgumentInvalid"),
    ({"status": "retired"}, "ArgumentInvalid"),
    ({"statusReason": "x" * 129}, "ArgumentInvalid"),
    ({"deviceId": "another"}, "ArgumentInvalid"),
])  # fmt: skip
def test_a_bad_member_is_refused(registry: HubClient, members: dict[str, object], name: str) -> None:
    """400 with the error's name in the header, and no device is created."""
    answer = registry.ask("PUT", "/devices/press-001", json={"deviceId": "press-001"} | members)
    assert (answer.status_code, answer.headers["iothub-errorcode"]) == (400, name)
    assert registry.ask("GET", "/devices/press-001").status_code == 404


def test_ids_keep_their_case_and_characters(registry: HubClient) -> None:
    """`A` and `a` are two devices; an id may have the characters that Azure allows, and no others."""
    signs = "-.%_*?!(),:=@$'"
    for device in ("A", "a", signs, "x" * 128):
        assert registry.put(device)["deviceId"] == device
    assert sorted(each["deviceId"] for each in registry.ask("GET", "/devices").json()) == sorted(("A", "a", signs, "x" * 128))
    for device in ("ü", "a b", "x" * 129):
        assert registry.ask("PUT", f"/devices/{device}", json={"deviceId": device}).status_code == 400


def test_an_edge_device_has_its_own_scope_and_devices_below_it(registry: HubClient) -> None:
    """A leaf's `deviceScope` is copied to its parents; an edge device names one by `parentScopes`."""
    gateway = registry.put("gate-way", capabilities={"iotEdge": True}, deviceScope="ms-azure-iot-edge://mine-1")
    scope = gateway["deviceScope"]
    assert (gateway["capabilities"], scope) == ({"iotEdge": True}, f"ms-azure-iot-edge://gate-way-{gateway['generationId']}")
    leaf = registry.put("leaf", deviceScope=scope)
    inner = registry.put("inner", capabilities={"iotEdge": True}, parentScopes=[scope])
    assert (leaf["deviceScope"], leaf["parentScopes"], inner["parentScopes"]) == (scope, [scope], [scope])
    assert inner["deviceScope"] == f"ms-azure-iot-edge://inner-{inner['generationId']}"
    twin = registry.ask("GET", "/twins/leaf").json()
    assert (twin["deviceScope"], twin["parentScopes"]) == (scope, [scope])
    below = f"SELECT deviceId FROM devices WHERE array_contains(parentScopes, '{scope}')"  # noqa: S608 - no database behind it
    assert registry.query(below) == [[{"deviceId": "inner"}, {"deviceId": "leaf"}]]
    for members in (
        {"deviceScope": "ms-azure-iot-edge://none-1"},
        {"deviceScope": f"{scope}0"},
        {"deviceScope": 7},
        {"capabilities": {"iotEdge": True}, "parentScopes": [scope, inner["deviceScope"]]},
    ):
        answer = registry.ask("PUT", "/devices/other", json={"deviceId": "other", **members})
        assert (answer.status_code, answer.headers["iothub-errorcode"]) == (400, "ArgumentInvalid")
    around = {**gateway, "parentScopes": [inner["deviceScope"]]}
    assert registry.ask("PUT", "/devices/gate-way", json=around, headers={"If-Match": "*"}).status_code == 400
    registry.ask("DELETE", "/devices/gate-way", headers={"If-Match": "*"}).raise_for_status()
    kept = registry.ask("PUT", "/devices/leaf", json={**leaf, "status": "disabled"}, headers={"If-Match": "*"}).json()
    assert kept["parentScopes"] == [scope], "a device can be disabled although its parent is gone"
    removed = registry.ask("PUT", "/devices/leaf", json={**leaf, "deviceScope": ""}, headers={"If-Match": "*"}).json()
    assert (removed["deviceScope"], removed["parentScopes"]) == (None, [])


def test_statistics_count_devices(registry: HubClient) -> None:
    """In the hub's registry, and at ARM."""
    registry.put("a")
    registry.put("b", status="disabled")
    expected = {"totalDeviceCount": 2, "enabledDeviceCount": 1, "disabledDeviceCount": 1}
    assert registry.ask("GET", "/statistics/devices").json() == expected
    assert registry.azure.ask("GET", f"{registry.hub.id}/IotHubStats").json() == expected
    assert registry.ask("GET", "/statistics/service").json() == {"connectedDeviceCount": 0}


def test_devices_are_deleted_with_their_hub(registry: HubClient) -> None:
    """A hub created again under the same name is empty; while it does not exist, its name answers 401 IotHubNotFound."""
    registry.put("press-001")
    registry.hub.delete_hub()
    gone = registry.ask("GET", "/devices/press-001")
    assert (gone.status_code, gone.headers["iothub-errorcode"]) == (401, "IotHubNotFound")
    registry.azure.ask("PUT", registry.hub.id, json={"location": "westus", "sku": {"name": "S1", "capacity": 1}, "properties": {}})
    registry.azure.until(lambda: registry.azure.ask("GET", registry.hub.id).json()["properties"].get("state") == "Active")
    registry.authorization = HubClient(registry.azure, registry.hub).authorization
    assert registry.ask("GET", "/devices").json() == []


@pytest.mark.parametrize(
    ("desired", "status"),
    [
        ('{"n":' * 10 + '{"property": "value"}' + "}" * 10, 200),  # as documented: ten objects inside each other
        ('{"n":' * 11 + '{"property": "value"}' + "}" * 11, 400),
        ('{"n":' * 900 + "1" + "}" * 900, 400),
        ('{"n":' * 100_000 + "1" + "}" * 100_000, 400),
        ('{"n": 4503599627370495}', 200),
        ('{"n": 4503599627370496}', 400),
        ('{"n": [null]}', 400),
        ('{"a#": 1}', 400),
        ('{"a\\u2003": 1}', 400),
        (f'{{"{"x" * 1024}": "{"x" * 4096}"}}', 200),
        (f'{{"{"x" * 1025}": 1}}', 400),
        (f'{{"n": "{"x" * 4097}"}}', 400),
        ('{"n": "\\ud800"}', 400),
    ],
    ids=range(13),
)
def test_what_a_twin_can_hold(registry: HubClient, desired: str, status: int) -> None:
    """Azure's documented limits; whatever is nested how deeply, the answer is the registry's."""
    registry.put("press-001")
    body = f'{{"properties": {{"desired": {desired}}}}}'
    answer = registry.ask("PATCH", "/twins/press-001", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, "iothub-errorcode" in answer.headers) == (status, status != 200), answer.text


def test_keys_are_regenerated(registry: HubClient) -> None:
    """One key or both, of devices and modules; what has no keys or is not there is told, and the others are done."""
    before = {name: registry.put(name, authentication={"type": "sas"})["authentication"]["symmetricKey"] for name in ("a", "b")}
    registry.put("by-ca")
    module = {"deviceId": "a", "moduleId": "m", "authentication": {"type": "sas"}}
    of_module = registry.ask("PUT", "/devices/a/modules/m", json=module).json()["authentication"]["symmetricKey"]
    asked = [{"id": "a"}, {"id": "a", "moduleId": "m"}, {"id": "by-ca"}, {"id": "none"}]
    answer = registry.ask("POST", "/devices/keys/regenerate", json={"policyKey": "primaryKey", "devices": asked})
    result = answer.json()
    assert (answer.status_code, result["policyKey"]) == (207, "primaryKey")
    assert [each["id"] for each in result["errors"]] == ["by-ca", "none"]
    for rotated, old, path in zip(result["rotatedKeys"], (before["a"], of_module), ("/devices/a", "/devices/a/modules/m"), strict=True):
        found = registry.ask("GET", path).json()["authentication"]["symmetricKey"]
        assert found == {name: rotated[name] for name in ("primaryKey", "secondaryKey")}
        assert (found["primaryKey"] != old["primaryKey"], found["secondaryKey"]) == (True, old["secondaryKey"])
    both = registry.ask("POST", "/devices/keys/regenerate", json={"policyKey": "both", "devices": [{"id": "b"}]})
    assert (both.status_code, both.json()["errors"]) == (200, [])
    assert set(both.json()["rotatedKeys"][0].values()).isdisjoint(before["b"].values())
    for body in ({"policyKey": "third", "devices": []}, {"policyKey": "both", "devices": [{"id": "b"}] * 101}, {"policyKey": 7}):
        assert registry.ask("POST", "/devices/keys/regenerate", json=body).status_code in {400, 413}


def test_a_patch_sent_as_a_post(registry: HubClient) -> None:
    """As Java's service client sends it."""
    registry.put("press-001")
    sent = {"X-HTTP-Method-Override": "PATCH"}
    assert registry.ask("POST", "/twins/press-001", json={"tags": {"a": 1}}, headers=sent).json()["tags"] == {"a": 1}
