"""The role of an operator of a resource. One that a principal has already, given by somebody else, is taken as it is and never deleted."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import pulumi
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.settings import get_monitor
from pulumi_azure_native import authorization

from hubtrust.azure_search import AzureSearch, Found, list_in_azure, taken_back
from hubtrust.dynamic.hub_inputs import stack_name
from hubtrust.known_values import when_known
from hubtrust.operators import DEPLOYER, Operator, OperatorError

_AZ_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"  # the az CLI's client id, the same in every tenant: a person has logged in with it
_VERSION = "2022-04-01"
_NAMES = uuid.UUID("6f1f3c0e-7a43-4d0f-9a52-0d0a8b6f5c11")  # the namespace of our assignments' names
_GIVEN = ["scope", "principalId", "principalType", "roleDefinitionId", "roleAssignmentName", "description", "condition", "conditionVersion"]


@dataclass(frozen=True, slots=True)
class AzureRole:
    """A role that is built into Azure (learn.microsoft.com/azure/role-based-access-control/built-in-roles), and what it is given on."""

    name: str
    """Azure's name of the role."""
    definition: str
    """The GUID of its definition, the same in every tenant."""
    scope: str
    """What it is given on, in messages: the hub, the vault."""


# Devices, twins and methods, but neither keys nor the hub's own settings.
DATA_CONTRIBUTOR = AzureRole("IoT Hub Data Contributor", "4fc6c259-987e-4a07-842e-c321cc9d413f", "the hub")
# Enrollments, registrations and their keys, but not the service's own settings.
PROVISIONING_DATA_CONTRIBUTOR = AzureRole(
    "Device Provisioning Service Data Contributor", "dfce44e4-17b7-4bd1-a6d1-04996ec95633", "the provisioning service"
)
# Creates keys and signs with them, but manages neither the vault nor who may use it.
CRYPTO_OFFICER = AzureRole("Key Vault Crypto Officer", "14b46e9e-c2b7-41b4-b07b-48a6ebf60603", "the vault")


class Owner(Protocol):
    """What owns the resource, such as a HubIdentity: it marks the assignments that are this stack's."""

    component: pulumi.Resource
    cloud: str
    adopted_before: bool
    """Whether a version that wrote no token adopted the resource."""

    @property
    def tag(self) -> pulumi.Output[str]:
        """The stack and its token."""
        ...

    async def since(self) -> datetime | None:
        """Since when the resource can be this stack's; None in unit tests, whose mocks have no Azure to ask."""
        ...

    def is_new(self, since: datetime) -> bool:
        """Whether nothing in Azure can be this stack's yet."""
        ...


@dataclass
class StackAsOwner:
    """A component that gives roles on a hub that its stack does not manage: by their names, because there is no token."""

    component: pulumi.Resource
    cloud: str
    name: str
    """The component's, so that two components with the same hub don't take a role for their own."""
    adopted_before: bool = False

    @property
    def tag(self) -> pulumi.Output[str]:
        """The stack's name, and the component's: one word."""
        return pulumi.Output.from_input(f"{stack_name()}:{self.name}".replace(" ", "-"))

    async def since(self) -> datetime | None:
        """As if it had always been: an earlier run may have given each role."""
        return None if isinstance(get_monitor(), MockMonitor) else datetime.min.replace(tzinfo=UTC)

    def is_new(self, _since: datetime) -> bool:
        """Never: see ``since``."""
        return False


@dataclass
class OperatorRole:
    """The role of one operator on the resource of ``owner``."""

    owner: Owner
    role: AzureRole
    operator: pulumi.Input[str] | Operator
    """As `Operator.read` takes it."""
    resource_id: pulumi.Output[str]
    may_exist: bool
    """Whether somebody else can have given it: not on a hub that this run creates."""
    key: str = ""
    """Which operator of the resource it is, in errors and, if ``by_key``, in Azure's name of the assignment."""
    by_key: bool = False
    """The key stays while the principal may change; otherwise the principal stays."""
    taken: dict[str, str] = field(default_factory=dict)
    """The keys of the resource's operators by their principals, as far as they are known: Azure gives a principal the role once."""
    keeps_deployer: bool = False
    """The role that whoever ran first got as the deployer stays theirs: a preview by another identity shows no change."""
    found: Found | None = None
    is_others: bool = False

    def declare(self, resource_name: str, opts: pulumi.ResourceOptions) -> authorization.RoleAssignment:
        """Declare the assignment."""
        known: pulumi.Output[tuple[str, str]] = when_known(OperatorError, _principal, self.operator)
        principal, kind = known.apply(lambda found: found[0]), known.apply(lambda found: found[1])
        values: pulumi.Output[dict[str, Any]] = pulumi.Output.all(token=self.owner.tag, resource=self.resource_id, principal=principal)
        name: pulumi.Output[str] = values.apply(self._look)
        stays = ["principalId", "principalType"] if self._stays_first_deployers else []
        kept = pulumi.ResourceOptions(transforms=[self._take], ignore_changes=["roleAssignmentName", *stays])
        return authorization.RoleAssignment(
            resource_name,
            role_assignment_name=name,
            scope=self.resource_id,
            principal_id=principal,
            principal_type=kind,
            role_definition_id=self.resource_id.apply(self._definition),
            description=self.owner.tag.apply(self._description),
            opts=pulumi.ResourceOptions.merge(kept, opts),
        )

    def _description(self, tag: str) -> str:
        return f"{_mark(tag)} {self.key}" if self.by_key else _mark(tag)

    async def _look(self, values: dict[str, Any]) -> str:
        """The assignment's name; remembers the assignment if it is in Azure.

        Raises:
            OperatorError: the principal is another operator of the resource too, in this run or by its assignment.
            NotSeenError: Azure did not say.
        """
        resource, principal = values["resource"], values["principal"]
        if not self._stays_first_deployers:
            self._require_once(principal)
        # A principal that is given by a key may change, and then Azure's name of the assignment stays.
        own = f"key {self.key}" if self.by_key or self._stays_first_deployers else principal.lower()
        name = str(uuid.uuid5(_NAMES, f"{values['token']} {resource.lower()} {own}"))
        since = await self.owner.since()
        if since is None or (self.owner.is_new(since) and not self.may_exist):
            self._require_once(principal)
            return name
        search = AzureSearch.of_role(self.owner.component, pulumi.Output.from_input(resource), pulumi.Output.from_input(name))
        self.found = await search.ask({"scope": resource, "roleAssignmentName": name})
        if self.found and self._stays_first_deployers:
            return name  # whoever ran first has it; who runs now may have the role too, as an operator of its own or by somebody else
        self._require_once(principal)
        if self.found and str(self.found.answer.get("principalId")).lower() != principal.lower():
            self.found = None  # its key has another principal now: it is replaced, which Pulumi refuses for what is imported
        if self.found is None or self.by_key:
            await self._look_for_others(resource, principal, values["token"])
        return name

    @property
    def _stays_first_deployers(self) -> bool:
        return self.keeps_deployer and _is_deployer(self.operator)

    def _require_once(self, principal: str) -> None:
        other = self.taken.setdefault(principal.lower(), self.key)
        if other != self.key:
            raise OperatorError(f"operators '{other}' and '{self.key}'", f"both are {principal}", "give each operator once")

    async def _look_for_others(self, resource: str, principal: str, tag: str) -> None:
        for one in await self._assignments(resource, principal):
            description = one["properties"].get("description") or ""
            if description != self._description(tag) and f"{description} ".startswith(f"{_mark(tag)} "):
                given_as = description.removeprefix(_mark(tag)).strip() or principal
                fact = f"this stack has given the role to {principal} as operator '{given_as}', and would remove it at the end of the run"
                raise OperatorError(
                    f"operator '{self.key}'", fact, f"keep it as '{given_as}', or remove it in one run and give it in the next"
                )
            if self.found is None:
                self.found = Found.read(one)
                # An older version gave it a random name and no description. The first run of this version adds that.
                self.is_others = description != self._description(tag) and not self.owner.adopted_before
                if self.is_others:
                    what = f"operator {principal} has the role {self.role.name} already; it is taken as it is, and never deleted here"
                    pulumi.log.info(what, self.owner.component)

    def _take(self, args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        """Import what is in Azure. Somebody else's is neither changed nor deleted."""
        more: dict[str, Any] = {"retain_on_delete": True, "ignore_changes": _GIVEN} if self.is_others else {}
        return taken_back(args, self.found, **more)

    async def _assignments(self, resource: str, principal: str) -> list[dict[str, Any]]:
        """The assignments of the role to the principal at the resource itself; Azure allows one."""
        query = {"api-version": _VERSION, "$filter": f"principalId eq '{principal}'"}
        path = f"{resource}/providers/Microsoft.Authorization/roleAssignments"
        listed = await list_in_azure(path, query, f"the roles of operator {principal} on {self.role.scope}", self.owner.cloud)
        return [one for one in listed if self._is_ours_to_give(one.get("properties") or {}, resource, principal)]

    def _is_ours_to_give(self, found: Mapping[str, Any], resource: str, principal: str) -> bool:
        return (
            str(found.get("scope")).lower() == resource.lower()
            and str(found.get("principalId")).lower() == principal.lower()
            and str(found.get("roleDefinitionId")).lower().endswith(self.role.definition)
        )

    def _definition(self, resource: str) -> str:
        subscription = "/".join(resource.split("/")[:3])
        return f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{self.role.definition}"


def _mark(tag: str) -> str:
    """What marks an assignment as this stack's: the token, which stays where the stack is renamed."""
    return f"hubtrust {tag.rpartition(' ')[2]}"


def _is_deployer(given: pulumi.Input[str] | Operator) -> bool:
    return given == DEPLOYER if isinstance(given, str) else isinstance(given, Operator) and given.principal == DEPLOYER


def _principal(given: str | Operator) -> Any:
    """Object id and kind of an operator. The deployer is a user if they logged in with the az CLI, otherwise a service principal."""
    operator = given if isinstance(given, Operator) else Operator.read(given)
    if operator.principal != DEPLOYER:
        return operator.principal, operator.kind
    found = authorization.get_client_config_output()
    return pulumi.Output.all(found.object_id, found.client_id.apply(lambda client: "User" if client == _AZ_CLI else "ServicePrincipal"))
