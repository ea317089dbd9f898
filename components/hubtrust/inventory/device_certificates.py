"""The certificates of devices that the state has: how many there are, when they end, and which ones end first.

There may be a hundred thousand. They are read by `cryptography` alone, and by this package's own reader only where it can't read one.
"""

import base64
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from hubtrust.certificates.lifetimes import DEVICE, LIFETIMES
from hubtrust.enrollments.fleet_roster import unpack
from hubtrust.errors import HubtrustError
from hubtrust.inventory.certificates_found import Authorities
from hubtrust.inventory.records import DeviceCertificate, DeviceCertificates, Ends, days_left
from hubtrust.inventory.state import Resource, State, moment
from hubtrust.pki import readable
from hubtrust.pki.certificate import Certificate, load_certificates
from hubtrust.pki.errors import PkiError
from hubtrust.pki.names import common_name
from hubtrust.pki.profile import subject_key_identifier

MOST_NAMED = 200
# What `cryptography` raises where a certificate is malformed, some of it only when a part is asked for.
_UNREADABLE = (ValueError, TypeError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
_MOST_LINES = 20  # of what is due, by day
_MOST_DAYS = 366  # with more, those of a month are counted together


@dataclass(frozen=True, slots=True)
class _Read:
    """What is needed of a device's certificate."""

    named: str
    """The device's id, where the resource says it."""
    not_after: datetime
    renew_at: datetime | None
    issuer: str | None
    certificate: x509.Certificate

    @property
    def device_id(self) -> str:
        """The device's id. To read the subjects of all certificates would take as long as all the rest."""
        return self.named or _common_name(self.certificate)


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
    with readable.quiet():
        return _counted(list(_Reader(state, authorities).every()), now)


def _counted(found: list[_Read], now: datetime) -> tuple[DeviceCertificates, tuple[Together, ...]]:
    days = Counter(one.not_after.date() for one in found)
    first = _ending_first(found)
    named = tuple(DeviceCertificate(one.device_id, one.not_after, days_left(one.not_after, now), one.renew_at, one.issuer) for one in first)
    return DeviceCertificates(len(found), first[0].not_after if first else None, _ends(days), named), tuple(_together(found))


def _ending_first(found: list[_Read]) -> list[_Read]:
    """Those that are named. Ids are read only of those that end early enough: they decide between some that end at one moment."""
    ends = heapq.nsmallest(MOST_NAMED, (one.not_after for one in found))
    candidates = [one for one in found if one.not_after <= ends[-1]]
    return heapq.nsmallest(MOST_NAMED, candidates, key=lambda one: (one.not_after, one.device_id))


def _together(found: Iterable[_Read]) -> Iterator[Together]:
    """By the day; by the month where that would be too many lines."""
    by_day: dict[tuple[date, str | None, bool], list[_Read]] = {}
    for one in found:
        by_day.setdefault(((one.renew_at or one.not_after).date(), one.issuer, one.renew_at is not None), []).append(one)
    groups = by_day
    if len(by_day) > _MOST_LINES:
        groups = {}
        for (day, issuer, is_renewed), members in by_day.items():
            groups.setdefault((day.replace(day=1), issuer, is_renewed), []).extend(members)
    for (_, issuer, is_renewed), members in groups.items():
        first = min(members, key=lambda one: one.renew_at or one.not_after)
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
        # An issuer is found by its key identifier, or else by its name: a hundred thousand signatures take half a minute.
        self._by_key: dict[bytes, str] = {}
        self._by_name: dict[bytes, str] = {}
        for id_, one in sorted(authorities.found.items(), key=lambda item: item[1].certificate.not_valid_after_utc):
            self._by_name[one.certificate.subject_encoding] = id_
            if identifier := _key_identifier(one.certificate):
                self._by_key[identifier] = id_

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
        said = moment(one.text("renewAt")) if one.kind == "IssuedCertificate" else None
        broken = 0
        for text in texts:
            try:
                found = self._read(_of_text(text, name), named, window, said)
            except (PkiError, *_UNREADABLE):
                broken += 1
            else:
                yield found
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
                    found = self._read(_parsed(base64.b64decode(sent)), id_, None, None)
                except (PkiError, *_UNREADABLE):
                    broken += 1
                else:
                    yield found
        self._tell(one, broken)

    def _read(self, found: x509.Certificate, named: str, window: timedelta | None, said: datetime | None) -> _Read:
        end = found.not_valid_after_utc
        return _Read(named, end, said or (None if window is None else end - window), self._issuer(found), found)

    def _issuer(self, found: x509.Certificate) -> str | None:
        try:
            identifier = found.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        except (x509.ExtensionNotFound, *_UNREADABLE):
            identifier = None
        if identifier is not None:
            return self._by_key.get(identifier)
        return self._by_name.get(found.issuer.public_bytes())  # certificates of one issuer name it in the same octets (RFC 5280 4.1.2.6)

    @staticmethod
    def _tell(one: Resource, broken: int) -> None:
        if broken:
            one.unseen.add(f"{broken:,} certificates of {one.title}" if broken > 1 else f"a certificate of {one.title}", "it can't be read")


def _window(one: Resource) -> timedelta:
    days = one.number("renewBeforeDays")
    return timedelta(days=LIFETIMES[DEVICE].renew_before_days if days is None else min(max(days, 0), 36525))


def _of_text(text: str, what: str) -> x509.Certificate:
    """The first certificate in a text."""
    try:
        return x509.load_pem_x509_certificate(text.encode())
    except _UNREADABLE:
        return _parsed(load_certificates(text, what=what)[0].der)


def _common_name(certificate: x509.Certificate) -> str:
    """What `cryptography` reads of a certificate only when it is asked for may be malformed; the package's own reader takes more."""
    try:
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(names[0].value) if names else ""
    except _UNREADABLE:
        pass
    try:
        return common_name(Certificate(certificate.public_bytes(Encoding.DER), what="the certificate").subject)
    except PkiError:
        return ""


def _parsed(encoding: bytes) -> x509.Certificate:
    return readable.read(encoding, x509.load_der_x509_certificate)


def _key_identifier(certificate: Certificate) -> bytes | None:
    try:
        return subject_key_identifier(certificate)
    except PkiError:
        return None
