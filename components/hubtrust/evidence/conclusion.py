"""An audit in words: a line for each record, one for the head, and one that says what is confirmed and what must still be believed."""

from collections.abc import Sequence

from hubtrust.errors import shown
from hubtrust.evidence.audit import Audit, RecordAudit
from hubtrust.evidence.statement import Subject

_MOST_NAMED = 8  # record numbers in one sentence


def record_line(one: RecordAudit) -> str:
    """What is known of one record."""
    predicate = one.record.statement.predicate
    service, time = predicate.get("service"), predicate.get("acceptedAt", predicate.get("recordedAt"))
    of = f"{one.record.statement.kind} of {one.record.statement.subject.shown}"
    at = f" on {shown(service.rpartition('/')[2], 80)}" if isinstance(service, str) else ""
    when = f" at {shown(time, 30)}" if isinstance(time, str) else ""
    judged = f"NOT CONFIRMED: {'; '.join(one.errors)}" if one.errors else ", ".join(one.verdicts)
    return f"record {one.record.index}: {of}{at}{when}: {judged}"


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
    if audit.ca is None:
        names = list(dict.fromkeys(Subject.of(one.proof.authority).shown for one in audit.records if one.proof))
        who = f"the key of {' or '.join(names[:_MOST_NAMED])}{' or others' if len(names) > _MOST_NAMED else ''}"
        return f"{_numbered(audit.proofs)} that {who} signed the code in it; that this is your CA is as the log says: give --ca"
    others = [index for index in audit.proofs if index not in audit.by_ca]
    same = all(one.proof is None or one.proof.authority == audit.ca for one in audit.records if one.record.index in audit.by_ca)
    certificate = "" if same else ", by another certificate of the same key,"
    rest = f"; {_list(others)} by the keys of other CAs, which are as the log says" if others else ""
    return (
        f"{_numbered(audit.by_ca)}{certificate} that the key of {Subject.of(audit.ca).shown}, the CA you gave, signed the code in it{rest}"
    )


def _root(audit: Audit) -> str:
    if audit.kept_size is None:
        return ""
    if audit.kept_size == audit.log.size:
        return "Its root hash is the one that you kept: it is the same log"
    later = audit.log.size - audit.kept_size
    return (
        f"It had the root hash that you kept when it had {_records(audit.kept_size)}: these are unchanged, and {_records(later)} came later"
    )


def _coverage(audit: Audit) -> str:
    """What a signature or a kept root hash fixes, and what whoever can write the log could have done to the rest."""
    (signed, key), kept, size = audit.cover, audit.kept_size or 0, audit.log.size
    parts = [f"The key of {Subject.of(key.certificate).shown} signed {_records(signed)} from the first on" if key else ""]
    if kept < size and signed < size:
        parts.append(f"Whoever can write the log can have rewritten {_rest(max(signed, kept))}, which nothing signed covers")
    if kept < size:
        parts.append(
            "That no later record was cut off, only a root hash that is kept elsewhere can show: keep this one, and compare with --root"
        )
    return ". ".join(filter(None, parts))


def _believed(audit: Audit) -> str:
    """What no log can show."""
    if not audit.proofs:
        return ""
    azure = "that Azure gave these codes for these services, that it accepted the proofs, and when"
    return f"To be believed: {azure}; Azure's activity log has the request and correlation ids for 90 days"


def _rest(first: int) -> str:
    return f"the records from {first} on" if first else "its records"


def _numbered(indexes: Sequence[int]) -> str:
    return f"{_list(indexes)} prove{'s' if len(indexes) == 1 else ''}".capitalize()


def _list(indexes: Sequence[int]) -> str:
    """Such as `records 0 and 3`."""
    words = [str(index) for index in indexes[:_MOST_NAMED]] + ([f"{len(indexes) - _MOST_NAMED} more"] if len(indexes) > _MOST_NAMED else [])
    last = words.pop()
    return f"record{'s' if words else ''} {', '.join(words)}{' and ' if words else ''}{last}"


def _records(number: int) -> str:
    return f"{number:,} record{'' if number == 1 else 's'}"
