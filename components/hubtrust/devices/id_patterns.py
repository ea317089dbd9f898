"""Device ids as patterns: `press-{001..025}` stands for press-001 to press-025."""

import functools
import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from hubtrust.devices.description import LONGEST_ID
from hubtrust.devices.json_values import kind
from hubtrust.devices.roster import MOST_DEVICES, RosterError

_RANGE = re.compile(r"\{([0-9]+)\.\.([0-9]+)\}")
_LAST_NUMBER = re.compile(r"(.*?)([0-9]+)([^0-9]*)")
_SHORTEST_RANGE = 3  # ids; two are shorter when they are listed
_MOST_LISTED = 10  # ids and patterns in a message


def expand(pattern: str) -> Iterator[str]:
    """The ids that ``pattern`` stands for; several ranges give every combination, leading zeros are kept.

    Raises:
        RosterError: the pattern is invalid, or stands for more devices than a hub holds.
    """
    if not isinstance(pattern, str):
        raise RosterError("the pattern", f"it is {kind(pattern)}", "give a text such as press-{001..025}")
    what, remedy = (
        f"the pattern '{pattern}'",
        "write it as press-{001..025}: the lower number first, and equally many digits in both, or no leading zeros",
    )
    if len(_RANGE.sub(lambda found: max(found[1], found[2], key=len), pattern)) > LONGEST_ID:
        raise RosterError(
            f"the pattern '{pattern[:LONGEST_ID]}…'", f"ids of it have more than {LONGEST_ID} characters", "write a shorter one"
        )
    size = 1
    for low, high in _RANGE.findall(pattern):
        if not _is_range(low, high):
            raise RosterError(what, f"{low}..{high} is not a valid range", remedy)
        size *= int(high) - int(low) + 1
        if size > MOST_DEVICES:
            raise RosterError(what, f"it stands for {size:,} devices, but a hub holds at most {MOST_DEVICES:,}", "use several hubs")
    if "{" in _RANGE.sub("", pattern) or "}" in _RANGE.sub("", pattern):
        raise RosterError(what, "it has a brace that is not part of a range", remedy)
    return _expand(pattern)


def _is_range(low: str, high: str) -> bool:
    padded = low.startswith("0") or high.startswith("0")
    return int(low) <= int(high) and (len(low) == len(high) or not padded or low == "0")


def _expand(pattern: str) -> Iterator[str]:
    found = _RANGE.search(pattern)
    if found is None:
        yield pattern
        return
    low, high = found[1], found[2]
    for number in range(int(low), int(high) + 1):
        yield from _expand(f"{pattern[: found.start()]}{number:0{len(low)}}{pattern[found.end() :]}")


@functools.lru_cache(maxsize=4)  # a provider reads the same input several times in a run
def expand_all(patterns: tuple[str, ...]) -> frozenset[str]:
    """The ids that ``patterns`` stand for; an id is a pattern too.

    Raises:
        RosterError: see ``expand``.
    """
    return frozenset(device_id for pattern in patterns for device_id in expand(pattern))


def compact(device_ids: Iterable[str]) -> list[str]:
    """The shortest list of ids and patterns that stands for exactly these ids; only the last number of an id varies in a pattern."""
    single: list[str] = []
    series: dict[tuple[str, str], list[str]] = {}
    for device_id in device_ids:
        found = _LAST_NUMBER.fullmatch(device_id)
        if found:
            series.setdefault((found[1], found[3]), []).append(found[2])
        else:
            single.append(device_id)
    written = [text for (before, after), numbers in series.items() for text in _ranges(before, numbers, after)]
    return sorted(single + written)


def _ranges(before: str, numbers: list[str], after: str) -> Iterator[str]:
    run: list[str] = []
    for number in [*sorted(numbers, key=lambda text: (len(text), text)), None]:
        if run and number is not None and int(number) == int(run[-1]) + 1 and _is_range(run[0], number):
            run.append(number)
            continue
        if len(run) >= _SHORTEST_RANGE:
            yield f"{before}{{{run[0]}..{run[-1]}}}{after}"
        else:
            yield from (f"{before}{each}{after}" for each in run)
        run = [number] if number is not None else []


def as_setting(key: str, device_ids: Collection[str]) -> str:
    """A message's instruction to set ``key`` to these ids: as it is written in a stack's settings, or in words if that is too long."""
    written: Sequence[str] = compact(device_ids)
    if len(written) <= _MOST_LISTED:
        return f"set {key}: {json.dumps(written)}"
    return f'set {key} to a list of their {len(device_ids):,} ids, as patterns where possible: {key}: ["{written[0]}", "{written[1]}", …]'
