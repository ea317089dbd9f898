"""ProvisioningService: a Device Provisioning Service, the hubs to which it assigns devices, and its CAs with proof of possession."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, Unpack

import pulumi
from pulumi_azure_native import deviceprovisioningservices as dps

from hubtrust import component_outputs, provisioning_kinds
from hubtrust.authority import CertificateAuthority
from hubtrust.certificates.declaration import CertificateInputs
from hubtrust.cloud_choice import choose_cloud
from hubtrust.dynamic.verified_certificate import VerifiedCertificate
from hubtrust.hub import TrustedHub
from hubtrust.hub_operators import Operators
from hubtrust.known_values import require_resource_name
from hubtrust.operator_roles import PROVISIONING_DATA_CONTRIBUTOR, Owner, StackAsOwner
from hubtrust.program_errors import ProgramError
from hubtrust.proven_authorities import ProvenAuthorities, check_dropped, dropped_of, require_authorities
from hubtrust.provisioning_args import ProvisioningServiceArgs
from hubtrust.provisioning_kinds import SERVICES
from hubtrust.provisioning_links import LinkedHub, LinkError, read_links
from hubtrust.provisioning_managed import ManagedService
from hubtrust.service_kinds import is_id
from hubtrust.trust_output import TrustedCertificate


class ProvisioningOptionError(ProgramError):
    """The name of a ProvisioningService, or one of its options, is not valid."""


class ProvisioningOptions(TypedDict, total=False):
    """The options of ``ProvisioningService.existing``; they mean what they mean in ``ProvisioningService``."""

    operators: Sequence[pulumi.Input[str]] | Mapping[str, pulumi.Input[str]] | None
    attest: pulumi.Input[bool]
    reprove: pulumi.Input[str] | None
    adopt: pulumi.Input[Sequence[pulumi.Input[str]]] | None
    drop_generation: pulumi.Input[int] | Mapping[str, pulumi.Input[int]] | None
    cloud: str | None
    deadline: pulumi.Input[float] | None
    opts: pulumi.ResourceOptions | None


class ProvisioningService(pulumi.ComponentResource):
    """A Device Provisioning Service that admits devices of its authorities, because possession of their keys was proven there."""

    service_id: pulumi.Output[str]
    """Its resource id."""
    service_name: pulumi.Output[str]
    """Its name."""
    resource_group_name: pulumi.Output[str]
    """The name of its resource group."""
    id_scope: pulumi.Output[str]
    """What devices name it by when they enrol, such as 0ne00CAF894: it is no secret."""
    host_name: pulumi.Output[str]
    """Where enrollments are managed, such as plant.azure-devices-provisioning.net."""
    device_host_name: pulumi.Output[str]
    """Where devices enrol: global.azure-devices-provisioning.net in public Azure."""
    trust: pulumi.Output[list[TrustedCertificate]]
    """What is known of each certificate, the current generation's first."""
    certificates: Mapping[str, tuple[VerifiedCertificate, ...]]
    """The certificates that are proven here, by the name of their authority; the current generation's first."""
    authorities: tuple[CertificateAuthority, ...]
    """Its CAs."""
    dropped: Mapping[str, pulumi.Input[int] | None]
    """The generation that may be deleted, by the name of its authority."""
    is_adopted: bool
    """It was there before, and this stack has taken it over (``ProvisioningServiceArgs(adopt_id=…)``)."""
    links: tuple[LinkedHub, ...]
    """The hubs to which it assigns devices, as declared; none for an existing service, whose links others declare."""
    resource: pulumi.Resource | None
    """The service, if it is a resource of this program: what belongs to it is deleted with it."""
    cloud: str
    """Which Azure it is in: `public`, `usgovernment`, `china` or the https URL of a metadata host."""

    def __init__(
        self,
        name: str,
        *,
        authorities: Sequence[CertificateAuthority],
        hubs: Sequence[TrustedHub | LinkedHub | pulumi.Input[str]] = (),
        service: dps.IotDpsResource | pulumi.Input[str] | ProvisioningServiceArgs | None = None,
        operators: Sequence[pulumi.Input[str]] | Mapping[str, pulumi.Input[str]] | None = None,
        attest: pulumi.Input[bool] = False,
        reprove: pulumi.Input[str] | None = None,
        adopt: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        drop_generation: pulumi.Input[int] | Mapping[str, pulumi.Input[int]] | None = None,
        cloud: str | None = None,
        deadline: pulumi.Input[float] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the provisioning service, or use one, link its hubs, and declare a VerifiedCertificate for each authority.

        Args:
            name: the resource's name.
            authorities: the CAs whose devices may enrol; a plain list, because it decides which resources there are.
            hubs: the hubs to which it assigns devices: TrustedHub, LinkedHub (with a weight and more) or resource ids; a plain list. Each
                gets a shared access policy for this link alone, whose key is a secret; so the hub must not have ``disable_local_auth``.
                For a service that others manage: none.
            service: one of three: a service that the program declares (``IotDpsResource``), the resource id of one that somebody else
                manages, or what one is like that this component manages (``ProvisioningServiceArgs``). None: one with all defaults.
            operators: who gets the role Device Provisioning Service Data Contributor, as ``TrustedHub`` takes them.
            attest: set certificates to verified without a proof; this logs a warning, and the policy pack forbids it in production.
            reprove: the etag of a certificate to prove again although it is verified; this takes its verification away until it is proven.
            adopt: SHA-1 thumbprints of existing certificates that may be replaced if they have one of our certificate names.
            drop_generation: confirm that no device needs to register under this generation any more, so that it is deleted although devices
                have registered by groups of its authority. As ``TrustedHub`` takes it.
            cloud: `public`, `usgovernment`, `china` or the https URL of a metadata host; None: azure-native's own setting.
            deadline: how many seconds to retry what Azure refuses temporarily.
            opts: Pulumi's resource options.

        Raises:
            ProvisioningServiceIdError: ``service`` is none, or it or ``adopt_id`` is not the resource id of a provisioning service.
            ProvisioningServiceArgsError: a field of ProvisioningServiceArgs is wrong, or two contradict each other.
            LinkError: a hub can't be linked, or hubs are given for a service that this component does not manage.
            AuthoritiesError: the authorities are not a list of CertificateAuthority.
            SameNameError: two authorities have the same name.
            OperatorError: an operator is not an object id.
            ProvisioningOptionError: a plain option, or the name, is not valid.
            CloudChoiceError: ``cloud`` is not the cloud in which azure-native creates the service.
        """
        require_resource_name(ProvisioningOptionError, "ProvisioningService", name)
        what = f"provisioning service '{name}'"
        with ProvisioningOptionError.told():
            CertificateInputs.check_plain(what, {"attest": attest, "reprove": reprove, "adopt": adopt, "deadline": deadline})
            check_dropped(what, drop_generation)
        super().__init__("hubtrust:index:ProvisioningService", name, None, opts)
        require_authorities(name, authorities)
        roles = Operators.read(operators)
        self._name, self.authorities = name, tuple(authorities)
        is_managed = service is None or isinstance(service, ProvisioningServiceArgs)
        self.cloud = choose_cloud(cloud, creates_hub=is_managed)
        self.links = read_links(hubs, self.cloud, what)
        owner = self._use(service, deadline)
        self.is_adopted = isinstance(service, ProvisioningServiceArgs) and service.adopt_id is not None
        self.dropped = {authority.name: dropped_of(authority, drop_generation) for authority in self.authorities}
        may_exist = not is_managed or self.is_adopted
        options = self._child_options(deleted_with=self.resource)
        roles.declare(name, owner, PROVISIONING_DATA_CONTRIBUTOR, self.service_id, may_exist=may_exist, opts=options)
        given = {"attest": None if attest is False else attest, "reprove": reprove, "adopt": adopt, "deadline": deadline}
        proven = ProvenAuthorities(name, self.service_id, self.cloud, given, self._child_options, self.resource)
        self.trust = pulumi.Output.all(*(trusted for authority in authorities for trusted in proven.trust(authority)))
        for authority in authorities:
            where = {"service_id": self.service_id, "host_name": self.host_name}
            proven.declare_generation(authority, self.dropped[authority.name], **where)
        self.certificates = {of: tuple(certificates) for of, certificates in proven.certificates.items()}
        component_outputs.register(self)

    @classmethod
    def existing(
        cls,
        name: str,
        service_id: pulumi.Input[str],
        *,
        authorities: Sequence[CertificateAuthority],
        **options: Unpack[ProvisioningOptions],
    ) -> "ProvisioningService":
        """One that another team, Terraform or the portal manages: this stack manages only its certificates, and roles of operators.

        Raises:
            ProvisioningServiceIdError: ``service_id`` is not the resource id of a provisioning service.
        """
        if not is_id(service_id) and not SERVICES.is_resource(service_id):
            raise SERVICES.wrong(service_id, "the existing provisioning service's id")
        return cls(name, authorities=authorities, service=service_id, **options)

    def _use(self, service: Any, deadline: pulumi.Input[float] | None) -> Owner:
        """Take the service's attributes from whichever kind it is; returns whose its operators' roles are."""
        if service is None or isinstance(service, ProvisioningServiceArgs):
            args = service or ProvisioningServiceArgs()
            managed = ManagedService(self._name, args, self.links, self, cloud=self.cloud, deadline=deadline)
            used = provisioning_kinds.service_of_program(managed.resource, self.cloud)
            owner: Owner = managed.identity
            self.resource_group_name = managed.group
        else:
            used = self._of_others(service)
            owner = StackAsOwner(self, self.cloud, self._name)
            self.resource_group_name = used.group
        self.service_id, self.service_name, self.id_scope = used.id, used.name, used.id_scope
        self.host_name, self.device_host_name, self.resource = used.host_name, used.device_host_name, used.resource
        return owner

    def _of_others(self, service: Any) -> provisioning_kinds.Provisioning:
        if SERVICES.is_resource(service):
            used = provisioning_kinds.service_of_program(service, self.cloud)
        elif is_id(service):
            used = provisioning_kinds.service_by_id(service, self.cloud)
        else:
            raise SERVICES.wrong(service, f"the service of '{self._name}'")
        if self.links:
            fact = "hubs are given for a service that this component does not manage, and its links are left as they are"
            raise LinkError(f"provisioning service '{self._name}'", fact, "leave hubs out, or give ProvisioningServiceArgs(…)")
        return used

    def _child_options(self, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, protect=False, **more)
