"""A rotation reaches a provisioning service: a new device enrols under the new CA while an old one still connects."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hubtrust.dynamic.authority_generation import AuthorityGenerationProvider
from hubtrust.dynamic.enrollment_group import EnrollmentGroupProvider
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from local_azure_iot import installation
from tests.kit.authorities import private_pem
from tests.kit.device_certificates import Party
from tests.kit.enrolling_device import EnrollingDevice
from tests.kit.enrollments import Enrollments
from tests.kit.local_azure import LocalAzure
from tests.kit.provider_process import CallFailedError, ProviderProcess
from tests.kit.provisioning_client import ProvisioningClient


@pytest.fixture
def enrollments(azure: LocalAzure) -> Iterator[Enrollments]:
    """A service with one hub, whose enrollments the deployer may manage; devices are told to ask again at once."""
    client = ProvisioningClient(azure, azure.hub("provisioningServices"))
    with client.http:
        found = Enrollments(azure, client)
        found.link(azure.hub())
        found.grant()
        found.clear()
        azure.control("PATCH", "/settings", {"retry_after": 0})
        yield found
        azure.control("PATCH", "/settings", {"retry_after": None})
        found.clear()
        for hub in found.hubs:
            hub.http.close()


def certificate(enrollments: Enrollments, authority: Party, generation: int) -> dict[str, Any]:
    """The inputs of a generation's certificate on the service."""
    signer = {"custody": "state", "privateKey": private_pem(authority.key)}
    here = {"serviceId": enrollments.service.id, "name": "plant", "generation": generation}
    return {**here, "certificate": authority.pem, "signer": signer}


def standing(enrollments: Enrollments, generation: int, *, keep: bool = False, **changes: Any) -> dict[str, Any]:
    """The inputs of the record of the generations on the service."""
    return {"authority": "plant", "generation": generation, "keepPrevious": keep, "serviceId": enrollments.service.id, **changes}


def device(authority: Party, name: str, folder: Path) -> EnrollingDevice:
    return EnrollingDevice(authority.device(name), folder / f"{name}-{id(authority)}")


def enrols(found: EnrollingDevice, client: ProvisioningClient) -> bool:
    return found.register(client).body.get("status") == "assigned"


def test_a_new_device_enrols_under_the_new_ca_while_an_old_one_connects(
    azure: LocalAzure, enrollments: Enrollments, tmp_path: Path
) -> None:
    """Each step in the order of a program. The old CA goes when it is said that nobody needs it; nobody is disconnected by that."""
    old_ca, new_ca = Party("Plant CA"), Party("Plant CA")  # a rotation keeps the name
    (hub,), client = enrollments.hubs, enrollments.client
    with ProviderProcess(installation.environment(azure.ready)) as run:
        watch, certificates = run.of(AuthorityGenerationProvider), run.of(VerifiedCertificateProvider)
        groups = run.of(EnrollmentGroupProvider)
        first = certificates.create(certificate(enrollments, old_ca, 1))
        record = watch.create(standing(enrollments, 1))
        group = groups.create(enrollments.group(caReferences=[first.outs["certificateName"]]))
        old = device(old_ca, "press-1", tmp_path)
        assert enrols(old, client)

        second = certificates.create(certificate(enrollments, new_ca, 2))
        names = [second.outs["certificateName"], first.outs["certificateName"]]
        assert len(set(names)) == 2, "under one name, the first would lose its verification"
        both = watch.update(record, standing(enrollments, 2, keep=True))
        group = groups.update(group, enrollments.group(caReferences=names))
        new = device(new_ca, "press-2", tmp_path)
        assert (enrols(new, client), enrols(device(old_ca, "press-3", tmp_path), client)) == (True, True)
        assert (old.connects(hub), new.connects(hub)) == (True, True)

        enrollments.change("presses", provisioningStatus="disabled")
        assert old.register(client).body["status"] == "disabled", "which is the last that is known of it; it stays connected"
        enrollments.change("presses", provisioningStatus="enabled")
        refusal = "generation 1 is to be deleted: 3 devices have registered by groups of this authority, and Azure does not show which"
        with pytest.raises(CallFailedError, match=f"{refusal}.*set caKeepPrevious: true until .*, then caDropGeneration: 1"):
            watch.update(both, standing(enrollments, 2))
        with pytest.raises(CallFailedError, match="enrollment group 'presses' refers to it, and would admit no device without it"):
            certificates.delete(first)
        alone = watch.update(both, standing(enrollments, 2, dropGeneration=1))
        groups.update(group, enrollments.group(caReferences=names[:1]))
        certificates.delete(first)
        assert list(enrollments.service.verified()) == names[:1]
        assert (old.connects(hub), new.connects(hub)) == (True, True), "the hub compares thumbprints"
        assert enrols(device(new_ca, "press-4", tmp_path), client)
        assert old.register(client).body["errorCode"] == 401002

        moved = device(new_ca, "press-1", tmp_path)  # the old device with a certificate of the new CA
        assert not moved.connects(hub), "it was renewed without registering again"
        assert enrols(moved, client)
        assert (moved.connects(hub), old.connects(hub)) == (True, False)
        watch.delete(alone)


def test_whoever_can_not_see_registrations_refuses(azure: LocalAzure, enrollments: Enrollments) -> None:
    """No answer is not "no devices". A disabled group, and one of another authority, depends on nothing."""
    ca, other = Party("Plant CA"), Party("Mill CA")
    with ProviderProcess(installation.environment(azure.ready)) as run:
        watch, certificates = run.of(AuthorityGenerationProvider), run.of(VerifiedCertificateProvider)
        first = certificates.create(certificate(enrollments, ca, 1))
        record = watch.create(standing(enrollments, 1))
        enrollments.prove("mill-g1-aaaaaaaa", other)
        enrollments.put_by_reference("mills", "mill-g1-aaaaaaaa")
        enrollments.clear("401:path=/enrollmentGroups/query")
        unknown = "is unknown, because .*Azure answers 401.*'Device Provisioning Service Data Contributor'"
        with pytest.raises(CallFailedError, match=f"whether devices depend on it {unknown}.*caDropGeneration: 1"):
            watch.update(record, standing(enrollments, 2))
        with pytest.raises(CallFailedError, match=f"whether an enrollment group refers to it {unknown}"):
            certificates.delete(first)
        enrollments.clear()
        enrollments.put_by_reference("presses", first.outs["certificateName"], provisioningStatus="disabled")
        assert watch.update(record, standing(enrollments, 2)).outs["generation"] == 2
        enrollments.delete("presses")
        certificates.delete(first)
    assert list(enrollments.service.verified()) == ["mill-g1-aaaaaaaa"]


def test_a_service_is_not_left_while_devices_may_register_there(azure: LocalAzure, enrollments: Enrollments, tmp_path: Path) -> None:
    """They have its id scope. A service that is gone, and consent, are no obstacle."""
    ca, other = Party("Plant CA"), azure.hub("provisioningServices")
    moved = standing(enrollments, 1) | {"serviceId": other.id}
    with ProviderProcess(installation.environment(azure.ready)) as run:
        watch, certificates = run.of(AuthorityGenerationProvider), run.of(VerifiedCertificateProvider)
        first = certificates.create(certificate(enrollments, ca, 1))
        record = watch.create(standing(enrollments, 1))
        enrollments.put_by_reference("presses", first.outs["certificateName"])
        assert enrols(device(ca, "press-1", tmp_path), enrollments.client)
        match = r"on provisioning service '[^']+': generation 1 is to be deleted: 1 device has registered .*set caDropGeneration: 1"
        with pytest.raises(CallFailedError, match=match):
            watch.update(record, moved)
        assert watch.update(record, moved | {"dropGeneration": 1}).outs["serviceId"] == other.id
        enrollments.service.delete_hub()
        assert watch.update(record, moved).outs["serviceId"] == other.id


def test_another_key_inside_a_generation_keeps_the_old_one(azure: LocalAzure, enrollments: Enrollments, tmp_path: Path) -> None:
    """Devices that registered under the old key may need it to register again: the certificate of the old key stays until it is dropped."""
    old_ca, new_ca = Party("Plant CA"), Party("Plant CA")
    inputs, others = certificate(enrollments, old_ca, 1), certificate(enrollments, new_ca, 1)
    with ProviderProcess(installation.environment(azure.ready)) as run:
        first = run.of(VerifiedCertificateProvider).create(inputs)
        record = run.of(AuthorityGenerationProvider).create(standing(enrollments, 1))
        enrollments.put_by_reference("presses", first.outs["certificateName"])
        assert enrols(device(old_ca, "press-1", tmp_path), enrollments.client)
    with ProviderProcess(installation.environment(azure.ready)) as run:
        watch, certificates = run.of(AuthorityGenerationProvider), run.of(VerifiedCertificateProvider)
        watch.check(standing(enrollments, 1), record.outs)
        certificates.check(others, inputs)
        certificates.create(others)
        match = r"generation 1 has another key now.*1 device has registered .*caDropGeneration: 1 \(drop_generation of ProvisioningService"
        with pytest.raises(CallFailedError, match=match):
            certificates.delete(first)
        assert len(enrollments.service.verified()) == 2
