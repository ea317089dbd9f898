"""The words and marks of the engine's operations, as the CLI shows them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """The words for one operation: mark, planned, current and done forms, and its colour for rich."""

    mark: str
    plan: str
    doing: str
    done: str
    colour: str


_WORDS = {
    "same": Words("  ", "", "", "", "default"),
    "create": Words("+ ", "create", "creating", "created", "green"),
    "update": Words("~ ", "update", "updating", "updated", "yellow"),
    "delete": Words("- ", "delete", "deleting", "deleted", "red"),
    "replace": Words("+-", "replace", "replacing", "replaced", "magenta"),
    "create-replacement": Words("++", "create replacement", "creating replacement", "created replacement", "green"),
    "delete-replaced": Words("--", "delete original", "deleting original", "deleted original", "red"),
    "read": Words("> ", "read", "reading", "read", "cyan"),
    "read-replacement": Words(">>", "read for replacement", "reading for replacement", "read for replacement", "cyan"),
    "refresh": Words("~ ", "refresh", "refreshing", "refreshed", "cyan"),
    "discard": Words("< ", "discard", "discarding", "discarded", "red"),
    "discard-replaced": Words("<<", "discard original", "discarding original", "discarded original", "red"),
    "remove-pending-replace": Words("~ ", "", "", "", "default"),
    "import": Words("= ", "import", "importing", "imported", "blue"),
    "import-replacement": Words("=>", "import replacement", "importing replacement", "imported replacement", "blue"),
}
# The order in which summaries count them.
ORDER = tuple(_WORDS)


def words(operation: str) -> Words:
    """The words for an operation; an unknown one is shown with its own name."""
    return _WORDS.get(operation) or Words("  ", operation, operation, operation, "default")


def counted(operation: str, count: int, *, planned: bool) -> str:
    """One line of a summary: `+ 4 to create`, `~ 3 updated`."""
    spoken = words(operation)
    past = {"replace": "replaced", "read": "read"}.get(operation, spoken.done)
    return f"{spoken.mark}{count} {'to ' + operation if planned else past}"
