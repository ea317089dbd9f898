"""What is due, and which device certificates end first."""

from collections.abc import Mapping
from typing import Any

from .marks import BAD, PART, WARN, marked
from .markup import Markup, element, name, words
from .services_section import names_of
from .tables import date, table
from .words import counted, day, days_from_now, number

_SOON = 30  # days


def due(document: Mapping[str, Any]) -> Markup:
    """What is due within 90 days, the nearest first."""
    entries = sorted(document.get("due") or [], key=lambda each: str(each.get("date")))
    if not entries:
        return element("p", "Nothing that was seen is due in the next 90 days.", class_="nothing")
    rows = [
        [
            name(each.get("what")),
            marked(urgency(each.get("daysLeft")), date(days_from_now(each.get("daysLeft")))),
            date(day(each.get("date"))),
            words(each.get("action") or ""),
        ]
        for each in entries
    ]
    return table("What is due in the next 90 days", ("What", "When", "Date", "What to do"), rows, heard=True)


def urgency(days: object) -> str:
    """The mark for what is due in so many days."""
    if not isinstance(days, int | float):
        return WARN
    return BAD if days < 0 else WARN if days <= _SOON else PART


def device_certificates(document: Mapping[str, Any]) -> Markup:
    """The device certificates that end first, closed at first: there may be 200."""
    devices, known = document.get("deviceCertificates") or {}, names_of(document)
    named = devices.get("named") or []
    if not named:
        return Markup()
    rows = [
        [
            name(each.get("deviceId")),
            day(each.get("notAfter")),
            days_from_now(each.get("daysLeft")),
            day(each["renewAt"]) if each.get("renewAt") else "not planned",
            name(known.get(str(each.get("issuer"))) or each.get("issuer") or "not known"),
        ]
        for each in named
    ]
    count = devices.get("count")
    title = f"The {counted(len(named), 'device certificate')} that end first, of {number(count)}"
    made = table(title, ("Device", "Ends", "When", "Renewal", "Issued by"), rows, heard=True)
    return element("details", element("summary", title), made)
