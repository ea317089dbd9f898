"""Queries over devices: the pages of an answer, and the token for the next page."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import logging
from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import errors, index, modules, scheduled_jobs, twin_shape
from local_azure_iot.query_language import query
from local_azure_iot.wire import Reply, whole_number

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import Request

_log = logging.getLogger("local_azure_iot")
DEFAULT_PAGE, MAX_PAGE = 100, 1000
_KINDS = {query.Source.DEVICES: "Twin", query.Source.MODULES: "Twin", query.Source.JOBS: "DeviceJob"}  # x-ms-item-type of whole documents


def run_query(azure: Azure, request: Request) -> Reply:
    """One page of a query's answer. Every page but the last has the requested size; a token leads to the next page."""
    from local_azure_iot.query_language import parser

    text = request.json_object().get("query")
    if not isinstance(text, str):
        raise errors.query_invalid()
    try:
        parsed = parser.parse(text)
    except query.QueryError as error:
        _log.info("query refused: %s: %s", error, text)
        raise errors.query_invalid() from error
    hub_key, size = request.parameters["hub_key"], page_size(request)
    token = _read_continuation_token(request.header("x-ms-continuation"), hub_key, text)
    kind = _KINDS[parsed.source] if parsed.returns_documents else "Raw"
    if parsed.aggregates:
        rows = parsed.aggregate_rows(twin for _, twin in _matching(azure, hub_key, parsed, ""))
        start = token.get("skip", 0)
        page, last = rows[start : start + size], {"skip": start + size}
        more = len(rows) > start + size
    else:
        page, last, more = _page(azure, hub_key, parsed, token, size)
    headers = {"x-ms-item-type": kind}
    if more:
        headers["x-ms-continuation"] = _continuation_token(last, hub_key, text)
    return Reply(body=page, headers=headers)


def count(azure: Azure, hub_key: str, text: str) -> int:
    """How many devices or modules a valid query selects; 0 for the empty text."""
    from local_azure_iot.query_language import parser

    return sum(1 for _ in _matching(azure, hub_key, parser.parse(text), "")) if text else 0


def _page(
    azure: Azure, hub_key: str, parsed: query.Query, token: dict[str, Any], size: int
) -> tuple[list[dict[str, Any]], dict[str, Any], bool]:
    already_sent, after = token.get("given", 0), token.get("after", "")
    room = size if parsed.top is None else min(size, parsed.top - already_sent)
    page: list[dict[str, Any]] = []
    if room <= 0:
        return page, {}, False
    for device, twin in _matching(azure, hub_key, parsed, after):
        if len(page) == room:
            done = parsed.top is not None and already_sent + len(page) >= parsed.top
            return page, {"after": after, "given": already_sent + len(page)}, not done
        page.append(parsed.row(twin))
        after = device
    return page, {}, False


def _matching(azure: Azure, hub_key: str, parsed: query.Query, after: str) -> Any:
    """The place and the twin of each device or module that the query selects; the index of modules does not lag."""
    if parsed.source is query.Source.JOBS:
        twins = scheduled_jobs.parts_of_hub(azure, hub_key, after)
    elif parsed.source is query.Source.MODULES:
        twins = modules.twins_of_hub(azure, hub_key, after)
    else:
        twins = ((found["id"], twin_shape.to_json(azure, hub_key, found)) for found in index.devices(azure, f"{hub_key}/", after))
    for place, twin in twins:
        if parsed.selects(twin):
            yield place, twin


def page_size(request: Request) -> int:
    """How many items a page may have: `x-ms-max-item-count`.

    Raises:
        RegistryError: It is no number.
    """
    text = request.header("x-ms-max-item-count")
    if text is None:
        return DEFAULT_PAGE
    size = whole_number(text.strip().removeprefix("-"))
    if size is None:
        raise errors.argument_invalid(f"x-ms-max-item-count must be a number, not '{text[:50]}'")
    return min(size, MAX_PAGE) if size and "-" not in text else DEFAULT_PAGE


def _continuation_token(place: dict[str, Any], hub_key: str, text: str) -> str:
    return base64.b64encode(json.dumps([_query_hash(hub_key, text), place]).encode()).decode()


def _read_continuation_token(token: str | None, hub_key: str, text: str) -> dict[str, Any]:
    """Where the previous page ended; a token is valid for its own query only."""
    if not token:
        return {}
    try:
        query_hash, place = json.loads(base64.b64decode(token, validate=True))
    except (binascii.Error, ValueError, TypeError) as error:
        raise errors.argument_invalid("the continuation token is invalid") from error
    if query_hash != _query_hash(hub_key, text) or not isinstance(place, dict):
        raise errors.argument_invalid("the continuation token belongs to another query")
    return place


def _query_hash(hub_key: str, text: str) -> str:
    return hashlib.sha256(f"{hub_key}\n{text}".encode()).hexdigest()[:16]
