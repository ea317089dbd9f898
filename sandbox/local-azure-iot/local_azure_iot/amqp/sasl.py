"""SASL on the server's side of AMQP 1.0 (part 5, "Security Layers"), without a socket.

Proton's own server knows no mechanism that takes a token, so this part is done here, in front of its transport, with its codec.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from proton import UNDESCRIBED, Array, Data, Described, ProtonException, symbol, ubyte, ulong

if TYPE_CHECKING:
    from collections.abc import Callable

# What hubs and event hubs offer; MSSBCBS is Microsoft's name for "anonymous now, tokens follow on $cbs".
ANONYMOUS, EXTERNAL, PLAIN, TOKENS = "ANONYMOUS", "EXTERNAL", "PLAIN", "MSSBCBS"
MECHANISMS = (TOKENS, PLAIN, ANONYMOUS, EXTERNAL)
HEADER_LENGTH = 8
AMQP_HEADER, SASL_HEADER = b"AMQP\x00\x01\x00\x00", b"AMQP\x03\x01\x00\x00"
_OFFER, _INIT, _OUTCOME = 0x40, 0x41, 0x44  # section 5.3.3
_OK, _REFUSED = 0, 1
_FRAME, _SASL_TYPE, _LONGEST = 8, 1, 64 * 1024


class SaslError(Exception):
    """What came is not AMQP's SASL."""


@dataclass(frozen=True)
class Credentials:
    """What a client sent in SASL."""

    mechanism: str
    user: str = ""
    password: str = ""
    host: str = ""  # that it means to speak to; may be empty


class SaslServer:
    """Takes bytes until the client has authenticated; `rest` then has what followed, which is AMQP's own.

    A client may leave SASL out and begin with AMQP's header: it is anonymous.
    """

    def __init__(self, accepts: Callable[[Credentials], bool]) -> None:
        self._accepts = accepts
        self._buffer = bytearray()
        self._began = False
        self.out = bytearray()
        self.credentials: Credentials | None = None  # of a client that was accepted
        self.refused = False  # the outcome in `out` says so, and the connection ends

    @property
    def rest(self) -> bytes:
        """What came after SASL."""
        return bytes(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take bytes.

        Raises:
            SaslError: They are something else; `out` has the header that was expected (section 2.2).
        """
        self._buffer += data
        if not self._began and not self._begin():
            return
        while not (self.credentials or self.refused) and (frame := self._frame()):
            self._answer(frame)

    def _begin(self) -> bool:
        if len(self._buffer) < HEADER_LENGTH:
            if not any(header.startswith(self._buffer) for header in (AMQP_HEADER, SASL_HEADER)):
                self._reject_header()
            return False
        header = bytes(self._buffer[:HEADER_LENGTH])
        if header == AMQP_HEADER:
            self._began, self.credentials = True, Credentials(ANONYMOUS)
        elif header == SASL_HEADER:
            del self._buffer[:HEADER_LENGTH]
            self._began = True
            offered = Array(UNDESCRIBED, Data.SYMBOL, *(symbol(each) for each in MECHANISMS))
            self.out += SASL_HEADER + _frame(_OFFER, [offered])
        else:
            self._reject_header()
        return self._began

    def _reject_header(self) -> None:
        self.out += SASL_HEADER
        raise SaslError(f"the connection does not begin with AMQP 1.0's header: {bytes(self._buffer[:HEADER_LENGTH])!r}")

    def _frame(self) -> bytes | None:
        if len(self._buffer) < _FRAME:
            return None
        size, offset, kind = int.from_bytes(self._buffer[:4]), self._buffer[4] * 4, self._buffer[5]
        if kind != _SASL_TYPE or not _FRAME <= offset <= size <= _LONGEST:
            raise SaslError("a frame within SASL is malformed")
        if len(self._buffer) < size:
            return None
        body = bytes(self._buffer[offset:size])
        del self._buffer[:size]
        return body

    def _answer(self, body: bytes) -> None:
        credentials = _read_init(body)
        if self._accepts(credentials):
            self.credentials = credentials
        else:
            self.refused = True
        self.out += _frame(_OUTCOME, [ubyte(_REFUSED if self.refused else _OK)])


def _frame(code: int, fields: list[Any]) -> bytes:
    data = Data()
    data.put_object(Described(ulong(code), fields))
    body = bytes(data.encode())
    return (len(body) + _FRAME).to_bytes(4) + bytes((2, _SASL_TYPE, 0, 0)) + body


def _read_init(body: bytes) -> Credentials:
    data = Data()
    try:
        data.decode(body)
        data.rewind()
        data.next()
        found = data.get_object()
    except (ProtonException, KeyError, ValueError, UnicodeDecodeError) as error:
        raise SaslError(f"a frame within SASL can't be decoded: {error}") from error
    if not isinstance(found, Described) or found.descriptor not in {_INIT, symbol("amqp:sasl-init:list")}:
        raise SaslError("the first frame within SASL is not sasl-init")
    fields = [*(found.value if isinstance(found.value, list) else []), None, None, None]
    mechanism, response, host = str(fields[0] or ""), bytes(fields[1] or b""), str(fields[2] or "")
    user = password = ""
    if mechanism == PLAIN:  # RFC 4616: identity to act as, user, password
        parts = response.decode("utf-8", "replace").split("\0")
        user, password = (parts[1], "\0".join(parts[2:])) if len(parts) > 2 else ("", "")  # noqa: PLR2004 - three parts
    return Credentials(mechanism, user, password, host)
