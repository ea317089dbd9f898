"""`python -m pulumi.dynamic` as it is. A failed call also tells the kind of its error, which users never see, beside the answer."""

import functools
import runpy
import sys
from collections.abc import Callable
from typing import Any

import grpc

KIND = "error-kind"  # in the trailing metadata


class _Context:
    """A call's context, which names the error that ends the call."""

    def __init__(self, context: grpc.ServicerContext) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def abort(self, code: grpc.StatusCode, details: str) -> None:
        """Called while the error is handled. The provider shows another one in place of its own, whose context that is."""
        error = sys.exception()
        assert error is not None
        self._context.set_trailing_metadata(((KIND, type(error.__context__ or error).__name__),))
        self._context.abort(code, details)


class _Naming(grpc.ServerInterceptor):
    """Gives each call such a context."""

    def intercept_service(self, continuation: Callable[[Any], Any], handler_call_details: Any) -> Any:
        """The method's own handler, called with another context."""
        handler = continuation(handler_call_details)
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: handler.unary_unary(request, _Context(context)),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )


if __name__ == "__main__":
    grpc.server = functools.partial(grpc.server, interceptors=[_Naming()])
    runpy.run_module("pulumi.dynamic", run_name="__main__", alter_sys=True)
