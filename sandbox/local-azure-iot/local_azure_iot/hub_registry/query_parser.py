"""Reads the query language: `SELECT … FROM devices WHERE … GROUP BY …`. The grammar is `query.lark`.

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

from local_azure_iot.hub_registry import query_conditions as conditions
from local_azure_iot.hub_registry.query import Column, Query, QueryError
from local_azure_iot.hub_registry.query_conditions import Path

if TYPE_CHECKING:
    from local_azure_iot.hub_registry.query_conditions import Condition

    Node = Tree[Token]

_AGGREGATES = ("count", "avg", "sum", "min", "max")
_CONSTANTS = {"true": True, "false": False, "null": None}
_KEYWORDS = frozenset(("select", "from", "where", "and", "or", "not", "in", "nin", "as", "group", "by", "top"))
_MAX_DEPTH = 50  # parentheses and NOTs inside each other
_PARSER = Lark(FilePath(__file__).with_name("query.lark").read_text(encoding="utf-8"), parser="lalr", lexer="contextual")

_MODULES = "devices.modules"


@lru_cache(maxsize=256)
def parse(text: str) -> Query:
    """Read a query. Each page of an answer asks for its query again, so the last ones are kept.

    Raises:
        QueryError: The query is invalid, or it queries what local Azure does not have (jobs).
    """
    try:
        tree = _PARSER.parse(text)
    except UnexpectedInput as error:
        raise QueryError(" ".join(str(error).split("\n", 1)[0].split())) from error
    parts = {child.data: child for child in tree.children if isinstance(child, Tree)}
    source = ".".join(map(_name, parts["source"].children)).lower()
    if source not in {"devices", _MODULES}:
        raise QueryError(f"FROM {source}: only devices and their modules can be queried")
    alias = _alias(tree, parts)
    query = Query(
        of_modules=source == _MODULES, columns=[_column(each, number, alias) for number, each in enumerate(parts["columns"].children, 1)]
    )
    if "top" in parts:
        query.top = int(str(parts["top"].children[0]))
    if "where" in parts:
        query.condition = _condition(parts["where"].children[0], alias, 0)
    if "group" in parts:
        query.group = [_path(each, alias) for each in parts["group"].children]
    if query.group and any(column.path not in query.group for column in query.columns if not column.aggregate):
        raise QueryError("every column must be an aggregate or be in GROUP BY")
    if query.aggregates and not query.group and not all(column.aggregate for column in query.columns):
        raise QueryError("a column beside an aggregate must be in GROUP BY")
    return query


def _alias(tree: Node, parts: dict[str, Node]) -> str:
    source = _name(parts["source"].children[0])  # of modules too: their properties are written as `devices.moduleId` or `moduleId`
    if "alias" in parts:
        alias = _name(parts["alias"].children[0])
        if alias.lower() in _KEYWORDS:
            raise QueryError(f"nothing may follow at '{alias}'")
        return alias
    return next((_name(child) for child in tree.children if isinstance(child, Token)), source)  # AS and a name


def _column(tree: Any, number: int, alias: str) -> Column:
    subject, renamed = tree.children[0], tree.children[1:]
    aggregate = ""
    if subject.data == "path":
        path: Path | None = _path(subject, alias)
        name = _name(subject.children[-1])
    else:
        aggregate = _name(subject.children[0]).lower()
        path = _path(subject.children[1], alias) if subject.children[1:] else None
        name = f"${number}"
        if aggregate not in _AGGREGATES:
            raise QueryError(f"'{aggregate}' is not an aggregate")
        if path is None and aggregate != "count":
            raise QueryError(f"{aggregate} needs a property")
    return Column(_name(renamed[0].children[0]) if renamed else name, path, aggregate)


def _condition(tree: Any, alias: str, depth: int) -> Condition:
    if depth > _MAX_DEPTH:
        raise QueryError("too deep")
    kind, children = tree.data, tree.children
    if kind in {"any", "all"}:
        parts = [_condition(each, alias, depth) for each in children]
        return conditions.any_of(parts) if kind == "any" else conditions.all_of(parts)
    if kind in {"not", "nested"}:
        inner = _condition(children[0], alias, depth + 1)
        return conditions.not_(inner) if kind == "not" else inner
    if kind == "comparison":
        return conditions.comparison(_operand(children[0], alias), str(children[1]), _operand(children[2], alias))
    if kind == "membership":
        values = [_constant(each) for each in children[2].children]
        return conditions.membership(_operand(children[0], alias), values, negated=children[1].type == "NIN")
    return _function(_name(children[0]).lower(), _path(children[1], alias), children[2:])


def _function(name: str, path: Path, rest: list[Node]) -> Condition:
    if name in conditions.TESTS and not rest:
        return conditions.test(name, path)
    if name in conditions.TEXT_TESTS and rest:
        return conditions.text_test(name, path, _constant(rest[0]))
    if name == "array_contains" and rest:
        return conditions.array_contains(path, _constant(rest[0]))
    raise QueryError(f"'{name}' is not a function of {'a property and a text' if rest else 'a property'}")


def _operand(tree: Node, alias: str) -> Any:
    return _path(tree, alias) if tree.data == "path" else _constant(tree)


def _path(tree: Any, alias: str) -> Path:
    return Path(tuple(_name(token) for token in tree.children)).without(alias)


def _constant(tree: Any) -> Any:
    token = tree.children[0]
    text = str(token)
    if token.type == "CONSTANT":
        return _CONSTANTS[text.lower()]
    if token.type == "TEXT":
        inner = text[1:-1].replace("''", "'") if text[0] == "'" else text[1:-1]
        return re.sub(r"\\(.)", r"\1", inner)
    try:
        return json.loads(text)
    except ValueError as error:
        raise QueryError(f"'{text}' is not a number") from error


def _name(token: Any) -> str:
    return str(token).removeprefix("[[").removesuffix("]]")
