"""What hubs, provisioning services and groups can be asked beyond their resources: routes, failover, private links, usage, templates."""

from typing import Any

import pytest

from local_azure_iot.settings import Settings
from tests.local_azure.in_process import GROUPS, InProcess, version
from tests.local_azure.makers import authority, encoded, uploaded

BODY = {"location": "westus", "sku": {"name": "S1", "capacity": 1}}
BUS = "Endpoint=sb://space.servicebus.windows.net/;SharedAccessKeyName=n;SharedAccessKey=c2VjcmV0;EntityPath=e"
JSON = {"contentType": "application/json", "contentEncoding": "UTF-8"}


def at(path: str, operation: str = "") -> str:
    """An operation's URL."""
    return f"{path}{operation}?api-version={version(path)}"


@pytest.fixture(scope="module")
def routed(_one_azure: InProcess) -> tuple[InProcess, str]:
    """A hub with an endpoint and three routes, one of them switched off."""
    _one_azure.reset()
    _one_azure.log_in()
    hub = _one_azure.hub()
    route = {"source": "DeviceMessages", "endpointNames": ["out"], "isEnabled": True}
    routes = [
        {**route, "name": "hot", "condition": "$body.temperature > 50 AND level = 'high'"},
        {**route, "name": "off", "condition": "true", "isEnabled": False},
        {**route, "name": "lifecycle", "source": "DeviceLifecycleEvents"},
    ]
    endpoints = {"eventHubs": [{"name": "out", "connectionString": BUS}]}
    fallback = {"source": "DeviceMessages", "condition": "true", "endpointNames": ["events"], "isEnabled": True}
    routing = {"endpoints": endpoints, "routes": routes, "fallbackRoute": fallback}
    _one_azure.must("PUT", at(hub), {**BODY, "properties": {"routing": routing}})
    return _one_azure, hub


@pytest.mark.parametrize(
    ("source", "body", "properties", "names"),
    [
        (None, '{"temperature": 60}', {"Level": "high"}, ["hot"]),
        ("devicemessages", '{"temperature": 60}', {"level": "low"}, ["$fallback"]),
        ("DeviceMessages", "not JSON", {"level": "high"}, ["$fallback"]),
        ("DeviceLifecycleEvents", "", {}, ["lifecycle"]),
        ("TwinChangeEvents", "", {}, []),
    ],
)
def test_the_routes_that_a_message_takes(
    routed: tuple[InProcess, str], source: str | None, body: str, properties: dict[str, str], names: list[str]
) -> None:
    """Of its source, enabled, with a condition that it meets; without one the fallback route."""
    azure, hub = routed
    message = {"body": body, "appProperties": properties, "systemProperties": JSON}
    asked = {"routingSource": source, "message": message}

    assert [route["properties"]["name"] for route in azure.must("POST", at(hub, "/routing/routes/$testall"), asked)["routes"]] == names


@pytest.mark.parametrize(
    ("condition", "result"),
    [
        (None, "true"),
        ("", "true"),
        ("false", "false"),
        ("$body.list[1].x = 2 AND $BODY.list[0].x <> 2", "true"),
        ("$body.list[7].x = 2", "undefined"),
        ("PLACE = 'here'", "true"),
        ("$contentType = 'application/json'", "true"),
        ("$twin.tags.place = 'here' AND $twin.properties.desired.x = 1", "true"),
        ("nobody = 1", "undefined"),
        ("is_defined(nobody)", "false"),
    ],
)
def test_a_new_route(routed: tuple[InProcess, str], condition: str | None, result: str) -> None:
    """Conditions on the body, on application and system properties whatever their case, and on the twin."""
    azure, hub = routed
    message = {"body": '{"list": [{"x": 1}, {"x": 2}]}', "appProperties": {"place": "here"}, "systemProperties": JSON}
    route = {"name": "new", "source": "DeviceMessages", "endpointNames": ["out"], "isEnabled": True, "condition": condition}
    twin = {"tags": {"place": "here"}, "properties": {"desired": {"x": 1}}}

    asked = {"message": message, "twin": twin, "route": route}
    answer = azure.must("POST", at(hub, "/routing/routes/$testnew"), asked)
    assert answer == {"result": result, "details": {"compilationErrors": []}}


def test_a_condition_that_can_t_be_read(routed: tuple[InProcess, str]) -> None:
    """False, with an error; a request without a route is malformed."""
    azure, hub = routed
    url = at(hub, "/routing/routes/$testnew")
    answer = azure.must("POST", url, {"message": {}, "route": {"name": "new", "condition": "level = = 3"}})

    assert answer["result"] == "false"
    assert [error["severity"] for error in answer["details"]["compilationErrors"]] == ["error"]
    assert azure.ask("POST", url, {"message": {}}).code == "InvalidRequestContent"


def test_the_health_of_endpoints(routed: tuple[InProcess, str]) -> None:
    """Of each custom endpoint, by its id: unknown, as of one that was never used."""
    azure, hub = routed
    (endpoint,) = azure.must("GET", at(hub))["properties"]["routing"]["endpoints"]["eventHubs"]

    health = azure.must("GET", at(hub, "/routingEndpointsHealth"))
    assert health == {"value": [{"endpointId": endpoint["id"], "healthStatus": "unknown"}]}


def test_failover(azure: InProcess) -> None:
    """To the paired region and back; meanwhile the hub is not active; another region is refused."""
    azure.azure.settings = Settings(operation_seconds=60)
    hub = azure.hub()
    azure.azure.clock.advance(61)
    regions = []
    for wanted in ("East US", "westus"):
        answer = azure.ask("POST", at(hub, "/failover"), {"failoverRegion": wanted})
        assert (answer.status, answer.body, "retry-after" in answer.headers) == (202, b"null", True)
        assert {"azure-asyncoperation", "location"} <= set(answer.headers)
        assert azure.ask("POST", at(hub, "/failover"), {"failoverRegion": wanted}).code == 409002
        assert azure.must("GET", at(hub))["properties"]["state"] == "FailingOver"
        azure.azure.clock.advance(61)
        shown = azure.must("GET", at(hub))
        regions.append([each["location"] for each in shown["properties"]["locations"]])
        assert (shown["location"], shown["properties"]["state"]) == ("westus", "Active")

    assert regions == [["East US", "West US"], ["West US", "East US"]]
    assert azure.ask("POST", at(hub, "/failover"), {"failoverRegion": "West Europe"}).code == 400022
    assert azure.ask("POST", at(hub, "/failover"), {}).code == "InvalidRequestContent"


@pytest.mark.parametrize(("kind", "group", "zone"), [
    ("IotHubs", "iotHub", "privatelink.azure-devices.net"),
    ("provisioningServices", "iotDps", "privatelink.azure-devices-provisioning.net"),
])  # fmt: skip
def test_private_links(azure: InProcess, kind: str, group: str, zone: str) -> None:
    """One resource can be linked; there are no connections, and one that does not exist can be deleted."""
    service = azure.hub(kind=kind)
    listed = azure.must("GET", at(service, "/privateLinkResources"))["value"]
    one = azure.must("GET", at(service, f"/privateLinkResources/{group.lower()}"))

    assert listed == [one]
    assert one["properties"] == {"groupId": group, "requiredMembers": [group], "requiredZoneNames": [zone]}
    assert one["id"] == f"{service}/PrivateLinkResources/{group}"
    assert azure.ask("GET", at(service, "/privateLinkResources/other")).status == 404
    assert azure.must("GET", at(service, "/privateEndpointConnections")) == []
    assert [azure.ask(method, at(service, "/privateEndpointConnections/a"), body).status for method, body in (
        ("GET", None), ("PUT", {"properties": {}}), ("DELETE", None)
    )] == [404, 404, 204]  # fmt: skip


def test_usages_and_operations(azure: InProcess) -> None:
    """Free and paid hubs are counted; the provider's actions are those that roles name."""
    group = azure.group()
    azure.must("PUT", at(f"{group}/providers/Microsoft.Devices/IotHubs/free-1"), {**BODY, "sku": {"name": "F1", "capacity": 1}})
    for _ in range(2):
        azure.hub(group)
    provider = "/providers/Microsoft.Devices"
    usages = azure.must("GET", f"/subscriptions/{azure.subscription}{provider}/usages?api-version=2026-11-01")["value"]
    operations = azure.must("GET", f"{provider}/operations?api-version=2023-06-30")["value"]
    names = [each["name"] for each in operations]

    counts = [(each["name"]["value"], each["currentValue"], each["limit"], each["unit"]) for each in usages]
    assert counts == [("FreeHubCount", 1, 1, "count"), ("PaidHubCount", 2, 50, "count")]
    assert {"Microsoft.Devices/IotHubs/write", "Microsoft.Devices/IotHubs/routing/routes/$testall/action"} <= set(names)
    assert len(names) == len(set(names))
    assert azure.ask("GET", f"{provider}/operations?api-version=2023-06-30", token="").status == 401


def test_operation_results_below_a_provisioning_service(azure: InProcess) -> None:
    """The older URL, which SDKs still build, polls the same operation."""
    path = f"{azure.group()}/providers/Microsoft.Devices/provisioningServices/trial"
    operation = azure.ask("PUT", at(path), BODY).headers["azure-asyncoperation"].partition("?")[0].rpartition("/")[2]

    answer = azure.ask("GET", at(path, f"/operationresults/{operation}") + "&asyncinfo")
    assert answer.json() == {"status": "Succeeded"}


def export(azure: InProcess, group: str, *resources: str, options: str = "") -> dict[str, Any]:
    """The template of a group's resources."""
    body = {"resources": list(resources), "options": options}
    template: dict[str, Any] = azure.must("POST", f"{group}/exportTemplate?api-version={GROUPS}", body)["template"]
    return template


def test_the_template_of_a_group(azure: InProcess) -> None:
    """Hubs with their certificates, provisioning services, vaults; what is exported can be PUT again and changes nothing."""
    group = azure.group()
    hub = azure.hub(group)
    name, ca = hub.rpartition("/")[2], authority()
    azure.must("PUT", at(hub, "/certificates/ca"), uploaded(ca.pem))
    azure.hub(group, kind="provisioningServices")
    vault = f"{group}/providers/Microsoft.KeyVault/vaults/vault-1a2b"
    sku = {"family": "A", "name": "standard"}
    tenant = azure.azure.tokens.tenant_id
    properties = {"tenantId": tenant, "sku": sku, "accessPolicies": []}
    azure.must("PUT", f"{vault}?api-version=2024-11-01", {"location": "westus", "properties": properties})
    every = export(azure, group, "*", options="SkipAllParameterization")
    alone = export(azure, group, hub.upper())
    found = {each["type"].partition("/")[2]: each for each in every["resources"]}
    declared = found["IotHubs"]
    before = azure.must("GET", at(hub))["properties"]
    azure.must("PUT", at(hub), {part: declared[part] for part in ("location", "sku", "properties", "identity")})
    after = azure.must("GET", at(hub))["properties"]

    assert sorted(found) == ["IotHubs", "IotHubs/certificates", "provisioningServices", "vaults"]
    assert (declared["name"], every["parameters"], declared["apiVersion"]) == (name, {}, "2023-06-30")
    assert found["IotHubs/certificates"]["name"] == f"{name}/ca"
    assert found["IotHubs/certificates"]["dependsOn"] == [f"[resourceId('Microsoft.Devices/IotHubs', '{name}')]"]
    assert found["IotHubs/certificates"]["properties"] == {"isVerified": False, "certificate": encoded(ca.pem)}
    assert {"hostName", "state", "locations", "provisioningState"}.isdisjoint(declared["properties"])
    before["eventHubEndpoints"]["events"]["partitionIds"] = []  # as after every update that declares the endpoint
    assert after == before
    parameter = f"IotHubs_{name.replace('-', '_')}_name"
    assert alone["parameters"] == {parameter: {"defaultValue": name, "type": "String"}}
    assert [each["name"] for each in alone["resources"]] == [
        f"[parameters('{parameter}')]", f"[concat(parameters('{parameter}'), '/ca')]"
    ]  # fmt: skip
    assert alone["resources"][1]["dependsOn"] == [f"[resourceId('Microsoft.Devices/IotHubs', parameters('{parameter}'))]"]
    missing = {"resources": [f"{hub}x"]}
    assert azure.ask("POST", f"{group}/exportTemplate?api-version={GROUPS}", missing).code == "ResourceNotFound"
