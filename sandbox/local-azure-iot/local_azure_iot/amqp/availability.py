"""Whether AMQP can be served: its library compiles C when it is installed, so it is an extra that need not be there."""

from __future__ import annotations

from importlib.util import find_spec

MISSING = (
    "AMQP is not served here, because the package python-qpid-proton is not installed; "
    "install local-azure-iot[amqp], which compiles C (gcc, and Python's and OpenSSL's headers), or let the client use MQTT or HTTPS"
)
NOT_FOR_PROVISIONING = "local Azure's provisioning services do not speak AMQP; let the client use MQTT or HTTPS"


def available() -> bool:
    """Whether Apache Qpid Proton is installed."""
    return find_spec("proton") is not None
