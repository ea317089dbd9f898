"""`state delete`, `state unprotect` and `cancel`: what puts a stack right by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox.engine.errors import CancelledError, UsageError
from sandbox.engine.state import lock
from sandbox.engine.state.state_edit import deleted, unprotected

if TYPE_CHECKING:
    from sandbox.engine.cli.workspace import Session


def delete(session: Session) -> None:
    """`state delete URN…`: the engine forgets the resources; what they stand for is left alone."""
    with lock.locked(session.backend, session.ref, session.now):
        changed, urns = deleted(
            session.state or {}, session.args.urns, force=session.args.force, target_dependents=session.args.target_dependents
        )
        _put(session, changed)
    session.print("Resource deleted" if len(urns) == 1 else f"{len(urns)} resources deleted")


def unprotect(session: Session) -> None:
    """`state unprotect URN…|--all`: the resources may be deleted again."""
    if not session.args.all and not session.args.urns:
        raise UsageError("Must supply <resource URN>, or --all")
    with lock.locked(session.backend, session.ref, session.now):
        changed, count = unprotected(session.state or {}, None if session.args.all else session.args.urns)
        _put(session, changed)
    session.print("All resources unprotected" if session.args.all else f"{count} resources unprotected")


def _put(session: Session, deployment: dict[str, Any]) -> None:
    if not session.confirm("This command will edit your stack's state directly.", "yes"):
        raise CancelledError("confirmation declined")
    session.save_state(json.dumps(deployment, separators=(",", ":"), ensure_ascii=False))


def cancel(session: Session) -> None:
    """`cancel`: deletes the locks of a stack whose writer is gone."""
    if session.args.name:
        session.ref = session.existing(session.args.name)
    name = session.ref.name
    if not session.confirm(f"This will irreversibly cancel the currently running update for '{name}'!", name):
        raise CancelledError("confirmation declined")
    lock.cancel(session.backend, session.ref)
    session.print(f"The currently running update for '{name}' has been canceled!")
