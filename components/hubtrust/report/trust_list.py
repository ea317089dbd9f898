"""The trust map as nested lists: what a phone shows in place of the drawing, and what a screen reader reads."""

from collections.abc import Mapping
from typing import Any

from .marks import marked
from .markup import Markup, element, name, together
from .proofs import LEGEND, proof_of
from .trust_layout import MOST_SERVICES, drawn_authorities
from .trust_map import authority_kind
from .words import common_name, day, days_from_now, service_kind

Entry = Mapping[str, Any]


def trust_list(document: Mapping[str, Any]) -> Markup:
    """Roots, below each what it issued, and at each what trusts it: the authorities and services of the drawing."""
    authorities, known = drawn_authorities(document), {str(each.get("id")) for each in document.get("authorities") or []}
    below: dict[str, list[Entry]] = {}
    for each in authorities:
        issuer = str(each.get("issuer"))
        below.setdefault(issuer if issuer in known and issuer != str(each.get("id")) else "", []).append(each)
    trusted: dict[str, list[Markup]] = {}
    foreign: list[Markup] = []
    for service in (document.get("services") or [])[:MOST_SERVICES]:
        for trust in service.get("trusts") or []:
            if (identity := str(trust.get("certificate"))) in known:
                trusted.setdefault(identity, []).append(_service(service, trust))
            else:
                foreign.append(_foreign(service, trust))
    items = [_authority(each, below, trusted) for each in below.pop("", [])]
    while below:  # authorities that issued each other, so that none is a root; or whose issuer is not drawn
        items += [_authority(each, below, trusted) for each in below.pop(next(iter(below)))]
    return element("ul", *items, *foreign, class_="tree") if items or foreign else Markup()


def _authority(authority: Entry, below: dict[str, list[Entry]], trusted: Mapping[str, list[Markup]]) -> Markup:
    identity = str(authority.get("id"))
    ends = f"{authority_kind(authority)}, until {day(authority.get('notAfter'))}, {days_from_now(authority.get('daysLeft'))}"
    head = together(element("strong", name(common_name(authority.get("subject")))), element("span", ends, class_="quiet"))
    within = [*trusted.get(identity, ()), *(_authority(each, below, trusted) for each in below.pop(identity, []))]
    return element("li", element("div", head, class_="knot"), element("ul", *within) if within else None)


def _service(service: Entry, trust: Entry) -> Markup:
    proof = proof_of(trust)
    where = together(element("span", "trusted by ", class_="quiet") if proof.line != "missing" else None, name(service.get("name")))
    kind = element("span", service_kind(service.get("kind")), class_="quiet")
    return element("li", element("div", element("span", where), kind, marked(proof.degree, proof.words), class_=f"knot leaf {proof.line}"))


def _foreign(service: Entry, trust: Entry) -> Markup:
    head = together(
        element("strong", name(trust.get("certificateName") or trust.get("certificate"))),
        element("span", "a certificate that this stack does not know", class_="quiet"),
    )
    return element("li", element("div", head, class_="knot"), element("ul", _service(service, trust)))


def legend() -> Markup:
    """What each mark and line means."""
    rows = [
        element(
            "div",
            element("dt", _sample(each.line), marked(each.degree, each.words)),
            element("dd", each.meaning),
        )
        for each in LEGEND
    ]
    return element("details", element("summary", "What the marks and lines mean"), element("dl", *rows, class_="legend"))


def _sample(line: str) -> Markup:
    path = element("path", d="M1 6H43", class_=f"edge {line}")
    return element("svg", path, class_="sample", viewBox="0 0 44 12", aria_hidden="true", focusable="false")
