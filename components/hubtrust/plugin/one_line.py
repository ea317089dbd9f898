"""How a call that failed is told: an error of ours as its line alone; a fault of this package keeps its traceback on stderr."""

import functools
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import grpc

from hubtrust.errors import HubtrustError, shown, without_private_keys

_Method = TypeVar("_Method", bound=Callable[..., Any])


def in_one_line(method: _Method) -> _Method:
    """A gRPC method whose errors are told so."""

    @functools.wraps(method)
    def call(plugin: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
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
