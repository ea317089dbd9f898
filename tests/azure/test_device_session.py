"""A device's session: which proxy it uses, and that the key is never on disk unencrypted."""

import gc
import os
import ssl
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import socks

from hubtrust.azure import mqtt_connection as session
from hubtrust.azure.device_session import publish_once
from hubtrust.azure.errors import SessionError
from hubtrust.azure.mqtt_connection import context, proxy
from hubtrust.devices.canary import Canary
from hubtrust.pki.chain import Chain
from tests.azure.test_limits import HANGING, LONG, server
from tests.kit.root_authority import RootAuthority

HUB = "hub-7.azure-devices.net"


@pytest.mark.parametrize("url", ["http://[", "http://user:secret@host:abc", "http://", "http://a b"])
def test_what_is_no_proxy_is_told(url: str) -> None:
    """Without what it is, because it may have a password."""
    with pytest.raises(SessionError, match="HTTPS_PROXY or ALL_PROXY is not the address of one; write it as http://") as caught:
        proxy(HUB, {"HTTPS_PROXY": url})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, {}),
        ({"HTTP_PROXY": "http://p:1"}, {}),
        ({"HTTPS_PROXY": "http://p:3128"}, {"proxy_type": socks.HTTP, "proxy_addr": "p", "proxy_port": 3128}),
        ({"https_proxy": "p:3128"}, {"proxy_type": socks.HTTP, "proxy_addr": "p", "proxy_port": 3128}),
        ({"ALL_PROXY": "socks5://p:1080"}, {"proxy_type": socks.SOCKS5, "proxy_addr": "p", "proxy_port": 1080}),
        ({"HTTPS_PROXY": "http://p:3128", "NO_PROXY": ".azure-devices.net"}, {}),
        ({"HTTPS_PROXY": "http://p:3128", "no_proxy": "localhost"}, {"proxy_type": socks.HTTP, "proxy_addr": "p", "proxy_port": 3128}),
        (
            {"HTTPS_PROXY": "http://me:a%40b@p"},
            {"proxy_type": socks.HTTP, "proxy_addr": "p", "proxy_port": 8080, "proxy_username": "me", "proxy_password": "a@b"},
        ),
    ],
)
def test_the_proxy_comes_from_the_environment(environment: dict[str, str], expected: dict[str, object]) -> None:
    """The proxy for https, in either spelling, or the one for everything; none if NO_PROXY has the host."""
    assert proxy(HUB, environment) == expected


def test_the_key_is_never_on_disk_unencrypted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """While TLS loads the key, the file is encrypted with a random passphrase and readable by its owner only; then it is removed."""
    seen: list[tuple[str, int]] = []

    class Folder(session.tempfile.TemporaryDirectory):  # type: ignore[type-arg]
        def cleanup(self) -> None:
            seen.append(((Path(self.name) / "key.pem").read_text(), Path(self.name).stat().st_mode & 0o777))
            super().cleanup()

        def __exit__(self, *_: object) -> None:
            self.cleanup()

    monkeypatch.setattr(session.tempfile, "TemporaryDirectory", Folder)
    monkeypatch.setattr(session.tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    authority = RootAuthority()
    identity = Canary(HUB, "press-001", Chain((authority.certificate,)), authority.signer, []).identity(datetime.now(UTC))
    assert context(identity).get_ca_certs()
    ((key, mode),) = seen
    assert ("BEGIN ENCRYPTED PRIVATE KEY" in key, mode, os.listdir(tmp_path)) == (True, 0o700, [])  # noqa: PTH208 - the names are meant
    assert "PRIVATE" not in repr(identity)


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # paho leaves the socket of a failed handshake to be collected
def test_a_handshake_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that accepts the connection and says nothing: the session's own limit ends it, in one line."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with server(HANGING["no answer"]) as url:
        monkeypatch.setattr(session, "PORT", int(url.rpartition(":")[2]))
        started = time.monotonic()
        with pytest.raises(SessionError, match=r"(the hub does not answer|no connection \(it timed out\)); open port 8883"):
            publish_once("127.0.0.1", "press-001", ssl.create_default_context(), payload="{}", timeout=0.5)
        assert time.monotonic() - started < LONG / 2
    for thread in [one for one in threading.enumerate() if one.name == "hubtrust-request"]:
        thread.join(LONG)
    gc.collect()
