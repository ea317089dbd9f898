"""What is wrong with an enrollment: the whole line that the user sees, before anything is written; Azure takes most of it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hubtrust.dynamic.enrollment_group import EnrollmentGroupProvider
from hubtrust.dynamic.individual_enrollment import IndividualEnrollmentProvider
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from tests.kit.device_certificates import Party
from tests.kit.enrollments import Enrollments
from tests.kit.local_azure import Hub, LocalAzure
from tests.kit.provider_process import CallFailedError, Provider, ProviderProcess
from tests.kit.provisioning_client import ProvisioningClient

ROOT, OTHER = Party("Plant root"), Party("Other root")
ISSUING = ROOT.authority_below("Hall 2")
DEVICE = ROOT.device("press-1")


@pytest.fixture(scope="module")
def linked(azure: LocalAzure) -> Hub:
    return azure.hub()


@pytest.fixture(scope="module")
def shared(azure: LocalAzure, linked: Hub) -> Iterator[Enrollments]:
    """One service for all refusals: nothing is written to it. Of its three CAs one is not verified."""
    client = ProvisioningClient(azure, azure.hub("provisioningServices"))
    with client.http:
        found = Enrollments(azure, client)
        found.link(linked)
        found.prove("root", ROOT)
        found.prove("waiting", OTHER, verified=False)
        found.grant()
        client.put_group("taken", ROOT)
        client.put_enrollment("press-7", ROOT.device("press-7"))
        yield found


@pytest.fixture
def groups(named_process: ProviderProcess) -> Provider:
    return named_process.of(EnrollmentGroupProvider)


@pytest.fixture
def individuals(named_process: ProviderProcess) -> Provider:
    return named_process.of(IndividualEnrollmentProvider)


# Inputs, and what `check` says of them, so that a preview says it too.
CHECKED: list[tuple[dict[str, Any], str]] = [
    (
        {"caReferences": None},
        "caReferences and signingCertificates: neither is given, so nothing says which devices belong to the group; give one of them",
    ),
    ({"signingCertificates": [ISSUING.pem]}, "caReferences and signingCertificates: both are given; give one of them"),
    ({"caReferences": []}, "caReferences: there are 0; give one or two, the primary first"),
    ({"caReferences": ["a", "b", "c"]}, "caReferences: there are 3; give one or two, the primary first"),
    ({"caReferences": ["root", "Root"]}, "caReferences: both are 'root'; leave one out"),
    (
        {"caReferences": None, "signingCertificates": [DEVICE.pem]},
        (
            f"signingCertificates: 'CN=press-1' ({DEVICE.thumbprint()[:8]}): it is not a CA: basicConstraints has cA "
            "false (RFC 5280 4.2.1.9); "
            "give the certificate of the authority that signs devices"
        ),
    ),
    (
        {"caReferences": None, "signingCertificates": [ROOT.pem, ROOT.pem]},
        "signingCertificates: both certificates are the same; leave one out",
    ),
    (
        {"groupId": "presses."},
        "groupId: group id 'presses.': Azure does not accept this id; use letters, digits and - . _ : with a letter, digit or - at the end",
    ),
    ({"groupId": "x" * 129}, f"groupId: group id '{'x' * 20}…': it has 129 characters; use at most 128"),
    (
        {"serviceId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/h"},
        "serviceId: it names an IoT hub, where nobody enrols; give the id of a provisioning service",
    ),
    (
        {"allocation": "static"},
        "allocation: 'static' assigns every device to one hub, and hubs names none; name exactly one hub, or use hashed",
    ),
    (
        {"allocation": "static", "hubs": ["a-b.azure-devices.net", "c-d.azure-devices.net"]},
        "allocation: 'static' assigns every device to one hub, and hubs names 2; name exactly one hub, or use hashed",
    ),
    ({"allocation": "nearest"}, "allocation: it is 'nearest'; use hashed, static, geoLatency, custom"),
    ({"hubs": []}, "hubs: it is empty, which Azure treats as all linked hubs; name 1 to 50 linked hubs, or leave it out for all of them"),
    ({"hubs": ["hub 7"]}, "hubs: 'hub 7' is not a hub's host name; write it as hub-7.azure-devices.net, or leave it out"),
    (
        {"allocation": "custom"},
        "webhook: allocation is 'custom', and there is none; give the https URL of the webhook and its api-version, or use hashed",
    ),
    (
        {"allocation": "custom", "webhook": "https://f.example/api"},
        "webhookVersion: allocation is 'custom', and there is none; give the https URL of the webhook and its api-version, or use hashed",
    ),
    (
        {"allocation": "custom", "webhook": "http://f.example/?code=SECRET", "webhookVersion": "2019-03-31"},
        "webhook: it is not the https URL of a webhook; give the URL of a function or web service that Azure can reach",
    ),
    (
        {"allocation": "custom", "webhook": "https://f.example/", "webhookVersion": "2017-11-15"},
        "webhookVersion: it is '2017-11-15'; use an api-version from 2018-09-01-preview on, such as 2019-03-31",
    ),
    (
        {"webhook": "https://f.example/", "webhookVersion": "2019-03-31"},
        "webhook: it has no effect with allocation not declared; set allocation to custom, or remove it",
    ),
    ({"tags": '{"version": "A"}'}, "tags: 'version' is a name that Azure uses itself in initial twins; use another name"),
    ({"tags": '{"hubtrust": "A"}'}, "tags: 'hubtrust' is reserved for the tag that names the device's owner; use another name"),
    ({"status": "off"}, "status: it is 'off'; use enabled or disabled"),
    ({"reprovision": "always"}, "reprovision: it is 'always'; use migrate, reset, never"),
]


@pytest.mark.parametrize(("own", "line"), CHECKED)
def test_what_contradicts_itself_is_told_in_the_preview(groups: Provider, own: dict[str, Any], line: str) -> None:
    """In `check`, with the input's name; no secret is in it."""
    given = {"serviceId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/provisioningServices/d"}
    news = {**given, "groupId": "presses", "caReferences": ["root"], **own}
    failures = groups.check({name: value for name, value in news.items() if value is not None}).failures
    assert [reason for _, reason in failures] == [line]
    assert "SECRET" not in str(failures)


_INDIVIDUAL: list[tuple[dict[str, Any], str]] = [
    (
        {"registrationId": "press-2"},
        (
            f"certificates: the common name of 'CN=press-1' ({DEVICE.thumbprint()[:8]}) is 'press-1', and the "
            "registration id is 'press-2'; "
            "use the common name as registration id, or have a certificate issued for it"
        ),
    ),
    (
        {"registrationId": "4F2A91C0" * 6},
        (
            "registrationId: device '4F2A91C04F2A91C04F2A91C04F2A91C04F2A91C04F2A91C0': its id has the form of an Azure verification code "
            "(48 hex digits), and a certificate for a code proves the CA on the code's hub; use another name"
        ),
    ),
    ({"registrationId": "p" * 65}, "registrationId: it has 65 characters, and it is the common name of a certificate; use at most 64"),
    (
        {"certificates": [DEVICE.pem + ROOT.pem]},
        "certificates: a text has 2 certificates; give only the device's own certificate: Azure compares no other",
    ),
    (
        {"deviceId": "press 1"},
        "deviceId: device 'press 1': its id has the character ' '; use letters, digits and - . % _ * ? ! ( ) , : = @ $ '",
    ),
]


@pytest.mark.parametrize(("own", "line"), _INDIVIDUAL)
def test_a_device_registers_with_its_common_name(individuals: Provider, own: dict[str, Any], line: str) -> None:
    """Azure takes another id, and refuses the device."""
    given = {"serviceId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/provisioningServices/d"}
    news = {**given, "registrationId": "press-1", "certificates": [DEVICE.pem], **own}
    assert [reason for _, reason in individuals.check(news).failures] == [line]
    assert not individuals.check(news | {"registrationId": "PRESS-1", "certificates": [DEVICE.pem], "deviceId": "p"}).failures


def _expired(name: str, **own: Any) -> Party:
    return Party(name, ROOT, start=datetime.now(UTC) - timedelta(days=40), **own)


_OLD, _OLD_DEVICE = _expired("Hall 1"), _expired("press-3", authority=False)
# Inputs, and what is told before the first write; {dps} is the service's name, {hub} the linked hub.
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (
        "presses",
        {"caReferences": ["roots"]},
        (
            "there is no certificate 'roots' on provisioning service '{dps}' (there: root, waiting); prove the CA there (authorities of "
            "ProvisioningService, or VerifiedCertificate), or name another"
        ),
    ),
    (
        "presses",
        {"caReferences": ["waiting"]},
        (
            "certificate 'waiting' on provisioning service '{dps}' is not verified, so every device would be "
            "refused ('CA certificate not "
            "found.'); prove possession of its key first (authorities of ProvisioningService, or VerifiedCertificate)"
        ),
    ),
    (
        "presses",
        {"caReferences": None, "signingCertificates": [ISSUING.pem]},
        (
            f"'CN=Hall 2' ({ISSUING.thumbprint()[:8]}) is not verified on provisioning service '{{dps}}', so every "
            "device would be refused "
            "('CA certificate not found.'); prove a CA above it there (authorities of ProvisioningService), and give "
            "the certificates up to "
            "that CA after this one"
        ),
    ),
    (
        "presses",
        {"caReferences": None, "signingCertificates": [ISSUING.pem + OTHER.pem]},
        (
            f"'CN=Hall 2' ({ISSUING.thumbprint()[:8]}) was not signed by 'CN=Other root' ({OTHER.thumbprint()[:8]}), "
            "which follows it; give the "
            "signing certificate first, then its issuer, and so on"
        ),
    ),
    (
        "presses",
        {"hubs": ["other-hub.azure-devices.net"]},
        (
            "hub 'other-hub.azure-devices.net' is not linked to provisioning service '{dps}' (linked is {hub}); link it there (hubs of "
            "ProvisioningService), or leave it out"
        ),
    ),
    (
        "presses",
        {"caReferences": None, "signingCertificates": [ROOT.pem]},
        (
            f"certificate 'CN=Plant root' ({ROOT.thumbprint()[:8]}) is in enrollment group 'taken' of provisioning "
            f"service '{{dps}}' too; Azure "
            "lets a certificate be in one entry, and uses the first it finds; use another one here, or remove it from "
            "enrollment group 'taken' "
            "first"
        ),
    ),
    (
        "presses",
        {},
        (
            "certificate 'root' is in enrollment group 'taken' of provisioning service '{dps}' too; Azure lets a "
            "certificate be in one entry, and "
            "uses the first it finds; use another one here, or remove it from enrollment group 'taken' first"
        ),
    ),
]


@pytest.mark.parametrize(("id_", "own", "line"), REFUSED)
def test_what_no_device_could_use_is_refused_before_it_is_written(
    groups: Provider, shared: Enrollments, id_: str, own: dict[str, Any], line: str
) -> None:
    """Azure takes each of these, and refuses every device later."""
    shared.clear()
    with pytest.raises(CallFailedError) as caught:
        groups.create(shared.group(groupId=id_, **own))
    name = shared.client.host.partition(".")[0]
    expected = line.format(dps=name, hub=shared.hubs[0].host)
    assert str(caught.value).strip() == f"enrollment group '{id_}' on provisioning service '{name}': {expected}"
    assert shared.calls(writes=True) in ([], ["POST /enrollmentGroups/query"])


def test_certificates_that_are_not_valid_now_are_refused(groups: Provider, individuals: Provider, shared: Enrollments) -> None:
    """An expired signing certificate, and an expired device."""
    for provider, news, party in (
        (groups, shared.group(caReferences=None, signingCertificates=[_OLD.pem + ROOT.pem]), _OLD),
        (individuals, shared.individual(_OLD_DEVICE), _OLD_DEVICE),
    ):
        with pytest.raises(CallFailedError, match=rf"^'CN={party.name}' \({party.thumbprint()[:8]}\): it expired on 20.*; renew it and"):
            provider.create(news)


def test_a_device_in_two_enrollments_is_refused(individuals: Provider, shared: Enrollments) -> None:
    """One that others made under another id, which Azure takes, has this device's certificate."""
    device = Party("press-8", authority=False)
    shared.client.put_enrollment("hall-2", device)
    with pytest.raises(CallFailedError, match="is in individual enrollment 'hall-2' of provisioning service"):
        individuals.create(shared.individual(device))


def test_a_check_never_keeps_a_run_from_taking_something_away(groups: Provider, shared: Enrollments) -> None:
    """A group whose CA is not verified any more, or whose hub was unlinked, can be disabled and changed; only what is new is checked."""
    authority = Party("Hall 9")
    shared.prove("hall-9", authority)
    created = groups.create(shared.group(groupId="hall-9", caReferences=["hall-9"]))
    shared.prove("hall-9", authority, verified=False)
    shared.clear()
    changed = groups.update(created, shared.group(groupId="hall-9", caReferences=["hall-9"], status="disabled"))
    assert shared.calls(writes=True) == ["PUT /enrollmentGroups/hall-9"]
    groups.delete(changed)
    shared.service.delete("hall-9")


def test_the_101st_group_is_azures_refusal_explained(groups: Provider, azure: LocalAzure) -> None:
    """With how many there are, and what to do."""
    client = ProvisioningClient(azure, azure.hub("provisioningServices"))
    with client.http:
        found = Enrollments(azure, client)
        found.prove("root", ROOT)
        found.grant()
        for number in range(100):
            found.put_by_reference(f"g-{number}", f"ca-{number}")
        with pytest.raises(CallFailedError) as caught:
            groups.create(found.group())
    assert "(the service has 100 groups with certificates, and Azure allows 100); remove groups that nobody needs, or use another" in str(
        caught.value
    )


def test_the_26th_ca_is_told_as_a_limit(named_process: ProviderProcess, azure: LocalAzure) -> None:
    """Before anything is sent, with the number that Azure allows."""
    service = azure.hub("provisioningServices")
    for number in range(25):
        service.put(f"ca-{number}", ROOT.pem)
    news = {"serviceId": service.id, "certificate": OTHER.pem, "attest": True, "deadline": 10.0}
    with pytest.raises(CallFailedError, match=r"certificate 'ca-g1-.*-attested' on provisioning service '.*': .*25"):
        named_process.of(VerifiedCertificateProvider).create(news)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("429", "Azure answers 429"),
        ("503", "Azure answers 503"),
        ("404-service", "Azure answers"),
    ],
)
def test_a_service_that_can_not_answer_is_told(groups: Provider, shared: Enrollments, fault: str, words: str) -> None:
    """A throttled one: with Azure's words, and that work already done is kept."""
    shared.clear(f"{fault}:path=/enrollmentGroups/*")
    with pytest.raises(CallFailedError) as caught:
        groups.create(shared.group(groupId="busy", deadline=2.0))
    shared.clear()
    assert words in str(caught.value)
    assert str(caught.value).count("\n") <= 1


def test_missing_rights_name_the_role(groups: Provider, azure: LocalAzure) -> None:
    """Not even an owner of the subscription has them."""
    client = ProvisioningClient(azure, azure.hub("provisioningServices"))
    with client.http:
        found = Enrollments(azure, client)
        with pytest.raises(CallFailedError) as caught:
            groups.create(found.group(deadline=2.0))
    assert "give this identity the role 'Device Provisioning Service Data Contributor' on the service" in str(caught.value)
