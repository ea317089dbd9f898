"""The output ``trust`` of a hub: what is known about each certificate that it trusts, or is to trust."""

from typing import Any

import pulumi

from hubtrust.certificates.verification import POSSESSION, VERIFIED, WAITING
from hubtrust.dynamic.verified_certificate import VerifiedCertificate


def trust_of(certificate: VerifiedCertificate) -> pulumi.Output[dict[str, Any]]:
    """What Azure says of ``certificate``, and how it became so. ``provenAt`` is Azure's time at the proof, while that proof holds."""
    proof, proven_at, code, ceremony = (
        _if_present(output, when_known=certificate.state)
        for output in (certificate.proof, certificate.proven_at, certificate.code, certificate.ceremony)
    )
    return pulumi.Output.all(
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


def waiting_for_certificate(name: str) -> pulumi.Output[dict[str, Any]]:
    """The entry of a CA that has no certificate yet: its request waits for an answer."""
    return pulumi.Output.from_input({"name": name, "state": WAITING, "verified": False, "proof": None})


def _if_present(value: pulumi.Output[Any], *, when_known: pulumi.Output[Any]) -> pulumi.Output[Any]:
    """``value``, or None if the resource has no such output: a preview would show a missing output as one that is not known yet."""
    return when_known.apply(lambda _: pulumi.Output.from_input(value.future()))
