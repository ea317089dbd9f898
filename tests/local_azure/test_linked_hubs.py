"""Provisioning services at ARM: hubs linked by key and by identity, as each api-version has them; network rules and limits."""

from typing import Any

import pytest

from local_azure_iot.login import principals
from local_azure_iot.settings import PRIVATE_ENDPOINT, Settings
from tests.local_azure.in_process import InProcess

BODY: dict[str, Any] = {"location": "westus", "sku": {"name": "S1", "capacity": 1}}
KEY = "HostName=h.azure-devices.net;SharedAccessKeyName=owner;SharedAccessKey=c2VjcmV0"
OLD, NEW, NEWEST = "2023-03-01-preview", "2025-02-01-preview", "2026-11-01"
IDENTITY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/links"
RULE = {"filterName": "everybody", "action": "Reject", "ipMask": "0.0.0.0/0"}
BY_KEY = {"connectionString": KEY, "location": "westus"}


@pytest.fixture
def service(azure: InProcess) -> str:
    """The path of a provisioning service of the test's own."""
    return azure.hub(kind="provisioningServices")


def put(azure: InProcess, path: str, links: list[Any], version: str = NEWEST, **more: Any) -> Any:
    """Link these hubs."""
    return azure.ask("PUT", f"{path}?api-version={version}", {**BODY, "properties": {"iotHubs": links}, **more})


def links(azure: InProcess, path: str, version: str = NEWEST) -> Any:
    """The links as an api-version shows them."""
    return azure.must("GET", f"{path}?api-version={version}")["properties"]["iotHubs"]


def test_a_link_by_key_in_each_version(azure: InProcess, service: str) -> None:
    """Masked, with its name; the newer versions say how the service signs in, and the host."""
    assert put(azure, service, [{**BY_KEY, "allocationWeight": 3, "applyAllocationPolicy": False}], OLD).status == 201
    old = {"name": "h.azure-devices.net", "connectionString": KEY.replace("c2VjcmV0", "****"), "location": "westus"}
    old |= {"allocationWeight": 3, "applyAllocationPolicy": False}
    assert links(azure, service, OLD) == [old]
    assert links(azure, service, NEW) == [{**old, "authenticationType": "KeyBased"}]
    assert links(azure, service) == [{**old, "authenticationType": "KeyBased", "hostName": "h.azure-devices.net"}]


@pytest.mark.parametrize("version", [OLD, NEW, NEWEST])
def test_what_a_version_shows_can_be_sent_back(azure: InProcess, service: str, version: str) -> None:
    """The key stays, whatever is added beside it; a new key takes its place."""
    put(azure, service, [BY_KEY], version)
    other = {"connectionString": KEY.replace("h.azure", "other.azure").replace("owner", "second"), "location": "westus"}
    assert put(azure, service, [other, *links(azure, service, version)], version).status == 201
    stored = {each["name"]: each["connectionString"] for each in azure.azure.store.list("provisioning-service")[0]["hubs"]}
    assert stored == {"h.azure-devices.net": KEY, "other.azure-devices.net": other["connectionString"]}
    put(azure, service, [{**BY_KEY, "connectionString": KEY.replace("c2VjcmV0", "bmV3")}], version)
    (only,) = azure.azure.store.list("provisioning-service")[0]["hubs"]
    assert only["connectionString"].endswith("SharedAccessKey=bmV3")


def test_links_by_identity(azure: InProcess, service: str) -> None:
    """By the service's own identity and by one that is assigned to it; an older version shows them without a key."""
    identity = {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {IDENTITY: {}}}
    own = {"hostName": "h.azure-devices.net", "authenticationType": "SystemAssigned", "location": "westus"}
    assigned = {
        "hostName": "two.azure-devices.net",
        "authenticationType": "UserAssigned",
        "selectedUserAssignedIdentityResourceId": IDENTITY,
        "location": "westus",
    }
    assert put(azure, service, [own, assigned], identity=identity).status == 201
    assert links(azure, service) == [{**own, "name": own["hostName"]}, {**assigned, "name": assigned["hostName"]}]
    assert links(azure, service, OLD) == [{"name": one["hostName"], "location": "westus"} for one in (own, assigned)]
    shown = azure.must("GET", f"{service}?api-version={NEWEST}")["identity"]
    assert shown["principalId"]
    assert set(shown["userAssignedIdentities"][IDENTITY]) == {"clientId", "principalId"}
    assert put(azure, service, [own], identity=identity).status == 201
    again = azure.must("GET", f"{service}?api-version={NEWEST}")["identity"]
    assert again == shown, "an identity stays the same one"


WRONG = {
    "no host": ([{"location": "westus"}], "connectionString or hostName, and location, are required"),
    "no location": ([{"connectionString": KEY}], "location, are required"),
    "no key": ([{**BY_KEY, "connectionString": "HostName=h.azure-devices.net"}], "SharedAccessKeyName and SharedAccessKey of"),
    "no hub's name": ([{**BY_KEY, "connectionString": KEY.replace("h.azure-devices.net", "h.example.com")}], "not the host name of a hub"),
    "masked, and new": ([{**BY_KEY, "connectionString": KEY.replace("c2VjcmV0", "****")}], "is masked, and no link to it has one"),
    "twice": ([BY_KEY, {**BY_KEY, "connectionString": KEY.replace("HostName=h", "HostName=H")}], "is linked twice"),
    "weight": ([{**BY_KEY, "allocationWeight": -1}], "is negative"),
    "another way": ([{**BY_KEY, "authenticationType": "Password"}], "none of KeyBased, SystemAssigned and UserAssigned"),
    "no identity": ([{"hostName": "h.azure-devices.net", "location": "westus"}], "the service has none"),
    "no such identity": (
        [{"hostName": "h.azure-devices.net", "location": "westus", "authenticationType": "UserAssigned"}],
        "which the service does not have",
    ),
    "too many": ([BY_KEY] * 51, "there are 51 of them, and at most 50 are allowed"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_link_that_can_not_be(azure: InProcess, service: str, case: str) -> None:
    """400 with the reason, and nothing is changed."""
    wrong, words = WRONG[case]
    refused = put(azure, service, wrong)
    assert (refused.status, refused.code) == (400, 400018), refused.body
    assert words in refused.json()["message"]
    assert links(azure, service) == []


def test_an_older_version_knows_keys_only(azure: InProcess, service: str) -> None:
    """A link without a key is none there, whatever else it says."""
    by_identity = {"hostName": "h.azure-devices.net", "location": "westus", "authenticationType": "SystemAssigned"}
    refused = put(azure, service, [by_identity], OLD, identity={"type": "SystemAssigned"})
    assert (refused.status, refused.code) == (400, 400018)


def test_network_rules_and_their_targets(azure: InProcess, service: str) -> None:
    """A rule keeps a client out of the API that it is for; a private service admits nobody from outside."""
    azure.azure.settings = Settings(role_checks=False, client_address="203.0.113.7")
    deployer = principals.find(azure.azure.store, principals.directory(azure.azure.store).client_id)
    assert deployer
    token = azure.azure.tokens.issue(deployer, "https://azure-devices-provisioning.net")
    path, host = "/enrollmentGroups/nobody?api-version=2021-10-01", f"{service.rpartition('/')[2]}.azure-devices-provisioning.net"

    def status(**properties: Any) -> int:
        """Of a query, once the service has these properties."""
        azure.must("PUT", f"{service}?api-version={NEWEST}", {**BODY, "properties": properties})
        return azure.ask("GET", path, host=host, token=token).status

    scope = azure.must("GET", f"{service}?api-version={NEWEST}")["properties"]["idScope"]

    def reason() -> str:
        """Why a device without a certificate is not registered."""
        register = f"/{scope}/registrations/press/register?api-version=2021-06-01"
        assert azure.ask("PUT", register, {}, host="global.azure-devices-provisioning.net", token="").status == 401
        return str(azure.azure.registrations.entries[-1])

    assert status() == 404, "it is asked"
    for target, of_service in ((None, 401), ("all", 401), ("serviceApi", 401), ("deviceApi", 404)):
        assert status(ipFilterRules=[RULE | ({"target": target} if target else {})]) == of_service, target
        assert ("network settings" in reason()) is (target != "serviceApi"), target
    assert status(publicNetworkAccess="Disabled") == 401
    assert "network settings" in reason()
    azure.azure.settings = Settings(role_checks=False, client_address=PRIVATE_ENDPOINT)
    assert status(publicNetworkAccess="Disabled") == 404
    assert "network settings" not in reason()


@pytest.mark.parametrize("wrong", [{"target": "none"}, {"ipMask": "x"}, {"action": "Maybe"}, {"filterName": ""}], ids=str)
def test_a_network_rule_that_can_not_be(azure: InProcess, service: str, wrong: dict[str, str]) -> None:
    """400, as a hub's."""
    body = {**BODY, "properties": {"ipFilterRules": [{**RULE, **wrong}]}}
    refused = azure.ask("PUT", f"{service}?api-version={NEWEST}", body)
    assert (refused.status, refused.code) == (400, 400059)


def test_how_many_services_a_subscription_may_have(azure: InProcess) -> None:
    """The setting's number; one that is there may be changed, and one that is deleted makes room."""
    azure.azure.settings = Settings(provisioning_services=2)
    group = azure.group()
    first, _ = (azure.hub(group, kind="provisioningServices", name=name) for name in ("limit-one", "limit-two"))
    third = first.replace("limit-one", "limit-three")
    refused = azure.ask("PUT", f"{third}?api-version={NEWEST}", BODY)
    assert refused.status == 400
    assert "maximum number of Provisioning Services (2)" in refused.json()["message"]
    assert azure.ask("PUT", f"{first}?api-version={NEWEST}", BODY).status == 201
    azure.ask("DELETE", f"{first}?api-version={NEWEST}")
    assert azure.ask("PUT", f"{third}?api-version={NEWEST}", BODY).status == 201


@pytest.mark.parametrize("capacity", [0, 201])
def test_a_capacity_that_can_not_be(azure: InProcess, service: str, capacity: int) -> None:
    """1 to 200 units."""
    refused = azure.ask("PUT", f"{service}?api-version={NEWEST}", {**BODY, "sku": {"name": "S1", "capacity": capacity}})
    assert (refused.status, refused.code) == (400, 400013)
