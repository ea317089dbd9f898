"""What a fleet may lose in one run. That it is to have no members must be said, and so must the loss of most of them.

A list of devices or enrollments may be empty or cut because a download, a filter or a merge failed.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from hubtrust.reconcile_errors import LossError

_FEWEST = 20  # enabled members of a fleet that is protected: in a smaller one half of them is no sign of a mistake


class _Enabled(Protocol):
    @property
    def enabled(self) -> bool: ...


class Members(Protocol):
    """What a fleet has, by id."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[tuple[str, _Enabled]]: ...
    def get(self, id_: str, /) -> Any:
        """The member of this id; None if there is none."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What the declaration says that the fleet may lose; ``what`` is how messages name the fleet.

    ``none`` says that it is to have no members, ``lost`` how many enabled ones a run may delete.
    """

    what: str
    none: bool
    lost: int | None
    noun: str = "device"  # what a member is called, also in the names of the two
    files: str = "the list (devices, devicesFile)"
    where: str = "on the hub"

    def require_for(self, before: Members | None, after: Members) -> None:
        """Compare the list of the last run with the new one.

        Raises:
            LossError: the fleet would lose all its members, or more than half of its enabled ones, and that is not said.
        """
        none, argument = f"no{self.noun.capitalize()}s", f"no_{self.noun}s"
        if self.none and len(after):
            raise LossError(
                self.what, f"{none} is true, but its list has {self._counted(len(after))}", f"remove {none} ({argument} in a program)"
            )
        if before is None or not len(before) or self.none:
            return
        if not len(after):
            fact = f"its list of {self.noun}s is empty, so {self._counted(len(before))} would be deleted"
            remedy = f"restore {self.files}; if it is to have no {self.noun}s, set {none}: true ({argument} in a program)"
            raise LossError(self.what, fact, remedy)
        enabled = [id_ for id_, declared in before if declared.enabled]
        lost = sum(after.get(id_) is None for id_ in enabled)
        if _is_most(lost, len(enabled)) and lost != self.lost:
            raise self._refusal(lost, len(enabled), "are not in its list any more")

    def require_for_found(self, unexpected: Collection[str], enabled: int) -> None:
        """Check what there really is: ``unexpected`` members, of ``enabled`` ones, are neither in this list nor in that of the last run.

        Raises:
            LossError: they are more than half of the enabled ones, and their deletion is not said.
        """
        lost = len(unexpected)
        if _is_most(lost, enabled) and not self.none and lost > (self.lost or 0):
            raise self._refusal(lost, enabled, f"of this fleet {self.where} are neither in its list nor in that of the last run")

    def _refusal(self, lost: int, enabled: int, why: str) -> LossError:
        name, argument = f"delete{self.noun.capitalize()}s", f"delete_{self.noun}s"
        said = f" ({name} is {self.lost})" if self.lost else ""
        fact = f"{lost:,} of {enabled:,} enabled {self.noun}s {why} and would be deleted{said}"
        remedy = f"check that the list is complete; if they are to be deleted, set {name}: {lost} ({argument} in a program)"
        return LossError(self.what, fact, remedy)

    def _counted(self, count: int) -> str:
        return f"{count:,} {self.noun}{'' if count == 1 else 's'}"


def _is_most(lost: int, enabled: int) -> bool:
    return enabled >= _FEWEST and 2 * lost > enabled
