"""The status of a run, updated with each event; every display reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.engine.display.stream import STATES

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.engine.display.stream import Event

ROOT = "pulumi:pulumi:Stack"


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


def short_type(token: str) -> str:
    """A type as Pulumi's CLI writes it: `tls:index/privateKey:PrivateKey` is `tls:index:PrivateKey`."""
    package, _, rest = token.partition(":")
    module, _, name = rest.partition(":")
    folder, _, file = module.rpartition("/")
    return f"{package}:{folder}:{name}" if folder and name and file == name[0].lower() + name[1:] else token


def counted(operation: str, count: int, *, planned: bool) -> str:
    """One line of a summary: `+ 4 to create`, `~ 3 updated`."""
    found = words(operation)
    past = {"replace": "replaced", "read": "read"}.get(operation, found.done)
    return f"{found.mark}{count} {'to ' + operation if planned else past}"


@dataclass(frozen=True)
class DisplayOptions:
    """How a run is shown: as a preview (`planned`) or as changes, with or without secrets and outputs."""

    planned: bool
    show_secrets: bool = False
    suppress_outputs: bool = False


@dataclass
class Row:
    """One resource of the run: its `token` is its type without those of its parents, `type` the same as Pulumi's CLI shortens it.

    Times are seconds of a monotonic clock; `steps` has the last metadata of each operation. `refreshed`: the run has read it, and
    `read_now`: that was its last event, so that its operation is what the read has found.
    """

    urn: str
    operation: str = "same"
    token: str = field(init=False, default=ROOT)
    type: str = field(init=False, default=ROOT)
    name: str = field(init=False, default="")
    is_root: bool = field(init=False)
    parent: str = ""
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    states: tuple[Any, Any] = (None, None)
    started: float | None = None
    ended: float | None = None
    failed: bool = False
    interrupted: bool = False
    refreshed: bool = False
    read_now: bool = False
    diagnostics: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.urn:
            _, _, types, self.name = self.urn.split("::", 3)
            self.token = types.rpartition("$")[2]
            self.type = short_type(self.token)
        self.is_root = self.token == ROOT

    @property
    def words(self) -> Words:
        """The words for its current operation."""
        return words(self.operation)

    @property
    def done(self) -> bool:
        """Whether its current operation has ended, successfully or not."""
        return self.failed or self.ended is not None

    @property
    def is_component(self) -> bool:
        """Whether no provider makes it."""
        metadata = self.metadata()
        return not (metadata.get("new") or metadata.get("old") or {}).get("custom")

    @property
    def worth_showing(self) -> bool:
        """Whether it changes or has messages."""
        return self.is_root or self.operation != "same" or self.failed or bool(self.diagnostics)

    def count(self, severity: str) -> int:
        """The number of its non-ephemeral messages of a severity."""
        return sum(1 for found in self.diagnostics if _severity(found) == severity and not found.get("ephemeral"))

    def metadata(self) -> dict[str, Any]:
        """The last step's metadata."""
        return self.steps.get(self.operation) or (next(reversed(self.steps.values())) if self.steps else {})


class Board:
    """The rows of a run by URN, in order of appearance, and the data of the run as a whole."""

    def __init__(self, stack_urn: str, clock: Callable[[], float], options: DisplayOptions) -> None:
        """`stack_urn` gets the messages that name no resource; `clock` returns seconds."""
        self.options = options
        self.rows: dict[str, Row] = {}
        self.summary: dict[str, Any] | None = None
        self.stack_outputs: dict[str, Any] | None = None
        self.stack_states: tuple[Any, Any] = (None, None)
        self.policy_events: list[dict[str, Any]] = []
        self.remediations: list[dict[str, Any]] = []
        self.notices: list[str] = []
        self.closed = False
        self._stack_urn = stack_urn
        self._clock = clock
        self._begin = clock()
        self._finish: float | None = None

    def apply(self, event: Event) -> Row | None:
        """Processes an event; returns its row, if any."""
        for kind, handle in (
            ("resourcePreEvent", self._begun),
            ("resOutputsEvent", self._ended),
            ("resOpFailedEvent", self._failed),
            ("diagnosticEvent", self._diagnostic),
        ):
            if kind in event:
                return handle(event[kind])
        if "summaryEvent" in event:
            self.summary = event["summaryEvent"]
            self._finish = self._clock()
        elif "policyEvent" in event:
            self.policy_events.append(event["policyEvent"])
        elif "policyRemediationEvent" in event:
            self.remediations.append(event["policyRemediationEvent"])
        elif "stdoutEvent" in event:
            self.notices.append(event["stdoutEvent"]["message"])
        return None

    def seconds(self) -> float:
        """How long the run took, or has taken until now."""
        return (self._clock() if self._finish is None else self._finish) - self._begin

    def close(self) -> None:
        """The events have ended. Operations still in progress were interrupted, except in a preview, which has none.

        The engine itself makes components, at once: one whose outputs never came exists, and the summary counts it. The stack has
        failed if it has an error.
        """
        self.closed = True
        for row in self.rows.values():
            row.failed = row.failed or (row.is_root and row.count("error") > 0)
            began = not self.options.planned and not row.done and row.started is not None and row.operation != "same"
            row.interrupted = began and not row.is_component

    def row(self, urn: str) -> Row:
        """The row of a URN, created when it is new."""
        urn = urn or self._stack_urn
        if urn not in self.rows:
            self.rows[urn] = Row(urn)
        return self.rows[urn]

    def status(self, row: Row) -> str:
        """The status of a row's operation: `create`, `creating (2s)`, `created (0.31s)`, `creating failed`."""
        words = row.words
        if row.failed:
            return f"{words.doing} failed".strip()
        if row.interrupted:
            return f"{words.doing} interrupted".strip()
        if self.options.planned:
            text = words.plan
            old = row.metadata().get("old") or {}
            if old.get("retainOnDelete") and row.operation in ("delete", "replace", "create-replacement", "delete-replaced"):
                text += "[retain]"
            return text
        if row.started is None or (not words.doing and (row.done or not row.is_root)):
            return words.doing
        if row.ended is None:
            return words.done if self.closed else f"{words.doing or 'running'} ({int(self._clock() - row.started)}s)"
        seconds = row.ended - row.started
        return f"{words.done} ({seconds:.2f}s)" if seconds < 1 else f"{words.done} ({int(seconds)}s)"

    def _step(self, body: dict[str, Any]) -> Row:
        metadata = body["metadata"]
        row = self.row(metadata["urn"])
        row.operation = metadata["op"]
        row.steps[row.operation] = metadata
        row.states = body.get(STATES) or (None, None)
        row.parent = (metadata.get("new") or metadata.get("old") or {}).get("parent") or row.parent
        return row

    def _begun(self, body: dict[str, Any]) -> Row:
        row = self._step(body)
        row.started, row.ended, row.failed, row.read_now = self._clock(), None, False, False
        return row

    def _ended(self, body: dict[str, Any]) -> Row:
        before = self.rows.get(body["metadata"]["urn"])
        refreshed = before is not None and before.operation == "refresh"
        row = self._step(body)
        row.ended = self._clock()
        row.refreshed, row.read_now = row.refreshed or refreshed, refreshed
        if row.started is None:
            row.started = row.ended
        if row.is_root:
            self.stack_outputs, self.stack_states = body["metadata"], row.states
        return row

    def _failed(self, body: dict[str, Any]) -> Row:
        row = self._step(body)
        row.failed, row.ended = True, self._clock()
        return row

    def _diagnostic(self, body: dict[str, Any]) -> Row:
        row = self.row(body.get("urn", ""))
        row.diagnostics.append(body)
        if _severity(body) == "error" and not row.steps:
            row.failed = True
        return row


def _severity(diagnostic: dict[str, Any]) -> str:
    return str(diagnostic.get("severity", "info"))
