"""Which rules of the policy pack a stack's settings do not satisfy, and which configuration of each rule they do.

Read from the settings alone, before anything is deployed. A key that somebody set was chosen: the new environment's rule is loosened to it,
as little as it takes. What is only left unset is refused with the key to set, and no rule about whose devices get in is ever loosened.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, collapse_addresses
from typing import TYPE_CHECKING, Any, Final

from hubtrust.hub_args import DEFAULTS
from hubtrust.operators import DEPLOYER, Operator
from settings.hub_access import ip_rule
from settings.tag import as_mapping

from .policy_authorities import authorities, trusted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from settings import Settings

    from .policy_authorities import Authority

    Rule = Mapping[str, Any]  # the configuration of one rule, defaults included

LEVEL: Final = "enforcementLevel"
_PRIVATE: Final = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))  # RFC 1918
ADVISORY: Final[Mapping[str, Any]] = {LEVEL: "advisory"}


@dataclass(frozen=True)
class Misfit:
    """One fact of a stack that a rule would report as a violation."""

    fact: str
    keys: str  # the settings that decide it, separated by spaces: the one to change first
    fit: Mapping[str, Any] | None  # what to set in the rule so that it takes the fact; None: it is never loosened


@dataclass(frozen=True)
class JudgedRule:
    """A rule of the pack that settings can contradict; its defaults are the pack's."""

    misfits: Callable[[Settings, Rule], Iterator[Misfit]]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    advisory: bool = False


def _attest(stack: Settings, _rule: Rule) -> Iterator[Misfit]:
    if stack.attest:
        yield Misfit("attest is true, so possession of the CA's key is not proven", "attest", None)


def _custody(stack: Settings, rule: Rule) -> Iterator[Misfit]:
    if stack.kept_in not in rule["allowed"]:
        yield Misfit(
            f"the CA's key has custody '{stack.kept_in}'",
            "caCustody caKey caKeyFile caChainFile caChain",
            _added(rule, "allowed", stack.kept_in),
        )


def _key_strength(stack: Settings, rule: Rule) -> Iterator[Misfit]:
    for each in authorities(stack):
        kind, size = each.kind, each.size
        if kind == "RSA" and size < rule["rsaBits"]:
            yield Misfit(f"{each} has an RSA key of {size} bits", each.key_keys, {"rsaBits": size})
        if kind == "EC" and f"P-{size}" not in rule["curves"]:
            yield Misfit(f"{each} has an EC key on P-{size}", each.key_keys, _added(rule, "curves", f"P-{size}"))
        if not each.is_root and (found := each.signed_with) not in rule["hashes"]:
            yield Misfit(f"{each} is signed with {found}", each.key_keys, _added(rule, "hashes", found))


def _lifetime(stack: Settings, rule: Rule) -> Iterator[Misfit]:
    for each in authorities(stack):
        name = "rootDays" if each.is_root else "issuingDays"
        if each.days > rule[name]:
            yield Misfit(f"{each} is valid for {each.days} days", each.days_keys, {name: each.days})


def _path_length(stack: Settings, _rule: Rule) -> Iterator[Misfit]:
    for each in authorities(stack):
        if each.is_unlimited:
            yield Misfit(f"{each} may issue further CAs", each.key_keys, None)


def _profile(stack: Settings, _rule: Rule) -> Iterator[Misfit]:
    for each in authorities(stack):
        if each.departures:
            yield Misfit(f"{each} {'; '.join(each.departures)}", each.key_keys, ADVISORY)


def _expiry(stack: Settings, rule: Rule) -> Iterator[Misfit]:
    found = trusted(stack)
    if found and found.days_left <= rule["days"]:  # a certificate starts some minutes early, so that fewer than its days are left
        half = found.days_left // 2  # the rule then still tells in time, and not on the first day
        days = min(half, found.renewed_before) if found.renewed_before else half
        yield Misfit(f"{found} is valid for {found.days_left} more days", found.days_keys, {"days": days} if days > 0 else ADVISORY)


def _devices(stack: Settings, _rule: Rule) -> Iterator[Misfit]:
    roster = stack.roster
    if roster.common.thumbprints or any(each.thumbprints for each in roster.own.values()):
        yield Misfit("devices have thumbprints", "devicesFile", ADVISORY)


def _tls(stack: Settings, rule: Rule) -> Iterator[Misfit]:
    if stack.existing_hub:
        return
    found, key = stack.min_tls_version or _default(stack, "min_tls_version"), "minTlsVersion"
    if not found:
        yield Misfit("minTlsVersion is not set, and the adopted hub's value is not declared", key, ADVISORY)
    elif _version(found) < _version(rule["version"]):
        lowest = _version(found) < _version("1.2")  # the rule knows 1.2 and 1.3
        yield Misfit(f"minTlsVersion is {found}", key, ADVISORY if lowest else {"version": found})


def _shared_keys(stack: Settings, rule: Rule) -> Iterator[Misfit]:
    if stack.links_by_key and stack.local_auth != "true":
        if not rule["serviceKeys"]:
            yield Misfit("provisioning is true, and its service is linked to the hub by a key", "provisioning", {"serviceKeys": True})
        return
    if stack.existing_hub or stack.local_auth == "false" or (not stack.local_auth and _default(stack, "disable_local_auth")):
        return
    fact = "is true" if stack.local_auth else "is not set, and the adopted hub's value is not declared"
    yield Misfit(f"localAuth {fact}", "localAuth", ADVISORY)


def _protected(stack: Settings, _rule: Rule) -> Iterator[Misfit]:
    if not stack.protect and (stack.provisioning or not stack.existing_hub):
        yield Misfit("protect is false", "protect", ADVISORY)


def _holders(stack: Settings, rule: Rule) -> Iterator[Misfit]:
    """Who is named is named in the rule too. Of `deployer` nobody knows the id here, and the role is about whose devices get in."""
    held = {str(each).lower() for each in rule["holders"]}
    for each in stack.dps_operators:
        principal = Operator.read(each).principal
        if principal == DEPLOYER:
            yield Misfit(f"dpsOperators has '{each}', whose object id the rule must name", "dpsOperators", None)
        elif principal.lower() not in held:
            yield Misfit(f"dpsOperators has {principal}", "dpsOperators", _added(rule, "holders", principal))


def _tags(stack: Settings, rule: Rule) -> Iterator[Misfit]:
    if stack.existing_hub and not (stack.makes_vault or stack.provisioning):
        return
    tags = as_mapping(stack.tags)
    for name in rule["required"]:
        if not tags.get(name):
            yield Misfit(f"the tag '{name}' is missing", "tags", None)
    for name, value in rule["values"].items():
        if name in tags and tags[name] != value:
            yield Misfit(f"the tag '{name}' is '{tags[name]}'", "tags", {"values": {**rule["values"], name: tags[name]}})


def _public_access(stack: Settings, _rule: Rule) -> Iterator[Misfit]:
    if not stack.existing_hub and stack.public_network_access != "Disabled":
        yield Misfit(f"publicNetworkAccess is {stack.public_network_access or 'not set'}", "publicNetworkAccess", ADVISORY)
    if stack.provisioning and (access := stack.dps_public_network_access) != "Disabled":
        yield Misfit(f"dpsPublicNetworkAccess is {access or 'not set'}", "dpsPublicNetworkAccess provisioning", ADVISORY)


def _network(stack: Settings, rule: Rule) -> Iterator[Misfit]:
    if not (stack.existing_hub or stack.public_network_access == "Disabled"):
        yield from _addresses(stack.ip_rules, rule, "ipRules", "publicNetworkAccess")
    if stack.provisioning and stack.dps_public_network_access != "Disabled":
        yield from _addresses(stack.dps_ip_rules, rule, "dpsIpRules", "dpsPublicNetworkAccess provisioning")


def _addresses(rules: Sequence[str], rule: Rule, key: str, others: str) -> Iterator[Misfit]:
    if not rules:
        yield Misfit(f"{key} is not set, so every address is let in", f"{key} {others}", ADVISORY)
        return
    networks = [IPv4Network(mask) for _, mask in map(ip_rule, rules)]
    public = [each for each in networks if not any(map(each.subnet_of, _PRIVATE))]
    count = sum(each.num_addresses for each in collapse_addresses(public))
    if count > rule["addresses"]:
        yield Misfit(f"{key} lets in {count:,} addresses", key, {"addresses": count})


def _window(stack: Settings, rule: Rule) -> Iterator[Misfit]:
    for each in _issued_here(stack):
        if each.window < rule["days"]:
            fit = {"days": int(each.window)} if each.window >= 1 else ADVISORY
            yield Misfit(f"{each} is renewed only from {each.window:g} days before its end", each.window_keys, fit)


def _certificates(stack: Settings, rule: Rule) -> Iterator[Misfit]:
    for each in _issued_here(stack):
        if each.window >= each.days_left:
            yield Misfit(f"{each} is created with {each.days_left} days, all of them in its renewal window", each.days_keys, ADVISORY)
        elif each.days_left <= rule["days"]:
            days = each.days_left // 2
            yield Misfit(f"{each} is valid for {each.days_left} days", each.days_keys, {"days": days} if days else ADVISORY)


def _key_age(stack: Settings, rule: Rule) -> Iterator[Misfit]:
    for each in authorities(stack):
        name, age = "rootDays" if each.is_root else "issuingDays", each.days - each.days_left
        if age >= rule[name]:
            yield Misfit(f"the key of {each} is in use for {age} days", each.key_keys, {name: each.days})


def _issued_here(stack: Settings) -> tuple[Authority, ...]:
    return authorities(stack) if stack.ca_source == "generate" else ()


def _previous(stack: Settings, _rule: Rule) -> Iterator[Misfit]:
    if stack.ca_keep_previous and stack.ca_generation > 1:
        yield Misfit("caKeepPrevious is true", "caKeepPrevious", ADVISORY)


# Every rule of the pack is here or in ``NEVER_CONTRADICTED``; a test compares them, and the defaults, with the pack.
JUDGED: Final[Mapping[str, JudgedRule]] = {
    "proof-required": JudgedRule(_attest),
    "custody-allowed": JudgedRule(_custody, {"allowed": ["state", "key-vault", "pkcs11", "offline"]}),
    "key-strength": JudgedRule(_key_strength, {"rsaBits": 3072, "curves": ["P-256", "P-384"], "hashes": ["sha256", "sha384", "sha512"]}),
    "authority-lifetime": JudgedRule(_lifetime, {"rootDays": 3650, "issuingDays": 1825}),
    "path-length-set": JudgedRule(_path_length),
    "authority-profile": JudgedRule(_profile, advisory=True),
    "devices-by-ca": JudgedRule(_devices),
    "tls-minimum": JudgedRule(_tls, {"version": "1.2"}),
    "shared-keys-off": JudgedRule(_shared_keys, {"serviceKeys": False}),
    "enrollment-holders": JudgedRule(_holders, {"holders": []}),
    "hub-protected": JudgedRule(_protected),
    "required-tags": JudgedRule(_tags, {"required": [], "values": {}}),
    "public-access": JudgedRule(_public_access, advisory=True),
    "authority-expiry": JudgedRule(_expiry, {"days": 180}, advisory=True),
    "network-exposure": JudgedRule(_network, {"addresses": 65536}, advisory=True),
    "renewal-window": JudgedRule(_window, {"days": 7}),
    "certificate-expiry": JudgedRule(_certificates, {"days": 7}, advisory=True),
    "key-rotation": JudgedRule(_key_age, {"rootDays": 3650, "issuingDays": 1825}, advisory=True),
    "previous-generation": JudgedRule(_previous, advisory=True),
}
# Rules that no setting of this program contradicts, and why.
NEVER_CONTRADICTED: Final[Mapping[str, str]] = {
    "authority-not-shared": "a shared CA is refused when the environment is made: sharing.py",
    "proof-evidence": "whatever the program proves has its evidence",
    "evidence-required": "the program declares a log of all that it proves",
    "enrollment-attestation": "the program's enrollments have its CA",
    "opaque-declarations": "the program declares every resource by its own inputs",
    "issuing-path-length": "the program issues its lowest CA with path length 0",
    "device-lifetime": "the program issues no certificates for devices",
    "private-key-secret": "the program makes every private key a secret",
}


def _default(stack: Settings, name: str) -> Any:
    """What a created hub gets; an adopted one keeps what it has, and declares nothing that a rule could read."""
    return None if stack.adopt_hub else DEFAULTS[name]


def _added(rule: Rule, name: str, value: str) -> dict[str, Any]:
    return {name: [*rule[name], value]}


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
