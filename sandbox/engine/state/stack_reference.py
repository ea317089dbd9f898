"""Reads the outputs of another stack on the same backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.engine.errors import EngineError
from sandbox.engine.project.secrets import open_passphrase_secrets, passphrase_from
from sandbox.engine.state.backend import parse_stack_ref
from sandbox.engine.state.deployment import Deployment, Seal
from sandbox.engine.values import urn as urns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.engine.state.backend import FileBackend
    from sandbox.engine.values.property_values import Properties


def stack_outputs(backend: FileBackend, project: str, environment: Mapping[str, str], name: str) -> Properties:
    """The outputs of a stack, by its name as a program writes it, secrets marked.

    Raises:
        EngineError: there is no such stack, or its secrets can't be opened with this passphrase.
    """
    ref = parse_stack_ref(name, project)
    state = backend.load(ref) if backend.exists(ref) else None
    if state is None:
        raise EngineError(f"unknown stack {name!r}: this backend has no such stack; use its full name, organization/<project>/<stack>")
    salt = ((state.get("secrets_providers") or {}).get("state") or {}).get("salt")
    decrypt = open_passphrase_secrets(passphrase_from(environment), salt).decrypt if salt else _unencrypted
    found = Deployment.from_json(state, Seal(lambda text: text, decrypt))
    return next((dict(item.outputs) for item in found.resources if item.type == urns.STACK_TYPE), {})


def _unencrypted(ciphertext: str) -> str:
    raise EngineError(f"a secret ({ciphertext[:8]}…) was found in a state without a secrets provider: its stack is damaged")
