"""Who may connect to a hub: hub, device and credentials of a CONNECT are checked against what the hub has at that moment."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import unquote

from local_azure_iot import dated_versions
from local_azure_iot.hub_registry import device_access, plug_and_play
from local_azure_iot.microsoft_devices import lifecycle, network_rules
from local_azure_iot.mqtt import user_names
from local_azure_iot.mqtt.conversation import RefusedError

if TYPE_CHECKING:
    from local_azure_iot.host_names import Destination
    from local_azure_iot.hub_registry.device_access import AdmittedIdentity
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.mqtt.packets import Connect
    from local_azure_iot.tls_transport import Peer

_DEVICE_AND_MODULE = 2  # ids
_FIRST_VERSION = date(2015, 8, 15)  # `2015-08-15-preview`, the first that Microsoft published


def admit(azure: Azure, connect: Connect, peer: Peer, destination: Destination) -> AdmittedIdentity:
    """Decide on a CONNECT at a hub's host name.

    Raises:
        RefusedError: The device may not connect.
    """
    found = lifecycle.find_by_name(azure, destination.cloud.name, lifecycle.HUB, destination.name)
    if found is None or lifecycle.state(found[1])[0] == "Activating":
        raise RefusedError(f"there is no hub '{peer.server_name}'")
    hub_key, hub = found
    refusal = network_rules.refusal(hub["properties"], azure.settings.client_address or peer.address)
    if refusal:
        raise RefusedError(f"the hub's network settings refuse this client: {refusal}")
    device, module = _identity(connect, hub["hostName"], azure.clock.now().date())
    try:
        admitted = device_access.admit(azure, hub_key, hub, device, module, chain=peer.chain, signature=connect.password)
    except device_access.DeviceRefusedError as refused:
        raise RefusedError(str(refused), own_words=refused.own_words) from refused
    plug_and_play.announce(azure, hub_key, device, module, unquote(user_names.parameters(connect.username).get("model-id", "")))
    return admitted


def _identity(connect: Connect, host: str, today: date) -> tuple[str, str]:
    """The ids of device and module out of the user name `{host}/{device}[/{module}][/?api-version=…]`; the client id must be the same.

    https://learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub, "Using the MQTT protocol directly". Older clients write the
    parameters without a question mark.
    """
    name, ids, _ = user_names.parts(connect.username)
    if name.lower() != host.lower() or not ids or not all(ids):
        raise RefusedError(f"the user name '{connect.username[:200]}' does not begin with '{host}/' and a device's id", own_words=True)
    if len(ids) > _DEVICE_AND_MODULE:
        raise RefusedError(
            f"the user name '{connect.username[:200]}' has more in it than the ids of a device and its module", own_words=True
        )
    version = user_names.parameters(connect.username).get("api-version", "")
    if version and not dated_versions.is_known(version, _FIRST_VERSION, today):
        raise RefusedError(f"the api-version '{version[:100]}' in the user name is not known", own_words=True)
    if connect.client_id != "/".join(ids):
        whose = "the device's id" if len(ids) == 1 else "the ids of the device and its module"
        raise RefusedError(f"the client id '{connect.client_id[:200]}' is not {whose} '{'/'.join(ids)}'", own_words=True)
    return ids[0], ids[1] if len(ids) == _DEVICE_AND_MODULE else ""
