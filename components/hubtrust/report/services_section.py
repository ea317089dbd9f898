"""What each service trusts and how it was proven; its devices and enrollments by state."""

from collections.abc import Mapping
from typing import Any

from .marks import BAD, GOOD, UNKNOWN, WARN, marked
from .markup import Markup, element, name, together
from .proofs import proof_of
from .tables import date, table
from .words import common_name, counted, day, number, service_kind

Entry = Mapping[str, Any]

MOST_BARS = 60

_WAYS = {"certificateAuthority": "signed by an authority", "selfSigned": "by thumbprint"}
_STATES = {"enabled": GOOD, "disabled": WARN, "revoked": BAD}


def names_of(document: Mapping[str, Any]) -> dict[str, str]:
    """The common name of each authority, by its id."""
    return {str(each.get("id")): common_name(each.get("subject")) for each in document.get("authorities") or []}


def trust_table(document: Mapping[str, Any]) -> Markup:
    """A row for each certificate that a service trusts: the drawing's facts, and more of each."""
    known, rows = names_of(document), []
    for service in document.get("services") or []:
        for trust in service.get("trusts") or []:
            proof = proof_of(trust)
            rows.append(
                [
                    together(name(service.get("name")), element("span", service_kind(service.get("kind")), class_="under")),
                    together(
                        name(known.get(str(trust.get("certificate"))) or trust.get("certificateName") or "a certificate without a name"),
                        element("span", name(trust["certificateName"]), class_="under") if trust.get("certificateName") else None,
                    ),
                    together(
                        marked(proof.degree, proof.words), element("span", proof.meaning, class_="under") if proof.degree != GOOD else None
                    ),
                    date(day(trust["provenAt"])) if trust.get("provenAt") else "not known",
                    f"record {number(trust['record'] + 1)}" if isinstance(trust.get("record"), int | float) else "none",
                ]
            )
    if not rows:
        return element("p", "No service trusts a certificate of this stack.", class_="nothing")
    return table("What each service trusts, and how it was proven", ("Service", "Certificate", "Proof", "Since", "Evidence"), rows)


def authority_table(document: Mapping[str, Any]) -> Markup:
    """A row for each authority: its dates and where its key is."""
    known, rows = names_of(document), []
    for each in document.get("authorities") or []:
        issuer = str(each.get("issuer"))
        above = "itself" if issuer == str(each.get("id")) or each.get("kind") == "root" else known.get(issuer, "not known to this stack")
        rows.append(
            [
                together(name(common_name(each.get("subject"))), element("code", each.get("sha256") or each.get("id"), class_="under")),
                name(above),
                together(date(day(each.get("notBefore"))), " to ", date(day(each.get("notAfter")))),
                date(day(each["renewAt"])) if each.get("renewAt") else "not planned",
                together(str(each.get("keyAlgorithm") or "unknown"), element("span", _custody(each.get("keyCustody")), class_="under")),
            ]
        )
    return table("Authorities", ("Authority", "Issued by", "Valid", "Renewal", "Key"), rows) if rows else Markup()


def _custody(custody: object) -> str:
    kept = {"key-vault": "in Azure Key Vault", "pkcs11": "in a token or HSM", "offline": "offline", "state": "in the state, encrypted"}
    return kept.get(str(custody), f"in {custody}" if custody else "place not known")


def device_states(document: Mapping[str, Any]) -> Markup:
    """Devices of each service by state, as bars with their numbers."""
    items = [_devices(each) for each in document.get("services") or [] if (each.get("devices") or {}).get("count")]
    if not items:
        return element("p", "This stack declares no devices.", class_="nothing")
    left = len(items) - MOST_BARS
    more = element("p", f"{counted(left, 'more service')}: in the JSON document.", class_="quiet") if left > 0 else None
    return together(element("ul", *items[:MOST_BARS], class_="states"), more)


def _devices(service: Entry) -> Markup:
    devices = service.get("devices") or {}
    count = devices.get("count") or 0
    parts = [(state, int(devices.get(state) or 0)) for state in ("enabled", "disabled")]
    parts.append(("unknown", int(count) - sum(number for _, number in parts)))
    shown = [(state, number) for state, number in parts if number > 0]
    x, bars = 0.0, []
    for state, amount in shown:
        wide = 100 * amount / max(count, 1)
        bars.append(element("rect", x=f"{x:.2f}%", width=f"{wide:.2f}%", height=14, class_=f"share {state}"))
        x += wide
    title = ", ".join(f"{number(amount)} {state}" for state, amount in shown)
    words = [marked(_STATES.get(state, UNKNOWN), f"{number(amount)} {state}") for state, amount in shown]
    by = devices.get("byCertificate") or {}
    ways = ", ".join(f"{number(amount)} {_WAYS.get(way, way)}" for way, amount in by.items()) if isinstance(by, Mapping) else ""
    return element(
        "li",
        element(
            "div", element("strong", name(service.get("name"))), element("span", counted(count, "device"), class_="when"), class_="life"
        ),
        element("svg", *bars, element("title", title), width="100%", height=14, role="img", aria_label=f"Devices: {title}"),
        element("p", *words, class_="amounts"),
        element("p", f"By certificate: {ways}", class_="quiet") if ways else None,
    )


def enrollment_table(document: Mapping[str, Any]) -> Markup:
    """A row for each enrollment of a provisioning service."""
    known, rows = names_of(document), []
    for service in document.get("services") or []:
        for each in service.get("enrollments") or []:
            status = str(each.get("status") or "unknown")
            rows.append(
                [
                    name(each.get("id")),
                    name(service.get("name")),
                    str(each.get("kind") or "unknown"),
                    marked(_STATES.get(status, WARN if status.endswith("enabled") else UNKNOWN), status),
                    ", ".join(known.get(str(identity), str(identity)) for identity in each.get("authorities") or []) or "each its own",
                    number(each.get("count")),
                ]
            )
    if not rows:
        return element("p", "This stack declares no enrollments.", class_="nothing")
    return table("Enrollments by state", ("Enrollment", "Service", "Kind", "State", "Authorities", "Enrollments"), rows)
