"""An audit in words: a line for each record, one for the head, and one that says what is confirmed and what must still be believed."""

from collections.abc import Sequence

from hubtrust.errors import shown
from hubtrust.evidence.audit import Audit, RecordAudit, same_key
from hubtrust.evidence.record_audit import Proof
from hubtrust.evidence.statement import Kind, Subject

_MOST_NAMED = 8  # record numbers in one sentence


def record_line(one: RecordAudit) -> str:
    """What is known of one record."""
    predicate = one.record.statement.predicate
    service, time = predicate.get("service"), predicate.get("acceptedAt", predicate.get("recordedAt"))
    of = f"{one.record.statement.kind} of {one.record.statement.subject.shown}"
    at = f" on {shown(service.rpartition('/')[2], 80)}" if isinstance(service, str) else ""
    when = f" at {shown(time, 30)}" if isinstance(time, str) else ""
    judged = f"NOT CONFIRMED: {'; '.join(one.errors)}" if one.errors else ", ".join(one.verdicts)
    return f"record {one.record.number}: {of}{at}{when}{_request(one)}: {judged}"


def _request(one: RecordAudit) -> str:
    """By what Azure's activity log finds the request with a proof."""
    if one.record.statement.kind is not Kind.PROOF:
        return ""
    found = one.record.statement.predicate.get("correlationId")
    return (
        f" (correlation id {shown(found, 80)})"
        if isinstance(found, str)
        else " (no correlation id: its answer was lost, or an earlier version recorded it)"
    )


def head_line(audit: Audit) -> str:
    """What is known of the head."""
    signed = audit.head.verdict if audit.head else "its signature does not hold"
    return f"head: {_records(audit.log.size)}, root hash {audit.log.root_hash}: {signed}"


def conclusion(audit: Audit) -> str:
    """What a log without errors confirms, and what must still be believed, on one line."""
    whole = f"Confirmed: the log of '{shown(audit.log.stack, 200)}' is one chain of {_records(audit.log.size)}"
    sentences = [f"{whole} with the root hash {audit.log.root_hash}", _possession(audit), _root(audit), _coverage(audit), _believed(audit)]
    return ". ".join(filter(None, sentences)) + "."


def failure(audit: Audit) -> tuple[str, str]:
    """The fact and the remedy for a log with errors: the first one, and how many there are."""
    more = f"; and {len(audit.errors) - 1} more, see the lines above" if len(audit.errors) > 1 else ""
    return f"{audit.verdict}{more}", "compare it with another copy of the log, and find out who wrote this one"


def _possession(audit: Audit) -> str:
    """Which keys signed which codes."""
    if not audit.proofs:
        return "It has no proof: nothing here shows that anybody had a CA's key"
    by_key: dict[bytes, list[tuple[int, Proof]]] = {}
    for one in audit.proofs:
        if one.proof:
            by_key.setdefault(one.proof.authority.key_info, []).append((one.record.number, one.proof))
    clauses = [_signed_codes(found, audit) for found in [*by_key.values()][:_MOST_NAMED]]
    more = [f"{len(by_key) - _MOST_NAMED} other keys signed the codes in other records"] if len(by_key) > _MOST_NAMED else []
    hint = [] if audit.cas else ["to compare a CA with your own copy of its certificate, give --ca"]
    words = "; ".join([*clauses, *more, *hint])
    return words[0].upper() + words[1:]


def _signed_codes(found: Sequence[tuple[int, Proof]], audit: Audit) -> str:
    numbers, proofs = [number for number, _ in found], [proof for _, proof in found]
    return f"the key of {_ca(proofs, audit)}, signed the code{'' if len(found) == 1 else 's'} in {_list(numbers)}"


def _ca(proofs: Sequence[Proof], audit: Audit) -> str:
    """A CA by its name, and whether it is the auditor's."""
    authority = proofs[0].authority
    name = Subject.of(authority).shown
    own = [ca for ca in audit.cas if same_key(ca, authority)]
    if not own:
        return f"{name}, a CA that only the log names"
    same = any(proof.authority in own for proof in proofs)
    return f"{name}, the CA that you gave" if same else f"{name}, of which you gave another certificate with the same key"


def _root(audit: Audit) -> str:
    if audit.kept_size is None:
        return ""
    if audit.kept_size == audit.log.size:
        return "Its root hash is the one that you kept: nothing was changed since then, and records that came later are not in it"
    later = audit.log.size - audit.kept_size
    return (
        f"It had the root hash that you kept when it had {_records(audit.kept_size)}: nothing in them was changed, and {later:,} came later"
    )


def _coverage(audit: Audit) -> str:
    """What a signature or a kept root hash fixes, and what whoever can write the log could have done to the rest."""
    (signed, key), kept, size = audit.cover, audit.kept_size or 0, audit.log.size
    parts = []
    if key:
        parts.append(f"A signature by the key of {Subject.of(key.certificate).shown} covers {_first(signed, size)}")
    if max(kept, signed) < size:
        covered = _rest(max(signed, kept))
        whose = "these CAs" if audit.cas else "a CA"
        parts.append(
            f"No signature of {whose} covers {covered}: whoever can write the log can have rewritten them, apart from signed codes"
        )
    if kept < size:
        parts.append(
            "Only a root hash that you kept elsewhere shows whether later records were cut off: keep this one, and give it as --root"
        )
    return ". ".join(parts)


def _believed(audit: Audit) -> str:
    """What no log can show."""
    if not audit.proofs:
        return ""
    azure = "that Azure gave these codes for these services, that it accepted the proofs, and when"
    return f"To be believed: {azure}; Azure's activity log shows the requests by their ids for 90 days"


def _first(number: int, size: int) -> str:
    return (
        f"all {_records(size)}"
        if number == size > 1
        else "its only record"
        if number == size
        else f"the first {_records(number)}"
        if number > 1
        else "the first record"
    )


def _rest(first: int) -> str:
    return f"the records from {first + 1} on" if first else "its records"


def _list(numbers: Sequence[int]) -> str:
    """Such as `records 1 and 4`."""
    words = [str(number) for number in numbers[:_MOST_NAMED]] + (
        [f"{len(numbers) - _MOST_NAMED} more"] if len(numbers) > _MOST_NAMED else []
    )
    last = words.pop()
    return f"record{'s' if words else ''} {', '.join(words)}{' and ' if words else ''}{last}"


def _records(number: int) -> str:
    return f"{number:,} record{'' if number == 1 else 's'}"
