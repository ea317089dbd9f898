"""What goes from one resource to another in a run: devices, modules and enrollments that a create found where they are.

The engine creates first and deletes last. So the resource that had them until now must not delete them at the end of the run.
"""

from collections.abc import Iterable

_found: set[tuple[str, str]] = set()  # by host; a process lasts for one run


def note_found(host: str, ids: Iterable[str]) -> None:
    """A create found these at the service ``host``, and has them now. All of a kind are named in the same way, others in another."""
    _found.update((host, one) for one in ids)


def is_handed_over(host: str, id_: str) -> bool:
    """Whether another resource has it now. That is forgotten then: only the resource that deletes it asks."""
    found = (host, id_) in _found
    _found.discard((host, id_))
    return found
