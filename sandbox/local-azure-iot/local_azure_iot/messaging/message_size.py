"""The size of a message, whichever protocol carries it.

https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-construct, "Message size": the body, the values of the system's
properties, and the names and values of the application's own.
"""

from __future__ import annotations


def message_size(body: bytes, system: dict[str, str], properties: dict[str, str]) -> int:
    """The size in bytes."""
    own = sum(_bytes(name) + _bytes(value) for name, value in properties.items())
    return len(body) + own + sum(map(_bytes, system.values()))


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
