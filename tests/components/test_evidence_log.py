"""EvidenceLog: the facts that it gives EvidenceRecords, what signs, and every refusal."""

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from hubtrust import (
    CertificateAuthority,
    EnrollmentFleet,
    EnrollmentGroup,
    EvidenceLog,
    Generate,
    HubArgs,
    IndividualEnrollment,
    ProvisioningService,
    TrustedDevice,
    TrustedFleet,
    TrustedHub,
    from_ids,
)
from hubtrust.evidence.changes import is_fact
from hubtrust.program_errors import ProgramError
from tests.kit.authorities import hierarchy, leaf, pem_of
from tests.kit.remembering_engine import HUB, SERVICE, Engine, Monitor, is_secret

_RECORDS = "pulumi-python:dynamic/hubtrust:EvidenceRecords"
_PROOF = {"code": "C", "proof": "PEM", "etag": "E1", "acceptedAt": "T", "requestId": None, "correlationId": None, "commit": None}
_OUTPUTS = {"count": 3.0, "enabled": 2.0, "exceptions": ["press-1: disabled"], "adopted": {"count": 2.0, "digest": "ab"}}
_LEAF = pem_of(leaf(hierarchy().issuing, "press-1"))


def run(program: Callable[[], object], **outputs: Any) -> Engine:
    """Run a program; returns what it registered. ``outputs`` are those of each resource of ours."""
    pulumi.runtime.settings.SETTINGS = pulumi.runtime.Settings("project", "stack")
    engine = Engine()
    engine.certificate |= outputs
    mocks.set_mocks(engine, preview=False, monitor=Monitor(engine))
    pulumi.runtime.test(program)()
    return engine


def facts_of(engine: Engine) -> list[dict[str, Any]]:
    """What EvidenceRecords gets; each is one that it takes."""
    found = [json.loads(one) for one in engine.inputs(_RECORDS)["facts"]]
    assert all(map(is_fact, found))
    return found


def authority(**more: Any) -> CertificateAuthority:
    """A generated CA."""
    return CertificateAuthority("plant", source=Generate(common_name="P"), **more)


def test_a_hub_and_its_certificates() -> None:
    """One fact of each generation, with the names that the state has; what may be dropped; what signs is a secret."""

    def program() -> None:
        ca = authority(generation=2, keep_previous=True)
        hub = TrustedHub("plant", authorities=[ca], hub=HubArgs(adopt_id=HUB), drop_generation=1)
        EvidenceLog("plant", hubs=[hub], file="evidence.jsonl")

    sender = {"deployedBy": {"objectId": "O", "tenantId": "T"}}
    engine = run(program, proofs=[_PROOF | sender], serviceId=HUB)
    adopted, newest, previous, consent = facts_of(engine)
    assert adopted == {"kind": "hub", "id": HUB, "adopted": True}
    assert [(one["generation"], type(one["generation"])) for one in (newest, previous)] == [(2, int), (1, int)]
    assert newest["proofs"] == [_PROOF | sender]
    assert (newest["service"], newest["state"], newest["proof"]) == (HUB, "verified", "possession")
    assert consent == {"kind": "consent", "service": HUB, "authority": "plant", "dropGeneration": 1}
    sent = engine.named(_RECORDS, "plant")
    assert (is_secret(sent["signers"]), sent["file"]) == (True, "evidence.jsonl")
    assert sent["stack"].endswith("/project/stack")


def test_enrollments_fleets_and_devices() -> None:
    """Their states and counts; that a fleet's members change is no fact."""

    def program() -> None:
        ca = authority()
        hub, service = TrustedHub("plant", authorities=[ca], hub=HUB), ProvisioningService("dps", authorities=[ca], service=SERVICE)
        group = EnrollmentGroup("presses", service=service, authorities=ca)
        single = IndividualEnrollment("press-1", service=service, registration_id="press-1", certificates=[_LEAF])
        fleets = [TrustedFleet("fleet", hub=hub, authority=ca, roster=from_ids(["a"])), EnrollmentFleet("many", service=service)]
        device = TrustedDevice("press-9", hub=hub, authority=ca, make_key=True)
        EvidenceLog("plant", services=[service], enrollments=[group, single], fleets=fleets, devices=[device])

    outputs = {"status": "disabled", "revoked": 3.0, "left": ["press-2: why"], **_OUTPUTS}
    by_kind = {f"{one['kind']} {one.get('form', '')}".strip(): one for one in facts_of(run(program, **outputs))}
    assert by_kind.keys() == {"certificate", "enrollment group", "enrollment individual", "devices", "enrollments", "device"}
    counted = {name: by_kind["enrollment group"][name] for name in ("id", "status", "revoked", "left")}
    assert counted == {"id": "presses", "status": "disabled", "revoked": 3, "left": 1}
    assert by_kind["enrollment individual"]["id"] == "press-1"
    for kind, place, name in (("devices", "hub", "fleet"), ("enrollments", "service", "many")):
        said = {"disabled": 1, "exceptions": ["press-1: disabled"], "adopted": {"count": 2, "digest": "ab"}}
        assert by_kind[kind].items() >= {"fleet": name, **said}.items()
        assert by_kind[kind][place]
    assert by_kind["device"]["status"] == "disabled"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"hubs": HUB}, "hubs of evidence log 'plant': it is a text; give a plain list of TrustedHub"),
        ({"hubs": [HUB]}, "hubs of evidence log 'plant': one of them is a text; give a plain list of TrustedHub"),
        ({"fleets": pulumi.Output.from_input([])}, "give a plain list of TrustedFleet and EnrollmentFleet"),
        ({"file": ""}, "file of evidence log 'plant': it is ''; give a text that is not empty"),
        ({"cloud": "mars"}, "cloud"),
    ],
)
def test_every_refusal(given: dict[str, Any], told: str) -> None:
    """In one line."""
    with pytest.raises(ProgramError) as error:
        run(lambda: EvidenceLog("plant", **given))
    assert told in str(error.value)
    assert "\n" not in str(error.value)
