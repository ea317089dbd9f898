"""The text of a deployment; each save costs only as much as what has changed.

What saving costs, and why it does not grow with the square of the resources:
- Objects of `deployment.py` never change; a step replaces one. So each resource's JSON text is rendered once and kept; a save
  joins texts. Secrets are encrypted when a resource is first rendered, and an unchanged one keeps its ciphertext (`Seal`).
- Only one save runs at a time, in a thread of its own (`journal.py`). What changes meanwhile waits for the next one, which
  covers all of it: with P operations in progress there are about N/P saves for N resources, not 2N.
- A provider call that creates, updates or deletes waits until a save that contains its pending operation has ended: a
  kill -9 at any moment leaves on disk either the operation as pending or its outcome.
- The result of a call is saved soon: after twenty times what the last save took, or with the next call that
  waits. Whatever begins because of a result waits for a save of its own, and that one holds the result as well.
- An operation that changed nothing (`same`) is not saved at all, except for a changed order or option.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.engine.state.deployment import Deployment, Resource, Seal


class Rendering:
    """Renders deployments of one stack; keep one for all saves of a run."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal
        self._texts: dict[Resource, str] = {}

    def text(self, deployment: Deployment) -> str:
        """The deployment's JSON object as text, as it is written under `latest` in a checkpoint."""
        operations = deployment.pending_operations
        wanted = (*deployment.resources, *(operation.resource for operation in operations))
        known = self._texts
        # A new dict drops the resources that no longer exist.
        texts = self._texts = {resource: known.get(resource) or self._rendered(resource) for resource in wanted}
        parts = [_member(key, item) for key, item in deployment.head().items()]
        if deployment.resources:
            parts.append('"resources": [\n' + ",\n".join([texts[resource] for resource in deployment.resources]) + "]")
        if operations:
            pending = [f'{{"resource": {texts[item.resource]}, "type": {json.dumps(item.kind)}}}' for item in operations]
            parts.append('"pending_operations": [\n' + ",\n".join(pending) + "]")
        parts += [_member(key, item) for key, item in deployment.extra.items()]
        return "{" + ",\n".join(parts) + "}"

    def _rendered(self, resource: Resource) -> str:
        return json.dumps(resource.to_json(self._seal), ensure_ascii=False)


def _member(key: str, item: object) -> str:
    return f"{json.dumps(key)}: {json.dumps(item, ensure_ascii=False)}"
