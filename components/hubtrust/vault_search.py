"""Whether an authority's vault is in Azure, deleted there, or its name somebody else's; asked in every run before it is declared."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from hubtrust.azure import vaults
from hubtrust.azure.client import AzureClient
from hubtrust.azure.errors import DeniedError
from hubtrust.azure.retry import READ_DEADLINE, READ_DENIED, RetryLimits
from hubtrust.azure_inputs import AzureInputs, same_id
from hubtrust.azure_search import OWNER_TAG, AzureSearch, Found, taken_back
from hubtrust.errors import shown
from hubtrust.hub_identity import same_location
from hubtrust.vault_identity import VaultError, VaultIdentity

_ANOTHER_NAME = "set another name (vault_name, caVaultName)"
_RIGHTS = "give this login a role that may (Key Vault Contributor or Contributor on the subscription or the group), then run again"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a vault is, and what is there."""

    name: str
    group: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    """What Azure has; empty where there is no such vault."""
    location: str | None = None
    recovers: bool = False
    """It was deleted, and the run recovers it."""


@dataclass
class VaultSearch:
    """The search for the vault of ``identity``."""

    identity: VaultIdentity
    is_named: bool
    """The program gives the vault's name, so that only that one is meant."""
    found: Found | None = None

    def take_back(self, args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        """The transform that imports the vault if it is in Azure."""
        return taken_back(args, self.found)

    async def place(self, values: Mapping[str, Any]) -> Place:
        """Where the vault is or will be; ``values`` are name, group, has_own_group, location, subscription, tenant, token.

        Raises:
            VaultError: the name is somebody else's, or the vault is not what is declared.
            NotSeenError: Azure did not say.
        """
        declared = Place(values["name"], values["group"], location=values["location"])
        if await self.identity.since() is None:
            return declared
        names = {"resourceGroupName": values["group"], "vaultName": values["name"]}
        group, name = (pulumi.Output.from_input(one) for one in names.values())
        search = AzureSearch.of_vault(self.identity.component, group, name)
        found: Found | vaults.DeletedVault | None = await search.ask(names)
        if found is None:
            with VaultError.told():
                found = await asyncio.to_thread(self._elsewhere, values)
        if isinstance(found, vaults.DeletedVault):
            self._tell_recovery(declared.name, found)
            return Place(declared.name, declared.group, location=found.location, recovers=True)
        if found is None:
            return declared
        require_usable(declared.name, found, values)
        if await self.identity.is_new_to_the_state():
            self._tell_taken_over(found)
        self.found = found
        return Place(found.id.rpartition("/")[2], found.id.split("/")[4], found.properties, found.location)

    def _elsewhere(self, values: Mapping[str, Any]) -> Found | vaults.DeletedVault | None:
        limits = RetryLimits(deadline=READ_DEADLINE, not_found=0.0, denied=READ_DENIED)
        with AzureInputs.read({"cloud": self.identity.cloud}).resource_manager(limits) as client:
            return elsewhere(client, values, is_named=self.is_named)

    def _tell_taken_over(self, found: Found) -> None:
        what = f"{found.id} is taken over with its keys: an earlier stack of the same name created it"
        remedy = "if that is somebody else's, with a state of its own, stop here and set another name (vault_name, caVaultName)"
        pulumi.log.warn(shown(f"{what}; {remedy}"), self.identity.component)

    def _tell_recovery(self, name: str, deleted: vaults.DeletedVault) -> None:
        what = f"vault '{name}' was deleted on {deleted.deleted_on} and is recovered with its keys"
        pulumi.log.info(shown(f"{what}; the run after that writes what is declared of it"), self.identity.component)


def elsewhere(client: AzureClient, values: Mapping[str, Any], *, is_named: bool) -> Found | vaults.DeletedVault | None:
    """The vault where it is not at its own address: renamed with its stack, or deleted; None if its name is free.

    Raises:
        VaultError: the name is somebody else's, or nobody can say.
    """
    found = _listed(client, values, is_named=is_named)
    if found is not None:
        return found
    return _deleted(client, values) if _is_taken(client, values) else None


def _listed(client: AzureClient, values: Mapping[str, Any], *, is_named: bool) -> Found | None:
    name = values["name"]
    try:
        every = [found for one in vaults.vaults(client, values["subscription"]) if (found := Found.read(one))]
    except DeniedError:
        return None  # this login sees its own group only; the check of the name says whether it is free
    for one in every:
        if one.id.rpartition("/")[2].lower() == name.lower():
            if one.token == values["token"]:
                if one.id.split("/")[4].lower() == values["group"].lower():
                    fact = "Azure answers 404 for it, but lists it"
                    raise VaultError(f"vault '{name}'", fact, "nothing was created or deleted; run again in a few minutes")
                raise _in_another_group(one, values["group"])
            raise _somebody_elses(name, one)
    renamed = None if is_named else next((one for one in every if one.token == values["token"]), None)
    if renamed and not values["has_own_group"] and renamed.id.split("/")[4].lower() != values["group"].lower():
        raise _in_another_group(renamed, values["group"])
    return renamed


def _in_another_group(found: Found, declared: str) -> VaultError:
    fact = f"it is in resource group '{found.id.split('/')[4]}', and '{declared}' is declared"
    return VaultError(f"vault '{found.id.rpartition('/')[2]}'", fact, "declare the group that it is in, or set another name (vault_name)")


def _is_taken(client: AzureClient, values: Mapping[str, Any]) -> bool:
    name = values["name"]
    try:
        check = vaults.check_name(client, values["subscription"], name)
    except DeniedError as error:
        raise VaultError(f"vault '{name}'", f"this login is not allowed to ask whether the name is free ({error.fact})", _RIGHTS) from None
    if check.reason == vaults.INVALID_NAME:
        raise VaultError(f"vault '{name}'", "Azure says that no vault can have that name", _ANOTHER_NAME)
    return not check.is_free


def _deleted(client: AzureClient, values: Mapping[str, Any]) -> vaults.DeletedVault:
    """The deleted vault of that name, which is this stack's; everything else that has the name is an error."""
    name, what = values["name"], f"vault '{values['name']}'"
    try:
        every = vaults.deleted_vaults(client, values["subscription"])
    except DeniedError as error:
        fact = f"its name is taken, and this login is not allowed to see whether a deleted vault has it ({error.fact})"
        raise VaultError(what, fact, f"{_RIGHTS}; or {_ANOTHER_NAME}") from None
    found = next((one for one in every if one.id.rpartition("/")[2].lower() == name.lower()), None)
    if found is None:
        fact = "the name is taken by a vault elsewhere in Azure, or by one that was deleted there in the last 90 days"
        raise VaultError(what, fact, _ANOTHER_NAME)
    stack, _, token = str(found.tags.get(OWNER_TAG, "")).partition(" ")
    if token != values["token"]:
        whose = f"of stack '{stack}'" if stack else f"without the tag '{OWNER_TAG}'"
        fact = f"a deleted vault {whose} has the name until {found.purged_on}"
        raise VaultError(what, fact, f"{_ANOTHER_NAME}, or recover it by hand (az keyvault recover --name {name})")
    if not same_id(found.id.rpartition("/providers/")[0], f"/subscriptions/{values['subscription']}/resourceGroups/{values['group']}"):
        group = found.id.split("/")[4]
        fact = f"it was deleted in resource group '{group}', and '{values['group']}' is declared; Azure recovers it only there"
        raise VaultError(what, fact, "declare that group (resource_group), or set another name (vault_name)")
    if values["location"] and not same_location(found.location, values["location"]):
        fact = f"it was deleted in {found.location}, and {values['location']} is declared; Azure recovers it only there"
        raise VaultError(what, fact, f"set the location to {found.location}, or another name (vault_name, caVaultName)")
    return found


def require_usable(name: str, found: Found, values: Mapping[str, Any]) -> None:
    """Refuse a vault that is not this stack's, or not as it is declared where Azure or this stack can't change it.

    Raises:
        VaultError: it is not.
    """
    what, properties = f"vault '{name}'", found.properties
    if found.token != values["token"]:
        raise _somebody_elses(name, found)
    if values["location"] and not same_location(found.location, values["location"]):
        fact = f"it is in {found.location}, and {values['location']} is declared; Azure can't move it"
        raise VaultError(what, fact, f"set the location back to {found.location}, or another name (vault_name, caVaultName)")
    if str(properties.get("tenantId")).lower() != str(values["tenant"]).lower():
        fact = f"it is in tenant {properties.get('tenantId')}, but this login is in {values['tenant']}"
        raise VaultError(what, fact, "log in to the vault's tenant (az login --tenant, ARM_TENANT_ID)")
    if properties.get("enableRbacAuthorization") is not True:
        fact = "somebody has set it to access policies, but this stack uses roles"
        remedy = f"set it back (az keyvault update --name {name} --enable-rbac-authorization true), or use its URI as caVault"
        raise VaultError(what, fact, remedy)


def _somebody_elses(name: str, found: Found) -> VaultError:
    whose = f"belongs to stack '{found.stack}' by its tag '{OWNER_TAG}'" if found.stack else f"has no tag '{OWNER_TAG}'"
    remedy = f"{_ANOTHER_NAME}, or use the keys of that vault by its URI (InKeyVault(vault=…), caVault)"
    return VaultError(f"vault '{name}'", f"{found.id} exists and {whose}", remedy)
