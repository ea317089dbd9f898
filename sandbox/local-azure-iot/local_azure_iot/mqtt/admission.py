"""Who may connect: a CONNECT's hub, device and credentials are checked against the registry and the hub's certificates at that moment."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import unquote

from local_azure_iot import host_names
from local_azure_iot.hub_registry import device_access, plug_and_play
from local_azure_iot.microsoft_devices import lifecycle, network_rules

if TYPE_CHECKING:
    from local_azure_iot.hub_registry.device_access import AdmittedIdentity
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.mqtt.packets import Connect
    from local_azure_iot.store import Document
    from local_azure_iot.tls_transport import Peer

BAD_LEVEL, NOT_AUTHORIZED = 1, 5  # return codes of MQTT 3.1.1, section 3.2.2.3
_MQTT_3_1_1 = 4
_DEVICE_AND_MODULE = 2  # ids
_PARAMETERS = re.compile(r"\?|(api-version|DeviceClientType|model-id)=", re.IGNORECASE)
_PARAMETER_ENDS = re.compile(r"/(?=(?:api-version|DeviceClientType|model-id)=)", re.IGNORECASE)
_VERSION = re.compile(r"(\d{4}-\d\d-\d\d)(-preview)?")
_FIRST_VERSION = date(2015, 8, 15)  # `2015-08-15-preview`, the first that Microsoft published


class RefusedError(Exception):
    """A refused CONNECT: the return code goes to the client, the reason only to the control port.

    ``own_words``: the reason is in the CONNECT itself, so that no change of the hub lets it in.
    """

    def __init__(self, reason: str, code: int = NOT_AUTHORIZED, *, own_words: bool = False) -> None:
        super().__init__(reason)
        self.code, self.own_words = code, own_words


def admit(azure: Azure, connect: Connect, peer: Peer) -> AdmittedIdentity:
    """Decide on a CONNECT.

    Raises:
        RefusedError: The device may not connect.
    """
    if connect.level != _MQTT_3_1_1:
        raise RefusedError(f"MQTT protocol level {connect.level}; only 4 (MQTT 3.1.1) is supported", BAD_LEVEL, own_words=True)
    hub_key, hub = _hub(azure, peer.server_name)
    refusal = network_rules.refusal(hub["properties"], azure.settings.client_address or peer.address)
    if refusal:
        raise RefusedError(f"the hub's network settings refuse this client: {refusal}")
    device, module = _identity(connect, hub["hostName"], azure.clock.now().date())
    try:
        admitted = device_access.admit(azure, hub_key, hub, device, module, chain=peer.chain, signature=connect.password)
    except device_access.DeviceRefusedError as refused:
        raise RefusedError(str(refused), own_words=refused.own_words) from refused
    plug_and_play.announce(azure, hub_key, device, module, unquote(_parameters(connect.username).get("model-id", "")))
    return admitted


def _hub(azure: Azure, server_name: str) -> tuple[str, Document]:
    destination = host_names.destination(server_name)
    if not server_name or destination is None or destination.endpoint is not host_names.Endpoint.HUB:
        raise RefusedError(f"TLS asked for '{server_name}' (SNI), which is not a hub's name")
    found = lifecycle.find_by_name(azure, destination.cloud.name, lifecycle.HUB, destination.name)
    if found is None or lifecycle.state(found[1])[0] == "Activating":
        raise RefusedError(f"there is no hub '{server_name}'")
    return found


def _identity(connect: Connect, host: str, today: date) -> tuple[str, str]:
    """The ids of device and module out of the user name `{host}/{device}[/{module}][/?api-version=…]`; the client id must be the same.

    https://learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub, "Using the MQTT protocol directly". Older clients write the
    parameters without a question mark.
    """
    name, ids, _ = _parts(connect.username)
    if name.lower() != host.lower() or not ids or not all(ids):
        raise RefusedError(f"the user name '{connect.username[:200]}' does not begin with '{host}/' and a device's id", own_words=True)
    if len(ids) > _DEVICE_AND_MODULE:
        raise RefusedError(
            f"the user name '{connect.username[:200]}' has more in it than the ids of a device and its module", own_words=True
        )
    version = _parameters(connect.username).get("api-version", "")
    if version and not _is_known(version, today):
        raise RefusedError(f"the api-version '{version[:100]}' in the user name is not known", own_words=True)
    if connect.client_id != "/".join(ids):
        whose = "the device's id" if len(ids) == 1 else "the ids of the device and its module"
        raise RefusedError(f"the client id '{connect.client_id[:200]}' is not {whose} '{'/'.join(ids)}'", own_words=True)
    return ids[0], ids[1] if len(ids) == _DEVICE_AND_MODULE else ""


def _parts(username: str) -> tuple[str, list[str], str]:
    """The host, the ids and the parameters of a user name. In these clients have slashes too, between them or in a value."""
    name, *ids = username.split("/")
    begin = next((number for number, each in enumerate(ids) if number and _PARAMETERS.match(each)), len(ids))
    parameters = "/".join(ids[begin:]).lstrip("?")
    if not parameters and len(ids) > 1 and not ids[-1]:
        begin -= 1
    return name, ids[:begin], parameters


def _parameters(username: str) -> dict[str, str]:
    """What stands behind the ids in a user name: `api-version=…&DeviceClientType=…&model-id=…`, still percent-encoded."""
    text = _PARAMETER_ENDS.sub("&", _parts(username)[2])
    return {name.lower(): value for name, _, value in (part.partition("=") for part in text.split("&"))}


def _is_known(version: str, today: date) -> bool:
    """Whether an api-version can be one: Microsoft's clients of each year have sent another, previews too, and no list names all."""
    found = _VERSION.fullmatch(version)
    try:
        return found is not None and _FIRST_VERSION <= date.fromisoformat(found[1]) <= today
    except ValueError:
        return False
