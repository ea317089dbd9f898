"""The time line: a bar for each certificate's life, hatched where its renewal window is, and a line for the report's day.

Each bar is a drawing of its own below its name, with places in percent, so that names stay readable at every width.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from .marks import BAD, GOOD, WARN, marked
from .markup import Markup, element, name, together
from .trust_map import authority_kind
from .words import common_name, counted, day, days_from_now, moment, number

Entry = Mapping[str, Any]

MOST_ROWS: Final = 60
_BEFORE, _AFTER, _LEAST = timedelta(days=365), timedelta(days=5 * 365), timedelta(days=365)  # of the report's moment
_BINS: Final = 120
_SOON: Final = 90  # days


@dataclass(frozen=True)
class Scale:
    """The days that the time line shows."""

    start: datetime
    end: datetime
    today: datetime

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """From a year before the report at most, to five years after it at most, and no further than certificates last."""
        today = moment(document.get("at")) or datetime.now(UTC)
        authorities = document.get("authorities") or []
        starts = [found for each in authorities if (found := moment(each.get("notBefore")))]
        ends = [found for each in authorities if (found := moment(each.get("notAfter")))]
        ends += [found for each in _ends_of_devices(document) if (found := moment(each.get("date")))]
        start = max(min([*starts, today]), today - _BEFORE)
        return cls(start, max(min(max([*ends, today]), today + _AFTER), today + _LEAST), today)

    def place(self, when: datetime) -> float:
        """Where a moment is, in percent; below 0 and above 100 outside the time line."""
        return 100 * ((when - self.start) / (self.end - self.start))

    def ticks(self) -> list[tuple[float, str]]:
        """The places of years or of quarters, with their words."""
        step = 12 if self.end - self.start > timedelta(days=3 * 365) else 6 if self.end - self.start > timedelta(days=550) else 3
        found, year, month = [], self.start.year, 1
        while (when := datetime(year, month, 1, tzinfo=UTC)) < self.end:
            if when > self.start:
                found.append((self.place(when), str(year) if step == 12 else f"{when:%b %Y}"))  # noqa: PLR2004 - months of a year
            year, month = (year, month + step) if month + step <= 12 else (year + 1, 1)  # noqa: PLR2004 - as above
        return found


def time_line(document: Mapping[str, Any]) -> Markup:
    """The time line of authorities, those that end first above, and of device certificates."""
    authorities = sorted(document.get("authorities") or [], key=lambda each: str(each.get("notAfter")))
    devices = document.get("deviceCertificates") or {}
    if not authorities and not devices.get("count"):
        return element("p", "No certificate is known to this stack.", class_="nothing")
    scale = Scale.of(document)
    rows = [_row(each, scale) for each in authorities[:MOST_ROWS]]
    if devices.get("count"):
        rows.append(_devices(devices, scale))
    left = len(authorities) - MOST_ROWS
    more = (
        element("p", f"{counted(left, 'more authority', 'more authorities')}: in the JSON document.", class_="quiet") if left > 0 else None
    )
    return together(_axis(scale), element("ol", *rows, class_="lives"), more, _key())


def _drawing(height: int, *children: object, **attributes: object) -> Markup:
    return element("svg", *children, width="100%", height=height, preserveAspectRatio="none", **attributes)


def _at(percent: float) -> str:
    return f"{percent:.2f}%"


def _grid(scale: Scale, height: int) -> Markup:
    lines = [element("line", x1=_at(x), x2=_at(x), y1=0, y2=height, class_="tick") for x, _ in scale.ticks()]
    today = _at(scale.place(scale.today))
    return together(*lines, element("line", x1=today, x2=today, y1=0, y2=height, class_="today"))


def _axis(scale: Scale) -> Markup:
    today = scale.place(scale.today)
    words = [
        element("text", label, x=_at(x), y=34, text_anchor="start" if x < 6 else "end" if x > 94 else "middle", class_="detail")  # noqa: PLR2004 - near an end of the line
        for x, label in scale.ticks()
    ]
    anchor = "start" if today < 8 else "end" if today > 92 else "middle"  # noqa: PLR2004 - as above
    now = element("text", f"today, {day(scale.today)}", x=_at(today), y=13, text_anchor=anchor, class_="now")
    return element("div", _drawing(44, now, *words, aria_hidden="true", focusable="false"), class_="axis")


def _row(authority: Entry, scale: Scale) -> Markup:
    start, end, renew = (moment(authority.get(key)) for key in ("notBefore", "notAfter", "renewAt"))
    left = authority.get("daysLeft")
    renewal = f"; renewed from {day(renew)}" if renew else ""
    head = element(
        "div",
        element(
            "span",
            element("strong", name(common_name(authority.get("subject")))),
            " ",
            element("span", authority_kind(authority), class_="quiet"),
        ),
        element("span", _end_in_words(authority, left, scale.today), class_="when"),
        class_="life",
    )
    if not start or not end:
        return element("li", head, element("p", "Its dates are not known.", class_="quiet"))
    title = f"Valid from {day(start)} to {day(end)}{renewal}."
    bar = _bar(scale, start, end, renew)
    return element("li", head, _drawing(26, element("title", title), _grid(scale, 26), bar, role="img", aria_label=title))


def _end_in_words(entry: Entry, left: object, today: datetime) -> Markup:
    """Its end, with a warning if it is near and nothing renews it, or if a renewal is due and has not been made."""
    words = f"{day(entry.get('notAfter'))}, {days_from_now(left)}"
    if not isinstance(left, int | float):
        return element("span", words)
    renew = moment(entry.get("renewAt"))
    is_late = renew <= today if renew else left <= _SOON
    return marked(BAD if left < 0 else WARN if is_late else GOOD, words)


def _bar(scale: Scale, start: datetime, end: datetime, renew: datetime | None) -> Markup:
    left, right = max(scale.place(start), 0), min(scale.place(end), 100)
    if right <= 0:
        return element("text", "← ended before this time line", x=0, y=17, class_="detail")
    life = element("rect", x=_at(left), y=7, width=_at(max(right - left, 0.6)), height=12, rx=4, class_="lifetime")
    window = Markup()
    if renew and scale.place(renew) < 100:  # noqa: PLR2004 - percent
        at = max(scale.place(renew), left)
        hatched = element("rect", x=_at(at), y=7, width=_at(max(right - at, 0.6)), height=12, class_="window")
        window = together(hatched, element("line", x1=_at(at), x2=_at(at), y1=3, y2=23, class_="renewal"))
    beyond = element("text", "→", x="100%", y=18, text_anchor="end", class_="beyond") if scale.place(end) > 100 else Markup()  # noqa: PLR2004 - percent
    return together(life, window, beyond)


def _ends_of_devices(document: Mapping[str, Any]) -> list[Entry]:
    return list((document.get("deviceCertificates") or {}).get("endsBy") or [])


def _devices(devices: Entry, scale: Scale) -> Markup:
    """How many device certificates end when: a column for each hundredth of the time line."""
    bins: Counter[int] = Counter()
    for each in devices.get("endsBy") or []:
        when, count = moment(each.get("date")), each.get("count")
        if when and isinstance(count, int | float):
            bins[min(max(int(scale.place(when) * _BINS / 100), 0), _BINS - 1)] += int(count)
    highest = max(bins.values(), default=1)
    columns = [
        element("rect", x=_at(100 * place / _BINS), width=_at(90 / _BINS), y=f"{36 - tall:.1f}", height=f"{tall:.1f}", class_="ending")
        for place, count in sorted(bins.items())
        for tall in [max(34 * count / highest, 3)]
    ]
    title = f"{number(devices.get('count'))} device certificates; the first ends on {day(devices.get('earliestEnd'))}."
    head = element(
        "div",
        element(
            "span",
            element("strong", counted(devices["count"], "device certificate")),
            " ",
            element("span", "how many end when", class_="quiet"),
        ),
        element("span", f"first end {day(devices.get('earliestEnd'))}", class_="when"),
        class_="life",
    )
    return element("li", head, _drawing(37, element("title", title), _grid(scale, 37), *columns, role="img", aria_label=title))


def _key() -> Markup:
    samples = (
        ("lifetime", "valid"),
        ("window", "renewal window: the first pulumi up in it signs the certificate again"),
    )
    shown = [
        element(
            "li",
            element(
                "svg",
                element("rect", width=28, height=12, y=2, rx=3, class_="lifetime"),
                _over(kind),
                class_="sample",
                viewBox="0 0 28 16",
                aria_hidden="true",
            ),
            words,
        )
        for kind, words in samples
    ]
    shown.append(element("li", element("span", "→", class_="beyond", aria_hidden="true"), "ends after this time line"))
    return element("ul", *shown, class_="key")


def _over(kind: str) -> Markup:
    return element("rect", width=28, height=12, y=2, class_="window") if kind == "window" else Markup()
