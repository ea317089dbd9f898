"""The last line of a log: an envelope that names the stack, the number of records and their root hash."""

from dataclasses import dataclass
from typing import Any, Self

from hubtrust.evidence.canonical import canonical_json, members, read_json, text_of
from hubtrust.evidence.envelope import Envelope
from hubtrust.evidence.errors import FormError
from hubtrust.evidence.merkle import Tree

HEAD_TYPE = "application/vnd.hubtrust.log-head+json"
_VERSION = 1  # of the log's form


def is_number(value: Any, wanted: int) -> bool:
    """Whether ``value``, read of JSON, is the whole number ``wanted``; `true` is 1 for Python."""
    return type(value) is int and value == wanted


@dataclass(frozen=True, slots=True)
class Head:
    """What the last line says, and the envelope that says it."""

    stack: str
    size: Any  # as it was read; the log compares it
    root_hash: Any
    envelope: Envelope

    @classmethod
    def of(cls, stack: str, tree: Tree) -> Self:
        """The unsigned head of the log of ``stack`` with this tree."""
        root = tree.root.hex()
        content = canonical_json({"rootHash": root, "size": tree.size, "stack": stack, "version": _VERSION})
        return cls(stack, tree.size, root, Envelope(HEAD_TYPE, content.encode()))

    @classmethod
    def read(cls, line: str) -> Self:
        """The head in ``line``.

        Raises:
            FormError: it is none.
        """
        envelope = Envelope.read(read_json(line))
        if envelope.payload_type != HEAD_TYPE:
            raise FormError(f"it is the last line, and not the log's head ({HEAD_TYPE}): the end of the log is missing")
        root, size, stack, version = members(read_json(envelope.payload), "rootHash", "size", "stack", "version", what="the head")
        if not is_number(version, _VERSION):
            raise FormError(f"its form has another version than {_VERSION}, the only one that is read here")
        return cls(text_of(stack, what="the head's stack"), size, root, envelope)
