"""Which generations of an authority this run may delete from a hub or provisioning service: those that AuthorityGeneration has given up.

With `--continue-on-error` the engine goes on to its deletions although AuthorityGeneration refused, or was never asked because something
that it needs failed. A certificate that is not deleted keeps the keys that it depends on. A provider process lasts for one run.
"""

from dataclasses import dataclass, replace

from hubtrust.azure.service import Service
from hubtrust.dynamic.dependants import Dependants
from hubtrust.pki.certificate import Certificate
from hubtrust.reconcile_errors import DependantsError

_trusted: dict[tuple[str, str], frozenset[int]] = {}  # service, authority: the generations of its record in the state
_declared: dict[tuple[str, str, int], list[Certificate]] = {}  # service, authority, generation: certificates that the program declares
_services: dict[tuple[str, str], "DeclaredService"] = {}  # service, authority: those that the program declares
_programs: list[bool] = []  # not empty: the program runs, so that this is no `destroy`


@dataclass(frozen=True, slots=True)
class DeclaredService:
    """A hub or provisioning service of which the program declares an authority."""

    dependants: Dependants
    droppable: frozenset[int | None]  # generations that may be deleted there


def record(service: Service, authority: str, generations: set[int]) -> None:
    """The service's record in the state trusts these generations: it was read, or has just been written."""
    _trusted[service.id.lower(), authority] = frozenset(generations)


def forget(service: Service, authority: str) -> None:
    """The service's record has left the state."""
    _trusted.pop((service.id.lower(), authority), None)


def note_program() -> None:
    """The program runs: its resources are checked."""
    _programs.append(True)


def note_service(service: Service, authority: str, dependants: Dependants, droppable: int | None) -> None:
    """The program declares an authority of this service; ``droppable`` is a generation that may be deleted there."""
    key = (service.id.lower(), authority)
    before = _services.get(key)
    _services[key] = DeclaredService(dependants, frozenset({droppable}) | (before.droppable if before else frozenset()))


def declared_service(service: Service, authority: str) -> DeclaredService | None:
    """The service, if the program declares an authority of it, if possible this one; None in a `destroy`.

    A generation may go if any of its authorities says so: one that got another name there is not declared under this one.
    """
    found = {name: one for (where, name), one in _services.items() if where == service.id.lower()}
    if not found:
        return None
    last = found.get(authority) or list(found.values())[-1]
    return replace(last, droppable=frozenset().union(*(one.droppable for one in found.values())))


def has_record(service: Service, authority: str) -> bool:
    """Whether the state has a record of this authority on the service."""
    return (service.id.lower(), authority) in _trusted


def left(service: Service, authority: str, generations: set[int]) -> list[int]:
    """Those of ``generations`` that leave the service although the program declares others of it, and that are not to be dropped."""
    found = declared_service(service, authority)
    if found is None:
        return []  # the whole service has left the program, or this is a `destroy`
    return sorted(one for one in generations - found.droppable if (service.id.lower(), authority, one) not in _declared)


def declare(service: Service, authority: str, generation: int, certificate: Certificate) -> None:
    """The program declares a certificate of this generation: an older one of the same generation and key may be deleted."""
    _declared.setdefault((service.id.lower(), authority, generation), []).append(certificate)


def declared(service: Service, authority: str, generation: int) -> list[Certificate]:
    """The certificates of this generation that the program declares."""
    return _declared.get((service.id.lower(), authority, generation), [])


def require_given_up(what: str, service: Service, authority: str, generation: int) -> None:
    """Refuse to delete the certificate ``what`` of a generation that the service's record still trusts, and the program does not declare.

    Raises:
        DependantsError: the record of the service was not changed, because it refused or something before it failed.
    """
    key = (service.id.lower(), authority)
    if _programs and generation in _trusted.get(key, frozenset()) and (*key, generation) not in _declared:
        fact = f"generation {generation} was not given up in this run, because an earlier step failed, so it is kept"
        raise DependantsError(what, fact, "correct what failed before it, then run again")
