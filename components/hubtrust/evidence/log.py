"""The log: one envelope a line, then the head, which names the size and the root hash of the Merkle tree over the lines before it.

Every record names the root hash of the log that it was appended to, so that no record can be left out, moved, changed or be another
stack's without changing every later one and the head.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from hubtrust.evidence.canonical import in_message, read_json
from hubtrust.evidence.envelope import Envelope
from hubtrust.evidence.errors import EvidenceError, FormError
from hubtrust.evidence.head import HEAD_TYPE, Head, is_number
from hubtrust.evidence.merkle import Tree
from hubtrust.evidence.statement import PAYLOAD_TYPE, Kind, Statement, Subject
from hubtrust.pki.certificate import Certificate, pem
from hubtrust.pki.signers import Signer

LARGEST = 64 * 1024 * 1024  # bytes of a log that is read: more than 10,000 records
_WHAT = "the evidence log"
_INTACT = "use an intact copy of the log, as `pulumi stack output evidence` or the stack's evidence file has it"
_OF_THE_LOG = ("stack", "index", "previousRoot")  # members of every predicate, which the log itself writes


@dataclass(frozen=True, slots=True)
class Record:
    """One record, as its line has it."""

    index: int
    line: str
    envelope: Envelope
    statement: Statement

    @property
    def number(self) -> int:
        """Its number for people: that of its line, from 1."""
        return self.index + 1

    @property
    def previous_root(self) -> str:
        """The root hash of the log that it was appended to, lower-case hex."""
        return str(self.statement.predicate["previousRoot"])


@dataclass(frozen=True, slots=True)
class Log:
    """An append-only log of one stack (`organization/project/stack`). Two with the same text are equal."""

    stack: str
    records: tuple[Record, ...]
    head: Envelope
    _tree: Tree

    @classmethod
    def empty(cls, stack: str) -> Self:
        """The log of ``stack`` without a record."""
        return cls(stack, (), Head.of(stack, Tree()).envelope, Tree())

    @classmethod
    def read(cls, text: str | bytes) -> Self:
        """The log that ``text`` is, with or without the line feed at its end, and nothing else: each byte must be as ``text`` writes it.

        The chain is checked: every index, stack and previous root hash, and the head. Signatures and certificates are judged by the audit.

        Raises:
            EvidenceError: it is not a log, or not an intact one; it says at which line.
        """
        lines = _lines(text)
        tree = Tree()
        records: list[Record] = []
        for index, line in enumerate(lines[:-1]):
            record = _read(index, line)
            _require_next(record, tree, records[0] if records else None)
            records.append(record)
            tree = tree.with_leaf(line.encode())
        head = _read_head(lines[-1], what := f"{_WHAT}, line {len(lines)}")
        _require_head(head, tree, records[0] if records else None, what)
        return cls(head.stack, tuple(records), head.envelope, tree)

    def append(self, kind: Kind | str, subject: Certificate | Subject, predicate: Mapping[str, Any], signer: Signer | None = None) -> Self:
        """The log with one record more, which ``signer`` signs if there is one. The head is not signed: see ``signed``.

        The log adds `stack`, `index` and `previousRoot` to ``predicate``, and a certificate that is the subject as `certificate` (PEM).

        Raises:
            EvidenceError: the predicate can't be recorded, such as one with a private key in it; or see ``Envelope.signed_by``.
        """
        whole: dict[str, Any] = {**predicate, "stack": self.stack, "index": self.size, "previousRoot": self.root_hash}
        if isinstance(subject, Certificate):
            whole["certificate"] = pem(subject)
            subject = Subject.of(subject)
        try:
            envelope = Envelope(PAYLOAD_TYPE, Statement(Kind(kind), subject, whole).payload)
            # It is read again, so that nothing is ever appended that can't be read.
            record = _record(self.size, envelope.signed_by(signer).line)
        except FormError as error:
            raise EvidenceError(_WHAT, f"a record of the kind {kind} can't be appended: {error}", "correct what is recorded") from None
        tree = self._tree.with_leaf(record.line.encode())
        return type(self)(self.stack, (*self.records, record), Head.of(self.stack, tree).envelope, tree)

    def signed(self, signer: Signer | None) -> Self:
        """It with a head that is signed by ``signer``; with an unsigned one, if that is None.

        Raises:
            EvidenceError: see ``Envelope.signed_by``.
        """
        return type(self)(self.stack, self.records, self.head.signed_by(signer), self._tree)

    @property
    def size(self) -> int:
        """How many records it has."""
        return len(self.records)

    @property
    def root_hash(self) -> str:
        """The root hash of the tree over all its records, 64 lower-case hex digits."""
        return self._tree.root.hex()

    @property
    def text(self) -> str:
        """It as the stack's output has it; its file has a line feed more, at the end."""
        return "\n".join([*(record.line for record in self.records), self.head.line])

    def root_at(self, size: int) -> str:
        """The root hash that it had when it had ``size`` records; ``size`` is at most the present one."""
        return self.root_hash if size == self.size else self.records[size].previous_root

    def is_prefix_of(self, other: "Log") -> bool:
        """Whether ``other`` is this log, or this one continued. Signatures of the heads don't matter."""
        if self.stack != other.stack or self.size > other.size:
            return False
        return self.root_hash == other.root_at(self.size)


def _lines(text: str | bytes) -> list[str]:
    if len(text) > LARGEST:
        raise EvidenceError(_WHAT, f"it has more than {LARGEST:,} bytes, and no log has so many", _INTACT)
    try:
        text = text.decode() if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise EvidenceError(_WHAT, f"it is not UTF-8 (byte {error.start + 1})", _INTACT) from None
    if not text.strip():
        raise EvidenceError(_WHAT, "it is empty, and even a log without records has a head", _INTACT)
    if "\r\n" in text:
        fact = "its lines end with CR LF, as git (core.autocrlf), PowerShell or an editor writes them"
        raise EvidenceError(_WHAT, fact, "take them out (`tr -d '\\r'`); `*.jsonl -text` in .gitattributes keeps git from adding them")
    if text.startswith('"'):
        raise EvidenceError(_WHAT, "it is a text of JSON, in quotes", "give it as `pulumi stack output evidence` writes it, without --json")
    return text.removesuffix("\n").split("\n")


def _read(index: int, line: str) -> Record:
    try:
        return _record(index, line)
    except FormError as error:
        raise EvidenceError(f"{_WHAT}, line {index + 1}", str(error), _INTACT) from None


def _read_head(line: str, what: str) -> Head:
    try:
        return Head.read(line)
    except FormError as error:
        raise EvidenceError(what, str(error), _INTACT) from None


def _record(index: int, line: str) -> Record:
    """The record in ``line``."""
    envelope = Envelope.read(read_json(line))
    if envelope.payload_type == HEAD_TYPE:
        raise FormError("it is a head, and only the last line is one: other lines follow it")
    if envelope.payload_type != PAYLOAD_TYPE:
        raise FormError(f"its payloadType is not {PAYLOAD_TYPE}")
    statement = Statement.read(envelope.payload)
    for name in _OF_THE_LOG:
        if name not in statement.predicate:
            raise FormError(f"its predicate has no {name}")
    return Record(index, line, envelope, statement)


def _require_next(record: Record, tree: Tree, first: Record | None) -> None:
    """Check that ``record`` follows the records of ``tree``; the first of them names the stack."""
    what, predicate = f"{_WHAT}, line {record.index + 1}", record.statement.predicate
    index, root, stack = predicate["index"], predicate["previousRoot"], predicate["stack"]
    if not isinstance(stack, str) or (first and stack != first.statement.predicate["stack"]):
        of = f", and the records before it are of '{first.statement.predicate['stack']}'" if first else ""
        raise EvidenceError(what, f"its record is of the stack {in_message(stack)}{of}", _INTACT)
    if not is_number(index, record.index):
        number = f"record {index + 1}" if type(index) is int else f"a record with the index {in_message(index)}"
        fact = f"it is {number} of its log, and record {record.index + 1} is next: records are left out, repeated or reordered"
        raise EvidenceError(what, fact, _INTACT)
    if root != tree.root.hex():
        fact = f"its record was appended to a log with the root hash {in_message(root)}, and the lines before it have {tree.root.hex()}"
        raise EvidenceError(what, fact, _INTACT)


def _require_head(head: Head, tree: Tree, first: Record | None, what: str) -> None:
    """Check that ``head`` is that of the records in ``tree``."""
    if first and head.stack != first.statement.predicate["stack"]:
        fact = f"the head is of the stack '{head.stack}', and the records are of '{first.statement.predicate['stack']}'"
        raise EvidenceError(what, fact, _INTACT)
    if not is_number(head.size, tree.size):
        fact = f"the head is of a log of {in_message(head.size)} records, and there are {tree.size}: records are left out, or added"
        raise EvidenceError(what, fact, _INTACT)
    if head.root_hash != tree.root.hex():
        fact = f"the head has the root hash {in_message(head.root_hash)}, and the lines before it have {tree.root.hex()}"
        raise EvidenceError(what, fact, _INTACT)
