"""Marks: a shape and a word for each degree of trust, so that no fact is told by a colour alone."""

from typing import Final

from .markup import Markup, element, text, together

GOOD, PART, WARN, BAD, UNKNOWN = "good", "part", "warn", "bad", "unknown"

# Each in a square of 16: a disc with a tick, a half disc, a triangle, an octagon with a cross, a dashed ring.
_SHAPES: Final = {
    GOOD: '<circle cx="8" cy="8" r="7" class="fill"/><path d="M4.7 8.3l2.2 2.3 4.4-4.9" class="cut"/>',
    PART: '<circle cx="8" cy="8" r="6.2" class="ring"/><path d="M8 1.8a6.2 6.2 0 0 1 0 12.4z" class="fill"/>',
    WARN: '<path d="M8 1.2l7 13.3H1z" class="fill"/><path d="M8 6v4M8 12v.6" class="cut"/>',
    BAD: '<path d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z" class="fill"/><path d="M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2" class="cut"/>',
    UNKNOWN: '<circle cx="8" cy="8" r="6.2" class="ring dashes"/>',
}


def symbols() -> Markup:
    """The shapes, which a page has once; every mark refers to one of them."""
    return together(*(element("symbol", Markup(shape), id=f"mark-{degree}", viewBox="0 0 16 16") for degree, shape in _SHAPES.items()))


def mark(degree: str) -> Markup:
    """The shape in running text; the word beside it says what it means."""
    return element("svg", element("use", href=f"#mark-{degree}"), class_=f"mark {degree}", aria_hidden="true", focusable="false")


def mark_at(degree: str, x: float, y: float) -> Markup:
    """The shape in a drawing, its upper left corner at this point."""
    return element("use", href=f"#mark-{degree}", x=f"{x:g}", y=f"{y:g}", width=16, height=16, class_=f"mark {degree}")


def marked(degree: str, words: object) -> Markup:
    """The shape and its words."""
    return element("span", mark(degree), text(words), class_="marked")
