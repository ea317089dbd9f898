"""The queue of a device: locks, deadlines, limits, and the feedback that senders ask for."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from local_azure_iot.hub_registry import identities
from local_azure_iot.messaging import cloud_to_device, service_queue
from local_azure_iot.messaging.cloud_to_device import InvalidMessageError, LockLostError, Message, QueueFullError, UnknownDeviceError
from local_azure_iot.messaging.service_queue import FEEDBACK
from tests.messaging.conftest import HubState

DEVICE = "press-001"


def send(hub: HubState, body: str, **members: object) -> str:
    return cloud_to_device.send(hub.azure, hub.key, DEVICE, Message(body=body.encode(), **members))  # type: ignore[arg-type]  # as given


def bodies(hub: HubState) -> list[str]:
    """What the device receives and completes, until nothing is left."""
    found = []
    while message := cloud_to_device.receive(hub.azure, hub.key, DEVICE):
        cloud_to_device.complete(hub.azure, hub.key, DEVICE, message.token)
        found.append(message.message.body.decode())
    return found


def outcomes(hub: HubState) -> list[tuple[str, str]]:
    """The feedback that waits, completed."""
    found = []
    asyncio.run(cloud_to_device.sweep_hub(hub.azure, hub.key))
    while batch := service_queue.receive(hub.azure, hub.key, FEEDBACK):
        service_queue.complete(hub.azure, hub.key, FEEDBACK, batch.token)
        found += [(record["originalMessageId"], record["statusCode"]) for record in batch.records]
    return found


def test_messages_come_in_order_and_as_they_were_sent(hub: HubState) -> None:
    message_id = send(hub, "first", properties={"a": "1"}, system={"correlation-id": "c"})
    send(hub, "second")
    assert cloud_to_device.waiting(hub.azure, hub.key, DEVICE) == 2
    received = cloud_to_device.receive(hub.azure, hub.key, DEVICE)
    assert received
    assert (received.message.body, received.message.message_id, received.deliveries) == (b"first", message_id, 1)
    assert (received.message.properties, received.message.system) == ({"a": "1"}, {"correlation-id": "c"})
    cloud_to_device.complete(hub.azure, hub.key, DEVICE, received.token)
    assert bodies(hub) == ["second"]


def test_a_lock_holds_a_minute_and_its_token_no_longer(hub: HubState) -> None:
    send(hub, "only")
    first = cloud_to_device.receive(hub.azure, hub.key, DEVICE)
    assert first
    assert cloud_to_device.receive(hub.azure, hub.key, DEVICE) is None
    hub.azure.clock.advance(60)
    with pytest.raises(LockLostError):
        cloud_to_device.complete(hub.azure, hub.key, DEVICE, first.token)
    second = cloud_to_device.receive(hub.azure, hub.key, DEVICE)
    assert second
    assert second.deliveries == 2
    cloud_to_device.complete(hub.azure, hub.key, DEVICE, second.token)
    with pytest.raises(LockLostError):
        cloud_to_device.complete(hub.azure, hub.key, DEVICE, second.token)


def test_an_abandoned_message_comes_first_again(hub: HubState) -> None:
    send(hub, "first")
    send(hub, "second")
    received = cloud_to_device.receive(hub.azure, hub.key, DEVICE)
    assert received
    cloud_to_device.abandon(hub.azure, hub.key, DEVICE, received.token)
    assert bodies(hub) == ["first", "second"]


Ending = Callable[[HubState], None]


def _take(hub: HubState) -> str:
    received = cloud_to_device.receive(hub.azure, hub.key, DEVICE)
    assert received
    return received.token


def _deliver_too_often(hub: HubState) -> None:
    for _ in range(10):
        cloud_to_device.abandon(hub.azure, hub.key, DEVICE, _take(hub))


ENDINGS: dict[str, Ending] = {
    "Success": lambda hub: cloud_to_device.complete(hub.azure, hub.key, DEVICE, _take(hub)),
    "Rejected": lambda hub: cloud_to_device.reject(hub.azure, hub.key, DEVICE, _take(hub)),
    "Expired": lambda hub: hub.azure.clock.advance(3600),
    "DeliveryCountExceeded": _deliver_too_often,
    "Purged": lambda hub: [][: cloud_to_device.purge(hub.azure, hub.key, DEVICE)] and None,
}


@pytest.mark.parametrize("ack", cloud_to_device.ACKS)
@pytest.mark.parametrize("outcome", ENDINGS)
def test_feedback_of_each_ending(hub: HubState, outcome: str, ack: str) -> None:
    """A sender gets what it asked for: `positive` successes, `negative` everything else, `full` both."""
    message_id = send(hub, "x", ack=ack)
    ENDINGS[outcome](hub)
    wanted = ack in {"full", "positive" if outcome == "Success" else "negative"}
    assert outcomes(hub) == ([(message_id, outcome)] if wanted else [])
    assert cloud_to_device.waiting(hub.azure, hub.key, DEVICE) == 0


def test_the_hub_sets_lifetime_and_deliveries(hub: HubState) -> None:
    hub.set(cloudToDevice={"maxDeliveryCount": 1, "defaultTtlAsIso8601": "PT2H"})
    message_id = send(hub, "x", ack="negative")
    hub.azure.clock.advance(7199)
    cloud_to_device.abandon(hub.azure, hub.key, DEVICE, _take(hub))
    assert outcomes(hub) == [(message_id, "DeliveryCountExceeded")]
    send(hub, "y", expires=hub.azure.clock.now() + timedelta(seconds=5))
    assert cloud_to_device.waiting(hub.azure, hub.key, DEVICE) == 1
    hub.azure.clock.advance(5)
    assert cloud_to_device.waiting(hub.azure, hub.key, DEVICE) == 0
    assert bodies(hub) == []


def test_fifty_messages_wait_at_most(hub: HubState) -> None:
    for number in range(50):
        send(hub, str(number))
    with pytest.raises(QueueFullError):
        send(hub, "one more")
    assert cloud_to_device.purge(hub.azure, hub.key, DEVICE) == 50
    send(hub, "room again")


def test_sessions_are_told_after_the_commit_only(hub: HubState) -> None:
    told: list[int] = []
    unsubscribe = cloud_to_device.subscribe(
        hub.azure, hub.key, DEVICE, lambda: told.append(cloud_to_device.waiting(hub.azure, hub.key, DEVICE))
    )
    with hub.azure.store.transaction():
        send(hub, "x")
        assert not told
    assert told == [1]
    with pytest.raises(QueueFullError):
        _send_too_many_at_once(hub)
    send(hub, "y")
    unsubscribe()
    send(hub, "z")
    assert told == [1, 2]


def _send_too_many_at_once(hub: HubState) -> None:
    with hub.azure.store.transaction():
        for number in range(50):
            send(hub, str(number))


def test_messages_end_with_their_device_and_with_their_hub(hub: HubState) -> None:
    send(hub, "x")
    with hub.azure.store.transaction():
        identities.delete(hub.azure, hub.key, identities.require(hub.azure, hub.key, DEVICE))
    with pytest.raises(UnknownDeviceError):
        send(hub, "y")
    hub.create(DEVICE)
    assert cloud_to_device.waiting(hub.azure, hub.key, DEVICE) == 0
    send(hub, "z", ack="full")
    cloud_to_device.purge(hub.azure, hub.key, DEVICE)
    hub.replace()
    assert outcomes(hub) == []


def test_feedback_is_locked_too(hub: HubState) -> None:
    send(hub, "x", ack="full")
    told: list[None] = []
    service_queue.subscribe(hub.azure, hub.key, FEEDBACK, lambda: told.append(None))
    cloud_to_device.purge(hub.azure, hub.key, DEVICE)
    batch = service_queue.receive(hub.azure, hub.key, FEEDBACK)
    assert batch
    assert told
    assert service_queue.receive(hub.azure, hub.key, FEEDBACK) is None
    service_queue.abandon(hub.azure, hub.key, FEEDBACK, batch.token)
    again = service_queue.receive(hub.azure, hub.key, FEEDBACK)
    assert again
    assert again.records == batch.records
    with pytest.raises(LockLostError):
        service_queue.complete(hub.azure, hub.key, FEEDBACK, batch.token)


def test_feedback_comes_in_batches_of_64(hub: HubState) -> None:
    for _ in range(2):
        for _ in range(50):
            send(hub, "x", ack="full")
        cloud_to_device.purge(hub.azure, hub.key, DEVICE)
    sizes = []
    while batch := service_queue.receive(hub.azure, hub.key, FEEDBACK):
        service_queue.complete(hub.azure, hub.key, FEEDBACK, batch.token)
        sizes.append(len(batch.records))
    assert sizes == [64, 36]


def test_what_no_message_may_be(hub: HubState) -> None:
    """Larger than 64 KiB with its properties, or with another wish for feedback than the four; for ever is two days."""
    named = {"properties": {"n": "ü"}, "system": {"content-type": "x"}}  # of the system's properties the values count
    send(hub, "x" * (cloud_to_device.MAX_SIZE - 4), **named)
    with pytest.raises(InvalidMessageError, match="at most 65536 bytes with its properties, not 65537"):
        send(hub, "x" * (cloud_to_device.MAX_SIZE - 3), **named)
    with pytest.raises(InvalidMessageError, match="ack must be one of none, positive, negative, full, not 'Full'"):
        send(hub, "x", ack="Full")
    assert len(bodies(hub)) == 1
    send(hub, "for ever", expires=hub.azure.clock.now() + timedelta(days=900))
    hub.azure.clock.advance(cloud_to_device.LONGEST_TTL - 1)
    assert cloud_to_device.waiting(hub.azure, hub.key, DEVICE) == 1
    hub.azure.clock.advance(2)
    assert cloud_to_device.waiting(hub.azure, hub.key, DEVICE) == 0
