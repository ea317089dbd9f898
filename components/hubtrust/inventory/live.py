"""What a hub or provisioning service trusts now, compared with what the stack's state says. Pure: whoever asks Azure gives the answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hubtrust.certificates.verification import POSSESSION, REPLACED, VERIFIED
from hubtrust.inventory.records import Authority, Service, Trust

DELETED = "deleted: the state has it, and the service does not"
OTHER = "replaced: another certificate has its name"
UNVERIFIED = "no longer verified"
VERIFIED_SINCE = "verified since the last run, by somebody"
CHANGED = "changed after it was proven: its etag is another one"
UNKNOWN = "not of this stack"


@dataclass(frozen=True, slots=True)
class Registered:
    """A certificate as Azure shows it; ``thumbprint`` is SHA-1, upper-case hex."""

    name: str
    thumbprint: str
    verified: bool
    etag: str


@dataclass(frozen=True, slots=True)
class LiveCertificate:
    """A certificate of the service, or of the state alone, and in what the two differ; None if they agree."""

    certificate_name: str
    thumbprint: str | None
    verified: bool | None
    difference: str | None


@dataclass(frozen=True, slots=True)
class LiveService:
    """What one service answered; ``unseen`` is why it could not be asked, and then there are no certificates."""

    service: str
    """ARM id."""
    certificates: tuple[LiveCertificate, ...] = ()
    unseen: str | None = None

    @property
    def differences(self) -> int:
        """How many certificates differ from the state."""
        return sum(one.difference is not None for one in self.certificates)


def compared(service: Service, registered: Iterable[Registered], authorities: Iterable[Authority]) -> LiveService:
    """The answer of ``service`` beside its state. Names of certificates have no case in Azure."""
    there = {one.name.lower(): one for one in registered}
    thumbprints = {one.id: one.thumbprint for one in authorities}
    declared = {one.certificate_name.lower(): one for one in service.trusts}
    found = [_of_state(one, there.get(name), thumbprints) for name, one in declared.items()]
    found += [LiveCertificate(one.name, one.thumbprint, one.verified, UNKNOWN) for name, one in there.items() if name not in declared]
    return LiveService(service.id, tuple(sorted(found, key=lambda one: one.certificate_name)))


def _of_state(trust: Trust, there: Registered | None, thumbprints: Mapping[str, str]) -> LiveCertificate:
    if there is None:
        return LiveCertificate(trust.certificate_name, None, None, DELETED)
    return LiveCertificate(there.name, there.thumbprint, there.verified, _difference(trust, there, thumbprints))


def _difference(trust: Trust, there: Registered, thumbprints: Mapping[str, str]) -> str | None:
    if trust.state == REPLACED:
        return OTHER
    if trust.certificate and thumbprints.get(trust.certificate) not in {there.thumbprint, None}:
        return OTHER
    if trust.state == VERIFIED and not there.verified:
        return UNVERIFIED
    if trust.state != VERIFIED and there.verified:
        return VERIFIED_SINCE
    return CHANGED if trust.proof == POSSESSION and trust.etag not in {there.etag, None} else None
