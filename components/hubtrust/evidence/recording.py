"""How a run continues a log: which of two copies is the log, and which events are not in it yet."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hubtrust.evidence.audit import audit
from hubtrust.evidence.changes import Event
from hubtrust.evidence.errors import EvidenceError
from hubtrust.evidence.log import Log, Record
from hubtrust.evidence.statement import Kind, Subject
from hubtrust.pki.certificate import Certificate
from hubtrust.pki.signers import Signer

Signing = Callable[[Log, Certificate | Subject], Signer | None]
"""What signs a record of this subject that is appended to the log; None: it is not signed."""
_OF_A_RUN = frozenset({"stack", "index", "previousRoot", "recordedAt", "deployedBy", "commit", "certificate"})
"""The members of a predicate that say when and by whom, not what happened."""


def continued(stack: str, in_state: str | None, in_file: bytes | None, file: str) -> Log:
    """The log to continue, of a state and of the file called ``file``; each is None if there is none. Neither: a log of ``stack`` begins.

    Where there are both, one must be the beginning of the other, and the longer one is the log. A log in the state keeps the name that
    the stack had when it began.

    Raises:
        EvidenceError: one of them is not an intact log, they contradict each other, or the file's is of another stack.
    """
    state = Log.read(in_state) if in_state is not None else None
    if in_file is None:
        return state or Log.empty(stack)
    what = f"the evidence file '{file}'"
    try:
        other = Log.read(in_file)
    except EvidenceError as error:
        other_way = "move it away: the log that the state has goes into a new one" if state else "name another file"
        raise EvidenceError(f"{what}: {error.what}", error.fact, f"nothing was changed; {error.remedy}; or {other_way}") from None
    if state is None:
        if other.stack != stack:
            fact = f"its log is of the stack '{other.stack}', and this is '{stack}'"
            raise EvidenceError(what, fact, "nothing was changed; name another file: each stack has a log of its own")
        return _confirmed(other, what)
    if state.is_prefix_of(other):
        return _confirmed(other, what) if other.size > state.size else other
    if other.is_prefix_of(state):
        return state
    sizes = f"its log of {other.size} records contradicts the state's of {state.size} (`pulumi stack output evidence`)"
    fact = f"{sizes}: neither continues the other"
    raise EvidenceError(what, fact, "nothing was changed; find out with `hubtrust verify` which one is right, and move the file away")


def _confirmed(log: Log, what: str) -> Log:
    """``log``, whose records of the file the state does not have: this run's signature covers them too, so that they must hold.

    Raises:
        EvidenceError: its audit finds something wrong.
    """
    if errors := audit(log).errors:
        remedy = "nothing was changed; find out with `hubtrust verify` who wrote it, and move the file away"
        raise EvidenceError(what, f"it has records that the state does not have, and they are not confirmed: {errors[0]}", remedy)
    return log


def recorded(log: Log, known: int, happened: Sequence[Event], about_run: Mapping[str, Any], signing: Signing) -> Log:
    """``log`` with a record of each event that it does not have yet, in their order. Its head is not signed.

    ``known`` is the size of the log that the last run put into the state: what comes after it, a run recorded that ended before its state
    was saved. ``about_run`` is added to each predicate that does not say it itself.

    Raises:
        HubtrustError: a signer refuses; or see ``Log.append``.
    """
    proofs = {_identity_of_proof(one.statement.predicate) for one in log.records if one.statement.kind is Kind.PROOF}
    unsaved = _unsaved(log.records[known:], happened)
    for event in happened:
        if event.kind is Kind.PROOF and _identity_of_proof(event.predicate) in proofs:
            continue
        if _identity(event.kind, _digest(event.subject), event.predicate) in unsaved:
            continue
        log = log.append(event.kind, event.subject, {**about_run, **event.predicate}, signing(log, event.subject))
    return log


def _unsaved(records: Sequence[Record], happened: Sequence[Event]) -> list[Any]:
    """The last records that are of these events: an event is not recorded twice because a run ended between file and state."""
    events = [_identity(one.kind, _digest(one.subject), one.predicate) for one in happened]
    found: list[Any] = []
    for record in reversed(records):
        one = _identity(record.statement.kind, record.statement.subject.sha256, record.statement.predicate)
        if one not in events:
            break
        found.append(one)
    return found


def _identity(kind: Kind, digest: str, predicate: Mapping[str, Any]) -> Any:
    return kind, digest, {name: value for name, value in predicate.items() if name not in _OF_A_RUN}


def _identity_of_proof(predicate: Mapping[str, Any]) -> tuple[Any, Any]:
    return predicate.get("code"), predicate.get("proof")


def _digest(subject: Certificate | Subject) -> str:
    return subject.sha256 if isinstance(subject, Subject) else Subject.of(subject).sha256
