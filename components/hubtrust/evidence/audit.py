"""The audit of a log, offline: what each record proves, whose key signed it, and whether an auditor's own CA and root hash are in it.

`Log.read` has checked the chain before: every index, stack and previous root hash, and the head.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hubtrust.evidence.canonical import in_message
from hubtrust.evidence.envelope import Envelope, key_id
from hubtrust.evidence.log import Log, Record
from hubtrust.evidence.merkle import Tree
from hubtrust.evidence.record_audit import Examined, Proof, examine
from hubtrust.evidence.statement import Subject
from hubtrust.pki.certificate import Certificate
from hubtrust.pki.errors import PkiError
from hubtrust.pki.keys import PublicKey, require_strong_key


class Verdict(StrEnum):
    """What is known of one record."""

    SELF_PROVING = "self-proving"
    """The CA's key signed the code in it."""
    SELF_PROVING_FOR_OTHER = "self-proving for a CA that you did not give"
    """The same, and the auditor gave other CAs: its name may be that of one of them."""
    SIGNED = "signed by the CA's key"
    """The key of a CA that is proven in this log signed it."""
    SIGNED_BY_OTHER = "signed by the key of a CA that you did not give"
    """The same, and the auditor gave other CAs."""
    SIGNED_UNPROVEN = "signed by the key of a certificate in this log that no proof in it names"
    """The signature holds; that this is a CA which Azure accepted, nothing here shows."""
    UNSIGNED = "unsigned"
    """Nobody signed it: it is as the log says."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that may sign: that of a certificate in the log, and whether a proof in the log is by it."""

    certificate: Certificate
    public_key: PublicKey
    proven: bool


@dataclass(frozen=True, slots=True)
class Signed:
    """What signed a record or the head: the key, if one did."""

    verdict: Verdict
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class RecordAudit:
    """One record: what it proves, who signed it, and what is wrong with it."""

    record: Record
    proof: Proof | None
    shows: Verdict | None  # what the proof does; None: there is none that holds
    signed: Signed | None  # None: its signature does not hold
    errors: tuple[str, ...]

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What is known of it; nothing if it has an error."""
        if self.errors or self.signed is None:
            return ()
        return (self.shows, self.signed.verdict) if self.shows else (self.signed.verdict,)


@dataclass(frozen=True, slots=True)
class Audit:
    """The result. ``cas`` are the auditor's own CAs, ``kept_size`` is how large the log was when it had the root hash that was kept."""

    log: Log
    records: tuple[RecordAudit, ...]
    head: Signed | None  # None: its signature does not hold
    cas: tuple[Certificate, ...]
    kept_size: int | None
    errors: tuple[str, ...]  # all of them, each with its place, those of records first
    of_whole: tuple[str, ...]  # those that are of no record

    @property
    def confirmed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.errors

    @property
    def verdict(self) -> str:
        """The result in a few words: `confirmed`, or `not confirmed` and the first thing that is wrong."""
        return "confirmed" if self.confirmed else f"not confirmed: {self.errors[0]}"

    @property
    def proofs(self) -> tuple[RecordAudit, ...]:
        """The records whose proof holds."""
        return tuple(one for one in self.records if one.proof and not one.errors)

    @property
    def cover(self) -> tuple[int, Key | None]:
        """How many records, from the first, a CA's signature covers: its own, a later record's or the head's; and the CA's key.

        If the auditor gave CAs, only their keys count: anybody can have a proof by a CA of one's own in a log that nobody signed.
        """
        signed = [(one.record.index + 1, one.signed) for one in self.records]
        held = [(size, one.key) for size, one in [*signed, (self.log.size, self.head)] if one and one.key and self._counts(one.key)]
        return held[-1] if held else (0, None)

    def _counts(self, key: Key) -> bool:
        return key.proven and _is_expected(key.certificate, self.cas)


def same_key(one: Certificate, other: Certificate) -> bool:
    """Whether both certificates are of the same key, as a CA's and its renewed one may be."""
    return one.key_info == other.key_info


def _is_expected(certificate: Certificate, cas: Sequence[Certificate]) -> bool:
    """Whether it is of the key of one of ``cas``, the auditor's CAs; without any, each CA is what the log says it is."""
    return not cas or any(same_key(certificate, ca) for ca in cas)


def audit(log: Log, cas: Sequence[Certificate] = (), stack: str | None = None, root: str | None = None) -> Audit:
    """Judge ``log`` by what is in it. Nothing is raised: what is wrong is in ``Audit.errors``.

    Args:
        log: the log, as ``Log.read`` read it.
        cas: the auditor's own copies of CAs' certificates: at least one proof must be by the key of each.
        stack: the stack that the log must be of.
        root: a root hash that was kept elsewhere, in lower-case hex: the log must have had it, now or when it was shorter.
    """
    examined = [examine(record) for record in log.records]
    keys = _keys(examined)
    given = _codes_of_other_services(examined)
    records = tuple(_record_audit(one, keys, cas, given.get(one.record.index)) for one in examined)
    errors = [f"record {one.record.number} ({one.record.statement.kind}): {fact}" for one in records for fact in one.errors]
    head, fact = _signed(log.head, keys, cas)
    kept = _size_at(log, root) if root else None
    whole = [f"head: {fact}"] if fact else []
    proven = [one.proof.authority for one in records if one.proof and not one.errors]
    missing = [ca for ca in cas if not any(same_key(one, ca) for one in proven)]
    whole += [f"no proof in the log is by the key of {Subject.of(ca).shown}, the CA that was given" for ca in missing]
    whole += _whole(log, stack, root, kept)
    return Audit(log, records, head, tuple(cas), kept, (*errors, *whole), tuple(whole))


def _whole(log: Log, stack: str | None, root: str | None, kept: int | None) -> list[str]:
    """What is wrong with the log as the auditor expects it."""
    errors = []
    if stack is not None and log.stack != stack:
        errors.append(f"the log is of the stack {in_message(log.stack)}, not of {in_message(stack)}")
    if root is not None and root == Tree().root.hex():
        errors.append("the root hash that was kept is that of every log without records: it confirms nothing")
    elif root is not None and kept is None:
        errors.append(f"the log never had the root hash {in_message(root)}: a record was changed since it was kept, or it is another log's")
    return errors


def _size_at(log: Log, root: str) -> int | None:
    return next((size for size in range(log.size, 0, -1) if log.root_at(size) == root), None)


def _keys(examined: Sequence[Examined]) -> Mapping[str, Key]:
    """Every strong key of a certificate in the log, by its id."""
    keys: dict[str, Key] = {}
    for one in examined:
        if one.certificate is None:
            continue
        try:
            key = require_strong_key(one.certificate.public_key(), what="it")
        except PkiError:
            continue
        known = keys.get(name := key_id(key))
        if known is None or (one.proof and not known.proven):
            keys[name] = Key(one.certificate, key, proven=one.proof is not None)
    return keys


def _codes_of_other_services(examined: Sequence[Examined]) -> dict[int, str]:
    """What is wrong with proofs whose code an earlier record has for another service: Azure gives every service codes of its own."""
    first: dict[str, tuple[int, str]] = {}
    errors = {}
    for one in examined:
        if one.proof is None:
            continue
        number, service = first.setdefault(one.proof.code, (one.record.number, one.proof.service.casefold()))
        if service != one.proof.service.casefold():
            errors[one.record.index] = f"its code is that of record {number}, which is of another service"
    return errors


def _record_audit(one: Examined, keys: Mapping[str, Key], cas: Sequence[Certificate], other_service: str | None) -> RecordAudit:
    signed, fact = _signed(one.record.envelope, keys, cas)
    shows = None
    if one.proof:
        shows = Verdict.SELF_PROVING if _is_expected(one.proof.authority, cas) else Verdict.SELF_PROVING_FOR_OTHER
    return RecordAudit(one.record, one.proof, shows, signed, (*one.errors, *filter(None, (other_service, fact))))


def _signed(envelope: Envelope, keys: Mapping[str, Key], cas: Sequence[Certificate]) -> tuple[Signed | None, str | None]:
    """Who signed it; or else what is wrong with its signature."""
    if envelope.signature is None:
        return Signed(Verdict.UNSIGNED), None
    name = envelope.signature.key_id
    if (key := keys.get(name)) is None:
        return None, f"its signature is by the key {name}, and no certificate in the log has this key"
    if not envelope.is_signed_by(key.public_key):
        return None, f"its signature does not verify with the key of {Subject.of(key.certificate).shown}, which it names"
    if not key.proven:
        return Signed(Verdict.SIGNED_UNPROVEN, key), None
    return Signed(Verdict.SIGNED if _is_expected(key.certificate, cas) else Verdict.SIGNED_BY_OTHER, key), None
