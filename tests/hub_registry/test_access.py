"""Who gets through a hub's door: policies' signatures, Entra roles, and nobody else."""

from typing import Any

import httpx
import pytest

from tests.kit.hub_client import HubClient, signature


def _entra(door: HubClient, principal: dict[str, str]) -> dict[str, str]:
    """An Entra token for hubs, as a header."""
    login = door.azure.ready["arm"]
    form = {"grant_type": "client_credentials", "scope": "https://iothubs.azure.net/.default"} | {
        name: principal[name] for name in ("client_id", "client_secret")
    }
    answer = door.azure.http.post(f"{login}/{door.azure.ready['tenant_id']}/oauth2/v2.0/token", data=form)
    return {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}


@pytest.mark.parametrize(("policy", "allowed"), [
    ("iothubowner", {"read", "write", "twin"}),
    ("registryReadWrite", {"read", "write"}),
    ("registryRead", {"read"}),
    ("service", {"twin"}),
    ("device", set()),
])  # fmt: skip
def test_each_policy_opens_what_its_rights_say(door: HubClient, policy: str, allowed: set[str]) -> None:
    """Reading, writing and twins are three rights; a right that is missing answers 401."""
    door.put("press-001")
    door.authorization = signature(door.host, policy, door.key(policy))
    statuses = {
        "read": door.ask("GET", "/devices/press-001").status_code,
        "write": door.ask("POST", "/devices", json=[]).status_code,
        "twin": door.ask("GET", "/twins/press-001").status_code,
    }
    assert statuses == {each: 200 if each in allowed else 401 for each in statuses}


def test_a_signature_that_does_not_hold(door: HubClient) -> None:
    """Another hub's host, another key, an unknown policy, expired, none at all: 401 in the hub's envelope."""
    key = door.key("iothubowner")
    for text in (
        signature("other.azure-devices.net", "iothubowner", key),
        signature(door.host, "service", key),
        signature(door.host, "nobody", key),
        signature(door.host, "iothubowner", key, seconds=-5),
        "SharedAccessSignature nonsense",
        "",
    ):
        answer = door.ask("GET", "/devices", headers={"Authorization": text})
        assert (answer.status_code, answer.headers["iothub-errorcode"]) == (401, "IotHubUnauthorizedAccess")
        assert answer.json()["Message"] == "ErrorCode:IotHubUnauthorizedAccess;Unauthorized"


def test_local_auth_can_be_off(door: HubClient) -> None:
    """With disableLocalAuth no signature opens the door."""
    properties = {"disableLocalAuth": True}
    door.azure.ask("PUT", door.hub.id, json={"location": "westus", "sku": {"name": "S1", "capacity": 1}, "properties": properties})
    door.azure.until(lambda: door.azure.ask("GET", door.hub.id).json()["properties"]["state"] == "Active")
    assert door.ask("GET", "/devices").status_code == 401


def test_an_owner_has_no_right_on_devices(door: HubClient) -> None:
    """The deployer owns the subscription and is refused; a data role on the hub opens what it names, at another hub nothing."""
    assert door.ask("GET", "/devices", headers=_entra(door, door.azure.ready)).status_code == 401
    other = HubClient(door.azure, door.azure.hub())
    for role, expected in (
        ("IoT Hub Data Contributor", (200, 200, 200)),
        ("IoT Hub Data Reader", (200, 401, 200)),
        ("IoT Hub Registry Contributor", (200, 200, 401)),
        ("IoT Hub Twin Contributor", (401, 401, 200)),
    ):
        made: dict[str, Any] = httpx.post(
            f"{door.azure.ready['control']}/principals", json={"role": role, "scope": door.hub.id}, trust_env=False
        ).json()
        token = _entra(door, made)
        query = {"query": "SELECT * FROM devices"}
        answers = (
            door.ask("GET", "/devices", headers=token),
            door.ask("POST", "/devices", json=[], headers=token),
            door.ask("POST", "/devices/query", json=query, headers=token),
        )
        assert tuple(answer.status_code for answer in answers) == expected
        assert other.ask("GET", "/devices", headers=token).status_code == 401
    other.http.close()


def test_a_token_for_arm_is_none_for_a_hub(door: HubClient) -> None:
    """The audience differs."""
    assert door.ask("GET", "/devices", headers=door.azure.token).status_code == 401


@pytest.mark.parametrize("version", ["", "2099-01-01"])
def test_an_unknown_api_version_is_refused(door: HubClient, version: str) -> None:
    """400 InvalidProtocolVersion."""
    answer = door.ask("GET", "/devices", version=version)
    assert (answer.status_code, answer.headers["iothub-errorcode"]) == (400, "InvalidProtocolVersion")
