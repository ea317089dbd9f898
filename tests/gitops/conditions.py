"""When a forge runs a job: the three languages of conditions, as far as the pipelines use them.

What is not understood is an error: a condition that can't be read may let anything through.
"""

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any

Context = Mapping[str, str | None]


class UnreadableError(Exception):
    """A part of a file that the rules can't judge."""


class _Tokens:
    """The tokens of an expression, read one after the other."""

    def __init__(self, text: str, pattern: str) -> None:
        self._found: list[str] = []
        place, rest = 0, text.rstrip()
        while place < len(rest):
            found = re.compile(rf"\s*({pattern})").match(rest, place)
            if not found:
                raise UnreadableError(f"the condition {text!r} is not understood from {rest[place:]!r}")
            self._found.append(found[1])
            place = found.end()

    def peek(self) -> str:
        """The next token, or nothing."""
        return self._found[0] if self._found else ""

    def take(self) -> str:
        """The next token, which is used up."""
        if not self._found:
            raise UnreadableError("the condition ends too early")
        return self._found.pop(0)


class _Condition:
    """`a || b && !c == d`, by precedence."""

    def __init__(self, tokens: _Tokens, value: Callable[[], Any], compare: Mapping[str, Callable[[Any, Any], bool]]) -> None:
        self._tokens, self._value, self._compare = tokens, value, compare

    def holds(self) -> bool:
        """The whole of it."""
        found = self._alternatives()
        if self._tokens.peek():
            raise UnreadableError(f"the condition goes on with {self._tokens.peek()!r}, which is not understood")
        return bool(found)

    def _alternatives(self) -> Any:
        left = self._conjunction()
        while self._tokens.peek() == "||":
            self._tokens.take()
            right = self._conjunction()
            left = left or right
        return left

    def _conjunction(self) -> Any:
        left = self._comparison()
        while self._tokens.peek() == "&&":
            self._tokens.take()
            right = self._comparison()
            left = left and right
        return left

    def _comparison(self) -> Any:
        if self._tokens.peek() == "!":
            self._tokens.take()
            return not self._comparison()
        left = self._operand()
        while self._tokens.peek() in self._compare:
            left = self._compare[self._tokens.take()](left, self._operand())
        return left

    def _operand(self) -> Any:
        if self._tokens.peek() != "(":
            return self._value()
        self._tokens.take()
        found = self._alternatives()
        if self._tokens.take() != ")":
            raise UnreadableError("a parenthesis is not closed")
        return found


def _same(left: Any, right: Any) -> bool:
    """GitHub and Azure DevOps compare text without regard to case; nothing equals the empty text."""
    return str(left or "").lower() == str(right or "").lower()


def github(text: Any, context: Context) -> bool:
    """A job's or step's `if`. Functions of the status answer as in a run in which all went well.

    Source: docs.github.com/actions/reference/workflows-and-actions/expressions.
    """
    if isinstance(text, bool):
        return text
    text = str(text).strip()
    if wrapped := re.fullmatch(r"\$\{\{(.*)\}\}", text, re.DOTALL):
        text = wrapped[1].strip()
    if "${{" in text:
        raise UnreadableError(f"{text!r} is a text around an expression, which is always true")
    tokens = _Tokens(text, r"'(?:[^']|'')*'|&&|\|\||==|!=|!|\(\)|\(|\)|[A-Za-z_][\w.-]*")

    def value() -> Any:
        token = tokens.take()
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if tokens.peek() == "()":
            token += tokens.take()
        known: dict[str, Any] = {**context, "true": True, "false": False, "always()": True, "success()": True}
        known |= {"cancelled()": False, "failure()": False}
        if token not in known:
            raise UnreadableError(f"'{token}' is not understood")
        return known[token]

    return _Condition(tokens, value, {"==": _same, "!=": lambda left, right: not _same(left, right)}).holds()


def gitlab(text: str, context: Context) -> bool:
    """The `if` of a rule. Two variables that both are not set are equal. Source: docs.gitlab.com/ci/jobs/job_rules."""
    tokens = _Tokens(text, r"\"[^\"]*\"|'[^']*'|/(?:\\/|[^/])+/i?|&&|\|\||==|!=|=~|!~|\(|\)|\$\w+|null")

    def value() -> Any:
        token = tokens.take()
        if token[0] in "\"'":
            return token[1:-1]
        if token[0] == "$":
            return context.get(token[1:])
        if token[0] == "/":
            return re.compile(token.rpartition("/")[0][1:], re.IGNORECASE if token.endswith("i") else 0)
        if token == "null":
            return None
        raise UnreadableError(f"{token!r} in a rule is not understood")

    def matches(left: Any, right: Any) -> bool:
        return right.search(left or "") is not None

    compare = {"==": lambda left, right: left == right, "!=": lambda left, right: left != right}
    return _Condition(tokens, value, {**compare, "=~": matches, "!~": lambda left, right: not matches(left, right)}).holds()


def azure(text: Any, context: Context) -> bool:
    """A stage's or job's `condition`. Source: learn.microsoft.com/azure/devops/pipelines/process/expressions."""
    if isinstance(text, bool):
        return text
    if re.search(r"\$\{\{|\$\[", str(text)):
        raise UnreadableError(f"the condition {text!r} is made by a template")
    renamed = re.sub(r"\b(and|or|not|in)\(", r"\1_(", str(text))
    try:
        return bool(_azure(ast.parse(renamed, mode="eval").body, context))
    except SyntaxError as failed:
        raise UnreadableError(f"the condition {text!r} is not understood") from failed


def _azure(node: ast.expr, context: Context) -> Any:
    match node:
        case ast.Constant(value):
            return value
        case ast.Subscript(ast.Name("variables"), ast.Constant(str(name))):
            return context.get(name)
        case ast.Call(ast.Name(function), arguments):
            given = [_azure(each, context) for each in arguments]
            functions: dict[str, Callable[[], Any]] = {
                "and_": lambda: all(given),
                "or_": lambda: any(given),
                "not_": lambda: not given[0],
                "eq": lambda: _same(*given),
                "ne": lambda: not _same(*given),
                "in_": lambda: any(_same(given[0], each) for each in given[1:]),
                "startsWith": lambda: str(given[0] or "").lower().startswith(str(given[1]).lower()),
                "succeeded": lambda: True,
                "succeededOrFailed": lambda: True,
                "always": lambda: True,
                "failed": lambda: False,
                "canceled": lambda: False,
            }
            if function in functions:
                return functions[function]()
    raise UnreadableError(f"{ast.unparse(node)!r} in a condition is not understood")
