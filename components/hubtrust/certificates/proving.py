"""Register one certificate on one service and prove possession of its key. Each run continues from what it finds on the service."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import stamina

from hubtrust.azure.certificates import QUOTA, Certificates, RegisteredCertificate
from hubtrust.azure.errors import EtagError, RefusedError
from hubtrust.azure.retry import ETAG_RETRIES
from hubtrust.certificates.declaration import CertificateInputs
from hubtrust.pki.certificate import pem
from hubtrust.pki.errors import NotValidNowError, ProofError
from hubtrust.reconcile_errors import AlreadyExistsError, ProofRejectedError, QuotaError

VERIFIED, WAITING, UNVERIFIED, REPLACED = "verified", "waiting", "unverified", "replaced"
POSSESSION, ATTESTATION, FOUND = "possession", "attestation", "found"
_T = TypeVar("_T")
_CLOCK_SKEW = timedelta(minutes=2)  # a smaller difference to Azure's clock is not reported


@dataclass(frozen=True, slots=True)
class LastRun:
    """From the outputs of the last run: the code, which is valid while the etag is the same, and the proof.

    A resource that has a last run owns the name on the service.
    """

    etag: str
    code: str | None
    proof: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is on the service now. ``code`` is valid until ``etag`` changes."""

    state: str
    etag: str
    thumbprint: str
    code: str | None = None
    proof: str | None = None
    already_verified: bool = False  # before this run


@dataclass(frozen=True, slots=True)
class Prover:
    """Registers and proves what is ``declared``; ``local_time`` is this machine's clock."""

    certificates: Certificates
    declared: CertificateInputs
    last_run: LastRun | None
    local_time: Callable[[], datetime]

    def reconcile(self) -> Outcome:
        """Read the certificate on the service, then do what is missing. After an etag error, read again and continue from there.

        Raises:
            AlreadyExistsError: the name belongs to another certificate that is not ours.
            QuotaError: the service has as many certificates as Azure allows.
            ProofRejectedError: the service rejected the proof, or gave no code.
            AzureError: the service refuses, or does not answer.
            PkiError: the key can't sign, or the given proof is not valid.
        """
        return _again_after_etag_errors(self._attempt, self.declared.deadline)

    def _attempt(self) -> Outcome:
        declared, last = self.declared, self.last_run
        found = self.certificates.get(declared.name_on_service)
        if found is None or found.thumbprint != declared.description.thumbprint:
            if found is not None and last is None and not declared.adopt:
                fact = f"another certificate ({found.thumbprint}) has this name"
                raise AlreadyExistsError(declared.what, fact, "choose another name or generation, or set adopt to replace that one")
            found = self._put(found.etag if found else None)
        elif found.verified and last and last.proof == ATTESTATION and not declared.attest:
            found = self._put(found.etag)  # it was attested and is now to be proven: only another PUT makes it unverified
        elif found.verified:
            return Outcome(VERIFIED, found.etag, found.thumbprint, proof=self._proof_of_found(found), already_verified=True)
        if declared.attest:
            found = found if found.verified else self._put(found.etag)
            return Outcome(VERIFIED, found.etag, found.thumbprint, proof=ATTESTATION)
        return self._prove(found)

    def _put(self, etag: str | None) -> RegisteredCertificate:
        declared = self.declared
        try:
            name, text = declared.name_on_service, pem(declared.certificate)
            return self.certificates.put(name, text, etag=etag, attested=declared.attest)
        except RefusedError:
            names = [] if etag else self.certificates.names()
            if len(names) < QUOTA:
                raise
            fact = f"there are {len(names)} certificates already and Azure allows {QUOTA}: {', '.join(sorted(names))}"
            raise QuotaError(declared.what, fact, "delete one that no device needs any more") from None

    def _proof_of_found(self, found: RegisteredCertificate) -> str:
        """How a certificate that is verified already was proven: as the last run says; otherwise by what the key here can show."""
        if self.declared.attest:
            return ATTESTATION
        if self.last_run and self.last_run.proof == POSSESSION:
            return POSSESSION
        return POSSESSION if self.declared.shows_possession(found.date) else FOUND

    def _prove(self, found: RegisteredCertificate) -> Outcome:
        """Send the proof, or wait for it. The code of the last run is used while it is valid: a new one would invalidate a proof for it."""
        declared, name = self.declared, self.declared.name_on_service
        valid = self.last_run.code if self.last_run and self.last_run.etag == found.etag else None
        if valid is None:
            found = self.certificates.generate_verification_code(name, etag=found.etag)
            if not found.code:
                raise ProofRejectedError(declared.what, "the service returned no verification code", "run again; each run asks for one")
        code = valid or str(found.code)
        try:
            proof = declared.proof(code, found.date)
        except (ProofError, NotValidNowError):
            if valid is not None:
                raise
            proof = None  # the given proof is for an older code; an error here would lose the new code, which is an output
        if proof is None:
            return Outcome(WAITING, found.etag, found.thumbprint, code=code)
        try:
            verified = self.certificates.verify(name, proof, etag=found.etag)
        except RefusedError as error:
            fact = f"the proof was rejected: {error.fact}{self._skew(found.date)}"
            raise ProofRejectedError(declared.what, fact, error.remedy) from None
        if not verified.verified:
            fact = "the service accepted the proof and still reports the certificate as unverified"
            raise ProofRejectedError(declared.what, fact, "run again; a new code is asked for")
        return Outcome(VERIFIED, verified.etag, verified.thumbprint, proof=POSSESSION)

    def _skew(self, service_time: datetime) -> str:
        off = self.local_time() - service_time
        if abs(off) < _CLOCK_SKEW:
            return ""
        side = "ahead of" if off > timedelta(0) else "behind"
        return f" (this machine's clock is {abs(off).total_seconds() / 60:.0f} minutes {side} Azure's)"


def delete(certificates: Certificates, name: str, *, thumbprint: str, etag: str | None, deadline: float) -> bool:
    """Delete the certificate ``name`` if it has ``thumbprint``; with ``etag``, or with the one that is read first where it is None.

    False: another certificate has the name, and is kept.
    """
    seen = [etag] if etag else []

    def attempt() -> bool:
        if seen:
            certificates.delete(name, etag=seen.pop())
            return True
        found = certificates.get(name)
        if found is None:
            return True
        if found.thumbprint != thumbprint:
            return False
        certificates.delete(name, etag=found.etag)
        return True

    return _again_after_etag_errors(attempt, deadline)


def _again_after_etag_errors(step: Callable[[], _T], deadline: float) -> _T:
    """Repeat ``step``, which reads first. An etag error means that another client made a change, or that the answer to our own was lost."""
    for attempt in stamina.retry_context(on=EtagError, timeout=deadline, **ETAG_RETRIES):
        with attempt:
            return step()
    raise AssertionError  # pragma: no cover - retry_context returns or raises
