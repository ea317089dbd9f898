"""The page: one HTML document with its styles, without scripts, that asks for nothing when it is opened."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from .dates_section import device_certificates, due
from .facts_section import evidence, findings, unseen
from .marks import mark, symbols
from .markup import Markup, element, text, together
from .proofs import proof_of
from .services_section import authority_table, device_states, enrollment_table, trust_table
from .time_line import time_line
from .trust_layout import MOST_SERVICES
from .trust_list import legend, trust_list
from .trust_map import trust_map
from .verdict import is_empty, verdict
from .words import counted, days_from_now, moment_in_words, number

_FOLDER: Final = Path(__file__).parent
_HATCH: Final = (
    '<svg width="0" height="0" aria-hidden="true" focusable="false" class="hatches"><defs><pattern id="hatch" width="6" height="6" '
    'patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" class="lifetime"/>'
    '<rect width="2.5" height="6" class="stripe"/></pattern></defs>'
)


@cache
def styles(*files: str) -> str:
    """The text of these style sheets, which lie beside this file."""
    return "".join((_FOLDER / file).read_text(encoding="utf-8") for file in files)


def page(document: Mapping[str, Any]) -> str:
    """The whole page, of an inventory's document (version 1)."""
    sheet = styles("drawing.css", "page.css")
    title = f"Trust of {document.get('stack') or 'an unnamed stack'} on {moment_in_words(document.get('at'))}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(sheet)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        Markup(f"<style>{sheet}</style>"),
    )
    sections = _nothing(document) if is_empty(document) else _sections(document)
    body = element(
        "body",
        element("a", "Skip to the content", href="#content", class_="skip"),
        Markup(f"{_HATCH}{symbols()}</svg>"),
        _banner(document, sections),
        element("main", *(_section(*each) for each in sections), id="content", tabindex="-1"),
        element(
            "footer",
            element(
                "p",
                "Made by ",
                element("code", "hubtrust report"),
                " from the stack's state. It shows what the state says, not what Azure says now.",
            ),
        ),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _policy(sheet: str) -> str:
    """Nothing may be loaded or run, but this one style sheet."""
    digest = b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


Section = tuple[str, str, str, tuple[object, ...]]


def _sections(document: Mapping[str, Any]) -> list[Section]:
    services = document.get("services") or []
    hidden = len(services) - MOST_SERVICES
    cut = element("p", f"{counted(hidden, 'more service')} in the table below.", class_="quiet") if hidden > 0 else None
    drawing = element("div", trust_map(document), class_="wide") if services or document.get("authorities") else None
    return [
        ("due", "Due in 90 days", "", (due(document),)),
        (
            "map",
            "Trust map",
            "Who issued whom, which service trusts which certificate, and how that was proven.",
            (drawing, element("div", trust_list(document), class_="narrow"), cut, legend(), trust_table(document)),
        ),
        (
            "time",
            "Time line",
            "How long each certificate lives. Those that end first are above.",
            (time_line(document), authority_table(document), device_certificates(document)),
        ),
        ("devices", "Devices and enrollments", "", (device_states(document), enrollment_table(document))),
        ("findings", "Policy findings", "", (findings(document),)),
        ("evidence", "Evidence", "The log of proofs, rotations and revocations, which anybody can check again.", (evidence(document),)),
        ("unseen", "Not seen", "", (unseen(document),)),
    ]


def _nothing(document: Mapping[str, Any]) -> list[Section]:
    words = element(
        "p",
        "There is nothing to draw. A stack that was destroyed, was never deployed, or belongs to another program looks like this.",
        class_="nothing",
    )
    return [
        ("map", "Trust map", "", (words,)),
        ("findings", "Policy findings", "", (findings(document),)),
        ("unseen", "Not seen", "", (unseen(document),)),
    ]


def _section(identity: str, heading: str, lead: str, content: tuple[object, ...]) -> Markup:
    title = element("h2", heading, id=f"{identity}-heading")
    words = element("p", lead, class_="lead") if lead else None
    return element("section", title, words, *content, id=identity, aria_labelledby=f"{identity}-heading")


def _banner(document: Mapping[str, Any], sections: list[Section]) -> Markup:
    found = verdict(document)
    reasons = element("ul", *(element("li", each) for each in found.reasons)) if found.reasons else None
    standing = element(
        "div", mark(found.degree), element("div", element("p", found.words, class_="words"), reasons), class_=f"verdict {found.degree}"
    )
    links = [element("li", element("a", heading, href=f"#{identity}")) for identity, heading, _, _ in sections]
    return element(
        "header",
        element("p", "Trust map", class_="eyebrow"),
        element("h1", _stack_name(document)),
        element("p", f"As of {moment_in_words(document.get('at'))}", class_="moment"),
        standing,
        None if is_empty(document) else _figures(document),
        element("nav", element("ul", *links), aria_label="Sections"),
    )


def _stack_name(document: Mapping[str, Any]) -> Markup:
    """On a narrow page it breaks after a slash, not inside a word."""
    stack = text(document.get("stack") or "An unnamed stack")
    return element("bdi", Markup(stack.replace("/", "/<wbr>")))


def _figures(document: Mapping[str, Any]) -> Markup:
    proofs = [proof_of(trust) for service in document.get("services") or [] for trust in service.get("trusts") or []]
    nearest = min((each["daysLeft"] for each in document.get("due") or [] if isinstance(each.get("daysLeft"), int | float)), default=None)
    hubs = sum(each.get("kind") == "hub" for each in document.get("services") or [])
    others = len(document.get("services") or []) - hubs
    devices = sum((each.get("devices") or {}).get("count") or 0 for each in document.get("services") or [])
    shown = (
        ("Proven by possession", f"{sum(proof.line == 'proven' for proof in proofs)} of {len(proofs)}"),
        ("Next due", "nothing" if nearest is None else days_from_now(nearest)),
        ("Hubs + provisioning services", together(str(hubs), element("small", f" + {others}"))),
        ("Devices", number(devices)),
    )
    return element("dl", *(element("div", element("dt", word), element("dd", value)) for word, value in shown), class_="figures")
