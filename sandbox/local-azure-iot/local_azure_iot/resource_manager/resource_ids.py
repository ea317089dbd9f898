"""Resource ids as rules use them: which cloud, subscription, resource group and resource an operation is about.

Source: https://learn.microsoft.com/azure/azure-resource-manager/management/overview
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local_azure_iot.host_names import AzureCloud


@dataclass(frozen=True, kw_only=True)
class ResourceId:
    """One resource, or its resource group where `name` is empty. Names are as the caller wrote them; keys ignore case."""

    cloud: AzureCloud
    subscription: str
    group: str = ""  # empty: the whole subscription
    name: str = ""

    @property
    def subscription_prefix(self) -> str:
        """The prefix of the keys of everything in the subscription."""
        return f"{self.cloud.name}/{self.subscription}/".lower()

    @property
    def group_key(self) -> str:
        """The store key of the resource group, and the prefix of the keys of everything in it."""
        return f"{self.subscription_prefix}{self.group.lower()}"
