"""The rule `evidence-required`: each proof has its record in a log that is intact."""

import base64
import json
from typing import Any

import pytest

from hubtrust.evidence.changes import events
from hubtrust.evidence.log import Log
from hubtrust.pki import issue
from hubtrust.pki.certificate import load_certificate, pem
from hubtrust.pki.proof import proof_of_possession
from hubtrust.pki.signers import KeyInMemory
from policies.rules.resource import UNKNOWN, NotKnownYetError, Resource
from tests.kit.authorities import NOW, Forged, ec_key, pem_of
from tests.policies.judging import RULE, at_the_end

HUB = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/hub-7"
CODE = "1A2B3C4D5E6F7A8B9C0D1E2F3A4B5C6D7E8F9A0B1C2D3E4F"
KEY = ec_key()
CA = load_certificate(pem_of(Forged("Plant CA", key=KEY, path_length=0).certificate), what="CA")
ISSUER = issue.Issuer(CA, KeyInMemory(KEY))


def proof(code: str = CODE) -> str:
    """A proof by the CA's key."""
    return pem(proof_of_possession(ISSUER, code=code, public_key=ec_key().public_key(), now=NOW, serial=7))


PROOF = proof()
DEVICE = pem_of(Forged("press-001", issuer=Forged("Plant CA", key=KEY, path_length=0), authority=False).certificate)


def fact(**changes: Any) -> dict[str, Any]:
    """The fact of a certificate that was proven once."""
    known = {"kind": "certificate", "service": HUB, "certificateName": "plant-g1", "authority": "plant", "generation": 1, "etag": "E2"}
    proofs = [{"code": CODE, "proof": PROOF, "etag": "E2", "acceptedAt": "2026-06-01T12:00:00Z"}]
    return {**known, "certificate": pem(CA), "state": "verified", "proof": "possession", "proofs": proofs, **changes}


def log_of(*facts: dict[str, Any]) -> Log:
    """The log that a run with these facts begins."""
    log = Log.empty("organization/project/stack")
    for event in events((), facts):
        log = log.append(event.kind, event.subject, event.predicate, ISSUER.signer)
    return log


LOG = log_of(fact())


def records(text: Any = LOG.text) -> Resource:
    """The stack's EvidenceRecords."""
    return Resource("pulumi-python:dynamic/hubtrust:EvidenceRecords", {"log": text}, urn="urn:log")


def proven(**changes: Any) -> Resource:
    """A VerifiedCertificate as a run that proved it leaves it."""
    outs = {"serviceId": HUB, "certificate": pem(CA), "state": "verified", "proof": "possession", "etag": "E2", "provenCode": CODE}
    return Resource("hubtrust:index:VerifiedCertificate", outs | changes, urn="urn:ca")


def with_line(number: int, change: dict[str, Any]) -> str:
    """The log with members of one record's predicate changed, and the head made again by whoever changed it."""
    lines = LOG.text.split("\n")
    envelope = json.loads(lines[number])
    statement = json.loads(base64.b64decode(envelope["payload"]))
    statement["predicate"] |= change
    envelope["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    lines[number] = json.dumps(envelope)
    return "\n".join(lines)


def test_a_proof_with_its_record() -> None:
    """In both shells' types; resource ids mean the same in any case; further records and certificates do no harm."""
    assert at_the_end("evidence-required", [proven(), records()]) == {}
    assert at_the_end("evidence-required", [proven(serviceId=HUB.upper()), records()]) == {}
    both = log_of(fact(), fact(service=HUB.replace("hub-7", "hub-8"), proofs=[], proof="found"))
    assert at_the_end("evidence-required", [proven(), records(both.text)]) == {}


@pytest.mark.parametrize(
    ("resources", "urn", "told"),
    [
        ([proven()], "urn:ca", "the stack has no evidence log: declare an EvidenceLog"),
        ([proven(), records(log_of().text)], "urn:ca", "has no record in the stack's evidence log"),
        ([proven(serviceId=HUB.replace("hub-7", "hub-8")), records()], "urn:ca", "has no record"),
        ([proven(provenCode=CODE[::-1]), records()], "urn:ca", "has no record"),
        ([proven(certificate=pem_of(Forged("Plant CA", path_length=0).certificate)), records()], "urn:ca", "has no record"),
    ],
    ids=["no log", "an empty one", "at another hub", "for another code", "of another CA"],
)
def test_a_proof_without_a_record(resources: list[Resource], urn: str, told: str) -> None:
    """It was proven somewhere else, or nowhere."""
    found = at_the_end("evidence-required", resources)
    assert (set(found), told in found[urn]) == ({urn}, True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "a line is no envelope"),
        ("[]", "a line is no envelope"),
        ("\n".join(LOG.text.split("\n")[:-1]), "its last line is not its head"),
        (LOG.text.split("\n")[-1], "its 0 records have the root hash e3b0c442"),
        (with_line(0, {"code": "0" * 48}), "its 1 records have the root hash"),
        (log_of(fact(proofs=[{"code": CODE[::-1], "proof": PROOF}])).text, f"its proof is for 'CN={CODE}'"),
        (log_of(fact(certificate=pem_of(Forged("Plant CA", path_length=0).certificate))).text, "is not signed by the key of"),
        (log_of(fact(proofs=[{"code": CODE, "proof": "noise"}])).text, "can't be read"),
        (log_of(fact(proofs=[{"code": "press-001", "proof": DEVICE}])).text, "'press-001' is no verification code of Azure"),
        (log_of(fact(), fact(service=HUB.replace("hub-7", "hub-8"))).text, f"two services have the code {CODE} in it"),
    ],
)
def test_a_log_that_is_not_intact(text: Any, told: str) -> None:
    """Cut, changed, or with a proof that shows nothing; then the certificate has no record either, unless it can be read."""
    found = at_the_end("evidence-required", [records(text)])
    assert set(found) == {"urn:log"}
    assert (told in found["urn:log"], "restore it from a copy" in found["urn:log"]) == (True, True)


@pytest.mark.parametrize("changes", [{"proof": "found"}, {"state": "waiting"}, {"provenCode": None}])
def test_what_is_not_proven_needs_no_record(changes: dict[str, Any]) -> None:
    """`proof-required` and `proof-evidence` judge it."""
    assert at_the_end("evidence-required", [proven(**changes)]) == {}


@pytest.mark.parametrize("text", [UNKNOWN, None], ids=["unknown", "absent"])
def test_an_unknown_log_postpones(text: Any) -> None:
    """In a preview that is to write records; the preview of the first run has no output of that name."""
    with pytest.raises(NotKnownYetError, match="log"):
        list(RULE["evidence-required"].validate([proven(), records(text)], {}))
