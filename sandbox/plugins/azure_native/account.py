"""A configured provider: a subscription in an Azure cloud, with a credential and a client for ARM."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sandbox.plugins.azure_native.arm import ArmClient, Deadline
from sandbox.plugins.azure_native.cloud_endpoints import CloudEndpoints, described_cloud, named_cloud
from sandbox.plugins.azure_native.credentials import Credential, cli_subscription, credential
from sandbox.plugins.azure_native.http_client import HttpClient
from sandbox.plugins.resource import PluginError

if TYPE_CHECKING:
    import threading

    from sandbox.plugins.azure_native.settings import Settings
    from sandbox.plugins.azure_native.timing import Timing

GROUP_VERSION: Final = "2020-10-01"


@dataclass
class Account:
    """What all resources of a provider share."""

    settings: Settings
    cloud: CloudEndpoints
    subscription: str
    credential: Credential
    arm: ArmClient
    http: HttpClient
    timing: Timing
    stopping: threading.Event
    _locations: dict[str, str | None] = field(default_factory=dict)

    def deadline(self, seconds: float = 0) -> Deadline:
        """The deadline of an operation: the given number of seconds, or the default when 0."""
        return Deadline(seconds or self.timing.operation, self.stopping)

    def location_of(self, group: str) -> str | None:
        """The location of a resource group, looked up once; None if the lookup fails for any reason."""
        if group not in self._locations:
            path = f"/subscriptions/{self.subscription}/resourceGroups/{group}"
            try:
                found = self.arm.get(path, GROUP_VERSION, self.deadline()).get("location")
            except PluginError:
                found = None
            if not isinstance(found, str):
                return None
            self._locations[group] = found
        return self._locations[group]


def open_account(settings: Settings, timing: Timing, stopping: threading.Event, version: str) -> Account:
    """Open the account that these settings describe. Errors name the setting to change."""
    if settings.get("auxiliaryTenantIds") not in ("", "[]"):
        raise PluginError("the sandbox's stand-in for azure-native does not support auxiliaryTenantIds: remove it, or use the real plugin")
    http = HttpClient(connect=timing.connect, answer=timing.answer)
    host = settings.get("metadataHost")
    cloud = described_cloud(host, http) if host else named_cloud(settings.get("environment"))
    login = credential(settings, cloud, http)
    subscription = settings.get("subscriptionId")
    if not subscription:
        if settings.is_on("useDefaultAzureCredential") or settings.is_on("useMsi"):
            settings.require("subscriptionId")
        subscription = cli_subscription()
    arm = ArmClient(cloud.arm, lambda: login.token(cloud.arm_scope), http, timing, settings.user_agent(version))
    return Account(settings, cloud, subscription, login, arm, http, timing, stopping)
