"""The azure-native stand-in on local Azure: real ARM, behind the proxy, under Azure's own names."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from local_azure_iot.installation import environment
from local_azure_iot.start_command import FREE_PORTS
from sandbox.plugins.azure_native.resource_types import (
    DPS,
    DPS_CERTIFICATE,
    HUB_CERTIFICATE,
    IOT_HUB,
    RESOURCE_GROUP,
    ROLE_ASSIGNMENT,
    VAULT,
)
from sandbox.plugins.property_values import from_struct
from sandbox.plugins.tls.plugin import plugin as tls_plugin
from tests.plugins.chains import CA, KEY, ROOT, operation
from tests.plugins.driving import BIN, Plugin, running

if TYPE_CHECKING:
    from collections.abc import Iterator

SKU = {"name": "S1", "capacity": 1}
VAULT_PROPERTIES = {"tenantId": "11111111-2222-4333-8444-555555555555", "sku": {"family": "A", "name": "standard"}}
IOT_HUB_DATA_CONTRIBUTOR = "4fc6c259-987e-4a07-842e-c321cc9d413f"


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The addresses of a local Azure that stores nothing and completes operations immediately."""
    file = tmp_path_factory.mktemp("azure") / "ready.json"
    command = [sys.executable, "-m", "sandbox", "cloud", *FREE_PORTS, "--retry-after", "0", "--ready-file", file]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=BIN.parents[2])
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith("local Azure is ready")
        yield json.loads(file.read_text())
    finally:
        process.terminate()
        process.wait(timeout=120)
        process.stdout.close()


@pytest.fixture(scope="module")
def azure_native(ready: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    """The plugin, with the environment that any Azure client gets and a default location."""
    with running("azure-native", tmp_path_factory.mktemp("program"), environment(ready)) as plugin:
        variables = {"azure-native:config:location": "westeurope"}
        plugin.stub.Configure(provider_pb2.ConfigureRequest(variables=variables, sends_old_inputs=True, sends_old_inputs_to_delete=True))
        yield plugin


def created(plugin: Plugin, kind: Any, name: str, given: dict[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Check and create a resource; returns (id, outputs, inputs)."""
    response = plugin.check(kind.token, name, given, randomSeed=name.encode())
    assert [failure.reason for failure in response.failures] == []
    inputs = from_struct(response.inputs)
    return *plugin.create(kind.token, name, inputs), inputs


@pytest.fixture(scope="module")
def group(azure_native: Plugin) -> str:
    """A resource group."""
    return str(created(azure_native, RESOURCE_GROUP, "rg", {})[1]["name"])


@pytest.fixture(scope="module")
def hub(azure_native: Plugin, group: str) -> dict[str, Any]:
    """The outputs of a hub."""
    return created(azure_native, IOT_HUB, "hub", {"resourceGroupName": group, "sku": SKU})[1]


@pytest.fixture(scope="module")
def service(azure_native: Plugin, group: str) -> dict[str, Any]:
    """The outputs of a provisioning service."""
    return created(azure_native, DPS, "dps", {"resourceGroupName": group, "sku": SKU, "properties": {}})[1]


@pytest.fixture(scope="module")
def authority() -> str:
    """A CA certificate, PEM in base64."""
    tls = tls_plugin(None)
    key = tls.resources[KEY].create({"algorithm": "ECDSA", "ecdsaCurve": "P256"}, operation()).outputs["privateKeyPem"].value
    pem = tls.resources[ROOT].create({**CA, "privateKeyPem": key}, operation()).outputs["certPem"]
    return base64.b64encode(pem.encode()).decode()


LINKED = {
    "iotHubs": [{"connectionString": "HostName=h.azure-devices.net;SharedAccessKeyName=own;SharedAccessKey=c2VjcmV0", "location": "westus"}]
}


@pytest.mark.parametrize(
    ("kind", "given", "change"),
    [
        (RESOURCE_GROUP, {}, {"tags": {"a": "b"}}),
        (IOT_HUB, {"sku": SKU, "properties": {"minTlsVersion": "1.2"}}, {"sku": {"name": "S1", "capacity": 2}}),
        (
            DPS,
            {"sku": SKU, "properties": {"allocationPolicy": "Hashed", **LINKED}},
            {"properties": {"allocationPolicy": "GeoLatency", **LINKED}},
        ),
        (VAULT, {"properties": VAULT_PROPERTIES}, {"properties": {**VAULT_PROPERTIES, "enablePurgeProtection": True}}),
    ],
    ids=["group", "hub", "dps", "vault"],
)
def test_the_lifecycle_of_a_resource(azure_native: Plugin, group: str, kind: Any, given: dict[str, Any], change: dict[str, Any]) -> None:
    """Create with a generated name and location, refresh without a diff, update, delete, read nothing.

    Azure shows a link of a provisioning service without its key: the inputs keep it.
    """
    parent = {} if kind is RESOURCE_GROUP else {"resourceGroupName": group}
    identity, outputs, inputs = created(azure_native, kind, "life", {**parent, **given})
    assert (inputs["location"], outputs["name"], outputs["id"]) == ("westeurope", inputs[kind.name_parameter], identity)
    assert azure_native.read(kind.token, identity, outputs, inputs) == (identity, outputs, inputs)
    news = {**inputs, **change}
    updated = azure_native.update(kind.token, (identity, outputs), inputs, news)
    found, refreshed, kept = azure_native.read(kind.token, identity, updated, news)
    assert (found, refreshed, kept) == (identity, updated, news)
    assert azure_native.diff(kind.token, refreshed, kept, news) == {"changes": "DIFF_NONE"}
    azure_native.delete(kind.token, identity, updated)
    assert azure_native.read(kind.token, identity, updated, news)[0] == ""


def test_a_hub_cannot_be_created_twice(azure_native: Plugin, group: str, hub: dict[str, Any]) -> None:
    """An existing resource is never taken over."""
    with pytest.raises(grpc.RpcError) as refused:
        created(azure_native, IOT_HUB, "again", {"resourceGroupName": group, "resourceName": hub["name"], "sku": SKU})
    assert f"cannot create already existing resource '{hub['id']}'" in refused.value.details()


@pytest.mark.parametrize("kind", [HUB_CERTIFICATE, DPS_CERTIFICATE], ids=["hub", "dps"])
def test_a_certificate_is_uploaded_and_cannot_be_changed(
    azure_native: Plugin, group: str, hub: dict[str, Any], service: dict[str, Any], authority: str, kind: Any
) -> None:
    """It is verified without a proof if the program declares it; without If-Match Azure refuses to replace it."""
    parents = {"resourceGroupName": group, "resourceName": hub["name"], "provisioningServiceName": service["name"]}
    given = {name: parents[name] for name in kind.parameters if name in parents}
    properties = {"certificate": authority, "isVerified": True}
    identity, outputs, inputs = created(azure_native, kind, "ca", {**given, "properties": properties})
    assert (outputs["properties"]["isVerified"], outputs["properties"]["subject"]) == (True, "A Root")
    with pytest.raises(grpc.RpcError) as refused:
        azure_native.update(kind.token, (identity, outputs), inputs, {**inputs, "properties": {"certificate": authority}})
    assert "Status=412" in refused.value.details()


def test_a_role_is_assigned_and_removed(azure_native: Plugin, hub: dict[str, Any], ready: dict[str, Any]) -> None:
    """At the scope of a hub, whose slashes are sent escaped, and to the deployer itself."""
    me = azure_native.invoke("azure-native:authorization:getClientConfig", {})
    assert (me["clientId"], me["subscriptionId"], me["tenantId"]) == (ready["client_id"], ready["subscription_id"], ready["tenant_id"])
    role = f"/subscriptions/{me['subscriptionId']}/providers/Microsoft.Authorization/roleDefinitions/{IOT_HUB_DATA_CONTRIBUTOR}"
    given = {"scope": hub["id"], "principalId": me["objectId"], "roleDefinitionId": role, "principalType": "ServicePrincipal"}
    identity, outputs, inputs = created(azure_native, ROLE_ASSIGNMENT, "role", given)
    assert (outputs["scope"], outputs["principalId"]) == (hub["id"], me["objectId"])
    assert azure_native.read(ROLE_ASSIGNMENT.token, identity, outputs, inputs) == (identity, outputs, inputs)
    named = {"scope": hub["id"], "roleAssignmentName": inputs["roleAssignmentName"]}
    assert azure_native.invoke("azure-native:authorization:getRoleAssignment", named) == outputs
    azure_native.delete(ROLE_ASSIGNMENT.token, identity)
    assert azure_native.read(ROLE_ASSIGNMENT.token, identity, outputs, inputs)[0] == ""


def test_the_keys_of_a_hub_are_listed(azure_native: Plugin, group: str, hub: dict[str, Any]) -> None:
    """The five shared access policies that Azure creates for a hub."""
    result = azure_native.invoke("azure-native:iothub:listIotHubResourceKeys", {"resourceGroupName": group, "resourceName": hub["name"]})
    assert [rule["keyName"] for rule in result["value"]] == ["iothubowner", "service", "device", "registryRead", "registryReadWrite"]


def test_a_provisioning_service_is_found_and_its_keys_are_listed(azure_native: Plugin, group: str, service: dict[str, Any]) -> None:
    """As its Read shows it; with the shared access policy that Azure creates for it."""
    names = {"resourceGroupName": group, "provisioningServiceName": service["name"]}
    found = azure_native.invoke("azure-native:deviceprovisioningservices:getIotDpsResource", names)
    assert (found["id"], found["properties"]["idScope"]) == (service["id"], service["properties"]["idScope"])
    keys = azure_native.invoke("azure-native:deviceprovisioningservices:listIotDpsResourceKeys", names)
    assert [rule["keyName"] for rule in keys["value"]] == ["provisioningserviceowner"]


def test_a_hub_and_its_group_are_found(azure_native: Plugin, group: str, hub: dict[str, Any]) -> None:
    """As their Read shows them; what is not there is a failed request with Azure's status, and a missing argument a failure."""
    names = {"resourceGroupName": group, "resourceName": hub["name"]}
    found = azure_native.invoke("azure-native:iothub:getIotHubResource", names)
    assert (found["id"], found["properties"]["hostName"]) == (hub["id"], f"{hub['name']}.azure-devices.net")
    found = azure_native.invoke("azure-native:resources:getResourceGroup", {"resourceGroupName": group})
    assert (found["name"], found["location"]) == (group, "westeurope")
    for token, arguments, message in (
        (
            "iothub:getIotHubResource",
            {**names, "resourceName": "absent"},
            r"^request failed /\S+/absent: Status=404 Code=",
        ),
        ("resources:getResourceGroup", {"resourceGroupName": "no"}, r"^request failed /\S+/no: Status=404 Code="),
    ):
        with pytest.raises(grpc.RpcError) as refused:
            azure_native.invoke(f"azure-native:{token}", arguments)
        assert re.search(message, str(refused.value.details()))


def test_a_vault_keeps_its_access_policies_and_is_recovered(azure_native: Plugin, group: str) -> None:
    """A list that the program leaves out is sent back as Azure has it; after a delete, only `createMode: recover` brings the vault back."""
    policy = {"tenantId": VAULT_PROPERTIES["tenantId"], "objectId": "somebody", "permissions": {"keys": ["get"]}}
    given = {"resourceGroupName": group, "vaultName": "kept-vault-1", "properties": {**VAULT_PROPERTIES, "accessPolicies": [policy]}}
    identity, outputs, inputs = created(azure_native, VAULT, "kept", given)
    silent = {**inputs, "properties": VAULT_PROPERTIES, "tags": {"a": "b"}}
    updated = azure_native.update(VAULT.token, (identity, outputs), inputs, silent)
    assert (updated["tags"], updated["properties"]["accessPolicies"]) == ({"a": "b"}, [policy])
    assert azure_native.invoke("azure-native:keyvault:getVault", {"resourceGroupName": group, "vaultName": "kept-vault-1"}) == updated
    azure_native.delete(VAULT.token, identity, updated)
    with pytest.raises(grpc.RpcError) as refused:
        created(azure_native, VAULT, "kept", given)
    assert 'Status=409 Code="ConflictError"' in str(refused.value.details())
    _, recovered, _ = created(azure_native, VAULT, "kept", {**given, "properties": {**VAULT_PROPERTIES, "createMode": "recover"}})
    assert recovered["properties"] == updated["properties"]
    with pytest.raises(grpc.RpcError) as refused:
        azure_native.invoke("azure-native:keyvault:getVault", {"resourceGroupName": group, "vaultName": "absent-vault"})
    assert re.search(r'^request failed /\S+/absent-vault: Status=404 Code="ResourceNotFound"', str(refused.value.details()))
