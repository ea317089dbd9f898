"""Who reaches the hub, and as whom the hub reaches others: `ipRules` and `identity` as azure-native's arguments."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from hubtrust import HubtrustError

if TYPE_CHECKING:
    from collections.abc import Sequence

SYSTEM_ASSIGNED = "SystemAssigned"
_USER_ASSIGNED = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.ManagedIdentity/userAssignedIdentities/[^/]+", re.IGNORECASE
)
# learn.microsoft.com/azure/iot-hub/iot-hub-ip-filtering: IPv4, names of 1 to 128 characters of ASCII
_RULE_NAME = re.compile(r"[A-Za-z0-9:/\\.+%_#*?!(),@;'-]{1,128}")


class AccessError(HubtrustError):
    """An item of `ipRules` or `identity` is wrong."""


def ip_rule(text: str) -> tuple[str, str]:
    """The name and the addresses of a rule, from `name=CIDR` or `CIDR`, whose name is the addresses themselves.

    Raises:
        AccessError: it is not such a text.
    """
    name, _, mask = text.rpartition("=")
    try:
        network = ipaddress.IPv4Network(mask)
    except ValueError as error:
        remedy = "write name=CIDR or CIDR with IPv4 addresses, such as plant=203.0.113.0/24"
        raise AccessError(f"rule '{text}'", f"'{mask}' is not a range of IPv4 addresses: {error}", remedy) from None
    if name and not _RULE_NAME.fullmatch(name):
        raise AccessError(f"rule '{text}'", f"Azure does not accept a rule named '{name}'", "use letters, digits and hyphens")
    return name or str(network), str(network)


def managed_identity(text: str) -> str:
    """`SystemAssigned`, or the resource id of a user-assigned identity.

    Raises:
        AccessError: it is neither.
    """
    if text != SYSTEM_ASSIGNED and not _USER_ASSIGNED.fullmatch(text):
        remedy = f"use {SYSTEM_ASSIGNED}, or /subscriptions/…/resourceGroups/…/providers/Microsoft.ManagedIdentity/userAssignedIdentities/…"
        raise AccessError(f"identity '{text}'", "it is not the resource id of a user-assigned identity", remedy)
    return text


def network_rule_sets(rules: Sequence[str]) -> Any:
    """Only these addresses reach the hub, also its built-in event hub endpoint; None if there are no rules."""
    if not rules:
        return None
    named = [{"filter_name": name, "ip_mask": mask, "action": "Allow"} for name, mask in map(ip_rule, rules)]
    return {"default_action": "Deny", "apply_to_built_in_event_hub_endpoint": True, "ip_rules": named}


def hub_identity(identities: Sequence[str]) -> Any:
    """The hub's managed identities; None if there are none."""
    given = [one for one in identities if one != SYSTEM_ASSIGNED]
    kinds = [*([SYSTEM_ASSIGNED] if SYSTEM_ASSIGNED in identities else []), *(["UserAssigned"] if given else [])]
    if not kinds:
        return None
    return {"type": ", ".join(kinds), **({"user_assigned_identities": given} if given else {})}


def twice(names: Sequence[str]) -> str | None:
    """A name that is there twice, in Azure's comparison without case."""
    known = [name.lower() for name in names]
    return next((name for name in names if known.count(name.lower()) > 1), None)
