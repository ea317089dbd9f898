"""Why a request got no answer, by the types of the exceptions: DNS, connection, proxy, TLS, a clock, or an answer that broke off."""

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import IncompleteRead, RemoteDisconnected

from urllib3.exceptions import ConnectTimeoutError, DecodeError, NameResolutionError, NewConnectionError, ProxyError, ReadTimeoutError

from hubtrust.azure.addresses import address_parts
from hubtrust.azure.retry import TLS_RETRIES, UNRESOLVED
from hubtrust.azure.transport import TooLargeError
from hubtrust.errors import one_line

_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")  # http.client has no type for it
_NOT_YET_VALID, _EXPIRED, _WRONG_NAME = 9, 10, (62, 64)  # OpenSSL's X509_V_ERR_…
_LOGIN_NEEDED, _FORBIDDEN = 407, 403
_NETWORK = "check network and proxy (HTTPS_PROXY), then run again"
_PROXY = "check HTTPS_PROXY and NO_PROXY, then run again"


@dataclass(frozen=True, slots=True)
class NetworkFault:
    """Why there was no answer; ``limit`` is for how many seconds a retry can help, where that is less than for others."""

    fact: str
    remedy: str
    limit: float | None = None


_CLOSED = NetworkFault("the connection was closed before an answer came", _NETWORK)


def network_fault(error: BaseException, url: str) -> NetworkFault:
    """What ``error``, which a request for ``url`` ended with, means."""
    parts = address_parts(url)
    host = str(parts.hostname) if parts else url
    found = list(_causes(error))
    behind_proxy = any(isinstance(one, ProxyError) for one in found)
    known = (_tls_fault(one, host) or _connection_fault(one, host, behind_proxy=behind_proxy) for one in found)
    return next((fault for fault in known if fault is not None), None) or _no_connection(found, host, behind_proxy=behind_proxy)


def _tls_fault(error: BaseException, host: str) -> NetworkFault | None:
    match error:
        case ssl.SSLCertVerificationError():
            return _untrusted(error, host)
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return _CLOSED
        case ssl.SSLError():
            fact = f"TLS with {host} fails ({error.reason or error})"
            return NetworkFault(fact, "check the proxy (HTTPS_PROXY), and that this is the address of an https server", TLS_RETRIES)
    return None


def _connection_fault(error: BaseException, host: str, *, behind_proxy: bool) -> NetworkFault | None:
    fault = None
    match error:
        case NameResolutionError():
            fault = _unresolved(host, behind_proxy=behind_proxy)
        case RemoteDisconnected() | ConnectionResetError() | BrokenPipeError():
            fault = _CLOSED
        case TooLargeError():
            fault = NetworkFault(str(error), _PROXY)
        case IncompleteRead():
            fault = NetworkFault("the answer ended too early", _NETWORK)
        case DecodeError():
            fault = NetworkFault("the answer is not Azure's (its bytes are not in the encoding that it names)", _PROXY)
        case OSError() if behind_proxy and (refused := _TUNNEL.search(str(error))):
            fault = _refused_by_proxy(int(refused[1]), host)
    return fault


def _causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and the exceptions inside it, the innermost first: requests and urllib3 wrap each in another."""
    seen, pending = set[int](), [error]
    found = list[BaseException]()
    while pending:
        one = pending.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        found.append(one)
        inner = (
            *one.args,
            getattr(one, "reason", None),
            getattr(one, "original_error", None),
            getattr(one, "inner_exception", None),
            one.__cause__,
            one.__context__,
        )
        pending.extend(each for each in inner if isinstance(each, BaseException))
    yield from reversed(found)


def _untrusted(error: ssl.SSLCertVerificationError, host: str) -> NetworkFault:
    if error.verify_code in (_NOT_YET_VALID, _EXPIRED):
        state = "not valid yet" if error.verify_code == _NOT_YET_VALID else "expired"
        fact = f"the TLS certificate of {host} is {state} by this machine's clock ({datetime.now(UTC):%Y-%m-%d %H:%M} UTC)"
        return NetworkFault(fact, "check this machine's clock; if it is right, tell the owner of the server or the proxy", 0.0)
    if error.verify_code in _WRONG_NAME:
        fact = f"the TLS certificate of {host} is for another name"
        return NetworkFault(fact, "check the address, and the proxy or DNS that leads elsewhere", 0.0)
    fact = f"the TLS certificate of {host} is not trusted on this machine ({error.verify_message or error.reason})"
    remedy = "add the root certificate of the proxy or server that issued it (REQUESTS_CA_BUNDLE, SSL_CERT_FILE), or bypass that proxy"
    return NetworkFault(fact, remedy, 0.0)


def _unresolved(host: str, *, behind_proxy: bool) -> NetworkFault:
    if behind_proxy:
        return NetworkFault("the name of the proxy can't be resolved (DNS)", _PROXY, UNRESOLVED)
    return NetworkFault(f"the name {host} can't be resolved (DNS)", "check the name, and the DNS and the proxy of this machine", UNRESOLVED)


def _refused_by_proxy(status: int, host: str) -> NetworkFault:
    if status == _LOGIN_NEEDED:
        return NetworkFault("the proxy asks for a login (407)", "write HTTPS_PROXY with user and password: http://user:password@host", 0.0)
    remedy = f"let the proxy connect to {host}, or bypass it (NO_PROXY)"
    if status == _FORBIDDEN:
        return NetworkFault(f"the proxy refuses to connect to {host} (403)", remedy, TLS_RETRIES)
    return NetworkFault(f"the proxy can't connect to {host} ({status})", remedy)


def _no_connection(found: list[BaseException], host: str, *, behind_proxy: bool) -> NetworkFault:
    target = "the proxy" if behind_proxy else host
    remedy = _PROXY if behind_proxy else _NETWORK
    reason = next((one.strerror for one in found if isinstance(one, OSError) and one.strerror), None)
    if any(isinstance(one, ReadTimeoutError) or type(one).__name__ == "ReadTimeout" for one in found):
        return NetworkFault(f"{host} did not answer in time", remedy)
    if any(isinstance(one, NewConnectionError) for one in found) and reason:
        return NetworkFault(f"no connection to {target} ({reason})", remedy)
    if any(isinstance(one, ConnectTimeoutError | TimeoutError) for one in found):
        return NetworkFault(f"no connection to {target} (it timed out)", remedy)
    text = one_line(found[-1]) or type(found[-1]).__name__
    return NetworkFault(f"no answer from {host} ({text})", remedy)
