"""The rule that each proof has its record in the stack's evidence log, and that the log is intact: read here by code of the pack's own."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .certificate import UnreadableError
from .certificates import load
from .evidence import flaw_of_proof, says_possession
from .resource import EVIDENCE_RECORDS, NotKnownYetError, on_each

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .resource import Resource

    Settings = Mapping[str, Any]

_HEAD, _STATEMENT = "application/vnd.hubtrust.log-head+json", "application/vnd.in-toto+json"
_PROOF = "https://github.com/hubtrust/hubtrust/evidence/proof/v1"


class _BrokenError(ValueError):
    """The log is not intact; the message is the fact."""


@dataclass(frozen=True)
class _Record:
    """A record of a proof: where it was accepted, and what a person needs to judge it again."""

    service: str
    sha256: str  # of the certificate's DER, lower-case hex
    code: str
    proof: str
    certificate: str


def evidence_required(resources: Sequence[Resource], _settings: Settings) -> Iterator[tuple[str, str]]:
    """A CA that a run leaves verified by possession has a record of its proof in the stack's evidence log, which is intact.

    Reason: the state is overwritten by each run, and whoever may write it can write that a CA was proven. The records of the log are
    chained (a Merkle tree), so that none can be changed or left out unseen by whoever kept an earlier root hash, and each can be checked
    without Azure: the proof is a certificate for Azure's code by the CA's key. Certificates that an earlier version proved without keeping
    the code are for `proof-evidence`.
    Source: RFC 9162 2.1.1; github.com/in-toto/attestation; github.com/secure-systems-lab/dsse.
    """
    logs = [each for each in resources if each.type == EVIDENCE_RECORDS]
    yield from on_each(logs, _broken)
    records = [record for each in logs for record in _records_of(each)]
    yield from on_each(resources, lambda each: _unrecorded(each, records, has_log=bool(logs)))


def _broken(log: Resource) -> Iterator[str]:
    try:
        found = _read(_text(log))
    except _BrokenError as error:
        yield f"the evidence log is not intact: {error}; restore it from a copy (the file of evidenceFile, or an earlier state)"
        return
    services: dict[str, str] = {}
    for record in found:
        if services.setdefault(record.code, record.service.lower()) != record.service.lower():
            fact = f"two services have the code {record.code} in it, and Azure gives each its own"
            yield f"the evidence log is not intact: {fact}; restore it from a copy"
            return
        try:
            (proof,), (authority, *_) = load(record.proof), load(record.certificate)
        except (UnreadableError, ValueError):
            yield f"the evidence log is not intact: its proof for the code {record.code} can't be read; restore it from a copy"
            return
        of_certificate = hashlib.sha256(authority.encoding).hexdigest()
        fact = flaw_of_proof(proof, authority, record.code) or ("" if of_certificate == record.sha256 else "its subject is another one")
        if fact:
            yield f"the evidence log is not intact: a record of {authority} shows no possession ({fact}); restore it from a copy"
            return


def _records_of(log: Resource) -> list[_Record]:
    """The proofs in a log; none of one that is not intact, which is reported by itself.

    Raises:
        NotKnownYetError: it is not known yet.
    """
    try:
        return _read(_text(log))
    except _BrokenError:
        return []


def _text(log: Resource) -> str:
    """The log's text. A preview of its first run has none at all; a run that finds none in the state ends with an error.

    Raises:
        NotKnownYetError: it is not known yet.
    """
    text = log.known("log")
    if text is None:
        raise NotKnownYetError("log")
    return str(text)


def _unrecorded(resource: Resource, records: Sequence[_Record], *, has_log: bool) -> Iterator[str]:
    if not says_possession(resource):
        return
    code, service = resource.known("provenCode"), str(resource.known("serviceId")).lower()
    if not code:
        return
    try:
        (authority, *_) = load(str(resource.known("certificate")))
    except (UnreadableError, ValueError):
        return  # `proof-evidence` tells it
    digest = hashlib.sha256(authority.encoding).hexdigest()
    if any((one.service.lower(), one.sha256, one.code) == (service, digest, code) for one in records):
        return
    if has_log:
        remedy = "give the EvidenceLog this hub or service (hubs, services), and run `up`"
        yield f"its proof of possession has no record in the stack's evidence log: {remedy}"
    else:
        yield "it is proven, and the stack has no evidence log: declare an EvidenceLog with its hub or service"


def _read(text: str) -> list[_Record]:
    """The proofs in the log, which is one envelope a line and a head.

    Raises:
        _BrokenError: it is not intact.
    """
    *lines, last = text.split("\n")
    kind, head = _payload(last)
    if kind != _HEAD:
        raise _BrokenError("its last line is not its head")
    root = _root([line.encode() for line in lines]).hex()
    if (head.get("size"), head.get("rootHash")) != (len(lines), root):
        raise _BrokenError(f"its {len(lines)} records have the root hash {root}, and its head says {head.get('rootHash')}")
    found = []
    for index, line in enumerate(lines):
        kind, statement = _payload(line)
        predicate = statement.get("predicate")
        if kind != _STATEMENT or not isinstance(predicate, dict):
            raise _BrokenError(f"record {index} is no statement")
        if (predicate.get("stack"), predicate.get("index")) != (head.get("stack"), index):
            raise _BrokenError(f"record {index} is of another log, or in another place")
        if statement.get("predicateType") == _PROOF:
            found.append(_record(statement, predicate, index))
    return found


def _record(statement: Mapping[str, Any], predicate: Mapping[str, Any], index: int) -> _Record:
    try:
        digest = statement["subject"][0]["digest"]["sha256"]
        values = [predicate[name] for name in ("service", "code", "proof", "certificate")]
    except (KeyError, IndexError, TypeError):
        raise _BrokenError(f"record {index} is no proof, and says that it is one") from None
    if not all(isinstance(one, str) for one in (digest, *values)):
        raise _BrokenError(f"record {index} is no proof, and says that it is one")
    service, code, proof, certificate = values
    return _Record(service, digest, code, proof, certificate)


def _payload(line: str) -> tuple[str, dict[str, Any]]:
    """The type and the content of an envelope.

    Raises:
        _BrokenError: it is none.
    """
    try:
        envelope = json.loads(line)
        content = json.loads(base64.b64decode(envelope["payload"], validate=True))
        kind = envelope["payloadType"]
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        raise _BrokenError("a line is no envelope") from None
    if not isinstance(content, dict) or not isinstance(kind, str):
        raise _BrokenError("a line is no envelope")
    return kind, content


def _root(leaves: Sequence[bytes]) -> bytes:
    """The hash of a Merkle tree over these (RFC 9162 2.1.1)."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + _root(leaves[:half]) + _root(leaves[half:])).digest()
