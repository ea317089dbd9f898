"""Which enrollments of a service hold which certificates: Azure lets one be in one entry, and takes a second without a word.

learn.microsoft.com/azure/iot-dps/concepts-service#attestation-mechanism. All enrollments are read once in a process, which is one run, and
again before a certificate is refused.
"""

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from hubtrust.azure.enrollment_limits import MOST_LISTED
from hubtrust.azure.enrollment_service import GROUPS, EnrollmentService, Kind
from hubtrust.enrollments.description import CLIENT, REFERENCES, SIGNING

Entry = tuple[str, str]  # a kind's title, and an id in lower case


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate of an entry: how messages name it, and everything by which another entry may name it too."""

    title: str
    keys: frozenset[str]


def reference_key(name: str) -> str:
    """What names a certificate of the service."""
    return f"reference {name.lower()}"


def sha1_key(thumbprint: str) -> str:
    """What names any certificate, as Resource Manager shows it."""
    return f"SHA-1 {thumbprint.upper()}"


def sha256_key(thumbprint: str) -> str:
    """What names any certificate."""
    return f"SHA-256 {thumbprint.upper()}"


@dataclass
class _Known:
    """What is known of one service."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    read: dict[Entry, set[str]] = field(default_factory=dict)  # what entries had when they were read
    claimed: dict[Entry, set[str]] = field(default_factory=dict)  # what this run writes
    kinds: set[str] = field(default_factory=set)  # those that were read


_known: dict[str, _Known] = {}  # by host
_replaced: set[tuple[str, Entry]] = set()  # entries that another one takes the place of in this run, with their service's id
_GUARD = threading.Lock()


def forget() -> None:
    """Forget everything, for tests of several runs in one process."""
    with _GUARD:
        _known.clear()
        _replaced.clear()


def note_replaced(service_id: str, kind: Kind, id_: str) -> None:
    """The entry is about to be replaced by another one, and deleted after that one is there: both have the same certificates then."""
    with _GUARD:
        _replaced.add((service_id.lower(), (kind.title, id_.lower())))


def claim(service: EnrollmentService, service_id: str, kind: Kind, id_: str, wanted: Collection[Held]) -> tuple[str, str] | None:
    """Record that the entry is to hold these certificates.

    Returns the first one that another entry holds, and that entry, as messages name them; then nothing is recorded.

    Raises:
        AzureError: see ``EnrollmentService.every``.
    """
    if not wanted:
        return None
    own, known = (kind.title, id_.lower()), _of(service)
    with _GUARD:
        others_may = {own} | {one for where, one in _replaced if where == service_id.lower()}
    with known.lock:
        is_fresh = kind.title not in known.kinds
        if is_fresh:
            _read(service, known, kind)
        found = _conflict(known, others_may, wanted)
        if found is not None and not is_fresh:  # it may have been removed since
            _read(service, known, kind)
            found = _conflict(known, others_may, wanted)
        if found is None:
            known.claimed[own] = {key for one in wanted for key in one.keys}
        return found


def release(service: EnrollmentService, kind: Kind, id_: str) -> None:
    """The entry was not written, or is deleted."""
    known = _of(service)
    with known.lock:
        known.claimed.pop((kind.title, id_.lower()), None)
        known.read.pop((kind.title, id_.lower()), None)


def groups_with_certificates(service: EnrollmentService) -> int:
    """How many groups with certificates there were when they were last read; 0 if they were not."""
    known = _of(service)
    with known.lock:
        return sum(bool(keys) for (title, _), keys in known.read.items() if title == GROUPS.title)


def _of(service: EnrollmentService) -> _Known:
    with _GUARD:
        return _known.setdefault(service.host.lower(), _Known())


def _conflict(known: _Known, others_may: Collection[Entry], wanted: Collection[Held]) -> tuple[str, str] | None:
    for entries in (known.read, known.claimed):
        for (title, id_), keys in entries.items():
            if (title, id_) not in others_may:
                for one in wanted:
                    if one.keys & keys:
                        return one.title, f"{title} '{id_}'"
    return None


def _read(service: EnrollmentService, known: _Known, kind: Kind) -> None:
    every = islice(service.every(kind), None if kind is GROUPS else MOST_LISTED)
    found = {(kind.title, one.id.lower()): set(_keys(one.record)) for one in every}
    known.read = {entry: keys for entry, keys in known.read.items() if entry[0] != kind.title} | found
    known.kinds.add(kind.title)


def _keys(record: Mapping[str, Any]) -> Iterable[str]:
    """What names the certificates of an enrollment as the service shows it."""
    x509 = record["attestation"].get("x509") or {}
    for name in (x509.get(REFERENCES) or {}).values():
        if name:
            yield reference_key(name)
    for one in (*(x509.get(SIGNING) or {}).values(), *(x509.get(CLIENT) or {}).values()):
        if one:
            yield sha256_key(str(one["info"]["sha256Thumbprint"]))
            if sha1 := one["info"].get("sha1Thumbprint"):
                yield sha1_key(str(sha1))
