"""The page's first line: the worst that was found, in words that claim no more than was seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .facts_section import log_degree
from .marks import BAD, GOOD, UNKNOWN, WARN
from .proofs import proof_of
from .words import counted


@dataclass(frozen=True)
class Verdict:
    """The worst degree, and what is behind it."""

    degree: str
    words: str
    reasons: tuple[str, ...] = ()


def is_empty(document: Mapping[str, Any]) -> bool:
    """Whether there is nothing of hubtrust to show."""
    return not (document.get("authorities") or document.get("services") or (document.get("deviceCertificates") or {}).get("count"))


def verdict(document: Mapping[str, Any]) -> Verdict:
    """The verdict on what was seen."""
    if is_empty(document):
        reasons = tuple(f"{each.get('what')}: {each.get('why')}" for each in document.get("unseen") or [])
        return Verdict(UNKNOWN, "This stack has nothing of hubtrust: no authority, no hub and no provisioning service.", reasons)
    bad, warned = _bad(document), _warned(document)
    hidden = len(document.get("unseen") or [])
    limits = [f"{counted(hidden, 'thing')} could not be seen"] if hidden else []
    if found := [*bad, *warned]:
        worst, *others = found
        return Verdict(BAD if bad else WARN, f"{worst[0].upper()}{worst[1:]}.", (*others, *limits))
    if hidden:
        return Verdict(UNKNOWN, "Nothing wrong was found in what could be seen.", tuple(limits))
    return Verdict(GOOD, "Everything that is trusted was proven, and nothing is due.")


def _bad(document: Mapping[str, Any]) -> list[str]:
    """The worst first: it is the headline."""
    degrees = [proof_of(trust).degree for service in document.get("services") or [] for trust in service.get("trusts") or []]
    ended = sum(_is_below(each.get("daysLeft"), 0) for each in document.get("authorities") or [])
    forbidden = sum(each.get("level") != "advisory" for each in document.get("findings") or [])
    broken = _broken_log(document)
    return [
        *([f"{counted(degrees.count(BAD), 'certificate is', 'certificates are')} not trusted as declared"] if BAD in degrees else []),
        *([f"the evidence log is not confirmed: {broken}"] if broken else []),
        *([f"{counted(ended, 'authority has', 'authorities have')} ended"] if ended else []),
        *([f"the policies forbid {counted(forbidden, 'thing')} in this stack"] if forbidden else []),
    ]


def _broken_log(document: Mapping[str, Any]) -> str:
    log = document.get("evidence")
    return (
        str(log.get("verdict")).removeprefix("not confirmed: ")
        if isinstance(log, Mapping) and log_degree(log.get("verdict")) == BAD
        else ""
    )


def _warned(document: Mapping[str, Any]) -> list[str]:
    proofs = [proof_of(trust) for service in document.get("services") or [] for trust in service.get("trusts") or []]
    unproven = sum(proof.degree not in (GOOD, BAD) for proof in proofs)
    due = len(document.get("due") or [])
    advisory = sum(each.get("level") == "advisory" for each in document.get("findings") or [])
    return [
        *([f"{counted(unproven, 'certificate has', 'certificates have')} no proof of possession"] if unproven else []),
        *([f"{counted(due, 'thing is', 'things are')} due in 90 days"] if due else []),
        *([f"the policies advise against {counted(advisory, 'thing')} in this stack"] if advisory else []),
    ]


def _is_below(value: object, limit: float) -> bool:
    return isinstance(value, int | float) and value < limit
