"""One run of the engine: preview, up, refresh or destroy of one stack, from a state to a state."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sandbox.engine.session import Session
from sandbox.engine.state.deployment import Deployment

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.engine.state.deployment import Json
    from sandbox.engine.steps.cancel import CancelToken
    from sandbox.engine.steps.request import Outcome, Request


def run(
    request: Request,
    snapshot: Deployment | None,
    *,
    on_event: Callable[[Json], None],
    save: Callable[[Deployment], None] | None,
    cancel: CancelToken,
) -> Outcome:
    """Run it.

    Args:
        request: what to run.
        snapshot: the state before; None for an empty stack.
        on_event: gets every engine event, in order, in the shape of `--event-log` (without `sequence` and `timestamp`).
        save: keeps the whole deployment; called in a thread of its own, one call at a time, and always before the provider
            call that relies on it. Render with `checkpoint.Rendering`, which renders only what changed. None in a preview.
        cancel: stops the run.

    Raises:
        EngineError: it could not start.
        OSError: what `save` raised: the run stopped where it was.
    """
    base = snapshot or Deployment()
    return asyncio.run(Session(request, base, on_event=on_event, save=None if request.preview else save, cancel=cancel).run())
