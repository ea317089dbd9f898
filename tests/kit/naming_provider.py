"""`python -m pulumi.dynamic`, or `hubtrust.plugin`, as it is, but more calls at a time: those of many stacks, most of which wait.

The first argument says which module. A failed call also tells the kind of its error, which users never see, beside the answer.
"""

import functools
import inspect
import runpy
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import grpc.aio

from hubtrust.errors import HubtrustError

KIND = "error-kind"  # in the trailing metadata
AT_A_TIME = 16  # calls; a dynamic provider itself serves four


class _Context:
    """A call's context, which names the error that ends the call."""

    def __init__(self, context: grpc.ServicerContext) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def abort(self, code: grpc.StatusCode, details: str) -> None:
        """Called while the error is handled. A dynamic provider shows another one in place of ours, whose context that is."""
        error = sys.exception()
        assert error is not None
        ours = error if isinstance(error, HubtrustError) else error.__context__ or error
        self._context.set_trailing_metadata(((KIND, type(ours).__name__),))
        self._context.abort(code, details)


def _named(handler: Any) -> Any:
    """A method's own handler, called with another context. One that waits on an event loop is left as it is: no resource has such a one."""
    if handler is None or inspect.iscoroutinefunction(handler.unary_unary):
        return handler
    return grpc.unary_unary_rpc_method_handler(
        lambda request, context: handler.unary_unary(request, _Context(context)),
        request_deserializer=handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )


class _Naming(grpc.ServerInterceptor):
    """Gives each call of a dynamic provider such a context."""

    def intercept_service(self, continuation: Callable[[Any], Any], handler_call_details: Any) -> Any:
        """The named handler."""
        return _named(continuation(handler_call_details))


class _NamingInPlugin(grpc.aio.ServerInterceptor):
    """Gives each call of the plugin such a context."""

    async def intercept_service(self, continuation: Callable[[Any], Any], handler_call_details: Any) -> Any:
        """The named handler."""
        return _named(await continuation(handler_call_details))


_server = grpc.server


def _naming(_pool: ThreadPoolExecutor, **options: Any) -> grpc.Server:
    """The server that a dynamic provider starts."""
    return _server(ThreadPoolExecutor(AT_A_TIME), **options, interceptors=[_Naming()])


if __name__ == "__main__":
    grpc.server = _naming
    grpc.aio.server = functools.partial(grpc.aio.server, interceptors=[_NamingInPlugin()])
    runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
