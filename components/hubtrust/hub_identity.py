"""The identity of a hub or provisioning service that a stack creates: its names and its tag. By them the stack finds it again.

Azure sometimes answers 404 for a hub that is there, and a refresh then removes it from the state. Without names of its own the stack
would create a second hub, and delete what is on the first one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import pulumi

from hubtrust.azure.retry import ABSENCE_WAITS
from hubtrust.azure_search import KEEPS, OWNER_TAG, AzureSearch, Found, taken_back
from hubtrust.dynamic.hub_inputs import stack_name
from hubtrust.dynamic.hub_owner import HubOwner
from hubtrust.errors import shown
from hubtrust.hub_undeclared import told_of_kept
from hubtrust.process import now
from hubtrust.program_errors import ProgramError

Undeclared = Callable[[Mapping[str, Any]], list[str]]
_SUFFIX = 8  # digits of the token in a generated name, as many as azure-native's own names have


class HubIdentityError(ProgramError):
    """The hub or its group is not this stack's, or Azure's answers about it contradict each other."""


class HubIdentity:
    """The owner of a component's hub, with the names and the tag that follow from it."""

    def __init__(self, name: str, component: pulumi.Resource, *, cloud: str, protect: bool, whole: bool = True) -> None:
        self._name, self.component, self.cloud = name, component, cloud
        self._started = now()
        self.adopted_before = False  # by a version that wrote the tag without a token
        self.owner = HubOwner(name, stack=stack_name(), whole=whole, opts=pulumi.ResourceOptions(parent=component, protect=protect))

    @property
    def name(self) -> pulumi.Output[str]:
        """A name that this stack always generates, and no other one does."""
        return self._token.apply(lambda token: f"{self._name}{token[:_SUFFIX]}")

    @property
    def tag(self) -> pulumi.Output[str]:
        """The value of the tag of what belongs to this stack."""
        return self._token.apply(lambda token: f"{stack_name()} {token}".rstrip())

    def group(self, location: pulumi.Input[str] | None) -> "Kept":
        """The resource group with the generated name. A name that an older version had azure-native generate stays."""
        return Kept(self, AzureSearch.of_group(self.component, self.name), renamed="resourceGroupName", location=location)

    def hub(
        self, group: pulumi.Output[str], name: pulumi.Output[str] | None, undeclared: Callable[[Mapping[str, Any]], list[str]]
    ) -> "Kept":
        """The hub in ``group``, with the name that the program gives it, or the generated one.

        ``undeclared`` says which paths of the hub's arguments are not in them. On a hub of an earlier version these stay as they are: it
        could not declare them, so that others did. So do those of a hub that was adopted once.
        """
        search = AzureSearch.of_hub(self.component, group, self.name if name is None else name)
        return Kept(self, search, renamed="resourceName" if name is None else None, undeclared=undeclared, is_whole=self.declares_whole)

    def service(self, group: pulumi.Output[str], name: pulumi.Output[str] | None) -> "Kept":
        """The provisioning service in ``group``, with the name that the program gives it, or the generated one."""
        search = AzureSearch.of_service(self.component, group, self.name if name is None else name)
        return Kept(self, search, renamed="provisioningServiceName" if name is None else None)

    @property
    def _token(self) -> pulumi.Output[str]:
        """The token; empty in unit tests whose mocks answer without one."""
        return self.owner.token.apply(lambda token: token or "")

    async def owns(self, found: Found) -> bool:
        """Whether the tag is this stack's: by the token, or in its form without a token by the name of the stack, or its first one.

        In a preview that is to create the owner there is no token yet, and nothing in Azure can have it.
        """
        if found.token:
            return await self.owner.token.is_known() and found.token == await self.owner.token.future()
        return found.stack in (stack_name(), await self.owner.stack.future())

    async def declares_whole(self) -> bool:
        """Whether the program has declared everything on its hub from the first run on. A state of an earlier version does not say so."""
        return await self.owner.whole_hub.is_known() and await self.owner.whole_hub.future() is True

    async def since(self) -> datetime | None:
        """When the owner was created; None in unit tests, whose mocks have no Azure to ask either."""
        created = await self.owner.created.future()
        return datetime.fromisoformat(created) if created else None

    def is_new(self, since: datetime) -> bool:
        """Whether the owner was created in this run, so that nothing in Azure has its token."""
        return self._started <= since <= now()


class Owner(Protocol):
    """What a resource in Azure belongs to: a HubIdentity, or another one that marks what is this stack's."""

    component: pulumi.Resource
    cloud: str
    adopted_before: bool
    """Whether a version that wrote no token adopted the resource."""

    @property
    def tag(self) -> pulumi.Output[str]:
        """The stack and its token."""
        ...

    async def owns(self, found: Found) -> bool:
        """Whether the tag of ``found`` is this stack's."""
        ...

    async def since(self) -> datetime | None:
        """Since when the resource can be this stack's; None in unit tests, whose mocks have no Azure to ask."""
        ...

    def is_new(self, since: datetime) -> bool:
        """Whether the state can't say that the resource is in Azure already."""
        ...


@dataclass
class Kept:
    """A resource that keeps its identity: it is taken back into the state if the state has lost it.

    It is looked for while its tag is computed, so that an error is one of the program's, and the engine never gets a registration.
    """

    identity: Owner
    search: AzureSearch
    renamed: str | None  # the property with the generated name, where the name is generated: nobody else has such a name
    location: pulumi.Input[str] | None = None  # as declared, of a group: Azure can't move it
    outlives: bool = False  # it stays in Azure when its stack is destroyed, so that it can be older than the owner
    undeclared: Undeclared | None = None  # which paths of its arguments are not declared, of a hub
    is_whole: Callable[[], Awaitable[bool]] | None = None  # whether all that is on a hub has been declared from the first run on
    found: Found | None = None
    keeps: bool = False  # what is undeclared stays as it is

    @property
    def tag(self) -> pulumi.Output[str]:
        """The value of its tag, known when it has been looked for.

        Raises:
            NotSeenError: Azure did not say whether it exists.
            HubIdentityError: it is not this stack's, or the group is in another location.
        """
        return pulumi.Output.all(tag=self.identity.tag, location=self.location, **self.search.names).apply(self._look)

    @property
    def options(self) -> pulumi.ResourceOptions:
        """The options of the resource."""
        return pulumi.ResourceOptions(transforms=[self._take_back], ignore_changes=[self.renamed] if self.renamed else None)

    def _take_back(self, args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        """Import the resource if it is in Azure."""
        if not self.keeps or self.undeclared is None:
            return taken_back(args, self.found)
        paths = self.undeclared(args.props)
        if self.found and (kept := told_of_kept(self.found.answer, paths)):
            fact = f"{', '.join(kept)} found on the hub but not declared here; kept unchanged, because earlier versions kept it"
            pulumi.log.info(shown(f"{fact}: declare it in HubArgs"), self.identity.component)
        return taken_back(args, self.found, ignore_changes=paths)

    async def _look(self, values: Mapping[str, Any]) -> str:
        location = values["location"]
        names = {argument: values[argument] for argument in self.search.names}
        since = await self.identity.since()
        found = await self._find(names, since) if since else None
        if found and await self._is_own(found, names):
            if location and not same_location(found.location, location):
                fact = f"it is in {found.location}, and {location} is declared; Azure can't move it, nor what is in it"
                raise HubIdentityError(self.search.title(names), fact, f"set the location back to {found.location}, or use a new stack")
            self.found = found
        if self.undeclared is None or since is None:
            return str(values["tag"])
        tagged = found is not None and (found.keeps or not found.stack)
        renamed = found is not None and not found.is_named(names)
        self.keeps = tagged or renamed or self.identity.is_new(since) or not (self.is_whole and await self.is_whole())
        return f"{values['tag']} {KEEPS}" if tagged else str(values["tag"])

    async def _find(self, names: Mapping[str, str], since: datetime) -> Found | None:
        """The resource in Azure. That one is gone which should be there is believed when Azure repeats it, and does not list it either."""
        if self.identity.is_new(since):
            return await self.search.ask(names) if self.outlives or not self.renamed else None
        listed: list[Found] = []
        for wait in (*ABSENCE_WAITS, 0.0):
            if found := await self.search.ask(names):
                return found
            listed = await self.search.listed(names, self.identity.cloud)
            for one in listed:
                if self.renamed and not one.is_named(names) and one.token and await self.identity.owns(one):
                    return one  # its name is one that azure-native generated
            await asyncio.sleep(wait)
        title = self.search.title(names)
        if any(one.is_named(names) for one in listed):
            fact = "Azure answers 404 for it, but lists it"
            raise HubIdentityError(title, fact, "nothing was created or deleted; run again in a few minutes")
        what = f"{title} is not in Azure; where it is created again, it has the same name"
        pulumi.log.info(shown(what), self.identity.component)
        return None

    async def _is_own(self, found: Found, names: Mapping[str, str]) -> bool:
        """Whether it is this stack's. Without a tag nobody can say, and then Azure refuses to create it a second time."""
        if await self.identity.owns(found):
            return True
        title, remedy = self.search.title(names), self.search.remedy(found)
        if found.stack:
            raise HubIdentityError(title, f"it belongs to stack '{found.stack}' by its tag '{OWNER_TAG}'", remedy)
        what = f"{title} has no tag '{OWNER_TAG}': if this stack has created it, it gets the tag now; otherwise {remedy}"
        pulumi.log.warn(shown(what), self.identity.component)
        return False


def same_location(one: str, other: str) -> bool:
    """Azure writes `West Europe` as `westeurope` too."""
    return one.replace(" ", "").lower() == other.replace(" ", "").lower()
