"""The certificate operations as they go over the wire, for hubs and provisioning services, beside recorded traffic."""

import base64
import gzip
import json
import re
import subprocess
import sys
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from hubtrust.azure import errors
from hubtrust.azure.certificates import Certificates, host_name, writer
from hubtrust.azure.service import service
from tests.kit.repository import SHARED
from tests.kit.scripted_azure import DPS, HUB, Reply, scripted, shown

TRAFFIC = SHARED / "azure-traffic"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def test_a_hub_certificate_from_nothing_to_verified() -> None:
    """GET, PUT, generate, verify, DELETE: paths, etags and bodies as Azure's own clients send them."""
    replies = [(404, {}, {"error": {"code": "ResourceNotFound"}}), (200, {}, shown(etag="e1")), (200, {}, shown(etag="e2", code="4F" * 24))]
    with scripted(*replies, (200, {}, shown(etag="e3", verified=True)), (200, {}, b"")) as script:
        certificates = script.certificates()
        assert certificates.get("plant-a") is None
        assert certificates.put("plant-a", PEM, etag=None).etag == "e1"
        assert certificates.generate_verification_code("plant-a", etag="e1").code == "4F" * 24
        assert certificates.verify("plant-a", PEM, etag="e2").verified is True
        certificates.delete("plant-a", etag="e3")
    path = f"{HUB}/certificates/plant-a"
    encoded = base64.b64encode(PEM.encode()).decode()
    assert [(one.method, one.path, one.headers.get("If-Match"), one.json) for one in script.requests] == [
        ("GET", f"{path}?api-version=2023-06-30", None, None),
        ("PUT", f"{path}?api-version=2023-06-30", None, {"properties": {"certificate": encoded}}),
        ("POST", f"{path}/generateVerificationCode?api-version=2023-06-30", "e1", None),
        ("POST", f"{path}/verify?api-version=2023-06-30", "e2", {"certificate": encoded}),
        ("DELETE", f"{path}?api-version=2023-06-30", "e3", None),
    ]
    assert script.requests[2].headers.get("Content-Type") is None


@pytest.mark.parametrize(
    ("owner", "api_version", "wrapped"),
    [(HUB, "2023-06-30", True), (HUB, "2020-03-01", False), (DPS, None, True), (DPS, "2022-02-05", True), (DPS, "2021-10-15", False)],
)
def test_the_body_of_a_put_depends_on_the_api_version(owner: str, api_version: str | None, wrapped: bool) -> None:
    """Since a certain api-version each service wraps the certificate in `properties`; isVerified is beside it."""
    with scripted((200, {}, shown(owner=owner))) as script:
        script.certificates(owner, api_version).put("plant-a", PEM, etag="e1", attested=True)
    content = {"certificate": base64.b64encode(PEM.encode()).decode(), "isVerified": True}
    assert script.requests[0].json == ({"properties": content} if wrapped else content)
    assert script.requests[0].headers["If-Match"] == "e1"


def test_certificate_names_are_listed() -> None:
    """A list gives names."""
    with scripted((200, {}, {"value": [shown("a"), shown("b")]}), (200, {}, {"value": []})) as script:
        assert (script.certificates().names(), script.certificates().names()) == (["a", "b"], [])


def test_deleting_a_missing_certificate_succeeds() -> None:
    """Deleting a certificate that does not exist any more succeeds when that is confirmed; an out-of-date etag fails."""
    absent: Reply = (404, {}, {"code": 404008, "message": "There is no certificate"})
    listed: Reply = (200, {}, {"value": [shown("another")]})
    with scripted(absent, absent, listed, *[absent] * 3, listed, (412, {}, {"code": 412001})) as script:
        script.certificates().delete("plant-a", etag="e1")
        assert [one.method for one in script.requests] == ["DELETE", *["GET"] * 6]
        with pytest.raises(errors.EtagError, match="certificate 'plant-a' on IoT hub 'hub-7'"):
            script.certificates().delete("plant-a", etag="e1")


@pytest.mark.parametrize("owner", [HUB, DPS])
def test_a_200_from_a_proxy_is_an_error(owner: str) -> None:
    """A proxy's own page with status 200 is not taken for a certificate, and the error says what to check."""
    with scripted(*[(200, {"Content-Type": "text/html"}, b"<html>welcome</html>")] * 3) as script:
        with pytest.raises(
            errors.UnreachableError, match=r"a web page answered instead of Azure \(text/html\).*; check the proxy"
        ) as caught:
            script.certificates(owner, deadline=1).get("plant-a")
        assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("owner", "api_version", "properties"),
    [
        (HUB, "2023-06-30", {"hostName": "hub-7.azure-devices.net"}),
        (DPS, "2022-12-12", {"serviceOperationsHostName": "hub-7.azure-devices.net"}),
    ],
)
def test_the_host_name_of_a_service(owner: str, api_version: str, properties: dict[str, str]) -> None:
    """The host name comes from the hub or service itself; one that does not exist has none."""
    absent = {"error": {"code": "ResourceNotFound"}}
    found = {"id": owner, "name": owner.rpartition("/")[2], "location": "westeurope", "properties": properties}
    with scripted((200, {}, found), (404, {}, absent)) as script:
        client = script.client()
        assert host_name(client, service(owner)) == "hub-7.azure-devices.net"
        assert host_name(client, service(owner)) is None
    assert [one.path for one in script.requests] == [f"{owner}?api-version={api_version}"] * 2


def test_generated_clients_load_with_the_first_call() -> None:
    """Importing every provider loads neither Azure's generated clients nor azure-core's pipeline: providers start often."""
    providers = ("verified_certificate", "device_fleet", "device_identity", "issued_certificate", "authority_generation")
    program = "; ".join(["import sys", *(f"import hubtrust.dynamic.{name}" for name in providers), "print(sorted(sys.modules))"])
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "'hubtrust.azure.certificates'" in loaded
    assert "'azure.mgmt" not in loaded
    assert "'hubtrust.azure.pipeline'" not in loaded


@pytest.mark.parametrize(
    ("resource_id", "title"),
    [(HUB, "IoT hub 'hub-7'"), (HUB.replace("IotHubs", "iothubs") + "/", "IoT hub 'hub-7'"), (DPS, "provisioning service 'dps-7'")],
)
def test_services_are_named_by_their_arm_id(resource_id: str, title: str) -> None:
    """Ids of hubs and provisioning services are accepted in upper and lower case."""
    assert service(resource_id).title == title


@pytest.mark.parametrize("resource_id", ["", "hub-7", "/subscriptions/s", HUB + "/certificates/a", HUB.replace("IotHubs", "storage")])
def test_other_ids_are_refused(resource_id: str) -> None:
    """Any other id is refused, and the error shows the two valid forms."""
    with pytest.raises(errors.RefusedError, match="it is not the id of an IoT hub or a provisioning service; give /subscriptions/"):
        service(resource_id)


def test_writes_to_one_hub_share_a_lock() -> None:
    """All calls for one hub share a lock, whatever the case of its id; another hub has its own."""
    assert writer(service(HUB)) is writer(service(HUB.upper().replace("/SUBSCRIPTIONS", "/subscriptions")))
    assert writer(service(HUB)) is not writer(service(DPS))
    assert isinstance(writer(service(HUB)), type(threading.Lock()))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"Date": "Mon, 09 Oct 2023 19:12:05 GMT"}, datetime(2023, 10, 9, 19, 12, 5, tzinfo=UTC)),
        ({"Date": "Mon, 09 Oct 2023 19:12:05 -0000"}, datetime(2023, 10, 9, 19, 12, 5, tzinfo=UTC)),
        ({"Date": "noon"}, None),
        ({}, None),
    ],
)
def test_a_certificate_has_the_services_time(header: dict[str, str], expected: datetime | None) -> None:
    """A certificate has the service's time, with a time zone; where the response has none, this machine's."""
    before = datetime.now(UTC)
    with scripted((200, header, shown())) as script:
        found = script.certificates().get("plant-a")
    assert found is not None
    assert found.date == expected if expected else found.date >= before


def recorded(plane: str) -> list[dict[str, Any]]:
    path = TRAFFIC / f"{plane}_certificates.jsonl.gz"
    with gzip.open(path, "rt") as lines:
        return [json.loads(line) for line in lines]


def same_call(certificates: Certificates, exchange: dict[str, Any]) -> None:
    """Make, with our client, the call that was recorded."""
    name, verb = re.search(r"/certificates(?:/([^/?]+))?(?:/(\w+))?\?", exchange["uri"]).groups()  # type: ignore[union-attr]
    etag = (exchange["request_headers"].get("If-Match") or [None])[0]
    sent = json.loads(exchange["request_body"]) if exchange["request_body"] else {}
    attested = (sent.get("properties") or sent).get("isVerified") is True
    match exchange["method"], verb:
        case "GET", _:
            certificates.get(name) if name else certificates.names()
        case "PUT", _:
            certificates.put(name, PEM, etag=etag, attested=attested)
        case "POST", "generateVerificationCode":
            certificates.generate_verification_code(name, etag=etag)
        case "POST", "verify":
            certificates.verify(name, PEM, etag=etag)
        case "DELETE", _:
            certificates.delete(name, etag=etag)


@pytest.mark.recorded
@pytest.mark.skipif(not TRAFFIC.exists(), reason="no recorded traffic beside the project")
@pytest.mark.parametrize("plane", ["hub", "dps"])
def test_our_calls_equal_the_recorded_ones(plane: str) -> None:
    """Every recorded certificate call, made by our client, asks for the same path with the same etag and body."""
    exchanges = recorded(plane)
    replies = [(one["status"], {}, (one["response_body"] or "").encode()) for one in exchanges]
    with scripted(*replies) as script:
        for exchange in exchanges:
            path = re.sub(r"^https://[^/]+", "", exchange["uri"])
            owner, api_version = path.partition("/certificates")[0], path.rpartition("api-version=")[2]
            same_call(script.certificates(owner, api_version), exchange)
            ours = script.requests[-1]
            assert (ours.method, ours.path) == (exchange["method"], path)
            assert ours.headers.get("If-Match") == (exchange["request_headers"].get("If-Match") or [None])[0]
            theirs = json.loads(exchange["request_body"]) if exchange["request_body"] else None
            assert keys(ours.json) == keys(theirs)
    assert len(script.requests) == len(exchanges) > 100


def keys(body: Any) -> Any:
    """The shape of a body: its keys, and those below `properties`; a flag that is not set counts as absent, as Azure reads it."""
    if body is None:
        return None
    return [sorted(name for name, value in part.items() if value) for part in (body, body.get("properties") or {})]


@pytest.mark.parametrize(("owner", "property_name"), [(HUB, "hostName"), (DPS, "serviceOperationsHostName")])
def test_a_service_without_a_host_name_is_busy_not_deleted(owner: str, property_name: str) -> None:
    """A service that is still activating has no host name: it is reported as busy, not as deleted."""
    named = {"id": owner, "name": owner.rpartition("/")[2]}
    replies = [(200, {}, named | {"properties": found}) for found in ({"state": "Activating"}, {property_name: "x.example"})]
    missing = (404, {}, {"error": {"code": "ResourceNotFound"}})
    with scripted(*replies, missing) as script:
        client = script.client()
        with pytest.raises(errors.BusyError, match=r"it has no host name yet \(its state is Activating\); run again when it is Active"):
            host_name(client, service(owner))
        assert [host_name(client, service(owner)) for _ in range(2)] == ["x.example", None]
