"""Which Azure: public, US government, China, or any other that tells its endpoints at a metadata host."""

from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from hubtrust.azure.errors import CloudError

_METADATA_VERSION = "2022-09-01"  # the one that azure-native and Terraform ask for


@dataclass(frozen=True, slots=True)
class Cloud:
    """Endpoints (https URLs without a slash at the end) and token scopes of one cloud."""

    name: str
    resource_manager: str
    login: str
    arm_scope: str
    hub_suffix: str
    provisioning_suffix: str
    hub_scope: str
    provisioning_scope: str
    known: bool = True  # to Microsoft's public login, which vouches for its own clouds only


# Source: learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure, the IoT SDKs' scope constants
# (every cloud but US government asks for the public scope).
PUBLIC = Cloud(
    name="public",
    resource_manager="https://management.azure.com",
    login="https://login.microsoftonline.com",
    arm_scope="https://management.azure.com/.default",
    hub_suffix="azure-devices.net",
    provisioning_suffix="azure-devices-provisioning.net",
    hub_scope="https://iothubs.azure.net/.default",
    provisioning_scope="https://azure-devices-provisioning.net/.default",
)
US_GOVERNMENT = Cloud(
    name="usgovernment",
    resource_manager="https://management.usgovcloudapi.net",
    login="https://login.microsoftonline.us",
    arm_scope="https://management.usgovcloudapi.net/.default",
    hub_suffix="azure-devices.us",
    provisioning_suffix="azure-devices-provisioning.us",
    hub_scope="https://iothubs.azure.us/.default",
    provisioning_scope="https://azure-devices-provisioning.us/.default",
)
CHINA = Cloud(
    name="china",
    resource_manager="https://management.chinacloudapi.cn",
    login="https://login.chinacloudapi.cn",
    arm_scope="https://management.chinacloudapi.cn/.default",
    hub_suffix="azure-devices.cn",
    provisioning_suffix="azure-devices-provisioning.cn",
    hub_scope="https://iothubs.azure.net/.default",
    provisioning_scope="https://azure-devices-provisioning.cn/.default",
)
_KNOWN = {cloud.name: cloud for cloud in (PUBLIC, US_GOVERNMENT, CHINA)}
NAMES = tuple(_KNOWN)


def named(name: str) -> Cloud:
    """The cloud ``public``, ``usgovernment`` or ``china``, or the one whose metadata host is the https URL ``name``.

    Asks the metadata host, once, for any other than the three.

    Raises:
        CloudError: no such name, or the host does not answer as one of Azure's.
    """
    if name in _KNOWN:
        return _KNOWN[name]
    require_name(name)
    return _discovered(name.rstrip("/"))


def require_name(name: str) -> None:
    """``name`` can name a cloud; no host is asked.

    Raises:
        CloudError: it can't.
    """
    if name not in _KNOWN and not (name.startswith("https://") and urlsplit(name).hostname):
        raise CloudError(f"cloud '{name}'", "there is no such cloud", f"use {', '.join(_KNOWN)} or the https URL of a metadata host")


@cache  # in every process once: the endpoints of a cloud stay
def _discovered(host: str) -> Cloud:
    from azure.core import PipelineClient
    from azure.core.exceptions import AzureError as CoreError
    from azure.core.rest import HttpRequest

    what, remedy = f"cloud '{host}'", "check the URL, the proxy and the certificate of the metadata host"
    client: PipelineClient[Any, Any] = PipelineClient(host, policies=[])
    try:
        with client:
            answer = client.send_request(HttpRequest("GET", f"{host}/metadata/endpoints", params={"api-version": _METADATA_VERSION}))
            answer.raise_for_status()
            document = answer.json()
        arm, login = str(document["resourceManager"]).rstrip("/"), str(document["authentication"]["loginEndpoint"]).rstrip("/")
        audience = str(document["authentication"]["audiences"][0]).rstrip("/")
    except CoreError as error:
        raise CloudError(what, f"its metadata can't be read ({_short(error)})", remedy) from None
    except (KeyError, IndexError, TypeError, ValueError):
        raise CloudError(what, "its metadata names no resource manager, login endpoint and audience", remedy) from None
    if not (arm.startswith("https://") and login.startswith("https://")):
        raise CloudError(what, f"its metadata leads to {arm} and {login}", "use https for both: tokens cross these connections")
    known = next((cloud for cloud in _KNOWN.values() if cloud.resource_manager == arm), PUBLIC)
    return Cloud(
        name=host,
        resource_manager=arm,
        login=login,
        arm_scope=f"{audience}/.default",
        hub_suffix=known.hub_suffix,
        provisioning_suffix=known.provisioning_suffix,
        hub_scope=known.hub_scope,
        provisioning_scope=known.provisioning_scope,
        known=login in {cloud.login for cloud in _KNOWN.values()},
    )


def _short(error: Exception) -> str:
    """The first line of an error of azure-core's, which may be a page long."""
    return " ".join(str(error).split())[:200]
