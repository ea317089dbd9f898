"""TLS as Azure's front ends speak it: a client certificate is asked for where one may be needed, and any is accepted in the handshake.

Who may connect is decided later, by the registry: what is presented must come to be seen, also where no CA in it is known.
The standard library's `ssl` aborts a handshake whose client chain it can't verify and then returns no chain; pyOpenSSL allows both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from OpenSSL import SSL, crypto

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.tls_identity import ServerIdentity

_CHUNK = 32 * 1024
_UNREADABLE = {"ASN1 lib", "cert length mismatch"}  # OpenSSL's last words on a certificate in a handshake


class TlsError(Exception):
    """The handshake or a record failed; the message is OpenSSL's."""


def context(identity: ServerIdentity, asks: Callable[[str], bool] = lambda _name: True) -> SSL.Context:
    """TLS 1.2 or newer that accepts any client certificate and also works without one.

    `asks` tells whether a client of this server name (SNI, may be empty) is asked for its certificate: browsers and some clients that
    have none would otherwise ask their users for one.
    """
    created = SSL.Context(SSL.TLS_SERVER_METHOD)
    created.set_min_proto_version(SSL.TLS1_2_VERSION)
    created.use_certificate_chain_file(str(identity.certificate_file))
    created.use_privatekey_file(str(identity.key_file))
    created.set_verify(SSL.VERIFY_PEER, _accept_any)
    # Every connection must send its certificate: a resumed session would rely on an old decision.
    created.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    created.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION)
    created.set_session_id(b"local Azure")

    def choose(connection: SSL.Connection) -> None:  # called for a client without SNI too
        if not asks(_text(connection.get_servername())):
            connection.set_verify(SSL.VERIFY_NONE)

    created.set_tlsext_servername_callback(choose)
    return created


def _accept_any(_connection: SSL.Connection, _certificate: crypto.X509, _error: int, _depth: int, _ok: int) -> bool:
    return True


def _text(name: bytes | None) -> str:
    return (name or b"").decode("ascii", "replace")


class TlsStream:
    """One connection's TLS, without a socket: ciphertext goes in and comes out as bytes."""

    def __init__(self, context: SSL.Context) -> None:
        self._ssl = SSL.Connection(context, None)
        self._ssl.set_accept_state()
        self.established = False
        self.ended = False  # the peer has closed its side

    def feed(self, ciphertext: bytes) -> bytes:
        """Take bytes from the network; returns the plaintext in them.

        Raises:
            TlsError: The bytes are not valid TLS, or were changed on the way.
        """
        self._ssl.bio_write(ciphertext)
        try:
            if not self.established:
                self._ssl.do_handshake()
                self.established = True
            return self._read()
        except SSL.WantReadError:
            return b""
        except SSL.ZeroReturnError:
            self.ended = True
            return b""
        except SSL.Error as error:
            raise TlsError(_words(error)) from error

    def _read(self) -> bytes:
        plain = bytearray()
        while True:
            try:
                plain += self._ssl.recv(_CHUNK)
            except SSL.WantReadError:
                return bytes(plain)
            except SSL.ZeroReturnError:
                self.ended = True
                return bytes(plain)

    def write(self, plaintext: bytes) -> None:
        """Encrypt; `outgoing` then returns the bytes.

        Raises:
            TlsError: The peer has broken the connection off.
        """
        try:
            self._ssl.sendall(plaintext)
        except SSL.Error as error:
            raise TlsError(_words(error)) from error

    def close(self) -> None:
        """Prepare TLS's closing message; `outgoing` then returns it."""
        if self.established and not self.ended:
            try:
                self._ssl.shutdown()
            except SSL.Error:
                self.ended = True  # the peer closed first: no closing message is needed

    def outgoing(self) -> bytes:
        """The bytes to send to the network."""
        out = bytearray()
        while True:
            try:
                part = self._ssl.bio_read(_CHUNK)
            except SSL.WantReadError:
                return bytes(out)
            if len(part) < _CHUNK and not out:  # the usual case, without asking again
                return part
            out += part

    @property
    def server_name(self) -> str:
        """The server name that the client sent (SNI), or the empty string."""
        return _text(self._ssl.get_servername())

    def chain(self) -> list[crypto.X509]:
        """The certificates that the client sent, its own first; empty if it sent none."""
        own = self._ssl.get_peer_certificate()
        # On the server's side OpenSSL's chain leaves the peer's own certificate out.
        return [own, *(self._ssl.get_peer_cert_chain() or [])] if own else []


def _words(error: SSL.Error) -> str:
    """What OpenSSL says, without what it repeats; where it reads a certificate, its first error is the fact."""
    if error.args and isinstance(error.args[0], list) and error.args[0]:
        reasons = list(dict.fromkeys(str(part[-1]) for part in error.args[0]))
        if reasons[-1] in _UNREADABLE:
            return f"a certificate that was sent can't be read ({reasons[0]})"
        return "; ".join(reasons)
    return "the connection broke off" if isinstance(error, SSL.SysCallError) else str(error) or type(error).__name__
