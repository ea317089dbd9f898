"""The inputs that the azure-native stand-in refuses, in the real plugin's words."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.plugins.azure_native.plugin import plugin
from sandbox.plugins.azure_native.resource_types import DPS, HUB_CERTIFICATE, IOT_HUB, RESOURCE_GROUP, ROLE_ASSIGNMENT
from sandbox.plugins.property_values import UNKNOWN, Secret
from sandbox.plugins.resource import Candidate
from tests.plugins.accounts import without_azure

HUB: dict[str, Any] = {"resourceGroupName": "rg", "resourceName": "hub", "location": "westeurope", "sku": {"name": "S1"}}
ROUTE = {"name": "r", "source": "DeviceMessages", "endpointNames": ["events"], "isEnabled": True}
ROUTES = {"routing": {"routes": [ROUTE, {**ROUTE, "name": "a b"}]}}
STORAGE = {"storageEndpoints": {"$default": {"connectionString": "c"}}}
COUNT = "'properties.cloudToDevice.maxDeliveryCount'"
NAME_RULE = "does not match expression '^[A-Za-z0-9-._]{1,64}$'"


def count(value: float) -> dict[str, Any]:
    """A hub with that delivery count."""
    return {**HUB, "properties": {"cloudToDevice": {"maxDeliveryCount": value}}}


def identity(value: Any) -> dict[str, Any]:
    """A hub with those identities."""
    return {**HUB, "identity": {"userAssignedIdentities": value}}


def check(kind: Any, news: dict[str, Any], olds: dict[str, Any] | None = None) -> Any:
    return without_azure(plugin(None)).resources[kind.token].check(Candidate("it", olds or {}, news))


@pytest.mark.parametrize(
    ("kind", "news", "reasons"),
    [
        (IOT_HUB, HUB, []),
        (IOT_HUB, {**HUB, "sku": None}, ["missing required property 'sku'"]),
        (IOT_HUB, {**HUB, "sku": {"capacity": 1}}, ["missing required property 'sku.name'"]),
        (IOT_HUB, {**HUB, "sku": "S1"}, ["'sku' should be of type 'object' but got a string"]),
        (IOT_HUB, {**HUB, "tags": ["a"]}, ["'tags' should be of type 'map' but got an array"]),
        (IOT_HUB, {**HUB, "location": 7}, ["'location' should be of type 'string' but got a number"]),
        (IOT_HUB, identity("x"), ["'identity.userAssignedIdentities' should be of type 'array' but got a string"]),
        (IOT_HUB, identity(["/a"]), []),
        (IOT_HUB, count(0), [f"{COUNT} is too low (0.000000 < 1.000000)"]),
        (IOT_HUB, count(101), [f"{COUNT} is too high (101.000000 > 100.000000)"]),
        (IOT_HUB, count(1.5), [f"{COUNT} must be an integer but got 1.500000"]),
        (IOT_HUB, {**HUB, "properties": ROUTES}, [f"'properties.routing.routes[1].name' {NAME_RULE}"]),
        (IOT_HUB, {**HUB, "properties": STORAGE}, ["missing required property 'properties.storageEndpoints.$default.containerName'"]),
        (IOT_HUB, {**HUB, "properties": {"features": "no such feature", "notInTheApi": 1}}, []),
        (IOT_HUB, {**HUB, "sku": UNKNOWN, "properties": {"minTlsVersion": UNKNOWN}}, []),
        (HUB_CERTIFICATE, {"resourceGroupName": "rg"}, ["missing required property 'resourceName'"]),
        (HUB_CERTIFICATE, {"resourceGroupName": "rg", "resourceName": "hub", "certificateName": "a b"}, [f"'certificateName' {NAME_RULE}"]),
        (DPS, {"resourceGroupName": "rg", "location": "x"}, ["missing required property 'sku'", "missing required property 'properties'"]),
        (ROLE_ASSIGNMENT, {"scope": "/x"}, ["missing required property 'principalId'", "missing required property 'roleDefinitionId'"]),
        (RESOURCE_GROUP, {"location": "x"}, []),
    ],
    ids=str,
)
def test_inputs_are_validated_against_the_table(kind: Any, news: dict[str, Any], reasons: list[str]) -> None:
    """Required, type, pattern and range, down to the items of lists; enumerations, unknown names and unknown values are not checked."""
    assert check(kind, news).failures == reasons


def test_valid_inputs_are_returned_unchanged() -> None:
    """Secrets are unwrapped, nulls dropped, the API version added; an explicit version and an unknown property stay."""
    inputs = check(IOT_HUB, {**HUB, "tags": Secret({"a": "b", "c": None}), "identity": None, "notInTheApi": [1, None]}).inputs
    assert inputs == {**HUB, "tags": {"a": "b"}, "notInTheApi": [1], "azureApiVersion": "2023-06-30"}
    assert check(IOT_HUB, {**HUB, "azureApiVersion": "x"}).inputs["azureApiVersion"] == "x"


def test_a_location_that_the_program_removes_is_kept() -> None:
    """The old location is used again, so removing it from the program changes nothing."""
    news = {name: value for name, value in HUB.items() if name != "location"}
    assert check(IOT_HUB, news, HUB).inputs["location"] == "westeurope"


def test_the_location_of_an_unknown_group_is_unknown() -> None:
    """The group does not exist yet: Azure is not asked, and nothing is reported missing."""
    result = check(IOT_HUB, {"resourceGroupName": UNKNOWN, "resourceName": "hub", "sku": {"name": "S1"}})
    assert (result.inputs["location"], result.failures) == (UNKNOWN, [])
