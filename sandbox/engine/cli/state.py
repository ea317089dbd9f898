"""`state delete`, `state unprotect` and `cancel`: manual repairs of a stack."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox.engine.cli.interrupt import exclusive
from sandbox.engine.errors import CancelledError, UsageError
from sandbox.engine.state import lock
from sandbox.engine.state.state_edit import deleted, unprotected

if TYPE_CHECKING:
    from sandbox.engine.cli.interrupt import Interrupts
    from sandbox.engine.cli.workspace import Workspace


def delete(workspace: Workspace) -> None:
    """`state delete URN…`: remove resources from the state; the real ones are not deleted."""
    with exclusive(workspace) as interrupts:
        changed, urns = deleted(
            workspace.state or {}, workspace.args.urns, force=workspace.args.force, target_dependents=workspace.args.target_dependents
        )
        _put(workspace, interrupts, changed)
    workspace.print("Resource deleted" if len(urns) == 1 else f"{len(urns)} resources deleted")


def unprotect(workspace: Workspace) -> None:
    """`state unprotect URN…|--all`: allow the resources to be deleted."""
    if not workspace.args.all and not workspace.args.urns:
        raise UsageError("Must supply <resource URN>, or --all")
    with exclusive(workspace) as interrupts:
        changed, count = unprotected(workspace.state or {}, None if workspace.args.all else workspace.args.urns)
        _put(workspace, interrupts, changed)
    workspace.print("All resources unprotected" if workspace.args.all else f"{count} resources unprotected")


def _put(workspace: Workspace, interrupts: Interrupts, deployment: dict[str, Any]) -> None:
    with interrupts.asking():
        agreed = workspace.confirm("This command will edit your stack's state directly.", "yes")
    if not agreed:
        raise CancelledError("confirmation declined")
    workspace.save_state(json.dumps(deployment, separators=(",", ":"), ensure_ascii=False))


def cancel(workspace: Workspace) -> None:
    """`cancel`: delete the locks of a stack after its writer was killed."""
    if workspace.args.name:
        workspace.ref = workspace.existing(workspace.args.name)
    name = workspace.ref.name
    if not workspace.confirm(f"This will irreversibly cancel the currently running update for '{name}'!", name):
        raise CancelledError("confirmation declined")
    lock.cancel(workspace.backend, workspace.ref)
    workspace.print(f"The currently running update for '{name}' has been canceled!")
