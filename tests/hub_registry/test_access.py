"""Who may use a hub's registry: signatures of shared access policies and Entra roles."""

from typing import Any

import pytest

from tests.kit.hub_client import HubClient, signature


def _entra(registry: HubClient, principal: dict[str, str]) -> dict[str, str]:
    """An Entra token for hubs, as a header."""
    login = registry.azure.ready["arm"]
    form = {"grant_type": "client_credentials", "scope": "https://iothubs.azure.net/.default"} | {
        name: principal[name] for name in ("client_id", "client_secret")
    }
    answer = registry.azure.http.post(f"{login}/{registry.azure.ready['tenant_id']}/oauth2/v2.0/token", data=form)
    return {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}


@pytest.mark.parametrize(("policy", "allowed"), [
    ("iothubowner", {"read", "write", "twin"}),
    ("registryReadWrite", {"read", "write"}),
    ("registryRead", {"read"}),
    ("service", {"twin"}),
    ("device", set()),
])  # fmt: skip
def test_each_policy_allows_what_its_rights_say(registry: HubClient, policy: str, allowed: set[str]) -> None:
    """Reading, writing and twins are three rights; a right that is missing answers 401."""
    registry.put("press-001")
    registry.authorization = signature(registry.host, policy, registry.key(policy))
    statuses = {
        "read": registry.ask("GET", "/devices/press-001").status_code,
        "write": registry.ask("POST", "/devices", json=[]).status_code,
        "twin": registry.ask("GET", "/twins/press-001").status_code,
    }
    assert statuses == {each: 200 if each in allowed else 401 for each in statuses}


def test_an_invalid_signature_is_refused(registry: HubClient) -> None:
    """Another hub's host, another key, an unknown policy, expired, missing: 401 in the hub's envelope."""
    key = registry.key("iothubowner")
    for text in (
        signature("other.azure-devices.net", "iothubowner", key),
        signature(registry.host, "service", key),
        signature(registry.host, "nobody", key),
        signature(registry.host, "iothubowner", key, seconds=-5),
        "SharedAccessSignature nonsense",
        f"SharedAccessSignature sr={registry.host}&sig=%C3%A9&se={10**10}&skn=iothubowner",
        *(
            f"SharedAccessSignature sr={registry.host}&sig=a&se={end}&skn=iothubowner"
            for end in ("", "x", "1e9", "-1", "9" * 400, "9" * 5000)
        ),
        "",
    ):
        answer = registry.ask("GET", "/devices", headers={"Authorization": text})
        assert (answer.status_code, answer.headers["iothub-errorcode"]) == (401, "IotHubUnauthorizedAccess")
        assert answer.json()["Message"] == "ErrorCode:IotHubUnauthorizedAccess;Unauthorized"


def test_a_signature_may_be_for_a_part_of_a_hub(registry: HubClient) -> None:
    """`{host}/devices` is for identities alone, and `{host}/devices/a` for that one: a signature covers whole segments of a path."""
    for device in ("a", "ab"):
        registry.put(device)
    key = registry.key("iothubowner")
    for part, allowed in {
        "/devices": {"/devices/a", "/devices/ab", "/devices"},
        "/devices/": {"/devices/a", "/devices/ab", "/devices"},
        "/DEVICES/a/api-version=2016-11-14": {"/devices/a"},
        "/twins": {"/twins/a"},
        "/dev": set[str](),
    }.items():
        registry.authorization = signature(f"{registry.host}{part}", "iothubowner", key)
        paths = ("/devices/a", "/devices/ab", "/devices", "/twins/a")
        assert {path for path in paths if registry.ask("GET", path).status_code == 200} == allowed, part
        assert registry.ask("GET", "/unknown").status_code == 401


def test_local_authentication_can_be_disabled(registry: HubClient) -> None:
    """With disableLocalAuth every signature is refused."""
    properties = {"disableLocalAuth": True}
    registry.azure.ask("PUT", registry.hub.id, json={"location": "westus", "sku": {"name": "S1", "capacity": 1}, "properties": properties})
    registry.azure.until(lambda: registry.azure.ask("GET", registry.hub.id).json()["properties"]["state"] == "Active")
    assert registry.ask("GET", "/devices").status_code == 401


def test_an_owner_has_no_right_on_devices(registry: HubClient) -> None:
    """The deployer owns the subscription and is refused; a data role on a hub allows what it names, on that hub only."""
    assert registry.ask("GET", "/devices", headers=_entra(registry, registry.azure.ready)).status_code == 401
    other = HubClient(registry.azure, registry.azure.hub())
    for role, expected in (
        ("IoT Hub Data Contributor", (200, 200, 200)),
        ("IoT Hub Data Reader", (200, 401, 200)),
        ("IoT Hub Registry Contributor", (200, 200, 401)),
        ("IoT Hub Twin Contributor", (401, 401, 200)),
    ):
        created: dict[str, Any] = registry.azure.control("POST", "/principals", {"role": role, "scope": registry.hub.id})
        token = _entra(registry, created)
        query = {"query": "SELECT * FROM devices"}
        answers = (
            registry.ask("GET", "/devices", headers=token),
            registry.ask("POST", "/devices", json=[], headers=token),
            registry.ask("POST", "/devices/query", json=query, headers=token),
        )
        assert tuple(answer.status_code for answer in answers) == expected
        assert other.ask("GET", "/devices", headers=token).status_code == 401
    other.http.close()


def test_a_token_for_arm_is_refused_by_a_hub(registry: HubClient) -> None:
    """Its audience is another one."""
    assert registry.ask("GET", "/devices", headers=registry.azure.token).status_code == 401


@pytest.mark.parametrize("version", ["", "2099-01-01"])
def test_an_unknown_api_version_is_refused(registry: HubClient, version: str) -> None:
    """400 InvalidProtocolVersion."""
    answer = registry.ask("GET", "/devices", version=version)
    assert (answer.status_code, answer.headers["iothub-errorcode"]) == (400, "InvalidProtocolVersion")
