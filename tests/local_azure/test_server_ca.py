"""The sandbox's CA, which users trust on their machines: what it could certify if somebody had its key, and that nobody has."""

import stat
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage
from cryptography.x509.oid import NameOID

from local_azure_iot import tls_identity
from tests.kit.judges import CertificationPath, openssl_verdict
from tests.kit.local_azure import LocalAzure

_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hubtrust sandbox: local Azure")])
_ARM = x509.DNSName("management.azure.com")
_KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def made() -> x509.Certificate:
    """A CA as the sandbox makes it, of a key that this test keeps."""
    return tls_identity._ca_certificate(_KEY, _NAME, datetime.now(UTC))


def refusal(
    ca: x509.Certificate,
    *names: x509.GeneralName,
    usage: x509.ObjectIdentifier = Usage.SERVER_AUTH,
    mail: str = "",
    purpose: str = "sslserver",
) -> str:
    """Why OpenSSL refuses a certificate of the CA with these names; empty if it accepts it."""
    now = datetime.now(UTC)
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, "anybody")] + ([x509.NameAttribute(NameOID.EMAIL_ADDRESS, mail)] if mail else [])
    leaf = (
        x509.CertificateBuilder(ca.subject, x509.Name(subject), _KEY.public_key(), 7, now - timedelta(hours=1), now + timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names or [_ARM]), critical=False)
        .sign(_KEY, hashes.SHA256())
    )
    der = serialization.Encoding.DER
    verdict = openssl_verdict(CertificationPath(leaf.public_bytes(der), ca.public_bytes(der)), now, purpose=purpose)
    return "" if verdict.accepts else verdict.said


@pytest.mark.parametrize("name", [
    _ARM, x509.DNSName("hub-1.azure-devices.net"), x509.DNSName("login.microsoftonline.com"), x509.DNSName("localhost"),
    x509.IPAddress(ip_address("127.0.0.1")), x509.IPAddress(ip_address("::1")),
])  # fmt: skip
def test_what_it_may_certify(made: x509.Certificate, name: x509.GeneralName) -> None:
    """Servers under Azure's names and loopback."""
    assert refusal(made, name) == ""


@pytest.mark.parametrize("name", [
    x509.DNSName("example.com"), x509.DNSName("azure.com"), x509.DNSName("portal.azure.com"), x509.DNSName("microsoftonline.com"),
    x509.DNSName("attacker-azure-devices.net"), x509.DNSName("*.net"),
    x509.IPAddress(ip_address("10.0.0.1")), x509.IPAddress(ip_address("::2")), x509.IPAddress(ip_address("::ffff:127.0.0.1")),
    x509.RFC822Name("you@example.com"), x509.RFC822Name("you@microsoft.com"), x509.RFC822Name("you@management.azure.com"),
    x509.RFC822Name("you@localhost"),
    x509.UniformResourceIdentifier("https://example.com/"), x509.UniformResourceIdentifier("https://management.azure.com/"),
    x509.UniformResourceIdentifier("spiffe://cluster.local/admin"), x509.UniformResourceIdentifier("https://localhost/"),
])  # fmt: skip
def test_what_it_may_not_certify(made: x509.Certificate, name: x509.GeneralName) -> None:
    """Any other host or address, every e-mail address and every URI: also beside a name that is allowed."""
    assert "permitted subtree violation" in refusal(made, name)
    assert "permitted subtree violation" in refusal(made, _ARM, name)


def test_an_address_in_the_subject(made: x509.Certificate) -> None:
    """RFC 5280, 4.2.1.10: the constraint of e-mail addresses holds for those in the subject too."""
    assert "permitted subtree violation" in refusal(made, mail="you@example.com")


@pytest.mark.parametrize(("usage", "purpose"), [
    (Usage.EMAIL_PROTECTION, "smimesign"), (Usage.CLIENT_AUTH, "sslclient"),
])  # fmt: skip
def test_it_is_good_for_servers_alone(made: x509.Certificate, usage: x509.ObjectIdentifier, purpose: str) -> None:
    """Neither mail nor clients, with names that are allowed."""
    assert refusal(made, usage=usage, purpose=purpose).startswith("26 1 "), "the purpose is refused of the CA, one above the certificate"


def test_the_ca_of_a_running_local_azure(process: LocalAzure) -> None:
    """Its constraints are critical and have each form that they can; it ends within 31 days; its key is not stored."""
    folder = Path(process.ready["ca_file"]).parent
    ca = x509.load_pem_x509_certificate(Path(process.ready["ca_file"]).read_bytes())
    constraints = ca.extensions.get_extension_for_class(x509.NameConstraints)
    forms = {type(name) for name in constraints.value.permitted_subtrees or ()}

    assert constraints.critical
    assert forms == {x509.DNSName, x509.IPAddress, x509.RFC822Name, x509.UniformResourceIdentifier}
    assert (ca.not_valid_after_utc - ca.not_valid_before_utc).days <= 31
    assert [path.name for path in folder.iterdir() if b"PRIVATE KEY" in path.read_bytes()] == ["server.key"]
    assert stat.S_IMODE((folder / "server.key").stat().st_mode) == 0o600


def test_a_ca_of_an_earlier_version_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One whose constraints lack e-mail addresses and URIs is not used again; one of this version is kept."""
    less = x509.NameConstraints([x509.DNSName("localhost"), x509.IPAddress(ip_network("127.0.0.0/8"))], None)
    with monkeypatch.context() as earlier:
        earlier.setattr(tls_identity, "_limits", lambda: {less})
        old = tls_identity.ensure(tmp_path).ca_file.read_bytes()
    new = tls_identity.ensure(tmp_path).ca_file.read_bytes()

    assert new != old
    assert tls_identity.ensure(tmp_path).ca_file.read_bytes() == new
