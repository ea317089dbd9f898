"""Tables that a phone shows as cards: every cell knows its column's heading, and roles stay where the layout changes."""

from collections.abc import Sequence

from .markup import Markup, element, together
from .words import counted

MOST_ROWS = 250  # of one table; the JSON document has all


def table(caption: str, headings: Sequence[str], rows: Sequence[Sequence[object]], *, heard: bool = False) -> Markup:
    """A table whose first column names its row.

    Args:
        caption: what the table has.
        headings: of its columns.
        rows: of its cells.
        heard: whether the caption is only for those who hear the page, because the heading above says the same.
    """
    head = element("tr", *(element("th", each, scope="col", role="columnheader") for each in headings), role="row")
    body = [_row(headings, row) for row in rows[:MOST_ROWS]]
    made = element(
        "table",
        element("caption", caption, class_="heard" if heard else None),
        element("thead", head, role="rowgroup"),
        element("tbody", *body, role="rowgroup"),
        role="table",
    )
    left = len(rows) - len(body)
    return together(made, element("p", f"{counted(left, 'more row')}: in the JSON document.", class_="quiet") if left > 0 else None)


def date(value: object) -> Markup:
    """A date, or how far it is, which is not broken into two lines."""
    return element("span", value, class_="date")


def _row(headings: Sequence[str], cells: Sequence[object]) -> Markup:
    first = element("th", cells[0], scope="row", role="rowheader")
    rest = [element("td", cell, role="cell", data_label=heading) for heading, cell in zip(headings[1:], cells[1:], strict=True)]
    return element("tr", first, *rest, role="row")
