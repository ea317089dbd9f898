"""To which hub a device is assigned, whether the service may write there, and what happens at another registration."""

import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from local_azure_iot.hub_registry import identities, modules
from local_azure_iot.microsoft_devices import lifecycle
from local_azure_iot.provisioning import allocation
from tests.kit.device_certificates import Party
from tests.local_azure.in_process import version
from tests.provisioning.enrolling import Enrolling, by_certificate, by_reference

LINKS_BY_IDENTITY = "2026-11-01"
REGISTRY_CONTRIBUTOR, DATA_READER = "4ea46cd5-c1b2-4a8e-910b-273211f9ce47", "b447c946-2db7-41ec-983d-d8bf3b1c77e3"


@pytest.fixture
def root(enrolling: Enrolling) -> Party:
    """A CA that is verified with the service as `ca`, and two hubs that are linked: `north` and `south`."""
    enrolling.link(enrolling.hub("north"), enrolling.hub("south"))
    found = Party("root")
    enrolling.trust("ca", found)
    return found


@dataclass
class Webhook:
    """A webhook on this machine, over https."""

    url: str
    status: int = 200
    answer: bytes = b"{}"
    asked: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def webhook(tmp_path: Path, enrolling: Enrolling) -> Iterator[Webhook]:
    """A server whose certificate local Azure trusts."""
    server_ca = Party("Webhooks")
    server = server_ca.device("localhost", usages=(), alternative_names=("localhost",))
    (tmp_path / "server.pem").write_text(server.pem)
    key = server.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "server.key").write_bytes(key)
    (tmp_path / "trusted.pem").write_text(server_ca.pem)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(found.status)
            self.send_header("Content-Length", str(len(found.answer)))
            self.send_header("Location", "https://elsewhere.invalid/")
            self.end_headers()
            self.wfile.write(found.answer)

        def log_message(self, *_: Any) -> None:
            """Nothing: what it was asked is kept."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    listener.socket = context.wrap_socket(listener.socket, server_side=True)
    found = Webhook(f"https://localhost:{listener.server_port}/api/allocate?code=secret")
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    before, enrolling.azure.azure.trusted_file = enrolling.azure.azure.trusted_file, tmp_path / "trusted.pem"
    yield found
    enrolling.azure.azure.trusted_file = before
    listener.shutdown()
    listener.server_close()
    thread.join()


def _chain(root: Party, name: str = "press-001") -> list[Party]:
    return [root.device(name), root]


def _hub_of(state: dict[str, Any]) -> str:
    return str(state["assignedHub"]).partition("-")[0]


def _failed(enrolling: Enrolling, chain: list[Party]) -> tuple[int, str]:
    """Code and message of a registration that has to fail; the service shows it too, and the device is in no hub."""
    found = enrolling.outcome(chain)
    assert (found["status"], found["registrationState"]["status"]) == ("failed", "failed"), found
    state = found["registrationState"]
    assert list(state) == [
        "registrationId", "createdDateTimeUtc", "status", "errorCode", "errorMessage", "lastUpdatedDateTimeUtc", "etag",
    ]  # fmt: skip
    assert enrolling.operate("GET", f"/registrations/{chain[0].name}") == state
    return state["errorCode"], state["errorMessage"]


def test_hashed(enrolling: Enrolling, root: Party) -> None:
    """All hubs that take part get some, the same device the same one, in any case, and a third hub moves none between the other two."""
    enrolling.put_group("press", by_reference("ca"), allocationPolicy="hashed")
    links = [{"name": name} for name in ("north", "south", "west")]
    service = {"hubs": links, "properties": {}, "location": "westus"}
    enrollment: dict[str, Any] = {"record": {}}
    names = [f"press-{number}" for number in range(300)]
    before = {name: allocation.choose({**service, "hubs": links[:2]}, enrollment, name)["name"] for name in names}
    after = {name: allocation.choose(service, enrollment, name.upper())["name"] for name in names}
    assert {after[name] for name in names if after[name] != before[name]} == {"west"}
    assert all(60 < list(after.values()).count(name) < 140 for name in ("north", "south", "west"))
    links[0]["allocationWeight"] = links[1]["allocationWeight"] = 1
    links[2]["allocationWeight"] = 8
    weighted = [allocation.choose(service, enrollment, name)["name"] for name in names]
    assert weighted.count("west") > 200
    first = enrolling.assigned(_chain(root))
    assert first["assignedHub"] == enrolling.assigned(_chain(root))["assignedHub"]


def test_which_hubs_take_part(enrolling: Enrolling, root: Party) -> None:
    """The enrollment's, else all without `applyAllocationPolicy: false`; one that is not linked is none."""
    north, south = ({"connectionString": enrolling.connection_string(name), "location": "westus"} for name in ("north", "south"))
    enrolling.link({**north, "applyAllocationPolicy": False}, south)
    enrolling.put_group("press", by_reference("ca"))
    names = [f"press-00{number}" for number in range(6)]
    assert {_hub_of(enrolling.assigned(_chain(root, name))) for name in names} == {"south"}
    enrolling.put_group("press", by_reference("ca"), replace=True, iotHubs=[enrolling.host("north")])
    assert {_hub_of(enrolling.assigned(_chain(root, name))) for name in names} == {"north"}
    enrolling.put_group("press", by_reference("ca"), replace=True, iotHubs=["other.azure-devices.net"])
    assert _failed(enrolling, _chain(root, "press-100"))[0] == 400208
    enrolling.put_group("press", by_reference("ca"), replace=True)
    enrolling.link({**north, "applyAllocationPolicy": False})
    assert _failed(enrolling, _chain(root, "press-101")) == (
        400208, "No linked IoT hub takes part in allocation (applyAllocationPolicy is false).",
    )  # fmt: skip
    enrolling.link()
    assert _failed(enrolling, _chain(root, "press-102")) == (400208, "No IoT hub is linked to the provisioning service.")


def test_static(enrolling: Enrolling, root: Party) -> None:
    """The one hub of the enrollment; two are one too many, and so are two linked ones without any."""
    enrolling.put_group("press", by_reference("ca"), allocationPolicy="static", iotHubs=[enrolling.host("south").upper()])
    assert {_hub_of(enrolling.assigned(_chain(root, f"press-{number}"))) for number in range(4)} == {"south"}
    enrolling.put_group("press", by_reference("ca"), replace=True, allocationPolicy="static")
    assert _failed(enrolling, _chain(root, "press-100"))[0] == 400208
    enrolling.link(enrolling.connection_string("north"), allocationPolicy="Static")
    enrolling.put_group("press", by_reference("ca"), replace=True)
    assert _hub_of(enrolling.assigned(_chain(root, "press-101"))) == "north"


def test_lowest_latency(enrolling: Enrolling, root: Party) -> None:
    """The hub in the service's region, then in the paired one: nothing is known of where the device is."""
    north, south = ({"connectionString": enrolling.connection_string(name)} for name in ("north", "south"))
    enrolling.put_group("press", by_reference("ca"), allocationPolicy="geoLatency")
    for places, nearest in ((("japaneast", "West US"), "south"), (("East US", "japaneast"), "north")):
        enrolling.link(*({**link, "location": place} for link, place in zip((north, south), places, strict=True)))
        assert {_hub_of(enrolling.assigned(_chain(root, f"press-{number}"))) for number in range(4)} == {nearest}


@pytest.mark.parametrize(("policy", "substatus", "data"), [
    (None, "deviceDataMigrated", True),
    ({"updateHubAssignment": True, "migrateDeviceData": True}, "deviceDataMigrated", True),
    ({"updateHubAssignment": True, "migrateDeviceData": False}, "deviceDataReset", False),
    ({"updateHubAssignment": False, "migrateDeviceData": False}, "", True),
])  # fmt: skip
def test_another_registration(policy: dict[str, bool] | None, substatus: str, enrolling: Enrolling, root: Party, *, data: bool) -> None:
    """The same hub keeps the device; another one gets it with its twin or with the initial one, or never."""
    azure, chain = enrolling.azure.azure, _chain(root)
    members: dict[str, Any] = {"allocationPolicy": "static", "initialTwin": {"tags": {"by": "enrollment"}}}
    members |= {"reprovisionPolicy": policy} if policy else {}
    enrolling.put_individual("press-001", by_certificate(chain[0]), iotHubs=[enrolling.host("north")], **members)
    first = enrolling.assigned(chain)
    device = enrolling.device("north", "press-001")
    assert device
    with azure.store.transaction():
        identities.change_twin(azure, enrolling.hub_key("north"), device, {"tags": {"by": "hand"}})
        modules.create(azure, enrolling.hub_key("north"), "press-001", {"moduleId": "camera"})
    again = enrolling.assigned(chain)
    assert (again["substatus"], again["createdDateTimeUtc"]) == ("initialAssignment", first["createdDateTimeUtc"])
    assert again["etag"] != first["etag"]
    assert enrolling.operate("GET", "/registrations/press-001")["substatus"] == "reprovisionedToInitialAssignment"
    enrolling.put_individual("press-001", by_certificate(chain[0]), replace=True, iotHubs=[enrolling.host("south")], **members)
    moved = enrolling.assigned(chain)
    if not substatus:
        assert _hub_of(moved) == "north"
        assert enrolling.device("south", "press-001") is None
        enrolling.link(enrolling.connection_string("south"))
        found = enrolling.outcome(chain)["registrationState"]
        assert (found["status"], found["errorCode"], found["assignedHub"]) == ("failed", 400208, enrolling.host("north"))
        return
    assert (_hub_of(moved), moved["substatus"]) == ("south", substatus)
    assert enrolling.device("north", "press-001") is None
    found = enrolling.device("south", "press-001")
    assert found
    assert found["twin"]["tags"]["by"] == ("hand" if data else "enrollment")
    assert [each["id"] for each in modules.of_device(azure, enrolling.hub_key("south"), "press-001")] == (["camera"] if data else [])


def test_another_device_id(enrolling: Enrolling, root: Party) -> None:
    """It is another device: the earlier one stays in the hub, and what its registration says is of the new one."""
    chain = _chain(root)
    enrolling.put_individual("press-001", by_certificate(chain[0]), iotHubs=[enrolling.host("north")])
    enrolling.assigned(chain)
    enrolling.put_individual("press-001", by_certificate(chain[0]), replace=True, deviceId="other", iotHubs=[enrolling.host("south")])
    found = enrolling.assigned(chain)
    assert (found["deviceId"], _hub_of(found), found["substatus"]) == ("other", "south", "initialAssignment")
    assert enrolling.device("north", "press-001")
    assert enrolling.device("south", "other")


def test_a_hub_that_is_gone(enrolling: Enrolling, root: Party) -> None:
    """A linked hub that was deleted fails the registration; once it is unlinked, the device gets another one, and begins anew there."""
    enrolling.put_group("press", by_reference("ca"), allocationPolicy="static", iotHubs=[enrolling.host("north")])
    enrolling.assigned(_chain(root))
    path = enrolling.path("north")
    enrolling.azure.must("DELETE", f"{path}?api-version={version(path)}")
    found = enrolling.outcome(_chain(root))["registrationState"]
    assert (found["errorCode"], json.loads(found["errorMessage"])["Message"]) == (400209, "ErrorCode:IotHubNotFound;Unauthorized")
    assert found["assignedHub"] == enrolling.host("north")
    assert "does not exist any more" in enrolling.reason()
    enrolling.put_group("press", by_reference("ca"), replace=True, allocationPolicy="static", iotHubs=[enrolling.host("south")])
    assert enrolling.assigned(_chain(root))["substatus"] == "deviceDataReset"


def test_a_link_whose_key_is_not_good(enrolling: Enrolling, root: Party) -> None:
    """A key that was regenerated, a policy that is gone or too weak, a hub without keys: the hub's JSON, and the reason in the log."""
    enrolling.put_group("press", by_reference("ca"), iotHubs=[enrolling.host("north")])
    text = enrolling.connection_string("north")
    cases = {
        "the key of the policy 'iothubowner' is another one now": f"{text.partition('SharedAccessKey=')[0]}SharedAccessKey={'QUJD' * 11}",
        "has no policy 'gone'": text.replace("=iothubowner", "=gone"),
        "lacks RegistryWrite and ServiceConnect": enrolling.connection_string("north", "device"),
        "lacks RegistryWrite": enrolling.connection_string("north", "service"),
        "lacks ServiceConnect": enrolling.connection_string("north", "registryReadWrite"),
    }
    for number, (reason, link) in enumerate(cases.items()):
        enrolling.link(link)
        number_and_text = _failed(enrolling, _chain(root, f"press-{number}"))
        assert (number_and_text[0], json.loads(number_and_text[1])["Message"]) == (
            400209,
            "ErrorCode:IotHubUnauthorizedAccess;Unauthorized",
        )
        assert reason in enrolling.reason()
    enrolling.link(text)
    enrolling.hub("north", properties={"disableLocalAuth": True})
    assert _failed(enrolling, _chain(root, "press-100"))[0] == 400209
    assert "disableLocalAuth" in enrolling.reason()


@pytest.mark.parametrize("user", [True, False])
def test_a_link_by_identity(enrolling: Enrolling, root: Party, *, user: bool) -> None:
    """It needs a role at the hub that may write devices; no key is there, and the hub need not take any."""
    enrolling.put_group("press", by_reference("ca"), iotHubs=[enrolling.host("north")])
    enrolling.hub("north", properties={"disableLocalAuth": True})
    assigned = f"{enrolling.group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/links"
    link: dict[str, Any] = {"hostName": enrolling.host("north"), "location": "westus", "authenticationType": "SystemAssigned"}
    identity: dict[str, Any] = {"type": "SystemAssigned"}
    if user:
        link |= {"authenticationType": "UserAssigned", "selectedUserAssignedIdentityResourceId": assigned}
        identity = {"type": "UserAssigned", "userAssignedIdentities": {assigned: {}}}
    enrolling.link(link, identity=identity, api_version=LINKS_BY_IDENTITY)
    assert _failed(enrolling, _chain(root))[0] == 400209
    assert "has no role at the hub with the data action Microsoft.Devices/IotHubs/devices/write" in enrolling.reason()
    path = enrolling.service.path
    shown = enrolling.azure.must("GET", f"{path}?api-version={LINKS_BY_IDENTITY}")["identity"]
    principal = shown["userAssignedIdentities"][assigned]["principalId"] if user else shown["principalId"]
    enrolling.assign_role(principal, DATA_READER, enrolling.path("north"))
    assert _failed(enrolling, _chain(root))[0] == 400209
    enrolling.assign_role(principal, REGISTRY_CONTRIBUTOR, enrolling.path("north"))
    assert _hub_of(enrolling.assigned(_chain(root))) == "north"


def test_a_hub_that_is_full(enrolling: Enrolling) -> None:
    """A free hub has 500 devices; the 501st registration says so, and goes through once there is room."""
    root = Party("root")
    enrolling.trust("ca", root)
    enrolling.link(enrolling.hub("free", sku={"name": "F1", "capacity": 1}))
    enrolling.put_group("press", by_reference("ca"))
    azure, key = enrolling.azure.azure, enrolling.hub_key("free")
    with azure.store.transaction():
        for number in range(500):
            identities.create(azure, key, {"deviceId": f"filler-{number}"})
    number, text = _failed(enrolling, _chain(root))
    assert (number, "IotHubQuotaExceeded" in json.loads(text)["Message"]) == (400209, True)
    with azure.store.transaction():
        device = identities.find(azure, key, "filler-0")
        assert device
        identities.delete(azure, key, device)
    assert enrolling.assigned(_chain(root))["substatus"] == "initialAssignment"


def test_an_initial_twin_that_no_hub_takes(enrolling: Enrolling, root: Party) -> None:
    """The service accepts it, and the hub refuses the device: nothing is left behind."""
    enrolling.put_group("press", by_reference("ca"), initialTwin={"tags": {"a.b": 1}})
    assert _failed(enrolling, _chain(root))[0] == 400209
    assert enrolling.device("north", "press-001") is None
    assert enrolling.device("south", "press-001") is None


@pytest.mark.parametrize("twin", [{"tags": [1]}, {"properties": [1]}, {"properties": {"desired": 7}}, {"tags": {"$a": 1}}])
def test_a_twin_of_a_webhook_that_no_hub_takes(twin: dict[str, Any], enrolling: Enrolling, root: Party, webhook: Webhook) -> None:
    """Whatever it is, the hub's own words are the registration's."""
    enrolling.put_group("press", by_reference("ca"), **_custom(webhook.url))
    webhook.answer = json.dumps({"iotHubHostName": enrolling.host("north").upper(), "initialTwin": twin}).encode()
    number, message = _failed(enrolling, _chain(root))
    assert (number, "ErrorCode:" in json.loads(message)["Message"]) == (400209, True)


def test_a_hub_whose_name_has_capitals(enrolling: Enrolling, root: Party) -> None:
    """Devices are told the name as it was linked, and the same hub is the same in any case."""
    enrolling.put_group("press", by_reference("ca"), iotHubs=[enrolling.host("north").upper()])
    enrolling.link(enrolling.connection_string("north").replace(enrolling.host("north"), enrolling.host("North")))
    assert enrolling.assigned(_chain(root))["assignedHub"] == enrolling.host("North")
    enrolling.link(enrolling.connection_string("north"))
    assert enrolling.assigned(_chain(root))["substatus"] == "initialAssignment"
    assert enrolling.operate("GET", "/registrations/press-001")["substatus"] == "reprovisionedToInitialAssignment"


@pytest.mark.parametrize("service_too", [True, False])
def test_what_goes_while_it_registers(enrolling: Enrolling, root: Party, *, service_too: bool) -> None:
    """Its enrollment, or the whole service, is deleted before the end: no hub gets the device, and nothing is left."""
    enrolling.put_group("press", by_reference("ca"))
    azure, key = enrolling.azure.azure, enrolling.service.key
    azure.settings = azure.settings.changed({"registration_seconds": 60})
    try:
        chain = _chain(root)
        operation = enrolling.register(chain).json()["operationId"]
        scope = enrolling.scope
        if service_too:
            path = enrolling.service.path
            enrolling.azure.must("DELETE", f"{path}?api-version={version(path)}")
            enrolling.azure.ask("GET", f"{path}?api-version={version(path)}")
        else:
            enrolling.operate("DELETE", "/enrollmentGroups/press")
        azure.clock.advance(61)
        enrolling.finish(operation)
        assert enrolling.poll(chain, operation, scope=scope).status == 404
    finally:
        azure.clock.follow_machine()
        azure.settings = azure.settings.changed({"registration_seconds": 0.0})
    assert azure.store.count(lifecycle.PENDING_REGISTRATION, f"{key}/") == 0
    assert enrolling.device("north", "press-001") is None
    assert enrolling.device("south", "press-001") is None


def test_an_enrollment_that_is_disabled_meanwhile(enrolling: Enrolling, root: Party) -> None:
    """It admits nobody any more, also who had begun: so that whoever revokes it finds all devices that it let in."""
    enrolling.put_group("press", by_reference("ca"))
    azure, chain = enrolling.azure.azure, _chain(root)
    azure.settings = azure.settings.changed({"registration_seconds": 60})
    try:
        operation = enrolling.register(chain).json()["operationId"]
        enrolling.put_group("press", by_reference("ca"), replace=True, provisioningStatus="disabled")
        azure.clock.advance(61)
        enrolling.finish(operation)
        assert enrolling.poll(chain, operation).json()["status"] == "disabled"
    finally:
        azure.clock.follow_machine()
        azure.settings = azure.settings.changed({"registration_seconds": 0.0})
    assert enrolling.reason() == "its enrollment was disabled meanwhile"
    assert enrolling.device("north", "press-001") is None
    assert enrolling.device("south", "press-001") is None


def _custom(url: str) -> dict[str, Any]:
    return {"allocationPolicy": "custom", "customAllocationDefinition": {"webhookUrl": url, "apiVersion": "2018-11-01"}}


def test_a_webhook_chooses(enrolling: Enrolling, root: Party, webhook: Webhook) -> None:
    """It is asked each time, with what is known of the device; its hub, twin and payload count."""
    enrolling.put_group("press", by_reference("ca"), initialTwin={"tags": {"by": "enrollment"}}, **_custom(webhook.url))
    twin = {"tags": {"by": "webhook"}, "properties": {"desired": {"rate": 2}}}
    webhook.answer = json.dumps({"iotHubHostName": enrolling.host("south"), "initialTwin": twin, "payload": {"hello": 1}}).encode()
    chain = _chain(root)
    found = enrolling.assigned(chain, body={"registrationId": "press-001", "payload": {"line": 7}})
    assert (_hub_of(found), found["payload"]) == ("south", {"hello": 1})
    device = enrolling.device("south", "press-001")
    assert device
    assert (device["twin"]["tags"], device["twin"]["desired"]["values"]) == ({"by": "webhook"}, {"rate": 2})
    (asked,) = webhook.asked
    assert asked["linkedHubs"] == [enrolling.host("north"), enrolling.host("south")]
    assert asked["deviceRuntimeContext"] == {"registrationId": "press-001", "x509": {}, "payload": {"line": 7}}
    assert (asked["enrollmentGroup"]["enrollmentGroupId"], asked["enrollmentGroup"]["etag"][0]) == ("press", '"')
    webhook.answer = json.dumps({"iotHubHostName": enrolling.host("north")}).encode()
    assert enrolling.assigned(chain)["substatus"] == "deviceDataMigrated"
    context = webhook.asked[-1]["deviceRuntimeContext"]
    assert (context["currentIotHubHostName"], context["currentDeviceId"]) == (enrolling.host("south"), "press-001")


@pytest.mark.parametrize(("status", "answer", "message"), [
    (400, b"", "Custom allocation failed with status code: 400"),
    (500, b"{}", "Custom allocation failed with status code: 500"),
    (302, b"", "Custom allocation failed with status code: 302"),
    (204, b"", "Custom allocation failed with status code: 204"),
    (200, b"nonsense", "is no JSON with an iotHubHostName"),
    (200, b"[]", "is no JSON with an iotHubHostName"),
    (200, b'{"iotHubHostName": 7}', "iotHubHostName is no text"),
    (200, b'{"iotHubHostName": "a", "initialTwin": []}', "initialTwin no object"),
    (200, b'{"iotHubHostName": "NORTH", "initialTwin": {"tags": 1}}', "'NORTH', which is not linked"),
    (200, b'{"iotHubHostName": "other.azure-devices.net"}', "'other.azure-devices.net', which is not linked"),
])  # fmt: skip
def test_a_webhook_that_fails(status: int, answer: bytes, message: str, enrolling: Enrolling, root: Party, webhook: Webhook) -> None:
    """400207, with Azure's words where it answered with an error; a URL's key is not shown."""
    enrolling.put_group("press", by_reference("ca"), **_custom(webhook.url))
    webhook.status, webhook.answer = status, answer
    number, text = _failed(enrolling, _chain(root))
    assert (number, message in text, "secret" in text) == (400207, True, False), text


@pytest.mark.parametrize(
    "url", ["http://localhost:9/allocate", "file:///etc/passwd", "nonsense", "https://", "https://[", "https://localhost:1/"]
)
def test_a_webhook_that_can_not_be_asked(url: str, enrolling: Enrolling, root: Party) -> None:
    """Only https is; what does not answer fails."""
    enrolling.put_group("press", by_reference("ca"), **_custom(url))
    assert _failed(enrolling, _chain(root))[0] == 400207
