"""What the policy pack's script found, as a part of the document. `policies/findings.py` prints it; it shares no code with this package."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from hubtrust.errors import HubtrustError, shown

MOST_OCTETS: Final = 64 * 2**20
_REMEDY: Final = "give what `python policies/findings.py STATE` prints"


class ReportError(HubtrustError):
    """The report can't be made, or not be written."""


def with_findings(document: Mapping[str, Any], content: bytes, what: str) -> dict[str, Any]:
    """The document with the findings in ``content``, and with what the policies could not see.

    Raises:
        ReportError: it is not what the script prints; ``what`` names it.
    """
    try:
        found = json.loads(content.decode("utf-8-sig")) if len(content) <= MOST_OCTETS else None
    except (ValueError, RecursionError):
        raise ReportError(what, "it is not JSON in UTF-8", _REMEDY) from None
    if not isinstance(found, dict) or found.get("version") != 1:
        raise ReportError(what, "it is not an object with `version` 1", _REMEDY)
    findings = _entries(found, "findings", ("policy", "level", "message", "resource"), what)
    unchecked = _entries(found, "unchecked", ("policy", "reason", "resource"), what)
    return {**document, "findings": findings, "unseen": [*(document.get("unseen") or []), *_unseen(unchecked)]}


def _entries(found: Mapping[str, Any], member: str, names: tuple[str, ...], what: str) -> list[dict[str, str]]:
    entries = found.get(member)
    if not isinstance(entries, list):
        raise ReportError(what, f"its `{member}` is not a list", _REMEDY)
    for place, each in enumerate(entries):
        if not isinstance(each, dict) or not all(isinstance(each.get(name), str) for name in names):
            raise ReportError(what, f"{member}[{place}] does not have the texts {', '.join(names)}", _REMEDY)
    return [{name: shown(each[name]) for name in names} for each in entries]


def _unseen(unchecked: list[dict[str, str]]) -> list[dict[str, str]]:
    """One line for a policy and a reason, however many resources it is."""
    counted = Counter((each["policy"], each["reason"]) for each in unchecked)
    return [
        {"what": f"what the policy {policy} says" + (f" of {count} resources" if count > 1 else ""), "why": reason}
        for (policy, reason), count in counted.items()
    ]
