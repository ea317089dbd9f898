"""Properties of messages as MQTT's topics carry them: `name=value&…`, percent-encoded.

https://learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub, "Sending device-to-cloud messages"; the names of those that are not the
application's own are the ones that Microsoft's device clients write and read. `+` is itself, not a space, as those clients have it.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

# As `Event.system` and `Message.system` name them.
_SYSTEM = {
    "$.mid": "message-id",
    "$.cid": "correlation-id",
    "$.uid": "user-id",
    "$.to": "to",
    "$.ct": "content-type",
    "$.ce": "content-encoding",
    "$.exp": "absolute-expiry-time",
    "$.ctime": "creation-time",
    "$.on": "iothub-output-name",
    "$.ifid": "iothub-interface-id",
    "$.sub": "dt-subject",
}
_KEYS = {name: key for key, name in _SYSTEM.items()}


def read(bag: str) -> tuple[dict[str, str], dict[str, str]]:
    """The properties that have a meaning of their own, and the application's. A name without a value has the empty one."""
    system, application = {}, {}
    for part in bag.removeprefix("?").split("&"):
        name, _, value = part.partition("=")
        name, value = unquote(name), unquote(value)
        if name in _SYSTEM:
            system[_SYSTEM[name]] = value
        elif name:
            application[name] = value
    return system, application


def write(system: dict[str, str], application: dict[str, str]) -> str:
    """The bag with these properties; one that topics have no name for is left out."""
    named = [(_KEYS[name], value) for name, value in system.items() if name in _KEYS] + list(application.items())
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in named)
