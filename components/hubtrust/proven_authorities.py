"""The CAs of a hub or a provisioning service: each generation's certificate, proven there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from hubtrust.authority import Anchor, CertificateAuthority
from hubtrust.dynamic.verified_certificate import VerifiedCertificate
from hubtrust.program_errors import ProgramError
from hubtrust.trust_output import TrustedCertificate, trust_of, waiting_for_certificate


class SameNameError(ProgramError):
    """Two authorities have the same name, so their certificates on the hub or service would have the same names too."""


class AuthoritiesError(ProgramError):
    """The authorities are not a list of CertificateAuthority."""


@dataclass
class ProvenAuthorities:
    """Declares a VerifiedCertificate for each generation of an authority on one hub or provisioning service."""

    prefix: str
    """The component's name: every resource's name begins with it."""
    service_id: pulumi.Output[str]
    cloud: str
    options: Mapping[str, Any]
    """Inputs that all of them have: attest, reprove, adopt, deadline."""
    child_options: Callable[..., pulumi.ResourceOptions]
    resource: pulumi.Resource | None
    """What they are deleted with."""
    certificates: dict[str, list[VerifiedCertificate]] = field(default_factory=dict)
    """By the authority's name; the current generation's first."""

    def trust(self, authority: CertificateAuthority) -> list[pulumi.Output[TrustedCertificate]]:
        """The current generation first, then the previous one if it is kept."""
        anchors = [anchor for anchor in (authority.anchor, authority.previous) if anchor]
        declared = [self._verify(authority, anchor) for anchor in anchors]
        self.certificates[authority.name] = declared
        trusted = [trust_of(certificate) for certificate in declared]
        return trusted if authority.anchor is not None else [waiting_for_certificate(authority.name), *trusted]

    def _verify(self, authority: CertificateAuthority, anchor: Anchor) -> VerifiedCertificate:
        return VerifiedCertificate(
            f"{self.prefix}-{authority.name}-g{anchor.generation}",
            service_id=self.service_id,
            certificate=anchor.certificate,
            name=authority.name,
            generation=anchor.generation,
            certificate_name=anchor.certificate_name,
            signer=anchor.signer,
            proof_certificate=anchor.proof,
            cloud=self.cloud,
            **self.options,
            opts=self.child_options(deleted_with=self.resource, depends_on=[authority.generations]),
        )


def require_authorities(owner: str, authorities: Any) -> None:
    """Check the argument ``authorities`` of the component called ``owner``.

    Raises:
        AuthoritiesError: it is not a list of CertificateAuthority.
        SameNameError: two have the same name.
    """
    what, remedy = f"the authorities of '{owner}'", "give a list of CertificateAuthority"
    if isinstance(authorities, pulumi.Output):
        raise AuthoritiesError(what, "they are an Output; they decide which resources there are", "give a plain list")
    if not isinstance(authorities, list | tuple):
        raise AuthoritiesError(what, f"they are of type {type(authorities).__name__}", remedy)
    for one in authorities:
        if not isinstance(one, CertificateAuthority):
            raise AuthoritiesError(what, f"one of them is of type {type(one).__name__}", remedy)
    names = [authority.name for authority in authorities]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SameNameError(what, f"two of them are called '{twice[0]}'", "give each authority its own name")
