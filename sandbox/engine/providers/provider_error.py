"""How a provider call fails: completely, or in part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi.runtime.proto import provider_pb2, status_pb2

if TYPE_CHECKING:
    import grpc.aio

    from sandbox.engine.providers.lifecycle import ResourceState


class ProviderError(Exception):
    """A provider call failed; the text is the provider's own."""


class PartialFailure(ProviderError):  # noqa: N818 - Pulumi's word
    """The resource exists but is not healthy: `state` is what was created, `reasons` what is wrong with it."""

    def __init__(self, message: str, state: ResourceState, reasons: tuple[str, ...]) -> None:
        super().__init__(message)
        self.state, self.reasons = state, reasons


def partial_failure(error: grpc.aio.AioRpcError) -> Any:
    """The `ErrorResourceInitFailed` that a failed call carries, or None."""
    for key, item in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(item)
            for detail in status.details:
                found = provider_pb2.ErrorResourceInitFailed()
                if detail.Is(found.DESCRIPTOR) and detail.Unpack(found):
                    return found
    return None
