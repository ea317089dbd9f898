"""The sandbox's own CA: good for servers alone, under Azure's names and loopback."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local_azure_iot.host_names import CLOUDS

if TYPE_CHECKING:
    from pathlib import Path

_LIFETIME = timedelta(days=30)
_RENEW_BEFORE = timedelta(days=10)
JAVA_PASSWORD = "changeit"  # noqa: S105 - what Java's own trust store has (keytool's documentation); it holds public certificates alone
_NOWHERE = "hubtrust.invalid"  # a host that nobody can have (RFC 6761, 6.4)


@dataclass(frozen=True)
class ServerIdentity:
    """The files with the server's certificate and key, and with the certificates that clients must trust."""

    ca_file: Path  # the sandbox's CA alone
    bundle_file: Path  # certifi's roots and the sandbox's CA: what SSL_CERT_FILE is set to
    java_file: Path  # the same in PKCS#12: Java reads no PEM
    certificate_file: Path  # the server's certificate
    key_file: Path  # its key, readable by the owner only


def ensure(folder: Path, host: str = "127.0.0.1") -> ServerIdentity:
    """The identity kept in `folder`. It is created again if it is missing, expires within ten days (real time) or does not name `host`.

    So it is if its CA has other limits than this version's.
    The CA's key signs once and is not stored: no one, not even this program, can issue certificates with it again.
    """
    identity = ServerIdentity(folder / "ca.pem", folder / "bundle.pem", folder / "bundle.p12", folder / "server.pem", folder / "server.key")
    addresses = _addresses(host)
    if not _is_usable(identity, addresses):
        folder.mkdir(parents=True, exist_ok=True)
        _create(identity, addresses, datetime.now(UTC))
    return identity


def _addresses(host: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The loopback addresses that the server's certificate names: the usual ones, and the one it listens on."""
    own = ["127.0.0.1", "::1"]
    return [ipaddress.ip_address(each) for each in (own if host in {*own, "localhost"} else [*own, host])]


def _is_usable(identity: ServerIdentity, addresses: list[ipaddress.IPv4Address | ipaddress.IPv6Address]) -> bool:
    files = (identity.ca_file, identity.bundle_file, identity.java_file, identity.certificate_file, identity.key_file)
    if not all(file.exists() for file in files):
        return False
    certificate = x509.load_pem_x509_certificate(identity.certificate_file.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    ca = x509.load_pem_x509_certificate(identity.ca_file.read_bytes())
    limited = _limits() <= {each.value for each in ca.extensions}
    names_addresses = set(addresses) <= set(names.get_values_for_type(x509.IPAddress))
    names_clouds = {name for cloud in CLOUDS for name in cloud.wildcard_names} <= set(names.get_values_for_type(x509.DNSName))
    return limited and names_addresses and names_clouds and certificate.not_valid_after_utc - datetime.now(UTC) > _RENEW_BEFORE


def _create(identity: ServerIdentity, addresses: list[ipaddress.IPv4Address | ipaddress.IPv6Address], now: datetime) -> None:
    ca_key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hubtrust sandbox: local Azure")])
    ca = _ca_certificate(ca_key, subject, now)
    key = ec.generate_private_key(ec.SECP256R1())
    server = _server_certificate(key.public_key(), addresses, ca, ca_key, now)
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    _write_private(identity.key_file, key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    identity.certificate_file.write_bytes(server.public_bytes(pem) + ca.public_bytes(pem))
    identity.ca_file.write_bytes(ca.public_bytes(pem))
    roots = certifi.contents().encode()
    identity.bundle_file.write_bytes(roots.rstrip() + b"\n\n# The sandbox's CA, constrained to Azure's names\n" + ca.public_bytes(pem))
    trusted = [pkcs12.PKCS12Certificate(each, None) for each in (*_roots_for_java(roots), ca)]
    password = serialization.BestAvailableEncryption(JAVA_PASSWORD.encode())
    identity.java_file.write_bytes(pkcs12.serialize_java_truststore(trusted, password))


def _roots_for_java(roots: bytes) -> list[x509.Certificate]:
    """The public roots that `cryptography` can carry over. One of them has the serial number 0, against RFC 5280, 4.1.2.2.

    It warns of that one, and will refuse it some day.
    """
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        for pem in re.findall(rb"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----", roots):
            with contextlib.suppress(ValueError):
                found.append(x509.load_pem_x509_certificate(pem))
    return found


def _limits() -> set[x509.ExtensionType]:
    """What the CA may certify: servers (RFC 5280, 4.2.1.12, which OpenSSL, Go and Windows apply to CAs too) of these names.

    A name of a form that no subtree has would be allowed (4.2.1.10): so e-mail addresses and URIs have one that holds nobody's.
    """
    permitted: list[x509.GeneralName] = [x509.DNSName(name.removeprefix("*.")) for cloud in CLOUDS for name in cloud.wildcard_names]
    permitted += [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_network("127.0.0.0/8")),
        x509.IPAddress(ipaddress.ip_network("::1/128")),
        x509.RFC822Name(_NOWHERE),
        x509.UniformResourceIdentifier(_NOWHERE),
    ]
    names = x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=None)
    return {names, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])}


def _ca_certificate(key: ec.EllipticCurvePrivateKey, subject: x509.Name, now: datetime) -> x509.Certificate:
    key_usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = (
        _builder(subject, subject, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    for limit in _limits():
        builder = builder.add_extension(limit, critical=isinstance(limit, x509.NameConstraints))
    return builder.sign(key, hashes.SHA256())


def _server_certificate(
    public_key: ec.EllipticCurvePublicKey,
    addresses: list[ipaddress.IPv4Address | ipaddress.IPv6Address],
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.Certificate:
    names: list[x509.GeneralName] = [x509.DNSName(name) for cloud in CLOUDS for name in cloud.wildcard_names]
    names += [x509.DNSName("localhost"), *(x509.IPAddress(address) for address in addresses)]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "local Azure")])
    return (
        _builder(subject, ca.subject, public_key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
    )


def _write_private(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
