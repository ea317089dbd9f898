"""Clouds: the three known ones by name, any other by its metadata, and the errors for invalid ones."""

import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from hubtrust.azure import clouds as cloud
from hubtrust.azure import errors
from tests.kit.repository import ROOT

DOCUMENT = {
    "name": "AzureStack",
    "resourceManager": "https://arm.stack.example/",
    "authentication": {"loginEndpoint": "https://login.stack.example/", "audiences": ["https://arm.stack.example/audience/"]},
}


@contextmanager
def metadata_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes) -> Iterator[tuple[str, list[str]]]:
    """An https server with its own certificate that always returns one answer; yields its URL and the requested paths."""
    authority = trustme.CA()
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}", paths
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def encoded(**changes: Any) -> bytes:
    import json

    return json.dumps(DOCUMENT | changes).encode()


@pytest.mark.parametrize(
    ("name", "arm", "hub"),
    [
        ("public", "https://management.azure.com", "azure-devices.net"),
        ("usgovernment", "https://management.usgovcloudapi.net", "azure-devices.us"),
        ("china", "https://management.chinacloudapi.cn", "azure-devices.cn"),
    ],
)
def test_clouds_by_name(name: str, arm: str, hub: str) -> None:
    """The three known clouds need no request."""
    found = cloud.cloud_named(name)
    assert (found.resource_manager, found.arm_scope, found.hub_suffix, found.known) == (arm, f"{arm}/.default", hub, True)


def test_a_cloud_by_its_metadata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoints and audience of any other cloud come from its metadata host, and no request for its login goes to Microsoft."""
    with metadata_host(tmp_path, monkeypatch, 200, encoded()) as (url, paths):
        found = cloud.cloud_named(url + "/")
    assert paths == ["/metadata/endpoints?api-version=2022-09-01"]
    assert (found.resource_manager, found.login) == ("https://arm.stack.example", "https://login.stack.example")
    assert (found.arm_scope, found.known) == ("https://arm.stack.example/audience/.default", False)


@pytest.mark.parametrize(
    ("status", "body", "match"),
    [
        (500, b"", "its metadata can't be read"),
        (200, b"<html>", "its metadata can't be read: a web page answered instead of Azure"),
        (200, b"{}", "its metadata has no resource manager, login endpoint or audience"),
        (200, encoded(authentication={"loginEndpoint": "https://x", "audiences": []}), "its metadata has no resource manager"),
        (200, encoded(resourceManager="http://arm.stack.example"), "use https for both"),
        (200, encoded(authentication={"loginEndpoint": "https://[login", "audiences": ["x"]}), "its endpoints are .* and https://.login;"),
    ],
)
def test_invalid_metadata_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, match: str) -> None:
    """A metadata host that fails, answers something else, or names plain http endpoints is an error that says so."""
    with metadata_host(tmp_path, monkeypatch, status, body) as (url, _), pytest.raises(errors.CloudError, match=match):
        cloud.cloud_named(url)


@pytest.mark.parametrize("name", ["mars", "http://host", "https://", "https://[::1", "https://host:abc", "https://a b", "https://host\n"])
def test_what_is_no_cloud_is_refused(name: str) -> None:
    """An address that is none, too; no request is sent."""
    with pytest.raises(errors.CloudError, match=r"there is no such cloud; use public, .* or the https URL of a metadata host"):
        cloud.require_name(name)


def test_an_untrusted_metadata_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A metadata host with an untrusted certificate gets no request."""
    with metadata_host(tmp_path, monkeypatch, 200, encoded()) as (url, paths):
        trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        with pytest.raises(errors.CloudError, match="check the URL, the proxy and the certificate of the metadata host"):
            cloud.cloud_named(url)
    assert paths == []


@pytest.mark.parametrize("name", ["germany", "http://plain.example", "https://", ""])
def test_an_unknown_cloud_is_refused(name: str) -> None:
    """Another name, or a plain http URL, is refused, and the error says what to use."""
    with pytest.raises(errors.CloudError, match="use public, usgovernment, china or the https URL of a metadata host"):
        cloud.cloud_named(name)


def test_every_fact_of_a_cloud_is_in_one_table() -> None:
    """No other file that ships names a cloud's endpoints or suffixes: texts may show the public ones as examples."""
    table = {
        fact
        for known in cloud.KNOWN.values()
        for fact in (known.hub_suffix, known.provisioning_suffix, known.resource_manager, known.login, *known.vault_suffixes)
    }
    shipped = [*(ROOT / "components").rglob("*.py"), *(ROOT / "policies").rglob("*.py"), *(ROOT / "settings").rglob("*.py")]
    copies = {
        (str(path.relative_to(ROOT)), fact)
        for path in shipped
        if path.name != "clouds.py"
        for fact in table
        if re.search(rf"['\"]{re.escape(fact)}['\"]", path.read_text())
    }
    assert copies == set()


@pytest.mark.parametrize("alias", sorted(cloud.ALIASES))
def test_an_alias_names_a_known_cloud(alias: str) -> None:
    """Each alias is in lower case and leads to one of the three clouds."""
    assert alias == alias.lower()
    assert cloud.ALIASES[alias] in cloud.KNOWN


def test_vaults_of_every_cloud() -> None:
    """Each known cloud has its own suffixes for Key Vault and Managed HSM."""
    assert [len(known.vault_suffixes) for known in cloud.KNOWN.values()] == [2, 2, 2]
    assert len(cloud.BY_VAULT_SUFFIX) == 6
