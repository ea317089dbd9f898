"""The identity of an authority's vault: names that follow from subscription, stack and name, because the vault outlives the state."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

import pulumi
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.settings import get_monitor

from hubtrust.azure_search import AzureSearch, Found
from hubtrust.dynamic.hub_inputs import stack_name
from hubtrust.dynamic.hub_owner import HubOwner
from hubtrust.hub_identity import Kept
from hubtrust.process import now
from hubtrust.program_errors import ProgramError

_DIGITS = 12  # of the hash in a generated name
_LONGEST = 24  # characters of a vault's name
_OTHER = re.compile(r"[^A-Za-z0-9]+")
# learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates
_NAME = re.compile(r"[A-Za-z](?!.*--)[A-Za-z0-9-]{1,22}[A-Za-z0-9]")


class VaultError(ProgramError):
    """The vault can't be made or used: its name is taken, or it is not what is declared."""


def require_vault_name(value: object) -> str:
    """``value``, if a vault can have that name.

    Raises:
        VaultError: it can't.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        remedy = "use 3 to 24 letters, digits and single hyphens, with a letter first and no hyphen at the end"
        raise VaultError(f"vault '{value}'", "no vault can have that name", remedy)
    return value


@dataclass
class VaultIdentity:
    """Whose a vault and its group are: a stack's, by a token that every run computes again."""

    name: str
    component: pulumi.Resource
    cloud: str
    subscription: pulumi.Output[str]
    adopted_before: bool = False

    def __post_init__(self) -> None:
        self._started = now()
        self._owner = HubOwner(self.name, stack=stack_name(), opts=pulumi.ResourceOptions(parent=self.component))

    @property
    def token(self) -> pulumi.Output[str]:
        """16 hex digits, in the tag."""
        return self._hash.apply(lambda digest: digest[:16])

    @property
    def generated_name(self) -> pulumi.Output[str]:
        """The name of the vault, and of its group, that this stack always generates and no other one does."""
        return self._hash.apply(self._generated)

    @property
    def tag(self) -> pulumi.Output[str]:
        """The value of the tag of what belongs to this stack."""
        return self.token.apply(lambda token: f"{stack_name()} {token}")

    def group(self, name: pulumi.Output[str]) -> Kept:
        """The vault's own group."""
        search = AzureSearch.of_group(self.component, name, advice="give the vault a group (resource_group), or rename its resource")
        return Kept(self, search, renamed="resourceGroupName", outlives=True)

    async def owns(self, found: Found) -> bool:
        """Whether the tag is this stack's."""
        return found.token == await self.token.future()

    async def since(self) -> datetime | None:
        """Now: what is in Azure may be older than the state. None in unit tests, whose mocks have no Azure to ask."""
        return None if isinstance(get_monitor(), MockMonitor) else now()

    def is_new(self, _since: datetime) -> bool:
        """The state says nothing about what is in Azure."""
        return True

    async def is_new_to_the_state(self) -> bool:
        """Whether the state knew nothing of this vault before this run."""
        created = await self._owner.created.future()
        return not created or datetime.fromisoformat(created) >= self._started

    @property
    def _hash(self) -> pulumi.Output[str]:
        """By the stack's first name, which the state keeps: a renamed stack has the same vault."""

        async def digest(subscription: str) -> str:
            first = await self._owner.stack.future() or stack_name()  # a preview that is to create the owner knows its inputs only
            return hashlib.sha256(f"{str(subscription).lower()} {first} {self.name}".encode()).hexdigest()

        return self.subscription.apply(digest)

    def _generated(self, digest: str) -> str:
        room = _LONGEST - _DIGITS - 1
        readable = _OTHER.sub("-", self.name).strip("-")[:room].strip("-")
        start = readable if readable[:1].isalpha() else f"v{readable}"[:room].strip("-")
        return f"{start}-{digest[:_DIGITS]}"
