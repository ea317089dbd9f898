"""HTTP with limits: an answer is read in pieces, and not beyond a time and a size. Loaded with the first request."""

import time
from typing import Any
from urllib.parse import urlsplit

import requests
from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter
from urllib3 import Retry
from urllib3.exceptions import DecodeError, ProtocolError, ReadTimeoutError, SSLError

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
            CoreError: there is no answer; also where a proxy's address is none, which is a ValueError in azure-core's.
        """
        try:
            return super().send(request, **options)
        except ValueError as error:
            raise ServiceRequestError(str(error), error=error) from None

    def _init_session(self, session: requests.Session) -> None:
        """azure-core's hook for a new session."""
        super()._init_session(session)
        adapter = LimitedAdapter(max_retries=Retry(total=False, redirect=False, raise_on_status=False))
        for scheme in ("http://", "https://"):
            session.mount(scheme, adapter)


class LimitedAdapter(HTTPAdapter):
    """Reads each answer whole, within its limits."""

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
