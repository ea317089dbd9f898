"""The pages of a query's answer, and the token for the next page. A page is read from the place where the last one ended."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from local_azure_iot.provisioning import errors
from local_azure_iot.wire import Reply, whole_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.wire import Request

DEFAULT_PAGE, MAX_PAGE = 100, 1000


def answer(
    request: Request,
    subject: str,
    item_type: str,
    read: Callable[[str, int], list[tuple[str, dict[str, Any]]]],
    show: Callable[[dict[str, Any]], Any],
) -> Reply:
    """One page of documents that ``read`` gives after a place, at most so many. ``subject`` is what is asked for: a token fits no other.

    Raises:
        ProvisioningError: The size of the page is no number, or the token is none of this query's.
    """
    size, after = _size(request), _place(request.header("x-ms-continuation"), subject)
    rows = read(after, size + 1)
    headers = {"x-ms-item-type": item_type}
    if len(rows) > size:
        headers["x-ms-continuation"] = _token(rows[size - 1][0], subject)
    return Reply(body=[show(document) for _, document in rows[:size]], headers=headers)


def _size(request: Request) -> int:
    text = request.header("x-ms-max-item-count")
    if text is None or not text.strip():
        return DEFAULT_PAGE
    size = whole_number(text.strip().removeprefix("-"))
    if size is None:
        raise errors.argument_invalid(f"x-ms-max-item-count must be a number, not '{text[:50]}'.")
    return min(size, MAX_PAGE) if size and "-" not in text else DEFAULT_PAGE


def _token(place: str, subject: str) -> str:
    """Opaque to clients, in the form of Azure's: `[{"token": …, "range": {"min": …, "max": …}}]` in base64."""
    return base64.b64encode(json.dumps([{"token": place, "range": {"min": subject, "max": "FF"}}]).encode()).decode()


def _place(token: str | None, subject: str) -> str:
    if not token:
        return ""
    try:
        (part,) = json.loads(base64.b64decode(token, validate=True))
        place, theirs = part["token"], part["range"]["min"]
    except (binascii.Error, ValueError, TypeError, KeyError, RecursionError) as error:
        raise errors.argument_invalid("The continuation token is invalid.") from error
    if theirs != subject or not isinstance(place, str):
        raise errors.argument_invalid("The continuation token belongs to another query.")
    return place
