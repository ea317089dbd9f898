"""The output `adopted`: what a run has taken over from others because `adopt` said so. Later runs keep it; it is no reason for one."""

import hashlib
from collections.abc import Collection
from typing import Any

from hubtrust.inputs import Properties


def of_one(olds: Properties, *, taken: bool) -> bool | None:
    """Of one device or enrollment: True once it was taken over."""
    return True if taken else olds.get("adopted")


def of_many(ids: Collection[str], olds: Properties) -> dict[str, Any] | None:
    """Of a fleet: how many this run has taken over, and the SHA-256 of their ids in order, a line each; or what an earlier did."""
    if not ids:
        return olds.get("adopted")
    digest = hashlib.sha256("".join(f"{one}\n" for one in sorted(ids)).encode()).hexdigest()
    return {"count": len(ids), "digest": digest}
