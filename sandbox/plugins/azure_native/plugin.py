"""The azure-native plugin: its resources and functions by token, for one account that Configure opens."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sandbox.plugins.azure_native.arm_resource import ArmResource
from sandbox.plugins.azure_native.functions import functions
from sandbox.plugins.azure_native.resource_types import TYPES
from sandbox.plugins.azure_native.settings import Settings
from sandbox.plugins.azure_native.timing import Timing
from sandbox.plugins.engine_log import EngineLog
from sandbox.plugins.provider import Provider
from sandbox.plugins.resource import PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi.runtime.proto import provider_pb2

    from sandbox.plugins.azure_native.account import Account

VERSION = "3.29.0"


class AzureNativeProvider(Provider):
    """The azure-native plugin as a Pulumi engine sees it. Tests may pass a shorter `timing`."""

    def __init__(self, engine: str | None, *, timing: Timing, environment: Mapping[str, str], version: str) -> None:
        log = EngineLog(engine)
        resources = {token: ArmResource(kind, self.account, log) for token, kind in TYPES.items()}
        super().__init__("azure-native", version, resources, functions(self.account))
        self._timing = timing
        self._environment = environment
        self._account: Account | None = None

    def account(self) -> Account:
        """The configured account."""
        if self._account is None:
            raise PluginError("azure-native is not configured yet: the engine must call Configure first")
        return self._account

    def check_config(self, urn: str, news: dict[str, Any]) -> list[str]:
        """Accept any configuration; Configure reports what is missing."""
        del urn, news
        return []

    def configure(self, variables: Mapping[str, str], request: provider_pb2.ConfigureRequest) -> None:
        """Open the account."""
        if not (request.sends_old_inputs and request.sends_old_inputs_to_delete):
            raise PluginError("azure-native needs Pulumi CLI v3.74.0 or later: this engine does not send old inputs")
        from sandbox.plugins.azure_native.account import open_account  # imports the HTTP library, which is not needed at start-up

        self._account = open_account(Settings(dict(variables), self._environment), self._timing, self.stopping, self.version)


def plugin(
    engine: str | None, *, timing: Timing | None = None, environment: Mapping[str, str] | None = None, version: str = VERSION
) -> AzureNativeProvider:
    """Create the plugin for the engine at that address; `environment` defaults to this process's."""
    known = os.environ if environment is None else environment
    return AzureNativeProvider(engine, timing=timing or Timing(), environment=dict(known), version=version)
