"""How a service came to trust a certificate: words, mark and line. The words of the state are VerifiedCertificate's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .marks import BAD, GOOD, PART, UNKNOWN, WARN


@dataclass(frozen=True)
class Proof:
    """One way in which a service trusts a certificate, or does not."""

    degree: str
    words: str
    meaning: str
    line: str
    """The class of the line in the map."""


_VERIFIED: Final = {
    "possession": Proof(GOOD, "proven by possession", "Azure accepted a signature by the CA's key over its own code.", "proven"),
    "key-held": Proof(PART, "key held", "Found verified. The key is the stack's own, but Azure's code was never asked for.", "held"),
    "attestation": Proof(WARN, "marked without proof", "The stack told Azure to take it as verified. No key signed anything.", "claimed"),
    "found": Proof(WARN, "found verified", "Somebody verified it. How, and with which key, is not known.", "claimed"),
}
_UNKNOWN: Final = Proof(UNKNOWN, "verified, proof unknown", "Verified, and the state does not say how.", "claimed")
_OTHER: Final = {
    "waiting": Proof(WARN, "waiting for a proof", "Azure gave a code, and no proof has been accepted yet. It is not trusted.", "missing"),
    "unverified": Proof(BAD, "not verified", "Azure does not trust it.", "missing"),
    "replaced": Proof(BAD, "replaced", "Another certificate has its name on the service now.", "missing"),
}
LEGEND: Final = (*_VERIFIED.values(), _UNKNOWN, *_OTHER.values())


def proof_of(trust: Mapping[str, Any]) -> Proof:
    """How a service trusts a certificate, of its entry in the document."""
    state = str(trust.get("state") or "")
    if state == "verified":
        return _VERIFIED.get(str(trust.get("proof")), _UNKNOWN)
    return _OTHER.get(state) or Proof(UNKNOWN, state or "state unknown", "The state does not say whether Azure trusts it.", "missing")
