"""The rule for who can reach a hub or a provisioning service at all: which addresses of the internet its own firewall lets in."""

from __future__ import annotations

from ipaddress import IPv4Network, collapse_addresses
from typing import TYPE_CHECKING, Any

from .declarations import Fact, Kind, declaration
from .resource import objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .declarations import Declaration
    from .resource import Resource

    Settings = Mapping[str, Any]

_EVERY = IPv4Network("0.0.0.0/0")
# RFC 1918: not routed on the internet, so that a rule for them lets nobody in from there.
_PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_INTERFACES = ("deviceapi", "serviceapi")  # of a provisioning service; a rule for `all` is for both


def network_exposure(resource: Resource, settings: Settings) -> Iterator[str]:
    """A hub or provisioning service with a public endpoint lets in at most `addresses` of the internet's addresses.

    Reason: whoever can't reach an endpoint can attack neither it nor what will be found wrong with it. A hub's rules must deny by default
    and cover the built-in event hub endpoint, from which all messages can be read. If devices connect from anywhere, disable this policy.
    Source: learn.microsoft.com/azure/iot-hub/iot-hub-ip-filtering; learn.microsoft.com/azure/iot-dps/iot-dps-ip-filtering; RFC 1918.
    """
    found = declaration(resource)
    if found is None or found.kind not in _FLAWS or found.known(Fact.PUBLIC_ACCESS_OFF) is True:
        return
    for flaw in _FLAWS[found.kind](found, int(settings["addresses"])):
        ours = "ipRules, or network_rule_sets of HubArgs" if found.kind is Kind.HUB else "dpsIpRules, or ip_filter_rules of its args"
        settable = f"hubtrust:{ours}"
        yield f"the public endpoint is open: {flaw} ({settable}), or disable it ({found.where(Fact.PUBLIC_ACCESS_OFF)})"


def _hub_flaws(found: Declaration, most: int) -> Iterator[str]:
    """Without a default action Azure denies; without rules it has none to deny by."""
    name = found.where(Fact.IP_RULES)
    default, rules, covers = (found.known(fact) for fact in (Fact.DEFAULT_ACTION, Fact.IP_RULES, Fact.EVENT_HUB_RULES))
    if default is None and rules is None and covers is None:
        yield f"{name} is not set, so every address is let in: list the addresses that need the hub"
    elif str(default or "Deny").strip().lower() != "deny":
        yield f"the rules' default action is {default}, so every address is let in: set it to Deny in {found.where(Fact.DEFAULT_ACTION)}"
    else:
        if covers is not True:
            fact = "the rules don't hold for the built-in event hub endpoint, so every address is let in there"
            yield f"{fact}: set applyToBuiltInEventHubEndpoint to true in {found.where(Fact.EVENT_HUB_RULES)}"
        yield from _too_many(name, map(_network, objects(rules, name)), most)


def _provisioning_flaws(found: Declaration, most: int) -> Iterator[str]:
    """The first rule that has an address decides; an address that no rule has is let in."""
    name = found.where(Fact.IP_RULES)
    rules = list(objects(found.known(Fact.IP_RULES), name))
    for interface in _INTERFACES:
        left, let_in = [_EVERY], list[IPv4Network | None]()
        for rule in rules:
            target, accepts = str(rule.known("target") or "all").lower(), str(rule.known("action")).lower() != "reject"
            if target not in {"all", interface} and (target in _INTERFACES or not accepts):
                continue  # a target that nobody knows widens what is let in, and never narrows it
            network = _network(rule)
            inside, left = _divided(left, network) if network else ([None] if accepts else [], left)
            let_in += inside if accepts else []
        yield from (f"{interface.replace('api', 'Api')}: {flaw}" for flaw in _too_many(name, [*let_in, *left], most))


_FLAWS = {Kind.HUB: _hub_flaws, Kind.PROVISIONING_SERVICE: _provisioning_flaws}


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
        return IPv4Network(str(rule.known("ipmask")), strict=False)
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
