"""Shared access policies of a hub or provisioning service: names, rights and keys."""

from __future__ import annotations

import base64
import secrets
from typing import Any

from local_azure_iot.microsoft_devices.errors import Service, key_name_not_found

_HUB_POLICIES = (
    ("iothubowner", "RegistryWrite, ServiceConnect, DeviceConnect"),
    ("service", "ServiceConnect"),
    ("device", "DeviceConnect"),
    ("registryRead", "RegistryRead"),
    ("registryReadWrite", "RegistryWrite"),
)
_PROVISIONING_POLICIES = (("provisioningserviceowner", "ServiceConfig, EnrollmentWrite, DeviceConnect"),)


def new_key() -> str:
    """A new key as Azure creates it: 32 random bytes in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def after_put(service: Service, declared: list[dict[str, Any]] | None, existing: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """The policies after a PUT: those declared (keys that are left out are kept), otherwise the existing ones, otherwise the defaults."""
    if not declared:
        return existing or [_policy(name, rights) for name, rights in (_HUB_POLICIES if service is Service.HUB else _PROVISIONING_POLICIES)]
    known = {policy["keyName"].lower(): policy for policy in existing or []}
    result = []
    for wanted in declared:
        name = str(wanted.get("keyName", ""))
        before = known.get(name.lower(), {})
        result.append(
            {
                "keyName": name,
                "primaryKey": wanted.get("primaryKey") or before.get("primaryKey") or new_key(),
                "secondaryKey": wanted.get("secondaryKey") or before.get("secondaryKey") or new_key(),
                "rights": str(wanted.get("rights", "")),
            }
        )
    return result


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
