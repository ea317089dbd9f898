"""The errors of many items (requests of a batch, lines of a file) in one error of bounded length: the first twenty, and how many more."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from hubtrust.errors import HubtrustError, shown

_MOST_NAMED = 20  # items
_LONGEST = 2600  # characters of all of them, which leaves room in an error's fact for how many there are
_MOST_REMEDIES = 4


@dataclass(slots=True)
class ManyErrors:
    """What is wrong with items that are each called ``noun`` and a number or a name. Only what is shown is kept, however many there are.

    ``word`` is what they are.
    """

    noun: str
    tell: Callable[[HubtrustError], str] = lambda error: error.fact
    word: str = "invalid"
    count: int = 0
    _first: list[str] = field(default_factory=list)
    _remedies: dict[str, None] = field(default_factory=dict)

    def add(self, number: int | str, error: HubtrustError, *, name: Callable[[], str | None] = lambda: None) -> None:
        """Add the error of the item with this ``number``, or its name in quotes.

        ``name`` and ``tell`` are asked if it is shown; None: it has no name.
        """
        self.count += 1
        if self.count > _MOST_NAMED:
            return
        named = name()
        shown_name = "" if named is None else f" ('{named}')"
        self._first.append(f"{self.noun} {number}{shown_name}: {self.tell(error)}")
        if len(self._remedies) < _MOST_REMEDIES:
            self._remedies[error.remedy] = None

    def fact(self, of: int | None = None) -> str:
        """The fact of an error for all of them, where there are ``of`` items; None: nobody counted them."""
        more, longest = self.count - len(self._first), _LONGEST // max(len(self._first), 1)
        if of is None:
            counted = f"{self.count:,} {self.word} {self.noun}{'' if self.count == 1 else 's'}"
        else:
            counted = f"{self.count:,} of {of:,} {'is' if self.count == 1 else 'are'} {self.word}"
        named = f", the first {_MOST_NAMED}" if more else ""
        return f"{counted}{named}: {'; '.join(shown(one, longest) for one in self._first)}{f'; and {more:,} more' if more else ''}"

    @property
    def remedy(self) -> str:
        """The remedies of those that are named, each once."""
        return "; ".join(self._remedies)


def named(ids: Collection[str], most: int = 5) -> str:
    """Ids in a message: the first few in their order, and how many more."""
    first = ", ".join(f"'{one}'" for one in sorted(ids)[:most])
    return first + (f" and {len(ids) - most:,} more" if len(ids) > most else "")
