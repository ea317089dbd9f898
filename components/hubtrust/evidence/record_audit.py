"""What one record shows by itself: its certificate is the subject, and a proof holds."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hubtrust.evidence.canonical import in_message
from hubtrust.evidence.errors import FormError
from hubtrust.evidence.log import Record
from hubtrust.evidence.statement import Kind, Subject
from hubtrust.pki.certificate import Certificate, load_certificate, pem, rfc3339
from hubtrust.pki.errors import NotValidNowError, PkiError
from hubtrust.pki.keys import require_strong_key
from hubtrust.pki.profile import is_authority
from hubtrust.pki.proof import require_proof
from hubtrust.pki.verification_code import VerificationCode

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that holds: the key of ``authority`` signed ``code``. Azure's service and time are as the record says."""

    authority: Certificate
    code: str
    service: str
    accepted_at: str | None


@dataclass(frozen=True, slots=True)
class Examined:
    """A record with the certificate in it, the proof in it that holds, and what is wrong with it."""

    record: Record
    certificate: Certificate | None
    proof: Proof | None
    errors: tuple[str, ...] = ()


def examine(record: Record) -> Examined:
    """``record`` without its signature, which the keys of other records may verify."""
    try:
        certificate = _certificate_of(record)
    except (FormError, PkiError) as error:
        return Examined(record, None, None, (_fact(error),))
    if record.statement.kind is not Kind.PROOF:
        return Examined(record, certificate, None)
    try:
        return Examined(record, certificate, _proof(record, certificate))
    except (FormError, PkiError) as error:
        return Examined(record, certificate, None, (_fact(error),))


def _fact(error: FormError | PkiError) -> str:
    return f"{error.what}: {error.fact}" if isinstance(error, PkiError) else str(error)


def _certificate_of(record: Record) -> Certificate | None:
    """The certificate in the record, which is its subject; None if it has none."""
    if "certificate" not in record.statement.predicate:
        return None
    certificate, subject = _certificate(record, "certificate"), record.statement.subject
    if (found := Subject.of(certificate)).sha256 != subject.sha256:
        raise FormError(f"its subject has the SHA-256 {subject.sha256}, and the certificate in it {found.sha256}")
    if found.name != subject.name:
        raise FormError(f"its subject is called {in_message(subject.name)}, and the certificate in it {in_message(found.name)}")
    return certificate


def _certificate(record: Record, member: str) -> Certificate:
    text = _text(record, member)
    certificate = load_certificate(text, what=f"its {member}")
    if pem(certificate) != text:
        raise FormError(f"its {member} is not one certificate as RFC 7468 writes it, with nothing around it")
    return certificate


def _proof(record: Record, authority: Certificate | None) -> Proof:
    if authority is None:
        raise FormError("it is a proof, and has no certificate of the CA")
    if not is_authority(authority):
        raise FormError("its certificate is not a CA's: whoever has a device's certificate could make such a proof")
    require_strong_key(authority.public_key(), what="the CA's certificate in it")
    code, service = _text(record, "code"), _text(record, "service")
    VerificationCode(code)  # or any certificate that the CA issued would do, with its name as the code
    proof, accepted = _certificate(record, "proof"), record.statement.predicate.get("acceptedAt")
    moment = proof.not_valid_before_utc if accepted is None else _moment(accepted)
    try:
        require_proof(proof, code=code, authority=authority, now=moment)
    except NotValidNowError as error:
        dates = f"it is valid from {rfc3339(proof.not_valid_before_utc)} to {rfc3339(proof.not_valid_after_utc)}"
        raise FormError(f"{error.what}: {dates}, and acceptedAt is {rfc3339(moment)}") from None
    return Proof(authority, code, service, accepted)


def _text(record: Record, member: str) -> str:
    value = record.statement.predicate.get(member)
    if not isinstance(value, str) or not value:
        raise FormError(f"it has no {member}")
    return value


def _moment(value: Any) -> datetime:
    """The time that Azure's answer had."""
    try:
        if isinstance(value, str) and _MOMENT.fullmatch(value):
            return datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        pass
    raise FormError(f"its acceptedAt is {in_message(value)}, and not a time such as 2026-11-24T03:19:06Z")
