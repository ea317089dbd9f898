"""The devices that this run knows from the state, and that a hub's query index may not show yet.

The index shows changes late. Fleets and identities record here what they read, create and update, so that a question that is answered by
the index can be completed by id. A provider process lasts for one run.
"""

from collections.abc import Collection, Iterable, Mapping

_enabled: dict[tuple[str, str, str], frozenset[str]] = {}  # host, the owner's stack, its URN: enabled devices that use a CA's certificate


def remember_enabled(host: str, owner: Mapping[str, str], device_ids: Iterable[str]) -> None:
    """Record the enabled devices of ``owner`` that use a CA's certificate, in place of those that were recorded before."""
    _enabled[host.lower(), str(owner.get("stack")), str(owner.get("urn"))] = frozenset(device_ids)


def enabled(host: str, stacks: Collection[str]) -> set[str]:
    """The recorded devices of these stacks on the hub ``host``."""
    found = [ids for (where, stack, _), ids in list(_enabled.items()) if where == host.lower() and stack in stacks]
    return set().union(*found)
