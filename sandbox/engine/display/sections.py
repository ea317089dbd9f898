"""The final sections of a run, as plain lines: diagnostics, policies, outputs, resources, duration."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from sandbox.engine.display.board import ORDER, counted
from sandbox.engine.display.message import prefixed
from sandbox.engine.display.properties import Printer, properties, without_pending

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.engine.display.board import Board, Row

_READS = ("same", "read", "discard", "read-replacement")
_LEVELS = {"mandatory": 0, "remediate": 1, "advisory": 2}


def diagnostics(board: Board) -> list[str]:
    """Every non-ephemeral message, once, grouped by resource."""
    lines: list[str] = []
    for row in board.rows.values():
        messages = _messages(row)
        if messages:
            lines += [f"  {row.type} ({row.name}):", *(f"    {line}".rstrip() for text in messages for line in text.split("\n")), ""]
    return ["Diagnostics:", *lines] if lines else []


def _messages(row: Row) -> list[str]:
    """A row's messages; parts of one stream are joined, and repeated messages are shown once."""
    found: list[str] = []
    streams: dict[int, int] = {}
    for diagnostic in row.diagnostics:
        if diagnostic.get("ephemeral") or diagnostic.get("severity") == "debug":
            continue
        text = prefixed(diagnostic)
        stream = int(diagnostic.get("streamID") or 0)
        if stream and stream in streams:
            found[streams[stream]] += f"\n{text}"
        elif text and text not in found:
            streams[stream] = len(found)
            found.append(text)
    return found


def policies(board: Board) -> list[str]:
    """The policy packs that ran, with their violations and remediations."""
    packs: Mapping[str, str] = (board.summary or {}).get("PolicyPacks") or {}
    if not packs and not board.policy_events:
        return []
    lines = ["Policies:"]
    for named, version in sorted(packs.items()):
        name, _, folder = named.partition("|local|")
        violations = [event for event in board.policy_events if event["policyPackName"] == name]
        remediated = [event for event in board.remediations if event["policyPackName"] == name]
        broken = any(event["enforcementLevel"] == "mandatory" for event in violations)
        sign = "❌" if broken else "⚠️" if violations else "✅"
        lines.append(f"    {sign} {name}@v{version}" + (f" (local: {folder})" if folder else ""))
        for policy in sorted({event["policyName"] for event in remediated}):
            count = sum(event["policyName"] == policy for event in remediated)
            lines.append(f"        - [remediate]  {policy}  ({count} resource{'s' * (count != 1)})")
        for event in sorted(violations, key=_policy_rank):
            lines += _violation(event)
    return [*lines, ""]


def _policy_rank(event: dict[str, Any]) -> tuple[int, str, str]:
    return _LEVELS.get(event["enforcementLevel"], 3), event["policyName"], event.get("resourceUrn", "")


def _violation(event: dict[str, Any]) -> list[str]:
    urn = event.get("resourceUrn") or ""
    parts = urn.split("::", 3)
    where = f"  ({parts[2].rpartition('$')[2]}: {parts[3]})" if len(parts) > 3 else ""  # noqa: PLR2004 - urn:stack, project, type, name
    message = prefixed(event).split("\n")
    return [f"        - [{event['enforcementLevel']}]  {event['policyName']}{where}", *(f"          {line}".rstrip() for line in message)]


def outputs(board: Board) -> list[str]:
    """The stack's outputs: all of them after a run, the ones that will change in a preview."""
    metadata = board.stack_outputs
    if metadata is None or metadata["op"] == "delete" or metadata.get("new") is None:
        return []
    old = properties(metadata, board.stack_states, new=False, kind="outputs")
    new = properties(metadata, board.stack_states, new=True, kind="outputs")
    if board.options.planned:
        old, new = without_pending(old, new)
    printer = Printer(show_secrets=board.options.show_secrets)
    if metadata.get("old") is None:
        printer.values(new, 1)
    else:
        printer.difference(old, new, 1, sames=not board.options.planned)
    return ["Outputs:", *printer.lines, ""] if printer.lines else []


def resources(board: Board) -> list[str]:
    """The number of resources for each operation, and the duration."""
    summary = board.summary
    if summary is None:
        return []
    changes: Mapping[str, int] = summary.get("resourceChanges") or {}
    planned = bool(summary.get("isPreview"))
    changed = {operation: changes[operation] for operation in ORDER if changes.get(operation) and operation not in _READS}
    lines = ["Resources:", *(f"    {counted(operation, count, planned=planned)}" for operation, count in changed.items())]
    pieces = [f"{sum(changed.values())} changes"] if len(changed) > 1 else []
    if changes.get("same"):
        pieces.append(f"{changes['same']} unchanged")
    if pieces:
        lines.append(f"    {'. '.join(pieces)}")
    errored = sum(row.count("error") > 0 for row in board.rows.values())
    if errored:
        lines.append(f"    {errored} errored")
    lines.append("")
    if not planned:
        lines += [f"Duration: {duration(board.seconds())}", ""]
    return lines


def duration(seconds: float) -> str:
    """A duration in the CLI's format: `2s`, `3m4s`, `1h0m0s`."""
    whole = math.ceil(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{f'{hours}h' if hours else ''}{f'{minutes}m' if hours or minutes else ''}{rest}s"


def final_sections(board: Board) -> list[str]:
    """All sections in their order."""
    # A violated mandatory policy ends the output: counts below it would only distract.
    if any(event["enforcementLevel"] == "mandatory" for event in board.policy_events):
        return [*policies(board), *diagnostics(board)]
    shown = [] if board.options.suppress_outputs else outputs(board)
    return [*policies(board), *diagnostics(board), *shown, *resources(board)]


def counts(row: Row) -> str:
    """How many messages a row has: `1 error; 2 warnings; 3 messages`."""
    found = {
        "error": row.count("error"),
        "warning": row.count("warning"),
        "message": row.count("info") + row.count("info#err"),
    }
    return "; ".join(f"{count} {name}{'s' * (count != 1)}" for name, count in found.items() if count)
