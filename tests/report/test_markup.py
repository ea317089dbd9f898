"""Text of others in the page: names in certificates, devices and policies may hold anything."""

from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubtrust.report.markup import Markup, element, text, words
from hubtrust.report.text_in_drawings import broken, fitted, width
from hubtrust.report.words import common_name, counted, day, days_from_now, moment_in_words

HOSTILE = (
    "<script>alert(1)</script>",
    '" onload="alert(1)',
    "'><img src=x onerror=alert(1)>",
    "]]><!--",
    "</style></svg>",
    "a\u202eb\u2066c\x00\ud800",
)


class _Read(HTMLParser):
    """What a browser makes of it: the tags with their attributes, and the text."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self.text = ""
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text())
def test_any_text_is_text(given_text: str) -> None:
    """As content and as an attribute: one element, nothing else, and no character that can't be seen."""
    made = element("p", given_text, title=given_text)
    read = _Read(made)

    assert [tag for tag, _ in read.tags] == ["p"]
    assert read.tags[0][1].keys() == {"title"}
    assert made.isprintable()
    assert read.text == read.tags[0][1]["title"]
    assert "�" in given_text or "�" not in read.text


def test_what_can_not_be_seen_is_an_escape() -> None:
    """Marks of writing direction would show another name than the one that is there."""
    assert text(HOSTILE[-1]) == r"a\u202eb\u2066c\x00\ud800"


def test_markup_is_not_escaped_twice() -> None:
    """And only what says that it is markup is."""
    assert element("b", element("i", "&"), Markup("<hr>"), "<hr>") == "<b><i>&amp;</i><hr>&lt;hr&gt;</b>"


def test_commands_in_sentences_are_code() -> None:
    """An odd backtick marks nothing."""
    assert words("run `<up>` now") == "run <code>&lt;up&gt;</code> now"
    assert words("it`s") == "it`s"


def test_dates_and_counts_in_words() -> None:
    """Pulumi's numbers are floats; what is not there is unknown, and never a wrong date."""
    assert (day("2036-11-24T03:19:06Z"), moment_in_words("2036-11-24T03:19:06Z")) == ("24 Nov 2036", "24 Nov 2036, 03:19 UTC")
    assert [day(each) for each in (None, "soon", 7)] == ["unknown"] * 3
    assert [days_from_now(each) for each in (0, 0.4, 1.0, 12, -1, -0.5, None)] == [
        "today", "today", "in 1 day", "in 12 days", "1 day ago", "1 day ago", "unknown",
    ]  # fmt: skip
    assert (counted(1, "device"), counted(12400.0, "device")) == ("1 device", "12,400 devices")


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("CN=Press CA,O=Contoso", "Press CA"),
        (r"O=Contoso,CN=Press\, EMEA\+1", "Press, EMEA+1"),
        ("O=Contoso", "O=Contoso"),
        ("", "a certificate without a name"),
        ("CN=  ", "CN=  "),
    ],
)
def test_the_common_name_of_a_subject(subject: str, expected: str) -> None:
    """RFC 4514 text; without a common name the whole subject."""
    assert common_name(subject) == expected


@given(st.text(min_size=1), st.floats(40, 400))
def test_text_in_a_drawing_stays_in_its_room(whole: str, room: float) -> None:
    """On one line or on two, and what is left out is told."""
    one, lines = fitted(whole, room, 13), broken(whole, room, 13)
    assert width(one, 13) <= room
    assert len(lines) <= 2
    assert all(width(line, 13) <= room for line in lines)
    assert one.endswith("…") or len(lines) == 1
