"""Invalid requests: each is answered with Azure's envelope and status, never with a traceback."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_azure_iot import arm
from local_azure_iot.hub_registry import endpoint as hub_endpoint
from local_azure_iot.login import principals
from local_azure_iot.provisioning import endpoint as provisioning_endpoint
from local_azure_iot.wire import MAX_BODY
from tests.kit.hub_client import signature
from tests.kit.randomly import RANDOM
from tests.local_azure.in_process import ARM, GROUPS, HUB, InProcess, version
from tests.local_azure.makers import authority, uploaded
from tests.local_azure.test_vaults import VERSION as VAULTS

BODY = {"location": "westus", "sku": {"name": "S1", "capacity": 1}, "properties": {}}


@pytest.fixture(autouse=True)
def no_traceback(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No test may have caused an unexpected error inside local Azure."""
    caplog.set_level(logging.ERROR, "local_azure_iot")
    yield
    assert [record.getMessage() for record in caplog.records] == []


@pytest.mark.parametrize(("path", "status", "code"), [
    ("{g}/g", 400, "MissingApiVersionParameter"),
    ("{g}/g?api-version=1999-01-01", 400, "InvalidApiVersionParameter"),
    ("{g}/g/providers/Microsoft.Devices/IotHubs/h?api-version=2031-01-01", 404, "InvalidResourceType"),
    ("{g}/g/providers/Microsoft.Devices/IotHubs/h/certificates?api-version=2016-02-03", 404, "InvalidResourceType"),
    ("{g}/g/providers/Microsoft.Devices/IotHubs/h?api-version=2023-06-30", 404, "ResourceGroupNotFound"),
    ("{g}/there/providers/Microsoft.Devices/IotHubs/h?api-version=2023-06-30", 404, 404002),
    ("{g}/there/providers/Microsoft.Devices/IotHubs/h/certificates/c?api-version=2023-06-30", 404, 404002),
    ("{g}/there/providers/Microsoft.Devices/provisioningServices/d?api-version=2022-12-12", 404, 404002),
    ("{g}/there/providers/Microsoft.Storage/storageAccounts/a?api-version=2023-01-01", 404, "InvalidResourceType"),
    ("/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups?api-version=2021-04-01", 404, "SubscriptionNotFound"),
    ("/subscriptions/not-a-guid/resourceGroups?api-version=2021-04-01", 400, "InvalidSubscriptionId"),
    ("/", 404, "InvalidResourceType"),
    ("{s}/operationresults/none?api-version=2021-04-01", 404, "ResourceNotFound"),
    ("{s}/providers/Microsoft.Devices/locations/westus/operationResults/!!?api-version=2023-06-30", 404, "ResourceNotFound"),
    ("{s}/providers/Microsoft.Devices/locations/westus/operationResults/AAAA?api-version=2023-06-30", 404, "ResourceNotFound"),
])  # fmt: skip
def test_unknown_resources_and_versions(azure: InProcess, path: str, status: int, code: object) -> None:
    """Unknown api-version, resource, group, subscription, operation."""
    azure.group("there")
    answer = azure.ask("GET", path.replace("{g}", "{s}/resourceGroups").replace("{s}", f"/subscriptions/{azure.subscription}"))

    assert (answer.status, answer.code) == (status, code)


def test_a_method_that_a_path_does_not_support(azure: InProcess) -> None:
    """405 with the methods that it supports."""
    answer = azure.ask("TRACE", f"/subscriptions/{azure.subscription}/resourceGroups/g?api-version={GROUPS}")

    assert (answer.status, answer.code, answer.headers["allow"]) == (405, "MethodNotAllowed", "DELETE, GET, HEAD, PATCH, PUT")


@pytest.mark.parametrize(("body", "content_type", "status", "code"), [
    (b"{", "application/json", 400, "InvalidRequestContent"),
    (b"[]", "application/json", 400, "InvalidRequestContent"),
    (b'"text"', "application/json; charset=utf-8", 400, "InvalidRequestContent"),
    (b"\xff\xfe\x00", "application/json", 400, "InvalidRequestContent"),
    (b'{"location": NaN}', "application/json", 400, "InvalidRequestContent"),
    (b'{"sku": {"capacity": 1e999}}', "application/json", 400, "InvalidRequestContent"),
    (b"[" * 100_000, "application/json", 400, "InvalidRequestContent"),
    (b'{"tags": ' + b"1" * 5_000 + b"}", "application/json", 400, "InvalidRequestContent"),
    (b"<a/>", "application/xml", 415, "UnsupportedMediaType"),
    (b"a=b", "application/x-www-form-urlencoded", 415, "UnsupportedMediaType"),
    (b"{}", "", 415, "UnsupportedMediaType"),
    (b" " * (MAX_BODY + 1), "application/json", 413, "RequestContentTooLarge"),
])  # fmt: skip
@pytest.mark.parametrize("where", ["group", "hub", "certificate"])
def test_invalid_bodies(azure: InProcess, where: str, body: bytes, content_type: str, status: int, code: str) -> None:
    """Malformed JSON, another type, over 4 MiB: refused at each depth, and nothing is created."""
    hub = azure.hub()
    path = {"group": f"{hub.partition('/providers/')[0]}-new", "hub": f"{hub}-new", "certificate": f"{hub}/certificates/new"}[where]
    answer = azure.ask("PUT", f"{path}?api-version={version(path)}", body, content_type=content_type)

    assert (answer.status, answer.code) == (status, code)
    assert azure.ask("GET", f"{path}?api-version={version(path)}").status == 404


def test_a_lone_surrogate_is_returned_unchanged(azure: InProcess) -> None:
    """JSON can escape a lone surrogate, which UTF-8 can't encode: the answer is still valid JSON."""
    group = azure.group()
    answer = azure.ask("PUT", f"{group}?api-version={GROUPS}", b'{"location": "westus", "tags": {"a": "\\ud800"}}')

    assert answer.json()["tags"] == {"a": "\ud800"}


def test_odd_case_and_odd_slashes(azure: InProcess) -> None:
    """ARM ignores both: every spelling of the path leads to the same hub."""
    hub = azure.hub()
    spellings = (hub.upper().replace("/SUBSCRIPTIONS/", "/subscriptions/"), hub.lower(), hub.replace("/", "//"), f"{hub}/")

    assert {azure.must("GET", f"{path}?API-Version={HUB}")["id"] for path in spellings} == {hub}


def test_names_with_control_characters(azure: InProcess) -> None:
    """Percent-encoded slashes, line ends, nulls, quotes: they reach no header, no key and no other resource."""
    hub = azure.hub()
    for bad in ("a%2F..%2Fb", "a%0d%0ax-evil:%201", "a%00b", "a'b", "%22", "a%20b", "%E2%80%AE"):
        answer = azure.ask("PUT", f"{hub}/certificates/{bad}?api-version={HUB}", uploaded(authority().pem))
        assert answer.status in {400, 404}
        assert answer.code
    operation = f"/subscriptions/{azure.subscription}/providers/Microsoft.Devices/locations/w%0d%0ax-evil:%201/operationResults"
    token = azure.ask("DELETE", f"{hub}?api-version={HUB}").headers["location"].partition("/operationResults/")[2]
    answer = azure.ask("GET", f"{operation}/{token}")
    assert not {ord(mark) for value in answer.headers.values() for mark in value} & {10, 13}


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=5
)


def _bent(body: Any, draw: Callable[[st.SearchStrategy[Any]], Any]) -> Any:
    """A body with some of its members replaced by any JSON, or left out."""
    if isinstance(body, dict) and body and draw(st.integers(0, 3)):
        bent = {name: _bent(value, draw) for name, value in body.items()}
        if draw(st.booleans()):
            del bent[draw(st.sampled_from(sorted(bent)))]
        return bent
    if isinstance(body, list) and body and draw(st.integers(0, 3)):
        return [_bent(value, draw) for value in body]
    return draw(_JSON) if draw(st.integers(0, 2)) == 0 else body


_PROPERTIES = {
    "minTlsVersion": "1.2",
    "eventHubEndpoints": {"events": {"retentionTimeInDays": 1, "partitionCount": 4}},
    "storageEndpoints": {"$default": {"sasTtlAsIso8601": "PT1H", "connectionString": "a=b", "containerName": "c"}},
    "routing": {
        "endpoints": {"eventHubs": [{"name": "e"}]},
        "routes": [{"name": "r", "source": "DeviceMessages", "endpointNames": ["e"]}],
        "enrichments": [{"key": "k", "endpointNames": ["e"]}],
    },
    "ipFilterRules": [],
    "allowedFqdnList": [],
    "authorizationPolicies": [{"keyName": "a", "rights": "DeviceConnect"}],
    "cloudToDevice": {"maxDeliveryCount": 3, "defaultTtlAsIso8601": "PT1H", "feedback": {"lockDurationAsIso8601": "PT1M"}},
    "messagingEndpoints": {"fileNotifications": {"ttlAsIso8601": "PT1H", "maxDeliveryCount": 3}},
    "iotHubs": [{"connectionString": "HostName=h;SharedAccessKey=k", "location": "westus"}],
    "allocationPolicy": "Hashed",
    "enableDataResidency": False,
}
_TENANT = "11111111-2222-4333-8444-555555555555"
_POLICY = {"tenantId": _TENANT, "objectId": "o", "applicationId": "a", "permissions": {"keys": ["all"], "secrets": [], "storage": None}}
_VAULT = {
    "tenantId": _TENANT,
    "sku": {"family": "A", "name": "standard"},
    "accessPolicies": [_POLICY],
    "createMode": "default",
    "enabledForDeployment": True,
    "enableSoftDelete": True,
    "softDeleteRetentionInDays": 90,
    "enableRbacAuthorization": False,
    "networkAcls": {"defaultAction": "Deny", "ipRules": [{"value": "203.0.113.0/24"}], "virtualNetworkRules": [{"id": "/x"}]},
    "publicNetworkAccess": "Enabled",
}
_BODIES: dict[str, Any] = {
    "group": {"location": "westus", "tags": {"a": "b"}, "managedBy": "me"},
    "IotHubs": {**BODY, "tags": {"a": "b"}, "identity": {"type": "SystemAssigned"}, "properties": _PROPERTIES, "etag": "x"},
    "provisioningServices": {**BODY, "tags": {"a": "b"}, "identity": {"type": "None"}, "properties": _PROPERTIES},
    "certificate": uploaded(authority().pem, isVerified=True),
    "verify": {"certificate": authority().pem},
    "role": {"properties": {"roleDefinitionId": "/x/b24988ac-6180-42a0-ab88-20f7382dd24c", "principalId": "p", "condition": "c"}},
    "name": {"name": "free"},
    "consumers": {"properties": {"name": "c"}},
    "vaults": {"location": "westus", "tags": {"a": "b"}, "properties": _VAULT},
    "accessPolicies/add": {"properties": {"accessPolicies": [_POLICY]}},
    "vault name": {"name": "free", "type": "Microsoft.KeyVault/vaults"},
}  # fmt: skip
_KEY_BODIES: dict[str, tuple[str, Any]] = {
    "create": (
        "POST",
        {"kty": "EC", "crv": "P-256", "key_ops": ["sign"], "attributes": {"enabled": True, "exp": 4102444800}, "tags": {"a": "b"}},
    ),
    "": ("PUT", {"key": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA", "key_ops": ["sign"]}, "Hsm": False}),
    "sign": ("POST", {"alg": "ES256", "value": "A" * 43}),
    "update": ("PATCH", {"key_ops": ["sign"], "attributes": {"enabled": True}, "tags": {"a": "b"}}),
}


@settings(RANDOM, max_examples=150)
@given(data=st.data(), what=st.sampled_from(sorted(_BODIES)), method=st.sampled_from(["PUT", "PATCH", "POST"]))
def test_random_json_is_answered_by_the_service(azure: InProcess, data: st.DataObject, what: str, method: str) -> None:
    """Any member of any body may be anything: the answer is a success or one of the service's refusals, and the next GET works."""
    group, hub = _existing(azure)
    devices = f"{group}/providers/Microsoft.Devices"
    path = {
        "group": f"{group}-bent",
        "IotHubs": f"{devices}/IotHubs/bent-hub",
        "provisioningServices": f"{devices}/provisioningServices/bent-dps",
        "certificate": f"{hub}/certificates/ca",
        "verify": f"{hub}/certificates/ca/verify",
        "role": f"{group}/providers/Microsoft.Authorization/roleAssignments/r",
        "consumers": f"{hub}/eventHubEndpoints/events/ConsumerGroups/c",
        "name": f"/subscriptions/{azure.subscription}/providers/Microsoft.Devices/checkNameAvailability",
        "vaults": f"{group}/providers/Microsoft.KeyVault/vaults/bent-vault",
        "accessPolicies/add": f"{group}/providers/Microsoft.KeyVault/vaults/bent-vault/accessPolicies/add",
        "vault name": f"/subscriptions/{azure.subscription}/providers/Microsoft.KeyVault/checkNameAvailability",
    }[what]
    api = "2022-04-01" if what == "role" else HUB if what == "name" else VAULTS if "Microsoft.KeyVault" in path else version(path)
    answer = azure.ask(method, f"{path}?api-version={api}", _bent(_BODIES[what], data.draw), if_match="*")

    assert answer.status < 500 or answer.code == 500019, answer.body
    if answer.status >= 400:
        assert answer.code
    if what in {"group", "IotHubs", "provisioningServices", "vaults"}:
        assert azure.ask("GET", f"{path}?api-version={api}").status in {200, 404}


@settings(RANDOM, max_examples=30)
@given(data=st.data(), what=st.sampled_from(sorted(_KEY_BODIES)))
def test_random_json_is_answered_by_a_vault(azure: InProcess, data: st.DataObject, what: str) -> None:
    """Any member of a body about a key may be anything: the key is changed, or the vault refuses."""
    vault = f"{_existing(azure)[0]}/providers/Microsoft.KeyVault/vaults/standing-vault"
    owner = principals.find(azure.azure.store, principals.directory(azure.azure.store).client_id)
    assert owner
    policy = {"tenantId": azure.azure.tokens.tenant_id, "objectId": owner.object_id, "permissions": {"keys": ["all"]}}
    properties = {"tenantId": policy["tenantId"], "sku": {"family": "A", "name": "standard"}, "accessPolicies": [policy]}
    azure.must("PUT", f"{vault}?api-version={VAULTS}", {"location": "westus", "properties": properties})
    at = {"host": "standing-vault.vault.azure.net", "token": azure.azure.tokens.issue(owner, "https://vault.azure.net")}
    azure.must("POST", "/keys/a/create?api-version=7.4", {"kty": "EC"}, **at)
    method, body = _KEY_BODIES[what]
    answer = azure.ask(method, f"/keys/a/{'' if what == 'update' else what}?api-version=7.4", _bent(body, data.draw), **at)
    assert answer.status in {200, 400, 403}, answer.body
    assert azure.ask("GET", "/keys/a?api-version=7.4", **at).status == 200


_CERTIFICATE = {"certificate": authority().pem, "info": {"sha256Thumbprint": "AB", "version": 3}}
_ATTESTATIONS: tuple[Any, ...] = (
    {"type": "x509", "x509": {"signingCertificates": {"primary": _CERTIFICATE, "secondary": _CERTIFICATE}}},
    {"type": "x509", "x509": {"clientCertificates": {"primary": _CERTIFICATE, "secondary": _CERTIFICATE}}},
    {"type": "x509", "x509": {"caReferences": {"primary": "ca", "secondary": "ca"}}},
    {"type": "symmetricKey", "symmetricKey": {"primaryKey": "A" * 44, "secondaryKey": None}},
    {"type": "tpm", "tpm": {"endorsementKey": "A", "storageRootKey": "A"}},
)
_ENROLLMENT = {
    "enrollmentGroupId": "line-7",
    "registrationId": "line-7",
    "deviceId": "press-001",
    "capabilities": {"iotEdge": True},
    "iotHubs": ["h.azure-devices.net"],
    "iotHubHostName": "h.azure-devices.net",
    "initialTwin": {"tags": {"a": 1}, "properties": {"desired": {"b": None}}},
    "etag": "AAAA",
    "provisioningStatus": "enabled",
    "reprovisionPolicy": {"updateHubAssignment": True, "migrateDeviceData": False},
    "allocationPolicy": "custom",
    "customAllocationDefinition": {"webhookUrl": "https://x", "apiVersion": "2021-10-01"},
    "optionalDeviceInformation": {"c": [1]},
    "namespaceName": "n",
}


@settings(RANDOM, max_examples=150)
@given(data=st.data(), kind=st.sampled_from(["enrollmentGroups", "enrollments"]), how=st.sampled_from(["one", "bulk", "query"]))
def test_random_json_is_answered_by_a_provisioning_service(azure: InProcess, data: st.DataObject, kind: str, how: str) -> None:
    """Any member of any body may be anything: what is written can be read, all else is refused in the service's envelope."""
    group = _existing(azure)[0]
    service = f"{group}/providers/Microsoft.Devices/provisioningServices/standing-dps"
    if azure.ask("GET", f"{service}?api-version={version(service)}").status == 404:
        azure.hub(group, kind="provisioningServices", name="standing-dps")
    key = azure.must("POST", f"{service}/listkeys?api-version={version(service)}")["value"][0]
    host = "standing-dps.azure-devices-provisioning.net"
    at = {"host": host, "authorization": signature(host, key["keyName"], key["primaryKey"])}
    entry = _bent({**_ENROLLMENT, "attestation": data.draw(st.sampled_from(_ATTESTATIONS))}, data.draw)
    api = f"api-version={data.draw(st.sampled_from(['2019-03-31', '2021-10-01', '2025-07-01-preview', '2026-11-01']))}"
    if how == "one":
        sent = {"if_match": "*"} if azure.ask("GET", f"/{kind}/line-7?{api}", **at).status == 200 else {}
        answer = azure.ask("PUT", f"/{kind}/line-7?{api}", entry, **at, **sent)
    elif how == "bulk":
        mode = data.draw(st.sampled_from(["create", "update", "updateIfMatchETag", "delete"]))
        answer = azure.ask("POST", f"/{kind}?{api}", _bent({kind: [entry, entry], "mode": mode}, data.draw), **at)
    else:
        answer = azure.ask("POST", f"/{kind}/query?{api}", _bent({"query": "SELECT *"}, data.draw), **at)
    assert answer.status in {200, 400}, answer.body
    if answer.status == 400:
        assert str(answer.code) == answer.headers["x-ms-error-code"]
    assert azure.ask("GET", f"/{kind}/line-7?{api}", **at).status in {200, 404}
    assert azure.ask("POST", f"/{kind}/query?{api}", {"query": "SELECT *"}, **at).status == 200


def _existing(azure: InProcess) -> tuple[str, str]:
    group = f"/subscriptions/{azure.subscription}/resourceGroups/standing"
    hub = f"{group}/providers/Microsoft.Devices/IotHubs/standing-hub"
    if azure.ask("GET", f"{hub}?api-version={HUB}").status == 404:
        azure.group("standing")
        azure.hub(group, name="standing-hub")
    return group, hub


_SEGMENT = st.text(st.characters(codec="latin-1", exclude_characters="?#"), max_size=6)


@settings(RANDOM, max_examples=80)
@given(
    parts=st.lists(_SEGMENT | st.sampled_from(["subscriptions", "providers", "%2F", "%", "%zz", "%ff"]), max_size=8),
    host=st.sampled_from([ARM, "login.windows.net", "127.0.0.1", "x.azure-devices.net", "x.azure-devices-provisioning.net", ""]),
    method=st.sampled_from(["GET", "PUT", "DELETE", "POST", "FETCH"]),
)
def test_random_paths_get_a_json_answer(azure: InProcess, parts: list[str], host: str, method: str) -> None:
    """Any path at any of the names gets a JSON answer, never an unexpected error. `GET /providers` is an operation that is not here."""
    answer = azure.ask(method, "/" + "/".join(parts), host=host)

    assert 400 <= answer.status < 500 or answer.status == 501
    assert answer.json()


def test_an_unexpected_error_has_azures_envelope(
    azure: InProcess, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An unexpected error is answered with the 500 of the service that was asked, is logged, and changes nothing."""

    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(arm, "_check_version", broken)
    answer = azure.ask("GET", f"/subscriptions?api-version={GROUPS}")

    assert (answer.status, answer.code, b"bug" in answer.body) == (500, "InternalServerError", False)
    monkeypatch.setattr(hub_endpoint, "_require_hub", broken)
    of_the_hub = azure.ask("GET", "/devices/a?api-version=2021-04-12", host="a.azure-devices.net")
    assert (of_the_hub.status, of_the_hub.headers["iothub-errorcode"]) == (500, "ServerError")
    monkeypatch.setattr(provisioning_endpoint, "_require_service", broken)
    of_the_service = azure.ask("GET", "/enrollments/a?api-version=2021-10-01", host="a.azure-devices-provisioning.net")
    assert (of_the_service.status, of_the_service.code) == (500, 500001)
    assert [record.exc_info is not None for record in caplog.records] == [True, True, True]
    caplog.clear()
