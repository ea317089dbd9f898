"""Devices and modules that show a certificate on port 443 instead of a signature."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.kit.device_certificates import Party
from tests.kit.hub_client import VERSION, HubClient
from tests.kit.local_azure import LocalAzure


def send(registry: HubClient, path: str, party: Party | None, folder: Path, *, above: tuple[Party, ...] = (), **headers: str) -> int:
    """Send an event with this certificate; returns the status of the answer."""
    trust = ssl.create_default_context(cafile=registry.azure.ready["ca_file"])
    if party:
        trust.load_cert_chain(*party.files(folder, *above))
    with httpx.Client(proxy=registry.azure.ready["proxy"], verify=trust, trust_env=False, timeout=60) as client:
        answer = client.post(f"https://{registry.host}/devices/{path}/messages/events?api-version={VERSION}", content=b"x", headers=headers)
    return answer.status_code


@pytest.fixture
def registry(served: LocalAzure) -> Iterator[HubClient]:
    """A new hub."""
    found = HubClient(served, served.hub())
    with found.http:
        yield found


def test_a_certificate_is_judged_as_a_session_is(registry: HubClient, tmp_path: Path) -> None:
    """By the CA that is verified on the hub at that moment; the reason of each refusal is on the control port."""
    root, stranger, azure = Party("Trial root"), Party("Another root"), registry.azure
    registry.hub.put("root", root.pem, isVerified=True)
    registry.put("press-001")
    module = {"moduleId": "camera", "deviceId": "press-001", "authentication": {"type": "certificateAuthority"}}
    registry.ask("PUT", "/devices/press-001/modules/camera", json=module).raise_for_status()
    own = root.device("press-001")
    sent = {
        "own": send(registry, "press-001", own, tmp_path),
        "module": send(registry, "press-001/modules/camera", root.device("press-001/camera"), tmp_path),
        "module with its device's": send(registry, "press-001/modules/camera", own, tmp_path),
        "another's": send(registry, "press-001", root.device("press-002"), tmp_path),
        "unknown CA": send(registry, "press-001", stranger.device("press-001"), tmp_path),
        "none": send(registry, "press-001", None, tmp_path),
        "and a signature": send(registry, "press-001", own, tmp_path, authorization=registry.authorization),
    }
    assert sent == {"own": 204, "module": 204} | dict.fromkeys(list(sent)[2:], 401)
    said = [each["reason"] for each in azure.control("GET", "/connections") if each["host"] == registry.host]
    assert len(said) == 5
    assert "press-001/camera" in said[0]
    assert "press-002" in said[1]
    assert "a password was sent" in said[4]
    events = [each for each in azure.control("GET", "/messages") if each["host"] == registry.host]
    assert [(each["device"], each["module"], each["protocol"]) for each in events] == [
        ("press-001", "", "https"), ("press-001", "camera", "https"),
    ]  # fmt: skip
    registry.hub.put("root", root.pem)
    assert send(registry, "press-001", own, tmp_path) == 401
