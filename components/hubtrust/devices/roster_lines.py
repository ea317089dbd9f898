"""The lines of a roster's file, whatever they describe: each id once, and all that is wrong told at once, by the numbers of the lines."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from hubtrust.devices.key_texts import without_keys
from hubtrust.devices.roster import RosterError
from hubtrust.errors import HubtrustError
from hubtrust.many_errors import ManyErrors
from hubtrust.reconcile_errors import DeclarationError

_T = TypeVar("_T")


@dataclass(frozen=True)
class RosterLines(Generic[_T]):
    """How lines become what a roster holds."""

    noun: str  # what one of them is called in errors
    id_of: Callable[[Mapping[str, Any]], str]  # raises DeclarationError, as `describe` does
    describe: Callable[[Mapping[str, Any]], _T]
    most: int
    too_many: tuple[str, str]  # why there may be no more, and what to do
    same: Callable[[str], str] = field(default=str)  # of an id, what tells it from others
    item: str = "line"  # what is numbered

    def read(self, lines: Iterable[tuple[int, Mapping[str, Any] | DeclarationError]], what: str) -> dict[str, _T]:
        """What each of the ``lines`` describes, by its id.

        Args:
            lines: each record and the number of its first line, or what is wrong with it.
            what: what the file is called in errors.

        Raises:
            RosterError: lines are invalid, of which the first twenty are named, or there are too many.
        """
        held: dict[str, _T] = {}
        first: dict[str, int] = {}
        invalid = ManyErrors(self.item, _told)
        for number, line in lines:
            try:
                record = _readable(line)
                id_ = self._new_id(record, first)
                declared = self.describe(record)
            except DeclarationError as error:
                invalid.add(number, error)
                continue
            held[id_], first[self.same(id_)] = declared, number
            if len(held) > self.most:
                raise RosterError(what, f"it has more than {self.most:,} {self.noun}s, {self.too_many[0]}", self.too_many[1])
        if invalid.count:
            raise RosterError(what, invalid.fact(), f"{invalid.remedy}; correct them and run again; nothing was changed")
        return held

    def _new_id(self, record: Mapping[str, Any], lines: Mapping[str, int]) -> str:
        """The id of a record, which is in none of the ``lines`` that were read before."""
        id_ = self.id_of(record)
        if (before := lines.get(self.same(id_))) is not None:
            raise DeclarationError(f"{self.noun} '{id_}'", f"it is already in {self.item} {before}", "leave one of the two out")
        return id_


def _told(error: HubtrustError) -> str:
    return without_keys(f"{error.what}: {error.fact}")


def _readable(line: Mapping[str, Any] | DeclarationError) -> Mapping[str, Any]:
    if isinstance(line, DeclarationError):
        raise line
    return line
