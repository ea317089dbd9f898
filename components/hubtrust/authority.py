"""CertificateAuthority: the CA that hubs trust: generated here, imported, or signed by somebody else on a certificate request."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import pulumi

from hubtrust import component_outputs
from hubtrust.authority_arguments import (
    Source,
    read_certificate_name,
    read_flag,
    read_generation,
    read_proof,
    read_trust,
    require_authority_name,
    require_generations,
    require_imported_key,
    require_source,
)
from hubtrust.authority_errors import AuthorityError
from hubtrust.authority_keys import InKeyVault, InToken, KeyName
from hubtrust.authority_readers import kind
from hubtrust.authority_resources import Declared, GenerationResources
from hubtrust.authority_source import Anchor, Generate, Import, Request, Trust
from hubtrust.cloud_choice import choose_cloud
from hubtrust.dynamic.authority_generation import AuthorityGeneration
from hubtrust.dynamic.possession_proof import PossessionProof
from hubtrust.errors import shown
from hubtrust.generated_authority import ISSUING, GeneratedAuthority, RequestedAuthority
from hubtrust.given_authority import ImportedAuthority, imported
from hubtrust.known_values import computed, if_present, is_plain, require_plain, validated
from hubtrust.pki.keys import KeyAlgorithm

__all__ = ["Anchor", "AuthorityError", "CertificateAuthority", "Generate", "Import", "KeyAlgorithm", "Request", "Trust"]


class CertificateAuthority(pulumi.ComponentResource):
    """A root and any number of intermediates, with path lengths; no certificate ends after its issuer's (RFC 5280)."""

    name: str
    """The authority's name, and the first part of its certificates' names on a hub."""
    generation: int
    """The number of the current generation."""
    trust: Trust
    """Which certificate hubs trust."""
    cloud: str
    """Whose time dates the certificates: `public`, `usgovernment`, `china` or the https URL of a metadata host."""
    chain: pulumi.Output[str | None]
    """PEM, the issuing certificate first; None while a ``Request`` has no answer."""
    certificate: pulumi.Output[str | None]
    """The certificate of the current generation that hubs trust, PEM; None while a ``Request`` has no answer."""
    given_anchor: pulumi.Input[str] | None
    """Of an imported or returned chain the certificate that hubs trust, PEM; those above it are not checked. None if it is generated."""
    certificate_request: pulumi.Output[str | None]
    """The CSR of a ``Request``, PEM (RFC 2986); otherwise None."""
    anchor: Anchor | None
    """The trust anchor of the current generation; None while a ``Request`` has no answer."""
    previous: Anchor | None
    """The trust anchor of the previous generation, if it is kept."""
    generations: AuthorityGeneration
    """Checks the change of generations before anything else of the CA is created."""
    signer: pulumi.Input[Mapping[str, Any]] | None
    """Signs device certificates, with the issuing certificate's key. None if that key is not here; where that follows from an Output, it is
    a signer of custody `offline`."""

    def __init__(
        self,
        name: str,
        *,
        source: Generate | Import | Request,
        generation: int = 1,
        keep_previous: bool = False,
        previous: Generate | Import | Request | None = None,
        trust: Trust | str | None = None,
        cloud: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the CA's keys and certificates.

        These arguments are plain, because they decide which resources there are, and what they are called. The values in ``source`` and
        ``previous`` may be Outputs: see ``Generate``, ``Import`` and ``Request``.

        Args:
            name: the resource's name, and the first part of the certificates' names on a hub: letters, digits, `-` `.` `_`.
            source: where the CA comes from.
            generation: 1, 2, …; the next generation is a new CA with new keys, proven before the previous one is deleted.
            previous: where the previous generation came from; default: ``source``, which is right for keys that are named here.
            keep_previous: keep the previous generation too, trusted by the hub, while devices move to the new one.
            trust: which certificate hubs trust, `issuing` or `root`; default: the issuing one.
            cloud: whose time this machine's clock is compared with before anything is issued, as TrustedHub takes it; None: azure-native's.
            opts: Pulumi's resource options.

        Raises:
            CloudChoiceError: there is no such cloud.
            AuthorityError: an argument is not valid, or an Output where it must be plain; an imported or returned chain is not valid (see
                ``load_chain``), or the key is not the trusted certificate's. No resource is declared then. If it is the value of an Output
                that is not valid, what depends on it fails with this error.
        """
        self.generation, self.trust = read_generation(generation), read_trust(trust)
        keeps = read_flag("keep_previous", keep_previous)
        require_authority_name(name, self.generation)
        current = _settled(require_source("source", source))
        before = None if previous is None else _settled(require_source("previous", previous))
        require_generations(name, current, self.generation, keep_previous=keeps, previous=before, trust=self.trust)
        require_plain(AuthorityError, "cloud", cloud)
        self.name, self.cloud = name, choose_cloud(cloud, creates_hub=False)
        with AuthorityError.told():
            read = self._read(current, self.generation)
            read_before = self._read(before or current, self.generation - 1) if keeps else None
        super().__init__("hubtrust:index:CertificateAuthority", name, None, opts)
        self.generations = AuthorityGeneration(
            name,
            authority=name,
            generation=self.generation,
            keep_previous=keeps,
            clock_of=self.cloud if isinstance(source, Generate) else None,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.previous = self._declare(read_before, self.generation - 1).anchor if read_before else None
        declared = self._declare(read, self.generation)
        self.anchor, self.signer, self._given = declared.anchor, declared.signer, declared.given
        self.given_anchor = declared.given.anchor if declared.given else None
        self.certificate = pulumi.Output.from_input(declared.anchor.certificate if declared.anchor else None)
        self.chain = pulumi.Output.from_input(declared.chain)
        self.certificate_request = pulumi.Output.from_input(declared.request)
        component_outputs.register(self)

    def prove(
        self, hub: str, code: pulumi.Input[str | None] | None, *, opts: pulumi.ResourceOptions | None = None
    ) -> pulumi.Output[str | None]:
        """The proof of possession, PEM, for a hub that another stack manages; that stack takes it as ``Import(proof=…)``.

        Args:
            hub: a name for the hub, part of the resource's name. Plain.
            code: the verification code that the hub asks for now: `code` in the output ``trust`` of its TrustedHub. None while it asks for
                none: then the last proof is kept. Whoever sets it can have a hub of their choice trust this CA.
            opts: options of the resource, a ``PossessionProof``.

        Raises:
            AuthorityError: the authority has no certificate yet, or ``hub`` is no plain text.
        """
        require_plain(AuthorityError, "hub", hub)
        if not isinstance(hub, str) or not hub:
            raise AuthorityError("hub", kind(hub), "give a name for the hub, which becomes part of the resource's name")
        if self.anchor is None:
            fact = "its certificate request has no answer yet, so there is nothing to prove"
            raise AuthorityError(f"authority '{self.name}'", fact, "give the answer first")
        own = pulumi.ResourceOptions(parent=self, depends_on=[self.generations])
        created = PossessionProof(
            f"{self.name}-g{self.generation}-proof-{hub}",
            certificate=self.anchor.certificate,
            code=code,
            signer=self.anchor.signer,
            cloud=self.cloud,
            opts=pulumi.ResourceOptions.merge(own, opts),
        )
        return if_present(created.proof, when_known=created.certificate)

    def given_among(self, trusted: Sequence[Anchor]) -> pulumi.Input[str | None] | None:
        """The lowest certificate of an imported or returned chain that is one of ``trusted``, PEM; None if none is, or it was generated."""
        return self._given.first_of([anchor.certificate for anchor in trusted if anchor.is_given]) if self._given else None

    def _read(self, source: Source, generation: int) -> GeneratedAuthority | RequestedAuthority | tuple[Import, ImportedAuthority]:
        """What is declared of this generation, checked as far as it is plain."""
        prefix = f"{self.name}-g{generation}"
        if isinstance(source, Generate):
            return GeneratedAuthority.read(source, prefix)
        if isinstance(source, Request):
            return RequestedAuthority.read(source, prefix)
        require_imported_key(source)
        read = imported(source, self.trust, KeyName(prefix, ISSUING, 0))
        name = validated(AuthorityError, read_certificate_name, source.certificate_name)
        return replace(source, certificate_name=name, proof=validated(AuthorityError, read_proof, source.proof)), read

    def _declare(self, source: GeneratedAuthority | RequestedAuthority | tuple[Import, ImportedAuthority], generation: int) -> Declared:
        prefix, is_kept = f"{self.name}-g{generation}", generation < self.generation
        resources = GenerationResources(self, prefix, self.trust, self.cloud, self.generations, is_kept)
        match source:
            case GeneratedAuthority():
                if len(source.labels) > 1:
                    computed(AuthorityError, self._warn_of_end, source.root[0], source.issuing[0])
                declared = resources.generate(source)
            case RequestedAuthority():
                declared = resources.request(source)
            case (given, read):
                anchor = Anchor(read.chain.anchor, read.proving, given.proof, given.certificate_name, is_given=True)
                declared = Declared(read.chain.text, anchor, read.signing, read.chain)
        if declared.given:
            computed(AuthorityError, self._warn_of, declared.given.notices)
        return replace(declared, anchor=replace(declared.anchor, generation=generation)) if declared.anchor else declared

    def _warn_of_end(self, root_days: int, issuing_days: int) -> None:
        if issuing_days > root_days:
            fact = f"issuing_days (caIssuingDays) is {issuing_days:g}, and root_days (caRootDays) is only {root_days:g}"
            remedy = f"set issuing_days to at most {root_days:g}, or root_days to at least {issuing_days:g}"
            pulumi.log.warn(f"{self.name}: {fact}, so the CAs below the root end with it; {remedy}", self)

    def _warn_of(self, notices: Sequence[str]) -> None:
        for notice in notices:
            pulumi.log.warn(shown(notice), self)


def _settled(value: Any) -> Any:
    """``value`` with Outputs in place of whatever else is not plain: what is awaited can be awaited once only."""
    if isinstance(value, Generate | Import | Request | InKeyVault | InToken):
        return replace(value, **{one.name: _settled(getattr(value, one.name)) for one in fields(value)})
    if isinstance(value, list | tuple):
        return [_settled(one) for one in value]
    return value if is_plain(value) else pulumi.Output.from_input(value)
