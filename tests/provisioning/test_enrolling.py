"""Devices that register with a provisioning service: who is let in, what is said, and what their hub gets."""

from cryptography.hazmat.primitives import hashes

from tests.kit.device_certificates import Party
from tests.provisioning.enrolling import Enrolling, by_reference


def test_a_device_is_told_to_wait_and_then_which_hub_is_its_own(enrolling: Enrolling) -> None:
    service, root = enrolling, Party("root")
    service.link(service.hub("north"))
    service.trust("ca", root)
    service.put_group("press", by_reference("ca"), initialTwin={"tags": {"site": "a"}, "properties": {"desired": {"rate": 1}}})
    leaf = root.device("press-001")
    begun = service.register([leaf, root])
    assert (begun.status, begun.headers["Retry-After"]) == (202, "3")
    operation = begun.json()["operationId"]
    assert begun.json() == {"operationId": operation, "status": "assigning"}
    ended = service.poll([leaf, root], operation)
    assert ended.status == 200
    state = ended.json()["registrationState"]
    assert list(state) == [
        "x509", "registrationId", "createdDateTimeUtc", "assignedHub", "deviceId", "status", "substatus", "lastUpdatedDateTimeUtc", "etag",
    ]  # fmt: skip
    assert state["assignedHub"] == service.host("north")
    device = service.device("north", "press-001")
    assert device
    thumbprint = leaf.certificate.fingerprint(hashes.SHA256()).hex().upper()
    assert device["auth"]["type"] == "selfSigned"
    assert device["auth"]["thumbprints"] == [thumbprint, thumbprint]
    assert device["twin"]["tags"] == {"site": "a"}
    assert device["twin"]["desired"]["values"] == {"rate": 1}
