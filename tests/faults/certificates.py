"""VerifiedCertificate's operations."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from hubtrust import signer_inputs
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from tests.faults.case_hub import CaseHub
from tests.faults.scenario import Scenario
from tests.faults.stack import Declared
from tests.kit.root_authority import RootAuthority

RESOURCE = "VerifiedCertificate"
_Change = Callable[[CaseHub], dict[str, Any]]


@cache
def authority(generation: int) -> RootAuthority:
    """The CA of a generation. One for the whole process is enough: every case registers it on a hub of its own."""
    return RootAuthority(f"Plant {generation}")


def name(generation: int, suffix: str = "") -> str:
    """The certificate's name on the hub."""
    return f"plant-g{generation}-{authority(generation).thumbprint[:8].lower()}{suffix}"


def declare(case: CaseHub, generation: int, **changes: Any) -> dict[str, Any]:
    """The inputs for a generation; None omits an input."""
    ca = authority(generation)
    signer = signer_inputs.in_state(ca.private_pem)
    news = {"serviceId": case.hub.id, "certificate": ca.pem, "name": "plant", "generation": generation, "signer": signer}
    return {key: value for key, value in (news | {"deadline": case.deadline} | changes).items() if value is not None}


def declaring(*generations: int, **changes: Any) -> Callable[[CaseHub], Declared]:
    """One resource for each generation."""
    return lambda case: {f"g{each}": (VerifiedCertificateProvider, declare(case, each, **changes)) for each in generations}


def one(generation: int, **changes: Any) -> Callable[[CaseHub], Declared]:
    """One resource with the same name for every generation, so that a new generation replaces it."""
    return lambda case: {"ca": (VerifiedCertificateProvider, declare(case, generation, **changes))}


def _answered(case: CaseHub) -> Declared:
    """Custody offline, with the proof for the code that the previous run left."""
    code = case.stack.resources["ca"].created.outs["code"]
    return one(1, signer=signer_inputs.offline(), proofCertificate=authority(1).proof(code))(case)


def _verified(*names: str) -> Callable[[CaseHub], Mapping[str, Any]]:
    return lambda _case: dict.fromkeys(names, True)


def _put_by_hand(called: str, generation: int) -> Callable[[CaseHub], None]:
    def put(case: CaseHub) -> None:
        case.hub.put(called, authority(generation).pem)

    return put


def _labels(_case: CaseHub) -> Mapping[str, str]:
    return {name(1): "{first}", name(2): "{second}"}


def _row(operation: str, **fields: Any) -> Scenario:
    return Scenario(resource=RESOURCE, operation=operation, found=lambda case: case.hub.verified(), names=_labels, **fields)


SCENARIOS = (
    _row("first create", declared=one(1), wanted=_verified(name(1))),
    _row("first create on a provisioning service", kind="provisioningServices", declared=one(1), wanted=_verified(name(1))),
    _row("create after an interrupted run", meanwhile=_put_by_hand(name(1), 1), declared=one(1), wanted=_verified(name(1))),
    _row("first create, logging in", login=True, declared=one(1), wanted=_verified(name(1))),
    _row("rotation", before=one(1), declared=one(2), wanted=_verified(name(2)), population=True),
    _row(
        "rotation that keeps the previous CA",
        before=declaring(1),
        declared=declaring(1, 2),
        wanted=_verified(name(1), name(2)),
        population=True,
    ),
    _row("previous CA dropped", before=declaring(1, 2), declared=declaring(2), wanted=_verified(name(2)), population=True),
    _row("drift: verification lost", before=one(1), meanwhile=_put_by_hand(name(1), 1), declared=one(1), wanted=_verified(name(1))),
    _row("drift: replaced", before=one(1), meanwhile=_put_by_hand(name(1), 2), declared=one(1), wanted=_verified(name(1))),
    _row(
        "drift: deleted",
        deadline=8,
        before=one(1),
        meanwhile=lambda case: case.hub.delete(name(1)),
        declared=one(1),
        wanted=_verified(name(1)),
    ),
    _row(
        "another certificate under the same name",
        before=one(1, certificateName="fixed"),
        declared=one(2, certificateName="fixed"),
        wanted=_verified("fixed"),
    ),
    _row(
        "waiting for proof",
        declared=one(1, signer=signer_inputs.offline()),
        wanted=lambda _case: {name(1): False},
    ),
    _row("proof arrives", before=one(1, signer=signer_inputs.offline()), declared=_answered, wanted=_verified(name(1))),
    _row("attested instead of proven", declared=one(1, attest=True, signer=None), wanted=_verified(name(1, "-attested"))),
    _row("nothing to do", before=one(1), declared=one(1), wanted=_verified(name(1)), population=True),
    _row("delete", before=one(1), declared=lambda _case: {}, wanted=_verified()),
)
