"""The stack's evidence log in its state: whether it is intact and confirmed, and which record proves which certificate."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from hubtrust.certificates.verification import POSSESSION
from hubtrust.evidence.audit import audit
from hubtrust.evidence.errors import EvidenceError
from hubtrust.evidence.log import Log
from hubtrust.evidence.statement import Kind
from hubtrust.inventory.records import Evidence, Service, Trust
from hubtrust.inventory.state import Resource, State

_Place = tuple[str, str, object, str | None]  # service, certificate's name and etag there, and its SHA-256


def read(state: State, stack: str) -> tuple[Evidence | None, Log | None]:
    """What an audit says of the log of the resource EvidenceRecords, which must be of this stack; and the log, if the audit confirms it."""
    for one in state.of("EvidenceRecords"):
        if (text := one.text("log")) is not None:
            return _audited(one, text, stack)
        one.unseen.add("the evidence log", f"{one.title} has none")
    return None, None


def with_records(services: Iterable[Service], log: Log | None) -> tuple[Service, ...]:
    """``services``, each proof with the place of its record in ``log``."""
    if log is None:
        return tuple(services)
    proofs: dict[_Place, int] = {}
    for record in log.records:
        predicate = record.statement.predicate
        if record.statement.kind == Kind.PROOF:
            name, etag = predicate.get("certificateName"), predicate.get("etag")
            digest = record.statement.subject.sha256.upper()  # of another certificate there can be a proof with the same name
            proofs[str(predicate.get("service")).lower(), str(name).lower(), etag, digest] = record.index
    return tuple(replace(one, trusts=tuple(_with_record(trust, one, proofs) for trust in one.trusts)) for one in services)


def _with_record(trust: Trust, service: Service, proofs: Mapping[_Place, int]) -> Trust:
    if trust.proof != POSSESSION:
        return trust
    return replace(trust, record=proofs.get((service.id.lower(), trust.certificate_name.lower(), trust.etag, trust.certificate)))


def _audited(one: Resource, text: str, stack: str) -> tuple[Evidence, Log | None]:
    try:
        log = Log.read(text)
    except EvidenceError as error:
        one.unseen.add("the evidence log", f"it is not intact: {error.fact}")
        return Evidence(one.count("size"), one.text("rootHash") or "", f"not confirmed: {error.fact}"), None
    judged = audit(log, stack=stack or None)
    return Evidence(log.size, log.root_hash, judged.verdict, judged.confirmed), log if judged.confirmed else None
