"""Reads the query language: whole queries, and conditions alone. The grammar is `grammar.lark`.

Lark takes about a tenth of a second to load and to build its tables, so this module is imported with the first query.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from local_azure_iot.query_language import expressions
from local_azure_iot.query_language.expressions import Path
from local_azure_iot.query_language.functions import FUNCTIONS, MISSING
from local_azure_iot.query_language.query import Column, Query, QueryError, Source

if TYPE_CHECKING:
    from local_azure_iot.query_language.expressions import Expression

    Node = Tree[Token]

_AGGREGATES = ("count", "avg", "sum", "min", "max")
_CONSTANTS = {"true": True, "false": False, "null": None, "undefined": MISSING}
_KEYWORDS = frozenset(("select", "from", "where", "and", "or", "not", "in", "nin", "as", "group", "by", "top"))
_MAX_DEPTH = 50  # parentheses, functions and NOTs inside each other
_MAX_LENGTH = 8192  # characters, as documented
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))|''", re.DOTALL)
_PARSER = Lark(
    FilePath(__file__).with_name("grammar.lark").read_text(encoding="utf-8"),
    parser="lalr",
    lexer="contextual",
    start=["query", "target", "condition"],
)
# Azure ignores the case of a twin's own members and answers with their names as it writes them (`SELECT DeviceId …` gives `deviceId`).
_MEMBERS = {
    name.lower(): name
    for name in (
        "authenticationType capabilities cloudToDeviceMessageCount configurations connectionState createdDateTimeUtc deviceEtag deviceId "
        "deviceScope endTimeUtc error etag jobId jobType lastActivityTime lastUpdatedDateTimeUtc modelId moduleId outcome parentScopes "
        "properties startTimeUtc status statusReason statusUpdateTime tags version x509Thumbprint"
    ).split()
}
_MEMBERS["createdtimeutc"] = "createdDateTimeUtc"  # so named in the documentation's queries on jobs


@lru_cache(maxsize=256)
def parse(text: str) -> Query:
    """Read a query. Each page of an answer asks for its query again, so the last ones are kept.

    Raises:
        QueryError: The query is invalid.
    """
    tree = _tree(text, "query")
    parts = _parts(tree)
    source = _source(parts["source"])
    reader = _Reader(_prefixes(source, _alias(tree, parts)))
    query = Query(source=source, columns=[reader.column(each, number) for number, each in enumerate(parts["columns"].children, 1)])
    if "top" in parts:
        query.top = int(str(parts["top"].children[0]))
    if "where" in parts:
        query.condition = reader.expression(parts["where"].children[0])
    if "group" in parts:
        query.group = [reader.path(each) for each in parts["group"].children]
    _check(query)
    return query


@lru_cache(maxsize=256)
def parse_target(text: str) -> Query:
    """Read the target of a configuration or job: `*`, a condition on devices, or `FROM devices.modules WHERE …`, as documented.

    Raises:
        QueryError: The condition is invalid.
    """
    if text.strip() == "*":
        return Query()
    if not re.match(r"\s*from\b", text, re.IGNORECASE):
        return Query(condition=parse_condition(text))
    parts = _parts(_tree(text, "target"))
    source = _source(parts["source"])
    reader = _Reader(_prefixes(source, ""))
    return Query(source=source, condition=reader.expression(parts["where"].children[0]) if "where" in parts else None)


@lru_cache(maxsize=256)
def parse_condition(text: str) -> Expression:
    """Read a condition alone, such as a route's.

    Raises:
        QueryError: The condition is invalid.
    """
    return _Reader(_prefixes(Source.DEVICES, "")).expression(_tree(text, "condition").children[0])


@lru_cache(maxsize=256)
def parse_message_condition(text: str) -> Expression:
    """Read a route's condition on a message: its properties by name, `$body…`, `$twin…`, and system properties such as `$contentType`.

    The document's own names are in lower case, because those of messages ignore case. Only here may a path have an index, `$body.list[0]`.
    Source: https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-routing-query-syntax

    Raises:
        QueryError: The condition is invalid.
    """
    return _MessageReader([]).expression(_tree(text, "condition").children[0])


def _tree(text: str, start: str) -> Node:
    if len(text) > _MAX_LENGTH:
        raise QueryError(f"{len(text)} characters, more than {_MAX_LENGTH}")
    try:
        return _PARSER.parse(text, start=start)
    except UnexpectedInput as error:
        raise QueryError(_unexpected(text, error)) from error


def _unexpected(text: str, error: UnexpectedInput) -> str:
    """Where and by what a query is no query."""
    at = error.pos_in_stream
    if at is None or getattr(getattr(error, "token", None), "type", "") == "$END":
        return "it ends too early"
    found = text[at:].split(maxsplit=1)[0]
    return f"'{found[:50]}' is not expected at line {error.line}, column {error.column}"


def _parts(tree: Node) -> dict[str, Node]:
    return {child.data: child for child in tree.children if isinstance(child, Tree)}


def _source(tree: Node) -> Source:
    name = ".".join(map(_name, tree.children)).lower()
    try:
        return Source(name)
    except ValueError:
        raise QueryError(f"FROM {name}: only {', '.join(Source)} can be queried") from None


def _prefixes(source: Source, alias: str) -> list[list[str]]:
    """What may stand in front of a property for the collection itself, the longest first: `devices.jobs.jobId`, `devices.deviceId`."""
    return [[alias.lower()]] if alias else [source.split("."), ["devices"]]


def _alias(tree: Node, parts: dict[str, Node]) -> str:
    if "alias" in parts:
        alias = _name(parts["alias"].children[0])
        if alias.lower() in _KEYWORDS:
            raise QueryError(f"nothing may follow at '{alias}'")
        return alias
    return next((_name(child) for child in tree.children if isinstance(child, Token)), "")  # AS and a name


def _check(query: Query) -> None:
    if query.group and not query.columns:
        raise QueryError("SELECT * has no groups: name the columns that are in GROUP BY")
    if query.group and any(column.path not in query.group for column in query.columns if not column.aggregate):
        raise QueryError("every column must be an aggregate or be in GROUP BY")
    if query.aggregates and not query.group and not all(column.aggregate for column in query.columns):
        raise QueryError("a column beside an aggregate must be in GROUP BY")
    if query.source is Source.JOBS and (query.columns or query.group):
        raise QueryError("queries on devices.jobs have neither columns nor groups")


class _Reader:
    """Builds expressions from the parser's tree."""

    def __init__(self, prefixes: list[list[str]]) -> None:
        self._prefixes = prefixes

    def column(self, tree: Any, number: int) -> Column:
        subject, renamed = tree.children[0], tree.children[1:]
        aggregate = ""
        if subject.data == "path":
            path: Path | None = self.path(subject)
            name = str(path.parts[-1]) if path else ""
        else:
            aggregate = _name(subject.children[0]).lower()
            path = self.path(subject.children[1]) if subject.children[1:] else None
            name = f"${number}"
            if aggregate not in _AGGREGATES:
                raise QueryError(f"'{aggregate}' is not an aggregate")
            if path is None and aggregate != "count":
                raise QueryError(f"{aggregate} needs a property")
        return Column(_name(renamed[0].children[0]) if renamed else name, path, aggregate)

    def path(self, tree: Any) -> Path:
        if any(token.type == "INDEX" for token in tree.children):
            raise QueryError("items of an array can't be queried")
        parts = [_name(token) for token in tree.children]
        for prefix in self._prefixes:
            if len(parts) > len(prefix) and [part.lower() for part in parts[: len(prefix)]] == prefix:
                del parts[: len(prefix)]
                break
        return Path((_MEMBERS.get(parts[0].lower(), parts[0]), *parts[1:]))

    def expression(self, tree: Any, depth: int = 0) -> Expression:  # noqa: C901, PLR0911, PLR0912 - one case for each form of expression
        if depth > _MAX_DEPTH:
            raise QueryError("too deep")
        kind, children = tree.data, tree.children
        if kind == "path":
            return self.path(tree)
        if kind == "constant":
            return expressions.constant(_constant(tree))
        if kind == "function":
            return self._function(_name(children[0]).lower(), children[1:], depth + 1)
        inner = [self.expression(each, depth + 1) for each in children if isinstance(each, Tree)]
        signs = [str(each) for each in children if isinstance(each, Token)]
        match kind:
            case "any":
                return expressions.any_of(inner)
            case "all":
                return expressions.all_of(inner)
            case "not":
                return expressions.not_(inner[0])
            case "array":
                return expressions.array(inner)
            case "signed":
                return expressions.negative(inner[0]) if signs == ["-"] else inner[0]
            case "comparison":
                return expressions.comparison(inner[0], signs[0], inner[1])
            case "membership":
                return self._membership(inner, children, depth + 1)
            case "sum" | "product":
                return expressions.arithmetic(inner[0], list(zip(signs, inner[1:], strict=True)))
            case _:
                return inner[0]  # in parentheses

    def _membership(self, inner: list[Expression], children: list[Any], depth: int) -> Expression:
        items = inner[1:]
        if children[2].data == "array" and len(children) == 3:  # noqa: PLR2004 - a value, IN, an array
            items = [self.expression(each, depth + 1) for each in children[2].children]
        return expressions.membership(inner[0], items, negated=children[1].type == "NIN")

    def _function(self, name: str, arguments: list[Any], depth: int) -> Expression:
        function = FUNCTIONS.get(name)
        if function is None or not function.least <= len(arguments) <= function.most:
            raise QueryError(f"'{name}' is not a function of {len(arguments)} arguments")
        return expressions.call(function, [self.expression(each, depth) for each in arguments])


class _MessageReader(_Reader):
    def path(self, tree: Any) -> Path:
        first, *rest = (int(str(token)[1:-1]) if token.type == "INDEX" else _name(token) for token in tree.children)
        return Path((str(first).lower(), *rest))


def _constant(tree: Any) -> Any:
    token = tree.children[0]
    text = str(token)
    if token.type == "CONSTANT":
        return _CONSTANTS[text.lower()]
    if token.type == "TEXT":
        return _ESCAPE.sub(_unescaped, text[1:-1])
    if token.type == "HEX":
        return int(text, 16)
    try:
        return json.loads(text)
    except ValueError as error:
        raise QueryError(f"'{text}' is not a number") from error


def _unescaped(found: re.Match[str]) -> str:
    if found[0] == "''":
        return "'"
    return chr(int(found[1], 16)) if found[1] else found[2]


def _name(token: Any) -> str:
    return str(token).removeprefix("[[").removesuffix("]]")
