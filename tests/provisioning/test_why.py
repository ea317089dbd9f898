"""`GET /why` of devices that enrol: which link is broken, from the enrollment to the hub that the device would get."""

from typing import Any

import pytest
from OpenSSL import crypto

from local_azure_iot.mqtt.plane import Plane
from local_azure_iot.tls_transport import Peer
from local_azure_iot.why import why
from tests.kit.device_certificates import Party
from tests.local_azure.in_process import version
from tests.provisioning.enrolling import GLOBAL, Enrolling, by_certificate, by_reference


@pytest.fixture
def plane(enrolling: Enrolling) -> Plane:
    """The log of connections; no device has connected to a hub."""
    enrolling.azure.azure.registrations.clear()
    return Plane(enrolling.azure.azure)


@pytest.fixture
def root(enrolling: Enrolling) -> Party:
    """A CA that is verified with the service as `ca`, and a hub `north` that is linked."""
    enrolling.link(enrolling.hub("north"))
    found = Party("root")
    enrolling.trust("ca", found)
    return found


def _fact(found: dict[str, Any]) -> str:
    (fact,) = [link["fact"] for link in found["links"] if link["link"] == found["broken"]]
    return str(fact)


def test_a_device_that_has_its_hub(enrolling: Enrolling, plane: Plane, root: Party) -> None:
    """All links hold; the hub is the one that it was given."""
    enrolling.put_group("press", by_reference("ca"))
    enrolling.assigned([root.device("press-001"), root])
    found = why(enrolling.azure.azure, plane, "press-001")
    assert (found["broken"], found["hub"]) == ("", enrolling.host("north"))
    named = {link["link"]: link["holds"] for link in found["links"]}
    assert [named[link] for link in ("registration", "provisioning service", "enrollment", "linked hub", "hub", "registry")] == [True] * 6


def test_a_device_without_an_enrollment(enrolling: Enrolling, plane: Plane, root: Party) -> None:
    """What it was told and why; once there is one, it would be given a hub."""
    chain = [root.device("press-001"), root]
    assert enrolling.register(chain).status == 401
    found = why(enrolling.azure.azure, plane, "press-001")
    assert (found["accepted"], found["now"], found["broken"]) == (False, False, "enrollment")
    assert "the device is told: Unauthorized" in _fact(found)
    assert "did not register it" in found["answer"]
    enrolling.put_group("press", by_reference("ca"))
    found = why(enrolling.azure.azure, plane, "press-001")
    assert (found["now"], found["broken"]) == (True, "")
    assert found["answer"].endswith("; it would be given a hub now")


def test_a_ca_that_nobody_proved(enrolling: Enrolling, plane: Plane, root: Party) -> None:
    """The most frequent cause: the CAs of the service, and what is missing."""
    del root
    other = Party("other")
    enrolling.trust("other", other, verified=False)
    enrolling.put_group("press", by_reference("other"))
    assert enrolling.register([other.device("press-001"), other]).status == 401
    found = why(enrolling.azure.azure, plane, "press-001")
    assert found["broken"] == "enrollment"
    assert "told: CA certificate not found." in _fact(found)
    assert any("'CN=other' (other) waits for proof" in link["fact"] for link in found["links"])


def test_disabled_no_hub_and_gone(enrolling: Enrolling, plane: Plane, root: Party) -> None:
    """A disabled entry; a link that is not good; a service that is gone; by the device's id in the hub too."""
    leaf = root.device("press-001")
    enrolling.put_individual("press-001", by_certificate(leaf), deviceId="Other", provisioningStatus="disabled")
    enrolling.outcome([leaf])
    found = why(enrolling.azure.azure, plane, "press-001")
    assert (found["broken"], "is disabled" in _fact(found)) == ("enrollment", True)
    enrolling.put_individual("press-001", by_certificate(leaf), deviceId="Other", replace=True)
    enrolling.assigned([leaf])
    assert why(enrolling.azure.azure, plane, "Other")["hub"] == enrolling.host("north")
    enrolling.hub("north", properties={"disableLocalAuth": True})
    assert enrolling.outcome([leaf])["status"] == "failed"
    found = why(enrolling.azure.azure, plane, "Other")
    assert (found["broken"], "disableLocalAuth" in _fact(found)) == ("linked hub", True)
    path = enrolling.service.path
    enrolling.azure.must("DELETE", f"{path}?api-version={version(path)}")
    assert why(enrolling.azure.azure, plane, "Other")["broken"] == "provisioning service"


def test_refused_before_it_could_ask(enrolling: Enrolling, plane: Plane, root: Party) -> None:
    """By MQTT an unknown id scope ends the connection: that is the answer, until the device gets further."""
    plane.log_attempt(Peer(GLOBAL, []), "press-001", "no provisioning service has the id scope '0ne00000000'")
    found = why(enrolling.azure.azure, plane, "press-001")
    assert (found["accepted"], found["broken"]) == (False, "id scope")
    assert "before it could ask for its hub" in found["answer"]
    enrolling.put_group("press", by_reference("ca"))
    enrolling.assigned([root.device("press-001"), root])
    assert why(enrolling.azure.azure, plane, "press-001")["broken"] == ""


def test_a_leaf_that_was_renewed(enrolling: Enrolling, plane: Plane, root: Party) -> None:
    """The hub knows the certificate with which the device registered: the last to refuse it is the answer."""
    enrolling.put_group("press", by_reference("ca"))
    enrolling.assigned([root.device("press-001"), root])
    renewed = root.device("press-001")
    plane.log_attempt(_peer(enrolling.host("north"), renewed), "press-001", "the certificate is not one of the two in its entry")
    found = why(enrolling.azure.azure, plane, "press-001")
    assert (found["broken"], found["now"], found["accepted"]) == ("certificate", False, False)
    assert found["answer"].endswith("it must register again")
    assert enrolling.register([renewed, root]).status == 202
    enrolling.assigned([renewed, root])
    assert why(enrolling.azure.azure, plane, "press-001")["now"] is True


def _peer(host: str, party: Party) -> Peer:
    return Peer(host, [crypto.X509.from_cryptography(party.certificate)])
