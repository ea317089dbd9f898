"""Who answers a CONNECT: the hub, or the provisioning service, whose host name TLS asked for (SNI)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot import host_names
from local_azure_iot.host_names import Endpoint
from local_azure_iot.mqtt import admission, provisioning_admission
from local_azure_iot.mqtt.conversation import BAD_LEVEL, RefusedError
from local_azure_iot.mqtt.hub_conversation import HubConversation
from local_azure_iot.mqtt.provisioning_topics import ProvisioningTopics

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.mqtt.conversation import Conversation
    from local_azure_iot.mqtt.packets import Connect
    from local_azure_iot.tls_transport import Peer

_MQTT_3_1_1 = 4


def admit(azure: Azure, connect: Connect, peer: Peer) -> Conversation:
    """Decide on a CONNECT.

    Raises:
        RefusedError: The client may not connect.
    """
    if connect.level != _MQTT_3_1_1:
        raise RefusedError(f"MQTT protocol level {connect.level}; only 4 (MQTT 3.1.1) is supported", BAD_LEVEL, own_words=True)
    destination = host_names.destination(peer.server_name) if peer.server_name else None
    endpoint = destination.endpoint if destination else None
    if destination and endpoint is Endpoint.HUB:
        return HubConversation(azure, admission.admit(azure, connect, peer, destination), connect)
    if destination and endpoint in host_names.OF_PROVISIONING:
        return ProvisioningTopics(azure, provisioning_admission.admit(azure, connect, peer, destination))
    raise RefusedError(f"TLS asked for '{peer.server_name}' (SNI), which is no name of a hub or of a provisioning service")
