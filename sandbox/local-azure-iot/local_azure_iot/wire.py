"""Requests and replies as local Azure's services see them: HTTP, independent of the server."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from local_azure_iot import shapes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from OpenSSL import crypto

    from local_azure_iot.host_names import Destination

_DIGITS = re.compile(r"[0-9]{1,18}")
MAX_BODY = 4 * 1024 * 1024  # bytes; ARM's own limit on a request's content


class MalformedJsonError(ValueError):
    """The body is not JSON, or not of the expected shape."""


@dataclass(kw_only=True)
class Request:
    """One complete HTTP request."""

    method: str
    host: str
    destination: Destination
    path: str  # percent-decoded, single slashes, without the trailing one
    query: dict[str, str]  # names lower-cased: Azure ignores their case
    headers: dict[str, str]  # names lower-cased
    body: bytes = b""
    parameters: dict[str, str] = field(default_factory=dict)  # the values of the variable parts of the route's path
    client: str = ""  # the client's IP address
    chain: list[crypto.X509] = field(default_factory=list)  # the certificates that it sent in TLS, its own first; nobody has verified them
    header_names: list[str] = field(default_factory=list)  # as the client wrote them; empty: not known

    def header(self, name: str) -> str | None:
        """A header's value, or None."""
        return self.headers.get(name.lower())

    def original_headers(self) -> list[tuple[str, str]]:
        """Every header with its name as the client wrote it: applications' properties are headers, and keep their case."""
        written = {name.lower(): name for name in self.header_names}
        return [(written.get(name, name), value) for name, value in self.headers.items()]

    @property
    def intended_method(self) -> str:
        """The method that the client means: one whose HTTP library knows no PATCH sends a POST that names it in a header (Java's SDKs)."""
        override = (self.header("x-http-method-override") or "").strip().upper()
        return override if self.method == "POST" and override else self.method

    @property
    def api_version(self) -> str:
        """The requested api-version, or the empty string."""
        return self.query.get("api-version", "")

    @property
    def base_url(self) -> str:
        """Scheme and host as the client wrote them: the beginning of links in answers."""
        return f"https://{self.host}"

    def json_object(self, shape: Any = dict) -> dict[str, Any]:
        """The body as a JSON object of a shape (see `shapes`); an empty body is an empty object.

        Raises:
            MalformedJsonError: The body is not JSON, not an object, or a member is of another type.
        """
        if not self.body.strip():
            return {}
        value = read_json(self.body)
        if not isinstance(value, dict):
            raise MalformedJsonError(f"expected an object, found {_kind(value)}")
        try:
            shapes.check(value, shape)
        except shapes.WrongTypeError as error:
            raise MalformedJsonError(str(error)) from error
        return value

    def json_array(self) -> list[Any]:
        """The body as a JSON array.

        Raises:
            MalformedJsonError: The body is not JSON or not an array.
        """
        value = read_json(self.body)
        if not isinstance(value, list):
            raise MalformedJsonError(f"expected an array, found {_kind(value)}")
        return value

    def form(self) -> dict[str, str]:
        """The body as an HTML form (application/x-www-form-urlencoded)."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


def _kind(value: Any) -> str:
    """What JSON calls a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
    return "an object"


def read_json(body: bytes) -> Any:
    """The value that JSON writes.

    Raises:
        MalformedJsonError: It is not JSON, as RFC 8259 has it: no NaN, and no number that is too large.
    """
    try:
        return _READER.decode(body.decode(json.detect_encoding(body), "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise MalformedJsonError(str(error)) from error


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse_number(text)


def _refuse_number(text: str) -> float:
    raise ValueError(f"'{text}' is not a number that JSON can represent")


# Created once: `json.loads` and `json.dumps` with options create a new one for each call.
_READER = json.JSONDecoder(parse_constant=_refuse_number, parse_float=_finite)
_WRITER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


NO_BODY = object()  # different from None, which is sent as the four bytes `null`


@dataclass(kw_only=True)
class Reply:
    """One HTTP answer. `body` is JSON-able, NO_BODY, or bytes that are sent as they are; `headers` are added to the endpoint's own."""

    status: int = 200
    body: Any = NO_BODY
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json; charset=utf-8"

    def encoded(self) -> bytes:
        """The bytes of the body."""
        if self.body is NO_BODY:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        # Half a surrogate pair is valid JSON but can't be encoded as UTF-8: it is sent as it came, as an escape.
        return _WRITER.encode(self.body).encode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class LaterReply:
    """An answer that takes time. ``answer`` runs once the request's transaction is committed, and opens its own where it writes."""

    answer: Callable[[], Awaitable[Reply]]


@dataclass(frozen=True)
class Moment:
    """An answer's time and correlation id: service errors include both."""

    now: datetime
    correlation: str


class ServiceError(Exception):
    """An error answer of a service. Each service has its own class, and one constructor function for each error."""

    def reply(self, moment: Moment) -> Reply:
        """The HTTP answer."""
        raise NotImplementedError  # pragma: no cover - every service's error has its own


def whole_number(text: str) -> int | None:
    """The number that a header or a part of a query writes in digits; None for what is none, or has more than 18 of them."""
    return int(text) if _DIGITS.fullmatch(text) else None


def lower_headers(pairs: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """ASGI's header pairs as a mapping with lower-case names; of a repeated header the last counts."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in pairs}


def lower_query(raw: bytes) -> dict[str, str]:
    """A query string as a mapping with lower-case names."""
    return {name.lower(): value for name, value in parse_qsl(raw.decode("latin-1"), keep_blank_values=True)}
