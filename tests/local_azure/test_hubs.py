"""Hubs and provisioning services at ARM: creation, change, deletion, and what the answers contain."""

import base64
import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from local_azure_iot.settings import Settings
from tests.local_azure.in_process import InProcess, version

KINDS = ("IotHubs", "provisioningServices")
BODY = {"location": "westus", "sku": {"name": "S1", "capacity": 1}, "properties": {}}
ROUTE = {"name": "r", "source": "DeviceMessages", "endpointNames": ["events"], "isEnabled": True}
DAY = 86_400


def at(path: str) -> str:
    """The path with the api-version of its resource type."""
    return f"{path}?api-version={version(path)}"


def relative(url: str) -> str:
    """A link's path and query."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


@pytest.mark.parametrize("kind", KINDS)
def test_the_states_of_a_hub(azure: InProcess, kind: str) -> None:
    """201 with Azure-AsyncOperation alone; Activating, Active, Transitioning, Active, Deleting, gone; a new etag at each step."""
    azure.azure.settings = Settings(operation_seconds=60)
    path = f"{azure.group()}/providers/Microsoft.Devices/{kind}/trial"
    seen = []
    for method, body in (("PUT", BODY), ("PUT", BODY), ("DELETE", None)):
        answer = azure.ask(method, at(path), body)
        operation = relative(answer.headers["azure-asyncoperation"])
        seen.append((answer.status, "location" in answer.headers, answer.headers.get("retry-after")))
        assert azure.ask("GET", operation).body == b'{"status":"Running"}'
        during = azure.must("GET", at(path))
        azure.azure.clock.advance(61)
        assert azure.ask("GET", operation).body == b'{"status":"Succeeded"}'
        after = azure.ask("GET", at(path))
        seen.append((during["properties"]["state"], after.json().get("properties", {}).get("state")))
        assert after.status == 404 or after.json()["etag"] != during["etag"]

    assert seen[0::2] == [(201, False, None), (201, False, None), (202, True, "15")]
    assert seen[1::2] == [("Activating", "Active"), ("Transitioning", "Active"), ("Deleting", None)]


@pytest.mark.parametrize("kind", KINDS)
def test_deletion_ends_at_its_location_too(azure: InProcess, kind: str) -> None:
    """The body is the four bytes `null`; Location answers 202 until it is done, then an empty 200; the name is free at once."""
    path = azure.hub(kind=kind)
    azure.azure.settings = Settings(operation_seconds=60)
    deleted = azure.ask("DELETE", at(path))
    location = relative(deleted.headers["location"])
    waiting = azure.ask("GET", location)
    azure.azure.clock.advance(61)
    done = azure.ask("GET", location)

    assert (deleted.status, deleted.body) == (202, b"null")
    assert (waiting.status, waiting.headers["retry-after"]) == (202, "15")
    assert (done.status, done.body) == (200, b"")
    assert azure.ask("DELETE", at(path)).status == 204
    assert azure.ask("PUT", at(path), BODY).status == 201


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("kind", KINDS)
def test_one_change_at_a_time(azure: InProcess, kind: str, method: str) -> None:
    """A resource that is being changed is busy: 409, code 409002."""
    path = azure.hub(kind=kind)
    azure.azure.settings = Settings(operation_seconds=60)
    azure.must("PUT", at(path), BODY)
    busy = azure.ask(method, at(path), None if method == "DELETE" else BODY)

    assert (busy.status, busy.code) == (409, 409002)


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_is_taken_in_the_whole_cloud(azure: InProcess, kind: str) -> None:
    """From the moment of the PUT: the name check says so in Azure's words, and another group can't have it. Other clouds can."""
    check = "checkNameAvailability" if kind == "IotHubs" else "checkProvisioningServiceNameAvailability"
    url = f"/subscriptions/{azure.subscription}/providers/Microsoft.Devices/{check}?api-version={version(f'/{kind}/')}"
    free = azure.must("POST", url, {"name": "Taken-1"})
    azure.hub(kind=kind, name="taken-1")
    taken = azure.must("POST", url, {"name": "Taken-1"})
    second = azure.ask("PUT", at(f"{azure.group()}/providers/Microsoft.Devices/{kind}/TAKEN-1"), BODY)

    assert free == {"nameAvailable": True, "reason": "Invalid", "message": None}
    assert (taken["nameAvailable"], taken["reason"]) == (False, "AlreadyExists")
    assert taken["message"].endswith("name 'Taken-1' is not available")
    assert (second.status, second.code) == (409, 409001)


def test_a_hub_s_own_etag(azure: InProcess) -> None:
    """Compared only if it is sent: a stale one gives the hub's 412; without one an update is accepted."""
    hub = azure.hub()
    etag = azure.must("GET", at(hub))["etag"]
    stale = azure.ask("PUT", at(hub), BODY, if_match="AAAAAAAAAAA=")
    right = azure.ask("PUT", at(hub), BODY, if_match=etag)

    assert (stale.status, stale.code) == (412, 412001)
    assert stale.json()["message"].startswith("Either bad ETag was supplied or IotHub description was changed.")
    assert (right.status, right.json()["etag"]) == (201, etag)
    assert azure.ask("PUT", at(hub), BODY).status == 201
    assert int.from_bytes(base64.b64decode(azure.must("GET", at(hub))["etag"])) > int.from_bytes(base64.b64decode(etag))


def test_the_tls_minimum_can_change(azure: InProcess) -> None:
    """As recorded, whatever the documentation says; a body without it keeps it."""
    hub = f"{azure.group()}/providers/Microsoft.Devices/IotHubs/chosen-1"
    seen = []
    for properties in ({}, {"minTlsVersion": "1.2"}, {"comments": "kept"}, {"minTlsVersion": "1.0"}):
        azure.must("PUT", at(hub), {**BODY, "properties": properties})
        seen.append(azure.must("GET", at(hub))["properties"].get("minTlsVersion"))

    assert seen == [None, "1.2", "1.2", "1.0"]


def test_what_a_hub_shows(azure: InProcess) -> None:
    """Its host name, its built-in endpoint, the region by its display name, secrets redacted, other members as they were sent."""
    group = azure.group()
    storage = {
        "$default": {
            "sasTtlAsIso8601": "PT1H",
            "connectionString": "DefaultEndpointsProtocol=https;AccountKey=c2VjcmV0;",
            "containerName": "c",
        }
    }
    sent = {"minTlsVersion": "1.2", "disableLocalAuth": True, "storageEndpoints": storage}
    body = {**BODY, "location": "West US", "tags": {"a": "b"}, "properties": sent}
    azure.must("PUT", at(f"{group}/providers/Microsoft.Devices/IotHubs/Plant-A"), body)
    hub = azure.must("GET", at(f"{group}/providers/Microsoft.Devices/IotHubs/plant-a"))
    properties = hub["properties"]

    assert (hub["name"], hub["location"], hub["tags"], hub["sku"]["tier"]) == ("Plant-A", "West US", {"a": "b"}, "Standard")
    assert (properties["hostName"], properties["minTlsVersion"], properties["disableLocalAuth"]) == (
        "Plant-A.azure-devices.net",
        "1.2",
        True,
    )
    assert properties["locations"][0] == {"location": "West US", "role": "primary"}
    assert properties["eventHubEndpoints"]["events"]["endpoint"].startswith("sb://iothub-ns-plant-a-")
    assert "c2VjcmV0" not in str(hub)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sku": {"name": "X9", "capacity": 1}}, 400012),
        ({"sku": {"name": "F1", "capacity": 2}}, 400013),
        ({"sku": {"name": "F1", "capacity": 1}, "properties": {"eventHubEndpoints": {"events": {"partitionCount": 4}}}}, 400016),
        ({"properties": {"minTlsVersion": "2.5"}}, 400089),
        ({"properties": {"enableDataResidency": True}}, 400059),
        ({"properties": {"authorizationPolicies": [{"keyName": "p", "rights": "ServiceConnect, Everything"}]}}, 400059),
        ({"properties": {"authorizationPolicies": [{"keyName": "p", "rights": "ServiceConnect", "primaryKey": "no key"}]}}, 400059),
        ({"properties": {"authorizationPolicies": [{"keyName": name, "rights": "ServiceConnect"} for name in ("p", "P")]}}, 400059),
        ({"properties": {"routing": {"routes": [{**ROUTE, "source": "Elsewhere"}]}}}, 400059),
        ({"properties": {"routing": {"routes": [ROUTE, {**ROUTE, "name": "R"}]}}}, 400059),
        ({"properties": {"routing": {"routes": [{**ROUTE, "endpointNames": []}]}}}, 400059),
        ({"properties": {"routing": {"endpoints": {"eventHubs": [{"name": "e"}], "serviceBusQueues": [{"name": "E"}]}}}}, 400059),
        ({"properties": {"cloudToDevice": {"maxDeliveryCount": 0}}}, 400059),
        ({"properties": {"cloudToDevice": {"defaultTtlAsIso8601": "an hour"}}}, 400059),
        ({"properties": {"cloudToDevice": {"feedback": {"lockDurationAsIso8601": "PT6M"}}}}, 400059),
        ({"properties": {"messagingEndpoints": {"fileNotifications": {"ttlAsIso8601": "P3D"}}}}, 400059),
        ({"properties": {"storageEndpoints": {"$default": {"sasTtlAsIso8601": "PT1S"}}}}, 400059),
        ({"properties": {"eventHubEndpoints": {"events": {"retentionTimeInDays": 8}}}}, 400059),
        ({"properties": {"cloudToDevice": {"maxDeliveryCount": "ten"}}}, "InvalidRequestContent"),
        ({"properties": {"messagingEndpoints": {"fileNotifications": {"ttlAsIso8601": 60}}}}, "InvalidRequestContent"),
        ({"properties": {"routing": {"enrichments": [{"key": "k", "endpointNames": ["nowhere"]}]}}}, 400131),
        ({"location": "atlantis"}, "LocationNotAvailableForResourceType"),
        ({"location": ""}, "LocationRequired"),
    ],
)
def test_values_out_of_range(azure: InProcess, change: dict[str, object], code: object) -> None:
    """Refused with Azure's code, and nothing is created."""
    path = f"{azure.group()}/providers/Microsoft.Devices/IotHubs/trial"
    answer = azure.ask("PUT", at(path), {**BODY, **change})

    assert (answer.status, answer.code) == (400, code)
    assert azure.ask("GET", at(path)).status == 404


@pytest.mark.parametrize(("kind", "name"), [("IotHubs", name) for name in ("ab", "a" * 51, "ends-", "has_underscore", "dot.ted")] + [
    ("provisioningServices", name) for name in ("ab", "-begins", "ends-", "global", "Global", "a" * 51)
])  # fmt: skip
def test_names_outside_azure_s_rules(azure: InProcess, kind: str, name: str) -> None:
    """400, in the provider's envelope, and the name check says why the name can't be had."""
    answer = azure.ask("PUT", at(f"{azure.group()}/providers/Microsoft.Devices/{kind}/{name}"), BODY)

    assert (answer.status, answer.code) == (400, 400306 if kind == "IotHubs" else 400305)
    check = "checkNameAvailability" if kind == "IotHubs" else "checkProvisioningServiceNameAvailability"
    url = f"/subscriptions/{azure.subscription}/providers/Microsoft.Devices/{check}?api-version={version(f'/{kind}/')}"
    found = azure.must("POST", url, {"name": name})
    assert (found["nameAvailable"], found["reason"], "Should be 3 to 50 chars long." in found["message"]) == (False, "Invalid", True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_region_can_t_change(azure: InProcess, kind: str) -> None:
    """A PUT from another region is refused by ARM."""
    path = azure.hub(kind=kind)
    answer = azure.ask("PUT", at(path), {**BODY, "location": "eastus"})

    assert (answer.status, answer.code) == (409, "InvalidResourceLocation")


@pytest.mark.parametrize("kind", KINDS)
def test_tags_and_lists(azure: InProcess, kind: str) -> None:
    """PATCH changes only tags; both lists show it; the other group's list does not."""
    path = azure.hub(kind=kind)
    other = azure.group()
    patched = azure.must("PATCH", at(path), {"tags": {"who": "us"}})
    lists = [
        azure.must("GET", at(f"{scope}/providers/Microsoft.Devices/{kind}").replace("2021-04-01", version(f"/{kind}/")))["value"]
        for scope in (path.partition("/providers/")[0], f"/subscriptions/{azure.subscription}", other)
    ]

    assert patched["tags"] == {"who": "us"}
    assert [[each["tags"] for each in found] for found in lists] == [[{"who": "us"}], [{"who": "us"}], []]


def test_shared_access_policies(azure: InProcess) -> None:
    """Five on a hub, one on a service, with Azure's rights. A PUT without keys keeps both; one that has one makes the other."""
    hub, dps = azure.hub(), azure.hub(kind="provisioningServices")
    policies = azure.must("POST", at(f"{hub}/listkeys"))["value"]
    owner = azure.must("POST", at(f"{dps}/listkeys"))["value"]
    one = azure.must("POST", at(f"{hub}/IotHubKeys/SERVICE/listkeys"))
    kept = [
        {"keyName": "iothubowner", "rights": "RegistryWrite, ServiceConnect, DeviceConnect"},
        {"keyName": "mine", "rights": "serviceconnect,  DEVICECONNECT"},
    ]
    azure.must("PUT", at(hub), {**BODY, "properties": {"authorizationPolicies": kept}})
    after = azure.must("POST", at(f"{hub}/listkeys"))["value"]
    one_key = {name: value for name, value in after[1].items() if name != "primaryKey"}  # as `az iot hub policy renew-key` sends it
    azure.must("PUT", at(hub), {**BODY, "properties": {"authorizationPolicies": [after[0], one_key]}})
    renewed = azure.must("POST", at(f"{hub}/listkeys"))["value"]
    missing = azure.ask("POST", at(f"{dps}/keys/nobody/listkeys"))

    assert (renewed[0], renewed[1]["secondaryKey"]) == (after[0], after[1]["secondaryKey"])
    assert renewed[1]["primaryKey"] not in {None, after[1]["primaryKey"]}
    assert [policy["keyName"] for policy in policies] == ["iothubowner", "service", "device", "registryRead", "registryReadWrite"]
    assert [policy["rights"] for policy in owner] == ["ServiceConfig, EnrollmentWrite, DeviceConnect"]
    assert one == policies[1]
    assert (after[0], [policy["keyName"] for policy in after]) == (policies[0], ["iothubowner", "mine"])
    assert after[1]["rights"] == "ServiceConnect, DeviceConnect"
    assert (missing.status, missing.code) == (404, 404001)


def test_linked_hubs_keep_their_key(azure: InProcess) -> None:
    """A linked hub comes back named and masked, and sending the masked string again keeps the key that was given."""
    dps = azure.hub(kind="provisioningServices")
    secret = "HostName=h.azure-devices.net;SharedAccessKeyName=owner;SharedAccessKey=c2VjcmV0"
    azure.must("PUT", at(dps), {**BODY, "properties": {"iotHubs": [{"connectionString": secret, "location": "westus"}]}})
    shown = azure.must("GET", at(dps))["properties"]["iotHubs"]
    azure.must("PUT", at(dps), {**BODY, "properties": {"iotHubs": shown}})
    document = azure.azure.store.list("provisioning-service")[0]

    assert shown[0]["name"] == "h.azure-devices.net"
    assert shown[0]["connectionString"].endswith("SharedAccessKey=****")
    assert document["hubs"][0]["connectionString"] == secret


def test_what_belongs_to_a_hub(azure: InProcess) -> None:
    """Skus, quotas, statistics, jobs and consumer groups answer; a consumer group is created, found in any case, and deleted."""
    hub = azure.hub()
    group = f"{hub}/eventHubEndpoints/events/ConsumerGroups"
    created = azure.must("PUT", at(f"{group}/cg1"), {"properties": {"name": "cg1"}})
    found = azure.must("GET", at(f"{group.lower().replace(hub.lower(), hub)}/CG1"))
    names = [each["name"] for each in azure.must("GET", at(group))["value"]]
    azure.must("DELETE", at(f"{group}/cg1"))

    quotas = {each["name"]: each["maxValue"] for each in azure.must("GET", at(f"{hub}/quotaMetrics"))["value"]}
    default = azure.must("GET", at(group))["value"][0]

    assert quotas == {"TotalMessages": 400_000, "TotalDeviceCount": 1_000_000}
    assert (default["id"].rpartition("/")[2], azure.must("GET", at(f"{group}/%24Default"))["id"]) == ("%24Default", default["id"])
    assert {"F1"}.isdisjoint(sku["sku"]["name"] for sku in azure.must("GET", at(f"{hub}/skus"))["value"])
    assert azure.must("GET", at(f"{hub}/IotHubStats"))["totalDeviceCount"] == 0
    assert azure.ask("GET", at(f"{hub}/jobs/fake-job")).code == 404011
    assert created["properties"]["properties"] == {"name": "cg1"}
    assert (found["id"], names) == (created["id"], ["$Default", "cg1"])
    assert azure.ask("GET", at(f"{group}/cg1")).status == 404
    azure.must("PUT", at(f"{group}/$default"), {"properties": {"name": "$default"}})
    assert azure.ask("DELETE", at(f"{group}/%24Default")).status == 400
    assert [each["name"] for each in azure.must("GET", at(group))["value"]] == ["$Default"]
    assert azure.ask("GET", at(group.replace("/events/", "/others/"))).code == 404010


def test_an_unregistered_provider(azure: InProcess) -> None:
    """A subscription that has not registered Microsoft.Devices gets ARM's error; after registering, it works at once."""
    group = azure.group()
    provider = f"/subscriptions/{azure.subscription}/providers/Microsoft.Devices"
    azure.must("POST", f"{provider}/unregister?api-version=2021-04-01")
    refused = azure.ask("PUT", at(f"{group}/providers/Microsoft.Devices/IotHubs/trial"), BODY)
    azure.must("POST", f"{provider}/register?api-version=2021-04-01")

    assert (refused.status, refused.code) == (409, "MissingSubscriptionRegistration")
    assert azure.ask("PUT", at(f"{group}/providers/Microsoft.Devices/IotHubs/trial"), BODY).status == 201


def test_each_cloud_is_separate(azure: InProcess) -> None:
    """A hub created at the US government's ARM has that cloud's host name and is not in the public cloud."""
    host = "management.usgovcloudapi.net"
    principal = azure.azure.store.list("principal")[0]["client_id"]
    from local_azure_iot.login import principals

    deployer = principals.find(azure.azure.store, principal)
    assert deployer
    token = azure.azure.tokens.issue(deployer, f"https://{host}")
    group = f"/subscriptions/{azure.subscription}/resourceGroups/gov"
    path = f"{group}/providers/Microsoft.Devices/IotHubs/trial"
    azure.ask("PUT", at(group), {"location": "usgovvirginia"}, host=host, token=token)
    azure.ask("PUT", at(path), {**BODY, "location": "usgovvirginia"}, host=host, token=token)

    assert azure.ask("GET", at(path), host=host, token=token).json()["properties"]["hostName"] == "trial.azure-devices.us"
    assert azure.ask("GET", at(path)).status == 404


def test_network_settings_are_checked(azure: InProcess) -> None:
    """Unknown values, invalid masks, names that are invalid or there twice, too many rules: 400059, and the hub stays as it is."""
    path = azure.hub()

    def rules(*masks: object, name: str = "rule-{}", action: str = "Allow", **more: object) -> dict[str, object]:
        listed = [{"filterName": name.format(number), "action": action, "ipMask": mask} for number, mask in enumerate(masks)]
        return {"networkRuleSets": {"defaultAction": "Deny", "applyToBuiltInEventHubEndpoint": True, "ipRules": listed, **more}}

    valid = rules("10.0.0.0/8", "131.107.160.200", "6.6.6.6/6")
    assert azure.must("PUT", at(path), BODY | {"properties": valid})["properties"]["networkRuleSets"] == valid["networkRuleSets"]
    classic = {"filterName": "a", "action": "Accept", "ipMask": "10.0.0.0/8"}
    for properties in (
        {"publicNetworkAccess": "disabled please"},
        {"publicNetworkAccess": ""},
        *(rules(mask) for mask in ("10.0.0.0/33", "10.0.0", "::/0", "", "10.0.0.0/8 ", None)),
        rules("10.0.0.0/8", "11.0.0.0/8", name="Same"),
        rules("10.0.0.0/8", name="a/b"),
        rules("10.0.0.0/8", name=""),
        rules("10.0.0.0/8", name="x" * 129),
        rules("10.0.0.0/8", action="Deny"),
        rules("10.0.0.0/8", defaultAction="Refuse"),
        rules(applyToBuiltInEventHubEndpoint=None),
        {"networkRuleSets": {"applyToBuiltInEventHubEndpoint": False}},
        rules(*["10.0.0.0/8"] * 101),
        {"ipFilterRules": [classic, classic | {"filterName": "A"}]},
        {"ipFilterRules": [classic | {"action": "Allow"}]},
        {"ipFilterRules": [{**classic, "filterName": str(number)} for number in range(11)]},
    ):
        answer = azure.ask("PUT", at(path), BODY | {"properties": properties})
        assert (answer.status, answer.code) == (400, 400059), properties
    for wrong_type in ({"publicNetworkAccess": True}, {"networkRuleSets": []}, rules(7), {"ipFilterRules": {}}):
        assert azure.ask("PUT", at(path), BODY | {"properties": wrong_type}).status == 400, wrong_type
    assert azure.must("GET", at(path))["properties"]["networkRuleSets"] == valid["networkRuleSets"]


def shown(azure: InProcess, hub: str, version_: str = "") -> dict[str, Any]:
    """A hub's properties as GET returns them."""
    url = f"{hub}?api-version={version_}" if version_ else at(hub)
    properties: dict[str, Any] = azure.must("GET", url)["properties"]
    return properties


FEEDBACK = {"lockDurationAsIso8601": "PT1M", "ttlAsIso8601": "PT1H", "maxDeliveryCount": 10}


def test_what_azure_fills_in(azure: InProcess) -> None:
    """An empty map stays empty; what is left out or null has Azure's defaults; an object gets the members that it lacks."""
    hub = azure.hub()
    left_out = shown(azure, hub)
    empty: dict[str, Any] = {"storageEndpoints": {}, "messagingEndpoints": {}, "cloudToDevice": {}, "routing": {}}
    azure.must("PUT", at(hub), {**BODY, "properties": empty})
    emptied = shown(azure, hub)
    azure.must("PUT", at(hub), {**BODY, "properties": dict.fromkeys(empty)})
    nulls = shown(azure, hub)
    part = {
        "storageEndpoints": {"$default": {"connectionString": "AccountKey=a", "containerName": "c"}},
        "messagingEndpoints": {"fileNotifications": {"ttlAsIso8601": "PT2H", "lockDurationAsIso8601": None}},
        "cloudToDevice": {"maxDeliveryCount": 3, "feedback": {"maxDeliveryCount": 4}},
        "routing": {"fallbackRoute": {"source": "DeviceMessages", "endpointNames": ["events"], "isEnabled": False}},
    }
    azure.must("PUT", at(hub), {**BODY, "properties": part})
    parts = shown(azure, hub)
    queue = {"maxDeliveryCount": 10, "defaultTtlAsIso8601": "PT1H", "feedback": FEEDBACK}

    for each in (left_out, nulls):
        assert each["storageEndpoints"] == {"$default": {"sasTtlAsIso8601": "PT1H", "connectionString": "", "containerName": ""}}
        assert (each["messagingEndpoints"], each["cloudToDevice"]) == ({"fileNotifications": FEEDBACK}, queue)
        assert each["routing"]["fallbackRoute"]["isEnabled"] is True
    assert (emptied["storageEndpoints"], emptied["messagingEndpoints"], emptied["cloudToDevice"]) == ({}, {}, queue)
    assert "fallbackRoute" not in emptied["routing"]
    assert parts["storageEndpoints"]["$default"]["sasTtlAsIso8601"] == "PT1H"
    assert parts["messagingEndpoints"] == {"fileNotifications": {**FEEDBACK, "ttlAsIso8601": "PT2H"}}
    assert parts["cloudToDevice"] == {**queue, "maxDeliveryCount": 3, "feedback": {**FEEDBACK, "maxDeliveryCount": 4}}
    assert parts["routing"]["fallbackRoute"]["isEnabled"] is False
    assert all("enableDataResidency" not in each and "minTlsVersion" not in each for each in (left_out, emptied, nulls, parts))


def test_partition_ids(azure: InProcess) -> None:
    """As recorded: a new hub has them, and an update that declares its endpoint anew, as the az CLI does, leaves none; in lists too."""
    hub = azure.hub()
    subscription_list = f"/subscriptions/{azure.subscription}/providers/Microsoft.Devices/IotHubs?api-version=2023-06-30-preview"

    def ids() -> list[Any]:
        listed = azure.must("GET", subscription_list)["value"][0]["properties"]
        return [each["eventHubEndpoints"]["events"]["partitionIds"] for each in (shown(azure, hub), listed)]

    assert ids() == [["0", "1", "2", "3"]] * 2
    azure.must("PUT", at(hub), {**BODY, "properties": {"comments": "nothing of its endpoint"}})
    assert ids() == [["0", "1", "2", "3"]] * 2
    azure.must("PUT", at(hub), {**BODY, "properties": {"eventHubEndpoints": {"events": {"retentionTimeInDays": 2, "partitionCount": 4}}}})
    assert ids() == [[], []]


def test_the_root_certificate(azure: InProcess) -> None:
    """In the api-versions whose specification has it; the time moves when the setting changes."""
    hub = azure.hub()
    versions = ("2021-07-02", "2022-04-30-preview", "2023-06-30", "2023-06-30-preview", "2026-11-01")
    has = ["rootCertificate" in shown(azure, hub, each) for each in versions]
    first = shown(azure, hub, "2023-06-30-preview")["rootCertificate"]
    azure.azure.clock.advance(60)
    azure.must("PUT", at(hub), BODY)
    same = shown(azure, hub, "2023-06-30-preview")["rootCertificate"]
    azure.must("PUT", at(hub), {**BODY, "properties": {"rootCertificate": {"enableRootCertificateV2": False}}})
    changed = shown(azure, hub, "2023-06-30-preview")["rootCertificate"]

    assert has == [False, True, False, True, True]
    assert first["enableRootCertificateV2"] is True
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", first["lastUpdatedTimeUtc"])
    assert same == first
    assert changed["enableRootCertificateV2"] is False
    assert changed["lastUpdatedTimeUtc"] > first["lastUpdatedTimeUtc"]


BUS = "Endpoint=sb://space.servicebus.windows.net{0};SharedAccessKeyName=n;SharedAccessKey={1};EntityPath=e"
STORE = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={0};EndpointSuffix=core.windows.net"


@pytest.mark.parametrize("kind", ["serviceBusQueues", "serviceBusTopics", "eventHubs"])
@pytest.mark.parametrize("sent", ["", "/", ":5671/"])
def test_the_connection_strings_of_endpoints(azure: InProcess, kind: str, sent: str) -> None:
    """They come back with Service Bus's port and without the key; what comes back is accepted, and keeps key and id."""
    hub = azure.hub()
    endpoint = {"name": "out", "connectionString": BUS.format(sent, "c2VjcmV0"), "subscriptionId": "s", "resourceGroup": "g"}
    store = {"name": "store", "connectionString": STORE.format("c3RvcmU="), "containerName": "c"}
    file = {"$default": {"connectionString": STORE.format("ZmlsZQ=="), "containerName": "c"}}
    routes = [{"name": "r", "source": "DeviceMessages", "endpointNames": ["OUT"], "isEnabled": True}]
    routing = {"endpoints": {kind: [endpoint], "storageContainers": [store]}, "routes": routes}
    azure.must("PUT", at(hub), {**BODY, "properties": {"routing": routing, "storageEndpoints": file}})
    first = shown(azure, hub)
    azure.must("PUT", at(hub), {**BODY, "properties": {name: first[name] for name in ("routing", "storageEndpoints")}})
    document = azure.azure.store.list("hub")[0]["properties"]
    found = first["routing"]["endpoints"]

    assert found[kind][0] == {**endpoint, "id": found[kind][0]["id"], "connectionString": BUS.format(":5671/", "****")}
    assert found["storageContainers"][0]["connectionString"] == STORE.format("****")
    assert shown(azure, hub) == first
    assert "SharedAccessKey=c2VjcmV0;" in document["routing"]["endpoints"][kind][0]["connectionString"]
    assert document["routing"]["endpoints"]["storageContainers"][0]["connectionString"] == store["connectionString"]
    assert document["storageEndpoints"]["$default"]["connectionString"] == file["$default"]["connectionString"]


@pytest.mark.parametrize(
    "routing",
    [
        {"routes": [{"name": "r", "source": "DeviceMessages", "endpointNames": ["nowhere"], "isEnabled": True}]},
        {"routes": [{"name": "r", "source": "DeviceMessages", "endpointNames": ["events", "nowhere"], "isEnabled": False}]},
        {"fallbackRoute": {"source": "DeviceMessages", "endpointNames": ["nowhere"], "isEnabled": True}},
    ],
)
def test_a_route_to_an_undefined_endpoint(azure: InProcess, routing: dict[str, Any]) -> None:
    """Refused, and the hub stays as it is."""
    hub = azure.hub()
    before = shown(azure, hub)
    answer = azure.ask("PUT", at(hub), {**BODY, "properties": {"routing": routing}})

    assert (answer.status, answer.code) == (400, 400131)
    assert "nowhere" in answer.json()["message"]
    assert shown(azure, hub) == before
