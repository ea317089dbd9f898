"""Certificates of the devices of a fleet's enrollments: read once, in any encoding, and checked as Azure checks them only later."""

import base64
import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from hubtrust.azure.retry import CLOCK_TOLERANCE
from hubtrust.devices.json_values import kind
from hubtrust.enrollments.description import CLIENT, Attestation
from hubtrust.pki.certificate import Certificate, load_certificate, rfc3339
from hubtrust.pki.errors import PkiError
from hubtrust.pki.names import common_name
from hubtrust.reconcile_errors import DeclarationError

_NAMES = ("certificate", "secondaryCertificate")
_TOLERANCE = timedelta(seconds=CLOCK_TOLERANCE)


def read_certificates(registration_id: str, given: tuple[Any, Any]) -> Attestation:
    """The primary and the secondary certificate, each once, whose common name is the registration id, ignoring case.

    Raises:
        DeclarationError: there is no primary, or one is no certificate, several, or another device's.
    """
    found: dict[bytes, None] = {}
    for name, value in zip(_NAMES, given, strict=True):
        if value is not None and value != "":
            one = _read(name, value)
            require_named(registration_id, name, one)
            found[one.der] = None
        elif name == _NAMES[0]:
            raise DeclarationError(name, "it is missing", "give the device's own certificate, as PEM or as base64 of its DER")
    return attestation_of(found)


def attestation_of(certificates: Iterable[bytes]) -> Attestation:
    """The attestation by these certificates, which are DER."""
    given = list(certificates)
    return Attestation(
        CLIENT,
        tuple(hashlib.sha256(one).hexdigest().upper() for one in given),
        tuple(base64.b64encode(one).decode() for one in given),
    )


def require_named(registration_id: str, name: str, certificate: Certificate) -> None:
    """The certificate's common name is the registration id, ignoring case: Azure accepts another one, and then refuses the device.

    Raises:
        DeclarationError: it is another one.
    """
    given = common_name(certificate.subject)
    if given.lower() != registration_id.lower():
        fact = f"its common name is '{given}', and the registrationId is '{registration_id}'" if given else "it has no common name"
        raise DeclarationError(name, fact, "give the certificate whose common name is the registrationId")


def validity_fault(attestation: Attestation, moment: datetime) -> str | None:
    """Why no device can register with one of the certificates at this moment; None if it can with each, or only thumbprints are known."""
    for one in attestation.sent:
        found = Certificate(base64.b64decode(one), what="the certificate")
        if found.not_valid_after_utc < moment - _TOLERANCE:
            return f"its certificate ended at {rfc3339(found.not_valid_after_utc)}"
        if found.not_valid_before_utc > moment + _TOLERANCE:
            return f"its certificate begins at {rfc3339(found.not_valid_before_utc)}"
    return None


def _read(name: str, value: object) -> Certificate:
    if not isinstance(value, str | bytes):
        raise DeclarationError(name, f"it is {kind(value)}", "give it as PEM or as base64 of its DER, a text")
    try:
        return load_certificate(value, what=name)
    except PkiError as error:
        raise DeclarationError(error.what, error.fact, error.remedy) from None
