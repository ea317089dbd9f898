"""The back end's side over HTTPS: direct methods, purging, feedback, and who may."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from local_azure_iot.hub_registry import modules
from local_azure_iot.messaging import cloud_to_device, methods
from local_azure_iot.messaging.cloud_to_device import Message
from local_azure_iot.messaging.methods import Invocation
from tests.kit.http_device import VERSION
from tests.kit.hub_client import signature
from tests.local_azure.in_process import Answer
from tests.messaging.conftest import HubState

DEVICE = "press-001"
METHODS = f"/twins/{DEVICE}/methods"


def ask(hub: HubState, method: str, path: str, body: Any = None, *, policy: str = "service") -> Answer:
    """A request of the back end, signed with a policy."""
    keys = hub.process.must("POST", f"{hub.path}/listkeys?api-version=2023-06-30")["value"]
    key = next(each["primaryKey"] for each in keys if each["keyName"] == policy)
    sign = signature(hub.host, policy, key)
    return hub.process.ask(method, f"{path}?api-version={VERSION}", body, host=hub.host, token="", authorization=sign)


def serve(hub: HubState, handler: Callable[[Invocation], None], module: str = "") -> Callable[[], None]:
    return methods.serve(hub.azure, hub.key, DEVICE, module, handler)


@pytest.mark.parametrize("payload", [None, 1, "text", {"a": [1, {"ü": None}]}, []])
def test_a_method_carries_json_both_ways(hub: HubState, payload: Any) -> None:
    stop = serve(hub, lambda call: call.answer(202, call.payload))
    answer = ask(hub, "POST", METHODS, {"methodName": "echo", "payload": payload, "responseTimeoutInSeconds": 5})
    stop()
    assert (answer.status, answer.json()) == (200, {"status": 202, "payload": payload})


@pytest.mark.parametrize(("payload", "shown"), [(b"", None), (b"no json", None), (b"[1]", [1]), (b"NaN", None), (b"[1e999]", None)])
def test_what_a_device_answers(hub: HubState, payload: bytes, shown: Any) -> None:
    stop = serve(hub, lambda call: call.answer(-1, payload))
    answer = ask(hub, "POST", METHODS, {"methodName": "m"})
    stop()
    assert answer.json() == {"status": -1, "payload": shown}


def test_a_module_is_called_at_its_own_path(hub: HubState) -> None:
    with hub.azure.store.transaction():
        modules.create(hub.azure, hub.key, DEVICE, {"moduleId": "camera"})
    stop = serve(hub, lambda call: call.answer(200, b""), "camera")
    assert ask(hub, "POST", f"/twins/{DEVICE}/modules/camera/methods", {"methodName": "m"}).status == 200
    assert ask(hub, "POST", METHODS, {"methodName": "m"}).headers["iothub-errorcode"] == "DeviceNotOnline"
    stop()
    assert ask(hub, "POST", f"/twins/{DEVICE}/modules/none/methods", {"methodName": "m"}).headers["iothub-errorcode"] == "ModuleNotFound"


def test_who_is_not_there(hub: HubState) -> None:
    answer = ask(hub, "POST", METHODS, {"methodName": "m"})
    assert (answer.status, answer.headers["iothub-errorcode"]) == (404, "DeviceNotOnline")
    assert '"message":"Timed out waiting for device to connect.","info":{"timeout":"00:00:00"}' in answer.json()["Message"]
    assert ask(hub, "POST", "/twins/nobody/methods", {"methodName": "m"}).headers["iothub-errorcode"] == "DeviceNotFound"


def test_a_device_that_leaves_before_it_answers(hub: HubState) -> None:
    leave: list[Callable[[], None]] = []
    leave.append(serve(hub, lambda _call: asyncio.get_running_loop().call_soon(leave[0]) and None))
    answer = ask(hub, "POST", METHODS, {"methodName": "m"})
    assert (answer.status, answer.headers["iothub-errorcode"]) == (404, "DeviceConnectionClosedRemotely")


@pytest.mark.parametrize(
    "body",
    [
        {}, {"methodName": ""}, {"methodName": 1}, {"methodName": "m", "responseTimeoutInSeconds": 4},
        {"methodName": "m", "responseTimeoutInSeconds": 301}, {"methodName": "m", "connectTimeoutInSeconds": -1},
        {"methodName": "m", "connectTimeoutInSeconds": 301}, {"methodName": "m", "responseTimeoutInSeconds": "4"}, [],
        *({"methodName": "m", "responseTimeoutInSeconds": odd} for odd in ("9" * 5000, "\u0665", "5.5", 5.5, True, [5])),
    ],
)  # fmt: skip
def test_a_call_that_is_no_call(hub: HubState, body: Any) -> None:
    assert ask(hub, "POST", METHODS, body).status == 400


def test_a_payload_has_a_limit(hub: HubState) -> None:
    answer = ask(hub, "POST", METHODS, {"methodName": "m", "payload": "x" * methods.MAX_PAYLOAD})
    assert (answer.status, answer.headers["iothub-errorcode"]) == (413, "MessageTooLarge")


def test_a_queue_is_purged_and_the_feedback_read(hub: HubState) -> None:
    for number in range(2):
        cloud_to_device.send(hub.azure, hub.key, DEVICE, Message(body=b"x", message_id=str(number), ack="full"))
    assert ask(hub, "GET", "/messages/serviceBound/feedback").status == 204
    answer = ask(hub, "DELETE", f"/devices/{DEVICE}/commands")
    assert answer.json() == {"deviceId": DEVICE, "moduleId": None, "totalMessagesPurged": 2}
    first = ask(hub, "GET", "/messages/servicebound/feedback")
    assert [(one["originalMessageId"], one["statusCode"], one["deviceId"]) for one in first.json()] == [
        (str(number), "Purged", DEVICE) for number in range(2)
    ]
    token = first.headers["etag"].strip('"')
    assert ask(hub, "POST", f"/messages/serviceBound/feedback/{token}/abandon").status == 204
    again = ask(hub, "GET", "/messages/serviceBound/feedback")
    assert again.json() == first.json()
    token = again.headers["etag"].strip('"')
    assert ask(hub, "DELETE", f"/messages/serviceBound/feedback/{token}").status == 204
    lost = ask(hub, "DELETE", f"/messages/serviceBound/feedback/{token}")
    assert (lost.status, lost.headers["iothub-errorcode"]) == (412, "DeviceMessageLockLost")


def test_an_expired_message_gives_feedback_though_nobody_asks_for_it(hub: HubState) -> None:
    cloud_to_device.send(hub.azure, hub.key, DEVICE, Message(body=b"x", ack="negative"))
    hub.azure.clock.advance(3600)
    answer = hub.process.ask(
        "GET", f"/messages/serviceBound/feedback?api-version={VERSION}", host=hub.host, token=_data_token(hub)
    )  # fmt: skip
    assert answer.json()[0]["statusCode"] == "Expired"


def _data_token(hub: HubState) -> str:
    """The deployer's Entra token for hubs, with the role that it needs."""
    from local_azure_iot.login import principals
    from local_azure_iot.resource_manager import role_assignments

    store = hub.azure.store
    deployer = principals.find(store, principals.directory(store).client_id)
    assert deployer
    with store.transaction():
        scope, role = f"/subscriptions/{hub.process.subscription}", "4fc6c259-987e-4a07-842e-c321cc9d413f"  # IoT Hub Data Contributor
        role_assignments.grant(hub.azure, object_id=deployer.object_id, role_id=role, scope=scope, name="data")
    return hub.azure.tokens.issue(deployer, "https://iothubs.azure.net")


def test_registry_and_device_policies_may_not(hub: HubState) -> None:
    paths = {("POST", METHODS), ("DELETE", f"/devices/{DEVICE}/commands"), ("GET", "/messages/serviceBound/feedback")}
    for policy in ("registryReadWrite", "device"):
        assert {ask(hub, method, path, policy=policy).status for method, path in paths} == {401}
    assert ask(hub, "GET", "/messages/serviceBound/filenotifications").status == 204


def test_basic_hubs_have_neither(hub: HubState) -> None:
    body = {"location": "westus", "sku": {"name": "B1", "capacity": 1}, "properties": {}}
    hub.process.must("PUT", f"{hub.path}?api-version=2023-06-30", body)
    for method, path in (("POST", METHODS), ("DELETE", f"/devices/{DEVICE}/commands"), ("GET", "/messages/serviceBound/feedback")):
        answer = ask(hub, method, path, {"methodName": "m"} if method == "POST" else None)
        assert (answer.status, answer.headers["iothub-errorcode"]) == (403, "OperationNotAllowedInCurrentTier")
