"""Diffs, previews and refreshes of the azure-native stand-in: everything that depends on values alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.plugins.azure_native import conversion
from sandbox.plugins.azure_native.input_diff import difference, refreshed_inputs
from sandbox.plugins.azure_native.resource_types import DPS, HUB_CERTIFICATE, IOT_HUB, RESOURCE_GROUP, ROLE_ASSIGNMENT, TYPES
from sandbox.plugins.property_values import UNKNOWN
from sandbox.plugins.resource import PluginError

HUB: dict[str, Any] = {
    "resourceGroupName": "rg",
    "resourceName": "hub",
    "location": "West Europe",
    "sku": {"name": "S1", "capacity": 1},
    "properties": {"minTlsVersion": "1.2", "allowedFqdnList": ["a", "b"]},
    "azureApiVersion": "2023-06-30",
}
CERTIFICATE: dict[str, Any] = {
    "resourceGroupName": "rg",
    "resourceName": "hub",
    "certificateName": "ca",
    "properties": {"certificate": "pem", "isVerified": True},
}
ROLE: dict[str, Any] = {
    "scope": "/subscriptions/s",
    "roleAssignmentName": "n",
    "principalId": "p",
    "roleDefinitionId": "d",
    "principalType": "User",
}
LIST_CHANGES = {
    "properties.allowedFqdnList[1]": "UPDATE",
    "properties.allowedFqdnList[2]": "ADD",
    "properties.minTlsVersion": "DELETE",
}
GROUP = {"resourceGroupName": "rg", "location": "westeurope"}


def detail(kind: Any, old: dict[str, Any], new: dict[str, Any], state: dict[str, Any] | None = None) -> dict[str, str]:
    """The detailed diff as path: kind."""
    found = difference(kind, old, new, state or {})
    return {path: change.kind.value + ("_REPLACE" if change.replaces else "") for path, change in (found.detail or {}).items()}


@pytest.mark.parametrize(
    ("kind", "old", "change", "expected"),
    [
        (IOT_HUB, HUB, {}, {}),
        (IOT_HUB, HUB, {"location": "westeurope"}, {}),
        (IOT_HUB, HUB, {"resourceGroupName": "RG"}, {}),
        (IOT_HUB, HUB, {"location": "northeurope"}, {"location": "UPDATE"}),
        (IOT_HUB, HUB, {"resourceGroupName": "other"}, {"resourceGroupName": "UPDATE_REPLACE"}),
        (IOT_HUB, HUB, {"resourceName": "other"}, {"resourceName": "UPDATE_REPLACE"}),
        (IOT_HUB, HUB, {"tags": {"a": "b"}}, {"tags": "ADD"}),
        (IOT_HUB, HUB, {"properties": None}, {"properties": "DELETE"}),
        (IOT_HUB, HUB, {"sku": {"name": "S2", "capacity": 1}}, {"sku.name": "UPDATE"}),
        (IOT_HUB, HUB, {"properties": {"allowedFqdnList": ["a", "c", "d"]}}, LIST_CHANGES),
        (IOT_HUB, HUB, {"sku": UNKNOWN}, {"sku": "UPDATE"}),
        (IOT_HUB, HUB, {"resourceName": UNKNOWN}, {"resourceName": "UPDATE_REPLACE"}),
        (HUB_CERTIFICATE, CERTIFICATE, {"properties": {"certificate": "new", "isVerified": True}}, {"properties.certificate": "UPDATE"}),
        (HUB_CERTIFICATE, CERTIFICATE, {"certificateName": "ca2"}, {"certificateName": "UPDATE_REPLACE"}),
        (RESOURCE_GROUP, GROUP, {"location": "northeurope"}, {"location": "UPDATE_REPLACE"}),
        (ROLE_ASSIGNMENT, ROLE, {"principalId": "q"}, {"principalId": "UPDATE_REPLACE"}),
        (ROLE_ASSIGNMENT, ROLE, {"scope": "/subscriptions/t"}, {"scope": "UPDATE_REPLACE"}),
        (ROLE_ASSIGNMENT, ROLE, {"roleDefinitionId": "e"}, {"roleDefinitionId": "UPDATE"}),
        (ROLE_ASSIGNMENT, ROLE, {"principalType": "Group"}, {"principalType": "UPDATE"}),
    ],
    ids=str,
)
def test_what_differs_and_what_replaces(kind: Any, old: dict[str, Any], change: dict[str, Any], expected: dict[str, str]) -> None:
    """Old inputs against new ones, with dotted paths; case and spaces of a location and case of a group are ignored."""
    new = {name: value for name, value in {**old, **change}.items() if value is not None}
    found = difference(kind, old, new, {})
    assert detail(kind, old, new) == expected
    assert (found.changed, found.replaces) == (bool(expected), [path for path, what in expected.items() if what.endswith("_REPLACE")])
    assert found.properties == sorted({path.split(".")[0] for path in expected})


@pytest.mark.parametrize(("flag", "first"), [(None, True), (True, False), (False, True)])
def test_a_replaced_resource_is_deleted_first_unless_its_name_was_generated(flag: bool | None, first: bool) -> None:
    """With the flag of a random name the replacement is created first; a given name cannot exist twice."""
    old = {**HUB, **({"__createBeforeDelete": flag} if flag is not None else {})}
    assert difference(IOT_HUB, old, {**HUB, "resourceName": "other"}, {}).delete_first is first


def test_an_explicit_default_is_not_a_change() -> None:
    """Its entry stays in the detailed diff, but nothing needs to be done."""
    rules = {"applyToBuiltInEventHubEndpoint": True, "ipRules": []}
    old = {**HUB, "properties": {"networkRuleSets": rules}}
    new = {**HUB, "properties": {"networkRuleSets": {**rules, "defaultAction": "Deny"}}}
    found = difference(IOT_HUB, old, new, {})
    assert (found.changed, found.properties, list(found.detail or {})) == (False, [], ["properties.networkRuleSets.defaultAction"])


def test_declaring_a_value_that_azure_has_does_not_replace() -> None:
    """A replacing property added with the value of the output of that name does not replace."""
    old = {"resourceGroupName": "rg"}
    new = {**old, "location": "westeurope"}
    assert detail(RESOURCE_GROUP, old, new, {"location": "westeurope"}) == {"location": "ADD"}
    assert detail(RESOURCE_GROUP, old, new, {"location": "northeurope"}) == {"location": "ADD_REPLACE"}


def test_a_state_without_an_api_version_input_shows_no_change() -> None:
    """The version in the state stands in for the one missing in the old inputs; a different version is a change, but not of inputs."""
    old = {name: value for name, value in HUB.items() if name != "azureApiVersion"}
    assert difference(IOT_HUB, old, HUB, {"azureApiVersion": "2023-06-30"}).changed is False
    found = difference(IOT_HUB, old, HUB, {"azureApiVersion": "2020-01-01"})
    assert found.detail is not None
    assert (found.changed, found.detail["azureApiVersion"].of_inputs) == (True, False)


ANSWER: dict[str, Any] = {
    "id": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Devices/IotHubs/hub",
    "name": "hub",
    "type": "Microsoft.Devices/IotHubs",
    "location": "westeurope",
    "subscriptionid": "s",
    "tags": None,
    "sku": {"name": "S1", "tier": "Standard", "capacity": 1},
    "identity": {"type": "UserAssigned", "userAssignedIdentities": {"/b": {"clientId": "c"}, "/a": {}}},
    "properties": {
        "state": "Active",
        "hostName": "hub.azure-devices.net",
        "minTlsVersion": "1.2",
        "allowedFqdnList": [],
        "notInTheApi": 1,
        "eventHubEndpoints": {"events": {"partitionCount": 2, "path": "x"}},
    },
    "etag": "e",
}


def test_outputs_are_the_properties_that_the_sdk_knows() -> None:
    """Nulls and unknown names are dropped, the API version is added."""
    expected = {name: value for name, value in ANSWER.items() if name not in ("tags", "subscriptionid")}
    properties = {name: value for name, value in ANSWER["properties"].items() if name != "notInTheApi"}
    assert conversion.outputs(IOT_HUB, ANSWER) == {**expected, "properties": properties, "azureApiVersion": "2023-06-30"}


def test_an_import_takes_inputs_from_the_id_and_the_answer() -> None:
    """Path parameters from the id in any case, then writable non-empty properties; no API version, no subscription."""
    inputs = conversion.imported_inputs(IOT_HUB, ANSWER["id"].replace("resourceGroups", "resourcegroups"), ANSWER)
    assert inputs == {
        "resourceGroupName": "rg",
        "resourceName": "hub",
        "location": "westeurope",
        "sku": {"name": "S1", "capacity": 1},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": ["/a", "/b"]},
        "properties": {"minTlsVersion": "1.2", "eventHubEndpoints": {"events": {"partitionCount": 2}}},
    }
    with pytest.raises(
        PluginError, match="cannot import '/subscriptions/s' as azure-native:iothub:IotHubResource: its id must have the form"
    ):
        conversion.imported_inputs(IOT_HUB, "/subscriptions/s", ANSWER)


def test_a_role_assignment_is_flat_here_and_nested_in_azure() -> None:
    """Its properties are wrapped in the request and unwrapped from the response; its scope is part of the path."""
    assert conversion.request_body(ROLE_ASSIGNMENT, ROLE) == {
        "properties": {"principalId": "p", "roleDefinitionId": "d", "principalType": "User"}
    }
    assert (
        conversion.resource_path(ROLE_ASSIGNMENT, ROLE, "s") == "/%2Fsubscriptions%2Fs/providers/Microsoft.Authorization/roleAssignments/n"
    )
    answer = {"id": "/x", "name": "n", "properties": {"scope": "/subscriptions/s", "principalId": "p", "createdBy": "me"}}
    expected = {
        "id": "/x",
        "name": "n",
        "scope": "/subscriptions/s",
        "principalId": "p",
        "createdBy": "me",
        "azureApiVersion": "2022-04-01",
    }
    assert conversion.outputs(ROLE_ASSIGNMENT, answer) == expected
    identity = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Authorization/roleAssignments/n"
    assert conversion.path_parameters(ROLE_ASSIGNMENT, identity) == {
        "scope": "/subscriptions/s/resourceGroups/g",
        "roleAssignmentName": "n",
    }


def test_identities_are_a_list_here_and_a_map_in_azure() -> None:
    """Ids are sent as keys of a map, are a map in the outputs, and a list where outputs are converted to inputs."""
    identity = {"type": "UserAssigned", "userAssignedIdentities": ["/b", "/a"]}
    assert conversion.request_body(IOT_HUB, {"identity": identity}) == {
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {"/a": {}, "/b": {}}}
    }
    assert conversion.as_inputs(IOT_HUB, conversion.outputs(IOT_HUB, ANSWER))["identity"]["userAssignedIdentities"] == ["/a", "/b"]


def test_values_in_a_path_are_escaped() -> None:
    """As in a query, with a space as %20; a missing value is an error that names the parameter."""
    assert conversion.resource_path(RESOURCE_GROUP, {"resourceGroupName": "a b/ü"}, "s") == "/subscriptions/s/resourcegroups/a%20b%2F%C3%BC"
    with pytest.raises(PluginError, match="missing value for the path parameter 'resourceGroupName'"):
        conversion.resource_path(RESOURCE_GROUP, {}, "s")


def test_a_preview_shows_what_the_inputs_determine() -> None:
    """Outputs with the name of an input have its value, recursively; others are unknown; inputs that are not outputs are left out."""
    found = conversion.preview(IOT_HUB, {**HUB, "tags": {"a": UNKNOWN}})
    assert {name: found[name] for name in ("location", "tags", "azureApiVersion", "name", "id", "etag", "identity")} == {
        "location": "West Europe",
        "tags": {"a": UNKNOWN},
        "azureApiVersion": "2023-06-30",
        "name": UNKNOWN,
        "id": UNKNOWN,
        "etag": UNKNOWN,
        "identity": UNKNOWN,
    }
    assert (found["sku"], found["properties"]["allowedFqdnList"]) == ({"name": "S1", "capacity": 1, "tier": UNKNOWN}, ["a", "b"])
    assert found["properties"]["hostName"] is UNKNOWN
    assert "resourceGroupName" not in found


@pytest.mark.parametrize(
    ("inputs", "before", "after", "expected"),
    [
        ({}, {"a": 1}, {"a": 1}, {}),
        ({}, {"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"a": 1}, {}, {}),
        ({"b": 3}, {}, {"a": 1}, {"b": 3, "a": 1}),
        ({"p": {"x": 1}}, {"p": {"x": 1, "y": 1}}, {"p": {"x": 1, "y": 2}}, {"p": {"x": 1, "y": 2}}),
        ({}, {"p": {"v": False}}, {"p": {"v": True}}, {"p": {"v": True}}),
        ({"l": [1, 2]}, {"l": [1, 2]}, {"l": [1, 3]}, {"l": [1, 3]}),
        ({"l": [1, 2]}, {"l": [1, 2]}, {"l": [1]}, {"l": [1]}),
        ({"l": [1]}, {"l": [1]}, {"l": [1, 2]}, {"l": [1, 2]}),
        ({"l": [{"a": 1}]}, {"l": [{"a": 1, "d": 0}]}, {"l": [{"a": 2, "d": 0}]}, {"l": [{"a": 2}]}),
    ],
    ids=str,
)
def test_a_refresh_takes_in_only_what_changed_in_azure(inputs: Any, before: Any, after: Any, expected: Any) -> None:
    """An earlier default stays out of the inputs; a later change is taken in, whether or not the program set the property."""
    assert refreshed_inputs(inputs, before, after) == expected


VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(0, 3), st.sampled_from("xyz")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
    max_leaves=8,
)
RECORDS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


@given(RECORDS, RECORDS)
@settings(max_examples=100)
def test_a_refresh_of_inputs_that_are_all_outputs_gives_the_new_outputs(before: Any, after: Any) -> None:
    """A refresh without a change in Azure leaves all inputs as they are."""
    assert refreshed_inputs(before, before, after) == after
    assert refreshed_inputs(after, before, before) == after


@given(RECORDS)
@settings(max_examples=50)
def test_equal_inputs_never_differ(inputs: Any) -> None:
    """This holds for all values."""
    assert [difference(kind, inputs, inputs, {}).changed for kind in TYPES.values()] == [False] * len(TYPES)


def test_server_side_state_of_a_provisioning_service_counts_as_input() -> None:
    """The specification declares `state` writable by mistake, so a refresh takes a change of it into the inputs."""
    before = conversion.as_inputs(DPS, {"properties": {"state": "Activating", "idScope": "0ne1"}})
    after = conversion.as_inputs(DPS, {"properties": {"state": "Active", "idScope": "0ne1"}})
    assert refreshed_inputs({"properties": {}}, before, after) == {"properties": {"state": "Active"}}
