"""State for `stack export`, `stack import` and stack outputs. Works on the JSON itself, so unknown fields are kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox.engine.project.config import BLINDED
from sandbox.engine.state.backend import BackendError, check_version
from sandbox.engine.values.property_values import SECRET, SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT_STACK = "pulumi:pulumi:Stack"


def mapped_secrets(value: Any, change: Callable[[dict[str, Any]], Any]) -> Any:
    """A copy of a JSON value in which every secret is replaced by what `change` makes of its object."""
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            return change(value)
        return {key: mapped_secrets(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [mapped_secrets(item, change) for item in value]
    return value


def with_plaintext(deployment: Any, decrypt: Callable[[str], str]) -> Any:
    """A deployment with decrypted secrets: `plaintext` (JSON text) instead of `ciphertext`."""
    return _converted(deployment, "ciphertext", "plaintext", decrypt)


def with_ciphertext(deployment: Any, encrypt: Callable[[str], str]) -> Any:
    """The reverse of `with_plaintext`; secrets that are already encrypted are unchanged."""
    return _converted(deployment, "plaintext", "ciphertext", encrypt)


def _converted(deployment: Any, before: str, after: str, convert: Callable[[str], str]) -> Any:
    return mapped_secrets(deployment, lambda mark: {SIGNATURE: SECRET, after: convert(mark[before])} if before in mark else mark)


def has_plaintext(deployment: Any) -> bool:
    """Whether a deployment has secrets in plaintext."""
    found = False

    def inspect(mark: dict[str, Any]) -> dict[str, Any]:
        nonlocal found
        found = found or "plaintext" in mark
        return mark

    mapped_secrets(deployment, inspect)
    return found


def stack_outputs(deployment: Mapping[str, Any] | None, decrypt: Callable[[str], str] | None) -> dict[str, Any]:
    """The stack's outputs as plain JSON values; without `decrypt` each secret is the text `[secret]`."""

    def change(mark: dict[str, Any]) -> Any:
        if decrypt is None:
            return BLINDED
        return json.loads(mark["plaintext"] if "plaintext" in mark else decrypt(mark["ciphertext"]))

    for resource in (deployment or {}).get("resources") or []:
        if resource.get("type") == ROOT_STACK and not resource.get("delete"):
            outputs: dict[str, Any] = mapped_secrets(resource.get("outputs") or {}, change)
            return outputs
    return {}


def read_export(text: str, project: str, stack: str, *, force: bool) -> dict[str, Any]:
    """The deployment in the text of an export, checked to belong to this stack.

    Raises:
        BackendError: it is not a version 3 export, or (without `force`) holds resources of another stack or a broken order.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise BackendError(f"could not read the deployment to import: it is not JSON ({error}); give what `stack export` wrote") from None
    if not isinstance(content, dict) or not isinstance(content.get("deployment"), dict):
        raise BackendError("could not read the deployment to import: it has no `deployment`; give what `stack export` wrote")
    check_version(content, "the deployment to import")
    deployment: dict[str, Any] = content["deployment"]
    faults = [*_foreign(deployment, project, stack), *_disorder(deployment)]
    if faults and not force:
        raise BackendError(f"importing this deployment could be dangerous: {'; '.join(faults[:3])}; pass --force to import it anyway")
    return deployment


def _foreign(deployment: Mapping[str, Any], project: str, stack: str) -> list[str]:
    mine = f"urn:pulumi:{stack}::{project}::"
    return [
        f"resource '{resource.get('urn')}' is not of the stack '{stack}' of project '{project}'"
        for resource in deployment.get("resources") or []
        if not str(resource.get("urn", "")).startswith(mine)
    ]


def _disorder(deployment: Mapping[str, Any]) -> list[str]:
    """Resources that come before a resource they depend on, or whose dependency does not exist."""
    urns_before: set[str] = set()
    faults = []
    for resource in deployment.get("resources") or []:
        needs = [resource.get("parent"), *(resource.get("dependencies") or [])]
        faults += [
            f"resource '{resource['urn']}' needs '{urn}', which does not come before it" for urn in needs if urn and urn not in urns_before
        ]
        urns_before.add(str(resource.get("urn")))
    return faults
