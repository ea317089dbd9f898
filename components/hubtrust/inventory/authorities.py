"""The authorities of an inventory: which one issued which, and what each of them is for."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from hubtrust.inventory.certificates_found import Authorities, Found
from hubtrust.inventory.records import Authority, days_left
from hubtrust.pki.certificate import Certificate, thumbprint
from hubtrust.pki.errors import PkiError
from hubtrust.pki.keys import key_name, require_strong_key
from hubtrust.pki.names import Comparable, comparable
from hubtrust.pki.profile import is_self_issued

ROOT, INTERMEDIATE, ISSUING = "root", "intermediate", "issuing"
_ORDER = {ROOT: 0, INTERMEDIATE: 1, ISSUING: 2}


def described(here: Authorities, now: datetime) -> tuple[Authority, ...]:
    """All authorities: roots first, then what is below them; of each kind those that end last."""
    by_name: dict[Comparable, list[str]] = {}
    for id_, one in here.found.items():
        by_name.setdefault(comparable(one.certificate.subject), []).append(id_)
    issuers = {id_: _issuers(id_, here.found, by_name) for id_ in here.found}
    with_authorities_below = {one for above in issuers.values() for one in above}
    authorities = [
        _described(id_, found, here, issuers[id_], has_below=id_ in with_authorities_below, now=now) for id_, found in here.found.items()
    ]
    return tuple(sorted(authorities, key=lambda one: (_ORDER[one.kind], -one.not_after.timestamp(), one.id)))


def _issuers(id_: str, found: Mapping[str, Found], by_name: Mapping[Comparable, Sequence[str]]) -> list[str]:
    """The certificates of the authority above it, that which ends last first: after a renewal several have the same key."""
    certificate = found[id_].certificate
    if is_self_issued(certificate):
        return []
    named = by_name.get(comparable(certificate.issuer), ())
    above = [other for other in named if other != id_ and _signed_by(certificate, found[other].certificate)]
    return sorted(above, key=lambda other: found[other].certificate.not_valid_after_utc, reverse=True)


def _signed_by(certificate: Certificate, issuer: Certificate) -> bool:
    try:
        return certificate.is_signed_by(issuer.public_key()) is True
    except (PkiError, ValueError):
        return False


def _described(id_: str, found: Found, here: Authorities, issuers: Sequence[str], *, has_below: bool, now: datetime) -> Authority:
    certificate = found.certificate
    end = certificate.not_valid_after_utc
    return Authority(
        id=id_,
        subject=certificate.subject.rfc4514_string(),
        issuer=next(iter(issuers), None),
        kind=ROOT if is_self_issued(certificate) else INTERMEDIATE if has_below else ISSUING,
        generation=found.generation,
        authority=found.authority,
        not_before=certificate.not_valid_before_utc,
        not_after=end,
        days_left=days_left(end, now),
        renew_at=found.renew_at,
        key_custody=here.custody(certificate),
        key_algorithm=_key_algorithm(certificate),
        sha256=id_,
        thumbprint=thumbprint(certificate),
    )


def _key_algorithm(certificate: Certificate) -> str:
    try:
        return key_name(require_strong_key(certificate.public_key(), what=""))
    except (PkiError, ValueError):
        return certificate.public_key_algorithm_oid.dotted_string


def ends_with_issuer(authority: Authority, authorities: Iterable[Authority]) -> Authority | None:
    """The authority above it, if that one ends no more than an hour later: then nothing is gained by a renewal before that one's."""
    above = next((one for one in authorities if one.id == authority.issuer), None)
    return above if above and (above.not_after - authority.not_after).total_seconds() < 3600 else None  # noqa: PLR2004 - an hour
