"""Keys, requests and certificates created by the tls plugin."""

from __future__ import annotations

from typing import Any

from cryptography import x509

from sandbox.plugins.resource import Operation
from sandbox.plugins.tls import times

KEY = "tls:index/privateKey:PrivateKey"
ROOT = "tls:index/selfSignedCert:SelfSignedCert"
REQUEST = "tls:index/certRequest:CertRequest"
SIGNED = "tls:index/locallySignedCert:LocallySignedCert"
ALGORITHMS = [
    {"algorithm": "RSA", "rsaBits": 2048},
    *({"algorithm": "ECDSA", "ecdsaCurve": curve} for curve in ("P224", "P256", "P384", "P521")),
    {"algorithm": "ED25519"},
]
CA: dict[str, Any] = {
    "isCaCertificate": True,
    "validityPeriodHours": 48,
    "allowedUses": ["cert_signing", "crl_signing"],
    "subject": {"commonName": "A Root"},
}
LEAF: dict[str, Any] = {"validityPeriodHours": 24, "allowedUses": ["client_auth", "digital_signature"]}
NOW = 1_700_000_000 * times.SECOND


def key(tls: Any, **inputs: Any) -> str:
    _, outputs = tls.create(KEY, "k", inputs or {"algorithm": "ECDSA", "ecdsaCurve": "P256"})
    return str(outputs["privateKeyPem"].value)


def root(tls: Any, pem: str, **inputs: Any) -> dict[str, Any]:
    return tls.create(ROOT, "root", {**CA, "privateKeyPem": pem, **inputs})[1]


def request(tls: Any, pem: str, **inputs: Any) -> str:
    return str(tls.create(REQUEST, "leaf", {"privateKeyPem": pem, "subject": {"commonName": "device-1"}, **inputs})[1]["certRequestPem"])


def signed(tls: Any, ca_key: str, ca: str, csr: str, **inputs: Any) -> str:
    return str(
        tls.create(SIGNED, "leaf", {**LEAF, "caPrivateKeyPem": ca_key, "caCertPem": ca, "certRequestPem": csr, **inputs})[1]["certPem"]
    )


def parsed(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def operation() -> Operation:
    """An operation that is not a preview."""
    return Operation("urn:pulumi:dev::tests::t::n")
