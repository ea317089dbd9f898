"""Devices with certificates as people have them, which ask a provisioning service for their hub: each gets an answer.

Its verdict on a certificate is that of hubs, which `test_odd_certificates` compares with OpenSSL's.
"""

import asyncio
import base64
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from OpenSSL import crypto

from local_azure_iot.judge import connection_check
from local_azure_iot.judge.connection_check import Reason
from local_azure_iot.mqtt.packets import Packet, PacketType
from local_azure_iot.mqtt.plane import Plane
from local_azure_iot.tls_transport import Peer
from tests.kit import mqtt_session
from tests.kit.certificate_shapes import CertificateShape
from tests.kit.der_mutations import CERTIFICATE_CHANGES, mutated_certificates
from tests.kit.device_certificates import Party
from tests.kit.mqtt_device import connect, packet, text
from tests.kit.mutated_runs import MUTATIONS
from tests.kit.provisioning_client import GLOBAL
from tests.kit.randomly import RANDOM
from tests.local_azure.in_process import in_process
from tests.provisioning.service import Service, group

EXAMPLES = MUTATIONS or 60
ROOT = Party("Trial root")
ISSUING = ROOT.authority_below("Issuing")
_DER = serialization.Encoding.DER
ANCHOR = ROOT.certificate.public_bytes(_DER)
DEVICE = CertificateShape.of(ISSUING.device("press-001").certificate.public_bytes(_DER))
ABOVE = ISSUING.certificate.public_bytes(_DER)


@dataclass(repr=False)
class _Plant:
    """A provisioning service with a group by the issuing CA, below a root that is verified there."""

    plane: Plane
    loop: asyncio.AbstractEventLoop
    scope: str

    def said(self, *chain: bytes) -> tuple[int, int | None]:
        """The return code of a CONNECT as `press-001` with these certificates, and the status of the answer to its registration."""
        peer = Peer(GLOBAL, [crypto.load_certificate(crypto.FILETYPE_ASN1, each) for each in chain])
        topic = "$dps/registrations/"
        said = [
            connect("press-001", f"{self.scope}/registrations/press-001/api-version=2019-03-31"),
            packet(PacketType.SUBSCRIBE, b"\0\7" + text(f"{topic}res/#") + b"\1", 0x02),
            packet(PacketType.PUBLISH, text(f"{topic}PUT/iotdps-register/?$rid=1") + b"\0\1", 0x02),
        ]
        answers = self.loop.run_until_complete(mqtt_session.answers(self.plane, peer, said))
        entry = self.plane.attempts[-1]
        assert entry.accepted is (answers[0].body[1] == 0)
        assert entry.reason.isprintable()
        return answers[0].body[1], _status(answers[-1]) if len(answers) > 1 else None

    def refusal(self, *chain: bytes) -> str:
        """Why a hub that trusts the root would refuse the device, for another reason than its name; empty: it would not."""
        sent = [crypto.load_certificate(crypto.FILETYPE_ASN1, each) for each in chain]
        found = connection_check.chain_refusal(sent, (ANCHOR,), "press-001", self.plane.azure.clock.now())
        return str(found) if found and found.reason is not Reason.COMMON_NAME else ""


def _status(answer: Packet) -> int:
    assert answer.kind == PacketType.PUBLISH
    return int(answer.body[2 : 2 + int.from_bytes(answer.body[:2], "big")].decode().split("/")[3])


@pytest.fixture(scope="module")
def plant() -> Iterator[_Plant]:
    """A provisioning service. No hub is linked, so that every registration that begins fails after its answer."""
    with in_process() as found:
        service = Service(found, found.hub(kind="provisioningServices"))
        root = {"properties": {"certificate": base64.b64encode(ROOT.pem.encode()).decode(), "isVerified": True}}
        found.must("PUT", f"{service.path}/certificates/root?api-version=2022-12-12", root)
        service.must("PUT", "/enrollmentGroups/plant", group("plant", ISSUING.pem))
        scope = found.must("GET", f"{service.path}?api-version=2022-12-12")["properties"]["idScope"]
        yield _Plant(Plane(found.azure), found.loop, scope)


def test_a_device_as_it_should_be(plant: _Plant) -> None:
    """It is let in and registered."""
    assert plant.said(DEVICE.signed(ISSUING.key), ABOVE) == (0, 202)


def _agree(plant: _Plant, certificate: bytes) -> None:
    try:
        crypto.load_certificate(crypto.FILETYPE_ASN1, certificate)
    except crypto.Error:
        return  # TLS ends before there is a CONNECT
    code, status = plant.said(certificate, ABOVE)
    assert (code, status) in {(5, None), (0, 401), (0, 409), (0, 202)}
    if status in {202, 409}:  # 409: the registration of the example before this one has not ended
        assert not plant.refusal(certificate, ABOVE)
    elif status == 401:
        assert plant.refusal(certificate, ABOVE)


@pytest.mark.parametrize("label", sorted(CERTIFICATE_CHANGES))
def test_an_odd_device(plant: _Plant, label: str) -> None:
    """Code 5 where its name can't be read or is another, else an answer to its registration: 401 where its certificate is not valid."""
    _agree(plant, CERTIFICATE_CHANGES[label](DEVICE).signed(ISSUING.key))


@settings(RANDOM, max_examples=EXAMPLES)
@given(mutated=mutated_certificates(DEVICE, ISSUING.key))
def test_a_mutated_device(plant: _Plant, mutated: tuple[bytes, str]) -> None:
    """Whatever is changed: no exception, and the verdict of hubs."""
    _agree(plant, mutated[0])


@settings(RANDOM, max_examples=EXAMPLES)
@given(mutated=mutated_certificates(CertificateShape.of(ABOVE), ROOT.key))
def test_a_device_below_a_mutated_ca(plant: _Plant, mutated: tuple[bytes, str]) -> None:
    """The group's own certificate is not in the chain, so that the device is refused, or its group is not found; unless nothing changed."""
    above, _ = mutated
    device = DEVICE.signed(ISSUING.key)
    try:
        crypto.load_certificate(crypto.FILETYPE_ASN1, above)
    except crypto.Error:
        return
    code, status = plant.said(device, above)
    assert code == 0
    assert (status == 401) is (above != ABOVE)
