"""Shared access policies of a hub or provisioning service: names, rights and keys."""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import Any

from local_azure_iot.microsoft_devices.errors import Service, body_invalid, key_name_not_found

_HUB_POLICIES = (
    ("iothubowner", "RegistryWrite, ServiceConnect, DeviceConnect"),
    ("service", "ServiceConnect"),
    ("device", "DeviceConnect"),
    ("registryRead", "RegistryRead"),
    ("registryReadWrite", "RegistryWrite"),
)
_PROVISIONING_POLICIES = (("provisioningserviceowner", "ServiceConfig, EnrollmentWrite, DeviceConnect"),)


_RIGHTS = {
    Service.HUB: ("RegistryRead", "RegistryWrite", "ServiceConnect", "DeviceConnect"),
    Service.PROVISIONING: (
        "ServiceConfig", "EnrollmentRead", "EnrollmentWrite", "DeviceConnect", "RegistrationStatusRead", "RegistrationStatusWrite",
    ),
}  # fmt: skip
_LONGEST_NAME = 64


def new_key() -> str:
    """A new key as Azure creates it: 32 random bytes in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def after_put(service: Service, declared: list[dict[str, Any]] | None, existing: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """The policies after a PUT: those declared, otherwise the existing ones, otherwise the defaults.

    One key without the other asks for another one in its place, as `az iot hub policy renew-key` does. A policy without keys keeps both (a
    guess).

    Raises:
        DevicesError: A name, a right or a key is none, or a name is there twice. What Azure answers is a guess.
    """
    if not declared:
        return existing or [_policy(name, rights) for name, rights in (_HUB_POLICIES if service is Service.HUB else _PROVISIONING_POLICIES)]
    known = {policy["keyName"].lower(): policy for policy in existing or []}
    result: list[dict[str, Any]] = []
    for wanted in declared:
        name = str(wanted.get("keyName") or "")
        if not 1 <= len(name) <= _LONGEST_NAME or any(name.lower() == each["keyName"].lower() for each in result):
            raise body_invalid(f"authorizationPolicies: the keyName '{name[:100]}' is there twice, or has not 1 to 64 characters.", service)
        for key in (wanted.get("primaryKey"), wanted.get("secondaryKey")):
            if key and not _is_key(key):
                raise body_invalid(f"authorizationPolicies: a key of '{name}' is not base64 of 16 to 64 bytes.", service)
        keeps = not (wanted.get("primaryKey") or wanted.get("secondaryKey"))
        before = known.get(name.lower(), {}) if keeps else {}
        result.append(
            {
                "keyName": name,
                "primaryKey": wanted.get("primaryKey") or before.get("primaryKey") or new_key(),
                "secondaryKey": wanted.get("secondaryKey") or before.get("secondaryKey") or new_key(),
                "rights": _rights(name, str(wanted.get("rights") or ""), service),
            }
        )
    return result


def _rights(name: str, text: str, service: Service) -> str:
    known = {right.lower(): right for right in _RIGHTS[service]}
    asked = [each.strip() for each in text.split(",")]
    wrong = [each for each in asked if each.lower() not in known]
    if wrong:
        allowed = ", ".join(_RIGHTS[service])
        raise body_invalid(f"authorizationPolicies: '{wrong[0][:100]}', a right of '{name}', is not one of {allowed}.", service)
    return ", ".join(known[each.lower()] for each in asked)


def _is_key(text: str) -> bool:
    try:
        return 16 <= len(base64.b64decode(text, validate=True)) <= 64  # noqa: PLR2004 - as the keys of devices, in bytes
    except (binascii.Error, ValueError):
        return False


def require_policy(policies: list[dict[str, Any]], name: str, service: Service) -> dict[str, Any]:
    """The policy of that name (any case), which must exist.

    Raises:
        DevicesError: The policy does not exist.
    """
    for policy in policies:
        if policy["keyName"].lower() == name.lower():
            return policy
    raise key_name_not_found(name, service)


def _policy(name: str, rights: str) -> dict[str, Any]:
    return {"keyName": name, "primaryKey": new_key(), "secondaryKey": new_key(), "rights": rights}
