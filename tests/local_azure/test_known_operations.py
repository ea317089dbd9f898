"""Operations of Azure: the tables agree with Microsoft's SDKs and specification; what is not here says so, after authentication."""

import json
from dataclasses import replace

import pytest

from docs.azure_coverage import KNOWN
from docs.newer_sdks import SDKS, Comparison, Sdk, compare, report
from docs.sdk_requests import SdkRequest, requests_of, shape
from local_azure_iot import arm
from local_azure_iot.hub_registry import endpoint as hub_endpoint
from local_azure_iot.hub_registry import known_operations as hub
from local_azure_iot.key_vault import known_operations as vault
from local_azure_iot.key_vault import routes as vault_routes
from local_azure_iot.login import principals
from local_azure_iot.microsoft_devices import known_operations as devices
from local_azure_iot.provisioning import device_routes
from local_azure_iot.provisioning import endpoint as provisioning_endpoint
from local_azure_iot.provisioning import known_operations as provisioning_operations
from local_azure_iot.resource_manager import known_operations as resources
from local_azure_iot.routing import KnownOperation, absent, sample_path
from tests.kit.hub_client import signature
from tests.kit.repository import SHARED
from tests.local_azure.in_process import Answer, InProcess

_SPECIFICATION = SHARED / "specs" / "iothub-service-2021-04-12.swagger.json"


@pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.distribution)
def test_each_operation_of_an_sdk_is_known(sdk: Sdk) -> None:
    """By its method and path; a new SDK whose operations are in no table fails here."""
    requests = list(requests_of(sdk.package))
    assert len(requests) > 20
    assert compare(sdk, requests).unknown == []


def test_a_newer_sdk_is_compared_with_the_tables() -> None:
    """What it asks and no table has: an api-version, and an operation; what is known and absent has its name."""
    (sdk,) = (each for each in SDKS if each.distribution == "azure-mgmt-iothub")
    hub = "/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Devices/IotHubs/{n}"
    found = compare(
        replace(sdk, routes=[each for each in sdk.routes if each.operation != "IotHubResource_GetStats"]),
        [
            SdkRequest("GET", hub, "2026-11-01"),
            SdkRequest("PUT", hub, "2031-01-01"),
            SdkRequest("GET", f"{hub}/iotHubStats", "2031-01-01"),
            SdkRequest("POST", f"{hub}/teleport", "2031-01-01"),
        ],
    )

    assert found == Comparison(versions=["2031-01-01"], unknown=[f"POST {hub}/teleport"], absent=["IotHubResource_GetStats"])
    assert "azure-mgmt-iothub 9.0\n  api-version that local Azure does not take: 2031-01-01\n" in report(sdk, "9.0", found)


def test_each_operation_of_the_specification_is_known() -> None:
    """That of a hub's own endpoint, with its name."""
    if not _SPECIFICATION.exists():
        pytest.skip(f"{_SPECIFICATION.name} is not beside the project")
    paths = json.loads(_SPECIFICATION.read_text())["paths"]
    specified = {(each["operationId"], *shape(method.upper(), path)) for path, of in paths.items() for method, each in of.items()}
    assert specified - {(each.operation, *shape(each.method, each.path)) for each in hub.KNOWN} == set()


def test_each_known_operation_is_on_a_route_or_absent() -> None:
    """None is listed twice in a table, and each table is one that the coverage page shows."""
    for _, routes, known in KNOWN:
        assert len({(each.method, each.path) for each in known}) == len(known)
        assert len(absent(routes, known)) < len(known) or not routes


def _named(answer: Answer, operation: KnownOperation) -> None:
    assert answer.status == 501, (operation, answer)
    assert operation.method == "HEAD" or operation.operation in answer.body.decode(), operation


def test_what_is_absent_at_resource_manager(azure: InProcess) -> None:
    """401 before anything else, then 501 that names the operation; a path of no operation is 404."""
    known = (*devices.KNOWN_AT_ARM, *vault.KNOWN_AT_ARM, *resources.KNOWN)
    for each in absent(arm.ROUTES, known):
        path = sample_path(each).replace("a-subscription", azure.subscription)
        assert azure.ask(each.method, f"{path}?api-version=2023-06-30", token="").status == 401
        _named(azure.ask(each.method, f"{path}?api-version=2023-06-30"), each)
    for path in ("/nonsense", f"/subscriptions/{azure.subscription}/providers/Microsoft.Storage/storageAccounts"):
        assert azure.ask("GET", f"{path}?api-version=2023-06-30").status == 404


def test_what_is_absent_at_a_hub(azure: InProcess) -> None:
    """The same, in a hub's envelope; also by an overridden method, and without a word to those who may not ask."""
    path = azure.hub()
    host = f"{path.rpartition('/')[2]}.azure-devices.net"
    key = azure.must("POST", f"{path}/listkeys?api-version=2023-06-30")["value"][0]["primaryKey"]
    signed = {"host": host, "authorization": signature(host, "iothubowner", key)}
    missing = absent(hub_endpoint.ROUTES, hub.KNOWN)
    for each in missing:
        asked = f"{sample_path(each)}?api-version=2021-04-12"
        assert azure.ask(each.method, asked, host=host, token="").status == 401
        answer = azure.ask(each.method, asked, **signed)
        _named(answer, each)
        assert answer.headers["iothub-errorcode"] == "NotImplemented"
    assert azure.ask("GET", "/nonsense", host=host, token="").status == 401
    unknown = azure.ask("GET", "/nonsense?api-version=2021-04-12", **signed)
    assert (unknown.status, unknown.headers["iothub-errorcode"]) == (404, "GenericNotFound")
    overridden = azure.ask("POST", "/twins/none?api-version=2021-04-12", b"{}", x_http_method_override="patch", **signed)
    assert (overridden.status, overridden.headers["iothub-errorcode"]) == (404, "DeviceNotFound")
    assert azure.ask("POST", "/twins/none?api-version=2021-04-12", b"{}", x_http_method_override="BREW", **signed).status == 404


def test_a_device_is_told_too(azure: InProcess) -> None:
    """What is absent at a device's own path, with its own signature; another device's signature is refused."""
    path, version = azure.hub(), "api-version=2021-04-12"
    host = f"{path.rpartition('/')[2]}.azure-devices.net"
    owner = azure.must("POST", f"{path}/listkeys?api-version=2023-06-30")["value"][0]["primaryKey"]
    signed = {"host": host, "authorization": signature(host, "iothubowner", owner)}
    keys = {}
    for name in ("edge", "other"):
        body = {"deviceId": name, "authentication": {"type": "sas"}}
        keys[name] = azure.must("PUT", f"/devices/{name}?{version}", body, **signed)["authentication"]["symmetricKey"]["primaryKey"]
    module = azure.must("PUT", f"/devices/edge/modules/m?{version}", {"deviceId": "edge", "moduleId": "m"}, **signed)
    key = module["authentication"]["symmetricKey"]["primaryKey"]
    asked = f"/devices/edge/modules/m/devicesAndModulesInDeviceScope?{version}"
    mine = signature(f"{host}/devices/edge/modules/m", "", key)
    assert azure.ask("GET", asked, host=host, authorization=mine).headers["iothub-errorcode"] == "NotImplemented"
    for wrong in (signature(f"{host}/devices/other", "", keys["other"]), signature(f"{host}/devices/edge", "", keys["other"])):
        assert azure.ask("GET", asked, host=host, authorization=wrong).status == 401
    assert azure.ask("GET", f"/nonsense?{version}", host=host, authorization=mine).status == 401


def test_what_is_absent_at_a_vault(azure: InProcess) -> None:
    """The challenge first, then 501."""
    group = azure.group()
    tenant = azure.azure.tokens.tenant_id
    body = {"location": "westus", "properties": {"tenantId": tenant, "sku": {"family": "A", "name": "standard"}, "accessPolicies": []}}
    azure.must("PUT", f"{group}/providers/Microsoft.KeyVault/vaults/absent-here?api-version=2024-11-01", body)
    host, bearer = "absent-here.vault.azure.net", _bearer(azure, "https://vault.azure.net")
    for each in absent(vault_routes.ROUTES, vault.KNOWN):
        assert azure.ask(each.method, f"{sample_path(each)}?api-version=7.4", host=host, token="").status == 401
        _named(azure.ask(each.method, f"{sample_path(each)}?api-version=7.4", host=host, token=bearer), each)


def test_what_is_absent_at_a_provisioning_service(azure: InProcess) -> None:
    """Nothing: by signature and by Entra token."""
    path = azure.hub(kind="provisioningServices")
    host = f"{path.rpartition('/')[2]}.azure-devices-provisioning.net"
    key = azure.must("POST", f"{path}/listkeys?api-version=2023-03-01-preview")["value"][0]
    signed = signature(host, key["keyName"], key["primaryKey"])
    assert absent(provisioning_endpoint.ROUTES, provisioning_operations.KNOWN) == []
    for each in provisioning_operations.KNOWN:
        for wrong in ("", signature(host, "nobody", key["primaryKey"]), signature("other", key["keyName"], key["primaryKey"]), "nonsense"):
            assert azure.ask(each.method, sample_path(each), host=host, token="", authorization=wrong).status == 401
    assert azure.ask("GET", "/nonsense", host=host, token="").status == 401
    bearer = _bearer(azure, "https://azure-devices-provisioning.net")
    for sent in ({"authorization": signed}, {"token": bearer}):
        assert azure.ask("GET", "/nonsense", host=host, **sent).json()["errorCode"] == 404000
    assert azure.ask("GET", "/enrollments/x", host="none.azure-devices-provisioning.net", authorization=signed).status == 401
    assert absent(device_routes.ROUTES, provisioning_operations.KNOWN_BY_DEVICES) == []
    assert azure.ask("GET", "/nonsense", host="global.azure-devices-provisioning.net", token="").json()["errorCode"] == 404000


def _bearer(azure: InProcess, audience: str) -> str:
    directory = principals.directory(azure.azure.store)
    deployer = principals.find(azure.azure.store, directory.client_id)
    assert deployer
    return azure.azure.tokens.issue(deployer, audience)
