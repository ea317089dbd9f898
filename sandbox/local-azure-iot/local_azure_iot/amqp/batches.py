"""Azure's batches of events: one message whose data sections are whole messages (message format 0x80013700).

The C SDK sends all its events so, also one alone: https://github.com/Azure/azure-iot-sdk-c, `AMQP_BATCHING_FORMAT_CODE` in
iothub_client/src/iothubtransport_amqp_telemetry_messenger.c. Proton does not show a message's format: a batch is known by what is in it.
"""

from __future__ import annotations

from local_azure_iot.amqp.padding import end_of_value

_DESCRIBED, _SMALL_ULONG = 0x00, 0x53
_HEADER, _DATA, _VALUE, _FOOTER = 0x70, 0x75, 0x77, 0x78  # AMQP 1.0, section 3.2: descriptors of sections, in their order
_BINARY = {0xA0: 1, 0xB0: 4}  # the constructors of binary, with the size of their size


def split(message: bytes) -> list[bytes]:
    """The encoded messages of a batch; another message is alone in the list."""
    sections = _sections(message)
    if sections is None or any(code in range(_DATA + 1, _FOOTER) for code, _ in sections):
        return [message]
    parts = [_content(section) for code, section in sections if code == _DATA]
    whole = [part for part in parts if part is not None and _is_message(part)]
    return whole if whole and len(whole) == len(parts) else [message]


def _is_message(data: bytes) -> bool:
    sections = _sections(data)
    return bool(sections) and any(code in range(_DATA, _VALUE + 1) for code, _ in sections or ())


def _sections(data: bytes) -> list[tuple[int, bytes]] | None:
    """The sections of a message with their descriptors; None if it is none."""
    found, at = [], 0
    try:
        while at < len(data):
            code = data[at + 2]
            if (data[at], data[at + 1]) != (_DESCRIBED, _SMALL_ULONG) or not _HEADER <= code <= _FOOTER:
                return None
            end = end_of_value(data, at + 3)
            if end > len(data):
                return None
            found.append((code, data[at + 3 : end]))
            at = end
    except (IndexError, KeyError):
        return None
    return found


def _content(section: bytes) -> bytes | None:
    width = _BINARY.get(section[0])
    return section[1 + width :] if width else None
