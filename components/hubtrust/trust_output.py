"""The output ``trust`` of a hub or provisioning service: what is known about each certificate that it trusts, or is to trust."""

from typing import Required, TypedDict, cast

import pulumi

from hubtrust.certificates.verification import POSSESSION, VERIFIED, WAITING
from hubtrust.dynamic.verified_certificate import VerifiedCertificate
from hubtrust.known_values import if_present


class TrustedCertificate(TypedDict, total=False):
    """A certificate that a hub or provisioning service trusts, or is to trust. A CA without one yet has the first four keys only."""

    name: Required[str]
    """The certificate's name on the hub; of a CA that has none yet, the authority's name."""
    state: Required[str]
    """What Azure says: `verified` or `waiting`; after a refresh it may be `unverified` or `replaced`."""
    verified: Required[bool]
    """Whether the hub accepts its devices."""
    proof: Required[str | None]
    """How it became verified: `possession`, `key-held`, `attestation` or `found`; None if it is not verified."""
    thumbprint: str
    """SHA-1, as Azure shows it: 40 upper-case hex digits."""
    sha256: str
    """SHA-256: 64 upper-case hex digits."""
    subject: str
    """The certificate's subject, as RFC 4514 text."""
    notAfter: str
    """When it expires, UTC: 2036-11-24T03:19:06Z."""
    etag: str
    """The certificate's etag on the hub: what ``reprove`` takes."""
    provenAt: str | None
    """When Azure accepted the proof, by its own clock, while that proof holds."""
    code: str | None
    """Azure's verification code, 48 hex digits, while it waits for a proof."""
    ceremony: str | None
    """The command that signs the proof where the key is, while it waits for one."""


def trust_of(certificate: VerifiedCertificate) -> pulumi.Output[TrustedCertificate]:
    """What Azure says of ``certificate``, and how it became so."""
    proof, proven_at, code, ceremony = (
        if_present(output, when_known=certificate.state)
        for output in (certificate.proof, certificate.proven_at, certificate.code, certificate.ceremony)
    )
    found = pulumi.Output.all(
        name=certificate.certificate_name,
        thumbprint=certificate.thumbprint,
        sha256=certificate.sha256,
        subject=certificate.subject,
        notAfter=certificate.not_after,
        etag=certificate.etag,
        state=certificate.state,
        verified=certificate.state.apply(lambda state: state == VERIFIED),
        proof=proof,
        provenAt=pulumi.Output.all(proof, proven_at).apply(lambda found: found[1] if found[0] == POSSESSION else None),
        code=code,
        ceremony=ceremony,
    )
    return cast("pulumi.Output[TrustedCertificate]", found)


def waiting_for_certificate(name: str) -> pulumi.Output[TrustedCertificate]:
    """The entry of a CA that has no certificate yet: its request waits for an answer."""
    return pulumi.Output.from_input(TrustedCertificate(name=name, state=WAITING, verified=False, proof=None))


def checked_trust(trust: pulumi.Output[list[TrustedCertificate]]) -> pulumi.Output[list[dict[str, object]]]:
    """``trust`` as ConnectionCheck takes it: a change of anything else needs no new check."""
    return trust.apply(lambda trusted: [{name: one.get(name) for name in _CHECKED} for one in trusted])


_CHECKED = ("name", "thumbprint", "etag", "state", "verified")
