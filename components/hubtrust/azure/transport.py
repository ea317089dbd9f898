"""HTTP with limits: an answer is read in pieces, and not beyond a time and a size. Loaded with the first request."""

import os
import ssl
import time
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import certifi
import requests
from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter
from urllib3 import Retry
from urllib3.exceptions import DecodeError, ProtocolError, ReadTimeoutError, SSLError
from urllib3.util.ssl_ import create_urllib3_context

from hubtrust.azure.retry import ATTEMPT_TIMEOUT, CONNECT_TIMEOUT, LARGEST_ANSWER, LARGEST_COMPRESSED, READ_TIMEOUT

_PIECE = 64 * 1024


class TooLargeError(requests.exceptions.RequestException):
    """The answer is larger than any of Azure's."""


class LimitedTransport(RequestsTransport):  # type: ignore[misc] # azure-core loads it lazily
    """azure-core's transport with the proxies and roots of the environment, and with limits. It never retries and never redirects."""

    def __init__(self) -> None:
        super().__init__(connection_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT)

    def send(self, request: Any, **options: Any) -> Any:
        """As azure-core's.

        Raises:
            CoreError: there is no answer; also where a proxy has no valid address or the file of roots is missing, which are a ValueError
                and an OSError in azure-core's.
        """
        try:
            return super().send(request, **options)
        except (ValueError, OSError) as error:
            raise ServiceRequestError(str(error), error=error) from None

    def _init_session(self, session: requests.Session) -> None:
        """azure-core's hook for a new session."""
        super()._init_session(session)
        adapter = LimitedAdapter(max_retries=Retry(total=False, redirect=False, raise_on_status=False))
        for scheme in ("http://", "https://"):
            session.mount(scheme, adapter)


class LimitedAdapter(HTTPAdapter):
    """Reads each answer whole, within its limits. Connections share their roots, which would otherwise be read from the file for each."""

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """What TLS needs; where the roots can't be read, that is found and told at the connection, as ever."""
        host, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        roots = str(verify) if isinstance(verify, str) else certifi.where()
        context = _trusting(roots, _written(roots)) if verify else None
        return host, tls if context is None else {**tls, "ssl_context": context, "ca_certs": None, "ca_cert_dir": None}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """The roots of a connection: none where the context has them. To a proxy that is reached by TLS another context leads."""
        super().cert_verify(conn, url, verify, cert)
        if "ssl_context" in conn.conn_kw and not (conn.proxy and conn.proxy.scheme == "https"):
            conn.ca_certs = conn.ca_cert_dir = None

    def send(self, request: requests.PreparedRequest, stream: bool = False, *more: Any, **options: Any) -> requests.Response:
        """Send, and read the answer.

        Raises:
            requests.RequestException: as the adapter that requests itself has; TooLargeError.
        """
        del stream  # the answer is always read here
        end = time.monotonic() + ATTEMPT_TIMEOUT
        response = super().send(request, True, *more, **options)
        try:
            response._content = _read(response, request, end)  # noqa: SLF001 - as requests does where it is not asked to stream
        except BaseException:
            response.close()
            raise
        response._content_consumed = True  # noqa: SLF001 - see above
        response.headers["Location"] = _valid(response.headers.get("Location"))
        return response


def _written(roots: str) -> int:
    """When the file was written: another one is read again. 0 where there is none."""
    try:
        return Path(roots).stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=4)
def _trusting(roots: str, _written: int) -> ssl.SSLContext | None:
    """A context with these roots, a file or a folder; None if they can't be read."""
    context = create_urllib3_context()
    folder = os.path.isdir(roots)  # noqa: PTH112 - a text that is no path at all is told by OpenSSL
    try:
        context.load_verify_locations(None if folder else roots, roots if folder else None)
    except OSError:
        return None
    return context


def _read(response: requests.Response, request: requests.PreparedRequest, end: float) -> bytes:
    pieces, size = [], 0
    try:
        while piece := response.raw.read1(_PIECE, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if size > LARGEST_ANSWER or response.raw.tell() > LARGEST_COMPRESSED:
                raise TooLargeError(f"the answer is larger than {LARGEST_ANSWER // 2**20} MiB", request=request)
            if time.monotonic() > end:
                raise requests.exceptions.ReadTimeout(request=request)
    except ReadTimeoutError as error:
        raise requests.exceptions.ReadTimeout(error, request=request) from error
    except DecodeError as error:
        raise requests.exceptions.ContentDecodingError(error, request=request) from error
    except (ProtocolError, SSLError) as error:
        raise requests.exceptions.ConnectionError(error, request=request) from error
    return b"".join(pieces)


def _valid(location: str | None) -> str:
    """The address of a redirection; empty if it is none: requests would fail where it prepares the request after it."""
    try:
        urlsplit(location or "")
    except ValueError:
        return ""
    return location or ""
