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
    proof: str | None  # how the certificate was proven: POSSESSION, ATTESTATION or FOUND; None: it was not


@dataclass(frozen=True, slots=True)
class Outcome:
    """The certificate on the service after this run. ``code`` is valid until ``etag`` changes."""

    state: str
    etag: str
    thumbprint: str
    code: str | None = None
    proof: str | None = None  # how the certificate was proven: POSSESSION, ATTESTATION or FOUND; None: it was not
    already_verified: bool = False  # before this run


@dataclass(frozen=True, slots=True)
class Prover:
    """Registers and proves the certificate that ``inputs`` declare; ``local_time`` is this machine's clock."""

    certificates: Certificates
    inputs: CertificateInputs
    last_run: LastRun | None
    local_time: Callable[[], datetime]

    def reconcile(self) -> Outcome:
        """Read the certificate on the service, then do what is missing. After an etag error, read again and continue from there.

        Raises:
            AlreadyExistsError: another certificate, which is not ours, has the name.
            QuotaError: the service has as many certificates as Azure allows.
            ProofRejectedError: the service rejected the proof, or gave no code.
            AzureError: the service refuses, or does not answer.
            PkiError: the key can't sign, or the given proof is not valid.
        """
        return _retry_after_etag_errors(self._attempt, self.inputs.deadline)

    def _attempt(self) -> Outcome:
        inputs, last = self.inputs, self.last_run
        registered = self.certificates.get(inputs.name_on_service)
        if registered is None or registered.thumbprint != inputs.description.thumbprint:
            if registered is not None and last is None and registered.thumbprint not in inputs.adopt:
                fact = f"another certificate ({registered.thumbprint}) has this name"
                remedy = f'choose another name or generation, or replace that one: set adopt: ["{registered.thumbprint}"]'
                raise AlreadyExistsError(inputs.what, fact, remedy)
            registered = self._put(registered.etag if registered else None)
        elif registered.verified and last and last.proof == ATTESTATION and not inputs.attest:
            registered = self._put(registered.etag)  # it was attested and is now to be proven: only another PUT makes it unverified
        elif registered.verified:
            return Outcome(VERIFIED, registered.etag, registered.thumbprint, proof=self._earlier_proof(registered), already_verified=True)
        if inputs.attest:
            registered = registered if registered.verified else self._put(registered.etag)
            return Outcome(VERIFIED, registered.etag, registered.thumbprint, proof=ATTESTATION)
        return self._prove(registered)

    def _put(self, etag: str | None) -> RegisteredCertificate:
        inputs = self.inputs
        try:
            name, text = inputs.name_on_service, pem(inputs.certificate)
            return self.certificates.put(name, text, etag=etag, attested=inputs.attest)
        except RefusedError:
            names = [] if etag else self.certificates.names()
            if len(names) < QUOTA:
                raise
            fact = f"there are {len(names)} certificates already and Azure allows {QUOTA}: {', '.join(sorted(names))}"
            raise QuotaError(inputs.what, fact, "delete one that no device needs any more") from None

    def _earlier_proof(self, registered: RegisteredCertificate) -> str:
        """How the certificate, which is verified already, was proven.

        ATTESTATION if the inputs say so, POSSESSION if the last run recorded it or the key can sign here, otherwise FOUND.
        """
        if self.inputs.attest:
            return ATTESTATION
        if self.last_run and self.last_run.proof == POSSESSION:
            return POSSESSION
        return POSSESSION if self.inputs.shows_possession(registered.date) else FOUND

    def _prove(self, registered: RegisteredCertificate) -> Outcome:
        """Send the proof, or wait for it. The code of the last run is used while it is valid: a proof for it may exist already."""
        inputs, name = self.inputs, self.inputs.name_on_service
        valid_code = self.last_run.code if self.last_run and self.last_run.etag == registered.etag else None
        if valid_code is None:
            registered = self.certificates.generate_verification_code(name, etag=registered.etag)
            if not registered.code:
                raise ProofRejectedError(inputs.what, "the service returned no verification code", "run again; each run asks for one")
        code = valid_code or str(registered.code)
        try:
            proof_pem = inputs.proof(code, registered.date)
        except (ProofError, NotValidNowError):
            if valid_code is not None:
                raise
            proof_pem = None  # the given proof is for an older code or no longer valid; an error here would lose the new code
        if proof_pem is None:
            return Outcome(WAITING, registered.etag, registered.thumbprint, code=code)
        try:
            verified = self.certificates.verify(name, proof_pem, etag=registered.etag)
        except RefusedError as error:
            fact = f"the proof was rejected: {error.fact}{self._clock_skew(registered.date)}"
            raise ProofRejectedError(inputs.what, fact, error.remedy) from None
        if not verified.verified:
            fact = "the service accepted the proof and still reports the certificate as unverified"
            raise ProofRejectedError(inputs.what, fact, "run again; a new code is asked for")
        return Outcome(VERIFIED, verified.etag, verified.thumbprint, proof=POSSESSION)

    def _clock_skew(self, service_time: datetime) -> str:
        skew = self.local_time() - service_time
        if abs(skew) < _CLOCK_SKEW:
            return ""
        direction = "ahead of" if skew > timedelta(0) else "behind"
        return f" (this machine's clock is {abs(skew).total_seconds() / 60:.0f} minutes {direction} Azure's)"


def delete(certificates: Certificates, name: str, *, thumbprint: str, etag: str | None, deadline: float) -> bool:
    """Delete the certificate ``name`` if its thumbprint is ``thumbprint``. ``etag`` is the last known one; None: it is read first.

    Returns:
        False if another certificate has the name now; that one is kept.
    """
    etags = [etag] if etag else []  # for the first attempt only

    def attempt() -> bool:
        if etags:
            certificates.delete(name, etag=etags.pop())
            return True
        registered = certificates.get(name)
        if registered is None:
            return True
        if registered.thumbprint != thumbprint:
            return False
        certificates.delete(name, etag=registered.etag)
        return True

    return _retry_after_etag_errors(attempt, deadline)


def _retry_after_etag_errors(step: Callable[[], _T], deadline: float) -> _T:
    """Run ``step`` again after an etag error: another client made a change, or the response to our own was lost.

    From its second run on, ``step`` must read the etag again.
    """
    for attempt in stamina.retry_context(on=EtagError, timeout=deadline, **ETAG_RETRIES):
        with attempt:
            return step()
    raise AssertionError  # pragma: no cover - retry_context returns or raises
