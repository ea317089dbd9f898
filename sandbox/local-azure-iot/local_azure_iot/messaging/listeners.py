"""Who wants to be told when something is there to be read. In memory: no connection outlasts the process."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Listener = Callable[..., None]
    Unsubscribe = Callable[[], None]


@dataclass
class Listeners:
    """Functions by what they listen to. They are called on the event loop's thread and must not block."""

    _by_key: dict[tuple[str, str], dict[int, Listener]] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)  # one function may be added twice

    def add(self, topic: str, key: str, listener: Listener) -> Unsubscribe:
        """Call ``listener`` at each `tell` of this topic and key, until the function that this returns is called; a second call is none."""
        registered, number = self._by_key.setdefault((topic, key), {}), next(self._numbers)
        registered[number] = listener

        def remove() -> None:
            registered.pop(number, None)
            if not registered and self._by_key.get((topic, key)) is registered:
                del self._by_key[topic, key]

        return remove

    def tell(self, topic: str, key: str, *values: object) -> None:
        """Call every listener of a topic and key with these values."""
        for listener in tuple(self._by_key.get((topic, key), {}).values()):
            listener(*values)
