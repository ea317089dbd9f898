"""TrustedHub: an IoT hub and the CAs that it trusts, each with proof of possession."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_azure_native import iothub, resources

from hubtrust import hub_adoption as adoption
from hubtrust.authority import Anchor, CertificateAuthority
from hubtrust.azure import clouds
from hubtrust.azure.errors import AzureError
from hubtrust.azure.service import Service, service
from hubtrust.azure_search import OWNER_TAG
from hubtrust.cloud_choice import choose_cloud
from hubtrust.dynamic.authority_generation import AuthorityGeneration
from hubtrust.dynamic.hub_inputs import stack_name
from hubtrust.dynamic.verified_certificate import VerifiedCertificate
from hubtrust.hub_identity import HubIdentity
from hubtrust.hub_settings import SKU, HubSettings
from hubtrust.operator_roles import DATA_CONTRIBUTOR, OperatorRole
from hubtrust.operators import Operator
from hubtrust.program_errors import ProgramError
from hubtrust.replaced_arguments import refuse_drop_previous
from hubtrust.trust_output import trust_of, waiting_for_certificate


class HubIdError(ProgramError):
    """The text is not the resource id of an IoT hub."""


class SameNameError(ProgramError):
    """Two authorities of a hub have the same name, so their certificates on the hub would have the same names too."""


class TrustedHub(pulumi.ComponentResource):
    """An IoT hub that trusts its authorities because possession of their keys was proven."""

    resource_group_name: pulumi.Output[str]
    hub_name: pulumi.Output[str]
    host_name: pulumi.Output[str | None]
    hub_id: pulumi.Output[str]
    trust: pulumi.Output[
        list[dict[str, Any]]
    ]  # for each certificate: name, thumbprint, sha256, subject, notAfter, etag, state, verified, proof, provenAt, …
    authorities: tuple[CertificateAuthority, ...]
    trusts_others: bool  # it may trust CAs that are not declared here, because the hub was there before
    resource: pulumi.Resource | None  # the hub, if this stack manages it: what belongs to the hub is deleted with it
    cloud: str

    def __init__(
        self,
        name: str,
        *,
        authorities: Sequence[CertificateAuthority],
        settings: HubSettings | None = None,
        existing_id: str | None = None,
        attest: bool = False,
        reprove: str | None = None,
        adopt: Sequence[str] | None = None,
        drop_generation: int | Mapping[str, int] | None = None,
        drop_previous: object = None,
        leave: str | None = None,
        cloud: str | None = None,
        deadline: float | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the hub and a VerifiedCertificate for each authority.

        Args:
            name: the resource's name.
            authorities: the CAs that the hub trusts.
            settings: the hub, if this stack manages it.
            existing_id: the resource id of a hub that somebody else manages: see ``existing``.
            attest: set certificates to verified without a proof; this logs a warning, and the policy pack forbids it in production.
            reprove: the etag of a certificate to prove again although it is verified; this takes its verification away until it is proven.
            adopt: SHA-1 thumbprints of existing certificates that may be replaced if they have one of our certificate names.
            drop_generation: confirm that the devices have moved from this generation, so that it is deleted although devices are enabled.
                It holds for that generation alone. With several authorities: the generation by the authority's name.
            drop_previous: of earlier versions; ``drop_generation`` takes its place.
            leave: the name of the hub that is left for another one although it still answers; what is on it then stays there.
            cloud: `public`, `usgovernment`, `china` or the https URL of a metadata host; None: azure-native's own setting.
            deadline: how many seconds to retry what Azure refuses temporarily.
            opts: Pulumi's resource options.

        Raises:
            HubIdError: ``existing_id`` or ``settings.adopt_id`` is not the resource id of an IoT hub.
            SameNameError: two authorities have the same name.
            ReplacedArgumentError: ``drop_previous`` is given.
            OperatorError: an operator is not an object id.
            CloudChoiceError: ``cloud`` is not the cloud in which azure-native creates the hub.
        """
        super().__init__("hubtrust:index:TrustedHub", name, None, opts)
        self._name, self._leave, self.authorities = name, leave, tuple(authorities)
        self.trusts_others = existing_id is not None or bool(settings and settings.adopt_id)
        _require_distinct_names(name, authorities)
        refuse_drop_previous(name, authorities, drop_previous)
        self.cloud = cloud = choose_cloud(cloud, creates_hub=existing_id is None)
        if existing_id is None:
            hub: pulumi.Resource | None = self._create_hub(settings or HubSettings())
        else:
            hub = None
            self._use_existing_hub(existing_id, cloud)
        self.resource = hub
        options = {"attest": attest or None, "reprove": reprove, "adopt": adopt, "cloud": cloud, "deadline": deadline}
        self._certificates: list[VerifiedCertificate] = []
        trusted = [certificate for authority in authorities for certificate in self._trust(authority, hub, options)]
        for authority in authorities:
            dropped = drop_generation.get(authority.name) if isinstance(drop_generation, Mapping) else drop_generation
            self._declare_generation(authority, hub, dropped)
        self.trust = pulumi.Output.all(*trusted)
        outputs = {"resourceGroupName": self.resource_group_name, "hubName": self.hub_name, "hostName": self.host_name, "trust": self.trust}
        self.register_outputs(outputs)

    @classmethod
    def existing(cls, name: str, hub_id: str, *, authorities: Sequence[CertificateAuthority], **options: Any) -> "TrustedHub":
        """A hub that another team, Terraform or the portal manages: this stack manages only its certificates.

        Raises:
            HubIdError: ``hub_id`` is not the resource id of an IoT hub.
        """
        return cls(name, authorities=authorities, existing_id=hub_id, **options)

    def trusted_of(self, authority: CertificateAuthority) -> pulumi.Input[str | None] | None:
        """The certificate of the authority's given chain, PEM, that this hub trusts; None if that is not known here, or all was generated.

        It may be another one than the authority's own: the hub may trust a CA above it by way of another authority. It is an Output where a
        chain is one.
        """
        if authority in self.authorities:
            return authority.given_anchor
        return authority.given_among([anchor for one in self.authorities for anchor in (one.anchor, one.previous) if anchor])

    def _create_hub(self, settings: HubSettings) -> iothub.IotHubResource:
        identity = HubIdentity(self._name, self, cloud=self.cloud, protect=settings.protect)
        name, tags = settings.name, dict[str, Any](settings.tags or {})
        if settings.adopt_id:
            adopted = _hub_id(settings.adopt_id, "the adopted hub's id")
            name, group = adopted.name, pulumi.Output.from_input(adopted.group)
            existing = adoption.existing_hub(self._name, settings.adopt_id, self)
            owned: Any = adoption.tags_with_owner(existing, settings, adopted.title, identity)
            adoption.report_kept(existing, self)
            own = pulumi.ResourceOptions(import_=settings.adopt_id, ignore_changes=settings.undeclared())
            declared = settings
        else:
            group = self._group(settings, identity, tags)
            kept = identity.hub(group, name)
            owned, own, declared = {**tags, OWNER_TAG: kept.tag}, kept.options, settings.with_defaults()
        hub = iothub.IotHubResource(
            self._name,
            resource_group_name=group,
            resource_name_=name or identity.name,
            location=settings.location,
            sku=iothub.IotHubSkuInfoArgs(name=declared.sku or SKU, capacity=declared.units),  # the name is needed, even where it is ignored
            properties=_properties(declared),
            tags=owned,
            opts=pulumi.ResourceOptions.merge(own, self._child_options(protect=settings.protect, ignore_changes=adoption.UNDECLARED)),
        )
        self.resource_group_name, self.hub_name, self.hub_id = group, hub.name, hub.id
        if self.cloud in clouds.KNOWN:
            # A preview of a change of the hub knows its id and not its properties: everything on the hub would be shown as changed.
            self.host_name = hub.id.apply(lambda hub_id: _host_name(hub_id.rpartition("/")[2], self.cloud))
        else:
            self.host_name = hub.properties.apply(lambda properties: properties.host_name)
        for operator in map(Operator.read, settings.operators):
            role = OperatorRole(identity, DATA_CONTRIBUTOR, operator, hub.id, may_exist=settings.adopt_id is not None)
            role.declare(f"{self._name}-operator-{operator.principal}", self._child_options(protect=False, deleted_with=hub))
        return hub

    def _group(self, settings: HubSettings, identity: HubIdentity, tags: Mapping[str, Any]) -> pulumi.Output[str]:
        """The resource group's name: of an existing one, or of one that is created."""
        if settings.resource_group:
            return pulumi.Output.from_input(settings.resource_group)
        kept = identity.group(settings.location)
        return resources.ResourceGroup(
            self._name,
            resource_group_name=identity.name,
            location=settings.location,
            tags={**tags, OWNER_TAG: kept.tag},
            opts=pulumi.ResourceOptions.merge(kept.options, self._child_options(protect=settings.protect)),
        ).name

    def _use_existing_hub(self, hub_id: str, cloud: str) -> None:
        found = _hub_id(hub_id, "the existing hub's id")
        self.hub_id = pulumi.Output.from_input(hub_id.rstrip("/"))
        self.resource_group_name = pulumi.Output.from_input(found.group)
        self.hub_name = pulumi.Output.from_input(found.name)
        self.host_name = pulumi.Output.from_input(_host_name(found.name, cloud) if cloud in clouds.KNOWN else None)

    def _declare_generation(self, authority: CertificateAuthority, hub: pulumi.Resource | None, dropped: int | None) -> None:
        """Declare the authority's generation on this hub, so that none is deleted while devices may depend on it.

        It comes after the certificates: when it refuses, the new generation is trusted already, and devices can move to it.
        """
        AuthorityGeneration(
            f"{self._name}-{authority.name}",
            authority=authority.name,
            generation=authority.generation,
            keep_previous=authority.previous is not None,
            hub_id=self.hub_id,
            host_name=self.host_name,  # type: ignore[arg-type] # the provider accepts None
            cloud=self.cloud,
            devices_of=stack_name(),
            drop_generation=dropped,
            leave=self._leave,
            opts=self._child_options(protect=False, deleted_with=hub, depends_on=self._certificates),
        )

    def _trust(
        self, authority: CertificateAuthority, hub: pulumi.Resource | None, options: Mapping[str, Any]
    ) -> list[pulumi.Output[dict[str, Any]]]:
        """The current generation first, then the previous one if it is kept."""
        anchors = [anchor for anchor in (authority.anchor, authority.previous) if anchor]
        trusted = [self._verify(authority, anchor, hub, options) for anchor in anchors]
        if authority.anchor is None:
            trusted.insert(0, waiting_for_certificate(authority.name))
        return trusted

    def _verify(
        self, authority: CertificateAuthority, anchor: Anchor, hub: pulumi.Resource | None, options: Mapping[str, Any]
    ) -> pulumi.Output[dict[str, Any]]:
        certificate = VerifiedCertificate(
            f"{self._name}-{authority.name}-g{anchor.generation}",
            service_id=self.hub_id,
            certificate=anchor.certificate,
            name=authority.name,
            generation=anchor.generation,
            certificate_name=anchor.certificate_name,
            signer=anchor.signer,
            proof_certificate=anchor.proof,
            **options,
            opts=self._child_options(protect=False, deleted_with=hub, depends_on=[authority.generations]),
        )
        self._certificates.append(certificate)
        return trust_of(certificate)

    def _child_options(self, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, **more)


def _properties(declared: HubSettings) -> iothub.IotHubPropertiesArgs:
    sas_off = None if declared.local_auth is None else not declared.local_auth
    return iothub.IotHubPropertiesArgs(
        min_tls_version=declared.min_tls_version,
        disable_local_auth=sas_off,
        disable_device_sas=sas_off,
        disable_module_sas=sas_off,
    )


def _host_name(name: str, cloud: str) -> str:
    return f"{name}.{clouds.KNOWN[cloud].hub_suffix}"


def _hub_id(hub_id: str, what: str) -> Service:
    try:
        found = service(hub_id)
    except AzureError:
        found = None
    if found is None or found.kind != "iothubs":
        remedy = "use /subscriptions/…/resourceGroups/…/providers/Microsoft.Devices/IotHubs/…"
        raise HubIdError(f"{what} '{hub_id}'", "it is not the resource id of an IoT hub", remedy)
    return found


def _require_distinct_names(hub: str, authorities: Sequence[CertificateAuthority]) -> None:
    names = [authority.name for authority in authorities]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SameNameError(f"the authorities of '{hub}'", f"two of them are called '{twice[0]}'", "give each authority its own name")
