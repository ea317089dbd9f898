"""EnrollmentGroup and IndividualEnrollment: what they declare, and the whole line of every refusal."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pulumi
import pytest
from pulumi.runtime import mocks

from hubtrust import (
    CertificateAuthority,
    EnrollmentGroup,
    Generate,
    IndividualEnrollment,
    ProvisioningService,
    Request,
    TrustedHub,
)
from hubtrust.enrollment_state import state_of
from hubtrust.program_errors import ProgramError
from tests.kit.authorities import hierarchy, leaf, pem_of
from tests.kit.remembering_engine import HUB, SERVICE, Engine, Monitor

_GROUP, _INDIVIDUAL = (f"pulumi-python:dynamic/hubtrust:{one}Entry" for one in ("EnrollmentGroup", "IndividualEnrollment"))
_LEAF = pem_of(leaf(hierarchy().issuing, "press-1"))


def run(program: Callable[[], object], **certificate: Any) -> Engine:
    """Run a program; returns what it registered. ``certificate`` are outputs of each VerifiedCertificate."""
    pulumi.runtime.settings.SETTINGS = pulumi.runtime.Settings("project", "stack")
    engine = Engine()
    engine.certificate |= certificate
    mocks.set_mocks(engine, preview=False, monitor=Monitor(engine))
    pulumi.runtime.test(program)()
    return engine


def service(*authorities: CertificateAuthority) -> ProvisioningService:
    """An existing service at which these are proven."""
    return ProvisioningService("dps", authorities=[*authorities], service=SERVICE)


def authority(name: str = "plant", **arguments: Any) -> CertificateAuthority:
    """A generated CA."""
    return CertificateAuthority(name, source=Generate(common_name="P"), **arguments)


@pytest.mark.parametrize(
    ("outputs", "state"),
    [
        ({"status": "enabled", "revoked": None, "left": None}, {"status": "enabled"}),
        ({"status": "disabled", "revoked": 3.0, "left": ["press-1: why"]}, {"status": "disabled", "revoked": 3, "left": ["press-1: why"]}),
        (None, {"status": "waiting"}),
    ],
)
def test_the_state_has_what_there_is(outputs: dict[str, Any] | None, state: dict[str, Any]) -> None:
    """Whole numbers; a group that waits for its authority's certificate says so."""
    found: list[Any] = []
    entry = SimpleNamespace(**{name: pulumi.Output.from_input(value) for name, value in outputs.items()}) if outputs else None
    run(lambda: state_of(cast("Any", entry)).apply(found.append))
    assert found == [state]


def test_a_group_is_of_the_certificates_that_are_proven_at_its_service() -> None:
    """The current generation's first, then the previous one's while it is kept; after the service, and deleted with it."""

    def program() -> None:
        plant = authority(generation=2, keep_previous=True)
        hub = TrustedHub("hub", authorities=[], hub=HUB)
        EnrollmentGroup("presses", service=service(plant), authorities=plant, hubs=[hub, "b-7.azure-devices.net"], tags={"a_b": 1})

    engine = run(program)
    sent = engine.inputs(_GROUP)
    assert (sent["groupId"], sent["caReferences"], sent["serviceId"]) == ("presses", ["known", "known"], SERVICE)
    assert (sent["hubs"], sent["tags"]) == (["hub-7.azure-devices.net", "b-7.azure-devices.net"], '{"a_b": 1}')
    request = engine.request(_GROUP, "presses")
    assert request.parent.endswith("hubtrust:index:EnrollmentGroup::presses")
    certificates = [one for one in request.dependencies if "VerifiedCertificate::dps-plant" in one]
    assert {one.rpartition("::")[2] for one in certificates} == {"dps-plant-g1", "dps-plant-g2"}


def test_a_service_by_its_id_is_enough() -> None:
    """Of another team's service, with names of its certificates; or with the device's own certificate."""

    def program() -> None:
        EnrollmentGroup("presses", service=SERVICE, ca_references=["root"], cloud="china")
        IndividualEnrollment("press-1", service=pulumi.Output.from_input(SERVICE), certificates=[_LEAF])

    engine = run(program)
    assert engine.inputs(_GROUP)["cloud"] == "china"
    assert engine.inputs(_INDIVIDUAL)["registrationId"] == "press-1"
    assert "hostName" not in engine.inputs(_INDIVIDUAL)


@pytest.mark.parametrize(
    ("state", "status", "is_written"), [("verified", None, True), ("waiting", None, False), ("waiting", "disabled", True)]
)
def test_a_group_waits_for_a_proof(state: str, status: str | None, is_written: bool) -> None:
    """While no certificate of its authority is verified, the run goes on and the group is not written; but it can be disabled."""

    def program() -> None:
        plant = authority()
        EnrollmentGroup("presses", service=service(plant), authorities=plant, status=status)

    sent = run(program, state=state).inputs(_GROUP)
    assert sent["caReferences"] == ["known"]
    told = "certificate 'known' of its authority waits for a proof at the service; prove it, then run again"
    assert sent.get("skip") == (None if is_written else told)


def test_a_group_waits_for_the_first_certificate_of_its_authority() -> None:
    """An authority whose request has no answer has none; the run goes on, so that the request can be fetched."""

    def program() -> None:
        plant = CertificateAuthority("plant", source=Request(common_name="P"))
        group = EnrollmentGroup("presses", service=service(plant), authorities=plant)
        assert group.entry is None

    assert _GROUP not in run(program).registered


_CASES: dict[str, tuple[Callable[[], object], str]] = {
    "no way": (
        lambda: EnrollmentGroup("presses", service=SERVICE),
        "enrollment group 'presses': nothing says which devices belong to it; give one of authorities, ca_references, signing_certificates",
    ),
    "two ways": (
        lambda: EnrollmentGroup("presses", service=SERVICE, ca_references=["a"], signing_certificates=["PEM"]),
        (
            "enrollment group 'presses': ca_references and signing_certificates are given; give only one of authorities, ca_references, "
            "signing_certificates"
        ),
    ),
    "authority of an id": (
        lambda: EnrollmentGroup("presses", service=SERVICE, authorities=authority()),
        (
            "enrollment group 'presses': authorities are given with the resource id of a service, which does not tell their certificates "
            "there; give the ProvisioningService (ProvisioningService.existing), or ca_references"
        ),
    ),
    "authority of elsewhere": (
        lambda: EnrollmentGroup("presses", service=service(authority("other")), authorities=authority()),
        (
            "enrollment group 'presses': the authority 'plant' is not proven at its service, so none of its devices could register; "
            "name 'plant' in the service's authorities, or give one of these"
        ),
    ),
    "three certificates": (
        lambda: _of_three(),  # noqa: PLW0108 - it is defined below
        "enrollment group 'presses': its authorities have 3 certificates, and a group can have 2; make a group for each authority",
    ),
    "no names": (
        lambda: EnrollmentGroup("presses", service=SERVICE, ca_references=[]),
        "ca_references of enrollment group 'presses': there are 0; give one or two, the primary first",
    ),
    "no authority": (
        lambda: EnrollmentGroup("presses", service=service(), authorities=[]),
        "enrollment group 'presses': its list of authorities is empty; give at least one",
    ),
    "service": (
        lambda: EnrollmentGroup("presses", service=TrustedHub("hub", authorities=[], hub=HUB), ca_references=["a"]),  # type: ignore[arg-type]
        "enrollment group 'presses': its service is of type TrustedHub; give a ProvisioningService, or the resource id of a service",
    ),
    "hub's id": (
        lambda: IndividualEnrollment("press-1", service=HUB, certificates=[_LEAF]),
        "service_id of individual enrollment 'press-1': it names an IoT hub, where nobody enrols; give the id of a provisioning service",
    ),
    "hubs": (
        lambda: IndividualEnrollment("press-1", service=SERVICE, certificates=[_LEAF], hubs="hub-7"),
        "hubs of individual enrollment 'press-1': it is a text; give a list of TrustedHub or host names",
    ),
}


def _of_three() -> object:
    first, second = authority("a", generation=2, keep_previous=True), authority("b")
    return EnrollmentGroup("presses", service=service(first, second), authorities=[first, second])


@pytest.mark.parametrize("name", _CASES)
def test_each_refusal_is_one_line(name: str) -> None:
    """It says what to give."""
    declare, line = _CASES[name]
    caught: list[ProgramError] = []

    def program() -> None:
        try:
            declare()
        except ProgramError as error:
            caught.append(error)

    run(program)
    assert [str(error) for error in caught] == [line]
