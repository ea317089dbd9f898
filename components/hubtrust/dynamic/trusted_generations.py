"""Which generations of an authority this run may delete from a hub: those that the hub's AuthorityGeneration has given up.

With `--continue-on-error` the engine goes on to its deletions although AuthorityGeneration refused, or was never asked because something
that it needs failed. A certificate that is not deleted keeps the keys that it depends on. A provider process lasts for one run.
"""

from hubtrust.azure.service import Service
from hubtrust.reconcile_errors import DependantsError

_trusted: dict[tuple[str, str], frozenset[int]] = {}  # hub, authority: the generations of the hub's record in the state
_declared: set[tuple[str, str, int]] = set()  # hub, authority, generation: certificates that the program declares
_droppable: dict[str, set[int | None]] = {}  # hub: generations that may be deleted there; a hub is here if the program declares it
_programs: list[bool] = []  # not empty: the program runs, so that this is no `destroy`


def record(hub: Service, authority: str, generations: set[int]) -> None:
    """The hub's record in the state trusts these generations: it was read, or has just been written."""
    _trusted[hub.id.lower(), authority] = frozenset(generations)


def forget(hub: Service, authority: str) -> None:
    """The hub's record has left the state."""
    _trusted.pop((hub.id.lower(), authority), None)


def note_program() -> None:
    """The program runs: its resources are checked."""
    _programs.append(True)


def note_hub(hub: Service, droppable: int | None) -> None:
    """The program declares authorities of this hub; ``droppable`` is a generation that may be deleted there."""
    _droppable.setdefault(hub.id.lower(), set()).add(droppable)


def left(hub: Service, authority: str, generations: set[int]) -> list[int]:
    """Those of ``generations`` that leave the hub although the program declares other authorities of it, and that are not to be dropped."""
    droppable = _droppable.get(hub.id.lower())
    if droppable is None:
        return []  # the whole hub has left the program, or this is a `destroy`
    return sorted(one for one in generations - droppable if (hub.id.lower(), authority, one) not in _declared)


def declare(hub: Service, authority: str, generation: int) -> None:
    """The program declares a certificate of this generation: an older one of the same generation may be deleted."""
    _declared.add((hub.id.lower(), authority, generation))


def require_given_up(what: str, hub: Service, authority: str, generation: int) -> None:
    """Refuse to delete the certificate ``what`` of a generation that the hub's record still trusts, and the program does not declare.

    Raises:
        DependantsError: the record of the hub was not changed, because it refused or something before it failed.
    """
    key = (hub.id.lower(), authority)
    if _programs and generation in _trusted.get(key, frozenset()) and (*key, generation) not in _declared:
        fact = f"generation {generation} was not given up in this run, because an earlier step failed, so it is kept"
        raise DependantsError(what, fact, "correct what failed before it, then run again")
