"""Queries over devices: the pages of an answer, and the token for the next page."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import logging
from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import errors, query_scans
from local_azure_iot.query_language import query
from local_azure_iot.wire import LaterReply, Reply, whole_number

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import Request

_log = logging.getLogger("local_azure_iot")
DEFAULT_PAGE, MAX_PAGE = 100, 1000
_KINDS = {query.Source.DEVICES: "Twin", query.Source.MODULES: "Twin", query.Source.JOBS: "DeviceJob"}  # x-ms-item-type of whole documents


def run_query(azure: Azure, request: Request) -> LaterReply:
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
    headers = {"x-ms-item-type": _KINDS[parsed.source] if parsed.returns_documents else "Raw"}

    async def answer() -> Reply:
        page, last, more = await (_aggregated if parsed.aggregates else _page)(azure, hub_key, parsed, token, size)
        if more:
            headers["x-ms-continuation"] = _continuation_token(last, hub_key, text)
        return Reply(body=page, headers=headers)

    return LaterReply(answer)


async def _aggregated(
    azure: Azure, hub_key: str, parsed: query.Query, token: dict[str, Any], size: int
) -> tuple[list[dict[str, Any]], dict[str, Any], bool]:
    aggregation, start = query.Aggregation(parsed), token.get("skip", 0)

    def add(_place: str, document: dict[str, Any]) -> bool:
        if parsed.selects(document):
            aggregation.add(document)
        return True

    await query_scans.scan(azure, hub_key, parsed.source, "", add)
    rows = aggregation.rows()
    return rows[start : start + size], {"skip": start + size}, len(rows) > start + size


async def _page(
    azure: Azure, hub_key: str, parsed: query.Query, token: dict[str, Any], size: int
) -> tuple[list[dict[str, Any]], dict[str, Any], bool]:
    already_sent, after = token.get("given", 0), token.get("after", "")
    room = size if parsed.top is None else min(size, parsed.top - already_sent)
    page: list[dict[str, Any]] = []
    if room <= 0:
        return page, {}, False
    more = False

    def take(place: str, document: dict[str, Any]) -> bool:
        nonlocal after, more
        if not parsed.selects(document):
            return True
        if len(page) == room:
            more = parsed.top is None or already_sent + room < parsed.top
            return False
        page.append(parsed.row(document))
        after = place
        return True

    await query_scans.scan(azure, hub_key, parsed.source, after, take)
    return page, {"after": after, "given": already_sent + len(page)}, more


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
