"""TrustedHub: an IoT hub and the CAs that it trusts, each with proof of possession."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, Unpack

import pulumi
from pulumi_azure_native import iothub

from hubtrust import component_outputs, hub_kinds
from hubtrust.authority import CertificateAuthority
from hubtrust.certificates.declaration import CertificateInputs
from hubtrust.cloud_choice import choose_cloud
from hubtrust.dynamic.authority_generation import AuthorityGenerationInputs
from hubtrust.dynamic.hub_inputs import stack_name
from hubtrust.dynamic.verified_certificate import VerifiedCertificate
from hubtrust.hub_args import HubArgs
from hubtrust.hub_kinds import HUBS
from hubtrust.hub_managed import ManagedHub
from hubtrust.hub_operators import Operators
from hubtrust.known_values import require_resource_name
from hubtrust.operator_roles import DATA_CONTRIBUTOR, Owner, StackAsOwner
from hubtrust.program_errors import ProgramError
from hubtrust.proven_authorities import ProvenAuthorities, check_dropped, dropped_of, require_authorities
from hubtrust.replaced_arguments import refuse_drop_previous, refuse_settings_and_existing_id
from hubtrust.service_kinds import is_id
from hubtrust.trust_output import TrustedCertificate


class HubOptionError(ProgramError):
    """The name of a TrustedHub, or one of its options, is not valid."""


class HubOptions(TypedDict, total=False):
    """The options of ``TrustedHub.existing``; they mean what they mean in ``TrustedHub``."""

    operators: Sequence[pulumi.Input[str]] | Mapping[str, pulumi.Input[str]] | None
    attest: pulumi.Input[bool]
    reprove: pulumi.Input[str] | None
    adopt: pulumi.Input[Sequence[pulumi.Input[str]]] | None
    drop_generation: pulumi.Input[int] | Mapping[str, pulumi.Input[int]] | None
    leave: pulumi.Input[str] | None
    cloud: str | None
    deadline: pulumi.Input[float] | None
    opts: pulumi.ResourceOptions | None


class TrustedHub(pulumi.ComponentResource):
    """An IoT hub that trusts its authorities because possession of their keys was proven."""

    resource_group_name: pulumi.Output[str]
    """The name of the hub's resource group."""
    hub_name: pulumi.Output[str]
    """The hub's name."""
    host_name: pulumi.Output[str | None]
    """Where devices connect, such as hub-7.azure-devices.net; None for a hub by its id in a cloud that is not known here."""
    hub_id: pulumi.Output[str]
    """The hub's resource id."""
    public_network_access: pulumi.Output[str | None]
    """Enabled or Disabled, as Azure has it; None where that is not known, as of a hub by its id."""
    trust: pulumi.Output[list[TrustedCertificate]]
    """What is known of each certificate, the current generation's first."""
    authorities: tuple[CertificateAuthority, ...]
    """The CAs that the hub trusts."""
    certificates: Mapping[str, tuple[VerifiedCertificate, ...]]
    """The certificates that are proven here, by the name of their authority; the current generation's first."""
    dropped: Mapping[str, pulumi.Input[int] | None]
    """The generation that may be deleted, by the name of its authority."""
    is_adopted: bool
    """It was there before, and this stack has taken it over (``HubArgs(adopt_id=…)``)."""
    trusts_others: bool
    """It may trust CAs that are not declared here, because the hub was there before or others manage it too."""
    resource: pulumi.Resource | None
    """The hub, if it is a resource of this program: what belongs to the hub is deleted with it."""
    local_auth_disabled: bool | None
    """Whether it takes no shared access keys of services, as far as the program says; None where it does not, or not plainly."""
    declares_policies: bool
    """Whether its shared access policies are declared in HubArgs, so that others do not stay."""
    cloud: str
    """Which Azure the hub is in: `public`, `usgovernment`, `china` or the https URL of a metadata host."""

    def __init__(
        self,
        name: str,
        *,
        authorities: Sequence[CertificateAuthority],
        hub: iothub.IotHubResource | pulumi.Input[str] | HubArgs | None = None,
        operators: Sequence[pulumi.Input[str]] | Mapping[str, pulumi.Input[str]] | None = None,
        attest: pulumi.Input[bool] = False,
        reprove: pulumi.Input[str] | None = None,
        adopt: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        drop_generation: pulumi.Input[int] | Mapping[str, pulumi.Input[int]] | None = None,
        drop_previous: object = None,
        leave: pulumi.Input[str] | None = None,
        cloud: str | None = None,
        deadline: pulumi.Input[float] | None = None,
        settings: object = None,
        existing_id: object = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the hub, or use one, and declare a VerifiedCertificate for each authority.

        Args:
            name: the resource's name.
            authorities: the CAs that the hub trusts; a plain list, because it decides which resources there are.
            hub: one of three: a hub that the program declares (``iothub.IotHubResource``), the resource id of a hub that somebody else
                manages, or what a hub is like that this component manages (``HubArgs``). None: a hub with all defaults.
            operators: who gets the role IoT Hub Data Contributor, each as an object id (of a service principal), `User:<object id>`,
                `Group:<object id>`, or `deployer` for whoever runs the program; each may be an Output. In a list, a role is named by the
                object id, so that nobody loses it because another one is removed; a preview that does not know an id yet shows no role. In
                a mapping it is named by the key, and a preview shows every role.
            attest: set certificates to verified without a proof; this logs a warning, and the policy pack forbids it in production.
            reprove: the etag of a certificate to prove again although it is verified; this takes its verification away until it is proven.
            adopt: SHA-1 thumbprints of existing certificates that may be replaced if they have one of our certificate names.
            drop_generation: confirm that the devices have moved from this generation, so that it is deleted although devices are enabled.
                It holds for that generation alone. With several authorities: the generation by the authority's name.
            drop_previous: of earlier versions; ``drop_generation`` takes its place.
            leave: the name of the hub that is left for another one although it still answers; what is on it then stays there.
            cloud: `public`, `usgovernment`, `china` or the https URL of a metadata host; None: azure-native's own setting.
            deadline: how many seconds to retry what Azure refuses temporarily.
            settings: of earlier versions; ``hub`` takes its place.
            existing_id: of earlier versions; ``hub`` takes its place.
            opts: Pulumi's resource options.

        Raises:
            HubIdError: ``hub`` is no hub, or it or ``adopt_id`` is not the resource id of an IoT hub.
            HubArgsError: a field of HubArgs is wrong, or two contradict each other.
            AuthoritiesError: the authorities are not a list of CertificateAuthority.
            SameNameError: two authorities have the same name.
            ReplacedArgumentError: ``drop_previous``, ``settings`` or ``existing_id`` is given.
            OperatorError: an operator is not an object id.
            HubOptionError: a plain option, or the name, is not valid.
            CloudChoiceError: ``cloud`` is not the cloud in which azure-native creates the hub.
        """
        require_resource_name(HubOptionError, "TrustedHub", name)
        _require_valid(
            f"hub '{name}'", {"attest": attest, "reprove": reprove, "adopt": adopt, "deadline": deadline}, drop_generation, leave
        )
        super().__init__("hubtrust:index:TrustedHub", name, None, opts)
        refuse_settings_and_existing_id(name, settings, existing_id)
        require_authorities(name, authorities)
        refuse_drop_previous(name, authorities, drop_previous)
        roles = Operators.read(operators)
        self._name, self.authorities = name, tuple(authorities)
        self.cloud = choose_cloud(cloud, creates_hub=hub is None or isinstance(hub, HubArgs))
        self.trusts_others = not (hub is None or (isinstance(hub, HubArgs) and hub.adopt_id is None))
        self.is_adopted = isinstance(hub, HubArgs) and hub.adopt_id is not None
        self.dropped = {authority.name: dropped_of(authority, drop_generation) for authority in self.authorities}
        owner = self._use(hub)
        roles.declare(
            name, owner, DATA_CONTRIBUTOR, self.hub_id, may_exist=self.trusts_others, opts=self._child_options(deleted_with=self.resource)
        )
        options = {"attest": None if attest is False else attest, "reprove": reprove, "adopt": adopt, "deadline": deadline}
        proven = ProvenAuthorities(name, self.hub_id, self.cloud, options, self._child_options, self.resource)
        trusted = [certificate for authority in authorities for certificate in proven.trust(authority)]
        for authority in authorities:
            where = {"hub_id": self.hub_id, "host_name": self.host_name, "devices_of": stack_name(), "leave": leave}
            proven.declare_generation(authority, self.dropped[authority.name], **where)
        self.certificates = {of: tuple(certificates) for of, certificates in proven.certificates.items()}
        self.trust = pulumi.Output.all(*trusted)
        component_outputs.register(self)

    @classmethod
    def existing(
        cls, name: str, hub_id: pulumi.Input[str], *, authorities: Sequence[CertificateAuthority], **options: Unpack[HubOptions]
    ) -> "TrustedHub":
        """A hub that another team, Terraform or the portal manages: this stack manages only its certificates, and roles of operators.

        Raises:
            HubIdError: ``hub_id`` is not the resource id of an IoT hub.
        """
        if not is_id(hub_id) and not HUBS.is_resource(hub_id):
            raise HUBS.wrong(hub_id, "the existing hub's id")
        return cls(name, authorities=authorities, hub=hub_id, **options)

    def trusted_of(self, authority: CertificateAuthority) -> pulumi.Input[str | None] | None:
        """The certificate of the authority's given chain, PEM, that this hub trusts; None if that is not known here, or all was generated.

        It may be another one than the authority's own: the hub may trust a CA above it by way of another authority. It is an Output where a
        chain is one.
        """
        if authority in self.authorities:
            return authority.given_anchor
        return authority.given_among([anchor for one in self.authorities for anchor in (one.anchor, one.previous) if anchor])

    def _use(self, hub: Any) -> Owner:
        """Take the hub's attributes from whichever kind it is; returns whose its operators' roles are."""
        owner: Owner = StackAsOwner(self, self.cloud, self._name)
        self.local_auth_disabled, self.declares_policies = None, False
        if hub is None or isinstance(hub, HubArgs):
            args = hub or HubArgs()
            managed = ManagedHub(self._name, args, self, cloud=self.cloud)
            self.declares_policies = args.authorization_policies is not None
            self.local_auth_disabled = args.local_auth_disabled
            used, owner = hub_kinds.hub_of_program(managed.resource, self.cloud), managed.identity
            self.resource_group_name = managed.group
        elif HUBS.is_resource(hub):
            used = hub_kinds.hub_of_program(hub, self.cloud)
            self.resource_group_name = used.group
        elif is_id(hub):
            used = hub_kinds.hub_by_id(hub, self.cloud)
            self.resource_group_name = used.group
        else:
            raise HUBS.wrong(hub, f"the hub of '{self._name}'")
        self.hub_id, self.hub_name, self.host_name = used.id, used.name, used.host_name
        self.public_network_access, self.resource = used.public_network_access, used.resource
        return owner

    def _child_options(self, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, protect=False, **more)


def _require_valid(what: str, trust: Mapping[str, Any], drop_generation: Any, leave: Any) -> None:
    """Read what is plain of the options; all others are read when they are known."""
    with HubOptionError.told():
        CertificateInputs.check_plain(what, trust)
        check_dropped(what, drop_generation)
        AuthorityGenerationInputs.check_plain(what, {"leave": leave})
