"""What Azure answers to each request. An answer of another shape is not Azure's, whatever its status: nothing is concluded from it.

An ``Expectation`` gets the parsed body of a success, None if it is empty, and returns what is wrong with it, or None.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from hubtrust.azure.device_description import OWNER_TAG
from hubtrust.azure.service import Service

Expectation = Callable[[Any], str | None]

_THUMBPRINT = re.compile(r"[0-9A-Fa-f]{40}")  # SHA-1
_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_CODE = re.compile(r"[0-9A-Fa-f]{48}")  # in all 56 recorded answers


def nothing(body: Any) -> str | None:
    """An empty body, or `null`: what Azure answers to a deletion."""
    return None if body is None else "it has a body, and Azure answers a deletion with none"


def certificate(owner: Service, name: str, *, code: bool = False) -> Expectation:
    """The certificate ``name`` of ``owner``; with ``code`` the answer to a request for a verification code."""

    def expect(body: Any) -> str | None:
        fault = _certificate(owner, body)
        if fault is None and not _same(body["name"], name):
            fault = f"it is certificate '{body['name']}'"
        if fault is None and code and not _matches(_CODE, body["properties"].get("verificationCode")):
            fault = "it has no verification code of 48 hex digits"
        return fault

    return expect


def certificates(owner: Service) -> Expectation:
    """All certificates of ``owner``."""
    return _list_of(lambda body: _certificate(owner, body))


def service(owner: Service) -> Expectation:
    """The IoT hub or provisioning service ``owner`` itself."""

    def expect(body: Any) -> str | None:
        fault = _resource(body)
        if fault is None and not (_same(body["id"], owner.id) and _same(body["name"], owner.name)):
            fault = f"it is {body['id']}"
        return fault or has_members(body, ("properties", dict)) or _host_name(body["properties"])

    return expect


def resources(body: Any) -> str | None:
    """A list of resources, each with its id and name."""
    return _list_of(_resource)(body)


def policies(body: Any) -> str | None:
    """The shared access policies of a hub, with their keys."""
    return _list_of(lambda one: has_members(one, *((name, str) for name in ("keyName", "rights", "primaryKey", "secondaryKey"))))(body)


def name_check(body: Any) -> str | None:
    """Whether the name of a vault or hub is free."""
    return has_members(body, ("nameAvailable", bool))


def twin(device_id: str) -> Expectation:
    """The device ``device_id`` with its twin."""
    return _of_device(device_id, _twin)


def identity(device_id: str) -> Expectation:
    """The device ``device_id`` without its twin."""
    return _of_device(device_id, lambda body: has_members(body, ("deviceId", str), ("etag", str)))


def module(device_id: str, module_id: str) -> Expectation:
    """The module ``module_id`` of the device ``device_id``, without its twin."""

    def expect(body: Any) -> str | None:
        fault = has_members(body, ("deviceId", str), ("moduleId", str), ("etag", str), ("authentication", dict))
        if fault is None and not isinstance(body.get("managedBy"), str | None):
            fault = "its 'managedBy' is not text"
        if fault is None and not isinstance(body["authentication"].get("x509Thumbprint"), dict | None):
            fault = "its 'x509Thumbprint' is not an object"
        return fault or _other_module(body, device_id, module_id)

    return expect


def module_twin(device_id: str, module_id: str) -> Expectation:
    """The twin of the module ``module_id`` of the device ``device_id``."""

    def expect(body: Any) -> str | None:
        fault = has_members(body, ("deviceId", str), ("moduleId", str), ("etag", str), ("properties", dict))
        fault = fault or has_members(body["properties"], ("desired", dict))
        if fault is None and not isinstance(body.get("tags"), dict | None):
            fault = "its 'tags' is not an object"
        return fault or _other_module(body, device_id, module_id)

    return expect


def _other_module(body: Any, device_id: str, module_id: str) -> str | None:
    if not body["etag"]:
        return "it is a module without etag"
    same = (body["deviceId"], body["moduleId"]) == (device_id, module_id)
    return None if same else f"it is module '{body['moduleId']}' of device '{body['deviceId']}'"


def _of_device(device_id: str, expect: Expectation) -> Expectation:
    def expect_device(body: Any) -> str | None:
        fault = expect(body)
        return f"it is device '{body['deviceId']}'" if fault is None and body["deviceId"] != device_id else fault

    return expect_device


def twins(owner: Mapping[str, str]) -> Expectation:
    """A page of twins of devices whose tag names ``owner``."""
    return _owned(owner, _twin)


def module_twins(owner: Mapping[str, str]) -> Expectation:
    """A page of twins of modules whose tag names ``owner``."""
    members = (("deviceId", str), ("moduleId", str), ("authenticationType", str), ("status", str))
    return _owned(owner, lambda row: has_members(row, *members))


def _owned(owner: Mapping[str, str], expect_row: Expectation) -> Expectation:
    def expect(body: Any) -> str | None:
        if not isinstance(body, list):
            return "it is not a list of devices"
        for row in body:
            fault = expect_row(row)
            tag = {} if fault or not isinstance(row.get("tags"), dict) else row["tags"].get(OWNER_TAG)
            if fault is None and not (isinstance(tag, dict) and all(tag.get(name) == value for name, value in owner.items())):
                fault = f"device '{row['deviceId']}' in it is not one that was asked for"
            if fault is not None:
                return fault
        return None

    return expect


def bulk_result(device_ids: Collection[str]) -> Expectation:
    """The result of a bulk call for ``device_ids``: done, or refusals of some of them."""

    def expect(body: Any) -> str | None:
        fault = has_members(body, ("isSuccessful", bool))
        if fault is not None:
            return fault
        errors = body.get("errors") or []
        if not (isinstance(errors, list) and all(isinstance(one, dict) and str(one.get("deviceId")) in device_ids for one in errors)):
            return "its errors are not about the devices that were sent"
        if body["isSuccessful"] is bool(errors):
            return "it says both that devices were refused and that none was"
        return None

    return expect


def _certificate(owner: Service, body: Any) -> str | None:
    fault = _resource(body) or has_members(body, ("etag", str), ("properties", dict))
    if fault is not None:
        return fault
    if not _same(body["id"], f"{owner.id}/certificates/{body['name']}"):
        return f"it is {body['id']}"
    if not body["etag"] or not _matches(_THUMBPRINT, body["properties"].get("thumbprint")):
        return "it is a certificate without etag or thumbprint"
    return has_members(body["properties"], ("isVerified", bool))


def _host_name(properties: Mapping[str, Any]) -> str | None:
    """A host name gets this login's tokens; it is missing while the service is being created."""
    names = [properties.get(name) for name in ("hostName", "serviceOperationsHostName")]
    return None if all(name in (None, "") or is_host_name(name) for name in names) else "its host name is not one"


def _twin(body: Any) -> str | None:
    fault = has_members(body, ("deviceId", str), ("etag", str), ("deviceEtag", str), ("authenticationType", str), ("properties", dict))
    fault = fault or has_members(body["properties"], ("desired", dict))
    if fault is not None:
        return fault
    if not all(body[name] for name in ("deviceId", "etag", "deviceEtag")) or body.get("status") not in ("enabled", "disabled"):
        return "it is a device without id, etag or status"
    for name in ("tags", "x509Thumbprint", "capabilities"):
        if not isinstance(body.get(name), dict | None):
            return f"its '{name}' is not an object"
    if not isinstance(body.get("deviceScope"), str | None) or not isinstance(body.get("parentScopes"), list | None):
        return "its 'deviceScope' is not text, or its 'parentScopes' is not a list"
    return None if isinstance(body.get("statusReason"), str | None) else "its 'statusReason' is not text"


def _resource(body: Any) -> str | None:
    return has_members(body, ("id", str), ("name", str))


def _list_of(expect: Expectation) -> Expectation:
    def expect_list(body: Any) -> str | None:
        fault = has_members(body, ("value", list))
        if fault is None and not isinstance(body.get("nextLink"), str | None):
            fault = "its 'nextLink' is not text"
        return fault or next((fault for one in body["value"] if (fault := expect(one)) is not None), None)

    return expect_list


def has_members(body: Any, *members: tuple[str, type]) -> str | None:
    """What is wrong with an object that must have these members, each of this type."""
    if not isinstance(body, dict):
        return "it is empty" if body is None else "it is JSON, but not an object"
    missing = next((name for name, kind in members if not isinstance(body.get(name), kind)), None)
    return None if missing is None else f"it has no '{missing}'"


def is_host_name(value: object) -> bool:
    """Whether ``value`` is the name of a host in a domain."""
    return _matches(_HOST, value)


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _same(one: str, other: str) -> bool:
    """Ids and names of Azure Resource Manager are compared without case."""
    return one.rstrip("/").lower() == other.rstrip("/").lower()
