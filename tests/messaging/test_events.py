"""Events from devices: partitions, numbers, limits, and readers that wait."""

import asyncio

from local_azure_iot.messaging import events
from local_azure_iot.messaging.events import Event, RecordedEvent
from tests.messaging.conftest import HubState


def record(hub: HubState, device: str, body: bytes = b"x") -> RecordedEvent:
    return events.record(hub.azure, hub.key, Event(device=device, body=body))


def test_a_device_stays_in_its_partition_and_all_are_used(hub: HubState) -> None:
    recorded = [record(hub, f"device-{number % 40}") for number in range(80)]
    assert [one.partition for one in recorded[:40]] == [one.partition for one in recorded[40:]]
    assert {one.partition for one in recorded} == set(range(4))
    for partition in range(4):
        here = events.read(hub.azure, hub.key, partition)
        assert [one.sequence for one in here] == list(range(len(here)))
        assert sorted({one.offset for one in here}) == [one.offset for one in here]


def test_reading_goes_on_where_it_stopped(hub: HubState) -> None:
    hub.set(eventHubEndpoints={"events": {"retentionTimeInDays": 1, "partitionCount": 2}})
    partition = record(hub, "a", b"0").partition
    for number in range(1, 9):
        record(hub, "a", str(number).encode())
    assert [one.event.body for one in events.read(hub.azure, hub.key, partition, after=2, limit=3)] == [b"3", b"4", b"5"]
    assert events.read(hub.azure, hub.key, partition, after=8) == []
    assert partition in {0, 1}


def test_a_reader_waits_for_the_next_event(hub: HubState) -> None:
    partition = record(hub, "a").partition

    async def wait() -> list[RecordedEvent]:
        waiting = asyncio.ensure_future(events.wait(hub.azure, hub.key, partition, 0, 60))
        await asyncio.sleep(0)
        assert not waiting.done()
        record(hub, "a", b"next")
        return await waiting

    assert [one.event.body for one in hub.process.loop.run_until_complete(wait())] == [b"next"]
    assert hub.process.loop.run_until_complete(events.wait(hub.azure, hub.key, partition, 1, 0.001)) == []


def test_the_oldest_make_room(hub: HubState) -> None:
    first = record(hub, "a", bytes(events.MAX_BODY))
    for _ in range(events.MOST_BYTES // events.MAX_BODY):
        last = record(hub, "a", bytes(events.MAX_BODY))
    kept = events.read(hub.azure, hub.key, first.partition, limit=10_000)
    assert kept[0].sequence == 1
    assert kept[-1] == last
    assert events.read(hub.azure, hub.key, first.partition, after=-1, limit=1)[0].sequence == 1


def test_clearing_keeps_the_numbers_and_a_new_hub_starts_anew(hub: HubState) -> None:
    first = record(hub, "a")
    hub.azure.events.clear()
    assert list(hub.azure.events.all()) == []
    assert record(hub, "a").sequence == first.sequence + 1
    hub.replace()
    assert events.read(hub.azure, hub.key, first.partition) == []
