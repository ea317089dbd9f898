"""The individual enrollments of a fleet, sorted by registration id, and packed into one text for the state.

A certificate has about 200 bytes that nothing can shorten (its key, its signature), and the rest is mostly the same in all of a fleet, so
that they are compressed together. The inputs need them whole, because Azure gives none back; the outputs have their thumbprints only, by
which what Azure has is compared. What most enrollments share is written once; for the ids see ``devices/packed_ids.py``.
"""

import base64
import itertools
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

from hubtrust.azure.enrollment_limits import MOST_ENROLLMENTS
from hubtrust.devices.description import digest
from hubtrust.devices.json_values import kind
from hubtrust.devices.packed_ids import pack_ids, unpack_ids
from hubtrust.devices.roster import RosterError
from hubtrust.enrollments.description import CLIENT, Attestation, EnrollmentDescription, Terms
from hubtrust.enrollments.fleet_certificates import attestation_of
from hubtrust.enrollments.fleet_terms import read_terms, require_own_device_id, require_registration_id, terms_as_inputs

_VERSION, _RECORD = "c1.", "t1."  # with certificates, and with thumbprints
_THUMBPRINT = 32  # bytes
_COMMON = Terms()


@dataclass(frozen=True)
class EnrollmentRoster:
    """Individual enrollments by registration id, which has no case: `A` and `a` are the same."""

    ids: tuple[str, ...]
    """The registration ids, sorted, each once."""
    attestations: Mapping[str, Attestation]
    """The client certificates of each: the primary, and maybe a secondary."""
    common: Terms = _COMMON
    """The terms that most have."""
    own: Mapping[str, Terms] = field(default_factory=dict)
    """The terms of the others, by id."""
    device_ids: Mapping[str, str] = field(default_factory=dict)
    """The ids that devices get on their hub, where these are not the registration ids."""

    @classmethod
    @RosterError.told()
    def of(cls, members: Iterable[tuple[str, EnrollmentDescription]]) -> "EnrollmentRoster":
        """From enrollments in any order.

        Args:
            members: the registration id and what is declared of each.

        Raises:
            RosterError: an id is invalid or occurs twice, ignoring case; two have the same certificate; or there are too many.
        """
        held: dict[str, EnrollmentDescription] = {}
        ids, owners = dict[str, str](), dict[str, str]()
        for id_, member in members:
            require_registration_id(id_)
            if (other := ids.setdefault(id_.lower(), id_)) != id_ or id_ in held:
                same = "it is declared twice in this fleet" if other == id_ else f"it is '{other}' too: a registration id has no case"
                raise RosterError(f"enrollment '{id_}'", same, "leave one out")
            for thumbprint in member.attestation.held:
                if (other := owners.setdefault(thumbprint, id_)) != id_:
                    raise RosterError(f"enrollment '{id_}'", f"its certificate is that of enrollment '{other}' too", "give each its own")
            held[id_] = member
            if len(held) > MOST_ENROLLMENTS:
                fact = f"it has more than {MOST_ENROLLMENTS:,} enrollments, the most that a provisioning service holds"
                raise RosterError("the fleet", fact, "spread it over several services")
        common = _most_frequent(held)
        return cls(
            tuple(sorted(held)),
            {id_: member.attestation for id_, member in held.items()},
            common,
            {id_: member.terms for id_, member in held.items() if member.terms != common},
            {id_: member.device_id for id_, member in held.items() if member.device_id is not None},
        )

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[tuple[str, Terms]]:
        return ((id_, self.own.get(id_, self.common)) for id_ in self.ids)

    def get(self, id_: str) -> EnrollmentDescription | None:
        """What is declared of this registration id, in any case; None if it is not in the roster."""
        found = self._by_lower.get(id_.lower())
        if found is None:
            return None
        return EnrollmentDescription(self.attestations[found], self.own.get(found, self.common), self.device_ids.get(found))

    @cached_property
    def _by_lower(self) -> Mapping[str, str]:
        return {one.lower(): one for one in self.ids}

    @cached_property
    def digest(self) -> str:
        """The digest of all enrollments."""
        return digest((id_, line_of(member.parts)) for id_ in self.ids if (member := self.get(id_)) is not None)

    @property
    def enabled(self) -> int:
        """How many may be registered by."""
        own = sum(terms.enabled for terms in self.own.values())
        return own + (len(self.ids) - len(self.own)) * self.common.enabled

    @property
    def disabled(self) -> list[str]:
        """The registration ids of those by which no device may register."""
        return [id_ for id_, terms in self if not terms.enabled]

    def with_common(self, terms: Terms) -> "EnrollmentRoster":
        """The same enrollments, with these terms for what they don't declare themselves."""
        own = {id_: one.or_else(terms) for id_, one in self.own.items()}
        return replace(self, common=self.common.or_else(terms), own=own)

    def declares(self, held: "EnrollmentRoster") -> bool:
        """Whether ``held``, as it was found, has these enrollments and all that is declared of them; it may have more."""
        pairs = [(member, held.get(one)) for one in self.ids if (member := self.get(one)) is not None]
        return len(self.ids) == len(held.ids) and all(
            found is not None and all(found.parts.get(name, False) == value for name, value in member.parts.items())
            for member, found in pairs
        )

    def attestations_of(self, ids: Iterable[str]) -> "EnrollmentRoster":
        """Those of these enrollments that are here, with nothing declared but their certificates."""
        there = [found for one in ids if (found := self._by_lower.get(one.lower())) is not None]
        return EnrollmentRoster(tuple(sorted(there)), {one: self.attestations[one] for one in there})

    def pack(self) -> str:
        """The roster as text, with the certificates: a version, then base64."""
        both = [[base64.b64decode(one) for one in self.attestations[id_].sent] for id_ in self.ids]
        return _VERSION + self._packed([[len(one) for one in each] for each in both], [one for each in both for one in each])

    def record(self) -> str:
        """The roster as text, with the thumbprints of the certificates."""
        both = [self.attestations[id_].held for id_ in self.ids]
        return _RECORD + self._packed([len(each) for each in both], [bytes.fromhex(one) for each in both for one in each])

    def _packed(self, sizes: list[Any], contents: list[bytes]) -> str:
        ids, steps = pack_ids(self.ids)
        head = {
            "ids": ids,
            "steps": len(steps),
            "certificates": sizes,
            "common": terms_as_inputs(self.common),
            "own": [[place, terms_as_inputs(self.own[id_])] for place, id_ in enumerate(self.ids) if id_ in self.own],
            "deviceIds": [[place, self.device_ids[id_]] for place, id_ in enumerate(self.ids) if id_ in self.device_ids],
        }
        text = json.dumps(head, separators=(",", ":")).encode()
        return base64.b64encode(zlib.compress(text + b"\n" + steps + b"".join(contents), 9)).decode()


@lru_cache(maxsize=4)  # a provider reads the same fleet three times in a run
def unpack(text: str, *, recorded: bool = False) -> EnrollmentRoster:
    """The roster that ``EnrollmentRoster.pack`` wrote, or if it is a ``recorded`` one, ``EnrollmentRoster.record``.

    Raises:
        RosterError: the text is not a packed roster.
        DeclarationError: a declaration in it is invalid.
    """
    version = _RECORD if recorded else _VERSION
    if not text.startswith(version):
        raise RosterError("members", "it is not a packed list of enrollments of this version", "use the output of EnrollmentRoster.pack")
    try:
        head_text, _, content = zlib.decompress(base64.b64decode(text.removeprefix(version), validate=True)).partition(b"\n")
        head: dict[str, Any] = json.loads(head_text)
        ids = unpack_ids(head["ids"], content[: head["steps"]])
        contents = memoryview(content)[head["steps"] :]
        read = _recorded if recorded else _whole
        attestations = dict(zip(ids, read(head["certificates"], contents), strict=True))
        own = {ids[place]: read_terms(given) for place, given in head["own"]}
        device_ids = {ids[place]: require_own_device_id(given) or "" for place, given in head["deviceIds"]}
        common = read_terms(head["common"])
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, MemoryError, RecursionError, zlib.error):
        raise RosterError("members", "it is not a packed list of enrollments", "use the output of EnrollmentRoster.pack") from None
    with RosterError.told():
        for id_ in ids:
            require_registration_id(id_)
    return EnrollmentRoster(tuple(ids), attestations, common, own, device_ids)


def require_enrollment_roster(value: object) -> EnrollmentRoster:
    """``value`` if it is a roster of enrollments.

    Raises:
        RosterError: it is something else.
    """
    if not isinstance(value, EnrollmentRoster):
        raise RosterError("roster", f"it is {kind(value)}", "give what a function of `hubtrust.enrollments.fleet_files` returns")
    return value


def line_of(parts: Mapping[str, Any]) -> str:
    """Parts of an enrollment as one line of canonical JSON: two enrollments agree if their lines do."""
    return json.dumps(parts, sort_keys=True, separators=(",", ":"))


def _whole(sizes: list[list[int]], contents: memoryview) -> Iterator[Attestation]:
    at = 0
    for each in sizes:
        ends = list(itertools.accumulate(each, initial=at))
        if ends[-1] > len(contents):
            raise ValueError("it is cut off")
        yield attestation_of(bytes(contents[start:end]) for start, end in itertools.pairwise(ends))
        at = ends[-1]


def _recorded(counts: list[int], contents: memoryview) -> Iterator[Attestation]:
    at = 0
    for count in counts:
        ends = [at + _THUMBPRINT * number for number in range(count + 1)]
        yield Attestation(CLIENT, tuple(contents[start:end].hex().upper() for start, end in itertools.pairwise(ends)))
        at = ends[-1]


def _most_frequent(held: Mapping[str, EnrollmentDescription]) -> Terms:
    """The terms that most have. Those of a list often share one object."""
    objects = {id(member.terms): member.terms for member in held.values()}
    try:
        texts = {one: json.dumps(terms_as_inputs(terms), sort_keys=True) for one, terms in objects.items()}
    except (TypeError, ValueError, RecursionError):
        fact = "the tags, desired properties or information of an enrollment have a value that is not JSON"
        raise RosterError("the fleet", fact, "use texts, numbers, true, false, lists and objects") from None
    counted = Counter(texts[id(member.terms)] for member in held.values())
    most = counted.most_common(1)[0][0] if counted else None
    return next((objects[one] for one, text in texts.items() if text == most), _COMMON)
