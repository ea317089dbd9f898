"""The devices of a fleet: ids and descriptions, sorted by id, and packed into one text for the state.

What most devices share is written once; for the ids see ``packed_ids``.
"""

import base64
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from hubtrust.azure.device_description import DeviceDescription
from hubtrust.devices.description import Scope, digest, read_description, recorded_description, require_device_id, require_room_for_owner
from hubtrust.devices.json_values import kind
from hubtrust.devices.packed_ids import pack_ids, unpack_ids
from hubtrust.program_errors import ProgramError
from hubtrust.reconcile_errors import DynamicError

MOST_DEVICES = 1_000_000  # a hub: learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits
_VERSION = "1."
_COMMON = DeviceDescription()


class RosterError(DynamicError, ProgramError):
    """The list of a fleet's devices is invalid; every invalid line of a file is named by its number."""


@dataclass(frozen=True)
class Roster:
    """Devices by id; those that have no description of their ``own`` have the ``common`` one."""

    ids: tuple[str, ...]
    """The ids, sorted, each once."""
    common: DeviceDescription = _COMMON
    """The description that most devices have."""
    own: Mapping[str, DeviceDescription] = field(default_factory=dict)
    """The descriptions of the others, by id."""

    @classmethod
    @RosterError.told()
    def of(cls, devices: Iterable[tuple[str, DeviceDescription]]) -> "Roster":
        """From devices in any order.

        Args:
            devices: the id and the description of each.

        Raises:
            RosterError: an id is invalid or occurs twice (`A` and `a` are two ids), or there are too many devices.
        """
        held: dict[str, DeviceDescription] = {}
        for device_id, declared in devices:
            require_device_id(device_id)
            if device_id in held:
                raise RosterError(f"device '{device_id}'", "it is declared twice in this fleet", "leave one out")
            held[device_id] = declared
            if len(held) > MOST_DEVICES:
                raise RosterError(
                    "the fleet", f"it has more than {MOST_DEVICES:,} devices, the most that a hub holds", "spread it over several hubs"
                )
        common = _most_frequent(held)
        return cls(tuple(sorted(held)), common, {device_id: declared for device_id, declared in held.items() if declared != common})

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[tuple[str, DeviceDescription]]:
        return ((device_id, self.own.get(device_id, self.common)) for device_id in self.ids)

    def get(self, device_id: str) -> DeviceDescription | None:
        """The description of this device; None if it is not in the roster."""
        return self.own.get(device_id, self.common) if device_id in self._members else None

    @cached_property
    def _members(self) -> frozenset[str]:
        return frozenset(self.ids)

    @cached_property
    def scope(self) -> Scope:
        """The tags and desired properties that we manage on every device."""
        return Scope.of(self.common, *self.own.values())

    @cached_property
    def digest(self) -> str:
        """The digest of all devices and their descriptions."""
        common = self.scope.line(self.common)
        own = {device_id: self.scope.line(declared) for device_id, declared in self.own.items()}
        return digest((device_id, own.get(device_id, common)) for device_id in self.ids)

    @property
    def enabled(self) -> int:
        """How many may connect."""
        own = sum(declared.enabled for declared in self.own.values())
        return own + (len(self.ids) - len(self.own)) * self.common.enabled

    @property
    def disabled(self) -> dict[str, str]:
        """The devices that may not connect, and why."""
        return {device_id: declared.reason or "" for device_id, declared in self if not declared.enabled}

    @property
    def trusting(self) -> Iterator[str]:
        """The devices that may connect with a certificate of a CA that the hub trusts."""
        return (device_id for device_id, declared in self if declared.enabled and not declared.thumbprints)

    def declares(self, held: "Roster") -> bool:
        """Whether ``held``, as it was found, has these devices and all that is declared of them; it may have more tags and properties."""
        line = self.scope.line
        return self.ids == held.ids and all(line(declared) == line(held.own.get(one, held.common)) for one, declared in self)

    def require_room_for(self, owner: Mapping[str, str]) -> None:
        """The tags of each device and the tag that names its ``owner`` fit into one twin.

        Raises:
            DeclarationError: the tags of a device don't.
        """
        checked: set[int] = set()  # of thousands of devices most share one description
        for device_id, declared in self:
            if declared.tags and id(declared) not in checked:
                checked.add(id(declared))
                require_room_for_owner(device_id, declared.tags, owner)

    def lines(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Each id, and the fields of its line in a file of JSON (``from_json_lines``) besides the id."""
        return ((device_id, _inputs(declared)) for device_id, declared in self)

    def pack(self) -> str:
        """The roster as text: a version, then base64; of base85, JSON would escape some characters to six bytes each."""
        ids, steps = pack_ids(self.ids)
        head = {
            "ids": ids,
            "common": _inputs(self.common),
            "own": [[place, _inputs(self.own[device_id])] for place, device_id in enumerate(self.ids) if device_id in self.own],
        }
        text = json.dumps(head, separators=(",", ":")).encode()
        content = text + b"\n" + steps
        return _VERSION + base64.b64encode(zlib.compress(content, 9)).decode()


@lru_cache(maxsize=4)  # a provider reads the same fleet three times in a run, and a large one takes a second to unpack
def unpack(text: str, *, recorded: bool = False) -> Roster:
    """The roster that ``Roster.pack`` wrote; if it is a ``recorded`` one, of the last run, what devices are like is not validated again.

    Raises:
        RosterError: the text is not a packed roster, or an id in it is invalid.
        DeclarationError: a description in it is invalid.
    """
    if not text.startswith(_VERSION):
        raise RosterError("members", "it is not a packed list of devices of this version", "use the output of Roster.pack")
    read = recorded_description if recorded else read_description
    try:
        ids, head = _unpacked(text)
        own = {ids[place]: read(written) for place, written in head["own"]}
        common = read(head["common"])
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, MemoryError, RecursionError, zlib.error):
        raise RosterError("members", "it is not a packed list of devices", "use the output of Roster.pack") from None
    return Roster(ids, common, own)


@lru_cache(maxsize=4)  # the last run's list is mostly this run's too
def _unpacked(text: str) -> tuple[tuple[str, ...], Mapping[str, Any]]:
    """The ids, and what ``Roster.pack`` wrote before them."""
    head_text, _, steps = zlib.decompress(base64.b64decode(text.removeprefix(_VERSION), validate=True)).partition(b"\n")
    head: dict[str, Any] = json.loads(head_text)
    ids = unpack_ids(head["ids"], steps)
    with RosterError.told():
        for device_id in ids:
            require_device_id(device_id)
    if len(ids) > MOST_DEVICES:
        fact = f"there are {len(ids):,} devices, and a hub holds at most {MOST_DEVICES:,}"
        raise RosterError("members", fact, "spread them over several hubs")
    return tuple(ids), head


def require_roster(value: object) -> Roster:
    """``value`` if it is a roster.

    Raises:
        RosterError: it is something else, such as a list of ids.
    """
    if not isinstance(value, Roster):
        raise RosterError("roster", f"it is {kind(value)}", "give what from_file, from_ids or from_pattern returns")
    return value


def _inputs(declared: DeviceDescription) -> dict[str, Any]:
    found = {
        "status": None if declared.enabled else "disabled",
        "reason": declared.reason,
        "edge": declared.edge or None,
        "thumbprints": list(declared.thumbprints) or None,
        "tags": dict(declared.tags) or None,
        "desired": dict(declared.desired) or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _most_frequent(held: Mapping[str, DeviceDescription]) -> DeviceDescription:
    """The description that most devices have. Those of a pattern share one object."""
    objects = {id(declared): declared for declared in held.values()}
    try:
        texts = {one: json.dumps(_inputs(declared), sort_keys=True) for one, declared in objects.items()}
    except (TypeError, ValueError, RecursionError):
        fact = "the tags or desired properties of a device have a value that is not JSON"
        raise RosterError("the fleet", fact, "use texts, numbers, true, false, lists and objects") from None
    counted = Counter(texts[id(declared)] for declared in held.values())
    most = counted.most_common(1)[0][0] if counted else None
    return next((objects[one] for one, text in texts.items() if text == most), _COMMON)
