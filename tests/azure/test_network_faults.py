"""Why there was no answer, told truly: DNS, connection, proxy, TLS or a clock, and never "log in" where credentials are not the cause."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import tenacity.nap
import trustme

from hubtrust.azure import errors, reachability
from hubtrust.azure.client import AzureClient
from hubtrust.azure.clouds import PUBLIC
from hubtrust.azure.login import Login
from hubtrust.azure.retry import RetryLimits
from tests.azure.test_limits import Static

NOWHERE = "https://127.0.0.1:1"


@contextmanager
def https_server(folder: Path, monkeypatch: pytest.MonkeyPatch, *, trusted: bool = True, **certificate: datetime) -> Iterator[str]:
    """An https server that refuses every request, with such a certificate; yields its URL."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", **certificate).configure_cert(context)
    (authority if trusted else trustme.CA()).cert_pem.write_to_path(str(folder / "roots.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(folder / "roots.pem"))
    with http_server("418", context) as url:
        yield url.replace("http:", "https:")


@contextmanager
def http_server(status: str, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that answers every request, CONNECT too, with this status."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.send_response_only(int(status))
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = do_CONNECT = answer  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that does not trust the server hangs up."""

    server = Server(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between tries, which take no time."""
    found: list[float] = []
    monkeypatch.setattr(tenacity.nap, "time", type("Slept", (), {"sleep": staticmethod(found.append)}))
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    reachability.forget()
    return found


def told(url: str, waits: list[float], *, login: Login | None = None) -> str:
    """The error of a request for this URL."""
    limits = RetryLimits(clock=lambda: sum(waits))
    with AzureClient(url, "scope", login or Static(), limits, lambda _: None) as client, pytest.raises(errors.UnreachableError) as caught:
        client.send("GET", "/x", what="it", query={}, expects=lambda _: None)
    assert "\n" not in str(caught.value)
    assert "az login" not in str(caught.value)
    return str(caught.value)


def login_at(url: str) -> Login:
    """A service principal's login there."""
    environment = {"ARM_TENANT_ID": "t", "ARM_CLIENT_ID": "c", "ARM_CLIENT_SECRET": "s"}
    return Login(replace(PUBLIC, login=url, known=False), environment)


def test_a_name_that_dns_does_not_know(waits: list[float]) -> None:
    """A name that can't be resolved is told within seconds, for Azure and for the login."""
    text = told("https://no-such-hub.invalid", waits)
    assert "the name no-such-hub.invalid can't be resolved (DNS)" in text
    assert sum(waits) <= 8
    text = told(NOWHERE, waits, login=login_at("https://no-such-login.invalid"))
    assert text.startswith("login at https://no-such-login.invalid: the name no-such-login.invalid can't be resolved (DNS)")
    assert sum(waits) <= 16


def test_a_certificate_that_is_not_trusted(waits: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that intercepts TLS, or a root that is missing here: not retried, and the error says what to add."""
    with https_server(tmp_path, monkeypatch, trusted=False) as url:
        text = told(url, waits)
        assert "the TLS certificate of 127.0.0.1 is not trusted on this machine" in text
        assert "add the root certificate of the proxy or server that issued it (REQUESTS_CA_BUNDLE, SSL_CERT_FILE)" in text
        assert told(NOWHERE, waits, login=login_at(url)).startswith(f"login at {url}: the TLS certificate of 127.0.0.1 is not trusted")
    assert waits == []


def test_the_roots_are_those_of_the_file_as_it_is(waits: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections share what was read of it, and read it again when it has changed, is a folder or is gone."""
    roots = tmp_path / "roots.pem"
    with https_server(tmp_path, monkeypatch) as url:
        own = roots.read_bytes()
        for content, trusted in ((own, True), (trustme.CA().cert_pem.bytes(), False), (own, True), (b"nothing", False), (own, True)):
            roots.write_bytes(content)
            for _ in range(2):
                assert ("TLS" not in told(url, waits)) is trusted
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
        assert "is not trusted" in told(url, waits), "a folder of roots has them under the hash of their names"
        roots.unlink()
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(roots))
        assert "roots.pem" in told(url, waits)


@pytest.mark.parametrize(("days", "state"), [(-1, "expired"), (1, "not valid yet")])
def test_a_certificate_outside_its_dates(
    waits: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, state: str
) -> None:
    """A certificate that is expired or not valid yet may mean that this machine's clock is wrong: the error shows it."""
    now = datetime.now(UTC)
    dates = {"not_before": now + timedelta(days=days)} if days > 0 else {"not_after": now + timedelta(days=days)}
    with https_server(tmp_path, monkeypatch, **dates) as url:
        text = told(url, waits)
    assert f"the TLS certificate of 127.0.0.1 is {state} by this machine's clock ({now:%Y-%m-%d}" in text
    assert "check this machine's clock" in text
    assert waits == []


def test_a_server_that_does_not_speak_tls(waits: list[float]) -> None:
    """An http server at an https address is told within seconds."""
    with http_server("200") as url:
        assert "TLS with 127.0.0.1 fails (" in told(url.replace("http:", "https:"), waits)
    assert sum(waits) <= 2


@pytest.mark.parametrize(
    ("status", "fact"),
    [
        ("407", "the proxy asks for a login (407); write HTTPS_PROXY with user and password"),
        ("403", "the proxy refuses to connect to management.azure.com (403)"),
        ("502", "the proxy can't connect to management.azure.com (502)"),
    ],
)
def test_a_proxy_that_refuses(waits: list[float], monkeypatch: pytest.MonkeyPatch, status: str, fact: str) -> None:
    """What the proxy says is told as the proxy's, for Azure and for the login."""
    with http_server(status) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        assert fact.partition(";")[0] in (text := told(PUBLIC.resource_manager, waits))
        assert fact.partition(";")[2] in text
        login = told(PUBLIC.resource_manager, waits, login=login_at(PUBLIC.login))
        assert login.startswith(
            f"login at {PUBLIC.login}: {fact.partition(';')[0].replace('management.azure.com', 'login.microsoftonline.com')}"
        )
    assert sum(waits) <= (120 if status == "502" else 4)


def test_a_proxy_that_is_not_there(waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that does not answer, or whose name does not exist, is blamed, and Azure is not."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert "no connection to the proxy (Connection refused)" in told(PUBLIC.resource_manager, waits)
    reachability.forget()
    monkeypatch.setenv("HTTPS_PROXY", "http://no-such-proxy.invalid:8080")
    assert "the name of the proxy can't be resolved (DNS)" in told(PUBLIC.resource_manager, waits)


@pytest.mark.parametrize("proxy", ["http://", "socks9://127.0.0.1:1", "://", "http://[bad"])
def test_a_proxy_that_is_not_an_address(waits: list[float], monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    """A setting that is no proxy's address is one line."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    assert told(PUBLIC.resource_manager, waits)


def test_a_host_that_answers_others_is_reachable(waits: list[float]) -> None:
    """One request that fails until its limit says nothing about a host that answered another one meanwhile."""
    del waits
    began = reachability.answers("hub")
    reachability.record("hub", reached=True)
    reachability.record("hub", reached=False, since=began)
    assert not reachability.is_unreachable("hub")
    reachability.record("hub", reached=False, since=reachability.answers("hub"))
    assert reachability.is_unreachable("hub")
