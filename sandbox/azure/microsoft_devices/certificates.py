"""CA certificates of hubs and provisioning services: registering them, and proof of possession."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

from sandbox.azure.judge import proof as judge
from sandbox.azure.judge import upload
from sandbox.azure.microsoft_devices import errors, etags, lifecycle
from sandbox.azure.microsoft_devices.errors import DevicesError, Service
from sandbox.azure.microsoft_devices.versions import Shown, certificate_shape

if TYPE_CHECKING:
    from sandbox.azure.local_azure import Azure
    from sandbox.azure.microsoft_devices.lifecycle import Kind
    from sandbox.azure.store import Document

_NAME = re.compile(r"[A-Za-z0-9\-._]{1,64}")
LIMIT = 25  # certificates a hub or provisioning service
ZERO_DATE = "Mon, 01 Jan 0001 00:00:00 GMT"


def key(parent: str, name: str) -> str:
    """The key of a certificate under its service's key."""
    return f"{parent}/{name.lower()}"


def need(azure: Azure, parent: str, name: str, service: Service) -> Document:
    """A certificate.

    Raises:
        DevicesError: It does not exist.
    """
    found = azure.store.get(lifecycle.CERTIFICATE, key(parent, name))
    if found is None:
        raise errors.certificate_not_found(name, service)
    return found


def listed(azure: Azure, parent: str) -> list[Document]:
    """All certificates of a service."""
    return azure.store.list(lifecycle.CERTIFICATE, f"{parent}/")


def write(azure: Azure, parent: str, name: str, text: str, *, attested: bool, condition: str | None, service: Service) -> Document:
    """Register a certificate or replace it; a replacement loses its verification and its code.

    `attested` is `isVerified: true` in the request, which Azure believes.

    Raises:
        DevicesError: Bad name, stale or missing If-Match on one that exists, no certificate in it, or too many.
    """
    if not _NAME.fullmatch(name):
        raise errors.certificate_name_invalid(name, service)
    existing = azure.store.get(lifecycle.CERTIFICATE, key(parent, name))
    if existing and not etags.matches(condition, existing["etag"]):
        raise errors.etag_invalid(service)
    if existing is None and condition and condition.strip() != "*":
        raise errors.etag_invalid(service)
    if existing is None and azure.store.count(lifecycle.CERTIFICATE, f"{parent}/") >= LIMIT:
        raise errors.too_many_certificates(service)
    read = _read(text, service)
    if azure.dials.strict:
        _strict(azure, read, attested=attested, service=service)
    now = upload.rfc1123(azure.clock.now())
    certificate: Document = {
        "name": existing["name"] if existing else name,
        "text": text,
        "subject": read.subject,
        "expiry": read.expiry,
        "thumbprint": read.thumbprint,
        "verified": attested,
        "created": existing["created"] if existing else now,
        "updated": now,
        "code": None,
        "etag": etags.cosmos(azure),
    }
    azure.store.put(lifecycle.CERTIFICATE, key(parent, name), certificate)
    return certificate


def generate_code(azure: Azure, parent: str, name: str, condition: str | None, service: Service) -> Document:
    """Issue a new verification code; an earlier one is void. The certificate is unverified until the new proof.

    Raises:
        DevicesError: No such certificate, or If-Match is stale or missing.
    """
    certificate = need(azure, parent, name, service)
    if not etags.matches(condition, certificate["etag"]):
        raise errors.etag_invalid(service)
    certificate |= {"code": secrets.token_hex(24).upper(), "verified": False}
    return _touched(azure, parent, certificate)


def verify(azure: Azure, parent: str, name: str, text: str, condition: str | None, service: Service) -> Document:
    """Check a proof of possession and, if it is valid, mark the certificate verified.

    Raises:
        DevicesError: No such certificate, If-Match is stale or missing, or the proof is invalid.
    """
    certificate = need(azure, parent, name, service)
    if not etags.matches(condition, certificate["etag"]):
        raise errors.etag_invalid(service)
    authority = upload.read(certificate["text"]).certificate
    given = _read(text, service).certificate
    flaw = judge.flaw(given, authority, certificate["code"] or "", azure.clock.now())
    if flaw is judge.Flaw.SIGNATURE:
        raise errors.proof_failed(given.issuer.rfc4514_string(), service)
    if flaw is judge.Flaw.CODE:
        raise errors.proof_of_another_code(service)
    if flaw is judge.Flaw.DATES:
        raise errors.proof_outside_dates(service)
    certificate |= {"code": None, "verified": True}
    return _touched(azure, parent, certificate)


def delete(azure: Azure, parent: str, name: str, condition: str | None, service: Service) -> bool:
    """Remove a certificate; False if it did not exist.

    Raises:
        DevicesError: If-Match is stale or missing.
    """
    certificate = azure.store.get(lifecycle.CERTIFICATE, key(parent, name))
    if certificate is None:
        return False
    if not etags.matches(condition, certificate["etag"]):
        raise errors.etag_invalid(service)
    azure.store.delete(lifecycle.CERTIFICATE, key(parent, name))
    return True


def shown(
    azure: Azure, service_document: Document, certificate: Document, kind: Kind, version: str, operation: Shown | None
) -> dict[str, Any]:
    """A certificate as the operation returns it at an api-version; `operation` is None for GET, list and verify."""
    shape = certificate_shape(kind.service, version)
    zero = azure.dials.created_zero_date
    zero = kind.service is Service.PROVISIONING if zero is None else zero
    properties: dict[str, Any] = {}
    if operation is Shown.GENERATE:
        properties["verificationCode"] = certificate["code"]
    properties |= {
        "subject": f"CN={certificate['subject']}" if shape.full_subject else certificate["subject"],
        "expiry": certificate["expiry"],
        "thumbprint": certificate["thumbprint"],
        "isVerified": certificate["verified"],
        "created": ZERO_DATE if zero else certificate["created"],
        "updated": certificate["updated"],
    }
    if shape.shown is not Shown.NEVER:
        properties["certificate"] = certificate["text"] if shape.shown in {Shown.ALWAYS, operation} else None
    return {
        "properties": properties,
        "id": f"{lifecycle.identifier(service_document, kind)}/certificates/{certificate['name']}",
        "name": certificate["name"],
        "type": f"Microsoft.Devices/{kind.service}/Certificates",
        "etag": certificate["etag"],
    }


def _touched(azure: Azure, parent: str, certificate: Document) -> Document:
    certificate |= {"updated": upload.rfc1123(azure.clock.now()), "etag": etags.cosmos(azure)}
    azure.store.put(lifecycle.CERTIFICATE, key(parent, certificate["name"]), certificate)
    return certificate


def _read(text: str, service: Service) -> upload.Upload:
    try:
        return upload.read(text)
    except upload.PrivateKeyError:
        error: DevicesError = errors.private_key_uploaded(service)
    except upload.UnreadableError:
        error = errors.internal(service)
    raise error


def _strict(azure: Azure, read: upload.Upload, *, attested: bool, service: Service) -> None:
    from cryptography import x509

    if attested:
        raise errors.refused_by_strictness("isVerified without proof", service)
    if read.count > 1:
        raise errors.refused_by_strictness(f"{read.count} certificates in one upload; only the first would count", service)
    now = azure.clock.now()
    if not read.certificate.not_valid_before_utc <= now <= read.certificate.not_valid_after_utc:
        raise errors.refused_by_strictness(f"the certificate is not within its dates; it ends {read.expiry}", service)
    try:
        is_ca = read.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_ca = False
    if not is_ca:
        raise errors.refused_by_strictness("the certificate is not a CA by its basic constraints", service)
