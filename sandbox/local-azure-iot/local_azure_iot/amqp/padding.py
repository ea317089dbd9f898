"""Frames with all their fields: what Proton leaves out at the end of a list is put in as null.

AMQP 1.0 lets a sender leave out what is null at the end (section 1.4). azure-eventhub reads fields by their position and fails then, which
nobody sees on Azure, whose own frames have all fields. So the frames that Proton writes are completed here.
"""

from __future__ import annotations

from proton import Data, Described, ProtonException, uint

_FIELDS = {  # how many fields each performative has (sections 2.7, 2.8.14), and the lists within them (3.4, 3.5)
    0x10: 10, 0x11: 8, 0x12: 14, 0x13: 11, 0x14: 11, 0x15: 6, 0x16: 3, 0x17: 1, 0x18: 1, 0x1D: 3, 0x25: 1, 0x28: 11, 0x29: 7,
}  # fmt: skip
_HEADER, _FRAME = 8, 8
_LONGEST_OPEN = 64 * 1024  # bytes
_ROOM = 32  # bytes that a frame may grow by, at most
_SMALLEST = 512  # bytes, of the largest frame that a peer may ask for (section 2.7.1)
_DESCRIBED, _SMALL_ULONG, _NULL, _EMPTY, _LIST8, _LIST32 = 0x00, 0x53, b"\x40", 0x45, 0xC0, 0xD0
_OPEN = 0x10
_WIDTHS = {0x4: 0, 0x5: 1, 0x6: 2, 0x7: 4, 0x8: 8, 0x9: 16}  # of values, by the first half of their constructor (section 1.2)
_SIZES = {0xA: 1, 0xB: 4, 0xC: 1, 0xD: 4, 0xE: 1, 0xF: 4}  # of the size of variable and compound values


class FrameCompleter:
    """Takes what Proton writes; returns it with complete frames. A part of a frame waits for the rest."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._began = False

    def feed(self, data: bytes) -> bytes:
        """Complete what is whole."""
        self._buffer += data
        out = bytearray()
        if not self._began and len(self._buffer) >= _HEADER:
            self._began = True
            out += self._buffer[:_HEADER]
            del self._buffer[:_HEADER]
        while self._began and len(self._buffer) >= _FRAME and len(self._buffer) >= (size := int.from_bytes(self._buffer[:4])) >= _FRAME:
            out += _completed(bytes(self._buffer[:size]))
            del self._buffer[:size]
        return bytes(out)


class Opening:
    """The client's first bytes, AMQP's header and `open`: the latter gets a frame size that leaves room for what is put in here."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._began = False
        self.done = False  # what follows needs nothing of this

    def feed(self, data: bytes) -> bytes:
        """Take bytes; returns those that can go on: the header at once, since a client may wait for its answer, and a whole `open`."""
        self._buffer += data
        out = b""
        if not self._began and len(self._buffer) >= _HEADER:
            self._began = True
            out = bytes(self._buffer[:_HEADER])
            del self._buffer[:_HEADER]
        size = int.from_bytes(self._buffer[:4])
        if self._began and len(self._buffer) >= _FRAME and (len(self._buffer) >= size or size > _LONGEST_OPEN):
            self.done = True
            return out + _leave_room(bytes(self._buffer))
        return out


def _leave_room(frames: bytes) -> bytes:
    size = int.from_bytes(frames[:4])
    if not _FRAME < size <= len(frames):
        return frames
    data = Data()
    try:
        data.decode(frames[frames[4] * 4 : size])
        data.rewind()
        data.next()
        found = data.get_object()
    except (ProtonException, ValueError, KeyError):
        return frames  # Proton will say what is wrong with it
    fields = found.value if isinstance(found, Described) and found.descriptor == _OPEN else None
    if not isinstance(fields, list) or len(fields) < 3 or not isinstance(fields[2], int) or fields[2] < _SMALLEST + _ROOM:  # noqa: PLR2004 - the third
        return frames
    fields[2] = uint(fields[2] - _ROOM)
    smaller = Data()
    smaller.put_object(Described(found.descriptor, fields))
    body = bytes(smaller.encode())
    return (len(body) + _FRAME).to_bytes(4) + b"\x02\x00" + frames[6:8] + body + frames[size:]


def _completed(frame: bytes) -> bytes:
    start = frame[4] * 4
    if start >= len(frame):
        return frame  # empty: it keeps the connection alive
    body, end = _value(frame, start)
    return (start + len(body) + len(frame) - end).to_bytes(4) + frame[4:start] + body + frame[end:]


def _value(data: bytes, at: int) -> tuple[bytes, int]:
    """A value with complete lists within it, and where it ends in ``data``."""
    if data[at] == _DESCRIBED and data[at + 1] == _SMALL_ULONG and data[at + 2] in _FIELDS:
        body, end = _list(data, at + 3, _FIELDS[data[at + 2]])
        return data[at : at + 3] + body, end
    end = end_of_value(data, at)
    return data[at:end], end


def _list(data: bytes, at: int, fields: int) -> tuple[bytes, int]:
    if data[at] == _EMPTY:
        count, position, end = 0, at + 1, at + 1
    elif data[at] == _LIST8:
        count, position, end = data[at + 2], at + 3, at + 2 + data[at + 1]
    elif data[at] == _LIST32:
        size = int.from_bytes(data[at + 1 : at + 5])
        count, position, end = int.from_bytes(data[at + 5 : at + 9]), at + 9, at + 5 + size
    else:
        end = end_of_value(data, at)
        return data[at:end], end
    parts = bytearray()
    for _ in range(count):
        part, position = _value(data, position)
        parts += part
    parts += _NULL * (fields - count)
    return bytes((_LIST32,)) + (len(parts) + 4).to_bytes(4) + max(count, fields).to_bytes(4) + bytes(parts), end


def end_of_value(data: bytes, at: int) -> int:
    """Where the value that begins at a position ends."""
    if data[at] == _DESCRIBED:
        return end_of_value(data, end_of_value(data, at + 1))
    kind = data[at] >> 4
    if kind in _WIDTHS:
        return at + 1 + _WIDTHS[kind]
    width = _SIZES[kind]
    return at + 1 + width + int.from_bytes(data[at + 1 : at + 1 + width])
