"""The properties of a message that AMQP has fields for, by the names that they have in local Azure: AMQP's own (section 3.2.4)."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proton import Message

_FIELDS = {  # by their names here, and in Proton
    "message-id": "id",
    "user-id": "user_id",
    "correlation-id": "correlation_id",
    "content-type": "content_type",
    "content-encoding": "content_encoding",
    "reply-to": "reply_to",
    "subject": "subject",
    "group-id": "group_id",
    "reply-to-group-id": "reply_to_group_id",
}


# What a device says of its events to the hub: annotations of the event, by the names of
# https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-construct, "System Properties of D2C IoT Hub messages".
ANNOTATIONS = {"iothub-interface-id": "dt-dataschema", "dt-subject": "dt-subject", "iothub-message-schema": "iothub-message-schema"}


def write(message: Message, system: dict[str, str]) -> None:
    """Set the fields of a message; a property that AMQP has no field for becomes one of the application's."""
    for name, value in system.items():
        field = _FIELDS.get(name)
        if field == "user_id":
            message.user_id = value.encode()
        elif field:
            setattr(message, field, value)
        elif name == "creation-time":
            with suppress(ValueError):
                message.creation_time = datetime.fromisoformat(value).timestamp()
        elif name not in {"absolute-expiry-time", "to", *ANNOTATIONS}:
            message.properties = {**(message.properties or {}), name: value}


def read(message: Message) -> dict[str, str]:
    """The fields of a message that are set, as text."""
    found = {name: text(getattr(message, field)) for name, field in _FIELDS.items()}
    for name in ("content-type", "content-encoding"):
        if found[name] == "None":  # Proton makes a symbol of Python's None where the field is not set
            del found[name]
    if message.creation_time:
        found["creation-time"] = datetime.fromtimestamp(message.creation_time, UTC).isoformat()
    return {name: value for name, value in found.items() if value}


def application(message: Message) -> dict[str, str]:
    """The application's own properties, as text: hubs take strings."""
    return {str(name): text(value) for name, value in (message.properties or {}).items()}


def body(message: Message) -> bytes:
    """The body: a data section, or a value as text."""
    found = message.body
    if isinstance(found, str):
        return found.encode()
    return bytes(found) if isinstance(found, bytes | bytearray | memoryview) else b"" if found is None else text(found).encode()


def text(value: Any) -> str:
    """A value as text; empty for none, JSON for a list or a map (a guess)."""
    if value is None:
        return ""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list | tuple):
        return json.dumps(_plain(value), separators=(",", ":"), ensure_ascii=False)
    if isinstance(value, int):
        return str(int(value))  # the text of Proton's own kinds of numbers begins with the kind
    return str(float(value)) if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    """A value of AMQP's as JSON has it."""
    if isinstance(value, dict):
        return {text(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float) else text(value)
