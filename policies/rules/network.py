"""The rule for who can reach a hub or a provisioning service at all: which addresses of the internet its own firewall lets in."""

from __future__ import annotations

from ipaddress import IPv4Network, collapse_addresses
from typing import TYPE_CHECKING, Any, NamedTuple

from .resource import objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .resource import Resource

    Settings = Mapping[str, Any]

_EVERY = IPv4Network("0.0.0.0/0")
# RFC 1918: not routed on the internet, so that a rule for them lets nobody in from there.
_PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_INTERFACES = ("deviceApi", "serviceApi")  # of a provisioning service; a rule for `all` is for both


class _Places(NamedTuple):
    """Where a way to declare a hub or a provisioning service has its access from the network."""

    is_hub: bool
    access: tuple[str, ...]
    closed: str  # the value of `access`, in lower case, with which there is no public endpoint
    rules: tuple[str, ...]
    built_in: str  # inside the rules of a hub: whether they hold for the built-in event hub endpoint


_NATIVE = ("properties", "publicNetworkAccess")
_BY_NOUN = {
    "IotHubResource": _Places(True, _NATIVE, "disabled", ("properties", "networkRuleSets"), "applyToBuiltInEventHubEndpoint"),
    "IotDpsResource": _Places(False, _NATIVE, "disabled", ("properties", "ipFilterRules"), ""),
}
_BY_TYPE = {
    "azure:iot/ioTHub:IoTHub": _Places(
        True, ("publicNetworkAccessEnabled",), "false", ("networkRuleSets",), "applyToBuiltinEventhubEndpoint"
    ),
    "azure:iot/iotHubDps:IotHubDps": _Places(False, ("publicNetworkAccessEnabled",), "false", ("ipFilterRules",), ""),
}


def network_exposure(resource: Resource, settings: Settings) -> Iterator[str]:
    """A hub or provisioning service with a public endpoint lets in at most `addresses` of the internet's addresses.

    Reason: whoever can't reach an endpoint can attack neither it nor what will be found wrong with it. A hub's rules must deny by default
    and cover the built-in event hub endpoint, from which all messages can be read. If devices connect from anywhere, disable this policy.
    Source: learn.microsoft.com/azure/iot-hub/iot-hub-ip-filtering; learn.microsoft.com/azure/iot-dps/iot-dps-ip-filtering; RFC 1918.
    """
    places = _places(resource)
    if places is None or str(resource.known(*places.access)).lower() == places.closed:
        return
    most = int(settings["addresses"])
    for flaw in (_hub_flaws if places.is_hub else _provisioning_flaws)(resource, places, most):
        settable = "hubtrust:ipRules, or network_rule_sets of HubArgs" if places.is_hub else ".".join(places.rules)
        yield f"the public endpoint is open: {flaw} ({settable}), or disable it ({'.'.join(places.access)})"


def _places(resource: Resource) -> _Places | None:
    return _BY_TYPE.get(resource.type) or _BY_NOUN.get(resource.noun.rpartition(":")[2])


def _hub_flaws(resource: Resource, places: _Places, most: int) -> Iterator[str]:
    name = ".".join(places.rules)
    sets = list(objects(resource, *places.rules))
    if not sets:
        yield f"{name} is not set, so every address is let in: list the addresses that need the hub"
    for rules in sets:
        if str(rules.known("defaultAction") or "Deny").lower() != "deny":
            yield f"{name}.defaultAction is {rules.known('defaultAction')}, so every address is let in: set it to Deny"
            continue
        if str(rules.known(places.built_in)).lower() != "true":
            yield f"{name}.{places.built_in} is not true, so every address is let in to the built-in event hub endpoint: set it to true"
        yield from _too_many(name, (_network(rule) for rule in objects(rules, "ipRules")), most)


def _provisioning_flaws(resource: Resource, places: _Places, most: int) -> Iterator[str]:
    """The first rule that has an address decides; an address that no rule has is let in."""
    name = ".".join(places.rules)
    rules = list(objects(resource, *places.rules))
    for interface in _INTERFACES:
        left, let_in = [_EVERY], list[IPv4Network | None]()
        for rule in rules:
            target = str(rule.known("target") or "all").lower()
            if target not in {"all", interface.lower()}:
                continue
            network, accepts = _network(rule), str(rule.known("action")).lower() != "reject"
            inside, left = _divided(left, network) if network else ([None] if accepts else [], left)
            let_in += inside if accepts else []
        yield from (f"{interface}: {flaw}" for flaw in _too_many(name, [*let_in, *left], most))


def _too_many(name: str, networks: Iterable[IPv4Network | None], most: int) -> Iterator[str]:
    """The public addresses in networks, each counted once; None is a network that can't be read."""
    found = list(networks)
    if None in found:
        yield f"{name} has an address that is no range in CIDR notation, so how many it lets in is not known: write it as 203.0.113.0/24"
        return
    public = [one for one in found if one is not None and not any(one.subnet_of(private) for private in _PRIVATE)]
    count = sum(one.num_addresses for one in collapse_addresses(public))
    if count > most:
        yield f"{name} lets in {count:,} addresses, but at most {most:,} are allowed: list fewer, and reject all others"


def _network(rule: Resource) -> IPv4Network | None:
    try:
        return IPv4Network(str(rule.known("ipMask")), strict=False)
    except ValueError:
        return None


def _divided(networks: list[IPv4Network], by: IPv4Network) -> tuple[list[IPv4Network | None], list[IPv4Network]]:
    """What of these networks is inside another one, and what is not."""
    inside, outside = list[IPv4Network | None](), list[IPv4Network]()
    for one in networks:
        if one.subnet_of(by):
            inside.append(one)
        elif by.subnet_of(one):
            inside.append(by)
            outside += one.address_exclude(by)
        else:
            outside.append(one)
    return inside, outside
