"""Tokens of Azure's login service. The settings select one kind of credential; if it fails, no other is tried."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote

from sandbox.plugins.azure_native.http_client import HttpClient, MsalHttpClient
from sandbox.plugins.resource import PluginError

if TYPE_CHECKING:
    import msal  # type: ignore[import-untyped]
    from azure.core.credentials import TokenCredential

    from sandbox.plugins.azure_native.cloud_endpoints import CloudEndpoints
    from sandbox.plugins.azure_native.settings import Settings

DEFAULT_OIDC_AUDIENCE: Final = "api://AzureADTokenExchange"


class Credential(Protocol):
    """A source of tokens."""

    def token(self, scope: str) -> str:
        """A bearer token for that scope, valid now; PluginError when the login fails."""
        ...


def credential(settings: Settings, cloud: CloudEndpoints, http: HttpClient) -> Credential:
    """Select the credential in the real plugin's order: default, certificate, secret, OIDC, managed identity, Azure CLI."""
    if settings.is_on("useDefaultAzureCredential"):
        return _AzureIdentityCredential(lambda: _default_credential(settings, cloud, http))
    if settings.get("clientCertificatePath"):
        settings.require("subscriptionId", "tenantId", "clientId")
        return _ServicePrincipal(settings, cloud, http, _certificate(settings))
    if settings.get("clientSecret"):
        settings.require("subscriptionId", "tenantId", "clientId")
        return _ServicePrincipal(settings, cloud, http, settings.get("clientSecret"))
    if settings.is_on("useOidc"):
        settings.require("subscriptionId", "tenantId", "clientId")
        return _ServicePrincipal(settings, cloud, http, {"client_assertion": _ClientAssertion(settings, http)})
    if settings.is_on("useMsi"):
        return _AzureIdentityCredential(lambda: _managed_identity(settings, http))
    return _AzureIdentityCredential(lambda: _azure_cli(settings))


def cli_subscription() -> str:
    """The Azure CLI's current subscription. Every other kind of credential needs subscriptionId to be set."""
    az = shutil.which("az")
    if az is None:
        raise PluginError(
            "no credentials for Azure: set azure-native:clientId, clientSecret, tenantId and subscriptionId (or the ARM_ variables), "
            "or install the Azure CLI and run `az login`"
        )
    done = subprocess.run([az, "account", "show", "--output", "json"], capture_output=True, text=True, check=False, encoding="utf-8")
    if done.returncode != 0:
        raise PluginError(f"`az account show` failed: {done.stderr.strip()[:300]}; run `az login`")
    return str(json.loads(done.stdout)["id"])


@dataclass(repr=False)
class _ServicePrincipal:
    """A service principal, through MSAL, which caches tokens until shortly before they expire."""

    settings: Settings
    cloud: CloudEndpoints
    http: HttpClient
    secret: Any
    _client: msal.ConfidentialClientApplication | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def token(self, scope: str) -> str:
        import msal  # takes 0.1 s to import, so only when the first token is needed

        with self._lock:
            try:
                client = self._client = self._client or self._create(msal)
                result = client.acquire_token_for_client([scope])
            except ValueError as refused:
                raise PluginError(f"cannot log in to Azure at {self.cloud.login}: {refused}") from refused
        if result and "access_token" in result:
            return str(result["access_token"])
        reason = (result or {}).get("error_description") or (result or {}).get("error") or "no token in the answer"
        raise PluginError(f"cannot log in to Azure as {self.settings.get('clientId')}: {reason}; check clientId, tenantId and the secret")

    def _create(self, library: Any) -> msal.ConfidentialClientApplication:
        client: msal.ConfidentialClientApplication = library.ConfidentialClientApplication(
            self.settings.get("clientId"),
            client_credential=self.secret,
            authority=f"{self.cloud.login.rstrip('/')}/{self.settings.get('tenantId')}",
            instance_discovery=not self.settings.is_on("disableInstanceDiscovery"),
            http_client=MsalHttpClient(self.http),
        )
        return client


@dataclass(repr=False)
class _ClientAssertion:
    """The workload's own token, requested at each login because it expires before Azure's token does."""

    settings: Settings
    http: HttpClient

    def __call__(self) -> str:
        if self.settings.get("oidcToken"):
            return self.settings.get("oidcToken")
        if self.settings.get("oidcTokenFilePath"):
            return _read_text(self.settings.get("oidcTokenFilePath"), "oidcTokenFilePath").strip()
        self.settings.require("oidcRequestToken", "oidcRequestUrl")
        audience = self.settings.get("oidcAudience") or DEFAULT_OIDC_AUDIENCE
        url = self.settings.get("oidcRequestUrl")
        asked = f"{url}{'&' if '?' in url else '?'}audience={quote(audience, safe='')}"
        answer = self.http.send("GET", asked, headers={"Authorization": f"Bearer {self.settings.get('oidcRequestToken')}"})
        body = answer.json()
        if answer.status != HTTPStatus.OK or not isinstance(body, dict) or "value" not in body:
            raise PluginError(
                f"the OIDC token request was answered {answer.status} without a token; check oidcRequestUrl and oidcRequestToken"
            )
        return str(body["value"])


def _certificate(settings: Settings) -> dict[str, str]:
    """The certificate and key in a PKCS #12 or PEM file, in the form that MSAL takes."""
    path = Path(settings.get("clientCertificatePath"))
    password = settings.get("clientCertificatePassword") or None
    if not path.is_file():
        raise PluginError(f"no client certificate at {path}: check azure-native:clientCertificatePath")
    if path.suffix.lower() in {".pfx", ".p12"}:
        credential: dict[str, str] = {"private_key_pfx_path": str(path)}
    else:
        text = _read_text(str(path), "clientCertificatePath")
        credential = {"private_key": text, "public_certificate": text}
    return {**credential, "passphrase": password} if password else credential


def _read_text(path: str, key: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as failed:
        raise PluginError(f"cannot read {path} of azure-native:{key}: {failed}") from failed


class _AzureIdentityCredential:
    """A credential of azure-identity, created when the first token is needed."""

    def __init__(self, create: Any) -> None:
        self._create = create
        self._created: TokenCredential | None = None
        self._lock = threading.Lock()

    def token(self, scope: str) -> str:
        from azure.core.exceptions import ClientAuthenticationError

        with self._lock:
            self._created = self._created or self._create()
            try:
                return str(self._created.get_token(scope).token)
            except ClientAuthenticationError as refused:
                raise PluginError(f"cannot log in to Azure: {str(refused)[:500]}") from refused


def _default_credential(settings: Settings, cloud: CloudEndpoints, http: HttpClient) -> TokenCredential:
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential(
        authority=cloud.login,
        disable_instance_discovery=settings.is_on("disableInstanceDiscovery"),
        connection_verify=http.roots,
    )


def _managed_identity(settings: Settings, http: HttpClient) -> TokenCredential:
    from azure.identity import ManagedIdentityCredential

    return ManagedIdentityCredential(client_id=settings.get("clientId") or None, connection_verify=http.roots)


def _azure_cli(settings: Settings) -> TokenCredential:
    from azure.identity import AzureCliCredential

    return AzureCliCredential(tenant_id=settings.get("tenantId"))
