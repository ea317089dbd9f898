"""Whom TLS asks for a certificate: the clients of a hub, on each of its ports, and nobody else. What is sent is taken as it is."""

import contextlib
import ssl
from pathlib import Path

import pytest
from OpenSSL import SSL

from local_azure_iot import host_names, tls_identity, tls_stream
from local_azure_iot.judge import certificate
from tests.kit.device_certificates import Party


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> tls_identity.ServerIdentity:
    """The server's certificate."""
    return tls_identity.ensure(tmp_path_factory.mktemp("identity"))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(("name", "asked"), [
    ("trial.azure-devices.net", True),
    ("Trial.Azure-Devices.NET", True),
    ("trial.azure-devices.cn", True),
    ("global.azure-devices-provisioning.net", True),
    ("trial.azure-devices-provisioning.net", True),
    ("global.azure-devices-provisioning.us", True),
    ("management.azure.com", False),
    ("login.microsoftonline.com", False),
    ("keys.vault.azure.net", False),
    ("localhost", False),
    ("", False),
])  # fmt: skip
def test_who_is_asked(identity: tls_identity.ServerIdentity, tmp_path: Path, name: str, version: ssl.TLSVersion, *, asked: bool) -> None:
    """On 443, where every host name comes in; a device's certificate of a CA that nobody knows is seen, and so is that there is none."""
    server = tls_stream.context(identity, host_names.takes_client_certificates)
    for sent in (True, False):
        stream, client = _handshake(server, _client(identity, tmp_path if sent else None, name, version), name)
        assert stream.server_name == name
        assert [certificate.names_sent(each)[0] for each in stream.chain()] == (["CN=press-001"] if asked and sent else [])
        stream.write(b"hello")
        client[1].write(stream.outgoing())
        assert client[0].read() == b"hello"


def _client(identity: tls_identity.ServerIdentity, folder: Path | None, name: str, version: ssl.TLSVersion) -> ssl.SSLContext:
    found = ssl.create_default_context(cafile=identity.ca_file)
    found.minimum_version = found.maximum_version = version
    found.check_hostname = bool(name)
    if folder:
        found.load_cert_chain(*Party("A CA that nobody knows").device("press-001").files(folder))
    return found


def _handshake(server: SSL.Context, context: ssl.SSLContext, name: str) -> tuple[tls_stream.TlsStream, tuple[ssl.SSLObject, ssl.MemoryBIO]]:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client, stream = context.wrap_bio(incoming, outgoing, server_hostname=name or None), tls_stream.TlsStream(server)
    while not stream.established:
        with contextlib.suppress(ssl.SSLWantReadError):
            client.do_handshake()
        assert stream.feed(outgoing.read()) == b""
        incoming.write(stream.outgoing())
    return stream, (client, incoming)
