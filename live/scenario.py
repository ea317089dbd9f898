"""What is run: the steps in order, each with its settings and with what must be true afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NAME = "hubtrust-live"  # of the resources; the group, the hub and the provisioning service add eight digits
DESTROY = "destroy"


@dataclass(frozen=True, slots=True)
class Step:
    """One `up`. ``settings`` are added to those of the steps before; None removes one. ``fault`` says what is wrong with the outputs."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    fault: Callable[[Mapping[str, Any]], str | None] = lambda _: None
    changes_nothing: bool = False


BASE: Mapping[str, Any] = {"name": NAME, "caName": "hubtrust live", "protect": False, "operators": ["deployer"]}


def _trusts(count: int) -> Callable[[Mapping[str, Any]], str | None]:
    def fault(outputs: Mapping[str, Any]) -> str | None:
        trust = outputs.get("trust") or []
        proven = [one for one in trust if one.get("verified") and one.get("proof") == "possession"]
        return (
            None
            if len(proven) == len(trust) == count
            else f"the hub trusts {len(trust)} CAs, {len(proven)} of them proven; {count} expected"
        )

    return fault


def _connected(output: str) -> Callable[[Mapping[str, Any]], str | None]:
    def fault(outputs: Mapping[str, Any]) -> str | None:
        state = (outputs.get(output) or {}).get("state")
        return None if state == "connected" else f"the output '{output}' says {state or 'nothing'}; connected expected"

    return fault


STEPS = (
    Step("hub and proof", fault=_trusts(1)),
    Step("second up", changes_nothing=True),
    Step("device connects", {"devices": "press-{001..002}", "canary": "press-001"}, _connected("connection")),
    Step("next generation beside the first", {"caGeneration": 2, "caKeepPrevious": True}, _trusts(2)),
    Step("first generation dropped", {"caKeepPrevious": None, "caDropGeneration": 1}, _trusts(1)),
    Step(
        "enrolment",
        {"provisioning": True, "dpsOperators": ["deployer"], "enrollmentGroups": ["presses"], "enrollmentCanary": "press-101"},
        _connected("enrollment"),
    ),
)
