"""The devices of a fleet: ids and what is declared of each, kept in memory in the order of ids and packed for the state.

Packing: ids of one length are numbers whose digits are the characters seen at each place (`press-001` to `press-025` differ in two), so
that sorted ids become small steps; what all devices share is written once. A UUID takes 20 bytes, a serial number a few, a pattern none.
"""

import base64
import binascii
import itertools
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from hubtrust.azure.registry import Registration
from hubtrust.devices import description as rules
from hubtrust.reconcile_errors import DeclarationError, RosterError

MOST = 1_000_000  # devices a hub: learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits
_VERSION = "1."
_COMMON = Registration()


@dataclass(frozen=True, slots=True)
class _Length:
    """The ids of one length."""

    alphabets: list[str]  # the characters at each place, sorted

    @classmethod
    def of(cls, ids: list[str]) -> "_Length":
        """Every character that stands at each place."""
        return cls(["".join(sorted(set(place))) for place in zip(*ids, strict=True)])

    def pack(self, ids: list[str]) -> tuple[int, bytes]:
        """How many bytes a step takes, and the steps, the first one from zero."""
        varying = [place for place, alphabet in enumerate(self.alphabets) if len(alphabet) > 1]
        digits = [{char: digit for digit, char in enumerate(self.alphabets[place])} for place in varying]
        bases = [len(self.alphabets[place]) for place in varying]
        numbers = []
        for one in ids:
            number = 0
            for place, values, base in zip(varying, digits, bases, strict=True):
                number = number * base + values[one[place]]
            numbers.append(number)
        steps = [later - earlier for earlier, later in itertools.pairwise([0, *numbers])]
        width = max((max(steps, default=0).bit_length() + 7) // 8, 1)
        return width, b"".join(step.to_bytes(width) for step in steps)

    def unpack(self, width: int, steps: bytes) -> Iterator[str]:
        """The ids again."""
        varying = [place for place, alphabet in enumerate(self.alphabets) if len(alphabet) > 1]
        chars, number = [alphabet[0] for alphabet in self.alphabets], 0
        for start in range(0, len(steps), width):
            number += int.from_bytes(steps[start : start + width])
            rest = number
            for place in reversed(varying):
                rest, digit = divmod(rest, len(self.alphabets[place]))
                chars[place] = self.alphabets[place][digit]
            yield "".join(chars)


@dataclass(frozen=True)
class Roster:
    """Devices by id; those without a registration of their own have the ``common`` one."""

    ids: tuple[str, ...]  # sorted, each once
    common: Registration = _COMMON
    own: Mapping[str, Registration] = field(default_factory=dict)

    @classmethod
    def of(cls, devices: Iterable[tuple[str, Registration]]) -> "Roster":
        """From devices in any order.

        Raises:
            RosterError: an id is no good, stands there twice (case counts: `A` and `a` are two), or there are too many.
        """
        held: dict[str, Registration] = {}
        for device_id, declared in devices:
            _require_device_id(device_id)
            if device_id in held:
                raise RosterError(f"device '{device_id}'", "it is declared twice in this fleet", "leave one out")
            held[device_id] = declared
            if len(held) > MOST:
                raise RosterError("the fleet", f"it has more than {MOST:,} devices, which is all that a hub holds", "spread it over hubs")
        common = _most_frequent(held)
        return cls(tuple(sorted(held)), common, {one: declared for one, declared in held.items() if declared != common})

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[tuple[str, Registration]]:
        return ((one, self.own.get(one, self.common)) for one in self.ids)

    def get(self, device_id: str) -> Registration | None:
        """What is declared of it; None when it is no member."""
        return self.own.get(device_id, self.common) if device_id in self._members else None

    @cached_property
    def _members(self) -> frozenset[str]:
        return frozenset(self.ids)

    @cached_property
    def scope(self) -> rules.Scope:
        """The names that are ours to say, on every device."""
        return rules.Scope.of(self.common, *self.own.values())

    @cached_property
    def digest(self) -> str:
        """Of every device with all that is declared of it."""
        common = self.scope.line(self.common)
        own = {one: self.scope.line(declared) for one, declared in self.own.items()}
        return rules.digest((one, own.get(one, common)) for one in self.ids)

    @property
    def enabled(self) -> int:
        """How many may connect."""
        apart = sum(declared.enabled for declared in self.own.values())
        return apart + (len(self.ids) - len(self.own)) * self.common.enabled

    @property
    def disabled(self) -> dict[str, str]:
        """Those that may not connect, each with the reason."""
        return {one: declared.reason or "" for one, declared in self if not declared.enabled}

    def pack(self) -> str:
        """As one text for an input: a version, then base64, because JSON writers make six bytes of some characters of base85."""
        lengths = [(_Length.of(ids), ids) for ids in _by_length(self.ids)]
        packed = [length.pack(ids) for length, ids in lengths]
        head = {
            "ids": [[length.alphabets, width, len(steps)] for (length, _), (width, steps) in zip(lengths, packed, strict=True)],
            "common": _written(self.common),
            "own": [[place, _written(self.own[one])] for place, one in enumerate(self.ids) if one in self.own],
        }
        text = json.dumps(head, separators=(",", ":")).encode()
        content = text + b"\n" + b"".join(steps for _, steps in packed)
        return _VERSION + base64.b64encode(zlib.compress(content, 9)).decode()


@lru_cache(maxsize=4)  # a provider is asked about the same fleet three times in a run, and a large one takes a second to unpack
def unpack(text: str) -> Roster:
    """The roster that ``Roster.pack`` wrote.

    Raises:
        RosterError: it did not write this, or an id in it is no good.
        DeclarationError: a registration in it is no good.
    """
    if not text.startswith(_VERSION):
        raise RosterError("members", "it is no packed list of devices of this version", "give what Roster.pack wrote")
    try:
        head_text, _, steps = zlib.decompress(base64.b64decode(text.removeprefix(_VERSION), validate=True)).partition(b"\n")
        head: dict[str, Any] = json.loads(head_text)
        ids: list[str] = []
        for alphabets, width, size in head["ids"]:
            ids += _Length(alphabets).unpack(width, steps[:size])
            steps = steps[size:]
        ids.sort()
        own = {ids[place]: rules.registration(written) for place, written in head["own"]}
        common = rules.registration(head["common"])
    except (ValueError, KeyError, TypeError, IndexError, zlib.error, binascii.Error):
        raise RosterError("members", "it is no packed list of devices", "give what Roster.pack wrote") from None
    for one in ids:
        _require_device_id(one)
    if len(ids) > MOST:
        raise RosterError("members", f"there are {len(ids):,} devices and a hub holds {MOST:,}", "spread them over hubs")
    return Roster(tuple(ids), common, own)


def _require_device_id(device_id: str) -> None:
    try:
        rules.require_device_id(device_id)
    except DeclarationError as error:
        raise RosterError(error.what, error.fact, error.remedy) from None


def _by_length(ids: Iterable[str]) -> Iterator[list[str]]:
    """Sorted within each length, by the place of each character: as their numbers are."""
    for _, group in itertools.groupby(sorted(ids, key=lambda one: (len(one), one)), key=len):
        yield list(group)


def _written(declared: Registration) -> dict[str, Any]:
    found = {
        "status": None if declared.enabled else "disabled",
        "reason": declared.reason,
        "edge": declared.edge or None,
        "thumbprints": list(declared.thumbprints) or None,
        "tags": dict(declared.tags) or None,
        "desired": dict(declared.desired) or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _most_frequent(held: Mapping[str, Registration]) -> Registration:
    """What most devices have; a pattern gives all of them one and the same object."""
    objects = {id(declared): declared for declared in held.values()}
    texts = {one: json.dumps(_written(declared), sort_keys=True) for one, declared in objects.items()}
    counted = Counter(texts[id(declared)] for declared in held.values())
    most = counted.most_common(1)[0][0] if counted else None
    return next((objects[one] for one, text in texts.items() if text == most), _COMMON)
