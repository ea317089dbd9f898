"""The parts of an inventory, and their JSON document.

Times are UTC, ``2036-11-24T03:19:06Z`` in the document; thumbprints are upper-case hex; ``days_left`` are whole days, less than zero for
what has ended. A member that is None is not known, or there is none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from typing import Any

from hubtrust.inputs import wire_name
from hubtrust.pki.certificate import rfc3339

OWN_CA, SELF_SIGNED = "certificateAuthority", "selfSigned"  # what a device's identity on its hub is authenticated by
GROUP, INDIVIDUAL, FLEET = "group", "individual", "fleet"
HUB, DPS = "hub", "dps"
_NOT_SHOWN: Mapping[str, bool] = {"shown": False}  # of a member that the document does not have


@dataclass(frozen=True, slots=True)
class Unseen:
    """Something that the inventory could not see."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA's certificate."""

    id: str
    """Its SHA-256 thumbprint, by which other parts refer to it."""
    subject: str
    """RFC 4514."""
    issuer: str | None
    """The ``id`` of the certificate above it; None for a root, and where that one is not in the stack."""
    kind: str
    """`root` (self-signed), `issuing` (no CA is below it) or `intermediate`."""
    generation: int | None
    """Of a CA that this package made or trusts: its number in ``authority``."""
    authority: str | None
    """The authority's name in the program."""
    not_before: datetime
    not_after: datetime
    days_left: int
    renew_at: datetime | None
    """From when `pulumi up` renews it with the same key; None for a CA from elsewhere."""
    key_custody: str | None
    """Where the key is: `state`, `offline`, `key-vault` or `pkcs11`."""
    key_algorithm: str
    """Such as `EC P-256`."""
    sha256: str
    thumbprint: str
    """SHA-1, as Azure shows it."""


@dataclass(frozen=True, slots=True)
class Trust:
    """A certificate that is registered on a hub or provisioning service."""

    certificate: str | None
    """The ``id`` of the authority; None if the state does not have the certificate itself."""
    certificate_name: str
    state: str | None
    """`verified`, `waiting`, `unverified` or `replaced`: see ``certificates/verification.py``."""
    proof: str | None
    """How a verified one became so: `possession`, `key-held`, `attestation` or `found`; None: this package proves nothing of it."""
    proven_at: str | None
    """When Azure accepted the proof, by its clock."""
    etag: str | None
    record: int | None
    """The place of the proof's record in the evidence log, from 0."""
    is_of_others: bool = field(default=False, metadata=_NOT_SHOWN)
    """Whether another provider's resource declares it."""


@dataclass(frozen=True, slots=True)
class Enrollment:
    """An enrollment group, an individual enrollment, or a fleet of them."""

    id: str
    kind: str
    """`group`, `individual` or `fleet`."""
    status: str
    """`enabled` or `disabled`; of a fleet also `99 of 100 enabled`."""
    authorities: tuple[str, ...]
    """The ``id`` of each authority under which its devices register; none where each has a certificate of its own."""
    count: int
    """How many enrollments it is: 1, and of a fleet all."""


@dataclass(frozen=True, slots=True)
class Devices:
    """The devices that the stack declares on a hub."""

    count: int = 0
    enabled: int = 0
    disabled: int = 0
    by_certificate: Mapping[str, int] = field(default_factory=dict)
    """How many have a certificate of a CA (`certificateAuthority`), and how many a self-signed one (`selfSigned`)."""


@dataclass(frozen=True, slots=True)
class Service:
    """An IoT hub or provisioning service."""

    id: str
    """ARM id."""
    name: str
    kind: str
    """`hub` or `dps`."""
    host: str | None
    trusts: tuple[Trust, ...] = ()
    enrollments: tuple[Enrollment, ...] = ()
    devices: Devices = field(default_factory=Devices)
    cloud: str = field(default="public", metadata=_NOT_SHOWN)
    """Where it is: for whoever asks Azure."""

    @property
    def title(self) -> str:
        """In messages."""
        return f"{'IoT hub' if self.kind == HUB else 'provisioning service'} '{self.name}'"


@dataclass(frozen=True, slots=True)
class DeviceCertificate:
    """The certificate of a device, or of a module as `device/module`."""

    device_id: str
    not_after: datetime
    days_left: int
    renew_at: datetime | None
    """From when `pulumi up` renews it; None where it was issued elsewhere."""
    issuer: str | None
    """The ``id`` of the authority that issued it."""


@dataclass(frozen=True, slots=True)
class Ends:
    """How many device certificates end on a day."""

    date: str
    count: int


@dataclass(frozen=True, slots=True)
class DeviceCertificates:
    """The device certificates that the state has."""

    count: int = 0
    earliest_end: datetime | None = None
    ends_by: tuple[Ends, ...] = ()
    named: tuple[DeviceCertificate, ...] = ()
    """At most 200: those that end first."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The stack's evidence log."""

    size: int
    root_hash: str
    verdict: str
    """Of an audit without a CA of one's own: `confirmed`, or `not confirmed: …`; see docs/evidence.md."""
    is_confirmed: bool = field(default=False, metadata=_NOT_SHOWN)


@dataclass(frozen=True, slots=True)
class Due:
    """Something that happens, or has to be done, in the next 90 days."""

    date: datetime
    days_left: int
    what: str
    action: str


def document(part: Any) -> Any:
    """``part`` as JSON values: names as `notAfter`, times as text, and every member there, so that readers need no defaults."""
    if is_dataclass(part) and not isinstance(part, type):
        return {wire_name(one.name): document(getattr(part, one.name)) for one in fields(part) if one.metadata.get("shown", True)}
    if isinstance(part, datetime):
        return rfc3339(part)
    if isinstance(part, Mapping):
        return {str(name): document(value) for name, value in part.items()}
    if isinstance(part, tuple | list):
        return [document(one) for one in part]
    return part


def days_left(end: datetime, now: datetime) -> int:
    """The whole days from ``now`` to ``end``; -1 within the first day after it."""
    return (end - now).days
