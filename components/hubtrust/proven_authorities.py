"""The CAs of a hub or a provisioning service: each generation's certificate, proven there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from hubtrust.authority import Anchor, CertificateAuthority
from hubtrust.dynamic.authority_generation import AuthorityGeneration, AuthorityGenerationInputs
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

    def declare_generation(self, authority: CertificateAuthority, dropped: pulumi.Input[int] | None, **where: Any) -> None:
        """Declare the authority's generation here, so that none is deleted while devices may depend on it. ``where``: see there.

        It comes after the certificates: when it refuses, the new generation is trusted already, and devices can move to it.
        """
        AuthorityGeneration(
            f"{self.prefix}-{authority.name}",
            authority=authority.name,
            generation=authority.generation,
            keep_previous=authority.previous is not None,
            cloud=self.cloud,
            drop_generation=dropped,
            **where,
            opts=self.child_options(deleted_with=self.resource, depends_on=self.all_certificates),
        )

    @property
    def all_certificates(self) -> list[VerifiedCertificate]:
        """Those of all authorities that were declared so far."""
        return [certificate for declared in self.certificates.values() for certificate in declared]

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


def dropped_of(authority: CertificateAuthority, dropped: pulumi.Input[int] | Mapping[str, pulumi.Input[int]] | None) -> Any:
    """The generation of this authority that may be deleted, of the argument ``drop_generation``; None if there is none."""
    return dropped.get(authority.name) if isinstance(dropped, Mapping) else dropped


def check_dropped(what: str, dropped: Any) -> None:
    """Read what is plain of the argument ``drop_generation``.

    Raises:
        HubtrustError: it is no generation.
    """
    for each in (dropped if isinstance(dropped, Mapping) else {"": dropped}).values():
        AuthorityGenerationInputs.check_plain(what, {"drop_generation": each})


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
