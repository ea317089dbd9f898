"""What a provisioning service answers to each request; see ``answer_shapes``.

Sources: recorded answers of Azure (azure-iot-deviceprovisioning's tests), and Azure's OpenAPI file of the Device Provisioning Service.
"""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any

from hubtrust.azure.answer_shapes import Expectation, has_members, is_host_name

_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")
_STATUSES = ("unassigned", "assigning", "assigned", "failed", "disabled")
_X509 = ("clientCertificates", "signingCertificates", "caReferences")
_OBJECTS = ("capabilities", "initialTwin", "reprovisionPolicy", "customAllocationDefinition", "optionalDeviceInformation")
_TEXTS = ("deviceId", "allocationPolicy", "iotHubHostName")


def enrollment(id_member: str, id_: str) -> Expectation:
    """The enrollment whose ``id_member`` (`registrationId` or `enrollmentGroupId`) is ``id_``; ids are compared without case."""

    def expect(body: Any) -> str | None:
        fault = _enrollment(id_member, body)
        return f"it is enrollment '{body[id_member]}'" if fault is None and body[id_member].lower() != id_.lower() else fault

    return expect


def enrollments(id_member: str) -> Expectation:
    """A page of enrollments."""
    return _list_of("enrollments", lambda row: _enrollment(id_member, row))


def attestation(body: Any) -> str | None:
    """How an enrollment's devices prove who they are."""
    return has_members(body, ("type", str))


def registration(registration_id: str) -> Expectation:
    """The record of the device ``registration_id``, which has registered, or tried to."""

    def expect(body: Any) -> str | None:
        fault = _registration(body)
        other = fault is None and body["registrationId"].lower() != registration_id.lower()
        return f"it is registration '{body['registrationId']}'" if other else fault

    return expect


def registrations(body: Any) -> str | None:
    """A page of the registrations of a group."""
    return _list_of("registrations", _registration)(body)


def bulk_result(id_member: str, ids: Collection[str]) -> Expectation:
    """The result of a bulk call for the enrollments ``ids``: done, or refusals of some of them."""
    sent = {one.lower() for one in ids}

    def expect(body: Any) -> str | None:
        fault = has_members(body, ("isSuccessful", bool))
        if fault is not None:
            return fault
        errors = body.get("errors") or []
        if not (isinstance(errors, list) and all(isinstance(one, dict) and str(one.get(id_member)).lower() in sent for one in errors)):
            return "its errors are not about the enrollments that were sent"
        if body["isSuccessful"] is bool(errors):
            return "it says both that enrollments were refused and that none was"
        return None

    return expect


def _enrollment(id_member: str, body: Any) -> str | None:
    fault = has_members(body, (id_member, str), ("etag", str), ("attestation", dict), ("createdDateTimeUtc", str))
    if fault is not None:
        return fault
    if not body[id_member] or not body["etag"] or not _is_time(body["createdDateTimeUtc"]):
        return "it is an enrollment without id, etag or time of creation"
    if body.get("provisioningStatus") not in ("enabled", "disabled", None):
        return "its 'provisioningStatus' is neither enabled nor disabled"
    return _parts(body) or _twin(body.get("initialTwin") or {}) or _attestation(body["attestation"])


def _parts(body: dict[str, Any]) -> str | None:
    if (stray := next((name for name in _OBJECTS if not isinstance(body.get(name), dict | None)), None)) is not None:
        return f"its '{stray}' is not an object"
    if (stray := next((name for name in _TEXTS if not isinstance(body.get(name), str | None)), None)) is not None:
        return f"its '{stray}' is not text"
    hubs = body.get("iotHubs")
    if not (hubs is None or (isinstance(hubs, list) and all(isinstance(one, str) for one in hubs))):
        return "its 'iotHubs' is not a list of host names"
    return None


def _twin(twin: dict[str, Any]) -> str | None:
    properties = twin.get("properties")
    if not isinstance(twin.get("tags"), dict | None) or not isinstance(properties, dict | None):
        return "its 'initialTwin' has tags or properties that are no object"
    return None if isinstance((properties or {}).get("desired"), dict | None) else "its desired properties are no object"


def _attestation(attestation: dict[str, Any]) -> str | None:
    if attestation.get("type") != "x509":
        return has_members(attestation, ("type", str))
    fault = has_members(attestation, ("x509", dict))
    if fault is not None:
        return fault
    given = [name for name in _X509 if attestation["x509"].get(name) is not None]
    if len(given) != 1:
        return f"its attestation has {len(given)} of {', '.join(_X509)}"
    held = attestation["x509"][given[0]]
    if not isinstance(held, dict):
        return f"its '{given[0]}' is not an object"
    both = [held.get(name) for name in ("primary", "secondary") if held.get(name) is not None]
    is_valid = _is_reference if given[0] == "caReferences" else _is_certificate
    return None if both and all(map(is_valid, both)) else f"its '{given[0]}' has no certificate, or one that is none"


def _is_reference(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_certificate(value: Any) -> bool:
    """Azure shows what it knows of a certificate, and not the certificate itself."""
    info = value.get("info") if isinstance(value, dict) else None
    return isinstance(info, dict) and isinstance(info.get("sha256Thumbprint"), str) and bool(_SHA256.fullmatch(info["sha256Thumbprint"]))


def _registration(body: Any) -> str | None:
    fault = has_members(body, ("registrationId", str), ("status", str))
    if fault is not None:
        return fault
    if not body["registrationId"] or body["status"] not in _STATUSES:
        return f"it is a registration without id, or its status is none of {', '.join(_STATUSES)}"
    for name in ("assignedHub", "deviceId", "substatus", "etag", "errorMessage", "createdDateTimeUtc", "lastUpdatedDateTimeUtc"):
        if not isinstance(body.get(name), str | None):
            return f"its '{name}' is not text"
    if body["status"] == "assigned" and not (is_host_name(body.get("assignedHub")) and body.get("deviceId")):
        return "it is assigned to no hub, or as no device"
    return None


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _list_of(what: str, expect: Expectation) -> Expectation:
    def expect_list(body: Any) -> str | None:
        if not isinstance(body, list):
            return f"it is not a list of {what}"
        return next((fault for one in body if (fault := expect(one)) is not None), None)

    return expect_list
