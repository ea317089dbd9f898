"""Queries over devices on the wire: pages, and the token that leads to the next one."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import logging
from typing import TYPE_CHECKING, Any

from sandbox.azure.hub_registry import errors, index, query, twin_shape
from sandbox.azure.wire import Reply

if TYPE_CHECKING:
    from sandbox.azure.local_azure import Azure
    from sandbox.azure.wire import Request

_log = logging.getLogger("sandbox.azure")
DEFAULT_PAGE, MAX_PAGE = 100, 1000


def run_query(azure: Azure, request: Request) -> Reply:
    """One page of a query's answer. Every page but the last has the requested size; a token leads to the next page."""
    from sandbox.azure.hub_registry import query_parser

    text = request.json_object().get("query")
    if not isinstance(text, str):
        raise errors.query_invalid()
    try:
        wanted = query_parser.parse(text)
    except query.QueryError as error:
        _log.info("query refused: %s: %s", error, text)
        raise errors.query_invalid() from error
    hub_key, size = request.parameters["hub_key"], _page_size(request)
    token = _read_token(request.header("x-ms-continuation"), hub_key, text)
    kind = "Twin" if wanted.whole else "Raw"
    if wanted.aggregates:
        rows = wanted.grouped(twin for _, twin in _matching(azure, hub_key, wanted, ""))
        start = token.get("skip", 0)
        page, last = rows[start : start + size], {"skip": start + size}
        more = len(rows) > start + size
    else:
        page, last, more = _page(azure, hub_key, wanted, token, size)
    headers = {"x-ms-item-type": kind}
    if more:
        headers["x-ms-continuation"] = _token(last, hub_key, text)
    return Reply(body=page, headers=headers)


def _page(
    azure: Azure, hub_key: str, wanted: query.Query, token: dict[str, Any], size: int
) -> tuple[list[dict[str, Any]], dict[str, Any], bool]:
    given, after = token.get("given", 0), token.get("after", "")
    left = size if wanted.top is None else min(size, wanted.top - given)
    page: list[dict[str, Any]] = []
    if left <= 0:
        return page, {}, False
    for device, twin in _matching(azure, hub_key, wanted, after):
        if len(page) == left:
            done = wanted.top is not None and given + len(page) >= wanted.top
            return page, {"after": after, "given": given + len(page)}, not done
        page.append(wanted.row(twin))
        after = device
    return page, {}, False


def _matching(azure: Azure, hub_key: str, wanted: query.Query, after: str) -> Any:
    for found in index.devices(azure, f"{hub_key}/", after):
        twin = twin_shape.to_json(azure, hub_key, found)
        if wanted.wants(twin):
            yield found["id"], twin


def _page_size(request: Request) -> int:
    text = request.header("x-ms-max-item-count")
    if text is None:
        return DEFAULT_PAGE
    try:
        size = int(text)
    except ValueError:
        raise errors.argument_invalid(f"x-ms-max-item-count must be a number, not '{text}'") from None
    return min(size, MAX_PAGE) if size > 0 else DEFAULT_PAGE


def _token(place: dict[str, Any], hub_key: str, text: str) -> str:
    return base64.b64encode(json.dumps([_mark(hub_key, text), place]).encode()).decode()


def _read_token(token: str | None, hub_key: str, text: str) -> dict[str, Any]:
    """Where the previous page ended; a token is valid for its own query only."""
    if not token:
        return {}
    try:
        mark, place = json.loads(base64.b64decode(token, validate=True))
    except (binascii.Error, ValueError, TypeError) as error:
        raise errors.argument_invalid("the continuation token is invalid") from error
    if mark != _mark(hub_key, text) or not isinstance(place, dict):
        raise errors.argument_invalid("the continuation token belongs to another query")
    return place


def _mark(hub_key: str, text: str) -> str:
    return hashlib.sha256(f"{hub_key}\n{text}".encode()).hexdigest()[:16]
