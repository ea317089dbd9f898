"""A device's session with its hub: MQTT 3.1.1 over TLS with a client certificate.

Source: learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub.
"""

import ssl

from hubtrust.azure.mqtt_connection import PORT, Connection, Peer

_API_VERSION = "2021-04-12"
_REMEDY = "check the device's identity, and that the hub trusts its CA"


def publish_once(host: str, device_id: str, tls: ssl.SSLContext, *, payload: str, timeout: float) -> None:
    """Connect as the device, publish one message at QoS 1, wait until the hub has it, disconnect.

    Raises:
        SessionError: it failed; ``stage`` says where, as far as a client can see.
    """
    connection = Connection(Peer(host, "the hub", _REMEDY), f"device '{device_id}' at {host}:{PORT}", device_id, timeout)
    try:
        connection.open(f"{host}/{device_id}/?api-version={_API_VERSION}", tls)
        message = connection.client.publish(f"devices/{device_id}/messages/events/", payload, qos=1).mid
        connection.wait(lambda: message in connection.published)
    finally:
        connection.close()
