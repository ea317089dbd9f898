"""An HTTPS client like Go's default one: it takes the proxy and the trusted roots from the environment, and nothing else."""

from __future__ import annotations

import ipaddress
import os
import ssl
import threading
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import certifi
import requests
import requests.utils
from requests.adapters import HTTPAdapter
from urllib3.util.ssl_ import create_urllib3_context

from sandbox.plugins.azure_native.http_response import HttpResponse, UnreachableError
from sandbox.plugins.resource import PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_CONNECTIONS = 64  # as many as there are threads, see process.py


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


class _Connections(HTTPAdapter):
    """The connections of all threads, with one copy of the trusted roots: requests would read these for each connection, in 20 ms.

    Args:
        roots: a file or folder of root certificates, or True for certifi's.
        most: how many connections are kept.
    """

    def __init__(self, roots: str | bool, most: int) -> None:
        self._roots = certifi.where() if roots is True else str(roots)
        self._reading, self._are_read = threading.Lock(), False
        self._trust = create_urllib3_context()
        super().__init__(pool_maxsize=most)

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        """Connections to servers."""
        super().init_poolmanager(*arguments, **more, ssl_context=self._trust)

    def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
        """Connections through a proxy."""
        return super().proxy_manager_for(proxy, **more, ssl_context=self._trust)

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        """Without the roots, which a new connection would read."""
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {name: value for name, value in pool.items() if not name.startswith("ca_cert")}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Every server is verified.

        Raises:
            requests.exceptions.SSLError: the roots can't be read.
        """
        del url, verify, cert
        conn.cert_reqs = "CERT_REQUIRED"
        with self._reading:
            if not self._are_read:
                place = {"capath" if Path(self._roots).is_dir() else "cafile": self._roots}
                try:
                    self._trust.load_verify_locations(**place)
                except OSError as failed:
                    raise requests.exceptions.SSLError(f"the root certificates in {self._roots} can't be read: {failed}") from failed
                self._are_read = True


class HttpClient:
    """A thread-safe client. `connect` and `answer` are the timeouts in seconds for the connection and the response."""

    def __init__(self, *, connect: float, answer: float) -> None:
        self._threads = threading.local()
        self._timeout = (connect, answer)
        self.roots = trusted_roots()
        self._connections = _Connections(self.roots, _MOST_CONNECTIONS)

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
            session.mount("https://", self._connections)
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
