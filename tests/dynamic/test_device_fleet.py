"""DeviceFleet over gRPC, as the engine calls it: thousands of devices as one resource, updated by differences."""

import hashlib
import re
from typing import Any

import pytest

from hubtrust.azure.device_description import DeviceDescription
from hubtrust.devices.roster import Roster
from hubtrust.devices.roster_files import from_ids, from_pattern
from tests.kit.device_registry import OWNER, DeviceRegistry
from tests.kit.provider_process import CallFailedError, Provider, ResourceState

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
    assert "press" not in str(created.outs | {"owner": None}), "outputs hold the members packed"


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
    assert text.startswith("fleet 'presses' on IoT hub 'trial-")
    fact = "device 'press-007' exists and is not managed by this resource (without an owner tag); use other ids, or, to take over, "
    assert f'{fact}set adoptDevices: ["press-007"] (the argument adopt in a program)' in text
    assert (registry.twin("press-007")["authenticationType"], len(registry.twins())) == ("sas", 25)
    other_one = fleets.create_error(registry.fleet(FLEET, adopt=["press-{008..025}", "press-001"]))
    assert 'set adoptDevices: ["press-007"]' in other_one
    created = fleets.create(registry.fleet(FLEET, adopt=["press-{005..007}"]))
    adopted = registry.twin("press-007")
    assert (adopted["authenticationType"], adopted["tags"]["hubtrust"], created.outs["count"]) == ("certificateAuthority", OWNER, 25)
    assert created.outs["adopted"] == {"count": 1, "digest": hashlib.sha256(b"press-007\n").hexdigest()}, "not those that are ours"
    assert fleets.update(created, registry.fleet(FLEET)).outs["adopted"] == created.outs["adopted"]


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
    registry.azure.until(lambda: len(registry.twins()) == 25)  # the index has the new devices, and will not have the deletions
    smaller = registry.fleet(from_pattern("press-{001..020}", {"plant": "A"}))
    shrunk = fleets.update(created, smaller)
    registry.clear(query_lag_seconds=3600)
    assert fleets.update(shrunk, smaller).outs == shrunk.outs
    assert len([call for call in registry.calls(writes=True) if call == "POST /devices"]) == 0
    again = fleets.create(news)
    assert shown(again) == shown(created), "made anew though the index shows nothing of it"


def test_a_refresh_reads_by_id_what_the_index_does_not_show(fleets: Provider, registry: DeviceRegistry) -> None:
    """New devices are not called gone, deleted ones are; the next `up` repairs exactly what differs."""
    news = registry.fleet(FLEET)
    registry.clear(query_lag_seconds=3600)
    created = fleets.create(news)
    refreshed = fleets.read(created)
    assert refreshed is not None
    assert refreshed.outs == created.outs
    registry.delete("press-003")
    registry.disable("press-004", "by hand")
    drifted = fleets.read(created)
    assert drifted is not None
    assert (drifted.outs["count"], drifted.outs["enabled"], drifted.outs["exceptions"]) == (24, 23, ["press-004: disabled (by hand)"])
    assert fleets.update(drifted, news).outs | {"lastWrite": None} == created.outs | {"lastWrite": None}
    assert (len(registry.ids()), registry.twin("press-004")["status"]) == (25, "enabled")


def test_what_a_refresh_cannot_read_is_not_gone(fleets: Provider, registry: DeviceRegistry) -> None:
    """More new devices than are read one by one: the index does not show them, and they stay known."""
    registry.clear(query_lag_seconds=3600)
    created = fleets.create(registry.fleet(from_pattern("press-{0001..1100}")))
    refreshed = fleets.read(created)
    assert refreshed is not None
    assert (refreshed.outs["count"], refreshed.outs["enabled"], refreshed.outs["members"]) == (1100, 1100, created.outs["members"])
    assert fleets.diff(refreshed, created.inputs).changes is True


@pytest.mark.parametrize("counted", [25, 0])
def test_a_lagging_index_leaves_no_device_of_a_deleted_fleet(fleets: Provider, registry: DeviceRegistry, counted: int) -> None:
    """The index shows none of them: each is read by its id and deleted, whatever a refresh counted; devices of others are kept."""
    registry.clear(query_lag_seconds=3600)
    created = fleets.create(registry.fleet(FLEET))
    registry.tag("press-007", hubtrust={**OWNER, "stack": "organization/tests/other"})
    fleets.delete(ResourceState(created.id, created.outs | {"count": counted}, created.inputs))
    assert registry.ids() == ["press-007"]


def test_a_state_of_an_earlier_version_gets_the_ids(fleets: Provider, registry: DeviceRegistry) -> None:
    """It has the number of devices and not their ids: the next `up` adds them, and writes nothing to the hub."""
    news = registry.fleet(FLEET)
    created = fleets.create(news)
    earlier = ResourceState(created.id, {name: value for name, value in created.outs.items() if name != "members"}, news)
    registry.clear()
    assert fleets.up(earlier, news).outs == created.outs
    assert registry.writes == 0


def test_devices_that_the_index_does_not_show_yet_leave_the_fleet(fleets: Provider, registry: DeviceRegistry) -> None:
    """They are new, and are no longer declared: they are deleted, and not forgotten."""
    registry.clear(query_lag_seconds=3600)
    created = fleets.create(registry.fleet(FLEET))
    smaller = registry.fleet(from_pattern("press-{001..020}", {"plant": "A"}))
    fleets.update(created, smaller)
    assert registry.ids() == list(from_pattern("press-{001..020}").ids)


def test_devices_that_the_index_still_shows_are_created_again(fleets: Provider, registry: DeviceRegistry) -> None:
    """They have just been deleted, and are declared again: by the same fleet, or by a new one."""
    news, smaller = registry.fleet(FLEET), registry.fleet(from_pattern("press-{001..020}", {"plant": "A"}))
    created = fleets.create(news)
    registry.clear(query_lag_seconds=3600)
    fleets.update(fleets.update(created, smaller), news)
    assert len(registry.ids()) == 25
    fleets.delete(created)
    assert registry.ids() == []
    assert (fleets.create(news).outs["count"], len(registry.ids())) == (25, 25)


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
    fleets.delete(ResourceState(created.id, created.outs | {"members": from_ids(["press-001"]).pack()}, created.inputs))


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


CUT = from_pattern("press-{001..012}", {"plant": "A"})


@pytest.mark.parametrize(
    ("before", "after", "changes", "match"),
    [
        (FLEET, Roster(()), {}, "list of devices is empty, so 25 devices would be deleted; restore .* set noDevices: true"),
        (from_ids(["a"]), Roster(()), {}, "list of devices is empty, so 1 device would be deleted; restore"),
        (FLEET, Roster(()), {"deleteDevices": 25}, "set noDevices: true"),
        (FLEET, CUT, {}, "13 of 25 enabled devices are not in its list any more and would be deleted; check .* set deleteDevices: 13 "),
        (FLEET, CUT, {"deleteDevices": 14}, r"would be deleted \(deleteDevices is 14\); .* set deleteDevices: 13"),
        (FLEET, from_pattern("lathe-{001..025}"), {}, "25 of 25 enabled devices are not in its list any more"),
        (FLEET, CUT, {"noDevices": True}, "noDevices is true, but its list has 12 devices; remove noDevices"),
        (Roster(()), CUT, {"noDevices": True}, "noDevices is true, but its list has 12 devices; remove noDevices"),
        (FLEET, Roster(()), {"noDevices": True}, None),
        (FLEET, CUT, {"deleteDevices": 13}, None),
        (FLEET, from_pattern("press-{001..013}"), {}, None),
        (from_pattern("press-{01..19}"), from_ids(["press-01"]), {}, None),
        (Roster(()), Roster(()), {}, None),
        (None, Roster(()), {}, None),
        (roster(**{f"press_{n:03}": DeviceDescription(enabled=False) for n in range(13, 26)}), CUT, {}, None),
    ],
)
def test_what_a_fleet_may_lose_is_said(
    fleets: Provider, registry: DeviceRegistry, before: Roster | None, after: Roster, changes: dict[str, Any], match: str | None
) -> None:
    """An empty list, and one that lacks more than half of at least 20 enabled devices, is refused unless the number is said."""
    olds = registry.fleet(before) if before is not None else {}
    failures = fleets.check(registry.fleet(after, **changes), olds).failures
    assert len(failures) == (match is not None)
    if match:
        assert re.search(match, failures[0][1]), failures
        assert failures[0][1].startswith("fleet 'presses' on IoT hub")


def test_a_fleet_is_emptied_and_an_empty_one_makes_no_call(fleets: Provider, registry: DeviceRegistry) -> None:
    """`noDevices` deletes the devices; a fleet without devices is created, read and deleted without any right on the hub."""
    created = fleets.create(registry.fleet(FLEET))
    news = registry.fleet(Roster(()), noDevices=True)
    empty = fleets.update(created, news)
    assert (registry.ids(), empty.outs["count"], empty.outs["enabled"]) == ([], 0, 0)
    registry.clear("401:path=/*")
    assert fleets.up(empty, registry.fleet(Roster(()))).outs == empty.outs
    another = fleets.create(news)
    fleets.delete(another)
    assert registry.calls() == []


def test_an_old_state_deletes_no_devices_of_a_later_one(fleets: Provider, registry: DeviceRegistry) -> None:
    """The state, lost or restored from a backup, has fewer devices than the hub: they are not deleted unless that is said."""
    few = from_ids(["press-001", "press-002"])
    old = fleets.create(registry.fleet(few))
    fleets.update(old, registry.fleet(from_pattern("press-{001..025}")))
    match = "23 of 25 enabled devices of this fleet on the hub are neither in its list nor in that of the last run and would be deleted; "
    with pytest.raises(CallFailedError, match=f"{match}.* set deleteDevices: 23"):
        fleets.update(old, registry.fleet(few))
    assert match in fleets.create_error(registry.fleet(few))
    assert len(registry.ids()) == 25
    assert fleets.update(old, registry.fleet(few, deleteDevices=23)).outs["count"] == 2
    assert registry.ids() == list(few.ids)
