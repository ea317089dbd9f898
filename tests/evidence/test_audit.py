"""The audit: what is confirmed of records that are right, and what is found in records that are not."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hubtrust.evidence.audit import Audit, Verdict, audit
from hubtrust.evidence.conclusion import conclusion, record_line
from hubtrust.evidence.log import Log
from hubtrust.evidence.statement import Kind, Subject
from hubtrust.pki.certificate import load_certificate, pem, rfc3339
from hubtrust.pki.issue import Issuer
from hubtrust.pki.signers import KeyInMemory
from tests.kit.authorities import NOW, Forged, ec_key, hierarchy, leaf, pem_of, rsa_key
from tests.kit.evidence_logs import CODE, HUB, STACK, proof_predicate, short_log

AUTHORITY = hierarchy(depth=0).issuing
OTHER = hierarchy(depth=0).issuing
LATER = "00AA91C0" * 6


def proven(authority: Issuer = AUTHORITY, members: Mapping[str, Any] | None = None) -> Log:
    """A log of one proof with these members."""
    return Log.empty(STACK).append(Kind.PROOF, authority.certificate, {**proof_predicate(authority), **(members or {})})


def errors(log: Log) -> tuple[str, ...]:
    return audit(Log.read(log.text)).errors


def verdicts(found: Audit) -> list[list[str]]:
    return [[*one.verdicts] for one in found.records]


def test_every_record_of_a_signed_log_is_confirmed() -> None:
    """A proof is self-proving, and the CA's key signed each record and the head."""
    found = audit(short_log(AUTHORITY))

    assert found.confirmed
    assert verdicts(found) == [[Verdict.SELF_PROVING, Verdict.SIGNED], [Verdict.SIGNED], [Verdict.SIGNED]]
    assert ([one.record.index for one in found.proofs], found.cover[0]) == ([0], 3)


def test_a_proof_needs_no_signature() -> None:
    """Where the key is offline nothing is signed: the proof still proves itself, and the closing line says what nothing covers."""
    found = audit(short_log(AUTHORITY, signed=False))

    assert verdicts(found) == [[Verdict.SELF_PROVING, Verdict.UNSIGNED], [Verdict.UNSIGNED], [Verdict.UNSIGNED]]
    assert "No signature of a CA covers its records: whoever can write the log can have rewritten them" in conclusion(found)


def test_rsa_keys_are_audited_too() -> None:
    """Records and proof by an RSA key."""
    assert audit(short_log(hierarchy([rsa_key()]).issuing)).confirmed


def test_the_auditors_own_cas_are_found_by_their_keys() -> None:
    """Their records are named; a log without a proof by the key of each is refused."""
    log = proven().append(Kind.PROOF, OTHER.certificate, proof_predicate(OTHER, LATER))
    mine, others = Subject.of(OTHER.certificate).shown, Subject.of(AUTHORITY.certificate).shown

    assert "to compare a CA with your own copy of its certificate, give --ca" in conclusion(audit(log))
    assert (
        f"The key of {others}, a CA that only the log names, signed the code in record 1; "
        f"the key of {mine}, the CA that you gave, signed the code in record 2. "
    ) in conclusion(audit(log, [OTHER.certificate]))
    assert "only the log names" not in conclusion(audit(log, [OTHER.certificate, AUTHORITY.certificate]))
    assert audit(proven(), [AUTHORITY.certificate, OTHER.certificate]).errors == (
        f"no proof in the log is by the key of {mine}, the CA that was given",
    )


def test_a_proof_that_does_not_hold_is_not_by_the_auditors_ca() -> None:
    """It is an error by itself, and the CA has no other one."""
    assert len(audit(proven(members={"code": LATER}), [AUTHORITY.certificate]).errors) == 2


def test_another_certificate_of_the_same_key_is_told() -> None:
    """A renewed CA has another certificate; its key is what the auditor knows."""
    key = ec_key()
    first, renewed = Forged("Root", key).certificate, Forged("Root", key, serial=4712).certificate
    found = audit(proven(replace(AUTHORITY, certificate=first, signer=KeyInMemory(key))), [renewed])

    assert found.confirmed
    assert "of which you gave another certificate with the same key" in conclusion(found)


def test_a_strangers_signature_covers_nothing_for_the_auditors_ca() -> None:
    """Whoever can write an unsigned log can append a proof by a CA of one's own, and sign with it: only the auditor's CA counts."""
    log = proven().append(Kind.DROP, AUTHORITY.certificate, {})
    log = log.append(Kind.PROOF, OTHER.certificate, proof_predicate(OTHER, LATER), OTHER.signer).signed(OTHER.signer)

    assert audit(log).cover[0] == 3
    assert audit(log, [AUTHORITY.certificate]).cover == (0, None)
    assert verdicts(audit(log, [AUTHORITY.certificate])) == [
        [Verdict.SELF_PROVING, Verdict.UNSIGNED],
        [Verdict.UNSIGNED],
        [Verdict.SELF_PROVING_FOR_OTHER, Verdict.SIGNED_BY_OTHER],
    ], "both CAs have the same name"
    assert "No signature of these CAs covers its records: whoever can write the log can have rewritten them" in conclusion(
        audit(log, [AUTHORITY.certificate])
    )


def test_a_kept_root_hash_is_found_at_its_size() -> None:
    """Now, or when the log was shorter; the records up to there are unchanged."""
    log = short_log(AUTHORITY)

    assert audit(log, root=log.root_hash).kept_size == 3
    assert audit(log, root=log.root_at(2)).kept_size == 2
    assert "It had the root hash that you kept when it had 2 records: nothing in them was changed, and 1 came later" in conclusion(
        audit(log, root=log.root_at(2))
    )
    unsigned = short_log(AUTHORITY, signed=False)
    assert "covers the records from 3 on: whoever" in conclusion(audit(unsigned, root=unsigned.root_at(2)))
    whole = conclusion(audit(unsigned, root=unsigned.root_hash))
    assert "can have rewritten" not in whole
    assert "nothing was changed since then, and records that came later are not in it" in whole, "they can have been cut off"


@pytest.mark.parametrize(
    ("root", "fact"),
    [
        ("ab" * 32, "the log never had the root hash"),
        (Log.empty(STACK).root_hash, "that of every log without records: it confirms nothing"),
    ],
    ids=["of another log", "of no record"],
)
def test_a_root_hash_that_the_log_never_had_is_an_error(root: str, fact: str) -> None:
    """Also the one that every log had at first, which would confirm anything."""
    (error,) = audit(short_log(AUTHORITY), root=root).errors
    assert fact in error


def test_another_stack_is_an_error() -> None:
    """The auditor names the stack that is expected."""
    assert audit(proven(), stack="contoso/plant/test").errors == (
        "the log is of the stack 'contoso/plant/prod', not of 'contoso/plant/test'",
    )


DEVICE = leaf(AUTHORITY)
BAD_PROOFS = {
    "another code": ({"code": LATER}, f"it is for the code {CODE}, and the verification code is now {LATER}"),
    "another CA's proof": ({"proof": proof_predicate(OTHER)["proof"]}, "its authority key identifier is"),
    "a device's certificate": ({"code": "press-001", "proof": pem(DEVICE)}, "'press-001' is not a verification code"),
    "accepted before it was made": (
        {"acceptedAt": rfc3339(NOW - timedelta(days=1))},
        "it is valid from 2026-06-01T11:00:00Z to 2026-06-02T12:00:00Z, and acceptedAt is 2026-05-31T12:00:00Z",
    ),
    "accepted after it had expired": ({"acceptedAt": rfc3339(NOW + timedelta(days=2))}, "and acceptedAt is 2026-06-03T12:00:00Z"),
    "accepted on no day": ({"acceptedAt": "2026-13-01T00:00:00Z"}, "its acceptedAt is '2026-13-01T00:00:00Z', and not a time"),
    "no code": ({"code": None}, "it has no code"),
    "no service": ({"service": ""}, "it has no service"),
    "no proof": ({"proof": 3}, "it has no proof"),
    "text around the proof": (
        {"proof": "see " + proof_predicate(AUTHORITY)["proof"]},
        "its proof is not one certificate as RFC 7468 writes it",
    ),
    "a damaged proof": ({"proof": "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"}, "its proof"),
    "the CA itself": ({"proof": pem(AUTHORITY.certificate)}, "it is the authority's own certificate"),
}


@pytest.mark.parametrize(("members", "fact"), BAD_PROOFS.values(), ids=BAD_PROOFS)
def test_a_proof_that_does_not_hold_is_an_error(members: dict[str, Any], fact: str) -> None:
    """Whatever the chain says: the record is named, and so is the fact."""
    (error,) = errors(proven(members=members))
    assert error.startswith("record 1 (proof): ")
    assert fact in error


def test_a_time_that_was_not_kept_is_no_error() -> None:
    """Earlier versions did not keep it; then nothing is said of it."""
    assert errors(proven(members={"acceptedAt": None})) == ()


def test_a_proof_whose_answer_was_lost_says_so() -> None:
    """It has no ids for Azure's activity log; it proves the same."""
    found = audit(proven(members={"requestId": None, "correlationId": None}))

    assert (found.confirmed, len(found.proofs)) == (True, 1)
    assert "(no correlation id: its answer was lost, or an earlier version recorded it): self-proving" in record_line(found.records[0])


def test_a_code_of_another_service_is_an_error() -> None:
    """Azure gives each service codes of its own; the same service, in other letters, may be recorded again."""
    again = proven().append(Kind.PROOF, AUTHORITY.certificate, proof_predicate(AUTHORITY, service=HUB.upper()))
    other = proven().append(Kind.PROOF, AUTHORITY.certificate, proof_predicate(AUTHORITY, service=f"{HUB}-2"))

    assert errors(again) == ()
    assert errors(other) == ("record 2 (proof): its code is that of record 1, which is of another service",)


def test_the_subject_is_the_certificate_in_the_record() -> None:
    """By its hash, and by its name."""
    subject = Subject.of(AUTHORITY.certificate)
    for given, fact in (
        (replace(subject, sha256="ab" * 32), "its subject has the SHA-256 abab"),
        (replace(subject, name="CN=X"), "'CN=X'"),
    ):
        (error,) = errors(Log.empty(STACK).append(Kind.DROP, given, {"certificate": pem(AUTHORITY.certificate)}))
        assert fact in error


def test_a_proof_without_the_cas_certificate_is_an_error() -> None:
    """Its signature could not be checked."""
    log = Log.empty(STACK).append(Kind.PROOF, Subject.of(AUTHORITY.certificate), proof_predicate(AUTHORITY))
    assert errors(log) == ("record 1 (proof): it is a proof, and has no certificate of the CA",)


def test_a_device_proves_nothing() -> None:
    """Whoever has a device's certificate and key can sign a code with it; the CA's name is then only the issuer's."""
    key = ec_key()
    device = Forged("press-001", key, issuer=Forged("Root"), authority=False)
    code = pem(load_certificate(pem_of(Forged(CODE, issuer=device, authority=False).certificate), what="proof"))
    members = {**proof_predicate(AUTHORITY), "proof": code}
    (error,) = errors(Log.empty(STACK).append(Kind.PROOF, load_certificate(pem_of(device.certificate), what="device"), members))
    assert "its certificate is not a CA's" in error


def test_a_signature_by_a_key_that_is_not_in_the_log_is_an_error() -> None:
    """Of a record and of the head."""
    log = proven().append(Kind.DROP, Subject.of(AUTHORITY.certificate), {}, OTHER.signer).signed(OTHER.signer)
    record, head = errors(log)

    assert record.startswith("record 2 (drop): its signature is by the key ")
    assert head.endswith("and no certificate in the log has this key")


def test_a_signature_that_does_not_verify_is_an_error() -> None:
    """One of another record, in an envelope that the chain has taken as it is."""
    log = short_log(AUTHORITY)
    head = replace(log.head, signature=log.records[0].envelope.signature)
    (error,) = audit(replace(log, head=head)).errors

    assert error == f"head: its signature does not verify with the key of {Subject.of(AUTHORITY.certificate).shown}, which it names"


def test_a_signature_by_a_key_without_a_proof_is_told_as_such() -> None:
    """A CA whose key is at hand signs; that Azure accepted it, no proof in this log shows."""
    found = audit(Log.empty(STACK).append(Kind.OBSERVATION, AUTHORITY.certificate, {}, AUTHORITY.signer).signed(AUTHORITY.signer))

    assert verdicts(found) == [[Verdict.SIGNED_UNPROVEN]]
    assert (found.confirmed, found.cover) == (True, (0, None))
    assert "It has no proof: nothing here shows that anybody had a CA's key" in conclusion(found)


def test_lines_show_what_is_in_names() -> None:
    """A name with control characters or markup stays on its line, as escapes."""
    log = Log.empty(STACK).append(Kind.DROP, Subject("CN=\x1b[2J\nrecord 9: proof", "ab" * 32), {"service": "a/\x07b", "acceptedAt": "\r"})
    line = record_line(audit(log).records[0])

    assert line == "record 1: drop of 'CN=\\x1b[2J\\nrecord 9: proof' (SHA-256 abababab) on \\x07b at \\r: unsigned"
