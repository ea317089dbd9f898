"""A device at its hub over HTTPS: events, cloud-to-device messages, and who may."""

import base64
from typing import Any

import pytest

from local_azure_iot.hub_registry import identities, modules
from local_azure_iot.messaging import cloud_to_device, events
from local_azure_iot.messaging.cloud_to_device import Message
from tests.kit.http_device import VERSION, device_signature
from tests.local_azure.in_process import Answer
from tests.messaging.conftest import HubState

DEVICE = "press-001"
BATCH = "application/vnd.microsoft.iothub.json"


def signature(hub: HubState, device: str = DEVICE, module: str = "", **members: Any) -> str:
    """What the device or module signs with its own key."""
    found = modules.find(hub.azure, hub.key, device, module) if module else identities.find(hub.azure, hub.key, device)
    assert found
    path = f"devices/{device}" + (f"/modules/{module}" if module else "")
    return device_signature(hub.host, path, found["auth"]["keys"][0], now=hub.azure.clock.timestamp(), **members)


def ask(hub: HubState, method: str, path: str, body: bytes = b"", *, sign: str | None = None, query: str = "", **headers: str) -> Answer:
    """A request of the device."""
    authorization = signature(hub) if sign is None else sign
    return hub.process.ask(
        method, f"/devices/{path}?api-version={VERSION}{query}", body, host=hub.host, token="", authorization=authorization, **headers
    )


def sent(hub: HubState) -> list[events.Event]:
    """The events that the hub has."""
    return [each.event for each in hub.azure.events.all() if each.host == hub.host]


def test_an_event_with_its_properties(hub: HubState) -> None:
    answer = ask(
        hub, "POST", f"{DEVICE}/messages/events", b"\x00\xff", iothub_app_level="high", iothub_messageid="m1",
        iothub_contenttype="application/json", iothub_to="/elsewhere",
    )  # fmt: skip
    assert (answer.status, answer.body) == (204, b"")
    (event,) = sent(hub)
    assert (event.device, event.body, event.protocol) == (DEVICE, b"\x00\xff", "https")
    assert event.properties == {"level": "high"}
    assert event.system == {"message-id": "m1", "content-type": "application/json"}
    assert '"type":"sas"' in event.authentication


def test_a_batch(hub: HubState) -> None:
    body = (
        b'[{"body":"YQ==","properties":{"iothub-app-n":"1","iothub-correlationid":"c"}},'
        b'{"body":"b","base64Encoded":false},{"body":"Yw==","base64Encoded":true}]'
    )
    assert ask(hub, "POST", f"{DEVICE}/messages/events", body, content_type=BATCH).status == 204
    assert [event.body for event in sent(hub)] == [b"a", b"b", b"c"]
    assert (sent(hub)[0].properties, sent(hub)[0].system) == ({"n": "1"}, {"correlation-id": "c"})


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"[1]", b'[{"body":1}]', b'[{"body":"&"}]', b'[{"body":"YQ=="},{"body":"YQ==","properties":[]}]', b"[" + b"[" * 9000,
        b'[{"properties":{}}]', b"\xff", b"[" + b'{"body":""},' * 500 + b'{"body":""}]',
    ],
)  # fmt: skip
def test_a_batch_is_taken_as_a_whole_or_not_at_all(hub: HubState, body: bytes) -> None:
    answer = ask(hub, "POST", f"{DEVICE}/messages/events", body, content_type=BATCH)
    assert answer.status == 400
    assert sent(hub) == []


def test_the_size_of_an_event_counts_its_properties(hub: HubState) -> None:
    whole = events.MAX_BODY - len("n1")
    assert ask(hub, "POST", f"{DEVICE}/messages/events", bytes(whole), iothub_app_n="1").status == 204
    answer = ask(hub, "POST", f"{DEVICE}/messages/events", bytes(whole + 1), iothub_app_n="1")
    assert (answer.status, answer.headers["iothub-errorcode"]) == (413, "MessageTooLarge")


def test_a_modules_event(hub: HubState) -> None:
    with hub.azure.store.transaction():
        modules.create(hub.azure, hub.key, DEVICE, {"moduleId": "camera"})
    path = f"{DEVICE}/modules/camera/messages/events"
    assert ask(hub, "POST", path, b"x", sign=signature(hub, module="camera")).status == 204
    assert [(event.device, event.module) for event in sent(hub)] == [(DEVICE, "camera")]
    assert ask(hub, "POST", path, b"x").status == 401  # the device's own signature


def test_a_message_comes_with_its_properties_and_is_settled(hub: HubState) -> None:
    message = Message(
        body=b"\xf0go", message_id="m7", system={"correlation-id": "c", "content-encoding": "utf-8"}, properties={"n": "ü\r\nx: y"}
    )
    cloud_to_device.send(hub.azure, hub.key, DEVICE, message)
    answer = ask(hub, "GET", f"{DEVICE}/messages/devicebound")
    assert (answer.status, answer.body) == (200, b"\xf0go")
    expected = {
        "iothub-messageid": "m7", "iothub-correlationid": "c", "iothub-contentencoding": "utf-8", "ContentEncoding": "utf-8",
        "iothub-to": f"/devices/{DEVICE}/messages/devicebound", "iothub-deliverycount": "0", "iothub-ack": "none",
        "iothub-app-n": "%C3%BC%0D%0Ax: y",
    }  # fmt: skip
    assert expected.items() <= answer.headers.items()
    token = answer.headers["etag"].strip('"')
    assert ask(hub, "GET", f"{DEVICE}/messages/devicebound").status == 204
    assert ask(hub, "POST", f"{DEVICE}/messages/devicebound/{token}/abandon").status == 204
    again = ask(hub, "GET", f"{DEVICE}/messages/deviceBound")
    assert again.headers["iothub-deliverycount"] == "1"
    token = again.headers["etag"].strip('"')
    assert ask(hub, "DELETE", f"{DEVICE}/messages/devicebound/{token}", query="&reject").status == 204
    assert ask(hub, "DELETE", f"{DEVICE}/messages/devicebound/{token}").status == 412
    assert cloud_to_device.waiting(hub.azure, hub.key, DEVICE) == 0


def test_a_device_says_how_long_it_locks(hub: HubState) -> None:
    cloud_to_device.send(hub.azure, hub.key, DEVICE, Message(body=b"x"))
    assert ask(hub, "GET", f"{DEVICE}/messages/devicebound", iothub_messagelocktimeout="5").status == 200
    hub.azure.clock.advance(5)
    assert ask(hub, "GET", f"{DEVICE}/messages/devicebound", iothub_messagelocktimeout="-1").status == 200
    hub.azure.clock.advance(59)
    assert ask(hub, "GET", f"{DEVICE}/messages/devicebound").status == 204


def test_only_the_device_itself_or_a_policy_for_devices_may(hub: HubState) -> None:
    hub.create("other")
    policies = hub.process.must("POST", f"{hub.path}/listkeys?api-version=2023-06-30")["value"]
    keys = {each["keyName"]: each["primaryKey"] for each in policies}

    def policy(name: str, path: str = f"devices/{DEVICE}") -> str:
        return device_signature(hub.host, path, keys[name], policy=name, now=hub.azure.clock.timestamp())

    own = signature(hub)
    allowed = {"own key": own, "policy": policy("device"), "owner, this device": policy("iothubowner")}
    refused = {
        "nothing": "", "another device": signature(hub, "other"), "service": policy("service"),
        "other path": policy("device", "devices/other"),
        "expired": signature(hub, seconds=-1), "changed": own.replace("sig=", "sig=x"), "bearer": f"Bearer {hub.process.token}",
    }  # fmt: skip
    path = f"{DEVICE}/messages/devicebound"
    assert {name: ask(hub, "GET", path, sign=text).status for name, text in allowed.items()} == dict.fromkeys(allowed, 204)
    assert {name: ask(hub, "GET", path, sign=text).status for name, text in refused.items()} == dict.fromkeys(refused, 401)
    with hub.azure.store.transaction():
        device = identities.require(hub.azure, hub.key, DEVICE)
        identities.update(
            hub.azure,
            hub.key,
            device,
            {"status": "disabled", "authentication": identities.to_json(hub.azure, hub.key, device, VERSION)["authentication"]},
        )
    assert ask(hub, "GET", path, sign=own).status == 401


def test_using_https_shows_in_the_registry_but_is_no_connection(hub: HubState) -> None:
    ask(hub, "POST", f"{DEVICE}/messages/events", base64.b64decode("eA=="))
    device = identities.require(hub.azure, hub.key, DEVICE)
    shown = identities.to_json(hub.azure, hub.key, device, VERSION)
    assert shown["connectionState"] == "Disconnected"
    assert not shown["lastActivityTime"].startswith("0001")
