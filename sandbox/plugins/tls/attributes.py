"""The four tls resource types as tables, and the attributes that they share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.plugins.tls.schema import Attribute, Replaces, Schema
from sandbox.plugins.tls.usages import EXTENDED_KEY_USAGES, KEY_USAGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.plugins.property_values import Properties

    Compute = Callable[[Properties], Properties]

ALGORITHMS = ("RSA", "ECDSA", "ED25519")
CURVES = ("P224", "P256", "P384", "P521")
ALLOWED_USES = tuple(sorted([*KEY_USAGES, *EXTENDED_KEY_USAGES]))
ALWAYS = Replaces.ALWAYS

ID = Attribute("id", str, computed=True, keeps_prior=True)
PRIVATE_KEY_PEM = Attribute("privateKeyPem", str, required=True, sensitive=True, replaces=Replaces.IF_PEM)
KEY_ALGORITHM = Attribute("keyAlgorithm", str, computed=True, keeps_prior=True)

SUBJECT_FIELDS = (
    "commonName",
    "country",
    "emailAddress",
    "locality",
    "organization",
    "organizationalUnit",
    "postalCode",
    "province",
    "serialNumber",
)
SUBJECT = Attribute(
    "subject",
    dict,
    replaces=ALWAYS,
    fields=(*(Attribute(name, str) for name in SUBJECT_FIELDS), Attribute("streetAddresses", list)),
)
SUBJECT_ALTERNATIVE_NAMES = (
    Attribute("dnsNames", list, replaces=ALWAYS),
    Attribute("ipAddresses", list, replaces=ALWAYS, non_empty_items=True),
    Attribute("uris", list, replaces=ALWAYS, non_empty_items=True),
)
CERTIFICATE = (
    ID,
    Attribute("validityPeriodHours", int, required=True, replaces=ALWAYS, minimum=0),
    Attribute("allowedUses", list, required=True, replaces=ALWAYS, one_of=ALLOWED_USES),
    Attribute("earlyRenewalHours", int, computed=True, default=0, minimum=0),
    Attribute("isCaCertificate", bool, computed=True, default=False, replaces=ALWAYS),
    Attribute("maxPathLength", int, computed=True, keeps_prior=True, replaces=ALWAYS, minimum=-1),
    Attribute("setSubjectKeyId", bool, computed=True, default=False, replaces=ALWAYS),
    Attribute("readyForRenewal", bool, computed=True, default=False),
    Attribute("certPem", str, computed=True, keeps_prior=True),
    Attribute("validityStartTime", str, computed=True, keeps_prior=True),
    Attribute("validityEndTime", str, computed=True, keeps_prior=True),
)


def private_key(compute: Compute) -> Schema:
    """tls_private_key. No attribute keeps its prior value: every change generates another key."""
    computed = ("id", "publicKeyFingerprintMd5", "publicKeyFingerprintSha256", "publicKeyOpenssh", "publicKeyPem")
    secret = ("privateKeyOpenssh", "privateKeyPem", "privateKeyPemPkcs8")
    return Schema(
        attributes=(
            Attribute("algorithm", str, required=True, replaces=ALWAYS, one_of=ALGORITHMS),
            Attribute("rsaBits", int, computed=True, default=2048, replaces=ALWAYS),
            Attribute("ecdsaCurve", str, computed=True, default="P224", replaces=ALWAYS, one_of=CURVES),
            *(Attribute(name, str, computed=True) for name in computed),
            *(Attribute(name, str, computed=True, sensitive=True) for name in secret),
        ),
        compute=compute,
        version=1,
    )


def cert_request(compute: Compute) -> Schema:
    """tls_cert_request."""
    request = Attribute("certRequestPem", str, computed=True, keeps_prior=True)
    return Schema(attributes=(ID, PRIVATE_KEY_PEM, KEY_ALGORITHM, request, SUBJECT, *SUBJECT_ALTERNATIVE_NAMES), compute=compute)


def self_signed_cert(compute: Compute) -> Schema:
    """tls_self_signed_cert."""
    authority = Attribute("setAuthorityKeyId", bool, computed=True, default=False, replaces=ALWAYS)
    attributes = (*CERTIFICATE, authority, PRIVATE_KEY_PEM, KEY_ALGORITHM, SUBJECT, *SUBJECT_ALTERNATIVE_NAMES)
    return Schema(attributes=attributes, compute=compute, renewable=True)


def locally_signed_cert(compute: Compute, warnings: Callable[[Properties], list[str]]) -> Schema:
    """tls_locally_signed_cert."""
    return Schema(
        attributes=(
            *CERTIFICATE,
            Attribute("caCertPem", str, required=True, replaces=Replaces.IF_PEM),
            Attribute("caPrivateKeyPem", str, required=True, sensitive=True, replaces=Replaces.IF_PEM),
            Attribute("certRequestPem", str, required=True, replaces=Replaces.IF_PEM),
            Attribute("caKeyAlgorithm", str, computed=True, keeps_prior=True),
        ),
        compute=compute,
        renewable=True,
        warnings=warnings,
    )
