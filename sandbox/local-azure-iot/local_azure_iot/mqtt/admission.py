"""Who may connect: a CONNECT's hub, device and credentials are checked against the registry and the hub's certificates at that moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot import host_names
from local_azure_iot.hub_registry import device_access
from local_azure_iot.hub_registry.versions import VERSIONS
from local_azure_iot.microsoft_devices import lifecycle, network_rules

if TYPE_CHECKING:
    from local_azure_iot.hub_registry.device_access import AdmittedIdentity
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.mqtt.packets import Connect
    from local_azure_iot.store import Document
    from local_azure_iot.tls_transport import Peer

BAD_LEVEL, NOT_AUTHORIZED = 1, 5  # return codes of MQTT 3.1.1, section 3.2.2.3
_MQTT_3_1_1 = 4


class RefusedError(Exception):
    """A refused CONNECT: the return code goes to the client, the reason only to the control port."""

    def __init__(self, reason: str, code: int = NOT_AUTHORIZED) -> None:
        super().__init__(reason)
        self.code = code


def admit(azure: Azure, connect: Connect, peer: Peer) -> AdmittedIdentity:
    """Decide on a CONNECT.

    Raises:
        RefusedError: The device may not connect.
    """
    if connect.level != _MQTT_3_1_1:
        raise RefusedError(f"MQTT protocol level {connect.level}; only 4 (MQTT 3.1.1) is supported", BAD_LEVEL)
    hub_key, hub = _hub(azure, peer.server_name)
    refusal = network_rules.refusal(hub["properties"], azure.settings.client_address or peer.address)
    if refusal:
        raise RefusedError(f"the hub's network settings refuse this client: {refusal}")
    device = _device(connect, hub["hostName"])
    try:
        return device_access.admit(azure, hub_key, hub, device, "", chain=peer.chain, signature=connect.password)
    except device_access.DeviceRefusedError as refused:
        raise RefusedError(str(refused)) from refused


def _hub(azure: Azure, server_name: str) -> tuple[str, Document]:
    destination = host_names.destination(server_name)
    if not server_name or destination is None or destination.endpoint is not host_names.Endpoint.HUB:
        raise RefusedError(f"TLS asked for '{server_name}' (SNI), which is not a hub's name")
    found = lifecycle.find_by_name(azure, destination.cloud.name, lifecycle.HUB, destination.name)
    if found is None or lifecycle.state(found[1])[0] == "Activating":
        raise RefusedError(f"there is no hub '{server_name}'")
    return found


def _device(connect: Connect, host: str) -> str:
    """The device's id out of the user name `{host}/{device}[/?api-version=…]`; the client id must be the same."""
    name, _, rest = connect.username.partition("/")
    device, _, query = rest.partition("/")
    if name.lower() != host.lower() or not device:
        raise RefusedError(f"the user name '{connect.username[:200]}' does not begin with '{host}/' and a device's id")
    if query and not query.startswith(("?", "api-version=")):
        raise RefusedError(f"'{query[:100]}' in the user name: modules can't connect to local Azure")
    version = dict(part.partition("=")[::2] for part in query.lstrip("?").split("&")).get("api-version", "")
    if version and version not in VERSIONS:
        raise RefusedError(f"the api-version '{version}' in the user name is not known")
    if connect.client_id != device:
        raise RefusedError(f"the client id '{connect.client_id[:200]}' is not the device's id '{device}'")
    return device
