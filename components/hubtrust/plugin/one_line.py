"""How a call that failed is told: an error of ours as its line alone; a fault of this package keeps its traceback on stderr."""

import functools
import itertools
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

import grpc

from hubtrust.errors import LONGEST, HubtrustError, shown, without_private_keys
from hubtrust.plugin.messages import about

_Method = TypeVar("_Method", bound=Callable[..., Any])

_HIDDEN = "(a secret)"
_SHORTEST = 4  # characters: a shorter secret is part of other words, and is none
_BEGINNING = 8  # characters: of a longer secret a message may tell a part from its beginning


def in_one_line(method: _Method) -> _Method:
    """A gRPC method whose errors are told so."""

    @functools.wraps(method)
    def call(plugin: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            with about(getattr(request, "urn", "")):
                return method(plugin, request, context)
        except HubtrustError as error:
            refuse(context, str(error))
        except Exception as error:  # noqa: BLE001 - the last line of defence: grpc would tell the engine less than this line
            urn = getattr(request, "urn", "")
            refuse(context, fault_of_ours(f"{method.__name__}{f' of {urn}' if urn else ''}", error))

    return call  # type: ignore[return-value] # of the same signature


def fault_of_ours(what: str, error: BaseException) -> str:
    """The line for an error that this package did not raise on purpose; its traceback goes to stderr, which engines show."""
    sys.stderr.write(without_private_keys("".join(traceback.format_exception(error))))
    return shown(
        f"{what}: {type(error).__name__}: {error}; this is a fault of hubtrust, so report it with the traceback in this run's messages"
    )


def refuse(context: grpc.ServicerContext, line: str) -> NoReturn:
    """End the call with this line: engines show it as it is."""
    context.abort(grpc.StatusCode.UNKNOWN, line)
    raise AssertionError("abort raises")


def without_secrets(secrets: Sequence[str], reason: str) -> str:
    """``reason`` without the texts that the program gave as secrets; also where it tells only the beginning of one."""
    for found in (shown(text, LONGEST) for text in secrets if len(text) >= _SHORTEST):
        before, *after = reason.split(found[:_BEGINNING])
        reason = _HIDDEN.join([before, *(each[_alike(each, found[_BEGINNING:]) :] for each in after)])
    return reason


def _alike(one: str, other: str) -> int:
    """How many characters the two begin with alike."""
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
