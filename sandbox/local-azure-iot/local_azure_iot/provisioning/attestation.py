"""How an enrollment's devices prove who they are: what a request says, what is stored of it, and how Azure shows it.

Source: the traffic of azure-iot-deviceprovisioning's and az CLI's tests, and
https://learn.microsoft.com/azure/iot-dps/concepts-service#attestation-mechanism
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local_azure_iot.judge import certificate as certificates
from local_azure_iot.judge import upload
from local_azure_iot.judge.certificate import UnreadableError
from local_azure_iot.microsoft_devices import shared_access_policies
from local_azure_iot.provisioning import errors, moments

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.judge.certificate import Certificate
    from local_azure_iot.store import Document

    _Reader = Callable[[dict[str, Any], str, Document | None], "Attestation"]

SLOTS = ("primary", "secondary")
SIGNING, CLIENT, REFERENCES = "signingCertificates", "clientCertificates", "caReferences"
_KEY_BYTES = range(16, 65)


@dataclass(frozen=True)
class Attestation:
    """What is stored of an attestation. ``shown`` is what GET answers: certificates as their facts, no keys."""

    shown: dict[str, Any]
    certificates: dict[str, str] = field(default_factory=dict)  # by slot: base64 of DER
    keys: dict[str, str] = field(default_factory=dict)


def read(sent: dict[str, Any] | None, certificates_member: str, before: Document | None) -> Attestation:
    """What a request says; ``before`` is the enrollment that it replaces, from which it takes the certificates that it only names.

    ``certificates_member`` is SIGNING for groups and CLIENT for individual enrollments, which may have a TPM too.

    Raises:
        ProvisioningError: It says nothing, or what Azure does not take. Which combinations Azure refuses is a guess.
    """
    kinds: dict[str, _Reader] = {"x509": _x509, "symmetrickey": _symmetric}
    if certificates_member == CLIENT:
        kinds["tpm"] = _tpm
    reader = kinds.get(str((sent or {}).get("type") or "").lower())
    if sent is None or reader is None:
        raise errors.attestation_required()
    return reader(sent, certificates_member, before)


def _tpm(sent: dict[str, Any], _member: str, _before: Document | None) -> Attestation:
    tpm = sent.get("tpm") or {}
    if not tpm.get("endorsementKey"):
        raise errors.argument_invalid("attestation.tpm.endorsementKey is missing.")
    kept = {name: tpm[name] for name in ("endorsementKey", "storageRootKey") if tpm.get(name)}
    return Attestation({"type": "tpm", "tpm": kept})


def _symmetric(sent: dict[str, Any], _member: str, before: Document | None) -> Attestation:
    """Keys that are left out are those from before, else new ones: a client that sends back what GET answered has none to send."""
    given, stored = sent.get("symmetricKey") or {}, (before or {}).get("keys") or {}
    keys = {}
    for name in ("primaryKey", "secondaryKey"):
        if given.get(name) and not _is_key(given[name]):
            raise errors.argument_invalid(f"attestation.symmetricKey.{name} is not base64 of 16 to 64 bytes.")
        keys[name] = given.get(name) or stored.get(name) or shared_access_policies.new_key()
    return Attestation({"type": "symmetricKey"}, keys=keys)


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) in _KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def _x509(sent: dict[str, Any], member: str, before: Document | None) -> Attestation:
    x509 = {name: value for name, value in (sent.get("x509") or {}).items() if value is not None}
    given = [name for name in (SIGNING, CLIENT, REFERENCES) if name in x509]
    if not given:
        raise errors.attestation_required()
    if given not in ([member], [REFERENCES]):
        raise errors.argument_invalid(f"attestation.x509 has {' and '.join(given)}; it needs either {member} or {REFERENCES}.")
    if given == [REFERENCES]:
        names = {slot: x509[REFERENCES][slot] for slot in SLOTS if x509[REFERENCES].get(slot)}
        if not names:
            raise errors.argument_invalid(f"attestation.x509.{REFERENCES} names no certificate.")
        return Attestation({"type": "x509", "x509": {REFERENCES: names}})
    found = {
        slot: _certificate(x509[member][slot], slot, f"attestation.x509.{member}.{slot}", before)
        for slot in SLOTS
        if x509[member].get(slot) is not None
    }
    if not found:
        raise errors.argument_invalid(f"attestation.x509.{member} has no certificate.")
    if "secondary" not in found:
        found["secondary"] = found["primary"]
    shown = {slot: {"info": _info(found[slot])} for slot in SLOTS if slot in found}
    return Attestation(
        {"type": "x509", "x509": {member: shown}},
        certificates={slot: base64.b64encode(each.encoded).decode() for slot, each in found.items()},
    )


def _certificate(sent: dict[str, Any], slot: str, where: str, before: Document | None) -> Certificate:
    """A certificate that a request has, or names by its facts: a client that sends back what GET answered has only those."""
    if sent.get("certificate"):
        try:
            return upload.read(sent["certificate"]).certificate
        except upload.PrivateKeyError as error:
            raise errors.argument_invalid(f"{where} has a private key: send the certificate alone.") from error
        except UnreadableError as error:
            raise errors.argument_invalid(f"{where} is no certificate in PEM or base64 of DER: {error}") from error
    stored = {name: certificates.read(base64.b64decode(text)) for name, text in ((before or {}).get("certificates") or {}).items()}
    info = sent.get("info") or {}
    named = {str(info.get(name)).upper() for name in ("sha1Thumbprint", "sha256Thumbprint") if info.get(name)}
    for each in stored.values():
        if named & set(each.thumbprints):
            return each
    if info and slot in stored:
        return stored[slot]
    raise errors.argument_invalid(f"{where} has no certificate.")


def _info(certificate: Certificate) -> dict[str, Any]:
    """The facts of a certificate as Azure shows them."""
    sha1, sha256 = certificate.thumbprints
    return {
        "subjectName": str(certificate.subject),
        "sha1Thumbprint": sha1,
        "sha256Thumbprint": sha256,
        "issuerName": str(certificate.issuer),
        "notBeforeUtc": moments.written(certificate.not_before) if certificate.not_before else None,
        "notAfterUtc": moments.written(certificate.not_after) if certificate.not_after else None,
        "serialNumber": certificate.serial_number,
        "version": certificate.version,
    }


def with_keys(document: Document) -> dict[str, Any]:
    """An enrollment's attestation with its symmetric keys."""
    shown: dict[str, Any] = document["record"]["attestation"]
    return {**shown, "symmetricKey": document["keys"]} if document["keys"] else shown
