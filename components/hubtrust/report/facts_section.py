"""Policy findings, the evidence log, and what could not be seen."""

from collections.abc import Mapping
from typing import Any

from .marks import BAD, GOOD, UNKNOWN, WARN, marked
from .markup import Markup, element, name, together, words
from .tables import table
from .words import number

LEVELS = {"mandatory": BAD, "remediate": BAD, "advisory": WARN}


def findings(document: Mapping[str, Any]) -> Markup:
    """What the policy pack reports, mandatory policies first; that it was not asked, if it was not."""
    found = document.get("findings")
    if found is None:
        return element(
            "p",
            marked(UNKNOWN, "The policies were not checked."),
            " Give their findings with ",
            element("code", "--findings"),
            ".",
            class_="nothing",
        )
    if not found:
        return element("p", marked(GOOD, "The policies report nothing."), class_="nothing")
    order = list(LEVELS)
    rank = {level: place for place, level in enumerate(order)}
    rows = [
        [
            element("code", each.get("policy")),
            marked(LEVELS.get(str(each.get("level")), UNKNOWN), each.get("level") or "unknown"),
            words(each.get("message") or ""),
            _resource(str(each.get("resource") or "")),
        ]
        for each in sorted(found, key=lambda each: (rank.get(str(each.get("level")), len(rank)), str(each.get("policy"))))
    ]
    return table("Policy findings", ("Policy", "Level", "Finding", "Resource"), rows, heard=True)


def _resource(urn: str) -> Markup:
    """Its name and its type: two resources of a stack often have one name."""
    _, _, types, named = (*urn.split("::", 3), "", "", "")[:4]
    if not named:
        return name(urn or "the stack")
    return together(name(named), element("span", types.rpartition("$")[2].rpartition(":")[2], class_="under"))


def evidence(document: Mapping[str, Any]) -> Markup:
    """The log's size, root hash and verdict."""
    log = document.get("evidence")
    if not isinstance(log, Mapping):
        return element("p", marked(UNKNOWN, "This stack keeps no evidence log."), class_="nothing")
    facts = (
        ("Verdict", marked(log_degree(log.get("verdict")), log.get("verdict") or "not checked")),
        ("Records", number(log.get("size"))),
        ("Root hash", element("code", log.get("rootHash"))),
    )
    rows = [element("div", element("dt", term), element("dd", value)) for term, value in facts]
    how = element(
        "p",
        "Check it without this page: ",
        element("code", "hubtrust verify LOG --ca ca.pem"),
        ", or with openssl and sha256sum alone.",
        class_="quiet",
    )
    return together(element("dl", *rows, class_="facts"), how)


def log_degree(verdict: object) -> str:
    """The mark for a verdict on the log."""
    said = str(verdict or "")
    return GOOD if said == "confirmed" else BAD if said else WARN


def unseen(document: Mapping[str, Any]) -> Markup:
    """What the report could not see, and why: nothing is known of it, which is not the same as that nothing is wrong."""
    rows = [[name(each.get("what")), words(each.get("why") or "")] for each in document.get("unseen") or []]
    if not rows:
        return element("p", "The state holds all that this report shows.", class_="nothing")
    return table("What could not be seen", ("What", "Why"), rows, heard=True)
