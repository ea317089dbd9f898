"""The endpoints and token audiences of an Azure cloud: a built-in one, or any that a metadata host describes."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from sandbox.plugins.resource import PluginError

if TYPE_CHECKING:
    from sandbox.plugins.azure_native.http_client import HttpClient

METADATA_VERSION: Final = "2022-09-01"


@dataclass(frozen=True)
class CloudEndpoints:
    """One cloud. `audience` is ARM's audience in tokens; `graph` is Microsoft Graph's resource id, "" if the cloud has none."""

    name: str
    login: str
    arm: str
    audience: str
    graph: str

    @property
    def arm_scope(self) -> str:
        """The scope of a token for ARM. An audience with a final slash results in two slashes, as azcore sends it."""
        return f"{self.audience}/.default"


PUBLIC: Final = CloudEndpoints(
    "AzureCloud",
    "https://login.microsoftonline.com/",
    "https://management.azure.com",
    "https://management.core.windows.net/",
    "https://graph.microsoft.com",
)
US_GOVERNMENT: Final = CloudEndpoints(
    "AzureUSGovernment",
    "https://login.microsoftonline.us/",
    "https://management.usgovcloudapi.net",
    "https://management.core.usgovcloudapi.net",
    "https://graph.microsoft.us",
)
CHINA: Final = CloudEndpoints(
    "AzureChinaCloud",
    "https://login.chinacloudapi.cn/",
    "https://management.chinacloudapi.cn",
    "https://management.core.chinacloudapi.cn",
    "https://microsoftgraph.chinacloudapi.cn",
)
NAMES: Final = {
    "": PUBLIC,
    "public": PUBLIC,
    "azurecloud": PUBLIC,
    "azurepubliccloud": PUBLIC,
    "usgovernment": US_GOVERNMENT,
    "azureusgovernment": US_GOVERNMENT,
    "azureusgovernmentcloud": US_GOVERNMENT,
    "china": CHINA,
    "azurechinacloud": CHINA,
}


def named_cloud(environment: str) -> CloudEndpoints:
    """The built-in cloud with the name that azure-native:environment gives."""
    cloud = NAMES.get(environment.lower())
    if cloud is None:
        raise PluginError(
            f"unknown Azure environment '{environment}': set azure-native:environment (or ARM_ENVIRONMENT) to public, usgovernment "
            "or china, or azure-native:metadataHost to a host that describes the cloud"
        )
    return cloud


def described_cloud(host: str, http: HttpClient) -> CloudEndpoints:
    """The cloud that a metadata host describes; one GET without retries."""
    base = host if "://" in host else f"https://{host}"
    url = f"{base.rstrip('/')}/metadata/endpoints?api-version={METADATA_VERSION}"
    answer = http.send("GET", url, headers={"Accept": "application/json"})
    if answer.status != HTTPStatus.OK:
        raise PluginError(f"the metadata host {host} answered {answer.status} to GET {url}; check azure-native:metadataHost")
    described = answer.json()
    try:
        return CloudEndpoints(
            name=_text(described["name"]),
            login=_text(described["authentication"]["loginEndpoint"]),
            arm=_text(described["resourceManager"]).rstrip("/"),
            audience=_text(described["authentication"]["audiences"][0]),
            graph=_text(described.get("microsoftGraphResourceId") or "").rstrip("/"),
        )
    except (KeyError, IndexError, TypeError, AttributeError) as missing:
        raise PluginError(f"the metadata of {host} has no valid {missing}; check azure-native:metadataHost") from missing


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"string: it has {value!r}")
    return value
