"""Rules for the hub itself: TLS, shared keys, protection, tags and network access."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .declarations import Fact, Kind, declaration
from .resource import UNKNOWN, NotKnownYetError, read_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .resource import Resource

    Settings = Mapping[str, Any]

_VAULT = "hubtrust:index:AuthorityVault"
_TAGGED = {Kind.HUB, Kind.PROVISIONING_SERVICE, Kind.GROUP}
_OTHER_GROUP = "a group that has no hub can be in a stack of its own, or this policy advisory"
_SHARED_KEYS = (Fact.SERVICE_KEYS_OFF, Fact.DEVICE_KEYS_OFF, Fact.MODULE_KEYS_OFF)


def tls_minimum(resource: Resource, settings: Settings) -> Iterator[str]:
    """A hub requires at least TLS `version`.

    Reason: TLS 1.0 and 1.1 are insecure and deprecated. Azure accepts the setting everywhere but enforces it only in some regions.
    Source: RFC 8996; learn.microsoft.com/azure/iot-hub/iot-hub-tls-support.
    """
    hub = declaration(resource)
    if hub is None or hub.kind is not Kind.HUB:
        return
    found, least = hub.known(Fact.MIN_TLS), settings["version"]
    if found is None or _version(found) < _version(least):
        state = "is not set" if found is None else f"is {found}"
        yield f"{hub.where(Fact.MIN_TLS)} {state}: set it to {least} (hubtrust:minTlsVersion)"


def shared_keys_off(resource: Resource, settings: Settings) -> Iterator[str]:
    """A hub accepts no shared access keys from services, devices or modules; with `serviceKeys` it may take them from services.

    Reason: a shared key is a password that gets copied, does not show who uses it, and never expires. `serviceKeys` is for hubs to which
    a provisioning service is linked by a key, as azure-native links it: Azure refuses that key if it refuses keys from services.
    Source: learn.microsoft.com/azure/iot-hub/authenticate-authorize-azure-ad ("disable shared access policies");
    learn.microsoft.com/azure/iot-dps/how-to-manage-linked-iot-hubs.
    """
    hub = declaration(resource)
    if hub is None or hub.kind is not Kind.HUB:
        return
    not_known = None
    for fact in _SHARED_KEYS:
        found = hub.read(fact)
        if fact is Fact.SERVICE_KEYS_OFF and settings["serviceKeys"]:
            continue
        if not hub.offers(fact):
            yield f"{resource.type} has no input for {fact}, so shared keys are accepted: declare the hub with hubtrust or azure-native"
        elif found is UNKNOWN:
            not_known = not_known or NotKnownYetError(hub.where(fact))
        elif found is not True:
            negated = "false" if fact is Fact.SERVICE_KEYS_OFF and hub.where(fact) == "localAuthenticationEnabled" else "true"
            remedy = f"set it to {negated} (hubtrust:localAuth: false){_link(fact)}"
            yield f"{hub.where(fact)} is not {negated}, so shared keys are accepted: {remedy}"
    if not_known:
        raise not_known


def _link(fact: Fact) -> str:
    return "; if a provisioning service is linked by a key, set serviceKeys of this policy" if fact is Fact.SERVICE_KEYS_OFF else ""


def hub_protected(resource: Resource, _settings: Settings) -> Iterator[str]:
    """The hub, the provisioning service and every resource group of the stack are protected.

    Reason: deleting or replacing a hub deletes every device's identity and twin, and they can't be recovered. Deleting a group deletes
    what is in it, and no input says which group has a hub. The group of an AuthorityVault has none; it is never deleted with its stack,
    and protected it could not leave the stack either.
    Source: pulumi.com/docs/iac/concepts/options/protect.
    """
    if resource.protect:
        return
    found = declaration(resource)
    if found and found.kind in _TAGGED and not (found.kind is Kind.GROUP and resource.is_below(_VAULT)):
        group = f"; {_OTHER_GROUP}" if found.kind is Kind.GROUP else ""
        yield f"it is not protected: set the resource option protect (hubtrust:protect: true){group}"


def required_tags(resource: Resource, settings: Settings) -> Iterator[str]:
    """The hub, the provisioning service and every resource group of the stack have the tags `required`, with the values in `values`.

    Reason: bills and alerts must show who owns a hub and which environment it belongs to. No input says which group has a hub.
    Source: learn.microsoft.com/azure/cloud-adoption-framework/ready/azure-best-practices/resource-tagging.
    """
    declared = declaration(resource)
    if declared is None or declared.kind not in _TAGGED:
        return
    tags = declared.known(Fact.TAGS)
    not_known, group = None, f"; {_OTHER_GROUP}" if declared.kind is Kind.GROUP else ""
    for name in dict.fromkeys((*settings["required"], *settings["values"])):
        found = _tag(tags, name)
        if found is UNKNOWN:
            not_known = not_known or NotKnownYetError(f"{declared.where(Fact.TAGS)}.{name}")
        elif name in settings["required"] and found in (None, ""):
            yield f"the tag '{name}' is missing: add it (hubtrust:tags, as name=value){group}"
        elif found is not None and name in settings["values"] and found != settings["values"][name]:
            must = settings["values"][name]
            yield f"the tag '{name}' is '{found}', but must be '{must}' in this environment: change it (hubtrust:tags){group}"
    if not_known:
        raise not_known


def _tag(tags: Any, name: str) -> Any:
    """A tag's value as text. Azure does not tell the letter case of names apart, and takes the same name only once."""
    found = [read_in(tags, (each,)) for each in tags if each.lower() == name.lower()] if isinstance(tags, Mapping) else []
    if any(each is UNKNOWN for each in found):
        return UNKNOWN
    return None if not found or found[0] is None else str(found[0]).strip()


def public_access(resource: Resource, _settings: Settings) -> Iterator[str]:
    """The public endpoint of a hub or provisioning service is disabled.

    Reason: an endpoint that is not reachable can't be attacked. Devices in the field often need the public endpoint: then disable this
    policy.
    Source: learn.microsoft.com/azure/iot-hub/iot-hub-public-network-access.
    """
    declared = declaration(resource)
    if declared is None or declared.kind not in {Kind.HUB, Kind.PROVISIONING_SERVICE} or declared.known(Fact.PUBLIC_ACCESS_OFF) is True:
        return
    key, args = ("publicNetworkAccess", "HubArgs") if declared.kind is Kind.HUB else ("dpsPublicNetworkAccess", "ProvisioningServiceArgs")
    setting = f" (hubtrust:{key}, or public_network_access of {args})"
    where = declared.where(Fact.PUBLIC_ACCESS_OFF)
    off = "false" if where.endswith("Enabled") else "Disabled"
    yield f"{where} is not {off}: if all devices are on your own networks, set it to {off}{setting} and use private endpoints"


def _version(text: object) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in str(text).split("."))
    except ValueError:
        return ()
