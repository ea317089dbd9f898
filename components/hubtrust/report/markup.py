"""HTML and SVG as text that is safe by its type: only ``Markup`` goes into a page as it is, every other text is escaped."""

from html import escape
from typing import Final

from hubtrust.errors import shown

_VOID: Final = frozenset({"meta", "br", "hr"})


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def text(value: object) -> Markup:
    """``value`` as text of a page: names in certificates and Azure may hold anything, and what can't be seen is an escape."""
    return value if isinstance(value, Markup) else Markup(escape(shown(str(value)), quote=True))


def element(tag: str, /, *children: object, **attributes: object) -> Markup:
    """An element of HTML or SVG.

    Args:
        tag: its name.
        children: what is in it, in this order; ``None`` and empty texts are left out.
        attributes: ``class_`` is `class`, and other underscores are hyphens; one that is ``None`` is left out.
    """
    given = "".join(f' {key.rstrip("_").replace("_", "-")}="{text(value)}"' for key, value in attributes.items() if value is not None)
    if tag in _VOID:
        return Markup(f"<{tag}{given}>")
    return Markup(f"<{tag}{given}>{together(*children)}</{tag}>")


def together(*children: object) -> Markup:
    """Markup and texts one after the other; ``None`` and empty texts are left out."""
    return Markup("".join(text(each) for each in children if each is not None and each != ""))


def words(value: object) -> Markup:
    """A sentence, in which what is between backticks is code."""
    parts = str(value).split("`")
    if len(parts) % 2 == 0:  # an odd number of backticks marks no code
        return text(value)
    return together(*(element("code", part) if place % 2 else part for place, part in enumerate(parts)))


def name(value: object) -> Markup:
    """A name that somebody else wrote: its writing direction changes nothing outside it."""
    return element("bdi", value)
