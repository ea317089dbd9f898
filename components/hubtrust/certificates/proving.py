"""One certificate on one service, from whatever is found there to "its proof stands": every step can be the first of a run."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import stamina

from hubtrust.azure.certificates import QUOTA, Certificates, RegisteredCertificate
from hubtrust.azure.errors import EtagError, RefusedError
from hubtrust.pki.errors import NotValidNowError, ProofError
from hubtrust.reconcile_errors import ProofRejectedError, QuotaError, TakenError

VERIFIED, WAITING, UNVERIFIED, REPLACED = "verified", "waiting", "unverified", "replaced"
POSSESSION, ATTESTATION, FOUND = "possession", "attestation", "found"
_T = TypeVar("_T")
logging.getLogger("stamina").addHandler(logging.NullHandler())  # a retry that helps is nobody's news
_MOST_ROUNDS = 10  # of reading again after an etag changed: more means that somebody fights us
_SKEW = timedelta(minutes=2)

# The proof (PEM) for a code at a time of day; None where it is made elsewhere and has not come yet.
Answer = Callable[[str, datetime], str | None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to stand: the authority's certificate under this name, proven, or (``attest``) called verified without proof."""

    what: str  # how messages call it
    name: str
    pem: str
    thumbprint: str
    attest: bool = False
    adopt: bool = False


@dataclass(frozen=True, slots=True)
class Remembered:
    """What an earlier run knew: the live code with its etag, and the proof; that it exists makes the name ours."""

    etag: str
    code: str | None
    proof: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands now; ``code`` and ``etag`` belong together and stay good until the etag changes."""

    state: str
    etag: str
    thumbprint: str
    code: str | None = None
    proof: str | None = None
    stood: bool = False  # verified before anything was done


@dataclass(frozen=True, slots=True)
class Prover:
    """``answer`` makes proofs, ``witness`` shows possession without the service, ``local_time`` is this machine's clock."""

    certificates: Certificates
    answer: Answer
    witness: Callable[[datetime], bool]
    local_time: Callable[[], datetime]
    deadline: float  # seconds

    def reconcile(self, wanted: Wanted, remembered: Remembered | None) -> Standing:
        """Read, then do what is missing; when an etag turns out to be old, read again and go on from there.

        Raises:
            TakenError: the name holds another certificate that is not ours.
            QuotaError, ProofRejectedError: see there.
            AzureError, PkiError: whatever the service, or the key, objects to.
        """
        return _again_after_etag_errors(lambda: self._round(wanted, remembered), self.deadline)

    def _round(self, wanted: Wanted, remembered: Remembered | None) -> Standing:
        found = self.certificates.get(wanted.name)
        if found is None or found.thumbprint != wanted.thumbprint:
            if found is not None and remembered is None and not wanted.adopt:
                fact = f"another certificate ({found.thumbprint}) holds this name"
                raise TakenError(wanted.what, fact, "choose another name or generation, or set adopt to replace that one")
            found = self._put(wanted, found.etag if found else None)
        elif found.verified and remembered and remembered.proof == ATTESTATION and not wanted.attest:
            found = self._put(wanted, found.etag)  # attested once, now to be proven: Azure forgets the first only when it is put anew
        elif found.verified:
            return Standing(VERIFIED, found.etag, found.thumbprint, proof=self._proof_of_found(wanted, found, remembered), stood=True)
        if wanted.attest:
            found = found if found.verified else self._put(wanted, found.etag)
            return Standing(VERIFIED, found.etag, found.thumbprint, proof=ATTESTATION)
        return self._prove(wanted, found, remembered)

    def _put(self, wanted: Wanted, etag: str | None) -> RegisteredCertificate:
        try:
            return self.certificates.put(wanted.name, wanted.pem, etag=etag, attested=wanted.attest)
        except RefusedError:
            names = [] if etag else self.certificates.names()
            if len(names) < QUOTA:
                raise
            fact = f"there are {len(names)} certificates already and Azure allows {QUOTA}: {', '.join(sorted(names))}"
            raise QuotaError(wanted.what, fact, "delete one that no device needs any more") from None

    def _proof_of_found(self, wanted: Wanted, found: RegisteredCertificate, remembered: Remembered | None) -> str:
        """It is verified already. By us, as far as we remember; else what we can show ourselves, and no more is claimed."""
        if wanted.attest:
            return ATTESTATION
        if remembered and remembered.proof == POSSESSION:
            return POSSESSION
        return POSSESSION if self.witness(found.date) else FOUND

    def _prove(self, wanted: Wanted, found: RegisteredCertificate, remembered: Remembered | None) -> Standing:
        """A code stays good as long as its etag does, across runs: a fresh one is asked for only where there is none."""
        live = remembered.code if remembered and remembered.etag == found.etag else None
        if live is None:
            found = self.certificates.generate_verification_code(wanted.name, etag=found.etag)
            if not found.code:
                raise ProofRejectedError(wanted.what, "the service gave no verification code", "run again; each run asks for one")
        code = live or str(found.code)
        try:
            proof = self.answer(code, found.date)
        except (ProofError, NotValidNowError):
            if live is not None:
                raise
            proof = None  # the answer that lies there is for an older code; raising would lose the one just made
        if proof is None:
            return Standing(WAITING, found.etag, found.thumbprint, code=code)
        try:
            verified = self.certificates.verify(wanted.name, proof, etag=found.etag)
        except RefusedError as error:
            raise ProofRejectedError(wanted.what, f"the proof was rejected: {error.fact}{self._skew(found.date)}", error.remedy) from None
        if not verified.verified:
            raise ProofRejectedError(
                wanted.what, "the service took the proof and still calls it unverified", "run again; a fresh code is asked for"
            )
        return Standing(VERIFIED, verified.etag, verified.thumbprint, proof=POSSESSION)

    def _skew(self, service_time: datetime) -> str:
        off = self.local_time() - service_time
        if abs(off) < _SKEW:
            return ""
        side = "ahead of" if off > timedelta(0) else "behind"
        return f" (this machine's clock is {abs(off).total_seconds() / 60:.0f} minutes {side} Azure's)"


def removed(certificates: Certificates, name: str, *, thumbprint: str, etag: str | None, deadline: float) -> bool:
    """Delete ``name`` by ``etag`` (None: read it first); False when another certificate than ``thumbprint`` holds the name, and stays."""
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
    """The one semantic loop: an old etag means that somebody wrote, or that the answer to our own write was lost; ``step`` reads again."""
    waits = {"wait_initial": 0.1, "wait_max": 5.0, "wait_jitter": 0.2}  # seconds
    for attempt in stamina.retry_context(on=EtagError, attempts=_MOST_ROUNDS, timeout=deadline, **waits):
        with attempt:
            return step()
    raise AssertionError  # pragma: no cover - retry_context returns or raises
