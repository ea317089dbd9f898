"""`GET /why`: why a device was refused, link by link."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from local_azure_iot import commands
from tests.kit.control_port import control
from tests.kit.device_certificates import DAY, Party
from tests.kit.hub_client import HubClient
from tests.kit.mqtt_device import API, Device, connect, until

DEVICE = "press-001"


def why(registry: HubClient, device: str = DEVICE, hub: str | None = None) -> dict[str, Any]:
    """The answer; every link that does not hold says what was found."""
    query = urlencode({"device": device, "hub": registry.host if hub is None else hub})
    found: dict[str, Any] = registry.azure.control("GET", f"/why?{query}")
    assert all(link["fact"] for link in found["links"])
    return found


def tried(registry: HubClient, folder: Path, identity: Party | None, *above: Party, device: str = DEVICE) -> int | None:
    """The return code of one attempt to connect."""
    with Device(registry, identity, folder, above=above) as connection:
        return connection.connect(device)


def disable(registry: HubClient, reason: str) -> None:
    """Disable the device."""
    body = {"deviceId": DEVICE, "status": "disabled", "statusReason": reason, "authentication": {"type": "certificateAuthority"}}
    registry.ask("PUT", f"/devices/{DEVICE}", json=body, headers={"If-Match": "*"}).raise_for_status()


def holds(found: dict[str, Any]) -> dict[str, bool | None]:
    """The links, by name."""
    return {link["link"]: link["holds"] for link in found["links"]}


def fact(found: dict[str, Any]) -> str:
    """What the broken link says."""
    (link,) = [link for link in found["links"] if link["link"] == found["broken"]]
    return str(link["fact"])


def test_a_device_that_is_let_in(registry: HubClient, root: Party, tmp_path: Path) -> None:
    """Every link holds, up to the CA; a root that is sent above the trusted CA is no link."""
    issuing = root.authority_below("Issuing")
    registry.hub.put("issuing", issuing.pem, isVerified=True)
    assert tried(registry, tmp_path, issuing.device(DEVICE), issuing, root) == 0
    found = why(registry)

    assert (found["accepted"], found["now"], found["broken"], found["reason"]) == (True, True, "", "")
    assert set(holds(found)) == {"attempt", "hub", "network", "registry", "trusted CAs", "certificate 1 of 3", "the device's own"}
    assert set(holds(found).values()) == {True}
    assert found["answer"].startswith("it was let in at ")


@pytest.mark.parametrize(("case", "link", "says"), [
    ("nothing sent", "certificate", "no certificate was sent"),
    ("expired", "certificate 1 of 1", "expired"),
    ("expired above", "certificate 2 of 2", "'CN=Issuing': certificate has expired"),
    ("left out", "certificate 1 of 1", "'CN=Issuing', which is neither verified here nor among"),
    ("another root", "certificate 2 of 2", "'CN=Another' is a root, and it is not verified here"),
    ("another name", "the device's own", "'press-002' is not 'press-001'"),
    ("no CA above", "certificate 1 of 2", "used as a CA but is not a CA: 'CN=press-003'"),
])  # fmt: skip
def test_the_link_that_is_broken(case: str, link: str, says: str, registry: HubClient, root: Party, tmp_path: Path) -> None:
    """It is the uppermost of the chain: what is below fails because of it."""
    long_ago = datetime.now(UTC) - 90 * DAY
    sent: dict[str, tuple[Party | None, ...]] = {
        "nothing sent": (None,),
        "expired": (root.device(DEVICE, start=long_ago),),
        "expired above": ((issuing := root.authority_below("Issuing", start=long_ago)).device(DEVICE), issuing),
        "left out": (root.authority_below("Issuing").device(DEVICE),),
        "another root": ((another := Party("Another")).device(DEVICE), another),
        "another name": (root.device("press-002"),),
        "no CA above": ((press := root.device("press-003")).device(DEVICE), press),
    }
    own, *above = sent[case]
    assert tried(registry, tmp_path, own, *(each for each in above if each)) == 5
    found = why(registry)

    assert (found["accepted"], found["now"], found["broken"]) == (False, False, link)
    assert says in fact(found)
    assert found["answer"].startswith("it was refused at ")
    assert found["reason"] in found["answer"]


def test_a_ca_that_nobody_proved(registry: HubClient, tmp_path: Path) -> None:
    """The most frequent cause, by name; once it is proven the answer says that the device would be let in."""
    plant = Party("Plant")
    registry.hub.delete("root")
    registry.hub.put("plant", plant.pem)
    assert tried(registry, tmp_path, plant.device(DEVICE)) == 5
    before = why(registry)
    registry.hub.put("plant", plant.pem, isVerified=True)
    after = why(registry)

    assert before["broken"] == "trusted CAs"
    assert fact(before) == "'Plant' (plant) waits for proof of possession"
    assert (after["accepted"], after["now"], after["broken"]) == (False, True, "")
    assert after["answer"].endswith("; it would be let in now")


def test_before_any_attempt(registry: HubClient) -> None:
    """What is wrong already is said, and that nothing came here."""
    known, unknown, nowhere = why(registry), why(registry, "press-009"), why(registry, hub="no-such-hub")
    assert known["links"][0]["holds"] is False
    assert (known["accepted"], known["now"]) == (None, None)
    assert (unknown["broken"], fact(unknown)) == ("registry", "no device 'press-009' is registered on this hub")
    assert (nowhere["broken"], fact(nowhere)) == ("hub", "there is no active hub 'no-such-hub.azure-devices.net'")
    assert why(registry, hub=registry.host.partition(".")[0])["hub"] == registry.host


def test_a_device_that_names_itself_otherwise(registry: HubClient, root: Party, tmp_path: Path) -> None:
    """A client id with a letter of another case is another device's: what failed here last is said."""
    assert tried(registry, tmp_path, root.device(DEVICE), device=DEVICE.upper()) == 5
    assert f"the last that failed here named itself '{DEVICE.upper()}': " in why(registry)["links"][0]["fact"]


@pytest.mark.parametrize(("username", "password", "says"), [
    (f"HUB/{DEVICE}/{API}", "SharedAccessSignature sr=x", "a password was sent"),
    (f"elsewhere.azure-devices.net/{DEVICE}", "", f"the user name 'elsewhere.azure-devices.net/{DEVICE}'"),
    (f"HUB/{DEVICE}/?api-version=2999-01-01", "", "the api-version '2999-01-01' in the user name is not known"),
])  # fmt: skip
def test_what_the_device_says_of_itself(
    registry: HubClient, root: Party, tmp_path: Path, username: str, password: str, says: str
) -> None:  # fmt: skip
    """No change of the hub mends it, so the answer does not say that the device would be let in now."""
    with Device(registry, root.device(DEVICE), tmp_path) as connection:
        connection.send(connect(DEVICE, username.replace("HUB", registry.host), password))
        assert connection.receive()
    found = why(registry)
    assert (found["now"], found["broken"], says in fact(found)) == (False, "its own words", True)
    assert "would be let in" not in found["answer"]
    assert tried(registry, tmp_path, root.device(DEVICE)) == 0
    assert why(registry)["now"] is True


def test_over_https(registry: HubClient) -> None:
    """A refusal of a protocol without sessions is one too."""
    refused = registry.ask("POST", f"/devices/{DEVICE}/messages/events", content=b"1", headers={"Authorization": ""})
    found = why(registry)
    assert refused.status_code == 401
    assert (found["reason"], found["broken"]) == ("no certificate was sent", "certificate")


def test_the_name_in_tls_has_no_case(registry: HubClient, root: Party, tmp_path: Path) -> None:
    """A hub's name in another case is the same hub's."""
    with Device(registry, root.device(DEVICE), tmp_path, name=registry.host.upper()) as connection:
        assert connection.connect(DEVICE) == 0
    assert why(registry)["accepted"] is True


def test_registry_network_and_keys(registry: HubClient, root: Party, tmp_path: Path) -> None:
    """A disabled device with its reason, another address than the rules admit, a key whose signature can't be judged later."""
    disable(registry, "stolen")
    assert tried(registry, tmp_path, root.device(DEVICE)) == 5
    disabled = why(registry)
    registry.put("by-key", authentication={"type": "sas"})
    by_key = why(registry, "by-key")
    registry.hub.set_properties(publicNetworkAccess="Disabled")
    closed = why(registry)

    assert (disabled["broken"], fact(disabled)) == ("registry", f"device '{DEVICE}' is disabled: stolen")
    assert (holds(by_key)["signature"], by_key["now"]) == (None, None)
    assert closed["broken"] == "network"


def test_a_connection_that_ended(registry: HubClient, root: Party, tmp_path: Path) -> None:
    """It was let in, and then closed: both are said."""
    with Device(registry, root.device(DEVICE), tmp_path) as connection:
        assert connection.connect(DEVICE) == 0
        disable(registry, "")
        assert until(lambda: "closed: the device was disabled" in why(registry)["answer"])
    found = why(registry)
    assert (found["accepted"], found["now"], found["broken"]) == (True, False, "registry")


def test_without_a_hub_it_is_the_one_that_was_tried(registry: HubClient, root: Party, tmp_path: Path) -> None:
    """An id that only this hub has."""
    name = f"only-{registry.host.partition('.')[0]}"
    registry.put(name)
    assert why(registry, name, hub="")["hub"] == registry.host
    assert tried(registry, tmp_path, root.device(name), device=name) == 0
    assert why(registry, name, hub="")["answer"].startswith("it was let in")


def test_a_question_about_nobody(registry: HubClient) -> None:
    """400 with what to write."""
    answer = control(registry.azure.ready, "GET", "/why")
    assert (answer.status_code, "/why?device=" in answer.json()["error"]) == (400, True)


def test_the_command(
    registry: HubClient, root: Party, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`local-azure-iot why`: the answer, then the links."""
    assert tried(registry, tmp_path, root.device(DEVICE, start=datetime.now(UTC) - timedelta(days=90))) == 5
    monkeypatch.setenv("LOCAL_AZURE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOCAL_AZURE_CONTROL_TOKEN", registry.azure.ready["control_token"])
    assert commands.main(["attach", registry.azure.ready["control"]]) == 0
    capsys.readouterr()
    code = commands.main(["why", DEVICE, "--hub", registry.host])
    lines = capsys.readouterr().out.splitlines()

    assert code == 1
    assert lines[0].startswith(f"{DEVICE} on {registry.host}: it was refused at ")
    assert [line.split()[0] for line in lines[1:]] == ["BROKEN", "ok", "ok", "ok", "ok", "BROKEN"]
