"""Where a device or a module is reached: the key of its identity in the store, under its hub's."""

from __future__ import annotations


def address(hub_key: str, device: str, module: str = "") -> str:
    """The key of a device, or of one of its modules. Ids keep their case, because `A` and `a` are two devices; none has a slash."""
    return f"{hub_key}/{device}/{module}" if module else f"{hub_key}/{device}"
