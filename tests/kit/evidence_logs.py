"""Evidence logs for tests: a CA that proves, records of every kind, and changed copies of them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hubtrust.evidence.log import Log, Record
from hubtrust.evidence.statement import Kind
from hubtrust.pki.certificate import pem, rfc3339
from hubtrust.pki.issue import Issuer
from hubtrust.pki.proof import proof_of_possession
from tests.kit.authorities import NOW, ec_key, hierarchy

STACK = "contoso/plant/prod"
CODE = "4F2A91C0" * 6
HUB = "/subscriptions/5e1f/resourceGroups/plant/providers/Microsoft.Devices/IotHubs/plant-hub"


def proof_predicate(authority: Issuer, code: str = CODE, **other: Any) -> dict[str, Any]:
    """The predicate of a proof by ``authority``, with members replaced by those of ``other``."""
    proof = proof_of_possession(authority, code=code, public_key=ec_key().public_key(), now=NOW, serial=1)
    accepted = {
        "service": HUB,
        "certificateName": "plant-g1",
        "authority": "plant",
        "generation": 1,
        "code": code,
        "proof": pem(proof),
        "acceptedAt": rfc3339(NOW + timedelta(seconds=4)),
        "recordedAt": rfc3339(NOW + timedelta(seconds=9)),
        "etag": "AAAAAAFPazE=",
        "requestId": "0c4f3ee9-3c4f-4d44-9d0c-2f2f1a6e7a11",
        "correlationId": "6d6b4c1e-55d0-4bd6-a8a5-7a8f2b5a4c10",
        "deployedBy": {"objectId": "9f0e6c5e-0000-4000-8000-000000000001", "tenantId": "9f0e6c5e-0000-4000-8000-000000000002"},
        "commit": "60ac1130000000000000000000000000000000aa",
    }
    return {**accepted, **other}


def short_log(authority: Issuer | None = None, *, signed: bool = True) -> Log:
    """A log of a proof, an observation and a drop, signed by ``authority``'s key or by nobody."""
    authority = authority or hierarchy(depth=0).issuing
    signer = authority.signer if signed else None
    log = Log.empty(STACK).append(Kind.PROOF, authority.certificate, proof_predicate(authority), signer)
    other = {"service": HUB, "certificateName": "plant-g1"}
    log = log.append(Kind.OBSERVATION, authority.certificate, other, signer)
    return log.append(Kind.DROP, authority.certificate, other, signer).signed(signer)


def written(log: Log, records: list[Record]) -> str:
    """``log`` with these records in place of its own, as somebody without any rule writes it: its head is not adapted."""
    return replace(log, records=tuple(records)).text
