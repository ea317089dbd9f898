"""The resources of one generation of an authority: its keys, its certificates, its certificate request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_tls as tls

from hubtrust import signer_inputs
from hubtrust.authority_errors import AuthorityError
from hubtrust.authority_keys import AuthorityKey
from hubtrust.authority_source import Anchor, Trust
from hubtrust.dynamic.authority_request import AuthorityRequest
from hubtrust.dynamic.issued_certificate import IssuedCertificate
from hubtrust.dynamic.signing_key import SigningKey
from hubtrust.generated_authority import ISSUING, ROOT, GeneratedAuthority, RequestedAuthority
from hubtrust.given_authority import GivenChain, Signer
from hubtrust.known_values import computed
from hubtrust.pki.keys import KeyAlgorithm

_HOURS = 24  # in a day: pulumi-tls takes hours


@dataclass(frozen=True)
class Declared:
    """What there is of a generation."""

    chain: pulumi.Input[str] | None
    """PEM, the issuing certificate first; None while there is no certificate."""
    anchor: Anchor | None
    """What hubs trust; None while there is no certificate."""
    signer: Signer | None
    """The signer with the issuing certificate's key; None, or one of custody offline, if that key is not here."""
    given: GivenChain | None = None
    """The chain, if it was made elsewhere."""
    request: pulumi.Output[str] | None = None
    """The certificate request, PEM, if there is one."""


@dataclass(frozen=True)
class GenerationResources:
    """Declares the resources of a generation."""

    parent: pulumi.Resource
    """The authority."""
    prefix: str
    """The authority's name and the generation: every resource's name begins with it."""
    trust: Trust
    """Which certificate is trusted."""
    cloud: str
    """Whose time the clock is compared with."""
    generations: pulumi.Resource
    """The check of the generations, which comes first."""
    is_kept: bool
    """It is the previous generation: its keys exist, and another algorithm is for the next ones."""

    def generate(self, source: GeneratedAuthority) -> Declared:
        """The keys and certificates of a CA that is generated here."""
        key = self._authority_key(ROOT, source)
        root = self._root(source, key)
        root_anchor = anchor = Anchor(root, key.signer)
        chain, signer = root, key.signer
        for place, label in enumerate(source.labels[1:], 1):
            child = self._authority_key(label, source)
            issued = IssuedCertificate(
                f"{self.prefix}-{label}",
                profile="intermediate",
                subject=source.subjects[label],
                public_key=child.public_key,
                issuer_certificate=chain,
                signer=signer,
                path_length=len(source.labels) - 1 - place,
                lifetime_days=source.issuing[0],
                renew_before_days=source.issuing[1],
                cloud=self.cloud,
                opts=self._options(),
            )
            signer = child.signer
            chain, anchor = issued.chain, Anchor(issued.certificate, signer)
        return Declared(chain, root_anchor if self.trust is Trust.ROOT else anchor, signer)

    def request(self, source: RequestedAuthority) -> Declared:
        """The key and the certificate request of a CA that somebody else signs, and its certificate once there is one."""
        signer, request = self._declare_request(source)
        if source.answer is None:
            return Declared(None, None, None, request=request)
        # The key here belongs to the lowest certificate of the chain: only that one can be proven.
        anchor = Anchor(source.answer.anchor, signer, is_given=True)
        return Declared(source.answer.text, anchor, signer, source.answer, request)

    def _declare_request(self, source: RequestedAuthority) -> tuple[Mapping[str, Any], pulumi.Output[Any]]:
        """The signer with the key, and the certificate request."""
        if source.stored:
            signing_key = SigningKey(
                f"{self.prefix}-issuing-key", signer=source.stored, make=source.key.value, subject=source.subject, opts=self._options()
            )
            return AuthorityKey.elsewhere(source.stored, signing_key.reference, signing_key.public_key).signer, signing_key.request
        signer = signer_inputs.in_state(self._key(ISSUING, source.key).private_key_pem)
        return signer, AuthorityRequest(f"{self.prefix}-request", signer=signer, subject=source.subject, opts=self._options()).request

    def _root(self, source: GeneratedAuthority, key: AuthorityKey) -> pulumi.Output[str]:
        """The root's certificate. pulumi-tls supports neither a path length of 0 nor a key in a vault or token: IssuedCertificate does."""
        below = len(source.labels) - 1
        if below == 0 or source.stored:
            return IssuedCertificate(
                f"{self.prefix}-root",
                profile="root",
                subject=source.subjects[ROOT],
                signer=key.signer,
                path_length=below,
                lifetime_days=source.root[0],
                renew_before_days=source.root[1],
                cloud=self.cloud,
                opts=self._options(),
            ).certificate
        return tls.SelfSignedCert(
            f"{self.prefix}-root",
            private_key_pem=key.signer["privateKey"],
            subject=tls.SelfSignedCertSubjectArgs(common_name=source.common_name, organization=source.organization),
            is_ca_certificate=True,
            max_path_length=below,
            set_subject_key_id=True,  # RFC 5280, 4.2.1.2: children name their issuer's key by it
            allowed_uses=["cert_signing", "crl_signing"],
            validity_period_hours=_hours(source.root[0]),
            early_renewal_hours=_hours(source.root[1]),
            opts=self._options(),
        ).cert_pem

    def _authority_key(self, label: str, source: GeneratedAuthority) -> AuthorityKey:
        """The key with this ``label``; created if it does not exist."""
        if source.stored is None:
            key = self._key(label, source.key)
            return AuthorityKey(key.public_key_pem, signer_inputs.in_state(key.private_key_pem))
        declared = source.stored[label]
        signing_key = SigningKey(f"{self.prefix}-{label}-key", signer=declared, make=source.key.value, opts=self._options())
        return AuthorityKey.elsewhere(declared, signing_key.reference, signing_key.public_key)

    def _key(self, label: str, algorithm: KeyAlgorithm) -> tls.PrivateKey:
        kept = ["algorithm", "ecdsaCurve", "rsaBits"] if self.is_kept else None
        opts = self._options(additional_secret_outputs=["privateKeyPem", "privateKeyOpenssh", "privateKeyPemPkcs8"], ignore_changes=kept)
        return tls.PrivateKey(f"{self.prefix}-{label}-key", **algorithm.tls_arguments, opts=opts)

    def _options(self, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self.parent, depends_on=[self.generations], **more)


def _hours(days: pulumi.Input[float]) -> pulumi.Input[int]:
    return computed(AuthorityError, lambda known: int(known * _HOURS), days)
