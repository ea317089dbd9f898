"""What is known about a certificate on its service: its state, how it was verified, and the evidence that possession was proven.

Azure says only whether a certificate is verified. Who verified it, and with which key, is known from what this stack did itself.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import pulumi

from hubtrust.azure.certificates import RegisteredCertificate
from hubtrust.azure.request_trace import RequestTrace
from hubtrust.azure.retry import ABSENCE_WAITS
from hubtrust.inputs import Properties
from hubtrust.pki.certificate import rfc3339

VERIFIED, WAITING, UNVERIFIED, REPLACED = "verified", "waiting", "unverified", "replaced"  # the output ``state``

# The output ``proof`` of a certificate that Azure calls verified.
POSSESSION = "possession"  # Azure accepted a proof for its code from this stack, and the certificate is unchanged since: ``Evidence``
KEY_HELD = "key-held"  # found verified; a local signature showed that the key is ours, but Azure's code was never asked for
ATTESTATION = "attestation"  # called verified by this stack, without a proof
FOUND = "found"  # called verified by somebody; nothing else is known
PROOFS = (POSSESSION, KEY_HELD, ATTESTATION, FOUND)


class VerifiedCertificateOutputs:
    """The outputs of a VerifiedCertificate."""

    service_id: pulumi.Output[str]
    """ARM id of the IoT hub or provisioning service."""
    certificate: pulumi.Output[str]
    """The declared certificate, PEM."""
    name: pulumi.Output[str | None]
    """The beginning of the name on the service, as declared."""
    generation: pulumi.Output[float | None]
    """The generation, as declared."""
    attest: pulumi.Output[bool | None]
    """Whether it is marked as verified without a proof, as declared."""
    cloud: pulumi.Output[str | None]
    """The cloud, as declared."""
    deadline: pulumi.Output[float | None]
    """How many seconds Azure's temporary refusals are retried, as declared."""
    certificate_name: pulumi.Output[str]
    """The whole name on the service: the beginning, the generation and the first 8 digits of the thumbprint, unless it is declared."""
    thumbprint: pulumi.Output[str]
    """SHA-1 thumbprint of the certificate that is on the service, as Azure shows it: 40 upper-case hex digits."""
    sha256: pulumi.Output[str]
    """SHA-256 thumbprint of the declared certificate: 64 upper-case hex digits."""
    subject: pulumi.Output[str]
    """The certificate's subject, as RFC 4514 text."""
    not_after: pulumi.Output[str]
    """When the certificate expires, UTC: 2036-11-24T03:19:06Z."""
    key_thumbprint: pulumi.Output[str]
    """SHA-256 of the certificate's public key (SubjectPublicKeyInfo, DER), hex; a renewed certificate has the same one."""
    custody: pulumi.Output[str | None]
    """Where the key is: `state`, `offline`, `key-vault` or `pkcs11`; None if there is no signer."""
    etag: pulumi.Output[str]
    """The certificate's etag on the service, which every change replaces."""
    code: pulumi.Output[str | None]
    """Azure's verification code, 48 hex digits, while it waits for a proof; it is valid while the etag is ``code_etag``."""
    code_etag: pulumi.Output[str | None]
    """The etag with which Azure takes a proof for ``code``."""
    ceremony: pulumi.Output[str | None]
    """The command that signs the proof for ``code`` where the key is, while it waits for one."""
    state: pulumi.Output[str]
    """What Azure says: `verified` or `waiting` for a proof; after a refresh it may be `unverified`, or `replaced` by another."""
    proof: pulumi.Output[str | None]
    """How a verified certificate became so: `possession` (Azure accepted this stack's proof), `key-held` (it was found verified, and the
    key is ours), `attestation` (marked without a proof) or `found` (somebody else did it).
    """
    imported: pulumi.Output[str | None]
    """`unknown` after an import, until a run does something with it: nobody says who registered it."""
    proven_code: pulumi.Output[str | None]
    """The code of the proof that Azure accepted. This evidence for `possession` holds while ``etag`` is ``proven_etag``."""
    proven_by: pulumi.Output[str | None]
    """The proof that Azure accepted: a certificate, PEM."""
    proven_etag: pulumi.Output[str | None]
    """The etag that the certificate got when Azure accepted the proof."""
    proven_at: pulumi.Output[str | None]
    """When Azure accepted the proof, by its own clock, UTC: 2026-11-24T03:19:06Z."""
    proofs: pulumi.Output[list[dict[str, Any]] | None]
    """Every proof of this certificate that Azure accepted from this stack, the oldest first; None if there is none. Each has `code`
    (Azure's), `proof` (a certificate, PEM), `etag` and `acceptedAt` (UTC) of Azure's answer; `requestId` and `correlationId`, as Azure's
    activity log has them; `deployedBy` (`objectId`, `tenantId`), from the access token that was sent; and `commit`, of the program. What
    is not known is null. Where the answer was lost, the two ids are null, and `etag` and `acceptedAt` are of the answer that showed the
    certificate verified. Earlier versions recorded the last proof alone (`proven_code` and so on): here it has no ids.
    """
    adopted: pulumi.Output[list[str] | None]
    """SHA-1 thumbprints of the certificates of others that this one replaced on the service because ``adopt`` named them."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What shows that possession was proven. It holds while ``etag`` is the certificate's etag: every change gives it another one.

    ``code`` is Azure's, ``proof`` (PEM) the certificate for it that Azure accepted, ``date`` (as 2036-11-24T03:19:06Z) Azure's time then.
    These three are None in what earlier versions recorded: they kept only the word and the etag.
    ``trace`` is that of the request with the proof. Where its answer was lost, the ids are None, and so is the deployer if an earlier run
    sent it. ``commit`` is that of the program that sent it, if it is known.
    """

    etag: str
    code: str | None = None
    proof: str | None = None
    date: str | None = None
    trace: RequestTrace | None = None
    commit: str | None = None

    @classmethod
    def of(
        cls, registered: RegisteredCertificate, code: str, proof: str, *, trace: RequestTrace | None = None, commit: str | None = None
    ) -> Self:
        """The evidence that ``registered``, which is verified, became so by ``proof`` for ``code``."""
        return cls(registered.etag, code, proof, rfc3339(registered.date), trace, commit)

    @classmethod
    def read(cls, olds: Properties) -> Self | None:
        """The evidence in a state's outputs."""
        if olds.get("provenEtag"):
            return cls(str(olds["provenEtag"]), olds.get("provenCode"), olds.get("provenBy"), olds.get("provenAt"))
        recorded = olds.get("proof") == POSSESSION and olds.get("state") == VERIFIED and olds.get("etag")
        return cls(str(olds["etag"])) if recorded else None


def evidence_outputs(evidence: Evidence | None) -> dict[str, Any]:
    """The outputs that keep ``evidence``."""
    if evidence is None:
        return dict.fromkeys(("provenEtag", "provenCode", "provenBy", "provenAt"))
    return {"provenEtag": evidence.etag, "provenCode": evidence.code, "provenBy": evidence.proof, "provenAt": evidence.date}


def recorded_proofs(olds: Properties) -> list[dict[str, Any]]:
    """The proofs in a state's outputs. What an earlier version recorded is one proof without ids."""
    if isinstance(found := olds.get("proofs"), list):
        return [dict(each) for each in found]
    return proofs_after([], Evidence.read(olds))


def proofs_after(recorded: list[dict[str, Any]], evidence: Evidence | None) -> list[dict[str, Any]]:
    """The output ``proofs``: those that are ``recorded``, then that of ``evidence`` if it is not among them."""
    if evidence is None or evidence.code is None or evidence.proof is None:
        return recorded
    if any((each.get("code"), each.get("proof")) == (evidence.code, evidence.proof) for each in recorded):
        return recorded
    trace, sender = evidence.trace, evidence.trace.deployer if evidence.trace else None
    new = {
        "code": evidence.code,
        "proof": evidence.proof,
        "etag": evidence.etag,
        "acceptedAt": evidence.date,
        "requestId": trace.request_id if trace else None,
        "correlationId": trace.correlation_id if trace else None,
        "deployedBy": {"objectId": sender.object_id, "tenantId": sender.tenant_id} if sender else None,
        "commit": evidence.commit,
    }
    return [*recorded, new]


@dataclass(frozen=True, slots=True)
class LastRun:
    """From the outputs of the last run. A resource that has a last run owns the name on the service.

    ``code`` is a verification code that was asked for and has no accepted proof yet. It is valid for Azure while the etag is
    ``code_etag``; that is None once a run without a proof for it found the certificate verified.
    """

    etag: str
    state: str | None = None
    proof: str | None = None
    code: str | None = None
    code_etag: str | None = None
    evidence: Evidence | None = None
    thumbprint: str | None = None  # of the certificate on the service
    proofs: list[dict[str, Any]] = field(default_factory=list)  # see ``proofs_after``
    adopted: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, olds: Properties) -> Self:
        """The last run, from its outputs."""
        etag, state = str(olds.get("etag") or ""), olds.get("state")
        code_etag = olds.get("codeEtag") or (etag if state == WAITING else None)  # earlier versions had no codeEtag
        known = (etag, state, olds.get("proof"), olds.get("code"), code_etag, Evidence.read(olds), olds.get("thumbprint"))
        return cls(*known, recorded_proofs(olds), list(olds.get("adopted") or []))

    def contradicts(self, registered: RegisteredCertificate | None) -> bool:
        """Whether ``registered`` has the etag of the last run, and is shown as another certificate or with another state."""
        if registered is None or registered.etag != self.etag or self.state not in (VERIFIED, WAITING, UNVERIFIED):
            return False
        return registered.verified is not (self.state == VERIFIED) or registered.thumbprint != self.thumbprint


def settled(read: Callable[[], RegisteredCertificate | None], last_run: LastRun | None) -> RegisteredCertificate | None:
    """What ``read`` finds. Every change gives a certificate another etag, so an answer that contradicts the last run is asked again.

    What would follow from it is a new code, which takes the verification away or voids the code of a ceremony. After some seconds it is
    believed.
    """
    found = read()
    for wait in ABSENCE_WAITS:
        if last_run is None or not last_run.contradicts(found):
            return found
        time.sleep(wait)
        found = read()
    return found


def how_verified(
    registered: RegisteredCertificate,
    last_run: LastRun | None,
    evidence: Evidence | None,
    *,
    attested: bool,
    shows_key: Callable[[], bool],
) -> str:
    """The word for a certificate that is verified. ``attested``: this stack declares it so. ``shows_key``: its key is shown to be ours."""
    if evidence is not None and evidence.etag == registered.etag:
        return POSSESSION
    if attested:
        return ATTESTATION
    if (last_run is not None and last_run.proof == KEY_HELD) or shows_key():
        return KEY_HELD
    unchanged = last_run is not None and last_run.proof == ATTESTATION and last_run.etag == registered.etag
    return ATTESTATION if unchanged else FOUND


def unproven_warning(what: str, proof: str, etag: str, last_run: LastRun | None, *, key_here: bool) -> str:
    """What happened to a certificate that is verified and not proven, and the setting that proves it."""
    evidence = last_run.evidence if last_run else None
    if evidence is not None and evidence.etag != etag:
        when = f" on {evidence.date}" if evidence.date else ""
        fact = f"it was changed on Azure after it was proven{when} (its etag was {evidence.etag} and is {etag})"
    elif last_run is not None and last_run.code:
        fact = "it became verified while it waited for its proof, and not by a proof of this stack"
    else:
        fact = "it was verified before this stack asked Azure for a code"
    known = "this stack has shown that it has the key" if proof == KEY_HELD else "who verified it, and with which key, is not known"
    price = "for a moment" if key_here else "until the proof is there"
    return (
        f"{what}: {fact}; {known}, so proof is {proof}; "
        f"to prove it, set reprove to '{etag}' and run up: Azure then gives a new code, which removes its verification {price}"
    )
