"""Checks proofs of possession: does this certificate prove that its issuer holds the CA's private key?"""

from __future__ import annotations

import hmac
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from local_azure_iot.judge import signatures

if TYPE_CHECKING:
    from datetime import datetime

    from local_azure_iot.judge.certificate import Certificate

# Azure was recorded to take a proof whose first second was still one second ahead of its own clock. How much it tolerates is a guess.
SKEW = timedelta(minutes=1)


class Reason(StrEnum):
    """Why a proof is refused, in the order of the checks."""

    SIGNATURE = "not signed by this certificate's key"
    CODE = "its subject is not the newest verification code"
    DATES = "not within its dates"


def refusal_reason(proof: Certificate, authority: Certificate, code: str, now: datetime) -> Reason | None:
    """Why a proof is refused, or None: it must be signed by this authority's key, its CN must be the code, and it must be within its dates.

    Its subject may have more than a common name. Extensions are not checked: Azure was recorded to accept proofs without any.
    """
    if proof.issuer.canonical != authority.subject.canonical or not signatures.is_signed_by(proof, authority):
        return Reason.SIGNATURE
    names = proof.subject.common_names
    if not code:
        return Reason.CODE  # no code was issued: an empty common name must not match
    # Azure's code is upper-case hex; the comparison is exact, and in constant time by habit.
    if len(names) != 1 or not hmac.compare_digest(names[0].encode("utf-8", "replace"), code.encode()):
        return Reason.CODE
    if proof.not_before is None or proof.not_after is None or not (proof.not_before <= now + SKEW and now <= proof.not_after):
        return Reason.DATES
    return None
