"""The certificates of devices that the state has: how many there are, when they end, and which ones end first.

There may be a hundred thousand. They are read by `cryptography` alone, and by this package's own reader only where it can't read one.
"""

import base64
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import NameOID

from hubtrust.certificates.lifetimes import DEVICE, LIFETIMES
from hubtrust.enrollments.fleet_roster import unpack
from hubtrust.errors import HubtrustError
from hubtrust.inventory.certificates_found import Authorities, renewal
from hubtrust.inventory.records import DeviceCertificate, DeviceCertificates, Ends, days_left
from hubtrust.inventory.state import Resource, State
from hubtrust.pki import readable
from hubtrust.pki.certificate import Certificate, load_certificates
from hubtrust.pki.errors import PkiError
from hubtrust.pki.pem import blocks
from hubtrust.pki.profile import subject_key_identifier

MOST_NAMED = 200
_MOST_DAYS = 366  # with more, those of a month are counted together


@dataclass(frozen=True, slots=True)
class _Read:
    """What is needed of a device's certificate."""

    device_id: str
    not_after: datetime
    renew_at: datetime | None
    issuer: str | None


@dataclass(frozen=True, slots=True)
class Together:
    """Device certificates of one issuer that are renewed, or end where nothing here renews them, on the same day."""

    issuer: str | None
    is_renewed: bool
    first: datetime
    """The first of these moments."""
    ends: datetime
    """When the first of them ends."""
    count: int
    device_id: str
    """Of the first of them."""


def counted(state: State, authorities: Authorities, now: datetime) -> tuple[DeviceCertificates, tuple[Together, ...]]:
    """All device certificates; and what happens to them on each day."""
    found = list(_Reader(state, authorities).every())
    days = Counter(one.not_after.date() for one in found)
    first = heapq.nsmallest(MOST_NAMED, found, key=lambda one: (one.not_after, one.device_id))
    named = tuple(DeviceCertificate(one.device_id, one.not_after, days_left(one.not_after, now), one.renew_at, one.issuer) for one in first)
    return DeviceCertificates(len(found), first[0].not_after if first else None, _ends(days), named), tuple(_together(found))


def _together(found: Iterable[_Read]) -> Iterator[Together]:
    groups: dict[tuple[date, str | None, bool], list[_Read]] = {}
    for one in found:
        groups.setdefault(((one.renew_at or one.not_after).date(), one.issuer, one.renew_at is not None), []).append(one)
    for (_, issuer, is_renewed), members in groups.items():
        first = min(members, key=lambda one: (one.renew_at or one.not_after, one.device_id))
        ends = min(one.not_after for one in members)
        yield Together(issuer, is_renewed, first.renew_at or first.not_after, ends, len(members), first.device_id)


def _ends(days: Counter[date]) -> tuple[Ends, ...]:
    if len(days) > _MOST_DAYS:
        months: Counter[date] = Counter()
        for day, count in days.items():
            months[day.replace(day=1)] += count
        days = months
    return tuple(Ends(day.isoformat(), count) for day, count in sorted(days.items()))


class _Reader:
    """Reads the certificates of every resource that has some."""

    def __init__(self, state: State, authorities: Authorities) -> None:
        self._state = state
        # An issuer is found by its name and key identifier: signatures of a hundred thousand certificates take half a minute.
        self._issuers: dict[tuple[bytes, bytes | None], str] = {}
        for id_, one in sorted(authorities.found.items(), key=lambda item: item[1].certificate.not_valid_after_utc):
            name = one.certificate.subject_encoding
            for identifier in (_key_identifier(one.certificate), None):
                self._issuers[name, identifier] = id_

    def every(self) -> Iterator[_Read]:
        """All of them."""
        for one in self._state.of("IssuedCertificate"):
            if one.text("profile") == DEVICE:
                name = "/".join(part for part in (one.text("deviceId"), one.text("moduleId")) if part)
                yield from self._of_texts(one, "certificate", one.texts("certificate"), named=name, renewed=True)
        for one in self._state.of("IssuedBatch"):
            yield from self._of_texts(one, "certificates", one.texts("certificates"), renewed=True)
        for one in self._state.of("IndividualEnrollmentEntry"):
            name = one.text("registrationId") or one.name
            yield from self._of_texts(one, "certificates", one.texts("certificates", of_inputs=True), named=name)
        for one in self._state.of("EnrollmentFleetEntries"):
            yield from self._of_fleet(one)

    def _of_texts(self, one: Resource, name: str, texts: Iterable[str], *, named: str = "", renewed: bool = False) -> Iterator[_Read]:
        window = _window(one) if renewed else None
        said = renewal(one, datetime.max.replace(tzinfo=UTC), DEVICE) if renewed and one.kind == "IssuedCertificate" else None
        broken = 0
        for text in texts:
            try:
                encodings = [block.content for block in blocks(text, what=name) if block.label == "CERTIFICATE"][:1]
                for found in encodings or [one_certificate.der for one_certificate in load_certificates(text, what=name)[:1]]:
                    yield self._read(found, named, window, said)
            except (PkiError, ValueError):
                broken += 1
        self._tell(one, broken)

    def _of_fleet(self, one: Resource) -> Iterator[_Read]:
        """Those of a fleet of enrollments: the inputs have them, the outputs their thumbprints alone."""
        packed, broken = next(iter(one.texts("members", of_inputs=True)), None), 0
        if packed is None:
            return
        try:
            roster = unpack(packed)
        except HubtrustError as error:
            one.unseen.add(f"the device certificates of {one.title}", error.fact)
            return
        for id_ in roster.ids:
            for sent in roster.attestations[id_].sent:
                try:
                    yield self._read(base64.b64decode(sent), id_, None, None)
                except (PkiError, ValueError):
                    broken += 1
        self._tell(one, broken)

    def _read(self, encoding: bytes, named: str, window: timedelta | None, said: datetime | None) -> _Read:
        found = readable.read(encoding, _facts)
        issuer = self._issuers.get((found.issuer, found.issuer_key))
        return _Read(named or found.common_name, found.end, said or (None if window is None else found.end - window), issuer)

    @staticmethod
    def _tell(one: Resource, broken: int) -> None:
        if broken:
            one.unseen.add(f"{broken:,} certificates of {one.title}" if broken > 1 else f"a certificate of {one.title}", "it can't be read")


def _window(one: Resource) -> timedelta:
    days = one.number("renewBeforeDays")
    return timedelta(days=LIFETIMES[DEVICE].renew_before_days if days is None else min(max(days, 0), 36525))


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a certificate says."""

    common_name: str
    end: datetime
    issuer: bytes
    issuer_key: bytes | None


def _facts(encoding: bytes) -> _Facts:
    found = x509.load_der_x509_certificate(encoding)
    names = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    try:
        key = found.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except (x509.ExtensionNotFound, ValueError):
        key = None
    # Certificates of one issuer name it in the same octets (RFC 5280 4.1.2.6).
    return _Facts(str(names[0].value) if names else "", found.not_valid_after_utc, found.issuer.public_bytes(), key)


def _key_identifier(certificate: Certificate) -> bytes | None:
    try:
        return subject_key_identifier(certificate)
    except PkiError:
        return None
