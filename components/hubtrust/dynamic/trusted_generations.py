"""Which generations of an authority this run may delete from a hub: those that the hub's AuthorityGeneration has given up.

With `--continue-on-error` the engine goes on to its deletions although AuthorityGeneration refused, or was never asked because something
that it needs failed. A certificate that is not deleted keeps the keys that it depends on. A provider process lasts for one run.
"""

from collections.abc import Collection
from dataclasses import dataclass

from hubtrust.azure.service import Service
from hubtrust.dynamic.hub_inputs import HubInputs
from hubtrust.pki.certificate import Certificate
from hubtrust.reconcile_errors import DependantsError

_trusted: dict[tuple[str, str], frozenset[int]] = {}  # hub, authority: the generations of the hub's record in the state
_declared: dict[tuple[str, str, int], list[Certificate]] = {}  # hub, authority, generation: certificates that the program declares
_hubs: dict[str, "DeclaredHub"] = {}  # hubs of which the program declares authorities
_programs: list[bool] = []  # not empty: the program runs, so that this is no `destroy`


@dataclass(frozen=True, slots=True)
class DeclaredHub:
    """A hub of which the program declares authorities."""

    inputs: HubInputs
    stacks: Collection[str]  # whose devices are counted there
    droppable: frozenset[int | None]  # generations that may be deleted there


def record(hub: Service, authority: str, generations: set[int]) -> None:
    """The hub's record in the state trusts these generations: it was read, or has just been written."""
    _trusted[hub.id.lower(), authority] = frozenset(generations)


def forget(hub: Service, authority: str) -> None:
    """The hub's record has left the state."""
    _trusted.pop((hub.id.lower(), authority), None)


def note_program() -> None:
    """The program runs: its resources are checked."""
    _programs.append(True)


def note_hub(hub: Service, inputs: HubInputs, stacks: Collection[str], droppable: int | None) -> None:
    """The program declares authorities of this hub; ``droppable`` is a generation that may be deleted there."""
    before = _hubs.get(hub.id.lower())
    _hubs[hub.id.lower()] = DeclaredHub(inputs, stacks, frozenset({droppable}) | (before.droppable if before else frozenset()))


def declared_hub(hub: Service) -> DeclaredHub | None:
    """The hub, if the program declares authorities of it; None in a `destroy`."""
    return _hubs.get(hub.id.lower())


def has_record(hub: Service, authority: str) -> bool:
    """Whether the state has a record of this authority on the hub."""
    return (hub.id.lower(), authority) in _trusted


def left(hub: Service, authority: str, generations: set[int]) -> list[int]:
    """Those of ``generations`` that leave the hub although the program declares other authorities of it, and that are not to be dropped."""
    found = _hubs.get(hub.id.lower())
    if found is None:
        return []  # the whole hub has left the program, or this is a `destroy`
    return sorted(one for one in generations - found.droppable if (hub.id.lower(), authority, one) not in _declared)


def declare(hub: Service, authority: str, generation: int, certificate: Certificate) -> None:
    """The program declares a certificate of this generation: an older one of the same generation and key may be deleted."""
    _declared.setdefault((hub.id.lower(), authority, generation), []).append(certificate)


def declared(hub: Service, authority: str, generation: int) -> list[Certificate]:
    """The certificates of this generation that the program declares."""
    return _declared.get((hub.id.lower(), authority, generation), [])


def require_given_up(what: str, hub: Service, authority: str, generation: int) -> None:
    """Refuse to delete the certificate ``what`` of a generation that the hub's record still trusts, and the program does not declare.

    Raises:
        DependantsError: the record of the hub was not changed, because it refused or something before it failed.
    """
    key = (hub.id.lower(), authority)
    if _programs and generation in _trusted.get(key, frozenset()) and (*key, generation) not in _declared:
        fact = f"generation {generation} was not given up in this run, because an earlier step failed, so it is kept"
        raise DependantsError(what, fact, "correct what failed before it, then run again")
