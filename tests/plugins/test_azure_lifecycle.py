"""The lifecycle of each resource type of the azure-native stand-in, driven through gRPC as by an engine."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from sandbox.plugins.azure_native.resource_types import DPS, DPS_CERTIFICATE, HUB_CERTIFICATE, IOT_HUB, RESOURCE_GROUP, ROLE_ASSIGNMENT
from sandbox.plugins.property_values import UNKNOWN, from_struct
from tests.plugins.accounts import SUBSCRIPTION
from tests.plugins.driving import Plugin, running
from tests.plugins.keeping_azure import KeepingAzure
from tests.plugins.scripted_azure import scripted_azure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.plugins.azure_native.resource_types import ResourceType

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
IN_GROUP = {"resourceGroupName": "rg"}
SKU = {"name": "S1", "capacity": 1}


@dataclass(frozen=True)
class Lifecycle:
    """The program's inputs, an update in place, the resulting id, and a change created by hand in Azure."""

    kind: ResourceType
    given: dict[str, Any]
    change: dict[str, Any]
    identity: str
    by_hand: dict[str, Any] = field(default_factory=lambda: {"tags": {"by": "hand"}})
    drifts: str = "tags"


LIFECYCLES = {
    "group": Lifecycle(RESOURCE_GROUP, {**IN_GROUP, "location": "westeurope"}, {"managedBy": "me"}, GROUP),
    "hub": Lifecycle(
        IOT_HUB,
        {**IN_GROUP, "resourceName": "hub", "location": "westeurope", "sku": SKU, "properties": {"minTlsVersion": "1.2"}},
        {"sku": {"name": "S1", "capacity": 2}},
        f"{GROUP}/providers/Microsoft.Devices/IotHubs/hub",
    ),
    "dps": Lifecycle(
        DPS,
        {**IN_GROUP, "provisioningServiceName": "dps", "location": "westeurope", "sku": SKU, "properties": {"allocationPolicy": "Hashed"}},
        {"properties": {"allocationPolicy": "Static"}},
        f"{GROUP}/providers/Microsoft.Devices/provisioningServices/dps",
    ),
    "role": Lifecycle(
        ROLE_ASSIGNMENT,
        {"scope": GROUP, "roleAssignmentName": "name", "principalId": "p", "roleDefinitionId": "d", "principalType": "User"},
        {"description": "why"},
        f"{GROUP}/providers/Microsoft.Authorization/roleAssignments/name",
        by_hand={"properties": {"principalId": "p", "roleDefinitionId": "d", "principalType": "User", "description": "by hand"}},
        drifts="description",
    ),
}
CERTIFICATES: list[Any] = [
    pytest.param(HUB_CERTIFICATE, {**IN_GROUP, "resourceName": "hub"}, f"{GROUP}/providers/Microsoft.Devices/IotHubs/hub", id="hub"),
    pytest.param(
        DPS_CERTIFICATE,
        {**IN_GROUP, "provisioningServiceName": "dps"},
        f"{GROUP}/providers/Microsoft.Devices/provisioningServices/dps",
        id="dps",
    ),
]


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[KeepingAzure]:
    """An empty Azure."""
    with scripted_azure(tmp_path, KeepingAzure()) as azure:
        assert isinstance(azure, KeepingAzure)
        yield azure


@pytest.fixture
def azure_native(cloud: KeepingAzure, tmp_path: Path) -> Iterator[Plugin]:
    """The plugin as a process, configured through the environment like a program's default provider."""
    names = {"subscriptionId": "SUBSCRIPTION_ID", "tenantId": "TENANT_ID", "clientId": "CLIENT_ID", "clientSecret": "CLIENT_SECRET"}
    fallbacks = {f"ARM_{variable}": cloud.variables()[key] for key, variable in names.items()}
    more = {"ARM_METADATA_HOSTNAME": cloud.url, "ARM_DISABLE_INSTANCE_DISCOVERY": "true", "SSL_CERT_FILE": cloud.roots}
    with running("azure-native", tmp_path, {**fallbacks, **more}) as plugin:
        plugin.stub.Configure(provider_pb2.ConfigureRequest(sends_old_inputs=True, sends_old_inputs_to_delete=True))
        yield plugin


def checked(plugin: Plugin, kind: Any, news: dict[str, Any], olds: dict[str, Any] | None = None) -> dict[str, Any]:
    response = plugin.check(kind.token, "it", news, olds, randomSeed=b"seed")
    assert [failure.reason for failure in response.failures] == []
    return from_struct(response.inputs)


def holds(outputs: Any, change: Any) -> bool:
    """Whether the outputs contain the change."""
    if isinstance(change, dict):
        return all(name in outputs and holds(outputs[name], value) for name, value in change.items())
    return bool(outputs == change)


@pytest.mark.parametrize("lifecycle", LIFECYCLES.values(), ids=LIFECYCLES)
def test_a_created_resource_shows_no_diff(azure_native: Plugin, cloud: KeepingAzure, lifecycle: Lifecycle) -> None:
    """A preview changes nothing; after a create the resource has its id and no diff, also after a refresh."""
    token, inputs = lifecycle.kind.token, checked(azure_native, lifecycle.kind, lifecycle.given)
    assert azure_native.create(token, "it", inputs, preview=True)[1]["name"] is UNKNOWN
    assert cloud.kept == {}
    created, outputs = azure_native.create(token, "it", inputs)
    assert (created, outputs["name"], outputs["azureApiVersion"]) == (
        lifecycle.identity,
        lifecycle.identity.rsplit("/", 1)[1],
        lifecycle.kind.api_version,
    )
    assert azure_native.diff(token, outputs, inputs, checked(azure_native, lifecycle.kind, lifecycle.given, inputs)) == {
        "changes": "DIFF_NONE"
    }
    assert azure_native.read(token, created, outputs, inputs) == (created, outputs, inputs)


@pytest.mark.parametrize("lifecycle", LIFECYCLES.values(), ids=LIFECYCLES)
def test_a_resource_is_updated_in_place_and_drift_is_reverted(azure_native: Plugin, cloud: KeepingAzure, lifecycle: Lifecycle) -> None:
    """An update works in place; a change by hand shows after a refresh and the next update reverts it."""
    token, inputs = lifecycle.kind.token, checked(azure_native, lifecycle.kind, lifecycle.given)
    state = azure_native.create(token, "it", inputs)
    news = checked(azure_native, lifecycle.kind, {**lifecycle.given, **lifecycle.change}, inputs)
    difference = azure_native.diff(token, state[1], inputs, news)
    assert (difference["changes"], difference["diffs"], difference.get("replaces")) == ("DIFF_SOME", sorted(lifecycle.change), None)
    assert azure_native.update(token, state, inputs, news, preview=True)["name"] == state[1]["name"]
    updated = azure_native.update(token, state, inputs, news)
    assert holds(updated, lifecycle.change)
    cloud.kept[lifecycle.identity.lower()].update(lifecycle.by_hand)
    _, drifted, refreshed = azure_native.read(token, state[0], updated, news)
    assert azure_native.diff(token, drifted, refreshed, news)["diffs"] == [lifecycle.drifts]
    assert holds(azure_native.update(token, (state[0], drifted), refreshed, news), lifecycle.change)


@pytest.mark.parametrize("lifecycle", LIFECYCLES.values(), ids=LIFECYCLES)
def test_a_resource_is_deleted(azure_native: Plugin, lifecycle: Lifecycle) -> None:
    """After a delete, a refresh finds nothing, and deleting again succeeds."""
    token = lifecycle.kind.token
    created, outputs = azure_native.create(token, "it", checked(azure_native, lifecycle.kind, lifecycle.given))
    azure_native.delete(token, created, outputs)
    assert azure_native.read(token, created, outputs, lifecycle.given) == ("", {}, {})
    azure_native.delete(token, created, outputs)


@pytest.mark.parametrize(("kind", "place", "parent"), CERTIFICATES)
def test_a_certificate_cannot_be_updated(azure_native: Plugin, cloud: KeepingAzure, kind: Any, place: dict[str, Any], parent: str) -> None:
    """Another certificate of that name meets 412, because If-Match is never sent; another name replaces, delete first."""
    given = {**place, "properties": {"certificate": "pem"}}
    inputs = checked(azure_native, kind, given)
    assert inputs["certificateName"] == "it"
    created, outputs = azure_native.create(kind.token, "it", inputs)
    assert (created, outputs["properties"]) == (f"{parent}/certificates/it", {"certificate": "pem"})
    news = checked(azure_native, kind, {**given, "properties": {"certificate": "new"}}, inputs)
    assert azure_native.diff(kind.token, outputs, inputs, news)["diffs"] == ["properties"]
    with pytest.raises(grpc.RpcError) as refused:
        azure_native.update(kind.token, (created, outputs), inputs, news)
    assert re.match('Status=412 Code="" Message="{"code": 412001, .*Invalid ETag supplied', refused.value.details())
    renamed = azure_native.diff(kind.token, outputs, inputs, {**inputs, "certificateName": "other"})
    assert (renamed["replaces"], renamed["deleteBeforeReplace"]) == (["certificateName"], True)
    cloud.kept[created.lower()]["properties"]["isVerified"] = True
    _, seen, refreshed = azure_native.read(kind.token, created, outputs, inputs)
    assert (seen["properties"]["isVerified"], refreshed["properties"]["isVerified"]) == (True, True)
    found = azure_native.diff(kind.token, seen, refreshed, inputs)["detailedDiff"]
    assert {path: entry["kind"] for path, entry in found.items()} == {"properties.isVerified": "DELETE"}
    azure_native.delete(kind.token, created)
    assert azure_native.read(kind.token, created, outputs, inputs)[0] == ""


def test_an_import_returns_the_inputs(azure_native: Plugin, cloud: KeepingAzure) -> None:
    """A read without a state returns the inputs that a program needs to keep the resource unchanged."""
    identity = f"{GROUP}/providers/Microsoft.Devices/IotHubs/hub"
    cloud.kept[identity.lower()] = {
        "id": identity,
        "location": "westeurope",
        "sku": {**SKU, "tier": "Standard"},
        "properties": {"state": "Active"},
    }
    found, outputs, inputs = azure_native.read(IOT_HUB.token, identity)
    assert (found, inputs) == (identity, {**IN_GROUP, "resourceName": "hub", "location": "westeurope", "sku": SKU})
    assert azure_native.diff(IOT_HUB.token, outputs, inputs, checked(azure_native, IOT_HUB, inputs, inputs)) == {"changes": "DIFF_NONE"}
