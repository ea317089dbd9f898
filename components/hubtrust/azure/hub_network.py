"""Whether a hub's network settings may be why it refuses this machine: it answers 401 as it does for a missing role, and names no rule.

A provisioning service has the same settings, but for the newer rules.

Sources: learn.microsoft.com/azure/iot-hub/iot-hub-ip-filtering, iot-hub-ip-filter-classic and iot-hub-public-network-access;
learn.microsoft.com/azure/iot-dps/iot-dps-ip-filtering and public-network-access.
"""

import ipaddress
import socket
from collections.abc import Mapping
from typing import Any

from hubtrust.azure.network_faults import NetworkFault
from hubtrust.azure.retry import NETWORK_DENIED, READ_UNREACHABLE
from hubtrust.azure.time_limit import TimeOverError, within

DISABLED = "Disabled"  # the value of publicNetworkAccess with which a hub admits only what comes by a private endpoint
_ROLES = {
    "hub": "the role 'IoT Hub Data Contributor' is missing or some minutes old (setting operators)",
    "provisioning service": "the role 'Device Provisioning Service Data Contributor' is missing or some minutes old (its operators)",
}
_OF_DEVICES = "deviceApi"  # the target of a provisioning service's rule that is for devices alone
_SHOWN = 3  # ranges that an error names


def network_doubt(properties: Mapping[str, Any], host: str, *, noun: str = "hub") -> NetworkFault | None:
    """Why the hub ``host`` with these properties (as Resource Manager shows them) may not admit this machine; None: no setting does that.

    ``noun`` is `hub` or `provisioning service`.

    Nobody but the hub knows from which address this machine reaches it, so rules are a doubt. That a hub admits no public address at all
    is certain enough to wait only briefly, unless its name leads to a private address here.
    """
    closed, role = _closed(properties, noun), f"if it is admitted already, {_ROLES[noun]}"
    rules_name = "ipRules" if noun == "hub" else "ipFilterRules"
    if closed:
        if _is_private(host):
            return None
        inside = f"run where the {noun}'s private endpoint is reachable"
        remedy = f"{inside}, or let the {noun} admit this machine (publicNetworkAccess, {rules_name}); {role}"
        return NetworkFault(f"{closed}, so it admits only connections through a private endpoint", remedy, NETWORK_DENIED)
    rules = _rules(properties)
    if rules is None:
        return None
    remedy = f"let the {noun} admit the public address of this machine ({rules_name}), or run where it is admitted; {role}"
    return NetworkFault(f"the {noun}'s network rules {rules}", remedy)


def _closed(properties: Mapping[str, Any], noun: str) -> str | None:
    if properties.get("publicNetworkAccess") == DISABLED:
        return f"the {noun}'s public network access is disabled"
    return f"the {noun}'s network rules admit no address" if _allowed(properties) == [] else None


def _rules(properties: Mapping[str, Any]) -> str | None:
    """What the rules do, as the end of a sentence; None if they keep nobody out."""
    allowed = _allowed(properties)
    if allowed is not None:
        return f"admit only {_shown(allowed)}"
    rejected = _masks(properties.get("ipFilterRules"), "Reject")
    if not rejected:
        return None
    accepted = _masks(properties.get("ipFilterRules"), "Accept")
    return f"reject {_shown(rejected)}" + (f", and admit {_shown(accepted)}" if accepted else "")


def _allowed(properties: Mapping[str, Any]) -> list[str] | None:
    """The only ranges that the newer rules admit; None: there are no such rules, or they admit everything."""
    rule_set = properties.get("networkRuleSets")
    if not isinstance(rule_set, Mapping) or rule_set.get("defaultAction") == "Allow":
        return None
    return _masks(rule_set.get("ipRules"), "Allow")


def _masks(rules: Any, action: str) -> list[str]:
    found = [rule for rule in rules if isinstance(rule, Mapping)] if isinstance(rules, list) else []
    found = [rule for rule in found if rule.get("target") != _OF_DEVICES]
    return [str(rule.get("ipMask")) for rule in found if rule.get("action") in (action, None)]


def _shown(ranges: list[str]) -> str:
    return ", ".join(ranges[:_SHOWN]) + (f" and {len(ranges) - _SHOWN} more" if len(ranges) > _SHOWN else "")


def _is_private(host: str) -> bool:
    """Whether the name leads to a private endpoint here."""
    try:
        found = within(READ_UNREACHABLE, lambda: socket.getaddrinfo(host, None))
        addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    except (OSError, TimeOverError, ValueError):
        return False
    return any(address.is_private and not address.is_loopback for address in addresses)
