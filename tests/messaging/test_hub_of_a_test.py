"""What `local_hub` gives a test besides the device: messages both ways and direct methods, with a device of paho-mqtt."""

import json
import queue
from pathlib import Path

import pytest

from local_azure_iot.testing import AzureClient, DeviceCa, DeviceRefusedError, Hub
from local_azure_iot.testing.azure_client import AzureRefusedError
from tests.kit.local_azure import LocalAzure


def test_a_device_is_called_and_sent_messages(served: LocalAzure, tmp_path: Path) -> None:
    azure = AzureClient(served.ready)
    hub = Hub.create(azure)
    ca = DeviceCa.new(tmp_path / "devices", azure.now())
    hub.trust(ca)
    press = hub.device("press-001", ca)
    with pytest.raises(AzureRefusedError, match="Timed out waiting for device to connect"):
        hub.call("press-001", "reboot")
    received: queue.Queue[tuple[str, bytes]] = queue.Queue()
    subscribed: queue.Queue[None] = queue.Queue()
    with press.connect() as client:
        client.on_message = lambda _client, _data, message: received.put((message.topic, message.payload))
        client.on_subscribe = lambda *_: subscribed.put(None)
        client.subscribe([("$iothub/methods/POST/#", 0), ("devices/press-001/messages/devicebound/#", 1)])
        subscribed.get(timeout=60)

        def answer(_client: object, _data: object, message: object) -> None:
            topic, payload = message.topic, message.payload  # type: ignore[attr-defined]  # paho's own type
            client.publish(f"$iothub/methods/res/201/?$rid={topic.partition('$rid=')[2]}", payload)

        client.message_callback_add("$iothub/methods/POST/#", answer)
        assert hub.call("press-001", "reboot", {"delay": 3}) == (201, {"delay": 3})
        message_id = hub.send("press-001", b"\x00 to you", properties={"colour": "red"}, ack="full")
        topic, payload = received.get(timeout=60)
        assert payload == b"\x00 to you"
        assert f"%24.mid={message_id}" in topic
        assert "colour=red" in topic
        client.publish(f"{press.events_topic}level=high", json.dumps({"t": 21}), qos=1).wait_for_publish(60)
    (sent,) = hub.messages("press-001")
    assert (json.loads(sent["body"]), sent["properties"]) == ({"t": 21}, {"level": "high"})
    feedback = hub.registry("GET", "/messages/serviceBound/feedback")
    assert [(each["originalMessageId"], each["statusCode"]) for each in feedback] == [(message_id, "Success")]
    with pytest.raises(AzureRefusedError, match="has no device 'nobody'"):
        hub.send("nobody", b"x")
    for wrong, words in (
        ({"ack": "Full"}, "ack must be one of"),
        ({"body": "eA=="}, "no member 'body'"),
        ({"properties": ["a"]}, "must be objects"),
    ):
        with pytest.raises(AzureRefusedError, match=words):
            azure.control("POST", "/messages", {"host": hub.host_name, "device": "press-001", "payload": "eA==", **wrong})


def test_a_test_of_the_future(served: LocalAzure, tmp_path: Path) -> None:
    """A test sets the clock beyond the end of the login, and back: the hub goes on answering, and a CA of that time counts then alone."""
    azure = AzureClient(served.ready)
    hub = Hub.create(azure)
    try:
        azure.control("PUT", "/clock", {"advance": 86_400 * 4000})
        ca = DeviceCa.new(tmp_path, azure.now())
        hub.trust(ca)
        press = hub.device("press-001", ca)
        with press.connect():
            pass
    finally:
        azure.control("DELETE", "/clock")
    with pytest.raises(DeviceRefusedError, match="not yet valid"), press.connect():
        pass
    hub.delete()
