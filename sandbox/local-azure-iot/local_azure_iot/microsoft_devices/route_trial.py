"""Which routes a message would take: what `az iot hub message-route test` asks.

Source: https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-routing-query-syntax
"""

from __future__ import annotations

import contextlib
import json
from typing import Any

from local_azure_iot.microsoft_devices.hub_routing import FALLBACK
from local_azure_iot.query_language.functions import MISSING
from local_azure_iot.query_language.query import QueryError

DEFAULT_SOURCE = "DeviceMessages"
_ENCODINGS = {"utf-8", "utf-16", "utf-32"}  # of bodies that can be queried, as documented


def matching(routing: dict[str, Any], source: str, message: dict[str, Any]) -> list[dict[str, Any]]:
    """The enabled routes of a source that a message fits; where none does, the enabled fallback route. `routing` is as GET shows it."""
    enabled = [route for route in routing["routes"] if route.get("isEnabled") is not False]
    found = [route for route in enabled if _same(route.get("source"), source) and verdict(route, message)[0] == "true"]
    fallback = routing.get("fallbackRoute")
    if not found and fallback and fallback.get("isEnabled") and _same(fallback.get("source"), source):
        return [{**fallback, "name": fallback.get("name") or FALLBACK["name"]}]
    return found


def verdict(route: dict[str, Any], message: dict[str, Any]) -> tuple[str, str]:
    """`true`, `false` or `undefined`, and why the condition can't be read, if it can't: it is then `false`."""
    from local_azure_iot.query_language.parser import parse_message_condition  # Lark takes long to load

    condition = route.get("condition")
    if condition is None or not str(condition).strip():
        return "true", ""
    try:
        value = parse_message_condition(str(condition))(message)
    except QueryError as error:
        return "false", str(error)
    return ("undefined" if value is MISSING or value is None else "true" if value is True else "false"), ""


def document(message: dict[str, Any], twin: dict[str, Any] | None) -> dict[str, Any]:
    """A message as conditions see it: names in lower case, `$` before the system's, the body if it is JSON and says so."""
    system = {name.lower().removeprefix("$"): value for name, value in (message.get("systemProperties") or {}).items()}
    found: dict[str, Any] = {name.lower(): value for name, value in (message.get("appProperties") or {}).items()}
    found |= {f"${name}": value for name, value in system.items()}
    media_type = str(system.get("contenttype") or "").partition(";")[0].strip().lower()
    if media_type == "application/json" and str(system.get("contentencoding") or "").lower() in _ENCODINGS:
        with contextlib.suppress(ValueError):
            found["$body"] = json.loads(message.get("body") or "null")
    if twin is not None:
        found["$twin"] = twin
    return found


def _same(left: Any, right: str) -> bool:
    return str(left or "").lower() == right.lower()
