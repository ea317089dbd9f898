"""CA certificates of hubs and provisioning services: registering them, and proof of possession."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

from local_azure_iot.judge import anchor_check, proof_check, upload
from local_azure_iot.judge.certificate import UnreadableError
from local_azure_iot.microsoft_devices import errors, etags, lifecycle
from local_azure_iot.microsoft_devices.errors import Service
from local_azure_iot.microsoft_devices.versions import Operation, certificate_shape

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.microsoft_devices.lifecycle import Kind
    from local_azure_iot.store import Document

_NAME = re.compile(r"[A-Za-z0-9\-._]{1,64}")
# What Azure's provisioning service was last recorded to return as `created`: .NET's default date, which stands for "not set".
ZERO_DATE = "Mon, 01 Jan 0001 00:00:00 GMT"


def store_key(parent: str, name: str) -> str:
    """The store key of a certificate; `parent` is the store key of its hub or provisioning service."""
    return f"{parent}/{name.lower()}"


def require(azure: Azure, parent: str, name: str, service: Service) -> Document:
    """The certificate, which must exist.

    Raises:
        DevicesError: The certificate does not exist.
    """
    found = azure.store.get(lifecycle.CERTIFICATE, store_key(parent, name))
    if found is None:
        raise errors.certificate_not_found(name, service)
    return found


def certificates_of(azure: Azure, parent: str) -> list[Document]:
    """All certificates of a hub or provisioning service, oldest first; `parent` is its store key."""
    return azure.store.list(lifecycle.CERTIFICATE, f"{parent}/")


def create_or_update(
    azure: Azure, parent: str, name: str, text: str, *, attested: bool, if_match: str | None, service: Service
) -> Document:
    """Register a certificate, or replace one that exists. A replaced certificate is unverified again, and its code is void.

    `text` is the certificate as uploaded. `attested` is `isVerified: true` in the request: Azure then marks the certificate verified
    without a proof.

    Raises:
        DevicesError: The name is invalid. The certificate exists and If-Match is missing or stale; it does not exist and If-Match names an
            etag. The service has MAX_CERTIFICATES certificates. The upload contains a private key or no certificate. It is attested, and no
            device of it could ever connect. With the setting `strict`: an upload that Azure accepts and a correct client never sends.
    """
    if not _NAME.fullmatch(name):
        raise errors.certificate_name_invalid(name, service)
    existing = azure.store.get(lifecycle.CERTIFICATE, store_key(parent, name))
    if existing and not etags.matches(if_match, existing["etag"]):
        raise errors.etag_invalid(service)
    if existing is None and if_match and if_match.strip() != "*":
        raise errors.etag_invalid(service)
    if existing is None and azure.store.count(lifecycle.CERTIFICATE, f"{parent}/") >= errors.MAX_CERTIFICATES:
        raise errors.too_many_certificates(service)
    uploaded = _uploaded(text, service)
    if attested and (reason := anchor_check.unusable(uploaded.certificate)):
        raise errors.unusable_authority(reason, service)
    if azure.settings.strict:
        _check_strictly(azure, uploaded, attested=attested, service=service)
    now = upload.rfc1123(azure.clock.now())
    certificate: Document = {
        "name": existing["name"] if existing else name,
        "text": text,
        "subject": uploaded.subject,
        "expiry": uploaded.expiry,
        "thumbprint": uploaded.thumbprint,
        "verified": attested,
        "created": existing["created"] if existing else now,
        "updated": now,
        "code": None,
        "etag": etags.new_cosmos_etag(azure),
    }
    azure.store.put(lifecycle.CERTIFICATE, store_key(parent, name), certificate)
    return certificate


def generate_code(azure: Azure, parent: str, name: str, if_match: str | None, service: Service) -> Document:
    """Issue a new verification code.

    Earlier codes become void, and the certificate is unverified until a proof for the new code is accepted.

    Raises:
        DevicesError: The certificate does not exist, or If-Match is missing or stale.
    """
    certificate = require(azure, parent, name, service)
    if not etags.matches(if_match, certificate["etag"]):
        raise errors.etag_invalid(service)
    certificate |= {"code": secrets.token_hex(24).upper(), "verified": False}
    return _store_updated(azure, parent, certificate)


def verify(azure: Azure, parent: str, name: str, text: str, if_match: str | None, service: Service) -> Document:
    """Check a proof of possession and, if it is valid, mark the certificate verified. `text` is the proof as uploaded.

    Raises:
        DevicesError: The certificate does not exist. If-Match is missing or stale. The upload contains a private key or no certificate. The
            proof is not signed by the certificate's key, its common name is not the newest code, or it is outside its dates. No
            device of the certificate's CA could ever connect.
    """
    certificate = require(azure, parent, name, service)
    if not etags.matches(if_match, certificate["etag"]):
        raise errors.etag_invalid(service)
    authority = upload.read(certificate["text"]).certificate
    proof = _uploaded(text, service).certificate
    if flaw := anchor_check.unusable(authority):
        raise errors.proof_of_unusable_authority(flaw, service)
    reason = proof_check.refusal_reason(proof, authority, certificate["code"] or "", azure.clock.now())
    if reason is proof_check.Reason.SIGNATURE:
        raise errors.proof_failed(str(proof.issuer), service)
    if reason is proof_check.Reason.CODE:
        raise errors.proof_of_another_code(service)
    if reason is proof_check.Reason.DATES:
        raise errors.proof_outside_dates(service)
    certificate |= {"code": None, "verified": True}
    return _store_updated(azure, parent, certificate)


def delete(azure: Azure, parent: str, name: str, if_match: str | None, service: Service) -> bool:
    """Delete a certificate; False if it did not exist.

    Raises:
        DevicesError: The certificate exists, and If-Match is stale. Without one it is deleted, which is a guess: every recording has one,
            the specification demands it, and Terraform's azapi sends none.
    """
    certificate = azure.store.get(lifecycle.CERTIFICATE, store_key(parent, name))
    if certificate is None:
        return False
    if if_match is not None and not etags.matches(if_match, certificate["etag"]):
        raise errors.etag_invalid(service)
    azure.store.delete(lifecycle.CERTIFICATE, store_key(parent, name))
    return True


def to_json(
    azure: Azure, service_document: Document, certificate: Document, kind: Kind, version: str, operation: Operation
) -> dict[str, Any]:
    """The certificate's JSON as this operation of this api-version returns it."""
    shape = certificate_shape(kind.service, version)
    setting = azure.settings.created_zero_date
    # Without the setting as in Azure: only provisioning services return the zero date.
    zero_date = kind.service is Service.PROVISIONING if setting is None else setting
    properties: dict[str, Any] = {}
    if operation is Operation.GENERATE_CODE:
        properties["verificationCode"] = certificate["code"]
    properties |= {
        "subject": f"CN={certificate['subject']}" if shape.full_subject else certificate["subject"],
        "expiry": certificate["expiry"],
        "thumbprint": certificate["thumbprint"],
        "isVerified": certificate["verified"],
        "created": ZERO_DATE if zero_date else certificate["created"],
        "updated": certificate["updated"],
    }
    if shape.text_in is not None:  # older api-versions have no such member
        properties["certificate"] = certificate["text"] if operation in shape.text_in else None
    return {
        "properties": properties,
        "id": f"{lifecycle.identifier(service_document, kind)}/certificates/{certificate['name']}",
        "name": certificate["name"],
        "type": f"Microsoft.Devices/{kind.service}/Certificates",
        "etag": certificate["etag"],
    }


def _store_updated(azure: Azure, parent: str, certificate: Document) -> Document:
    """Write a changed certificate to the store, with a new etag and the time of the change."""
    certificate |= {"updated": upload.rfc1123(azure.clock.now()), "etag": etags.new_cosmos_etag(azure)}
    azure.store.put(lifecycle.CERTIFICATE, store_key(parent, certificate["name"]), certificate)
    return certificate


def _uploaded(text: str, service: Service) -> upload.Upload:
    try:
        return upload.read(text)
    except upload.PrivateKeyError:
        raise errors.private_key_uploaded(service) from None
    except UnreadableError:
        raise errors.internal(service) from None  # Azure's own answer: 500


def _check_strictly(azure: Azure, uploaded: upload.Upload, *, attested: bool, service: Service) -> None:
    """Refuse uploads that Azure accepts and a correct client never sends (the setting `strict`)."""
    if attested:
        raise errors.refused_by_strict("isVerified without proof", service)
    if uploaded.count > 1:
        raise errors.refused_by_strict(f"{uploaded.count} certificates in one upload; only the first would count", service)
    begins = uploaded.certificate.not_before
    if begins is None or not begins <= azure.clock.now() <= uploaded.not_after:
        raise errors.refused_by_strict(f"the certificate is not within its dates; it ends {uploaded.expiry}", service)
    if not uploaded.certificate.is_ca:
        raise errors.refused_by_strict("the certificate is not a CA by its basic constraints", service)
