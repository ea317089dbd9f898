"""A hundred devices in one call."""

import base64
from typing import Any

import httpx
import pytest

from tests.kit.hub_client import HubClient

_CA = {"type": "certificateAuthority"}


def _item(device: str, mode: str = "create", **members: Any) -> dict[str, Any]:
    return {"id": device, "importMode": mode, "authentication": _CA} | members


def test_create_update_delete_a_hundred_in_a_call(door: HubClient) -> None:
    """Each mode does its work for all of a hundred devices; tags come with the creation."""
    names = [f"press-{number:03}" for number in range(100)]
    made = door.bulk(*(_item(name, tags={"line": {"number": 1}}, properties={"desired": {"rate": 5}}) for name in names))
    assert (made.status_code, made.json()) == (200, {"isSuccessful": True, "errors": [], "warnings": []})
    twin = door.ask("GET", "/twins/press-042").json()
    assert (twin["tags"], twin["properties"]["desired"]["rate"]) == ({"line": {"number": 1}}, 5)
    assert door.bulk(*(_item(name, "update", status="disabled", statusReason="holiday") for name in names)).status_code == 200
    assert door.ask("GET", "/statistics/devices").json()["disabledDeviceCount"] == 100
    assert door.bulk(*(_item(name, "updateTwin", tags={"line": {"number": 2}}) for name in names)).status_code == 200
    assert door.ask("GET", "/twins/press-099").json()["tags"] == {"line": {"number": 2}}
    assert door.bulk(*(_item(name, "delete") for name in names)).status_code == 200
    assert door.ask("GET", "/devices").json() == []


def test_some_are_refused_and_the_others_done(door: HubClient) -> None:
    """400 tells each refused device with its error; those beside it are done."""
    door.put("there")
    answer = door.bulk(_item("new"), _item("there"), _item("absent", "update"), _item("bad id"), _item("new"), _item("odd", "replace"))
    assert answer.status_code == 400
    assert answer.json()["isSuccessful"] is False
    told = [(error["deviceId"], error["errorCode"]) for error in answer.json()["errors"]]
    assert told == [("there", 409001), ("absent", 404001), ("bad id", 400004), ("new", 400011), ("odd", 400004)]
    assert sorted(each["deviceId"] for each in door.ask("GET", "/devices").json()) == ["new", "there"]


def test_bad_tags_make_no_device(door: HubClient) -> None:
    """A device whose tags are refused is not left behind without them."""
    answer = door.bulk(_item("press-001", tags={"a.b": 1}))
    assert answer.status_code == 400
    assert door.ask("GET", "/devices/press-001").status_code == 404


@pytest.mark.parametrize("mode", ["updateIfMatchETag", "deleteIfMatchETag"])
def test_if_match_modes_hold_the_items_etag(door: HubClient, mode: str) -> None:
    """412001 by a stale or missing eTag, done by the right one."""
    etag = door.put("press-001")["etag"]
    stale = base64.b64encode(b"1").decode()
    for item in (_item("press-001", mode), _item("press-001", mode, eTag=stale)):
        assert [error["errorCode"] for error in door.bulk(item).json()["errors"]] == [412001]
    assert door.bulk(_item("press-001", mode, eTag=etag)).status_code == 200


def test_updating_a_twin_by_its_etag(door: HubClient) -> None:
    """`updateTwinIfMatchETag` looks at the twin's etag; a null takes a tag away."""
    door.put("press-001")
    door.ask("PATCH", "/twins/press-001", json={"tags": {"a": 1, "b": 2}}).raise_for_status()
    etag = door.ask("GET", "/twins/press-001").json()["etag"]
    assert door.bulk(_item("press-001", "updateTwinIfMatchETag", eTag="AAAAAAAAAAE=", tags={"a": 3})).status_code == 400
    assert door.bulk(_item("press-001", "updateTwinIfMatchETag", eTag=etag, tags={"a": None})).status_code == 200
    assert door.ask("GET", "/twins/press-001").json()["tags"] == {"b": 2}


def test_a_hundred_and_one_are_too_many(door: HubClient) -> None:
    """Then none is done."""
    answer = door.bulk(*(_item(f"press-{number}") for number in range(101)))
    assert (answer.status_code, answer.headers["iothub-errorcode"]) == (413, "TooManyDevices")
    assert door.ask("GET", "/devices").json() == []


def test_a_dropped_connection_after_the_effect(door: HubClient) -> None:
    """The fault that a client must live with: the devices are there, the answer never came."""
    fault = {"fault": "drop", "method": "POST", "path": "/devices", "host": door.host, "when": "after", "times": 1}
    httpx.post(f"{door.azure.ready['control']}/faults", json=fault, trust_env=False).raise_for_status()
    with pytest.raises(httpx.TransportError):
        door.bulk(_item("press-001"))
    assert door.ask("GET", "/devices/press-001").status_code == 200
