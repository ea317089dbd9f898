"""TrustedHub: an IoT hub and every CA that it trusts, each proven."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_azure_native import authorization, iothub, resources

from hubtrust import hub_adoption as adoption
from hubtrust.authority import Anchor, CertificateAuthority
from hubtrust.cloud_choice import chosen
from hubtrust.dynamic.authority_generation import AuthorityGeneration
from hubtrust.dynamic.verified_certificate import VerifiedCertificate
from hubtrust.errors import HubtrustError
from hubtrust.operators import DEPLOYER, Operator

# Azure's built-in role "IoT Hub Data Contributor": devices, twins, methods; no keys and nothing of the hub's own settings.
_DATA_CONTRIBUTOR = "4fc6c259-987e-4a07-842e-c321cc9d413f"
_AZ_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"  # its application in every tenant, which a person's token is made for
_HUB_ID = re.compile(
    r"(/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+))/providers/Microsoft\.Devices/IotHubs/(?P<hub>[^/]+)",
    re.IGNORECASE,
)
_SUFFIXES = {"public": "azure-devices.net", "usgovernment": "azure-devices.us", "china": "azure-devices.cn"}


class HubIdError(HubtrustError, pulumi.RunError):
    """What was given is no hub's resource id."""


class SameNameError(HubtrustError, pulumi.RunError):
    """Two authorities of one hub have one name, so that their certificates could not be told apart."""


@dataclass(frozen=True, kw_only=True)
class HubSettings:
    """A hub that is ours."""

    resource_group: str | None = None  # one that exists; None: one is made
    name: str | None = None  # unique in all of Azure; None: Pulumi makes one up
    adopt_id: str | None = None  # the resource id of a hub that others made and that becomes ours; it has its group and name already
    location: str | None = None  # None: azure-native's own setting
    sku: str = "S1"
    units: int = 1
    min_tls_version: str | None = "1.2"  # Azure enforces it in some regions only; None: leave it to Azure
    local_auth: bool = False  # SAS keys
    tags: Mapping[str, str] | None = None
    operators: Sequence[
        str
    ] = ()  # who gets the data-plane role: object ids, of service principals unless `User:` or `Group:` stands before; or `deployer`
    protect: bool = True


class TrustedHub(pulumi.ComponentResource):
    """An IoT hub that trusts these authorities because possession of their keys was proven."""

    resource_group_name: pulumi.Output[str]
    hub_name: pulumi.Output[str]
    host_name: pulumi.Output[str | None]
    hub_id: pulumi.Output[str]
    trust: pulumi.Output[list[dict[str, Any]]]
    resource: pulumi.Resource | None  # the hub itself, when it is ours: what stands on it goes with it
    cloud: str

    def __init__(
        self,
        name: str,
        *,
        authorities: Sequence[CertificateAuthority],
        settings: HubSettings | None = None,
        existing_id: str | None = None,
        attest: bool = False,
        adopt: bool = False,
        drop_previous: bool = False,
        cloud: str | None = None,
        deadline: float | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare it.

        Args:
            name: Pulumi's name for it.
            authorities: whom it trusts.
            settings: the hub, when it is ours.
            existing_id: the resource id of a hub that somebody else owns: see ``existing``.
            attest: call certificates verified and prove nothing; loud, and forbidden by the policy pack in production.
            adopt: replace another certificate that holds a name that is ours.
            drop_previous: devices have moved: an authority's generation may go though enabled devices of this stack stand on the hub.
            cloud: `public`, `usgovernment`, `china` or the https URL of a metadata host; None: the one that azure-native is set to.
            deadline: seconds to try again what Azure refuses for the moment.
            opts: Pulumi's options.

        Raises:
            HubIdError: ``existing_id`` is no hub's resource id.
            SameNameError: two authorities have one name.
            CloudChoiceError: ``cloud`` is not the one in which azure-native makes the hub.
        """
        super().__init__("hubtrust:index:TrustedHub", name, None, opts)
        self._name = name
        _require_names_apart(name, authorities)
        self.cloud = cloud = chosen(cloud, makes_hub=existing_id is None)
        if existing_id is None:
            hub: pulumi.Resource | None = self._make(settings or HubSettings())
        else:
            hub = None
            self._look_up(existing_id, cloud)
        self.resource = hub
        options = {"attest": attest or None, "adopt": adopt or None, "cloud": cloud, "deadline": deadline}
        for authority in authorities:
            self._watch(authority, hub, drop_previous=drop_previous)
        trusted = [one for authority in authorities for one in self._trust(authority, hub, options)]
        self.trust = pulumi.Output.all(*trusted)
        outputs = {"resourceGroupName": self.resource_group_name, "hubName": self.hub_name, "hostName": self.host_name, "trust": self.trust}
        self.register_outputs(outputs)

    @classmethod
    def existing(cls, name: str, hub_id: str, *, authorities: Sequence[CertificateAuthority], **options: Any) -> "TrustedHub":
        """A hub that another team, Terraform or the portal owns: only its certificates are ours.

        Raises:
            HubIdError: ``hub_id`` is no hub's resource id.
        """
        return cls(name, authorities=authorities, existing_id=hub_id, **options)

    def _make(self, settings: HubSettings) -> iothub.IotHubResource:
        tags: Any = dict(settings.tags) if settings.tags else None
        place, name = settings.resource_group, settings.name
        if settings.adopt_id:
            found = _hub_id(settings.adopt_id, "the adopted hub's id")
            place, name = found["group"], found["hub"]
            standing = adoption.found(self._name, settings.adopt_id, self)
            tags = adoption.claimed(standing, settings.tags or {}, f"IoT hub '{name}'")
            adoption.tell_kept(standing, self)
        if place:
            group = pulumi.Output.from_input(place)
        else:
            made = resources.ResourceGroup(self._name, location=settings.location, tags=tags, opts=self._child(protect=settings.protect))
            group = made.name
        sas_off = not settings.local_auth
        properties = iothub.IotHubPropertiesArgs(
            min_tls_version=settings.min_tls_version,
            disable_local_auth=sas_off,
            disable_device_sas=sas_off,
            disable_module_sas=sas_off,
        )
        hub = iothub.IotHubResource(
            self._name,
            resource_group_name=group,
            resource_name_=name,
            location=settings.location,
            sku=iothub.IotHubSkuInfoArgs(name=settings.sku, capacity=settings.units),
            properties=properties,
            tags=tags,
            opts=self._child(protect=settings.protect, import_=settings.adopt_id, ignore_changes=adoption.UNDECLARED),
        )
        self.resource_group_name, self.hub_name, self.hub_id = group, hub.name, hub.id
        self.host_name = hub.properties.apply(lambda found: found.host_name)
        self._grant(hub, settings.operators)
        return hub

    def _grant(self, hub: iothub.IotHubResource, operators: Sequence[str]) -> None:
        role = hub.id.apply(lambda found: f"{_part(found, 1)}/providers/Microsoft.Authorization/roleDefinitions/{_DATA_CONTRIBUTOR}")
        for operator in map(Operator.read, operators):
            principal, kind = _deployer() if operator.principal == DEPLOYER else (operator.principal, operator.kind)
            authorization.RoleAssignment(
                f"{self._name}-operator-{operator.principal}",
                scope=hub.id,
                principal_id=principal,
                principal_type=kind,
                role_definition_id=role,
                opts=self._child(protect=False, deleted_with=hub),
            )

    def _look_up(self, hub_id: str, cloud: str) -> None:
        found = _hub_id(hub_id, "the existing hub's id")
        self.hub_id = pulumi.Output.from_input(hub_id.rstrip("/"))
        self.resource_group_name = pulumi.Output.from_input(found["group"])
        self.hub_name = pulumi.Output.from_input(found["hub"])
        self.host_name = pulumi.Output.from_input(f"{found['hub']}.{_SUFFIXES[cloud]}" if cloud in _SUFFIXES else None)

    def _watch(self, authority: CertificateAuthority, hub: pulumi.Resource | None, *, drop_previous: bool) -> None:
        """No generation goes on which devices may depend."""
        AuthorityGeneration(
            f"{self._name}-{authority.name}",
            authority=authority.name,
            generation=authority.generation,
            keep_previous=authority.previous is not None,
            hub_id=self.hub_id,
            host_name=self.host_name,  # type: ignore[arg-type] # None is one of its values
            cloud=self.cloud,
            devices_of=f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}",
            drop_previous=drop_previous or None,
            opts=self._child(protect=False, deleted_with=hub),
        )

    def _trust(
        self, authority: CertificateAuthority, hub: pulumi.Resource | None, options: Mapping[str, Any]
    ) -> list[pulumi.Output[dict[str, Any]]]:
        """This generation first, then the one before where it is kept."""
        anchors = [anchor for anchor in (authority.anchor, authority.previous) if anchor]
        trusted = [self._anchored(authority, anchor, hub, options) for anchor in anchors]
        if authority.anchor is None:
            waiting = {"name": authority.name, "state": "waiting", "verified": False, "proof": None}
            trusted.insert(0, pulumi.Output.from_input(waiting))
        return trusted

    def _anchored(
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
            opts=self._child(protect=False, deleted_with=hub, depends_on=[authority.standing]),
        )
        return pulumi.Output.all(
            name=certificate.certificate_name,
            thumbprint=certificate.thumbprint,
            sha256=certificate.sha256,
            subject=certificate.subject,
            notAfter=certificate.not_after,
            state=certificate.state,
            verified=certificate.state.apply(lambda state: state == "verified"),
            proof=_where(certificate.state, certificate.proof, verified=True),
            code=_where(certificate.state, certificate.code, verified=False),
            ceremony=_where(certificate.state, certificate.ceremony, verified=False),
        )

    def _child(self, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, **more)


def _where(state: pulumi.Output[str], value: pulumi.Output[Any], *, verified: bool) -> pulumi.Output[Any]:
    """``value`` in that state, else None: a preview takes an output that is not in the state for unknown, and would show a change."""
    return state.apply(lambda found: value if (found == "verified") is verified else None)


def _hub_id(hub_id: str, what: str) -> re.Match[str]:
    found = _HUB_ID.fullmatch(hub_id.rstrip("/"))
    if found is None:
        remedy = "give /subscriptions/…/resourceGroups/…/providers/Microsoft.Devices/IotHubs/…"
        raise HubIdError(f"{what} '{hub_id}'", "it is no IoT hub's resource id", remedy)
    return found


def _require_names_apart(hub: str, authorities: Sequence[CertificateAuthority]) -> None:
    names = [authority.name for authority in authorities]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SameNameError(f"the authorities of '{hub}'", f"two are called '{twice[0]}'", "give each a name of its own, and each once")


def _deployer() -> tuple[pulumi.Output[str], pulumi.Output[str]]:
    """Object id and kind of whoever runs the program: a person when the token was asked for by the az CLI, else an application."""
    found = authorization.get_client_config_output()
    return found.object_id, found.client_id.apply(lambda client: "User" if client == _AZ_CLI else "ServicePrincipal")


def _part(resource_id: str, segments: int) -> str:
    """The first pairs of a resource id: `/subscriptions/…` for 1."""
    return "/".join(resource_id.split("/")[: 1 + 2 * segments])
