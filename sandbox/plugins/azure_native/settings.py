"""The configuration of an azure-native provider: its keys, and the environment variables used for missing keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sandbox.plugins.resource import PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX: Final = "azure-native:config:"
ENVIRONMENT_VARIABLES: Final = {
    "subscriptionId": ("ARM_SUBSCRIPTION_ID",),
    "tenantId": ("ARM_TENANT_ID",),
    "clientId": ("ARM_CLIENT_ID",),
    "clientSecret": ("ARM_CLIENT_SECRET",),
    "clientCertificatePath": ("ARM_CLIENT_CERTIFICATE_PATH",),
    "clientCertificatePassword": ("ARM_CLIENT_CERTIFICATE_PASSWORD",),
    "environment": ("ARM_ENVIRONMENT", "AZURE_ENVIRONMENT"),
    "metadataHost": ("ARM_METADATA_HOSTNAME",),
    "disableInstanceDiscovery": ("ARM_DISABLE_INSTANCE_DISCOVERY",),
    "location": (),
    "useOidc": ("ARM_USE_OIDC",),
    "oidcToken": ("ARM_OIDC_TOKEN",),
    "oidcTokenFilePath": ("ARM_OIDC_TOKEN_FILE_PATH",),
    "oidcRequestToken": ("ACTIONS_ID_TOKEN_REQUEST_TOKEN",),
    "oidcRequestUrl": ("ACTIONS_ID_TOKEN_REQUEST_URL",),
    "oidcAudience": ("ARM_OIDC_AUDIENCE",),
    "useMsi": ("ARM_USE_MSI",),
    "useDefaultAzureCredential": ("ARM_USE_DEFAULT_AZURE_CREDENTIAL",),
    "auxiliaryTenantIds": ("ARM_AUXILIARY_TENANT_IDS",),
    "partnerId": ("ARM_PARTNER_ID",),
    "disablePulumiPartnerId": ("ARM_DISABLE_PULUMI_PARTNER_ID",),
    "skipReadOnUpdate": ("ARM_SKIP_READ_ON_UPDATE",),
}
PULUMI_PARTNER: Final = "a90539d8-a7a6-5826-95c4-1fbef22d4b22"


@dataclass(frozen=True, repr=False)
class Settings:
    """`variables` from Configure and the process's `environment`. A key that is present, even empty, takes precedence."""

    variables: Mapping[str, str]
    environment: Mapping[str, str]

    def get(self, key: str) -> str:
        """The value of a key; "" if it has none."""
        configured = self.variables.get(PREFIX + key)
        if configured is not None:
            return configured
        return next((self.environment[name] for name in ENVIRONMENT_VARIABLES[key] if self.environment.get(name)), "")

    def is_on(self, key: str) -> bool:
        """Whether a boolean key is on: exactly "true"."""
        return self.get(key) == "true"

    def require(self, *keys: str) -> None:
        """PluginError naming the first of these keys that has no value."""
        for key in keys:
            if not self.get(key):
                names = " or ".join(ENVIRONMENT_VARIABLES[key])
                raise PluginError(f"no {key} for Azure: run `pulumi config set azure-native:{key} <value>` or set {names}")

    def user_agent(self, version: str) -> str:
        """The User-Agent header: the partner id that the real plugin sends, marked as the stand-in."""
        partner = self.get("partnerId") or ("" if self.is_on("disablePulumiPartnerId") else PULUMI_PARTNER)
        product = f"pulumi-azure-native/{version} (stand-in)"
        return f"{product} pid-{partner}" if partner else product
