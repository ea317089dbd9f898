"""The host names of Azure's services in each of its clouds, and the endpoint of local Azure that answers for each name."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class Endpoint(StrEnum):
    """The services that local Azure answers for, distinguished by host name as on Azure."""

    ARM = "arm"
    LOGIN = "login"
    HUB = "hub"
    EVENT_HUB = "event-hub"  # the event-hub-compatible endpoint of a hub
    PROVISIONING = "provisioning"
    DEVICE_PROVISIONING = "device-provisioning"
    KEY_VAULT = "key-vault"
    GRAPH = "graph"  # Microsoft Graph, Entra's directory
    LOOPBACK = "loopback"  # ARM, metadata and login on local Azure's own address, for clients that take a metadata host
    NOWHERE = "nowhere"  # a request whose host is none of these


OF_PROVISIONING = frozenset({Endpoint.PROVISIONING, Endpoint.DEVICE_PROVISIONING})
OF_DEVICES = OF_PROVISIONING | {Endpoint.HUB}  # where devices come, by MQTT and HTTPS


@dataclass(frozen=True, kw_only=True)
class AzureCloud:
    """One of Azure's clouds: its names as `az cloud list` and `/metadata/endpoints` show them."""

    name: str
    arm: str
    audiences: tuple[str, ...]
    login: tuple[str, ...]
    hub_suffix: str
    provisioning_suffix: str
    iot_hubs_scope: str
    graph: str
    portal: str
    storage_suffix: str
    key_vault_suffix: str
    event_hub_suffix: str

    @property
    def device_provisioning(self) -> str:
        """The host where devices ask which hub is theirs."""
        return f"global.{self.provisioning_suffix}"

    @property
    def graph_host(self) -> str:
        """Microsoft Graph's host name."""
        return self.graph.removeprefix("https://").rstrip("/")

    @property
    def wildcard_names(self) -> tuple[str, ...]:
        """All names of this cloud, as a certificate names them."""
        suffixes = (self.hub_suffix, self.provisioning_suffix, self.key_vault_suffix, self.event_hub_suffix)
        return (self.arm, self.graph_host, *self.login, *(f"*.{suffix}" for suffix in suffixes))


PUBLIC = AzureCloud(
    name="AzureCloud",
    arm="management.azure.com",
    audiences=(
        "https://management.core.windows.net/",
        "https://management.core.windows.net",
        "https://management.azure.com/",
        "https://management.azure.com",
    ),
    login=("login.microsoftonline.com", "login.windows.net", "login.microsoft.com"),
    hub_suffix="azure-devices.net",
    provisioning_suffix="azure-devices-provisioning.net",
    iot_hubs_scope="https://iothubs.azure.net",
    graph="https://graph.microsoft.com/",
    portal="https://portal.azure.com",
    storage_suffix="core.windows.net",
    key_vault_suffix="vault.azure.net",
    event_hub_suffix="servicebus.windows.net",
)

US_GOVERNMENT = AzureCloud(
    name="AzureUSGovernment",
    arm="management.usgovcloudapi.net",
    audiences=(
        "https://management.core.usgovcloudapi.net/",
        "https://management.core.usgovcloudapi.net",
        "https://management.usgovcloudapi.net/",
        "https://management.usgovcloudapi.net",
    ),
    login=("login.microsoftonline.us",),
    hub_suffix="azure-devices.us",
    provisioning_suffix="azure-devices-provisioning.us",
    iot_hubs_scope="https://iothubs.azure.us",
    graph="https://graph.microsoft.us/",
    portal="https://portal.azure.us",
    storage_suffix="core.usgovcloudapi.net",
    key_vault_suffix="vault.usgovcloudapi.net",
    event_hub_suffix="servicebus.usgovcloudapi.net",
)

CHINA = AzureCloud(
    name="AzureChinaCloud",
    arm="management.chinacloudapi.cn",
    audiences=(
        "https://management.core.chinacloudapi.cn/",
        "https://management.core.chinacloudapi.cn",
        "https://management.chinacloudapi.cn/",
        "https://management.chinacloudapi.cn",
    ),
    login=("login.chinacloudapi.cn", "login.partner.microsoftonline.cn"),
    hub_suffix="azure-devices.cn",
    provisioning_suffix="azure-devices-provisioning.cn",
    iot_hubs_scope="https://iothubs.azure.cn",
    graph="https://microsoftgraph.chinacloudapi.cn/",
    portal="https://portal.azure.cn",
    storage_suffix="core.chinacloudapi.cn",
    key_vault_suffix="vault.azure.cn",
    event_hub_suffix="servicebus.chinacloudapi.cn",
)

CLOUDS = (PUBLIC, US_GOVERNMENT, CHINA)


@dataclass(frozen=True)
class Destination:
    """What answers for a host name: the cloud, the endpoint, and the name of the service, such as a hub's."""

    cloud: AzureCloud
    endpoint: Endpoint
    name: str = ""


def event_hub(cloud: str, namespace: str) -> str:
    """The host of a hub's event-hub-compatible endpoint, in the cloud of that name."""
    suffix = next(each.event_hub_suffix for each in CLOUDS if each.name == cloud)
    return f"{namespace}.{suffix}".lower()


def is_loopback(host: str) -> bool:
    """Whether `host` (without port and brackets, any case) is this machine by its address or as `localhost`, and not a name like them."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_address(host: str) -> bool:
    """Whether `host` (without port and brackets) is an IP address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_of_provisioning(host: str) -> bool:
    """Whether `host` is a provisioning service's, or the one at which all devices ask for their hubs."""
    found = destination(host)
    return found is not None and found.endpoint in OF_PROVISIONING


def takes_client_certificates(host: str) -> bool:
    """Whether the clients of this host may be devices, which may present a certificate; Resource Manager, logins and vaults take none."""
    found = destination(host)
    return found is not None and found.endpoint in OF_DEVICES


@lru_cache(maxsize=1024)
def destination(host: str) -> Destination | None:
    """What answers for `host` (a name without port, any case), or None for a name that local Azure does not answer for."""
    host = host.lower().rstrip(".")
    if is_loopback(host):
        return Destination(PUBLIC, Endpoint.LOOPBACK)
    for cloud in CLOUDS:
        whole = {cloud.arm: Endpoint.ARM, cloud.graph_host: Endpoint.GRAPH, cloud.device_provisioning: Endpoint.DEVICE_PROVISIONING}
        if found := whole.get(host) or (Endpoint.LOGIN if host in cloud.login else None):
            return Destination(cloud, found)
        suffixes = (
            (cloud.hub_suffix, Endpoint.HUB),
            (cloud.provisioning_suffix, Endpoint.PROVISIONING),
            (cloud.key_vault_suffix, Endpoint.KEY_VAULT),
            (cloud.event_hub_suffix, Endpoint.EVENT_HUB),
        )
        for suffix, endpoint in suffixes:
            label, dot, rest = host.partition(".")
            if dot and rest == suffix and label:
                return Destination(cloud, endpoint, label)
    return None
