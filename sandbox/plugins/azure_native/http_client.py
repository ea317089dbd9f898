"""An HTTPS client like Go's default one: it takes the proxy and the trusted roots from the environment, and nothing else."""

from __future__ import annotations

import ipaddress
import os
import ssl
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import requests.utils

from sandbox.plugins.azure_native.http_response import HttpResponse, UnreachableError
from sandbox.plugins.resource import PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping


def trusted_roots() -> str | bool:
    """The file or folder of root certificates that Go reads: SSL_CERT_FILE, SSL_CERT_DIR or the system's; True means certifi's."""
    named = os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")
    system = ssl.get_default_verify_paths()
    return named or system.cafile or True


def proxies_for(url: str) -> dict[str, str]:
    """The environment's proxies by scheme; none for loopback addresses, as in Go."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or _is_loopback(host):
        return {}
    return dict(requests.utils.get_environ_proxies(url))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class HttpClient:
    """A thread-safe client. `connect` and `answer` are the timeouts in seconds for the connection and the response."""

    def __init__(self, *, connect: float, answer: float) -> None:
        self._threads = threading.local()
        self._timeout = (connect, answer)
        self.roots = trusted_roots()

    def send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None) -> HttpResponse:
        """Send one request without following redirects; UnreachableError when there is no response."""
        try:
            response = self._session.request(
                method,
                url,
                headers=dict(headers),
                data=body,
                proxies=proxies_for(url),
                verify=self.roots,
                timeout=self._timeout,
                allow_redirects=False,
            )
        except requests.RequestException as failed:
            host = urlsplit(url).netloc
            cause = _root_cause(failed)
            raise UnreachableError(f"{method} {host}: no answer: {cause}; check the network, HTTPS_PROXY and SSL_CERT_FILE") from failed
        lowered = {name.lower(): value for name, value in response.headers.items()}
        return HttpResponse(response.status_code, lowered, response.content, url)

    @property
    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._threads, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False
            self._threads.session = session
        return session


def _root_cause(failed: BaseException) -> str:
    """The message of the innermost exception, without what the libraries wrap around it."""
    inner = failed
    while True:
        reasons = [getattr(inner, "reason", None), *inner.args]
        deeper = next((reason for reason in reasons if isinstance(reason, BaseException)), None)
        if deeper is None:
            return str(inner).rsplit(">: ", 1)[-1] or type(inner).__name__
        inner = deeper


class MsalHttpClient:
    """The same client with the interface that MSAL expects: `get` and `post`, and responses like those of requests."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def get(self, url: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None, **_: Any) -> MsalResponse:
        """GET with query parameters."""
        asked = requests.Request("GET", url, params=params).prepare()
        return MsalResponse(self._http.send("GET", asked.url or url, headers=headers or {}))

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> MsalResponse:
        """POST of a form."""
        asked = requests.Request("POST", url, params=params, data=data, headers=dict(headers or {})).prepare()
        body = asked.body.encode() if isinstance(asked.body, str) else None
        sent = {name: str(value) for name, value in asked.headers.items()}
        return MsalResponse(self._http.send("POST", asked.url or url, headers=sent, body=body))

    def close(self) -> None:
        """Nothing to close."""


class MsalResponse:
    """A response with the attributes of requests' Response that MSAL reads."""

    def __init__(self, answer: HttpResponse) -> None:
        self.status_code = answer.status
        self.text = answer.text
        self.headers = dict(answer.headers)

    def raise_for_status(self) -> None:
        """PluginError for an error status. MSAL calls this for responses that it cannot interpret itself."""
        if self.status_code >= HTTPStatus.BAD_REQUEST:
            raise PluginError(f"the login service answered {self.status_code}: {self.text[:200]}")
