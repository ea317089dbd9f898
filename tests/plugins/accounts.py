"""Configured azure-native plugins, for tests with and without an Azure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi.runtime.proto import provider_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.plugins.azure_native.plugin import AzureNativeProvider

SUBSCRIPTION = "00000000-1111-2222-3333-444444444444"
CREDENTIALS = {"subscriptionId": SUBSCRIPTION, "tenantId": "tenant", "clientId": "client", "clientSecret": "secret"}


def configured(provider: AzureNativeProvider, variables: Mapping[str, str]) -> AzureNativeProvider:
    """Configure the provider with these keys and return it."""
    request = provider_pb2.ConfigureRequest(sends_old_inputs=True, sends_old_inputs_to_delete=True)
    provider.configure({f"azure-native:config:{key}": value for key, value in variables.items()}, request)
    return provider


def without_azure(provider: AzureNativeProvider, **variables: str) -> AzureNativeProvider:
    """Configure the provider with invented credentials, for tests that send nothing to Azure."""
    return configured(provider, {**CREDENTIALS, **variables})
