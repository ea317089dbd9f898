"""From which addresses a hub's or provisioning service's own endpoint may be used.

`publicNetworkAccess`, `networkRuleSets` of hubs, and `ipFilterRules`, which are older at hubs and have a target at provisioning services.

Resource Manager is not affected. Sources: learn.microsoft.com/azure/iot-hub/iot-hub-ip-filtering, iot-hub-ip-filter-classic and
iot-hub-public-network-access; learn.microsoft.com/azure/iot-dps/iot-dps-ip-filtering (a refused client gets 401).
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from local_azure_iot.microsoft_devices import errors
from local_azure_iot.microsoft_devices.errors import Service
from local_azure_iot.settings import PRIVATE_ENDPOINT

_FILTER_NAME = re.compile(r"[A-Za-z0-9:.+%_#*?!(),=@;'-]{1,128}")
_CLASSIC_ACTIONS, _DEFAULT_ACTIONS = ("Accept", "Reject"), ("Allow", "Deny")
ALL, SERVICE_API, DEVICE_API = TARGETS = ("all", "serviceApi", "deviceApi")  # of a provisioning service's rule
_MOST_CLASSIC_RULES, _MOST_RULES = 10, 100


def check(properties: dict[str, Any], service: Service = Service.HUB) -> None:
    """Check the network settings of the PUT of a hub or a provisioning service, which has no `networkRuleSets`.

    Raises:
        DevicesError: A setting is invalid: 400059. That code is reported for a rule set without its required members
            (github.com/Azure/azure-cli/issues/31631); for every other case it is a guess.
    """
    access = properties.get("publicNetworkAccess")
    if access not in (None, "Enabled", "Disabled"):
        _refuse(service, f"publicNetworkAccess '{access}' is not Enabled or Disabled.")
    _check_rules(service, "ipFilterRules", properties.get("ipFilterRules") or [], _CLASSIC_ACTIONS, _MOST_CLASSIC_RULES)
    if service is Service.PROVISIONING:
        _check_targets(properties.get("ipFilterRules") or [])
        return
    rule_set = properties.get("networkRuleSets")
    if rule_set is None:
        return
    for required in ("applyToBuiltInEventHubEndpoint", "ipRules"):
        if rule_set.get(required) is None:
            _refuse(service, f"networkRuleSets needs {required}.")
    if rule_set.get("defaultAction") not in (None, *_DEFAULT_ACTIONS):
        _refuse(service, f"networkRuleSets.defaultAction '{rule_set['defaultAction']}' is not one of {', '.join(_DEFAULT_ACTIONS)}.")
    _check_rules(service, "networkRuleSets.ipRules", rule_set["ipRules"], ("Allow",), _MOST_RULES)


def _check_targets(rules: list[dict[str, Any]]) -> None:
    for rule in rules:
        if rule.get("target") not in (None, *TARGETS):
            _refuse(Service.PROVISIONING, f"ipFilterRules: the target '{rule['target']}' is not one of {', '.join(TARGETS)}.")


def _check_rules(service: Service, where: str, rules: list[dict[str, Any]], actions: tuple[str, ...], most: int) -> None:
    if len(rules) > most:
        _refuse(service, f"{where} has {len(rules)} rules, and at most {most} are allowed.")
    names = set[str]()
    for rule in rules:
        name, action = str(rule.get("filterName") or ""), rule.get("action")
        if not _FILTER_NAME.fullmatch(name):
            _refuse(service, f"{where}: '{name}' is not a filterName.")
        if name.lower() in names:
            _refuse(service, f"{where}: the filterName '{name}' is there twice.")
        names.add(name.lower())
        if action not in actions and not (action is None and actions == ("Allow",)):
            _refuse(service, f"{where}: the action '{action}' of '{name}' is not one of {', '.join(actions)}.")
        if _network(rule.get("ipMask")) is None:
            _refuse(service, f"{where}: the ipMask '{rule.get('ipMask')}' of '{name}' is not an IPv4 address or a range in CIDR notation.")


def _refuse(service: Service, reason: str) -> None:
    raise errors.body_invalid(reason, service)


def _network(mask: Any) -> ipaddress.IPv4Network | None:
    try:
        return ipaddress.IPv4Network(mask, strict=False) if isinstance(mask, str) else None
    except ValueError:
        return None


def refusal(properties: dict[str, Any], address: str, *, event_hub: bool = False, target: str = ALL) -> str | None:
    """Why a hub or service with these properties refuses a client of this address, for the control port; None if it doesn't.

    ``target``: which API of a provisioning service is asked, `serviceApi` or `deviceApi`; its rules may be for one of them.

    ``event_hub``: of its event-hub-compatible endpoint, for which rules hold only where `applyToBuiltInEventHubEndpoint` says so; the
    older rules never do.
    """
    if address == PRIVATE_ENDPOINT:
        return None  # these rules are about public addresses
    if properties.get("publicNetworkAccess") == "Disabled":
        return f"publicNetworkAccess is Disabled, and {address} does not come by a private endpoint"
    rule_set = properties.get("networkRuleSets")
    if event_hub and not (rule_set and rule_set["applyToBuiltInEventHubEndpoint"]):
        return None
    if rule_set and rule_set.get("defaultAction") in (None, "Deny") and not any(_covers(rule, address) for rule in rule_set["ipRules"]):
        return f"no rule of networkRuleSets allows {address}, and its defaultAction is Deny"
    rules = [rule for rule in properties.get("ipFilterRules") or [] if rule.get("target") in (None, ALL, target)]
    matched = next((rule for rule in rules if _covers(rule, address)), None)
    if matched and matched["action"] == "Reject":
        return f"the rule '{matched['filterName']}' of ipFilterRules rejects {address}"
    return None


def _covers(rule: dict[str, Any], address: str) -> bool:
    """Whether the rule is about this address. No rule is about an IPv6 address: hubs have none."""
    network, found = _network(rule.get("ipMask")), _network(address)
    return network is not None and found is not None and found.subnet_of(network)
