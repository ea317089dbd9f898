"""The clouds: public, US government, China, or any other whose metadata host lists its endpoints.

The one table of cloud names, aliases, endpoints, suffixes and scopes.
"""

import time
from dataclasses import dataclass
from functools import cache
from typing import Any

from hubtrust.azure import reachability
from hubtrust.azure.addresses import address_parts
from hubtrust.azure.errors import CloudError
from hubtrust.azure.retry import CLOUD_TIMEOUT, CLOUD_WAITS, LAST_ATTEMPT
from hubtrust.azure.time_limit import TimeOverError, within

_OK = 200
METADATA_VERSION = "2022-09-01"  # the one that azure-native and Terraform ask for


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
    vault_suffixes: tuple[str, ...] = ()  # of Key Vault and Managed HSM
    aliases: tuple[str, ...] = ()  # azure-native's other names for it, and go-autorest's, which it takes too; lower case
    known: bool = True  # to Microsoft's public login, which can vouch for Microsoft's own clouds only


# Sources: learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure,
# learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates (vaults), and the scope constants of the IoT SDKs
# (hubs of every cloud except US government use the public scope).
PUBLIC = Cloud(
    name="public",
    resource_manager="https://management.azure.com",
    login="https://login.microsoftonline.com",
    arm_scope="https://management.azure.com/.default",
    hub_suffix="azure-devices.net",
    provisioning_suffix="azure-devices-provisioning.net",
    hub_scope="https://iothubs.azure.net/.default",
    provisioning_scope="https://azure-devices-provisioning.net/.default",
    vault_suffixes=("vault.azure.net", "managedhsm.azure.net"),
    aliases=("", "azurecloud", "azurepubliccloud"),
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
    vault_suffixes=("vault.usgovcloudapi.net", "managedhsm.usgovcloudapi.net"),
    aliases=("azureusgovernment", "azureusgovernmentcloud"),
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
    vault_suffixes=("vault.azure.cn", "managedhsm.azure.cn"),
    aliases=("azurechinacloud",),
)
KNOWN = {cloud.name: cloud for cloud in (PUBLIC, US_GOVERNMENT, CHINA)}
ALIASES = {alias: cloud.name for cloud in KNOWN.values() for alias in (cloud.name, *cloud.aliases)}
BY_VAULT_SUFFIX = {suffix: cloud for cloud in KNOWN.values() for suffix in cloud.vault_suffixes}


def cloud_named(name: str) -> Cloud:
    """The cloud ``public``, ``usgovernment`` or ``china``, or the one whose metadata host is the https URL ``name``.

    The metadata of another cloud is requested once in each process.

    Raises:
        CloudError: there is no such cloud, or the host does not answer as a metadata host of Azure.
    """
    if name in KNOWN:
        return KNOWN[name]
    require_name(name)
    return _discovered(name.rstrip("/"))


def require_name(value: object) -> str:
    """``value``, if it can be the name of a cloud. No request is sent.

    Raises:
        CloudError: it can't be one.
    """
    name = str(value)
    if name not in KNOWN and not _is_https(name):
        raise CloudError(f"cloud '{name}'", "there is no such cloud", f"use {', '.join(KNOWN)} or the https URL of a metadata host")
    return name


def _is_https(url: str) -> bool:
    return url.startswith("https://") and address_parts(url) is not None


@cache  # once a process: the endpoints of a cloud do not change
def _discovered(host: str) -> Cloud:
    what, remedy = f"cloud '{host}'", "check the URL, the proxy and the certificate of the metadata host"
    document = _metadata(host, what, remedy)
    try:
        arm, login = str(document["resourceManager"]).rstrip("/"), str(document["authentication"]["loginEndpoint"]).rstrip("/")
        audience = str(document["authentication"]["audiences"][0]).rstrip("/")
    except (KeyError, IndexError, TypeError):
        raise CloudError(what, "its metadata has no resource manager, login endpoint or audience", remedy) from None
    if not (_is_https(arm) and _is_https(login)):
        raise CloudError(what, f"its endpoints are {arm} and {login}", "use https for both, because tokens are sent over these connections")
    known = next((cloud for cloud in KNOWN.values() if cloud.resource_manager == arm), PUBLIC)
    return Cloud(
        name=host,
        resource_manager=arm,
        login=login,
        arm_scope=f"{audience}/.default",
        hub_suffix=known.hub_suffix,
        provisioning_suffix=known.provisioning_suffix,
        hub_scope=known.hub_scope,
        provisioning_scope=known.provisioning_scope,
        known=login in {cloud.login for cloud in KNOWN.values()},
    )


def _metadata(host: str, what: str, remedy: str) -> Any:
    """The metadata document. A host that did not answer in this process before is asked only once more.

    Raises:
        CloudError: there is none, or it is somebody else's answer.
    """
    from azure.core.exceptions import AzureError as CoreError

    from hubtrust.azure.json_body import ForeignAnswerError
    from hubtrust.azure.network_faults import network_fault

    fact, is_last = "", reachability.is_unreachable(what)
    for wait in (None,) if is_last else (None, *CLOUD_WAITS):
        if wait is not None:
            time.sleep(wait)
        try:
            document = within(LAST_ATTEMPT if is_last else CLOUD_TIMEOUT, lambda: _request(host))
        except ForeignAnswerError as error:
            fact = str(error)
        except TimeOverError:
            fact, is_last = f"no complete answer within {CLOUD_TIMEOUT:.0f} s", True
        except CoreError as error:
            fault = network_fault(error, host)
            fact, is_last = fault.fact, fault.limit is not None
        else:
            reachability.record(what, reached=True)
            return document
        if is_last:
            break
    reachability.record(what, reached=False)
    raise CloudError(what, f"its metadata can't be read: {fact}", remedy)


def _request(host: str) -> Any:
    from azure.core import PipelineClient
    from azure.core.rest import HttpRequest

    from hubtrust.azure.json_body import ForeignAnswerError, content
    from hubtrust.azure.transport import LimitedTransport

    client: PipelineClient[Any, Any] = PipelineClient(host, policies=[], transport=LimitedTransport())
    with client:
        answer = client.send_request(HttpRequest("GET", f"{host}/metadata/endpoints", params={"api-version": METADATA_VERSION}))
        if answer.status_code != _OK:
            raise ForeignAnswerError(f"it answers {answer.status_code}")
        return content(answer)
