"""Whether a hub, provisioning service, vault or group is in Azure: azure-native is asked, as the login that creates it."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Self

import pulumi

from hubtrust.azure.absence import GROUPS_VERSION, list_resources
from hubtrust.azure.retry import READ_DEADLINE, RetryLimits
from hubtrust.azure.service import API_VERSIONS
from hubtrust.azure_inputs import AzureInputs
from hubtrust.program_errors import ProgramError

KEEPS = "keeps"
OWNER_TAG = "hubtrust"  # the tag of a hub and its group: the stack that they belong to, and the token of its HubOwner
# The lists in a group, by the argument that names one of it: their path, and their query.
_IN_GROUP = {
    "resourceName": ("IotHubs", {"api-version": API_VERSIONS["iothubs"]}),
    "provisioningServiceName": ("provisioningServices", {"api-version": API_VERSIONS["provisioningservices"]}),
}
# Every group that a stack creates has the tag, so that the list fits on one page.
_GROUPS = {"api-version": GROUPS_VERSION, "$filter": f"tagName eq '{OWNER_TAG}'"}
# azure-native passes Azure's answer on as text: `Status=404 Code="ResourceNotFound" …`; azcore's own form is `RESPONSE 404: 404 Not Found`.
_NOT_FOUND = re.compile(r"Status(Code)?=404\b|RESPONSE 404\b|(Code=\"?|ERROR CODE: )(Resource|ResourceGroup|RoleAssignment)NotFound\b")
_DENIED = re.compile(r"Status(Code)?=403\b|RESPONSE 403\b|AuthorizationFailed")


class NotSeenError(ProgramError):
    """Azure did not say whether the resource exists."""


@dataclass(frozen=True, slots=True)
class Found:
    """A hub, a vault or a resource group in Azure."""

    id: str
    location: str
    stack: str  # in its tag; empty without one
    token: str  # in its tag; empty without one, or where an older version wrote it
    keeps: bool = False  # by its tag: what is on it was there before this stack said so, and stays
    answer: Mapping[str, Any] = field(default_factory=dict)  # Azure's

    @classmethod
    def read(cls, answer: object) -> Self | None:
        """From the JSON of a resource; None if it is not one."""
        if not isinstance(answer, Mapping) or not isinstance(answer.get("id"), str):
            return None
        tags = answer.get("tags")
        stack, token, keeps, *_ = [*str(tags.get(OWNER_TAG, "") if isinstance(tags, Mapping) else "").split(" "), "", "", ""]
        return cls(answer["id"], str(answer.get("location") or ""), stack, token, keeps == KEEPS, answer)

    @property
    def properties(self) -> Mapping[str, Any]:
        """Its properties, by Azure's names."""
        found = self.answer.get("properties")
        return found if isinstance(found, Mapping) else {}

    def is_named(self, names: Mapping[str, str]) -> bool:
        """Whether its own name is the last of ``names``; Azure compares names without case."""
        return self.id.rpartition("/")[2].lower() == _last(names).lower()


@dataclass(frozen=True, slots=True)
class AzureSearch:
    """A question for a hub, a vault or a resource group."""

    kind: str  # in messages
    function: str
    names: Mapping[str, pulumi.Output[str]]  # arguments of the function; the last one is the resource's own name
    component: pulumi.Resource  # whose provider is asked
    advice: str = ""  # what to do where the resource is somebody else's, if that is not what ``remedy`` says for its kind

    @classmethod
    def of_group(cls, component: pulumi.Resource, name: pulumi.Output[str], advice: str = "") -> Self:
        """A question for the resource group of that name."""
        return cls("resource group", "azure-native:resources:getResourceGroup", {"resourceGroupName": name}, component, advice)

    @classmethod
    def of_hub(cls, component: pulumi.Resource, group: pulumi.Output[str], name: pulumi.Output[str]) -> Self:
        """A question for the hub of that name in ``group``."""
        return cls("IoT hub", "azure-native:iothub:getIotHubResource", {"resourceGroupName": group, "resourceName": name}, component)

    @classmethod
    def of_service(cls, component: pulumi.Resource, group: pulumi.Output[str], name: pulumi.Output[str]) -> Self:
        """A question for the provisioning service of that name in ``group``."""
        function = "azure-native:deviceprovisioningservices:getIotDpsResource"
        names = {"resourceGroupName": group, "provisioningServiceName": name}
        advice = "give its id to manage it here (adopt_id), or only its certificates (service), or another name"
        return cls("provisioning service", function, names, component, advice)

    @classmethod
    def of_vault(cls, component: pulumi.Resource, group: pulumi.Output[str], name: pulumi.Output[str]) -> Self:
        """A question for the vault of that name in ``group``."""
        return cls("vault", "azure-native:keyvault:getVault", {"resourceGroupName": group, "vaultName": name}, component)

    @classmethod
    def of_role(cls, component: pulumi.Resource, scope: pulumi.Output[str], name: pulumi.Output[str]) -> Self:
        """A question for the role assignment of that name at ``scope``."""
        return cls(
            "role assignment", "azure-native:authorization:getRoleAssignment", {"scope": scope, "roleAssignmentName": name}, component
        )

    def title(self, names: Mapping[str, str]) -> str:
        """In messages, such as: IoT hub 'hub-7'."""
        return f"{self.kind} '{_last(names)}'"

    async def ask(self, names: Mapping[str, str]) -> Found | None:
        """The resource; None if Azure answers 404.

        Raises:
            NotSeenError: there was another answer, or none.
        """
        try:
            answer = await self._invoke(self.function, names)
        except Exception as error:  # noqa: BLE001 - Pulumi raises nothing more specific for a function that failed
            if _NOT_FOUND.search(str(error)):
                return None
            raise self._not_seen(names, " ".join(str(error).split())) from None
        found = Found.read(answer)
        if found is None or not found.is_named(names):
            raise self._not_seen(names, "Azure's answer is about something else")
        return found

    async def listed(self, names: Mapping[str, str], cloud: str) -> list[Found]:
        """All services of the kind in the group, or all tagged groups: a list is right where the answer about one resource may not be.

        Raises:
            NotSeenError: Azure did not say.
        """
        try:
            subscription = (await self._invoke("azure-native:authorization:getClientConfig", {}))["subscriptionId"]
        except Exception as error:  # noqa: BLE001 - as in ``ask``
            raise self._not_seen(names, " ".join(str(error).split())) from None
        path, query = f"/subscriptions/{subscription}/resourcegroups", _GROUPS
        if found := next((found for argument, found in _IN_GROUP.items() if argument in names), None):
            path, query = f"{path}/{names['resourceGroupName']}/providers/Microsoft.Devices/{found[0]}", found[1]
        listed = await list_in_azure(path, query, f"the list in which {self.title(names)} would be", cloud)
        return [read for one in listed if (read := Found.read(one))]

    def remedy(self, found: Found) -> str:
        """What to do where the resource is somebody else's."""
        if self.advice:
            return self.advice
        if "resourceName" in self.names:
            return f"set adoptHub to {found.id} to manage it here, existingHub to manage only its certificates, or hubName to another name"
        return f"set resourceGroup to {found.id.rpartition('/')[2]} to use it"

    async def _invoke(self, function: str, arguments: Mapping[str, str]) -> Any:
        options = pulumi.InvokeOptions(parent=self.component, version=version("pulumi-azure-native"))
        return await pulumi.runtime.invoke_async(function, dict(arguments), options)

    def _not_seen(self, names: Mapping[str, str], fact: str) -> NotSeenError:
        remedy = "give this login a role that may read it" if _DENIED.search(fact) else "run again when Azure answers"
        return NotSeenError(self.title(names), f"Azure did not say whether it exists: {fact}", f"nothing was changed; {remedy}")


def taken_back(args: pulumi.ResourceTransformArgs, found: Found | None, **more: Any) -> pulumi.ResourceTransformResult | None:
    """The transform of a resource that imports ``found``, with these options. An engine ignores that if its state has the resource."""
    if found is None and not more:
        return None
    kept = pulumi.ResourceOptions(import_=found.id if found else None, **more)
    return pulumi.ResourceTransformResult(props=args.props, opts=pulumi.ResourceOptions.merge(args.opts, kept))


async def list_in_azure(path: str, query: Mapping[str, str], what: str, cloud: str) -> list[Any]:
    """The resources in a list of Resource Manager, asked in the program itself; empty if what they are in does not exist.

    Raises:
        NotSeenError: Azure did not say.
    """

    def ask() -> list[Any]:
        limits = RetryLimits(deadline=READ_DEADLINE, not_found=0.0)
        with AzureInputs.read({"cloud": cloud}).resource_manager(limits) as client:
            return list_resources(client, path, query, what) or []

    with NotSeenError.told():
        return await asyncio.to_thread(ask)


def _last(names: Mapping[str, str]) -> str:
    return [*names.values()][-1]
