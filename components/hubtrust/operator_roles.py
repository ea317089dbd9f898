"""The role of a hub's operators. One that a principal has already, given by somebody else, is taken as it is and never deleted."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_azure_native import authorization

from hubtrust.azure_search import AzureSearch, Found, list_in_azure, taken_back
from hubtrust.hub_identity import HubIdentity
from hubtrust.operators import DEPLOYER, Operator

# Azure's built-in role "IoT Hub Data Contributor": devices, twins and methods, but neither keys nor the hub's own settings.
# learn.microsoft.com/azure/role-based-access-control/built-in-roles/internet-of-things
_DATA_CONTRIBUTOR = "4fc6c259-987e-4a07-842e-c321cc9d413f"
_AZ_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"  # the az CLI's client id, the same in every tenant: a person has logged in with it
_VERSION = "2022-04-01"
_NAMES = uuid.UUID("6f1f3c0e-7a43-4d0f-9a52-0d0a8b6f5c11")  # the namespace of our assignments' names
_GIVEN = ["scope", "principalId", "principalType", "roleDefinitionId", "roleAssignmentName", "description", "condition", "conditionVersion"]


@dataclass
class OperatorRole:
    """The role of one operator on the hub of ``identity``."""

    identity: HubIdentity
    operator: Operator
    hub_id: pulumi.Output[str]
    may_exist: bool  # whether somebody else can have given it: not on a hub that this run creates
    found: Found | None = None
    is_others: bool = False

    def declare(self, resource_name: str, opts: pulumi.ResourceOptions) -> authorization.RoleAssignment:
        """Declare the assignment."""
        principal, kind = _deployer() if self.operator.principal == DEPLOYER else (self.operator.principal, self.operator.kind)
        known: pulumi.Output[dict[str, Any]] = pulumi.Output.all(token=self.identity.tag, hub=self.hub_id, principal=principal)
        name: pulumi.Output[str] = known.apply(self._look)
        kept = pulumi.ResourceOptions(transforms=[self._take], ignore_changes=["roleAssignmentName"])
        return authorization.RoleAssignment(
            resource_name,
            role_assignment_name=name,
            scope=self.hub_id,
            principal_id=principal,
            principal_type=kind,
            role_definition_id=self.hub_id.apply(_role),
            description=self.identity.tag.apply(_description),
            opts=pulumi.ResourceOptions.merge(kept, opts),
        )

    async def _look(self, values: dict[str, Any]) -> str:
        """The assignment's name; remembers the assignment if it is in Azure."""
        hub, principal = values["hub"], values["principal"]
        name = str(uuid.uuid5(_NAMES, f"{values['token']} {hub.lower()} {principal.lower()}"))
        since = await self.identity.since()
        if since is None or (self.identity.is_new(since) and not self.may_exist):
            return name
        search = AzureSearch.of_role(self.identity.component, pulumi.Output.from_input(hub), pulumi.Output.from_input(name))
        self.found = await search.ask({"scope": hub, "roleAssignmentName": name})
        if self.found is None:
            await self._look_for_others(hub, principal, _description(values["token"]))
        return name

    async def _look_for_others(self, hub: str, principal: str, description: str) -> None:
        for one in await _assignments(hub, principal, self.identity.cloud):
            self.found = Found.read(one)
            # An older version gave it a random name and no description. The first run of this version adds that.
            self.is_others = one["properties"].get("description") != description and not self.identity.adopted_before
            if self.is_others:
                what = f"operator {principal} has the role IoT Hub Data Contributor already; it is taken as it is, and never deleted here"
                pulumi.log.info(what, self.identity.component)

    def _take(self, args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        """Import what is in Azure. Somebody else's is neither changed nor deleted."""
        more: dict[str, Any] = {"retain_on_delete": True, "ignore_changes": _GIVEN} if self.is_others else {}
        return taken_back(args, self.found, **more)


async def _assignments(hub_id: str, principal: str, cloud: str) -> list[dict[str, Any]]:
    """The assignments of the role to the principal at the hub itself; Azure allows one."""
    query = {"api-version": _VERSION, "$filter": f"principalId eq '{principal}'"}
    path = f"{hub_id}/providers/Microsoft.Authorization/roleAssignments"
    listed = await list_in_azure(path, query, f"the roles of operator {principal} on the hub", cloud)
    return [one for one in listed if _is_ours_to_give(one.get("properties") or {}, hub_id, principal)]


def _is_ours_to_give(found: Mapping[str, Any], hub_id: str, principal: str) -> bool:
    return (
        str(found.get("scope")).lower() == hub_id.lower()
        and str(found.get("principalId")).lower() == principal.lower()
        and str(found.get("roleDefinitionId")).lower().endswith(_DATA_CONTRIBUTOR)
    )


def _role(hub_id: str) -> str:
    subscription = "/".join(hub_id.split("/")[:3])
    return f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{_DATA_CONTRIBUTOR}"


def _description(tag: str) -> str:
    """What marks an assignment as this stack's: the token, which stays where the stack is renamed."""
    return f"hubtrust {tag.rpartition(' ')[2]}"


def _deployer() -> tuple[pulumi.Output[str], pulumi.Output[str]]:
    """Object id and kind of whoever runs the program: a user if they logged in with the az CLI, otherwise a service principal."""
    found = authorization.get_client_config_output()
    return found.object_id, found.client_id.apply(lambda client: "User" if client == _AZ_CLI else "ServicePrincipal")
