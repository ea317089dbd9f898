"""Generates names for resources that the program does not name, reproducible from the engine's random seed.

The algorithm was derived from recorded names of the real plugin: the SHA-256 of the seed is the key of ChaCha with 12
rounds and a zero nonce; the first 32 bytes are dropped, and each letter uses the next 8 bytes as a little-endian number.
"""

from __future__ import annotations

import hashlib
import secrets
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

LETTERS: Final = "0123456789abcdef"
SUFFIX_LENGTH: Final = 8
UUID_LENGTH: Final = 32
ROUNDS: Final = 12
DROPPED_BYTES: Final = 32
NUMBER_BYTES: Final = 8
MASK: Final = 0xFFFFFFFF
CONSTANT: Final = struct.unpack("<4I", b"expand 32-byte k")
# The quarter rounds of a double round: the columns, then the diagonals.
QUARTERS: Final = (
    (0, 4, 8, 12),
    (1, 5, 9, 13),
    (2, 6, 10, 14),
    (3, 7, 11, 15),
    (0, 5, 10, 15),
    (1, 6, 11, 12),
    (2, 7, 8, 13),
    (3, 4, 9, 14),
)


def random_suffix(seed: bytes) -> str:
    """Eight hexadecimal digits; not reproducible without a seed."""
    return "".join(_letters(seed, SUFFIX_LENGTH))


def random_uuid(seed: bytes) -> str:
    """32 hexadecimal digits in the form of a UUID, without version bits, as the real plugin generates them."""
    drawn = "".join(_letters(seed, UUID_LENGTH))
    return f"{drawn[:8]}-{drawn[8:12]}-{drawn[12:16]}-{drawn[16:20]}-{drawn[20:]}"


def _letters(seed: bytes, count: int) -> Iterator[str]:
    stream = chacha(hashlib.sha256(seed or secrets.token_bytes(32)).digest(), ROUNDS)
    for _ in range(DROPPED_BYTES):
        next(stream)
    for _ in range(count):
        number = bytes(next(stream) for _ in range(NUMBER_BYTES))
        # 16 divides the range of the numbers evenly, so the general algorithm's redraw is never needed.
        yield LETTERS[int.from_bytes(number, "little") % len(LETTERS)]


def chacha(key: bytes, rounds: int) -> Iterator[int]:
    """The key stream of Bernstein's ChaCha with an 8-byte zero nonce, byte by byte."""
    counter = 0
    while True:
        state = [*CONSTANT, *struct.unpack("<8I", key), counter & MASK, counter >> 32, 0, 0]
        mixed = list(state)
        for _ in range(rounds // 2):
            for quarter in QUARTERS:
                _mix(mixed, *quarter)
        yield from struct.pack("<16I", *((before + after) & MASK for before, after in zip(state, mixed, strict=True)))
        counter += 1


def _mix(words: list[int], a: int, b: int, c: int, d: int) -> None:
    for into, added, turned, distance in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        words[into] = (words[into] + words[added]) & MASK
        mixed = words[turned] ^ words[into]
        words[turned] = (mixed << distance | mixed >> 32 - distance) & MASK
