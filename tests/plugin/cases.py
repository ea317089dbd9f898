"""The table of cases: what one stack declares in one run after another. Both shells run each case, each on a hub of its own.

What Azure has to do with is in the rows of the fault matrix; the other resources have rows here.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from hubtrust import signer_inputs
from hubtrust.dynamic.authority_generation import AuthorityGenerationProvider
from hubtrust.dynamic.authority_request import AuthorityRequestProvider
from hubtrust.dynamic.evidence_records import EvidenceRecordsProvider
from hubtrust.dynamic.hub_owner import HubOwnerProvider
from hubtrust.dynamic.issued_batch import IssuedBatchProvider
from hubtrust.dynamic.issued_certificate import IssuedCertificateProvider
from hubtrust.dynamic.lifecycle import Reconciler
from hubtrust.dynamic.possession_proof import PossessionProofProvider
from tests.faults.case_hub import CaseHub
from tests.faults.certificates import authority
from tests.faults.scenario import Scenario
from tests.faults.scenarios import SCENARIOS
from tests.faults.stack import Declared
from tests.kit.authorities import ec_key, name, private_pem

_KEY, _OTHER = ec_key(), ec_key()
_LONG = {"DeviceFleet, first create, 120 devices", "EnrollmentFleet, first create, 12 enrollments"}  # no more than a change shows
Run = Callable[[CaseHub], Declared]


@dataclass(frozen=True)
class Case:
    """One stack, run after run; ``meanwhile`` is done before its last run."""

    title: str
    kind: str
    setup: Callable[[CaseHub], None]
    runs: Sequence[Run]
    meanwhile: Callable[[CaseHub], None]


def _of(scenario: Scenario) -> Case:
    runs = (scenario.before, scenario.declared)
    return Case(scenario.title, scenario.kind, scenario.setup, runs, scenario.meanwhile)


def _own(provider: type[Reconciler], *inputs: dict[str, Any], of: str = "") -> Case:
    """A resource without a service: it gets these inputs, one run after another."""
    runs = [lambda _case, news=news: {"own": (provider, news)} for news in inputs]
    return Case(provider.__name__.removesuffix("Provider") + of, "IotHubs", lambda _case: None, runs, lambda _case: None)


def _signer(key: Any) -> dict[str, Any]:
    return signer_inputs.in_state(private_pem(key))


def _root(**changes: Any) -> dict[str, Any]:
    return {"profile": "root", "subject": "CN=Plant A Root", "signer": _signer(_KEY)} | changes


def _device(**changes: Any) -> dict[str, Any]:
    public = _OTHER.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    ca = authority(1)
    below = {"profile": "device", "deviceId": "press-1", "publicKey": public, "issuerCertificate": ca.pem}
    return below | {"signer": signer_inputs.in_state(ca.private_pem)} | changes


def _batch(*device_ids: str) -> dict[str, Any]:
    builders = (x509.CertificateSigningRequestBuilder().subject_name(name(one)) for one in device_ids)
    requests = [each.sign(_OTHER, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode() for each in builders]
    ca = authority(1)
    return {"requests": "".join(requests), "issuerCertificate": ca.pem, "signer": signer_inputs.in_state(ca.private_pem)}


def _proof(code: str | None) -> dict[str, Any]:
    ca = authority(1)
    asked = {"certificate": ca.pem, "signer": signer_inputs.in_state(ca.private_pem)}
    return asked if code is None else asked | {"code": code}


def _evidence(*states: str) -> dict[str, Any]:
    """A device in these states, one run after another."""
    facts = [{"kind": "device", "hub": "/subscriptions/s", "id": "press-1", "status": one} for one in states]
    ca = authority(1)
    signers = [{"certificate": ca.pem, "signer": signer_inputs.in_state(ca.private_pem)}]
    return {"stack": "organization/project/one", "facts": [json.dumps(one) for one in facts], "signers": signers}


CASES = (
    *(_of(each) for each in SCENARIOS if not each.login and each.title not in _LONG),
    _own(IssuedCertificateProvider, _root(), _root(lifetimeDays=3000), _root(subject="CN=Plant B Root"), _root(signer=_signer(_OTHER))),
    _own(IssuedCertificateProvider, _device(), _device(lifetimeDays=20, renewBeforeDays=5), _device(deviceId="press-2"), of=" of a device"),
    _own(IssuedBatchProvider, _batch("press-1"), _batch("press-1", "press-2"), _batch("press-2")),
    _own(
        AuthorityRequestProvider,
        {"subject": "CN=Plant A", "signer": _signer(_KEY)},
        {"subject": "CN=Plant B", "signer": _signer(_KEY)},
        {"subject": "CN=Plant B", "signer": _signer(_OTHER)},
    ),
    _own(PossessionProofProvider, _proof(None), _proof("4F2A91C0" * 6), _proof("0B1C2D3E" * 6)),
    _own(
        AuthorityGenerationProvider,
        {"authority": "plant", "generation": 1, "keepPrevious": False},
        {"authority": "plant", "generation": 2, "keepPrevious": True},
        {"authority": "plant", "generation": 2, "keepPrevious": False},
        {"authority": "mill", "generation": 1, "keepPrevious": False},
    ),
    _own(HubOwnerProvider, {"stack": "organization/project/one"}, {"stack": "organization/project/two"}),
    _own(EvidenceRecordsProvider, _evidence(), _evidence("enabled"), _evidence("disabled"), _evidence("disabled")),
)
