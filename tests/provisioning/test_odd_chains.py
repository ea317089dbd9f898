"""Devices that enrol with certificates as people have them: each gets an answer, and none is let in whose path a hub would refuse."""

import asyncio
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from OpenSSL import crypto

from local_azure_iot.hub_registry import device_access
from local_azure_iot.judge import connection_check
from local_azure_iot.provisioning import operations, registrants
from local_azure_iot.provisioning.registrants import Registrant
from tests.kit.certificate_shapes import CertificateShape
from tests.kit.der_mutations import CERTIFICATE_CHANGES, mutated_certificates
from tests.kit.device_certificates import Party
from tests.kit.mutated_runs import MUTATIONS
from tests.kit.randomly import RANDOM
from tests.local_azure.in_process import InProcess
from tests.provisioning.enrolling import Enrolling, by_reference, by_signing
from tests.provisioning.service import Service

EXAMPLES = MUTATIONS or 60
ROOT = Party("Trial root")
ISSUING = ROOT.authority_below("Issuing")
BELOW = ISSUING.device("press-001")


def _der(party: Party) -> bytes:
    return party.certificate.public_bytes(serialization.Encoding.DER)


LEAF_SHAPE, ISSUING_SHAPE = CertificateShape.of(_der(BELOW)), CertificateShape.of(_der(ISSUING))


@dataclass
class Door:
    """A service that lets in what is below one root, by reference or by the issuing CA's certificate."""

    enrolling: Enrolling
    scope: str

    def answer(self, *chain: bytes, registration_id: str = "press-001") -> int | None:
        """The status of an answer, as it must be; None: OpenSSL, which reads what TLS brings, reads no such certificate."""
        try:
            sent = [crypto.load_certificate(crypto.FILETYPE_ASN1, each) for each in chain]
        except crypto.Error:
            return None
        azure = self.enrolling.azure.azure
        found = registrants.find_service(azure, "AzureCloud", self.scope)
        assert found
        registrant = Registrant(*found, registration_id, sent)

        async def register() -> operations.Dialogue:
            return operations.register(azure, registrant, b"")

        answer = self.enrolling.azure.loop.run_until_complete(register())
        if work := azure.background.running("registration"):
            self.enrolling.azure.loop.run_until_complete(asyncio.wait(work))
        refusal = connection_check.path_refusal(sent, device_access.anchors(azure, found[0]), azure.clock.now())
        assert answer.status in {202, 401}, answer
        assert answer.status == 401 or refusal is None, refusal
        if answer.status == 401:
            assert azure.registrations.entries[-1].reason
        return answer.status


@pytest.fixture(scope="module", params=["reference", "signing certificate"])
def door(azure: InProcess, request: pytest.FixtureRequest) -> Door:
    """A service with a group."""
    azure.log_in()
    enrolling = Enrolling(Service(azure, azure.hub(kind="provisioningServices")))
    enrolling.link(enrolling.hub("north"))
    enrolling.trust("ca", ROOT)
    enrolling.put_group("press", by_reference("ca") if request.param == "reference" else by_signing(ISSUING))
    return Door(enrolling, enrolling.scope)


def test_each_change(door: Door) -> None:
    """In the device's own certificate, and in the CA's above it. Some are let in, so that the others are refused for what they are."""
    answers = set[int | None]()
    for change in CERTIFICATE_CHANGES.values():
        leaf, issuing = change(LEAF_SHAPE), change(ISSUING_SHAPE)
        answers.add(door.answer(leaf.signed(ISSUING.key), _der(ISSUING), _der(ROOT)))
        answers.add(door.answer(_der(BELOW), issuing.signed(ROOT.key), _der(ROOT)))
    assert answers == {None, 202, 401}


@settings(RANDOM, max_examples=EXAMPLES)
@given(mutated_certificates(LEAF_SHAPE, ISSUING.key))
def test_any_leaf(door: Door, changed: tuple[bytes, str]) -> None:
    """One octet or a part of it is another one."""
    door.answer(changed[0], _der(ISSUING), _der(ROOT))


@settings(RANDOM, max_examples=EXAMPLES)
@given(mutated_certificates(ISSUING_SHAPE, ROOT.key))
def test_any_authority(door: Door, changed: tuple[bytes, str]) -> None:
    """The CA between, and the same certificate as the device's own."""
    door.answer(_der(BELOW), changed[0], _der(ROOT))
    door.answer(changed[0], _der(ROOT), registration_id="Issuing")
