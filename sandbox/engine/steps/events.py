"""The engine's events, in the shape of `--event-log` (Pulumi's `apitype.EngineEvent`): the display, the log and the history use them.

Secrets are blinded here, before anything leaves the engine.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sandbox.engine.state.deployment import blinded, encoded_value
from sandbox.engine.values import urn as urns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.engine.state.deployment import Json, Resource
    from sandbox.engine.steps.transition import Transition

SEVERITIES = ("debug", "info", "warning", "error")
STDERR = "info#err"


class Events:
    """Writes events to one listener, and counts the resources for the summary."""

    def __init__(self, listener: Callable[[Json], None]) -> None:
        self._listener = listener
        self.changes: Counter[str] = Counter()
        self.maybe_corrupt = False

    def prelude(self, config: Mapping[str, str]) -> None:
        """The run begins; secrets are `[secret]` already."""
        self._listener({"preludeEvent": {"config": dict(config)}})

    def before(self, step: Transition) -> None:
        """A step begins."""
        self._listener({"resourcePreEvent": {"metadata": metadata(step), **_whole(step)}})

    def after(self, step: Transition) -> None:
        """A step has ended well. The outputs of a component come later: see `outputs`."""
        if not urns.is_default_provider(step.urn):
            self.changes[step.outcome] += step.counted
        if step.custom or step.op in ("delete", "refresh"):
            self.outputs(step)

    def outputs(self, step: Transition) -> None:
        """A resource has its outputs."""
        self._listener({"resOutputsEvent": {"metadata": {**metadata(step), "op": step.outcome}, **_whole(step)}})

    def failed(self, step: Transition) -> None:
        """A step has failed."""
        self._listener({"resOpFailedEvent": {"metadata": metadata(step), "status": 2, "steps": 0, **_whole(step)}})

    def message(self, text: str, severity: str = "info", urn: str = "", *, stream: int = 0, ephemeral: bool = False) -> None:
        """A message for the user, of a resource or of the stack."""
        event: Json = {"message": f"{text}\n", "color": "never", "severity": severity}
        if severity in ("warning", "error"):
            event["prefix"] = f"{severity}: "
        if urn:
            event["urn"] = urn
        if stream:
            event["streamID"] = stream
        if ephemeral:
            event["ephemeral"] = True
        self._listener({"diagnosticEvent": event})

    def policy(self, violation: Json) -> None:
        """A policy was violated."""
        self._listener({"policyEvent": violation})

    def remediation(self, remediation: Json) -> None:
        """A policy has changed a resource's inputs."""
        self._listener({"policyRemediationEvent": remediation})

    def other(self, kind: str, content: Json) -> None:
        """An event of another kind, by its name."""
        self._listener({kind: content})

    def summary(self, *, preview: bool, seconds: int, failed: bool, policy_packs: Mapping[str, str]) -> None:
        """The run is over."""
        self._listener(
            {
                "summaryEvent": {
                    "maybeCorrupt": self.maybe_corrupt,
                    "durationSeconds": seconds,
                    "resourceChanges": {op: count for op, count in sorted(self.changes.items()) if count},
                    "PolicyPacks": dict(policy_packs),
                    "isPreview": preview,
                    "result": "failed" if failed else "succeeded",
                }
            }
        )

    def end(self) -> None:
        """No event comes after this one."""
        self._listener({"cancelEvent": {}})


def _whole(step: Transition) -> Json:
    """The resources themselves, for displays of this process: it never leaves it (`display/stream.py`)."""
    return {"_states": (step.old, step.new)}


def metadata(step: Transition) -> Json:
    """The metadata of a step, as events have it."""
    resource = step.new or step.old
    assert resource is not None  # a step has one or the other
    found: Json = {"op": step.op, "urn": step.urn, "type": resource.type, "old": _state(step.old), "new": _state(step.new)}
    difference = step.difference
    if difference is not None and difference.replaces:
        found["keys"] = list(difference.replaces)
    if difference is not None and difference.changed:
        found["diffs"] = list(difference.changed)
    found["detailedDiff"] = None
    if difference is not None and difference.detailed:
        found["detailedDiff"] = {path: {"diffKind": item.kind, "inputDiff": item.input} for path, item in difference.detailed.items()}
    if step.logical:
        found["logical"] = True
    found["provider"] = resource.provider
    return found


def _state(resource: Resource | None) -> Json | None:
    if resource is None:
        return None
    found: Json = {"type": resource.type, "urn": resource.urn}
    flags = ("custom", "delete", "protect")
    found |= {name: True for name in flags if getattr(resource, name)}
    if resource.retain_on_delete:
        found["retainOnDelete"] = True
    properties = encoded_value({"inputs": resource.inputs, "outputs": resource.outputs}, blinded)
    found |= {"id": resource.id, "parent": resource.parent, **properties}
    found["provider"] = resource.provider
    if resource.init_errors:
        found["initErrors"] = list(resource.init_errors)
    return found
