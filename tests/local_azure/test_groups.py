"""Resource groups, subscriptions, providers and role assignments: ARM's own part."""

from urllib.parse import quote, urlsplit

import pytest

from local_azure_iot.login import principals
from local_azure_iot.resource_manager.access import ROLES
from local_azure_iot.settings import Settings
from tests.local_azure.in_process import ARM, GROUPS, HUB, InProcess
from tests.local_azure.in_process import ROLES as ROLES_VERSION

CONTRIBUTOR, OWNER = (next(role.id for role in ROLES.values() if role.name == name) for name in ("Contributor", "Owner"))


def at(path: str, version: str = GROUPS) -> str:
    """With an api-version."""
    return f"{path}?api-version={version}"


def somebody(azure: InProcess) -> tuple[str, str]:
    """An application without roles: its object id and a token of it."""
    with azure.azure.store.transaction():
        principal = principals.create(azure.azure.store, name="somebody")
    return principal.object_id, azure.azure.tokens.issue(principal, f"https://{ARM}")


def assignment(
    azure: InProcess, scope: str, principal: str, role: str = CONTRIBUTOR, name: str = "11111111-2222-4333-8444-555555555555"
) -> str:
    """Assign a role; returns the assignment's path."""
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"
    role_id = f"/subscriptions/{azure.subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    azure.must("PUT", at(path, ROLES_VERSION), {"properties": {"roleDefinitionId": role_id, "principalId": principal}})
    return path


def test_a_group_from_creation_to_deletion(azure: InProcess) -> None:
    """201 then 200, the region normalized, the id as it was spelled, HEAD 204 and 404, DELETE 202 with a Location."""
    path = f"/subscriptions/{azure.subscription}/resourcegroups/My.Group_(1)"
    created = azure.ask("PUT", at(path), {"location": "West Europe", "tags": {"a": "b"}})
    changed = azure.ask("PUT", at(path), {"location": "westeurope"})
    deleted = azure.ask("DELETE", at(path))
    poll = urlsplit(deleted.headers["location"])

    assert (created.status, changed.status) == (201, 200)
    assert created.json() == {
        "id": f"/subscriptions/{azure.subscription}/resourceGroups/My.Group_(1)",
        "name": "My.Group_(1)",
        "type": "Microsoft.Resources/resourceGroups",
        "location": "westeurope",
        "tags": {"a": "b"},
        "properties": {"provisioningState": "Succeeded"},
    }
    assert (deleted.status, deleted.body) == (202, b"")
    assert azure.ask("GET", f"{poll.path}?{poll.query}").status == 200
    assert azure.ask("HEAD", at(path)).status == 404
    assert azure.ask("GET", at(path)).code == "ResourceGroupNotFound"


def test_deleting_a_group_deletes_its_resources(azure: InProcess) -> None:
    """A group that is being deleted shows it and accepts nothing new; then its hubs, their names, certificates and roles are gone."""
    group = azure.group()
    hub = azure.hub(group, name="inside")
    assignment(azure, hub, somebody(azure)[0])
    azure.azure.settings = Settings(operation_seconds=60)
    poll = urlsplit(azure.ask("DELETE", at(group)).headers["location"])
    waiting = azure.ask("GET", f"{poll.path}?{poll.query}")
    late = azure.ask("PUT", at(f"{group}/providers/Microsoft.Devices/IotHubs/late", HUB), {"location": "westus", "sku": {"name": "S1"}})
    state = azure.must("GET", at(group))["properties"]["provisioningState"]
    azure.azure.clock.advance(61)
    names = f"/subscriptions/{azure.subscription}/providers/Microsoft.Devices/checkNameAvailability"

    assert (waiting.status, waiting.headers["retry-after"], late.status, late.code, state) == (
        202,
        "15",
        409,
        "ResourceGroupBeingDeleted",
        "Deleting",
    )
    # No request has read the group since: the hub must be gone nevertheless, by every path to it.
    assert azure.must("POST", at(names, HUB), {"name": "inside"})["nameAvailable"] is True
    assert azure.ask("GET", at(hub, HUB)).code == "ResourceGroupNotFound"
    assert azure.must("GET", at(f"/subscriptions/{azure.subscription}/providers/Microsoft.Devices/IotHubs", HUB))["value"] == []
    assert azure.must("GET", at(f"/subscriptions/{azure.subscription}/resourceGroups"))["value"] == []
    assert [role["scope"] for role in azure.azure.store.list("role-assignment")] == [f"/subscriptions/{azure.subscription}"]


@pytest.mark.parametrize(("name", "body", "status", "code"), [
    ("dot.", {"location": "westus"}, 400, "InvalidResourceGroup"),
    ("a" * 91, {"location": "westus"}, 400, "InvalidResourceGroup"),
    ("has%20space", {"location": "westus"}, 400, "InvalidResourceGroup"),
    ("fine", {}, 400, "LocationRequired"),
    ("fine", {"location": "atlantis"}, 400, "LocationNotAvailableForResourceType"),
    ("there", {"location": "eastus"}, 409, "InvalidResourceGroupLocation"),
])  # fmt: skip
def test_invalid_groups(azure: InProcess, name: str, body: dict[str, str], status: int, code: str) -> None:
    """Refused in ARM's envelope."""
    azure.group("there")
    answer = azure.ask("PUT", at(f"/subscriptions/{azure.subscription}/resourceGroups/{name}"), body)

    assert (answer.status, answer.code, answer.headers["x-ms-failure-cause"]) == (status, code, "gateway")


def test_subscription_tenant_and_providers(azure: InProcess) -> None:
    """The one subscription, the one tenant, the regions, the providers and their registration."""
    one = f"/subscriptions/{azure.subscription}"

    assert [each["subscriptionId"] for each in azure.must("GET", at("/subscriptions"))["value"]] == [azure.subscription]
    assert azure.must("GET", at(one))["tenantId"] == azure.azure.tokens.tenant_id
    assert len(azure.must("GET", at("/tenants"))["value"]) == 1
    assert "westeurope" in {each["name"] for each in azure.must("GET", at(f"{one}/locations"))["value"]}
    assert azure.must("GET", at(f"{one}/providers/microsoft.devices"))["registrationState"] == "Registered"
    found = {each["namespace"]: each["resourceTypes"][0] for each in azure.must("GET", at(f"{one}/providers"))["value"]}
    assert len(found) == 4
    assert found["Microsoft.KeyVault"]["resourceType"] == "vaults"
    assert {"2024-11-01", "2026-02-01"} < set(found["Microsoft.KeyVault"]["apiVersions"])
    assert HUB in found["Microsoft.Devices"]["apiVersions"]
    assert azure.ask("GET", at(f"{one}/providers/Microsoft.Nothing")).code == "InvalidResourceNamespace"


def test_without_a_role_arm_answers_403(azure: InProcess) -> None:
    """Without a role ARM answers 403 to everything; a role on a group covers the hub in it, and no other group."""
    group, beside = azure.group(), azure.group()
    hub = azure.hub(group)
    object_id, token = somebody(azure)
    before = azure.ask("GET", at(hub, HUB), token=token)
    assignment(azure, group, object_id)

    assert (before.status, before.code) == (403, "AuthorizationFailed")
    assert azure.ask("GET", at(hub, HUB), token=token).status == 200
    assert azure.ask("GET", at(beside), token=token).status == 403
    path = f"{group}/providers/Microsoft.Authorization/roleAssignments/99999999-2222-4333-8444-555555555555"
    body = {"properties": {"roleDefinitionId": f"/x/{OWNER}", "principalId": object_id}}
    assert azure.ask("PUT", at(path, ROLES_VERSION), body, token=token).status == 403  # a contributor gives no roles


def test_a_new_role_takes_effect_after_the_delay(azure: InProcess) -> None:
    """With the setting set, an assignment counts only after the delay; once deleted, it ends at once."""
    azure.azure.settings = Settings(role_delay_seconds=120)
    group = azure.group()
    object_id, token = somebody(azure)
    path = assignment(azure, group, object_id)
    early = azure.ask("GET", at(group), token=token).status
    azure.azure.clock.advance(121)
    late = azure.ask("GET", at(group), token=token).status
    azure.must("DELETE", at(path, ROLES_VERSION))

    assert (early, late, azure.ask("GET", at(group), token=token).status) == (403, 200, 403)


def test_a_scope_may_come_percent_encoded(azure: InProcess) -> None:
    """As azure-native sends it: the slashes of the scope as %2F."""
    group = azure.group()
    scope = quote(group.strip("/"), safe="")
    path = assignment(azure, f"/{scope}", somebody(azure)[0])
    plain = f"{group}/providers/Microsoft.Authorization/roleAssignments/{path.rpartition('/')[2]}"

    assert azure.must("GET", at(plain, ROLES_VERSION))["properties"]["scope"] == group


def test_role_assignments_answer_as_azure_does(azure: InProcess) -> None:
    """201 for the same again, 409 for another name or a change, 404 for an unknown role, 204 for a missing one; lists can be filtered."""
    group = azure.group()
    object_id, _ = somebody(azure)
    path = assignment(azure, group, object_id)
    again = assignment(azure, group, object_id)
    other = f"{path[:-1]}6"
    same = {"properties": {"roleDefinitionId": f"/x/{CONTRIBUTOR}", "principalId": object_id}}
    refused = {
        "RoleAssignmentExists": azure.ask("PUT", at(other, ROLES_VERSION), same),
        "RoleAssignmentUpdateNotPermitted": azure.ask(
            "PUT", at(path, ROLES_VERSION), {"properties": {**same["properties"], "principalId": "else"}}
        ),
        "RoleDefinitionDoesNotExist": azure.ask(
            "PUT", at(other, ROLES_VERSION), {"properties": {"roleDefinitionId": "/x/none", "principalId": "p"}}
        ),
        "RoleAssignmentNotFound": azure.ask("GET", at(other, ROLES_VERSION)),
    }
    url = at(f"{group}/providers/Microsoft.Authorization/roleAssignments", ROLES_VERSION)
    listed = azure.must("GET", f"{url}&$filter=principalId%20eq%20'{object_id}'")["value"]

    assert path == again
    assert {code: answer.code for code, answer in refused.items()} == {code: code for code in refused}
    assert [each["properties"]["principalId"] for each in listed] == [object_id]
    assert azure.ask("DELETE", at(other, ROLES_VERSION)).status == 204


def test_role_definitions(azure: InProcess) -> None:
    """Found by name, as the az CLI asks, and by id."""
    url = at(f"/subscriptions/{azure.subscription}/providers/Microsoft.Authorization/roleDefinitions", ROLES_VERSION)
    found = azure.must("GET", f"{url}&$filter=roleName%20eq%20'IoT%20Hub%20Data%20Contributor'")["value"]

    assert [each["properties"]["roleName"] for each in found] == ["IoT Hub Data Contributor"]
    assert azure.must("GET", at(found[0]["id"], ROLES_VERSION))["name"] == found[0]["name"]


def test_the_list_of_all_resources(azure: InProcess) -> None:
    """By type, name, group and tag, as the az CLI and the vaults' SDK ask for one resource; another filter is refused."""
    hub, other = azure.hub(), azure.hub(kind="provisioningServices")
    tagged = f"{azure.group()}/providers/Microsoft.KeyVault/vaults/kv-list"
    properties = {"tenantId": azure.azure.tokens.tenant_id, "sku": {"family": "A", "name": "standard"}, "accessPolicies": []}
    azure.must("PUT", at(tagged, "2024-11-01"), {"location": "westus", "tags": {"Line": "Two"}, "properties": properties})

    def found(text: str, where: str = f"/subscriptions/{azure.subscription}") -> list[str]:
        return [each["id"] for each in azure.must("GET", f"{at(f'{where}/resources', '2015-11-01')}&$filter={quote(text)}")["value"]]

    assert sorted(found("")) == sorted([hub, other, tagged])
    assert found("resourceType eq 'microsoft.keyvault/VAULTS' and name eq 'KV-list'") == [tagged]
    assert found("tagName eq 'line' and tagValue eq 'two'") == [tagged]
    assert found(f"resourceGroup eq '{hub.split('/')[4]}'") == found("", hub.partition("/providers")[0]) == [hub]
    other_form = quote("substringof('kv', name)")
    refused = azure.ask("GET", f"{at(f'/subscriptions/{azure.subscription}/resources')}&$filter={other_form}")
    assert refused.code == "InvalidFilterInQueryString"
