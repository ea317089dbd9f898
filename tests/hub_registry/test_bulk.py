"""A hundred devices in one call."""

import base64
from typing import Any

import httpx
import pytest

from tests.kit.hub_client import HubClient

_CA = {"type": "certificateAuthority"}


def _item(device: str, mode: str = "create", **members: Any) -> dict[str, Any]:
    return {"id": device, "importMode": mode, "authentication": _CA} | members


def test_create_update_delete_a_hundred_in_a_call(registry: HubClient) -> None:
    """Each mode is applied to all hundred devices; tags are set as devices are created."""
    names = [f"press-{number:03}" for number in range(100)]
    created = registry.bulk(*(_item(name, tags={"line": {"number": 1}}, properties={"desired": {"rate": 5}}) for name in names))
    assert (created.status_code, created.json()) == (200, {"isSuccessful": True, "errors": [], "warnings": []})
    twin = registry.ask("GET", "/twins/press-042").json()
    assert (twin["tags"], twin["properties"]["desired"]["rate"]) == ({"line": {"number": 1}}, 5)
    assert registry.bulk(*(_item(name, "update", status="disabled", statusReason="holiday") for name in names)).status_code == 200
    assert registry.ask("GET", "/statistics/devices").json()["disabledDeviceCount"] == 100
    assert registry.bulk(*(_item(name, "updateTwin", tags={"line": {"number": 2}}) for name in names)).status_code == 200
    assert registry.ask("GET", "/twins/press-099").json()["tags"] == {"line": {"number": 2}}
    assert registry.bulk(*(_item(name, "delete") for name in names)).status_code == 200
    assert registry.ask("GET", "/devices").json() == []


def test_some_items_are_refused_and_the_others_applied(registry: HubClient) -> None:
    """400 lists each refused device with its error; the other items are applied."""
    registry.put("there")
    answer = registry.bulk(_item("new"), _item("there"), _item("absent", "update"), _item("bad id"), _item("new"), _item("odd", "replace"))
    assert answer.status_code == 400
    assert answer.json()["isSuccessful"] is False
    refused = [(error["deviceId"], error["errorCode"]) for error in answer.json()["errors"]]
    assert refused == [("there", 409001), ("absent", 404001), ("bad id", 400004), ("new", 400011), ("odd", 400004)]
    assert sorted(each["deviceId"] for each in registry.ask("GET", "/devices").json()) == ["new", "there"]


def test_bad_tags_create_no_device(registry: HubClient) -> None:
    """A device whose tags are refused is not created without them."""
    answer = registry.bulk(_item("press-001", tags={"a.b": 1}))
    assert answer.status_code == 400
    assert registry.ask("GET", "/devices/press-001").status_code == 404


@pytest.mark.parametrize("mode", ["updateIfMatchETag", "deleteIfMatchETag"])
def test_if_match_modes_compare_the_items_etag(registry: HubClient, mode: str) -> None:
    """412001 with a stale or missing eTag; applied with the current one."""
    etag = registry.put("press-001")["etag"]
    stale = base64.b64encode(b"1").decode()
    for item in (_item("press-001", mode), _item("press-001", mode, eTag=stale)):
        assert [error["errorCode"] for error in registry.bulk(item).json()["errors"]] == [412001]
    assert registry.bulk(_item("press-001", mode, eTag=etag)).status_code == 200


def test_updating_a_twin_by_its_etag(registry: HubClient) -> None:
    """`updateTwinIfMatchETag` compares the twin's etag; a null removes a tag."""
    registry.put("press-001")
    registry.ask("PATCH", "/twins/press-001", json={"tags": {"a": 1, "b": 2}}).raise_for_status()
    etag = registry.ask("GET", "/twins/press-001").json()["etag"]
    assert registry.bulk(_item("press-001", "updateTwinIfMatchETag", eTag="AAAAAAAAAAE=", tags={"a": 3})).status_code == 400
    assert registry.bulk(_item("press-001", "updateTwinIfMatchETag", eTag=etag, tags={"a": None})).status_code == 200
    assert registry.ask("GET", "/twins/press-001").json()["tags"] == {"b": 2}


def test_a_hundred_and_one_are_too_many(registry: HubClient) -> None:
    """413, and nothing is applied."""
    answer = registry.bulk(*(_item(f"press-{number}") for number in range(101)))
    assert (answer.status_code, answer.headers["iothub-errorcode"]) == (413, "TooManyDevices")
    assert registry.ask("GET", "/devices").json() == []


def test_a_dropped_connection_after_the_effect(registry: HubClient) -> None:
    """A fault that clients must cope with: the devices were created, and the response was lost."""
    fault = {"fault": "drop", "method": "POST", "path": "/devices", "host": registry.host, "when": "after", "times": 1}
    registry.azure.control("POST", "/faults", fault)
    with pytest.raises(httpx.TransportError):
        registry.bulk(_item("press-001"))
    assert registry.ask("GET", "/devices/press-001").status_code == 200
