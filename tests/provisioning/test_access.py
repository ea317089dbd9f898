"""Who may use the service API: rights of shared access policies, and Entra roles."""

import uuid
from typing import Any

import pytest

from local_azure_iot.login import principals
from local_azure_iot.resource_manager import role_assignments
from local_azure_iot.settings import Settings
from tests.kit.hub_client import signature
from tests.provisioning.service import Service, by_key

CONTRIBUTOR, READER = "dfce44e4-17b7-4bd1-a6d1-04996ec95633", "10745317-c249-44a1-a5ce-3a4353c0bbd8"
OWNER, HUBS = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "4fc6c259-987e-4a07-842e-c321cc9d413f"
_ALL = {"read", "query", "keys", "write", "bulk", "delete", "registrations", "unregister"}
_READS = {"read", "query", "registrations"}


def _allowed(service: Service, authorization: str) -> set[str]:
    """What a caller may do: all else is 401."""
    service.ask("DELETE", "/enrollmentGroups/a")
    service.must("PUT", "/enrollmentGroups/a", by_key("a"))
    requests: dict[str, tuple[str, str, Any]] = {
        "read": ("GET", "/enrollmentGroups/a", None),
        "query": ("POST", "/enrollments/query", {"query": "SELECT *"}),
        "keys": ("POST", "/enrollmentGroups/a/attestationmechanism", None),
        "write": ("PUT", "/enrollmentGroups/a", by_key("a")),
        "bulk": ("POST", "/enrollments", {"enrollments": [], "mode": "create"}),
        "registrations": ("POST", "/registrations/a/query", None),
        "unregister": ("DELETE", "/registrations/none", None),
        "delete": ("DELETE", "/enrollmentGroups/a", None),
    }
    found = set()
    for name, (method, path, body) in requests.items():
        answer = service.ask(method, path, body, authorization=authorization)
        if answer.status == 401:
            assert (answer.json()["errorCode"], answer.json()["message"]) == (401002, "Unauthorized")
        else:
            found.add(name)
    return found


@pytest.mark.parametrize(("rights", "allowed"), [
    ("ServiceConfig, EnrollmentWrite, DeviceConnect", _ALL),
    ("EnrollmentRead", {"read", "query"}),
    ("EnrollmentWrite", _ALL - {"registrations", "unregister"}),
    ("RegistrationStatusRead", {"registrations"}),
    ("RegistrationStatusWrite", {"registrations", "unregister"}),
    ("ServiceConfig", {"registrations", "unregister"}),
    ("DeviceConnect", set()),
])  # fmt: skip
def test_each_right_of_a_policy(service: Service, rights: str, allowed: set[str]) -> None:
    """What it allows; the right to write brings the one to read."""
    url = f"{service.path}?api-version=2023-03-01-preview"
    declared = service.azure.must("GET", url)
    policies = [
        {"keyName": "provisioningserviceowner", "rights": "ServiceConfig, EnrollmentWrite, DeviceConnect"},
        {"keyName": "own", "rights": rights},
    ]
    service.azure.must("PUT", url, declared | {"properties": {"authorizationPolicies": policies}})
    service.authorization = service.signed("provisioningserviceowner")
    assert _allowed(service, service.signed("own")) == allowed


def _token(service: Service, role: str, scope: str, audience: str = "https://azure-devices-provisioning.net") -> str:
    """An Entra token of a new application with one role."""
    azure = service.azure.azure
    with azure.store.transaction():
        principal = principals.create(azure.store, name=uuid.uuid4().hex)
        role_assignments.grant(azure, object_id=principal.object_id, role_id=role, scope=scope, name=str(uuid.uuid4()))
    return f"Bearer {azure.tokens.issue(principal, audience)}"


@pytest.mark.parametrize(("role", "allowed"), [(CONTRIBUTOR, _ALL), (READER, _READS), (OWNER, set()), (HUBS, set())])
def test_each_role(service: Service, role: str, allowed: set[str]) -> None:
    """A reader sees no keys; whoever owns the resource has no data action by that."""
    assert _allowed(service, _token(service, role, service.path)) == allowed
    assert _allowed(service, _token(service, role, service.path.partition("/providers/")[0])) == allowed


def test_a_role_elsewhere_and_a_token_for_another(service: Service) -> None:
    """The role on another service, the token for hubs or Resource Manager: 401. Without role checks any token is good."""
    other = service.azure.hub(kind="provisioningServices")
    assert _allowed(service, _token(service, CONTRIBUTOR, other)) == set()
    for audience in ("https://iothubs.azure.net", "https://management.azure.com", "https://azure-devices-provisioning.us"):
        assert _allowed(service, _token(service, CONTRIBUTOR, service.path, audience)) == set()
    assert _allowed(service, _token(service, CONTRIBUTOR, service.path, "https://azure-devices-provisioning.net/")) == _ALL
    service.azure.azure.settings = Settings(role_checks=False)
    try:
        assert _allowed(service, _token(service, READER, other)) == _ALL
    finally:
        service.azure.azure.settings = Settings()


def test_invalid_signatures(service: Service) -> None:
    """Another host, another key, an unknown policy, expired, none at all; a signature for a part of the service is good for that part."""
    keys = service.azure.must("POST", f"{service.path}/listkeys?api-version=2023-03-01-preview")["value"]
    policy, key, now = keys[0]["keyName"], keys[0]["primaryKey"], service.azure.azure.clock.timestamp()
    secondary = signature(service.host, policy, keys[0]["secondaryKey"], now=now)
    assert service.ask("POST", "/enrollments/query", {"query": "SELECT *"}, authorization=secondary).status == 200
    for text in (
        signature("other.azure-devices-provisioning.net", policy, key, now=now), signature(service.host, "nobody", key, now=now),
        signature(service.host, policy, key, seconds=-5, now=now), signature(service.host, "", key, now=now),
        signature(service.host, policy, "AAAA", now=now), "SharedAccessSignature nonsense", "Bearer x", "Basic eDp5",
    ):  # fmt: skip
        assert service.refused("GET", "/enrollments/a", authorization=text) == (401, 401002)
    assert service.azure.ask("GET", "/enrollments/a?api-version=2021-10-01", host=service.host, token="").status == 401
    part = signature(f"{service.host}/enrollments", policy, key, now=now)
    assert service.refused("GET", "/enrollments/a", authorization=part) == (404, 404201)
    assert service.refused("GET", "/enrollmentGroups/a", authorization=part) == (401, 401002)


def test_a_service_without_local_authentication(service: Service) -> None:
    """`disableLocalAuth`: signatures are refused, roles go on."""
    url = f"{service.path}?api-version=2026-11-01"
    service.azure.must("PUT", url, service.azure.must("GET", url) | {"properties": {"disableLocalAuth": True}})
    token = _token(service, READER, service.path)
    assert service.refused("GET", "/enrollments/a") == (401, 401002)
    assert service.refused("GET", "/enrollments/a", authorization=token) == (404, 404201)


def test_other_clouds_have_their_own_names(service: Service) -> None:
    """A service is at its cloud's name alone, and takes tokens for that name."""
    for host in (f"{service.name}.azure-devices-provisioning.us", "none.azure-devices-provisioning.net"):
        answer = service.azure.ask("GET", "/enrollments/a?api-version=2021-10-01", host=host, authorization=service.authorization)
        assert (answer.status, answer.code) == (401, 401002)
