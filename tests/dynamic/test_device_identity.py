"""DeviceIdentity over gRPC: created with its tag in one call, resumed, repaired, refused, adopted, deleted by etag."""

import json
import re
from typing import Any

import pytest

from hubtrust.dynamic.device_identity import DeviceIdentityProvider
from local_azure_iot import installation
from tests.kit.device_registry import OWNER, DeviceRegistry
from tests.kit.local_azure import LocalAzure
from tests.kit.provider_process import UNKNOWN, CallFailedError, Provider, ProviderProcess, ResourceState

THUMBPRINT = "ab" * 20
DECLARED = {"tags": {"plant_line": "A", "floor": {"level": 2}}, "desired": {"interval": 60, "rate": 1.5}}


def test_a_device_is_created_in_one_call(devices: Provider, registry: DeviceRegistry) -> None:
    """Identity, tags, desired properties and our own tag are created in one call; names keep their underscores and numbers their types."""
    created = devices.create(registry.device(**DECLARED, edge=True))
    assert registry.calls() == ["GET /twins/press-001", "POST /devices", "GET /twins/press-001"]
    twin = registry.twin("press-001")
    assert twin["tags"] == {**DECLARED["tags"], "hubtrust": OWNER}
    assert {name: twin["properties"]["desired"][name] for name in DECLARED["desired"]} == DECLARED["desired"]
    assert (twin["capabilities"]["iotEdge"], twin["authenticationType"]) == (True, "certificateAuthority")
    assert (created.id, created.outs["etag"], created.outs["deviceEtag"]) == (
        f"{registry.client.host}/press-001",
        twin["etag"],
        twin["deviceEtag"],
    )
    assert (created.outs["status"], created.outs["authentication"], "adopt" in created.outs) == ("enabled", "certificateAuthority", False)


def test_an_unchanged_device_is_one_read(devices: Provider, registry: DeviceRegistry) -> None:
    """A second run reads the twin and finds no difference, with or without declared documents."""
    for device_id, changes in (("press-001", {}), ("press-002", DECLARED), ("press-003", {"thumbprints": [THUMBPRINT]})):
        news = registry.device(device_id, **changes)
        created = devices.create(news)
        registry.clear()
        assert devices.up(created, news).outs == created.outs
        assert registry.calls() == [f"GET /twins/{device_id}"]


def test_every_drift_is_found_and_repaired(devices: Provider, registry: DeviceRegistry) -> None:
    """A disabled device, a changed tag and a deleted device are repaired; a tag that others added is kept."""
    news = registry.device(**DECLARED)
    created = devices.create(news)
    registry.disable("press-001", "by hand")
    registry.tag("press-001", plant_line="B", firmware="7")
    drifted = devices.read(created)
    assert drifted is not None
    assert (drifted.outs["status"], drifted.outs["reason"]) == ("disabled", "by hand")
    assert json.loads(drifted.outs["tags"])["plant_line"] == "B"
    assert devices.diff(drifted, news).changes is True
    again = devices.up(created, news)
    twin = registry.twin("press-001")
    assert (twin["status"], twin["tags"]["plant_line"], twin["tags"]["firmware"]) == ("enabled", "A", "7")
    registry.delete("press-001")
    assert devices.read(again) is None
    assert devices.up(again, news).outs["status"] == "enabled"


def test_changed_inputs_update_in_place(devices: Provider, registry: DeviceRegistry) -> None:
    """Disabling with a reason, thumbprints instead of a CA and a removed tag are updates; another id or hub is a replacement."""
    created = devices.create(registry.device(**DECLARED))
    revoked = devices.update(created, registry.device(status="disabled", reason="stolen", tags={"floor": {"level": 3}}))
    twin = registry.twin("press-001")
    assert (twin["status"], twin["statusReason"], twin["tags"]) == ("disabled", "stolen", {"floor": {"level": 3}, "hubtrust": OWNER})
    assert "interval" not in twin["properties"]["desired"]
    shown = devices.update(revoked, registry.device(thumbprints=[THUMBPRINT, "CD" * 32]))
    assert (shown.outs["authentication"], shown.outs["thumbprints"]) == ("selfSigned", ["AB" * 20, "CD" * 32])
    assert devices.diff(shown, registry.device("press-002")).replaces == ["deviceId"]
    assert devices.diff(shown, registry.device(hubId=f"{registry.client.hub.id}-b")).replaces == ["hubId"]
    assert devices.diff(shown, registry.device(hubId=UNKNOWN)).replaces == ["hubId"]
    assert (
        devices.diff(shown, registry.device(status=UNKNOWN)).changes,
        devices.diff(created, registry.device(status=UNKNOWN)).replaces,
    ) == (
        True,
        [],
    )


def test_a_device_of_others_is_refused_or_adopted(devices: Provider, registry: DeviceRegistry) -> None:
    """A device of others is refused and unchanged, unless `adopt` names it; a device without our tag is no longer ours."""
    registry.client.put("press-001", status="disabled", statusReason="theirs")
    registry.tag("press-001", theirs="yes")
    with pytest.raises(
        CallFailedError,
        match=r"device 'press-001' exists and is not managed by this resource \(without an owner tag\); .* set adoptDevices: ..press-001",
    ):
        devices.create(registry.device())
    assert registry.twin("press-001")["statusReason"] == "theirs"
    with pytest.raises(CallFailedError, match="is not managed by this resource"):
        devices.create(registry.device(adopt=["press-002"]))
    created = devices.create(registry.device(adopt=["press-001"]))
    read = devices.read(created)
    assert (created.outs["adopted"], read and read.outs["adopted"]) == (True, True)
    twin = registry.twin("press-001")
    assert (twin["status"], twin["tags"]) == ("enabled", {"theirs": "yes", "hubtrust": OWNER})
    registry.tag("press-001", hubtrust=None)
    drifted = devices.read(created)
    assert drifted is not None
    assert devices.diff(drifted, registry.device()).changes is True
    devices.delete(drifted)
    assert "theirs" in registry.twin("press-001")["tags"], "what carries no tag of ours is not ours to delete"


def test_the_next_run_continues_after_a_crash(devices: Provider, registry: DeviceRegistry) -> None:
    """The same declaration again, after a crash that lost the state: nothing is written."""
    devices.create(registry.device())
    registry.clear()
    created = devices.create(registry.device())
    assert (registry.writes, created.outs["status"]) == (0, "enabled")
    devices.delete(created)
    assert list(registry.twins()) == ["press-001"], "another resource of this run manages it"


@pytest.mark.parametrize("fault", ["drop:path=/devices:nth=1:when=after", "drop:path=/twins/*:nth=1", "429:path=/devices:times=2"])
def test_temporary_faults_are_retried(devices: Provider, registry: DeviceRegistry, fault: str) -> None:
    """After a dropped connection (before or after the effect) or a throttle, the device exists once."""
    registry.clear(fault)
    assert devices.create(registry.device()).outs["status"] == "enabled"


def test_a_concurrent_write_is_kept(devices: Provider, registry: DeviceRegistry) -> None:
    """An update with an outdated etag reads the device again and keeps what the other client wrote."""
    created = devices.create(registry.device(**DECLARED))
    registry.tag("press-001", theirs="yes")
    devices.update(created, registry.device(tags={"plant_line": "C"}))
    tags = registry.twin("press-001")["tags"]
    assert (tags["plant_line"], tags["theirs"]) == ("C", "yes")


def test_delete_uses_the_etag_and_a_missing_device_counts_as_deleted(devices: Provider, registry: DeviceRegistry) -> None:
    """A device is deleted by its etag; one that is gone already, or whose hub is gone, counts as deleted."""
    created = devices.create(registry.device())
    devices.delete(created)
    devices.delete(created)
    assert registry.twins() == {}
    created = devices.create(registry.device("press-002"))
    registry.client.hub.delete_hub()
    assert devices.read(created) is None
    devices.delete(created)


def test_a_missing_host_name_is_looked_up(devices: Provider, registry: DeviceRegistry) -> None:
    """The host name is found by the hub's id alone; a hub that does not exist is reported."""
    created = devices.create(registry.device(hostName=None))
    assert created.outs["hostName"] == registry.client.host
    with pytest.raises(CallFailedError, match=r"IoT hub '.*-none': it does not exist; check its resource id"):
        devices.create(registry.device(hostName=None, hubId=f"{registry.client.hub.id}-none"))


def test_a_401_from_a_new_role_is_retried(azure: LocalAzure, registry: DeviceRegistry) -> None:
    """401 while a role assignment takes effect is retried, with a new token each time."""
    registry.clear("401:path=/twins/*:times=2")
    with ProviderProcess(installation.environment(azure.ready)) as process:
        assert process.of(DeviceIdentityProvider).create(registry.device()).outs["status"] == "enabled"


def test_what_others_wrote_is_repaired_whatever_it_is(devices: Provider, registry: DeviceRegistry) -> None:
    """A refresh found what no declaration may have: the next run replaces it, and does not end because of it."""
    news = registry.device(**DECLARED)
    created = devices.create(news)
    odd = {"tags": json.dumps({"plant_line": {"a b": [None, 2**60]}}), "reason": "x" * 300}
    found = ResourceState(created.id, {**created.outs, **odd}, news)
    assert devices.diff(found, news).changes is True
    assert json.loads(devices.update(found, news).outs["tags"])["plant_line"] == "A"


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"deviceId": "press 1"}, r"deviceId: device 'press 1': its id has the character ' '; use letters, digits and - \. %"),
        ({"deviceId": "press/1"}, "the character '/'"),
        ({"deviceId": ""}, "its id is empty"),
        ({"deviceId": "x" * 129}, "its id has 129 characters; use at most 128"),
        ({"status": "off"}, "status: it is 'off'; use enabled or disabled"),
        ({"reason": "x" * 129}, "reason: it has 129 characters; use a text of at most 128 characters"),
        ({"reason": 7}, "reason: it is a number; use a text of at most 128 characters"),
        ({"edge": "yes"}, "edge: it is 'yes'; use true or false"),
        ({"thumbprints": ["AB"]}, "thumbprints: 'AB' is not a thumbprint: it has 2 hex digits; give 40 .SHA-1. or 64"),
        ({"thumbprints": [THUMBPRINT] * 3}, "give one or two thumbprints"),
        ({"tags": {"a.b": "x"}}, "tags: the name 'a.b' has the character '.'; use a name without dots"),
        ({"tags": {"": "x"}}, "tags: a name in it is empty; give each value a name"),
        ({"tags": {"hubtrust": "x"}}, "tags: 'hubtrust' is reserved for the tag that names the device's owner; use another name"),
        ({"tags": {"a": "x" * 9000}}, "tags: a text in it has 9000 bytes; use at most 4096"),
        ({"tags": "noise"}, "tags: it is not valid JSON .Expecting value at character 1.; write it as JSON"),
        ({"tags": "[1]"}, "tags: it is a list; give an object of names and values"),
        ({"tags": '{"a": NaN}'}, "tags: NaN is not a number in JSON"),
        ({"tags": '{"a":' * 9000}, "tags: it is not JSON that a hub can hold: it is nested too deeply"),
        ({"tags": {"a": "x" * 4090, "b": "x" * 4090}}, "its tags have 8[0-9]{3} bytes by Azure's count, together with the tag 'hubtrust'"),
        ({"desired": {"a": {"$b": 1}}}, r"desired: the name '\$b'"),
        ({"deviceId": None}, "deviceId: it is missing"),
    ],
)
def test_each_invalid_input_is_reported(devices: Provider, registry: DeviceRegistry, changes: dict[str, Any], match: str) -> None:
    """Each error is one line with the property, the fact and the remedy."""
    failures = devices.check(registry.device(**changes)).failures
    assert len(failures) == 1
    assert re.search(match, failures[0][1]), failures
    assert "\n" not in failures[0][1]


def test_a_device_below_an_edge_device(devices: Provider, registry: DeviceRegistry) -> None:
    """Its parent is written and shown in Azure's members, changed and removed in place; another one set by hand is repaired."""
    first, second = (devices.create(registry.device(one, edge=True)).outs["deviceScope"] for one in ("gate-way", "other"))
    leaf = devices.create(registry.device(parentScope=first))
    inner = devices.create(registry.device("inner", edge=True, parentScope=first, tags={"a": 1}))
    shown = registry.twins()
    assert (shown["press-001"]["deviceScope"], shown["press-001"]["parentScopes"]) == (first, [first])
    assert (shown["inner"]["parentScopes"], "parentScopes" in shown["gate-way"]) == ([first], False)
    assert (leaf.outs["parentScope"], "deviceScope" in leaf.outs, inner.outs["deviceScope"]) == (
        first,
        False,
        shown["inner"]["deviceScope"],
    )
    registry.clear()
    assert devices.up(leaf, registry.device(parentScope=first)).outs == leaf.outs
    assert registry.writes == 0
    moved = devices.update(inner, registry.device("inner", edge=True, parentScope=second, tags={"a": 1}))
    twin = registry.twin("inner")
    assert (twin["parentScopes"], twin["deviceScope"], twin["tags"]["a"]) == ([second], inner.outs["deviceScope"], 1)
    for by_hand, found in (({"deviceScope": second}, second), ({}, "")):
        registry.disable("press-001", "by hand", **by_hand)
        drifted = devices.read(leaf)
        assert drifted is not None
        assert drifted.outs["parentScope"] == found
        leaf = devices.up(drifted, registry.device(parentScope=first))
        assert registry.twin("press-001")["parentScopes"] == [first]
    for state, news in ((leaf, registry.device()), (moved, registry.device("inner", edge=True, tags={"a": 1}))):
        assert devices.diff(state, news).changes is True
        assert "parentScope" not in devices.update(state, news).outs
        assert not registry.twin(str(news["deviceId"])).get("parentScopes")


def test_a_parent_that_is_not_declared_is_kept(devices: Provider, registry: DeviceRegistry) -> None:
    """Others may set it, also for an edge device; whatever is changed here does not remove it, and an edge device may become a leaf."""
    scope = devices.create(registry.device("gateway", edge=True)).outs["deviceScope"]
    for edge in (False, True):
        state = devices.create(registry.device(f"press-{edge}", edge=edge))
        by_hand = {"parentScopes": [scope]} if edge else {"deviceScope": scope}
        registry.disable(state.outs["deviceId"], "by hand", capabilities={"iotEdge": edge}, **by_hand)
        for later in (edge, not edge):
            state = devices.update(state, registry.device(f"press-{edge}", edge=later))
            twin = registry.twin(f"press-{edge}")
            assert (twin["status"], twin["parentScopes"], twin["capabilities"]) == ("enabled", [scope], {"iotEdge": later})


def test_a_parent_is_an_edge_device_of_the_hub(devices: Provider, registry: DeviceRegistry) -> None:
    """Anything else is one line, and the device is not written; one that was deleted and made again has another scope."""
    parent = devices.create(registry.device("gateway", edge=True))
    scope = parent.outs["deviceScope"]
    child = devices.create(registry.device("inner", parentScope=scope))
    registry.delete("gateway")
    for match, make in (
        ("the hub has no device 'gateway', its parent; create the parent first, or refresh if it was deleted", None),
        ("its parent 'gateway' is not an IoT Edge device, .*; declare the parent with edge=True", {}),
        ("its parent 'gateway' was deleted and created again, .*; refresh, and give", {"capabilities": {"iotEdge": True}}),
    ):
        if make is not None:
            registry.client.put("gateway", **make)
        with pytest.raises(CallFailedError, match=rf"device 'press-001' on IoT hub '.*': {match}"):
            devices.create(registry.device(parentScope=scope))
        assert "press-001" not in registry.ids()
        registry.delete(*({"gateway"} & {*registry.ids()}))
    assert devices.update(child, registry.device("inner", parentScope=scope, status="disabled")).outs["status"] == "disabled"
    assert devices.read(parent) is None
    again = devices.create(registry.device("gateway", edge=True)).outs["deviceScope"]
    assert devices.up(child, registry.device("inner", parentScope=again)).outs["parentScope"] == again
    for wrong, match in (
        ("gateway", "parentScope: 'gateway' is not the scope of an IoT Edge device; give the output device_scope of the parent"),
        ("ms-azure-iot-edge://press-001-1", "device 'press-001': it is its own parent"),
    ):
        ((_, told),) = devices.check(registry.device(parentScope=wrong)).failures
        assert match in told


def test_a_state_of_an_earlier_version_learns_its_scope(devices: Provider, registry: DeviceRegistry) -> None:
    """It is read, and nothing is written."""
    news = registry.device(edge=True)
    created = devices.create(news)
    scope = created.outs.pop("deviceScope")
    registry.clear()
    assert devices.up(created, news).outs["deviceScope"] == scope
    assert registry.writes == 0


def test_a_skipped_device_is_left_alone(devices: Provider, registry: DeviceRegistry) -> None:
    """With a reason nothing is sent to the hub, whatever is declared; the first run without one creates the device or continues with it."""
    reason = "the hub's network is closed"
    skipped = devices.create(registry.device(skip=reason))
    assert (registry.calls(), skipped.outs["skip"], "etag" in skipped.outs) == ([], reason, False)
    assert devices.diff(skipped, registry.device(skip=reason, status="disabled")).changes is False
    assert devices.read(skipped) == skipped
    devices.delete(skipped)
    assert registry.calls() == []
    written = devices.up(skipped, registry.device())
    assert (registry.twin("press-001")["status"], "skip" in written.outs) == ("enabled", False)
    registry.clear()
    again = devices.update(written, registry.device(skip=reason, status="disabled"))
    assert (registry.calls(), again.outs) == ([], {**written.outs, "skip": reason}), "what is there stays"
    assert devices.up(again, registry.device(status="disabled")).outs["status"] == "disabled"
    foreign = devices.create(registry.device("press-002", skip=reason))
    registry.client.put("press-002")
    with pytest.raises(CallFailedError, match="exists and is not managed by this resource"):
        devices.up(foreign, registry.device("press-002"))
