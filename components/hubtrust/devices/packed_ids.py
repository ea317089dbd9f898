"""Ids in few bytes: a UUID takes 19, one of a pattern almost none.

Ids of the same length are numbers whose digits are the characters that occur at each place (`press-001` to `press-025` differ in two
places), so that sorted ids are small steps.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class _Length:
    """The ids of the same length."""

    alphabets: list[str]  # the characters at each place, sorted

    @classmethod
    def of(cls, ids: list[str]) -> "_Length":
        """The characters that occur at each place of ``ids``."""
        return cls(["".join(sorted(set(place))) for place in zip(*ids, strict=True)])

    def pack(self, ids: list[str]) -> tuple[int, bytes]:
        """The number of bytes of a step, and the steps; the first one starts at zero."""
        varying = [place for place, alphabet in enumerate(self.alphabets) if len(alphabet) > 1]
        digits = [{char: digit for digit, char in enumerate(self.alphabets[place])} for place in varying]
        bases = [len(self.alphabets[place]) for place in varying]
        numbers = []
        for device_id in ids:
            number = 0
            for place, values, base in zip(varying, digits, bases, strict=True):
                number = number * base + values[device_id[place]]
            numbers.append(number)
        steps = [later - earlier for earlier, later in itertools.pairwise([0, *numbers])]
        width = max((max(steps, default=0).bit_length() + 7) // 8, 1)
        return width, b"".join(step.to_bytes(width) for step in steps)

    def unpack(self, width: int, steps: bytes) -> Iterator[str]:
        """The ids that ``pack`` packed."""
        varying = [place for place, alphabet in enumerate(self.alphabets) if len(alphabet) > 1]
        chars, number = [alphabet[0] for alphabet in self.alphabets], 0
        for start in range(0, len(steps), width):
            number += int.from_bytes(steps[start : start + width])
            rest = number
            for place in reversed(varying):
                rest, digit = divmod(rest, len(self.alphabets[place]))
                chars[place] = self.alphabets[place][digit]
            yield "".join(chars)


def pack_ids(ids: Iterable[str]) -> tuple[list[tuple[list[str], int, int]], bytes]:
    """What ``unpack_ids`` needs: of each length the characters at each place, the bytes of a step and of all steps; and the steps."""
    lengths = [(_Length.of(group), group) for group in _by_length(ids)]
    packed = [length.pack(group) for length, group in lengths]
    heads = [(length.alphabets, width, len(steps)) for (length, _), (width, steps) in zip(lengths, packed, strict=True)]
    return heads, b"".join(steps for _, steps in packed)


def unpack_ids(heads: Iterable[Sequence[Any]], steps: bytes) -> list[str]:
    """The ids that ``pack_ids`` packed, sorted."""
    ids: list[str] = []
    for alphabets, width, size in heads:
        ids += _Length(alphabets).unpack(width, steps[:size])
        steps = steps[size:]
    return sorted(ids)


def _by_length(ids: Iterable[str]) -> Iterator[list[str]]:
    """The ids by length, each group in the order of the numbers that they are packed as."""
    for _, group in itertools.groupby(sorted(ids, key=lambda device_id: (len(device_id), device_id)), key=len):
        yield list(group)
