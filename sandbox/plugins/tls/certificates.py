"""Builds certificates and requests as terraform-provider-tls does with Go's crypto/x509, including its quirks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from sandbox.plugins.resource import PluginError
from sandbox.plugins.tls import keys, names, pem, times, usages

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.plugins.property_values import Properties

Extension = TypeVar("Extension", bound=x509.ExtensionType)

SERIAL_LIMIT: Final = 2**128
# What `cryptography` raises for a certificate or a request that it does not read, also later, when a part is asked for.
_REFUSED: Final = (ValueError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
# Go's time.Duration counts nanoseconds in 64 bits.
MAX_HOURS: Final = (2**63 - 1) // (3600 * 10**9)


@dataclass(frozen=True)
class Signature:
    """How a certificate is signed: the issuer's name, its key, and the authority key identifier, if any."""

    issuer: x509.Name
    key: keys.PrivateKey
    key_id: bytes | None


@dataclass(frozen=True)
class Certifier:
    """Issues certificates. `clock` returns nanoseconds since 1970, `random_below(n)` a random number below n."""

    clock: Callable[[], int]
    random_below: Callable[[int], int]

    def self_signed(self, plan: Properties) -> Properties:
        """The computed attributes of a SelfSignedCert."""
        key = keys.parse(plan["privateKeyPem"], "Failed to parse private key PEM")
        subject = names.distinguished_name(plan["subject"] or {})
        key_id = keys.subject_key_id(key.public_key()) if plan["isCaCertificate"] or plan["setSubjectKeyId"] else None
        if plan["setAuthorityKeyId"] and key_id is None:
            raise PluginError("Invalid Certificate Authority: Could not determine Authority Key Identifier; set setSubjectKeyId too")
        signature = Signature(subject, key, key_id if plan["setAuthorityKeyId"] else None)
        issued = self._certify(plan, subject, key.public_key(), names.alternative_names(plan), signature)
        return {**issued, "keyAlgorithm": keys.algorithm_of(key)}

    def locally_signed(self, plan: Properties) -> Properties:
        """The computed attributes of a LocallySignedCert. The request's signature is not verified, as in the real provider."""
        request = _request(plan["certRequestPem"])
        key = keys.parse(plan["caPrivateKeyPem"], "Failed to parse CA private key PEM")
        authority = _certificate(plan["caCertPem"])
        if authority.public_key() != key.public_key():
            raise PluginError("Failed to create certificate: x509: provided PrivateKey doesn't match parent's PublicKey")
        public = request.public_key()
        if not isinstance(public, keys.PublicKey):
            raise PluginError(f"Failed to create certificate: x509: unsupported public key type {type(public).__name__}")
        subject = names.reencoded(request.subject)
        signature = Signature(authority.subject, key, _key_id(authority) if authority.subject != subject else None)
        issued = self._certify(plan, subject, public, names.requested_alternative_names(request), signature)
        return {**issued, "caKeyAlgorithm": keys.algorithm_of(key)}

    def request(self, plan: Properties) -> Properties:
        """The computed attributes of a CertRequest."""
        key = keys.parse(plan["privateKeyPem"], "Failed to parse private key PEM")
        builder = x509.CertificateSigningRequestBuilder().subject_name(names.distinguished_name(plan["subject"] or {}))
        alternative = names.alternative_names(plan)
        if alternative:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternative), critical=False)
        der = builder.sign(key, keys.signature_hash(key)).public_bytes(Encoding.DER)
        text = pem.encode("CERTIFICATE REQUEST", der)
        return {"id": keys.hash_for_state(der), "certRequestPem": text, "keyAlgorithm": keys.algorithm_of(key)}

    def _certify(
        self, plan: Properties, subject: x509.Name, public: keys.PublicKey, alternative: list[x509.GeneralName], signature: Signature
    ) -> Properties:
        now = self.clock()
        hours = plan["validityPeriodHours"]
        if hours > MAX_HOURS:
            raise PluginError(
                f"Failed to create certificate: {hours} validity hours exceed what Go's time.Duration can hold; use at most {MAX_HOURS}"
            )
        start = datetime.fromtimestamp(now // 10**9, UTC)
        serial = 1 + self.random_below(SERIAL_LIMIT - 1)
        builder = (
            x509.CertificateBuilder()
            .serial_number(serial)
            .subject_name(subject)
            .issuer_name(signature.issuer)
            .not_valid_before(start)
            .not_valid_after(start + timedelta(hours=hours))
            .public_key(public)
        )
        for extension, critical in _extensions(plan, subject, public, alternative, signature.key_id):
            builder = builder.add_extension(extension, critical=critical)
        certificate = builder.sign(signature.key, keys.signature_hash(signature.key))
        return {
            "id": str(serial),
            "certPem": pem.encode("CERTIFICATE", certificate.public_bytes(Encoding.DER)),
            "validityStartTime": times.to_text(now),
            "validityEndTime": times.to_text(now + hours * times.HOUR),
        }


def _extensions(
    plan: Properties, subject: x509.Name, public: keys.PublicKey, alternative: list[x509.GeneralName], authority_key_id: bytes | None
) -> list[tuple[x509.ExtensionType, bool]]:
    """Pairs of (extension, critical), in the order in which Go writes them."""
    authority = plan["isCaCertificate"]
    if authority and not list(subject):
        raise PluginError(
            "Invalid Certificate Subject: Must contain at least one Distinguished Name when creating Certificate Authority (CA)"
        )
    # Go's certificate template takes a maxPathLength of 0 as "not set", so the CA gets no limit.
    length = max(plan["maxPathLength"] or 0, 0) or None
    if length and not authority:
        raise PluginError(
            "Failed to create certificate: x509: only CAs are allowed to specify MaxPathLen; set isCaCertificate or drop maxPathLength"
        )
    found: list[tuple[x509.ExtensionType | None, bool]] = [
        (usages.key_usage(plan["allowedUses"]), True),
        (usages.extended_key_usage(plan["allowedUses"]), False),
        (x509.BasicConstraints(ca=authority, path_length=length), True),
    ]
    if authority or plan["setSubjectKeyId"]:
        found.append((x509.SubjectKeyIdentifier(keys.subject_key_id(public)), False))
    if authority_key_id:
        found.append((x509.AuthorityKeyIdentifier(authority_key_id, None, None), False))
    if alternative:
        found.append((x509.SubjectAlternativeName(alternative), not list(subject)))
    return [(extension, critical) for extension, critical in found if extension is not None]


def _request(text: str) -> x509.CertificateSigningRequest:
    der = pem.decode_as("CERTIFICATE REQUEST", text, "Failed to parse certificate request PEM")
    try:
        request = x509.load_der_x509_csr(der)
        _ = request.subject, request.extensions, request.public_key()  # they are read when they are asked for, and may be refused then
    except _REFUSED as refused:
        raise PluginError(f"Failed to parse certificate request PEM: failed to parse certificate request: {refused}") from refused
    return request


def _certificate(text: str) -> x509.Certificate:
    der = pem.decode_as("CERTIFICATE", text, "Failed to parse CA certificate PEM")
    try:
        certificate = x509.load_der_x509_certificate(der)
        _ = certificate.subject, certificate.extensions, certificate.public_key()
    except _REFUSED as refused:
        raise PluginError(f"Failed to parse CA certificate PEM: failed to parse certificate: {refused}") from refused
    return certificate


def authority_warnings(plan: Properties) -> list[str]:
    """A warning when the basic constraints of a LocallySignedCert's CA say that it is not a CA; the certificate is still issued."""
    constraints = _extension(_certificate(plan["caCertPem"]), x509.BasicConstraints)
    if constraints and constraints.ca:
        return []
    warning = "Certificate provided as Authority does not appear to be a valid Certificate Authority."
    return [f"{warning} The resulting certificate might fail certificate validation."]


def _key_id(certificate: x509.Certificate) -> bytes | None:
    found = _extension(certificate, x509.SubjectKeyIdentifier)
    return found.digest if found else None


def _extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
