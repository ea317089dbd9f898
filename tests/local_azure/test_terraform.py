"""What Terraform's providers send, and what they demand of the answers: a plan after an apply must find nothing to change.

The bodies are those that azurerm makes of the configurations in its acceptance tests, with the SDK that it uses:
https://github.com/hashicorp/terraform-provider-azurerm/blob/main/internal/services/iothub/iothub_resource.go (and iothub_resource_test.go);
https://github.com/jackofallops/kermit/tree/main/sdk/iothub/2022-04-30-preview/iothub.
azapi's are those that its version 2.12 was seen to send for its own examples
(https://github.com/Azure/terraform-provider-azapi/tree/main/examples).
"""

import re
from typing import Any

import pytest

from tests.local_azure.in_process import InProcess
from tests.local_azure.makers import authority, encoded

HUB_VERSION = "2022-04-30-preview"
FALLBACK = {"condition": "true", "endpointNames": ["events"], "isEnabled": True, "source": "DeviceMessages"}
BASIC: dict[str, Any] = {
    "identity": {"type": "None"},
    "location": "westeurope",
    "properties": {
        "cloudToDevice": {},
        "disableLocalAuth": False,
        "enableFileUploadNotifications": False,
        "eventHubEndpoints": {"events": {"partitionCount": 4, "retentionTimeInDays": 1}},
        "messagingEndpoints": {},
        "minTlsVersion": "1.2",
        "routing": {"fallbackRoute": FALLBACK},
        "storageEndpoints": {},
    },
    "sku": {"capacity": 1, "name": "B1"},
    "tags": {"purpose": "testing"},
}
BLOB = "DefaultEndpointsProtocol=https;BlobEndpoint=https://a.blob.core.windows.net/;AccountName=a;AccountKey=c2VjcmV0"
BUS = "Endpoint=sb://acctest-1.servicebus.windows.net/;SharedAccessKeyName=acctest;SharedAccessKey=c2VjcmV0;EntityPath=acctest"


def at(path: str, version: str = HUB_VERSION) -> str:
    """A URL at azurerm's api-version, or another one."""
    return f"{path}?api-version={version}"


def applied(azure: InProcess, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Azurerm's steps of an apply: the hub must not exist, its name must be free, PUT, GET. Returns the path and what is read."""
    hub = f"{azure.group()}/providers/Microsoft.Devices/IotHubs/acctestIoTHub-1"
    assert azure.ask("GET", at(hub)).status == 404
    provider = f"/subscriptions/{azure.subscription}/providers/Microsoft.Devices"
    assert azure.must("POST", at(f"{provider}/checkNameAvailability"), {"name": "acctestIoTHub-1"})["nameAvailable"] is True
    azure.must("PUT", at(hub), body)
    return hub, azure.must("GET", at(hub))


def file_upload(properties: dict[str, Any]) -> dict[str, Any] | None:
    """The block `file_upload` as azurerm reads it: there is none without a default storage endpoint."""
    storage = properties["storageEndpoints"].get("$default")
    if storage is None:
        return None
    return {
        **storage,
        **properties["messagingEndpoints"]["fileNotifications"],
        "notifications": properties["enableFileUploadNotifications"],
    }


def connection(text: str) -> dict[str, str]:
    """A connection string's parts as azurerm compares them: with Service Bus's port, the secret hidden."""
    text = re.sub("(SharedAccessKey|AccountKey)=[^;]+", r"\1=****", re.sub("sb://([^:]+)(:5671)?/;", r"sb://\1:5671/;", text))
    return dict(part.split("=", 1) for part in text.split(";"))


def test_the_basic_hub_s_plan_is_clean(azure: InProcess) -> None:
    """`TestAccIotHub_basic`: no file upload appears, and the rest is as declared."""
    hub, read = applied(azure, BASIC)
    properties = read["properties"]

    assert file_upload(properties) is None
    assert {name: properties["eventHubEndpoints"]["events"][name] for name in ("partitionCount", "retentionTimeInDays")} == {
        "partitionCount": 4, "retentionTimeInDays": 1
    }  # fmt: skip
    assert (properties["minTlsVersion"], properties["disableLocalAuth"]) == ("1.2", False)
    assert "publicNetworkAccess" not in properties
    assert "networkRuleSets" not in properties
    assert {name: properties["routing"]["fallbackRoute"][name] for name in FALLBACK} == FALLBACK
    assert (read["tags"], read["sku"]["name"], read["identity"]) == (BASIC["tags"], "B1", {"type": "None"})
    # An update reads the hub and sends back what it read, with the change, and no If-Match.
    azure.must("PUT", at(hub), {**read, "sku": {"capacity": 2, "name": "B1"}})
    assert file_upload(azure.must("GET", at(hub))["properties"]) is None


def test_endpoints_and_routes_stay_clean(azure: InProcess) -> None:
    """`TestAccIotHub_customRoutes`: 77 partitions, a container and an event hub; a second apply changes nothing."""
    by_key = {"authenticationType": "keyBased", "resourceGroup": "acctestRG", "subscriptionId": azure.subscription}
    container = {
        **by_key, "connectionString": BLOB, "name": "export", "containerName": "test", "batchFrequencyInSeconds": 300,
        "maxChunkSizeInBytes": 314572800, "encoding": "avro", "fileNameFormat": "{iothub}/{partition}/{YYYY}/{MM}/{DD}/{HH}/{mm}",
    }  # fmt: skip
    endpoints: dict[str, Any] = {
        "eventHubs": [{**by_key, "connectionString": BUS, "name": "export2"}],
        "serviceBusQueues": [],
        "serviceBusTopics": [],
        "storageContainers": [container],
    }
    routes = [{"condition": "true", "endpointNames": [name], "isEnabled": True, "name": name, "source": "DeviceMessages"} for name in (
        "export", "export2"
    )]  # fmt: skip
    routing = {"endpoints": endpoints, "fallbackRoute": FALLBACK, "routes": routes}
    events = {"events": {"partitionCount": 77, "retentionTimeInDays": 7}}
    body = {**BASIC, "sku": {"capacity": 1, "name": "S1"}}
    body["properties"] = {**BASIC["properties"], "eventHubEndpoints": events, "routing": routing}
    hub, read = applied(azure, body)
    azure.must("PUT", at(hub), read)
    again = azure.must("GET", at(hub))["properties"]["routing"]

    assert read["properties"]["eventHubEndpoints"]["events"]["partitionCount"] == 77
    assert again == read["properties"]["routing"]
    assert again["routes"] == routes
    for kind, sent in (("eventHubs", BUS), ("storageContainers", BLOB)):
        (shown,) = again["endpoints"][kind]
        assert connection(shown["connectionString"]) == connection(sent)
        assert shown["connectionString"].count("****") == 1
        (declared,) = endpoints[kind]
        assert {name: shown[name] for name in declared if name != "connectionString"} == {
            name: value for name, value in declared.items() if name != "connectionString"
        }


def test_a_file_upload_and_its_end(azure: InProcess) -> None:
    """`TestAccIotHub_fileUpload`: what is declared comes back; once the block is gone, so is the endpoint."""
    hub, _ = applied(azure, BASIC)
    declared = {"sasTtlAsIso8601": "PT1H", "connectionString": BLOB, "containerName": "test", "authenticationType": "keyBased"}
    notifications = {"lockDurationAsIso8601": "PT1M", "ttlAsIso8601": "PT1H", "maxDeliveryCount": 12}
    changed = {
        **BASIC["properties"],
        "storageEndpoints": {"$default": declared},
        "messagingEndpoints": {"fileNotifications": notifications},
        "enableFileUploadNotifications": True,
    }
    azure.must("PUT", at(hub), {**BASIC, "properties": changed})
    found = file_upload(azure.must("GET", at(hub))["properties"])
    azure.must("PUT", at(hub), BASIC)

    assert found == {**declared, **notifications, "connectionString": BLOB.replace("c2VjcmV0", "****"), "notifications": True}
    assert file_upload(azure.must("GET", at(hub))["properties"]) is None


@pytest.mark.parametrize("if_match", [True, False])
def test_a_certificate_is_destroyed(azure: InProcess, if_match: bool) -> None:
    """Azurerm reads the etag and sends it; azapi sends none. What follows is a GET that finds nothing."""
    hub, _ = applied(azure, BASIC)
    certificate = f"{hub}/certificates/acctest"
    text = encoded(authority().pem)
    etag = azure.must("PUT", at(certificate), {"properties": {"certificate": text, "isVerified": False}})["etag"]
    deleted = azure.ask("DELETE", at(certificate), **({"if_match": etag} if if_match else {}))

    assert (deleted.status, azure.ask("GET", at(certificate)).status) == (200, 404)


def kept(declared: Any, read: Any) -> bool:
    """Whether azapi finds nothing to change: the declared body's members that it reads have the same value. It ignores missing ones."""
    if isinstance(declared, dict):
        return isinstance(read, dict) and all(kept(value, read[name]) for name, value in declared.items() if name in read)
    return bool(declared == read)


def test_azapi_s_examples(azure: InProcess) -> None:
    """A hub, its certificate and a provisioning service as azapi declares them; `azapi_update_resource` sends back all that it reads."""
    hub = f"{azure.group()}/providers/Microsoft.Devices/IotHubs/acctest0001"
    certificate, readers = f"{hub}/certificates/acctest0001", f"{hub}/eventHubEndpoints/events/consumerGroups/readers"
    service = f"{azure.group()}/providers/Microsoft.Devices/provisioningServices/acctest0001"
    properties = {
        "cloudToDevice": {}, "enableFileUploadNotifications": False, "messagingEndpoints": {}, "storageEndpoints": {},
        "routing": {"fallbackRoute": FALLBACK},
    }  # fmt: skip
    text = encoded(authority().pem)
    bodies: tuple[tuple[str, dict[str, Any]], ...] = (
        (at(hub), {"location": "westeurope", "properties": properties, "sku": {"capacity": 1, "name": "B1"}}),
        (at(certificate), {"properties": {"certificate": text, "isVerified": False}}),
        (at(readers, "2023-06-30"), {"properties": {"name": "readers"}}),
        (at(service, "2022-02-05"), {
            "location": "westeurope", "sku": {"capacity": 1, "name": "S1"},
            "properties": {
                "allocationPolicy": "Hashed", "enableDataResidency": False, "iotHubs": [], "publicNetworkAccess": "Enabled"
            },
        }),
        (at(f"{service}/certificates/acctest0001", "2022-02-05"), {"properties": {"certificate": text}}),
    )  # fmt: skip
    for url, body in bodies:
        assert azure.ask("GET", url).status == 404
        azure.must("PUT", url, body)
    read = azure.must("GET", at(hub, "2023-06-30"))
    azure.must("PUT", at(hub, "2023-06-30"), {**read, "properties": {**read["properties"], "minTlsVersion": "1.2"}})
    etag = azure.must("GET", at(certificate))["etag"]
    generated = azure.ask("POST", at(f"{certificate}/generateVerificationCode"), if_match=etag)

    for url, body in bodies:
        found = azure.must("GET", url)
        assert kept({**body, "properties": {**body["properties"], "certificate": found["properties"].get("certificate")}}, found), url
    assert azure.must("GET", at(hub, "2023-06-30"))["properties"]["minTlsVersion"] == "1.2"
    assert generated.json()["properties"]["verificationCode"]
    for url, _ in reversed(bodies):
        assert azure.ask("DELETE", url).status in {200, 202}
