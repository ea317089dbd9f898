"""Register one certificate on one service and prove possession of its key. Each run continues from what it finds on the service."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from hubtrust.azure.certificates import QUOTA, Certificates, RegisteredCertificate
from hubtrust.azure.errors import AzureError, EtagError, RefusedError
from hubtrust.azure.request_trace import RequestTrace
from hubtrust.azure.retry import ETAG_RETRIES, retry_context
from hubtrust.certificates.declaration import CertificateInputs
from hubtrust.certificates.verification import (
    ATTESTATION,
    FOUND,
    POSSESSION,
    UNVERIFIED,
    VERIFIED,
    WAITING,
    Evidence,
    LastRun,
    how_verified,
    settled,
)
from hubtrust.pki.certificate import pem
from hubtrust.pki.errors import NotValidNowError, ProofError
from hubtrust.reconcile_errors import AlreadyExistsError, ProofRejectedError, QuotaError

_T = TypeVar("_T")
_CLOCK_SKEW = timedelta(minutes=2)  # a smaller difference to Azure's clock is not reported


@dataclass(frozen=True, slots=True)
class Outcome:
    """The certificate on the service after this run.

    ``code`` has no accepted proof yet; Azure takes one while the etag is ``code_etag``. ``evidence`` is that of the last proof that Azure
    accepted, even if the certificate was changed since.
    """

    state: str  # unverified only where the certificate is not valid now, so that no proof is signed
    etag: str
    thumbprint: str
    code: str | None = None
    code_etag: str | None = None
    proof: str | None = None  # one of PROOFS; None: it is not verified
    evidence: Evidence | None = None


@dataclass(slots=True)
class Prover:
    """Registers and proves the certificate that ``inputs`` declare; ``local_time`` is this machine's clock, ``commit`` the program's.

    ``found_there``: the first read found this very certificate on the service. ``unanswered``: the last code and proof that were sent, if
    no answer came. ``adopted``: the thumbprint of the certificate of others that this run replaced, if there was one.
    """

    certificates: Certificates
    inputs: CertificateInputs
    last_run: LastRun | None
    local_time: Callable[[], datetime]
    commit: Callable[[], str | None] = lambda: None
    found_there: bool | None = field(default=None, init=False)
    unanswered: tuple[str, str] | None = field(default=None, init=False)
    adopted: str | None = field(default=None, init=False)
    unused: str = field(default="", init=False)  # why the given proof is not used, where that ends no run

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
        inputs = self.inputs
        registered = settled(partial(self.certificates.get, inputs.name_on_service), self.last_run)
        if self.found_there is None:
            self.found_there = registered is not None and registered.thumbprint == inputs.description.thumbprint
        if registered is None or registered.thumbprint != inputs.description.thumbprint:
            if registered is not None and self.last_run is None and registered.thumbprint not in inputs.adopt:
                fact = f"another certificate ({registered.thumbprint}) has this name"
                remedy = f'choose another name or generation, or replace that one: set adopt: ["{registered.thumbprint}"]'
                raise AlreadyExistsError(inputs.what, fact, remedy)
            replaced, registered = registered, self._put(registered.etag if registered else None)
            if replaced is not None and self.last_run is None:
                self.adopted = replaced.thumbprint
        elif registered.verified and registered.etag != inputs.reprove:
            return self._already_verified(registered)
        elif registered.verified:
            inputs.shows_possession(registered.date)  # a key that can't sign must not cost the verification
        if self.last_run is not None and not registered.verified and not inputs.is_valid_at(registered.date):
            return self._not_proven(registered, self.last_run)
        if inputs.attest:
            registered = registered if registered.verified else self._put(registered.etag)
            return Outcome(VERIFIED, registered.etag, registered.thumbprint, proof=ATTESTATION)
        return self._prove(registered)

    @staticmethod
    def _not_proven(registered: RegisteredCertificate, last: LastRun) -> Outcome:
        """A certificate that was trusted, has expired, and lost its verification: nobody could connect below it, so it is left as it is."""
        if last.code and last.code_etag == registered.etag:
            return Outcome(WAITING, registered.etag, registered.thumbprint, last.code, last.code_etag, evidence=last.evidence)
        return Outcome(UNVERIFIED, registered.etag, registered.thumbprint, evidence=last.evidence)

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

    def _already_verified(self, registered: RegisteredCertificate) -> Outcome:
        """What is known about a certificate that is verified already. It is not reset: devices depend on it."""
        inputs, last = self.inputs, self.last_run
        evidence = self._evidence(registered)
        shows_key = partial(self._shows_key, registered.date)
        proof = how_verified(registered, last, evidence, attested=inputs.attest, shows_key=shows_key)
        found = Outcome(VERIFIED, registered.etag, registered.thumbprint, proof=proof, evidence=evidence)
        if last is None or proof != FOUND:
            return found
        # Somebody else's word does not end a ceremony: every run asks for the proof. But the code is void, if the etag did change.
        return replace(found, code=last.code, code_etag=last.code_etag if last.code_etag == registered.etag else None)

    def _evidence(self, registered: RegisteredCertificate) -> Evidence | None:
        """The evidence for ``registered``, which is verified: of the last run, or concluded for a proof whose answer was lost.

        Such a proof is one that this run sent, or that an earlier run may have sent: the given proof for the code of the last run, if
        this is the first time that the certificate is seen verified.
        """
        if self.unanswered:
            sender = registered.trace.deployer if registered.trace else None  # the same login sent the proof
            return Evidence.of(registered, *self.unanswered, trace=RequestTrace(None, None, sender), commit=self.commit())
        last = self.last_run
        if last is None:
            return None
        first_seen = last.etag if last.state == VERIFIED else registered.etag
        if last.code_etag not in (None, registered.etag) and first_seen == registered.etag:
            given = self._given_proof(registered.date)
            return Evidence.of(registered, str(last.code), given) if given else last.evidence
        return last.evidence

    def _shows_key(self, date: datetime) -> bool:
        if not self.inputs.is_valid_at(date):
            return False  # what it would sign could not be valid
        return self.inputs.shows_possession(date) or self._given_proof(date) is not None

    def _given_proof(self, date: datetime) -> str | None:
        """The proof that was given as an input, PEM, if it is by the certificate's key and for the code of the last run."""
        if self.inputs.key is not None or self.last_run is None or self.last_run.code is None:
            return None
        try:
            return self.inputs.proof(self.last_run.code, date)
        except (ProofError, NotValidNowError):
            return None

    def _prove(self, registered: RegisteredCertificate) -> Outcome:
        """Send the proof, or wait for it. The code of the last run is used while it is valid: a proof for it may exist already."""
        inputs, name = self.inputs, self.inputs.name_on_service
        self.unanswered, self.unused = None, ""
        valid_code = self.last_run.code if self.last_run and self.last_run.code_etag == registered.etag else None
        if valid_code is None:
            registered = self.certificates.generate_verification_code(name, etag=registered.etag)
            if not registered.code:
                raise ProofRejectedError(inputs.what, "the service returned no verification code", "run again; each run asks for one")
        code = valid_code or str(registered.code)
        try:
            proof_pem = inputs.proof(code, registered.date)
        except (ProofError, NotValidNowError) as error:
            if valid_code is not None:
                raise
            proof_pem, self.unused = None, error.fact  # mostly for an older code; an error here would lose the new one
        if proof_pem is None:
            return Outcome(WAITING, registered.etag, registered.thumbprint, code, registered.etag)
        commit = self.commit()  # before the proof is sent: once Azure has accepted it, nothing may delay the state
        try:
            verified = self.certificates.verify(name, proof_pem, etag=registered.etag)
        except AzureError as error:
            if error.may_be_done:
                self.unanswered = (code, proof_pem)
                return self._without_answer(error)
            if not isinstance(error, RefusedError):
                raise
            fact = f"the proof was rejected: {error.fact}{self._clock_skew(registered.date)}"
            raise ProofRejectedError(inputs.what, fact, error.remedy) from None
        if not verified.verified:
            fact = "the service accepted the proof and still reports the certificate as unverified"
            raise ProofRejectedError(inputs.what, fact, "run again; a new code is asked for")
        evidence = Evidence.of(verified, code, proof_pem, trace=verified.trace, commit=commit)
        return Outcome(VERIFIED, verified.etag, verified.thumbprint, proof=POSSESSION, evidence=evidence)

    def _without_answer(self, error: AzureError) -> Outcome:
        """The proof was sent and its answer was lost: whether it was accepted, only the certificate itself shows.

        Raises:
            EtagError: a later try was refused, so that all of it is read and decided again.
            AzureError: ``error``, if the certificate is not verified, or can't be read.
        """
        if isinstance(error, EtagError | RefusedError):
            raise EtagError(error.what, error.fact, error.remedy) from None
        try:
            found = self.certificates.get(self.inputs.name_on_service)
        except AzureError:
            raise error from None
        if found is None or not found.verified or found.thumbprint != self.inputs.description.thumbprint:
            raise error
        return self._already_verified(found)

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
        known = etags.pop() if etags else None
        if known is None:
            registered = certificates.find(name)
            if registered is None or registered.thumbprint != thumbprint:
                return registered is None
            known = registered.etag
        certificates.delete(name, etag=known)
        certificates.require_deleted(name)
        return True

    return _retry_after_etag_errors(attempt, deadline)


def _retry_after_etag_errors(step: Callable[[], _T], deadline: float) -> _T:
    """Run ``step`` again after an etag error: another client made a change, or the response to our own was lost.

    From its second run on, ``step`` must read the etag again.
    """
    for attempt in retry_context(on=EtagError, timeout=deadline, **ETAG_RETRIES):
        with attempt:
            return step()
    raise AssertionError  # pragma: no cover - retry_context returns or raises
