"""Devices, end to end: 25 devices and a canary that connects; a plain `up` repairs what others changed."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kit.device_certificates import Party
from tests.kit.device_registry import DeviceRegistry
from tests.kit.hub_client import HubClient, data_token
from tests.kit.mqtt_device import Device, attempts, messages
from tests.kit.prerequisites import need_pulumi
from tests.kit.program import Program, program

CHAIN = "press-001 < hubtrust sandbox issuing CA < hubtrust sandbox root CA"
CONNECTED = f"device press-001 connected now, chain: {CHAIN}"


@pytest.fixture(scope="module", params=["embedded", "pulumi"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The program, deployed once; each test leaves it as declared."""
    if request.param == "pulumi":
        need_pulumi()
    with program(tmp_path_factory.mktemp("devices"), request.param) as created:
        created.up()
        yield created


@contextmanager
def registry(stack: Program) -> Iterator[DeviceRegistry]:
    """The registry of the program's hub, through a client of the tests' own with a role: local authentication is disabled."""
    with stack.azure() as azure:
        client = HubClient(azure, stack.hub(azure), data_token(azure))
        with client.http:
            yield DeviceRegistry(azure, client)


def test_up_connects_a_device_and_a_second_up_changes_nothing(running: Program) -> None:
    """25 devices and a canary whose message arrived; a second `up` writes nothing, connects no device, and says when one last did."""
    with registry(running) as found:
        assert sorted(found.twins()) == [f"press-{number:03}" for number in range(1, 26)]
        heard = len(messages(found.client, "press-001"))
        assert heard == 1
        outputs = running.outputs()
        assert outputs["devices"].items() >= {"count": 25, "enabled": 25}.items()
        connection = outputs["connection"]
        assert (connection["state"], connection["chain"], CONNECTED in running.printed.splitlines()) == ("connected", CHAIN, True)
        found.clear()
        running.up()
        last = f"device press-001 connected at {connection['connectedAt']} (not checked in this run), chain: {CHAIN}"
        assert last in running.printed.splitlines()
        assert found.azure.control("GET", "/requests?mutating=1") == []
        assert sorted(found.calls()) == ["GET /twins/press-001", "POST /devices/query"]
        assert (running.outputs(), len(messages(found.client, "press-001"))) == (outputs, heard)


def _delete_the_certificate(running: Program, found: DeviceRegistry) -> None:
    found.client.hub.delete(running.outputs()["trust"][0]["name"])


def _delete_the_device(_running: Program, found: DeviceRegistry) -> None:
    found.delete("press-001")


@pytest.mark.parametrize("damage", [_delete_the_certificate, _delete_the_device])
def test_a_repaired_path_is_connected_again(running: Program, damage: Callable[[Program, DeviceRegistry], None]) -> None:
    """A part of the canary's path was deleted by hand and made again: local Azure saw one more connection, and the output says when."""
    with registry(running) as found:
        damage(running, found)
        before, last = len(messages(found.client, "press-001")), running.outputs()["connection"]["connectedAt"]
        running.up()
        assert CONNECTED in running.printed.splitlines()
        assert len(messages(found.client, "press-001")) == before + 1
        assert running.outputs()["connection"]["connectedAt"] > last


ONLY = {"defaultAction": "Deny", "applyToBuiltInEventHubEndpoint": True}
CLOSED = (
    {"publicNetworkAccess": "Disabled"},
    {"networkRuleSets": {**ONLY, "ipRules": [{"filterName": "theirs", "action": "Allow", "ipMask": "10.0.0.0/8"}]}},
)


@pytest.mark.parametrize("closed", CLOSED, ids=["private", "rules"])
def test_a_hub_that_was_closed_by_hand_is_opened_by_the_next_up(running: Program, closed: dict[str, object]) -> None:
    """Its refresh sees no device; after the hub, the `up` reads all of them, makes the one that is missing, and connects the canary."""
    with registry(running) as found:
        found.delete("press-002")
        hub, last = found.client.hub, running.outputs()["connection"]["connectedAt"]
        body = found.azure.ask("GET", hub.id).json()
        body["properties"].update(closed)
        found.azure.ask("PUT", hub.id, json=body)
        found.azure.until(lambda: found.azure.ask("GET", hub.id).json()["properties"].get("state") == "Active")
        running.up()
        assert "is not read in this refresh, and the next `up` reads it" in running.printed
        properties = found.azure.ask("GET", hub.id).json()["properties"]
        assert (properties.get("publicNetworkAccess"), properties.get("networkRuleSets")) == (None, None)
        assert len(found.twins()) == 25
        assert running.outputs()["connection"]["connectedAt"] > last
        found.clear()
        running.up()
        assert found.azure.control("GET", "/requests?mutating=1") == []


def test_deleted_devices_are_created_again_in_one_call(running: Program) -> None:
    """A plain `up` finds what was deleted on the hub and creates exactly those three, in one call."""
    with registry(running) as found:
        found.delete("press-002", "press-013", "press-024")
        found.clear()
        running.up()
        assert found.calls(writes=True) == ["POST /devices"]
        assert len(found.twins()) == 25
        assert running.outputs()["devices"]["count"] == 25


def test_a_list_that_has_become_empty_deletes_nothing(running: Program) -> None:
    """The setting was removed: without a word that no devices are meant, `up` ends before it changes anything."""
    with registry(running) as found:
        found.clear()
        running.configure(devices="")
        assert running.run("up") != 0
        running.configure()
        assert "its list of devices is empty, so 25 devices would be deleted; restore the list" in running.printed
        assert "set noDevices: true" in running.printed
        assert found.azure.control("GET", "/requests?mutating=1") == []


def test_what_the_hub_writes_is_the_fleet(running: Program) -> None:
    """The answer to a query, as `az iot hub query` prints it, is the file of the devices: nothing differs, and nothing is written."""
    with registry(running) as found:
        (running.folder / "devices.json").write_text(json.dumps(list(found.twins().values()), indent=2), encoding="utf-8")
        found.clear()
        running.configure(devices="", devicesFile="devices.json", canary="press-001")
        running.up()
        running.configure()
        assert found.calls(writes=True) == []
        assert running.outputs()["devices"]["count"] == 25


def test_what_a_twin_cannot_hold_is_told_in_the_preview(running: Program) -> None:
    """Tags of 8 KB have no room for the one that names the owner: nothing is sent, and Azure refuses nothing."""
    tags = dict.fromkeys(("a", "b"), "x" * 4095)
    (running.folder / "devices.jsonl").write_text(json.dumps({"id": "press-001", "tags": tags}), encoding="utf-8")
    with registry(running) as found:
        found.clear()
        running.configure(devices="", devicesFile="devices.jsonl", deleteDevices=24)
        assert running.run("preview") != 0
        running.configure()
        assert "device 'press-001': its tags have 8" in running.printed, running.printed
        assert "by Azure's count, together with the tag 'hubtrust' that names its owner; use at most 8192 together" in running.printed
        assert found.calls(writes=True) == []


def test_a_device_of_another_ca_is_refused(running: Program, tmp_path: Path) -> None:
    """The hub checks each connection: a certificate from a CA with the same name but another key is refused."""
    other = Party("hubtrust sandbox issuing CA")
    with registry(running) as found:
        with Device(found.client, other.device("press-003"), tmp_path, above=(other,)) as device:
            assert device.connect("press-003") != 0
        (attempt,) = attempts(found.client, "press-003")
        assert (attempt["accepted"], attempt["issuer"]) == (False, "CN=hubtrust sandbox issuing CA")


def test_the_canarys_key_is_not_stored(running: Program) -> None:
    """The canary's key and certificate are in no file of the stack and in no output."""
    state = "".join(file.read_text(errors="replace") for file in (running.home / "state").rglob("*.json*"))
    assert "BEGIN CERTIFICATE" in state
    checked = [
        one for one in json.loads(running.engine_says("stack", "export"))["deployment"]["resources"] if "ConnectionCheck" in one["type"]
    ]
    assert [one["outputs"]["state"] for one in checked] == ["connected"]
    assert "BEGIN" not in json.dumps([one["outputs"] for one in checked]).replace(checked[0]["inputs"]["chain"].replace("\n", "\\n"), "")
    assert [text for text in ("PRIVATE KEY",) if text in running.printed or text in state] == []
    assert list(running.temporary.glob("hubtrust-*/key.pem")) == []


def test_no_connection_check_while_waiting_for_proof(tmp_path: Path) -> None:
    """A CA whose certificate is still requested: the devices exist, and the check reports why it did not run."""
    with program(tmp_path, "embedded") as stack:
        stack.configure(caSource="request")
        stack.up()
        assert "device press-001 not checked: waiting for proof" in stack.printed.splitlines()
        found = stack.outputs()
        assert (found["devices"]["count"], found["connection"]["state"]) == (25, "not checked")
