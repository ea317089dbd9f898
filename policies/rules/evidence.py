"""The rule that a proof of possession is not only a word: what shows it is in the state, and is judged again."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from .certificate import UnreadableError
from .certificates import load
from .resource import VERIFIED_CERTIFICATE, on_each
from .signature import is_signed_by
from .trust import POSSESSION, VERIFIED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .certificate import Certificate
    from .resource import Resource

    Settings = Mapping[str, Any]

_CODE = re.compile(r"[0-9A-Fa-f]{48}")
_CLOCK_SKEW = timedelta(minutes=5)  # of the machine where a proof was signed


def proof_evidence(resources: Sequence[Resource], _settings: Settings) -> Iterator[tuple[str, str]]:
    """A CA that a run leaves verified by possession has the evidence for it: Azure's code, the proof for it, its date and etag.

    Reason: `proof: possession` is one word in the state, which whoever may write the state can write. The proof can't be written without
    the CA's key: it is a certificate whose common name is Azure's code and whose signature is by that key. The etag ties it to the
    certificate as it is on Azure now. Earlier versions recorded no code and no proof.
    Source: learn.microsoft.com/azure/iot-hub/tutorial-x509-prove-possession; RFC 5280 6.1.3 (a) (1).
    """
    return on_each(resources, _unsupported)


def _unsupported(resource: Resource) -> Iterator[str]:
    if says_possession(resource) and (missing := _flaw(resource)):
        etag = resource.read("etag")
        remedy = f"prove it again: set hubtrust:reprove to '{etag}', which removes its verification until it is proven"
        yield f"its proof is possession, but {missing}: {remedy}"


def says_possession(resource: Resource) -> bool:
    """Whether the run left a certificate verified, and says that this stack has proven it."""
    return resource.type == VERIFIED_CERTIFICATE and resource.known("state") == VERIFIED and resource.known("proof") == POSSESSION


def _flaw(resource: Resource) -> str | None:
    """What is wrong with the evidence; None if it shows possession."""
    found = {name: resource.known(name) for name in ("provenEtag", "provenCode", "provenBy", "provenAt")}
    missing = [name for name, value in found.items() if not value]
    if missing:
        return f"the evidence for it is not in the state ({', '.join(missing)})"
    if found["provenEtag"] != resource.known("etag"):
        return f"it was proven with the etag '{found['provenEtag']}', and its etag is now '{resource.known('etag')}'"
    try:
        at = datetime.strptime(str(found["provenAt"]), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return f"'{found['provenAt']}' is no date on which Azure can have accepted it (provenAt)"
    try:
        (proof,), (authority, *_) = load(str(found["provenBy"])), load(str(resource.known("certificate")))
    except (UnreadableError, ValueError):
        return "its proof can't be read as one certificate (provenBy)"
    if not proof.not_before - _CLOCK_SKEW <= at <= proof.not_after:
        return f"its proof was not valid at {found['provenAt']}, when Azure accepted it (provenAt, provenBy)"
    return flaw_of_proof(proof, authority, str(found["provenCode"]))


def flaw_of_proof(proof: Certificate, authority: Certificate, code: str) -> str | None:
    """Why ``proof`` does not show that whoever has the key of ``authority`` signed Azure's code; None if it does.

    Without the code's form, each certificate of a device would be a proof, with the device's id as the code.
    """
    if not _CODE.fullmatch(code):
        return f"'{code[:48]}' is no verification code of Azure: it has 48 hex digits (provenCode)"
    if proof.subject.common_names != [code]:
        return f"its proof is for {proof}, and Azure's code was {code} (provenBy, provenCode)"
    return None if is_signed_by(proof, authority.key) else f"its proof is not signed by the key of {authority} (provenBy)"
