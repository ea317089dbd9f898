"""The state can't be written: the run ends, and starts no operation that could not be recorded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.engine.project.project_file import load_project
from sandbox.engine.run import run
from sandbox.engine.steps.cancel import CancelToken
from sandbox.engine.steps.run_options import RunOptions

if TYPE_CHECKING:
    from sandbox.engine.state.deployment import Deployment


@pytest.mark.parametrize("room", [0, 1, 2])
def test_a_full_disk_ends_the_run(embedded: Any, room: int) -> None:
    """After the last successful save, no provider call that changes resources starts; the caller gets the error."""
    embedded.plan([{"name": "a", "text": "x"}, {"name": "b", "text": "x", "uses": ["a"]}, {"name": "c", "text": "x", "uses": ["b"]}])
    saved: list[Deployment] = []

    def save(deployment: Deployment) -> None:
        if len(saved) == room:
            raise OSError(28, "No space left on device")
        saved.append(deployment)

    options = RunOptions(
        verb="up", project=load_project(embedded.program), stack="dev", config={}, env={**os.environ, **embedded.env}, parallel=1
    )
    with pytest.raises(OSError, match="No space left on device"):
        run(options, None, on_event=lambda _: None, save=save, cancel=CancelToken())
    known = {item.urn for deployment in saved for item in deployment.resources}
    pending = {item.resource.urn for deployment in saved for item in deployment.pending_operations}
    begun = {call.split()[1] for call in embedded.calls("create")}
    assert begun <= {urn.rsplit("::", 1)[1] for urn in known | pending}
