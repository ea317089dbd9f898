"""DeviceFleet over gRPC, as the engine calls it: thousands of devices as one resource, updated by differences."""

import re
from typing import Any

import pytest

from hubtrust.azure.device_description import DeviceDescription
from hubtrust.devices.roster import Roster
from hubtrust.devices.roster_files import from_ids, from_pattern
from tests.kit.device_registry import OWNER, DeviceRegistry
from tests.kit.provider_process import Provider, ResourceState

FLEET = from_pattern("press-{001..025}", {"plant": "A"})


def roster(**own: DeviceDescription) -> Roster:
    """The fleet of 25 devices, with changes to some of them."""
    return Roster.of({**dict(FLEET), **{name.replace("_", "-"): declared for name, declared in own.items()}}.items())


def shown(found: ResourceState | None) -> dict[str, Any]:
    """The outputs apart from the time of the last write."""
    assert found is not None
    return {name: value for name, value in found.outs.items() if name != "lastWrite"}


def test_a_fleet_is_created_a_hundred_devices_a_call(fleets: Provider, registry: DeviceRegistry) -> None:
    """250 devices take three calls, which also set their tags and ours; the output is a digest."""
    wanted = from_pattern("press-{001..250}", {"plant": "A"})
    created = fleets.create(registry.fleet(wanted))
    assert registry.calls() == ["POST /devices/query", *["POST /devices"] * 3]
    assert sorted(registry.twins()) == list(wanted.ids)
    assert registry.twin("press-007")["tags"] == {"plant": "A", "hubtrust": OWNER}
    assert registry.twin("press-007")["authenticationType"] == "certificateAuthority"
    assert {name: created.outs[name] for name in ("count", "enabled", "digest", "exceptions")} == {
        "count": 250,
        "enabled": 250,
        "digest": wanted.digest,
        "exceptions": [],
    }
    assert "press" not in str(created.outs | {"owner": None}), "the list of members is in one input and nowhere else"


def test_an_unchanged_fleet_is_one_read(fleets: Provider, registry: DeviceRegistry) -> None:
    """A second run reads one page and finds no difference."""
    news = registry.fleet(FLEET)
    created = fleets.create(news)
    registry.clear()
    again = fleets.up(created, news)
    assert (again.outs, registry.calls()) == (created.outs, ["POST /devices/query"])


def test_deleted_devices_are_created_again_in_one_call(fleets: Provider, registry: DeviceRegistry) -> None:
    """A refresh counts 22, the digest differs, and `up` creates exactly those three again."""
    news = registry.fleet(FLEET)
    created = fleets.create(news)
    registry.delete("press-003", "press-014", "press-025")
    drifted = fleets.read(created)
    assert drifted is not None
    assert drifted.outs["count"] == 22
    assert (fleets.diff(drifted, news).changes, fleets.diff(drifted, news).replaces) == (True, [])
    registry.clear()
    again = fleets.update(drifted, news)
    assert registry.calls(writes=True) == ["POST /devices"]
    assert (shown(again), len(registry.twins())) == (shown(created), 25)
    assert again.outs["lastWrite"] > created.outs["lastWrite"]


def test_changes_by_hand_are_repaired(fleets: Provider, registry: DeviceRegistry) -> None:
    """A disabled device and a changed tag are found and repaired; a tag that somebody added is kept."""
    news = registry.fleet(FLEET)
    created = fleets.create(news)
    registry.disable("press-002", "lost")
    registry.tag("press-003", plant="B")
    registry.tag("press-004", firmware="7")
    drifted = fleets.read(created)
    assert drifted is not None
    assert (drifted.outs["enabled"], drifted.outs["exceptions"]) == (24, ["press-002: disabled (lost)"])
    registry.clear()
    assert shown(fleets.up(created, news)) == shown(created)
    assert registry.writes == 1
    assert (registry.twin("press-002")["status"], registry.twin("press-003")["tags"]["plant"]) == ("enabled", "A")
    assert registry.twin("press-004")["tags"]["firmware"] == "7"
    registry.clear()
    assert shown(fleets.up(created, news)) == shown(created)
    assert registry.calls() == ["POST /devices/query"]


def test_only_the_difference_is_written(fleets: Provider, registry: DeviceRegistry) -> None:
    """One device added, one removed, one disabled with a reason, one with other tags: one call for all of them."""
    created = fleets.create(registry.fleet(FLEET))
    changed = dict(roster(press_005=DeviceDescription(enabled=False, reason="stolen", tags={"plant": "A"}), press_006=DeviceDescription()))
    del changed["press-001"]
    news = registry.fleet(Roster.of({**changed, "press-026": DeviceDescription(tags={"plant": "A"})}.items()))
    assert (fleets.diff(created, news).changes, fleets.diff(created, news).replaces) == (True, [])
    registry.clear()
    after = fleets.update(created, news)
    assert registry.writes == 1
    twins = registry.twins()
    assert ("press-001" in twins, "press-026" in twins, len(twins)) == (False, True, 25)
    assert (twins["press-005"]["status"], twins["press-005"]["statusReason"]) == ("disabled", "stolen")
    assert twins["press-006"]["tags"] == {"hubtrust": OWNER}
    assert (after.outs["enabled"], after.outs["exceptions"]) == (24, ["press-005: disabled (stolen)"])


def test_devices_of_others_are_refused_or_adopted(fleets: Provider, registry: DeviceRegistry) -> None:
    """A device of the same id that others created is refused and unchanged; all others are created; `adopt` takes over what it names."""
    registry.client.put("press-007", authentication={"type": "sas"})
    text = fleets.create_error(registry.fleet(FLEET))
    assert text.partition(": ")[2].startswith("fleet 'presses' on IoT hub 'trial-")
    fact = "device 'press-007' exists and is not managed by this resource (without an owner tag); use other ids, or, to take over, "
    assert f'{fact}set adoptDevices: ["press-007"] (the argument adopt in a program)' in text
    assert (registry.twin("press-007")["authenticationType"], len(registry.twins())) == ("sas", 25)
    other_one = fleets.create_error(registry.fleet(FLEET, adopt=["press-{008..025}", "press-001"]))
    assert 'set adoptDevices: ["press-007"]' in other_one
    created = fleets.create(registry.fleet(FLEET, adopt=["press-{005..007}"]))
    adopted = registry.twin("press-007")
    assert (adopted["authenticationType"], adopted["tags"]["hubtrust"], created.outs["count"]) == ("certificateAuthority", OWNER, 25)


def test_overlapping_fleets_are_refused(fleets: Provider, registry: DeviceRegistry) -> None:
    """Two fleets that overlap: the second is refused, and the error names the owner of the devices."""
    fleets.create(registry.fleet(FLEET))
    other = {**OWNER, "urn": "urn:pulumi:dev::tests::x::lathes"}
    text = fleets.create_error(registry.fleet(from_pattern("press-{024..027}"), owner=other))
    assert (
        f"devices 'press-024', 'press-025' exist and are not managed by this resource (owned by {OWNER['urn']} in stack"
        " organization/tests/dev)" in text
    )


def test_a_renamed_fleet_keeps_its_devices(fleets: Provider, registry: DeviceRegistry) -> None:
    """With an alias the old tag is recognized as ours: it is rewritten and nothing is created or deleted."""
    created = fleets.create(registry.fleet(FLEET))
    moved = registry.fleet(FLEET, owner={**OWNER, "urn": "urn:pulumi:dev::tests::x::machines"})
    assert fleets.diff(created, moved).replaces == []
    registry.clear()
    after = fleets.up(created, moved)
    assert (registry.writes, registry.twin("press-001")["tags"]["hubtrust"]) == (1, moved["owner"])
    registry.clear()
    fleets.up(after, moved)
    assert registry.calls() == ["POST /devices/query"]


@pytest.mark.parametrize(
    "fault",
    [
        "drop:path=/devices:nth=2:when=after",
        "drop:path=/devices:nth=1",
        "429:path=/devices:times=3",
        "503:path=/devices:nth=3:when=after",
        "401:path=/devices:nth=2",
        "500:path=/devices/query:nth=1",
    ],
)
def test_temporary_faults_are_retried(fleets: Provider, registry: DeviceRegistry, fault: str) -> None:
    """A connection dropped before or after the effect, a throttle without Retry-After, an expired token: each device is created once."""
    wanted = from_pattern("press-{001..350}")
    registry.clear(fault)
    created = fleets.create(registry.fleet(wanted))
    assert created.outs["digest"] == wanted.digest
    assert sorted(registry.twins()) == list(wanted.ids)


def test_the_next_run_finishes_a_failed_one(fleets: Provider, registry: DeviceRegistry) -> None:
    """Azure stops answering halfway: one line reports it, and the next `up` reads the hub and creates only what is missing."""
    wanted = from_pattern("press-{0001..2000}")
    registry.clear("503:path=/devices:share=0.6:seed=7")
    text = fleets.create_error(registry.fleet(wanted, deadline=1))
    assert re.search(r"100 devices on IoT hub '.*': Azure answers 503.*run again later; work already done is kept", text), text
    existing = len(registry.twins())
    assert 0 < existing < 2000
    registry.clear()
    created = fleets.create(registry.fleet(wanted))
    assert (created.outs["count"], registry.writes) == (2000, -(-(2000 - existing) // 100))


def test_refused_devices_are_reported_and_the_others_created(fleets: Provider, registry: DeviceRegistry) -> None:
    """A bulk response 400 with 98 of 100 done: the other two are named in the error, and the 98 are in the registry."""
    wanted = from_pattern("press-{001..100}")
    for taken in ("press-031", "press-062"):
        registry.client.put(taken)
    text = fleets.create_error(registry.fleet(wanted))
    assert "devices 'press-031', 'press-062' exist and are not managed by this resource" in text
    assert sum("hubtrust" in twin["tags"] for twin in registry.twins().values()) == 98


def test_a_lagging_query_index_causes_no_wrong_write(fleets: Provider, registry: DeviceRegistry) -> None:
    """Queries show the old state right after a change: no device is created twice, and none is taken for deleted."""
    news = registry.fleet(FLEET)
    registry.clear(query_lag_seconds=0.7)
    created = fleets.create(news)
    refreshed = fleets.read(created)
    assert refreshed is not None
    assert refreshed.outs == created.outs
    smaller = registry.fleet(from_pattern("press-{001..020}", {"plant": "A"}))
    shrunk = fleets.update(created, smaller)
    registry.clear(query_lag_seconds=3600)
    assert fleets.update(shrunk, smaller).outs == shrunk.outs
    assert len([call for call in registry.calls(writes=True) if call == "POST /devices"]) == 0
    again = fleets.create(news)
    assert shown(again) == shown(created), "made anew though the index shows nothing of it"


def test_a_throttled_hub_gets_the_whole_fleet(fleets: Provider, registry: DeviceRegistry) -> None:
    """Far more calls than the hub allows at once: none fails, and the whole fleet is created."""
    wanted = from_pattern("press-{0001..3000}")
    registry.clear(throttle=20.0, throttle_burst=0)
    created = fleets.create(registry.fleet(wanted))
    registry.clear()
    assert (created.outs["count"], len(registry.twins())) == (3000, 3000)


def test_a_missing_role_is_named(fleets: Provider, registry: DeviceRegistry) -> None:
    """A lasting 401, as Azure answers an Owner without the data role: the error names the role and the setting that grants it."""
    registry.clear("401:path=/devices*")
    text = fleets.create_error(registry.fleet(FLEET, deadline=1))
    assert "give this identity the role 'IoT Hub Data Contributor' on the hub (setting operators)" in text


def test_delete_removes_only_its_own_devices(fleets: Provider, registry: DeviceRegistry) -> None:
    """Devices with our tag are deleted, 100 a call; others are kept; devices or a hub that are gone count as deleted."""
    registry.client.put("lathe-1")
    created = fleets.create(registry.fleet(from_pattern("press-{001..150}")))
    registry.clear()
    fleets.delete(created)
    assert (registry.writes, sorted(registry.twins())) == (2, ["lathe-1"])
    fleets.delete(ResourceState(created.id, created.outs | {"count": 0}, created.inputs))


def test_a_fleet_on_a_deleted_hub_is_gone(fleets: Provider, registry: DeviceRegistry) -> None:
    """The hub was deleted: the fleet is read as gone, because Resource Manager says so, and deleting it succeeds."""
    created = fleets.create(registry.fleet(FLEET))
    registry.client.hub.delete_hub()
    assert fleets.read(created) is None
    fleets.delete(created)


def test_a_replacement_keeps_its_devices(fleets: Provider, registry: DeviceRegistry) -> None:
    """In a forced replacement the new fleet is created before the old one is deleted: the devices are the same and are kept."""
    news = registry.fleet(FLEET)
    created = fleets.create(news)
    fleets.create(news)
    fleets.delete(created)
    assert len(registry.twins()) == 25


def test_ids_are_case_sensitive_and_may_have_any_allowed_character(fleets: Provider, registry: DeviceRegistry) -> None:
    """`A` and `a` are two devices; ids may have every character that Azure allows, and their twins are found."""
    odd = from_ids(["A", "a", "x-.%_*?!(),:=@$'", "0" * 128])
    news = registry.fleet(odd)
    created = fleets.create(news)
    assert set(registry.twins()) == set(odd.ids)
    registry.disable("A", "by hand")
    assert shown(fleets.up(created, news)) == shown(created)
    fleets.delete(created)
    assert registry.twins() == {}


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"members": "noise"}, "members: it is not a packed list of devices of this version"),
        ({"members": "1.noise"}, "members: it is not a packed list of devices; use the output"),
        ({"owner": {"stack": "s"}}, "owner: it is .*; give an object with stack and urn"),
        ({"hostName": "hub"}, "hostName: 'hub' is not a hub's host name"),
        ({"hubId": "hub"}, "hubId: resource id 'hub': it is not the id of an IoT hub"),
        ({"hubId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/provisioningServices/d"}, "names a provisioning service"),
        ({"adopt": True}, "adopt: it is True; list the ids or patterns of the devices that may be taken over"),
        ({"adopt": ["press-{9..1}"]}, "adopt: the pattern 'press-{9..1}': 9..1 is not a valid range"),
    ],
)
def test_each_invalid_input_is_reported(fleets: Provider, registry: DeviceRegistry, changes: dict[str, Any], match: str) -> None:
    """Each error is one line, before anything is created."""
    failures = fleets.check(registry.fleet(FLEET, **changes)).failures
    assert len(failures) == 1
    assert re.search(match, failures[0][1]), failures
