"""How an argument of an authority is read: the value, or an error in one line that names the argument."""

from collections.abc import Callable
from typing import Any, TypeVar

from hubtrust.authority_errors import AuthorityError
from hubtrust.devices import json_values
from hubtrust.errors import HubtrustError
from hubtrust.inputs import named
from hubtrust.known_values import characters, require_plain

_T = TypeVar("_T")


def read_as(what: str, read: Callable[[Any], _T], value: Any) -> _T:
    """``value`` as ``read`` reads it; errors call it ``what``.

    Raises:
        AuthorityError: it is not valid.
    """
    try:
        return read(value)
    except HubtrustError as error:
        found = named(error, what)
        raise AuthorityError(found.what, found.fact, found.remedy) from None


def read_plain(what: str, read: Callable[[Any], _T], value: Any) -> _T:
    """``read_as`` of a value that decides which resources there are.

    Raises:
        AuthorityError: it is an Output, or not valid.
    """
    require_plain(AuthorityError, what, value)
    return read_as(what, read, value)


def read_text(what: str, remedy: str = "give a text that is not empty") -> Callable[[Any], str]:
    """A reader for a text that is not empty; the error shows no part of it."""

    def read(value: object) -> str:
        if not isinstance(value, str) or not value.strip():
            raise AuthorityError(what, "it is empty" if isinstance(value, str) else kind(value), remedy)
        return characters(AuthorityError, what, value)

    return read


def read_content(what: str, remedy: str) -> Callable[[Any], str | bytes]:
    """A reader for what a file holds: a text, or bytes, not empty; the error shows no part of it."""

    def read(value: object) -> str | bytes:
        if not isinstance(value, str | bytes) or not value.strip():
            raise AuthorityError(what, "it is empty" if isinstance(value, str | bytes) else kind(value), remedy)
        return value

    return read


def kind(value: object) -> str:
    """What ``value`` is, for an error that must not show it."""
    return "it is None" if value is None else f"it is {json_values.kind(value)}"
