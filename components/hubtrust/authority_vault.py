"""AuthorityVault: the vault in which an authority's keys are made, so that they are never in the state; it outlives its stack."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_azure_native import authorization, keyvault, resources

from hubtrust import component_outputs
from hubtrust.azure import clouds, hub_limits
from hubtrust.azure_search import OWNER_TAG
from hubtrust.cloud_choice import choose_cloud
from hubtrust.dynamic.vault_access import VaultAccess
from hubtrust.hub_operators import Operators
from hubtrust.known_values import is_plain, require_resource_name, sendable, validated
from hubtrust.operator_roles import CRYPTO_OFFICER
from hubtrust.operators import DEPLOYER
from hubtrust.vault_identity import VaultError, VaultIdentity, require_vault_name
from hubtrust.vault_search import Place, VaultSearch

_RETENTION_DAYS = 90  # how long a deleted vault, or key in it, can be recovered: the longest that Azure offers
_PREMIUM, _STANDARD = keyvault.SkuName.PREMIUM, keyvault.SkuName.STANDARD


class AuthorityVault(pulumi.ComponentResource):
    """A key vault for an authority's keys: roles instead of access policies, and nothing in it can be purged.

    The vault, its group and its keys stay in Azure when they leave the stack; the next ``up`` of the stack takes them over again, and
    recovers a vault that was deleted. Use it as ``InKeyVault(vault=…)``.
    """

    uri: pulumi.Output[str]
    """``https://<vault>.vault.azure.net``, known when this login may use its keys."""
    vault_id: pulumi.Output[str]
    """The vault's ARM id."""
    vault_name: pulumi.Output[str]
    """The vault's name in Azure."""
    hsm: bool
    """Whether keys are made in the vault's HSM."""
    cloud: str
    """The cloud that it is in, as the argument ``cloud``."""

    def __init__(
        self,
        name: str,
        *,
        vault_name: pulumi.Input[str] | None = None,
        resource_group: pulumi.Input[str] | None = None,
        location: pulumi.Input[str] | None = None,
        hsm: bool = False,
        network_acls: pulumi.Input[keyvault.NetworkRuleSetArgs | keyvault.NetworkRuleSetArgsDict] | None = None,
        public_network_access: pulumi.Input[str] | None = None,
        tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        operators: Sequence[pulumi.Input[str]] | Mapping[str, pulumi.Input[str]] = (DEPLOYER,),
        cloud: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the vault, its group, the role Key Vault Crypto Officer for who signs, and the wait for that role.

        Args:
            name: the resource's name.
            vault_name: the vault's name, unique in all of Azure: 3 to 24 letters, digits and single hyphens; None: one that follows from
                subscription, stack and ``name``, so that the next ``up`` finds the vault without a state.
            resource_group: the name of an existing group; None: a group of its own, which stays in Azure with the vault.
            location: an Azure region; None: azure-native:location.
            hsm: make keys in the vault's HSM (EC-HSM, RSA-HSM), which needs and makes a premium vault. Plain: it decides how keys are made.
            network_acls: who may reach it, as azure-native's own type; None: everybody in a new vault, and what a vault has already.
            public_network_access: `enabled` or `disabled`; None: enabled in a new vault, and what a vault has already.
            tags: of the vault, and of its own group.
            operators: who may make keys and sign, each as `TrustedHub` takes it; default: whoever runs the program first. Somebody else who
                runs it later (a pipeline, a colleague) needs the role only when something is signed: name all of them then.
            cloud: as `TrustedHub` takes it; None: azure-native's own setting.
            opts: Pulumi's resource options.

        Raises:
            VaultError: no vault can have the name, or the name is somebody else's, or the vault there is not what is declared.
            OperatorError: an operator is not an object id.
            CloudChoiceError: ``cloud`` is not the cloud in which azure-native creates the vault.
        """
        require_resource_name(VaultError, "AuthorityVault", name)
        super().__init__("hubtrust:index:AuthorityVault", name, None, opts)
        if not isinstance(hsm, bool):
            fact = f"it is {hsm!r}" if is_plain(hsm) else "it is an Output"
            raise VaultError("hsm", f"{fact}; it decides how keys are made, so it must be known before them", "give True or False")
        signers = Operators.read(operators)
        self.cloud, self.hsm = choose_cloud(cloud, creates_hub=True), hsm
        self._name = name
        self._network = (
            sendable(VaultError, f"network_acls of vault '{name}'", network_acls),
            validated(VaultError, _read_access, public_network_access),
        )
        client = authorization.get_client_config_output(opts=pulumi.InvokeOutputOptions(parent=self))
        identity = VaultIdentity(name, self, self.cloud, client.subscription_id)
        search = VaultSearch(identity, is_named=vault_name is not None)
        given_name = validated(VaultError, require_vault_name, vault_name)
        resource_group = validated(VaultError, hub_limits.group_name, resource_group)
        location = validated(VaultError, hub_limits.region, location)
        own_tags = validated(VaultError, _read_tags, tags)
        place: pulumi.Output[Place] = pulumi.Output.all(
            name=identity.generated_name if given_name is None else given_name,
            group=identity.generated_name if resource_group is None else resource_group,
            has_own_group=resource_group is None,
            location=location,
            subscription=client.subscription_id,
            tenant=client.tenant_id,
            token=identity.token,
        ).apply(search.place)
        group = self._group(identity, place, location, own_tags) if resource_group is None else pulumi.Output.from_input(resource_group)
        renamed = [key for key, given in (("vaultName", vault_name), ("resourceGroupName", resource_group)) if given is None]
        vault = keyvault.Vault(
            name,
            resource_group_name=group,
            vault_name=place.apply(lambda found: found.name),
            location=place.apply(lambda found: found.location),
            properties=pulumi.Output.all(place, client.tenant_id).apply(lambda known: self._properties(*known)),
            tags=_with_owner(own_tags, identity.tag),
            opts=self._child(transforms=[search.take_back], ignore_changes=renamed, retain_on_delete=True),
        )
        roles = signers.declare(name, identity, CRYPTO_OFFICER, vault.id, may_exist=True, keeps_deployer=True, opts=self._child())
        access = VaultAccess(name, uri=self._uri(vault), roles=roles, opts=self._child(depends_on=[vault]))
        self.uri, self.vault_id = access.uri, vault.id
        self.vault_name = vault.id.apply(_last)
        component_outputs.register(self)

    def _group(
        self,
        identity: VaultIdentity,
        place: pulumi.Output[Place],
        location: pulumi.Input[str] | None,
        tags: pulumi.Input[Mapping[str, str]] | None,
    ) -> pulumi.Output[str]:
        """The name of the vault's own group."""
        kept = identity.group(place.apply(lambda found: found.group))
        tag = kept.tag  # known when the group has been looked for
        where = pulumi.Output.all(tag, location).apply(lambda known: known[1] or (kept.found.location if kept.found else None))
        return resources.ResourceGroup(
            self._name,
            resource_group_name=place.apply(lambda found: found.group),
            location=where,
            tags=_with_owner(tags, tag),
            opts=pulumi.ResourceOptions.merge(kept.options, self._child(retain_on_delete=True)),
        ).name

    def _properties(self, place: Place, tenant: str) -> keyvault.VaultPropertiesArgs:
        """What is declared of the vault. A network that somebody has closed stays closed, and premium stays premium: its keys need it."""
        found = place.properties
        network_acls: Any  # azure-native's own types, as Output too
        network_acls, public_network_access = self._network
        sku = _PREMIUM if self.hsm or (found.get("sku") or {}).get("name") == _PREMIUM.value else _STANDARD
        return keyvault.VaultPropertiesArgs(
            tenant_id=tenant,
            sku=keyvault.SkuArgs(family=keyvault.SkuFamily.A, name=sku),
            create_mode=keyvault.CreateMode.RECOVER if place.recovers else None,
            enable_rbac_authorization=True,
            enable_soft_delete=True,
            enable_purge_protection=True,
            soft_delete_retention_in_days=int(found.get("softDeleteRetentionInDays") or _RETENTION_DAYS),
            network_acls=_closed(found.get("networkAcls")) if network_acls is None else network_acls,
            public_network_access=_disabled(found) if public_network_access is None else public_network_access,
        )

    def _uri(self, vault: keyvault.Vault) -> pulumi.Output[str]:
        """The vault's URI. In a known cloud it follows from the id, which a preview of a change knows too."""
        if self.cloud in clouds.KNOWN:
            suffix = clouds.KNOWN[self.cloud].vault_suffixes[0]
            return vault.id.apply(lambda found: f"https://{_last(found)}.{suffix}")
        return vault.properties.apply(lambda properties: str(properties.vault_uri).rstrip("/"))

    def _child(self, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, **more)


def _read_access(value: Any) -> str:
    if not isinstance(value, str) or value.lower() not in ("enabled", "disabled"):
        raise VaultError("public_network_access", f"it is {value!r}", "use enabled or disabled")
    return value


def _read_tags(value: Any) -> Mapping[str, str]:
    return hub_limits.tags(value, own=OWNER_TAG)


def _with_owner(tags: pulumi.Input[Mapping[str, str]] | None, owner: pulumi.Output[str]) -> pulumi.Output[dict[str, str]]:
    return pulumi.Output.all(tags, owner).apply(lambda known: {**(known[0] or {}), OWNER_TAG: known[1]})


def _last(resource_id: str) -> str:
    return resource_id.rpartition("/")[2]


def _closed(network_acls: Any) -> Any:
    """The network rules that a vault has, if they close anything."""
    return network_acls if isinstance(network_acls, Mapping) and network_acls.get("defaultAction") == "Deny" else None


def _disabled(properties: Mapping[str, Any]) -> str | None:
    """`Disabled` where a vault's public network access is; None where it is what a new vault has."""
    found = str(properties.get("publicNetworkAccess") or "")
    return found if found.lower() == "disabled" else None
