"""Rules for the hub itself: TLS, shared keys, protection, tags and network access."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .resource import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .resource import Resource

    Settings = Mapping[str, Any]

_HUB = "iothub:IotHubResource"
_PROVISIONING = "deviceprovisioningservices:IotDpsResource"
_VAULT = "hubtrust:index:AuthorityVault"
_GROUP = "resources:ResourceGroup"
_SHARED_KEYS = ("disableLocalAuth", "disableDeviceSAS", "disableModuleSAS")


def tls_minimum(resource: Resource, settings: Settings) -> Iterator[str]:
    """A hub requires at least TLS `version`.

    Reason: TLS 1.0 and 1.1 are insecure and deprecated. Azure accepts the setting everywhere but enforces it only in some regions.
    Source: RFC 8996; learn.microsoft.com/azure/iot-hub/iot-hub-tls-support.
    """
    if resource.noun != _HUB:
        return
    found, least = resource.known("properties", "minTlsVersion"), settings["version"]
    if found is None or _version(found) < _version(least):
        state = "is not set" if found is None else f"is {found}"
        yield f"properties.minTlsVersion {state}: set it to {least} (hubtrust:minTlsVersion)"


def shared_keys_off(resource: Resource, _settings: Settings) -> Iterator[str]:
    """A hub accepts no shared access keys from services, devices or modules.

    Reason: a shared key is a password that gets copied, does not show who uses it, and never expires.
    Source: learn.microsoft.com/azure/iot-hub/authenticate-authorize-azure-ad ("disable shared access policies").
    """
    if resource.noun != _HUB:
        return
    for name in _SHARED_KEYS:
        if resource.known("properties", name) is not True:
            yield f"properties.{name} is not true, so shared keys are accepted: set it to true (hubtrust:localAuth: false)"


def hub_protected(resource: Resource, _settings: Settings) -> Iterator[str]:
    """The hub, the provisioning service and their resource group are protected.

    Reason: deleting or replacing a hub deletes every device's identity and twin, and they can't be recovered. The group of an
    AuthorityVault has no hub; it is never deleted with its stack, and protected it could not leave the stack either.
    Source: pulumi.com/docs/iac/concepts/options/protect.
    """
    if resource.noun in {_HUB, _PROVISIONING, _GROUP} and not resource.protect and not resource.is_below(_VAULT):
        yield "it is not protected: set the resource option protect (hubtrust:protect: true)"


def required_tags(resource: Resource, settings: Settings) -> Iterator[str]:
    """The hub, the provisioning service and their resource group have the tags `required`, with the values in `values`.

    Reason: bills and alerts must show who owns a hub and which environment it belongs to.
    Source: learn.microsoft.com/azure/cloud-adoption-framework/ready/azure-best-practices/resource-tagging.
    """
    if resource.noun not in {_HUB, _PROVISIONING, _GROUP}:
        return
    resource.known("tags")
    for name in settings["required"]:
        if resource.read("tags", name) in (None, ""):
            yield f"the tag '{name}' is missing: add it (hubtrust:tags, as name=value)"
    for name, value in settings["values"].items():
        found = resource.read("tags", name)
        if found is not None and found is not UNKNOWN and found != value:
            yield f"the tag '{name}' is '{found}', but must be '{value}' in this environment: change it (hubtrust:tags)"


def public_access(resource: Resource, _settings: Settings) -> Iterator[str]:
    """The public endpoint of a hub or provisioning service is disabled.

    Reason: an endpoint that is not reachable can't be attacked. Devices in the field often need the public endpoint: then disable this
    policy.
    Source: learn.microsoft.com/azure/iot-hub/iot-hub-public-network-access.
    """
    if resource.noun in {_HUB, _PROVISIONING} and str(resource.known("properties", "publicNetworkAccess")).lower() != "disabled":
        setting = " (hubtrust:publicNetworkAccess, or public_network_access of HubArgs)" if resource.noun == _HUB else ""
        fact = "properties.publicNetworkAccess is not Disabled"
        yield f"{fact}: if all devices are on your own networks, set it to Disabled{setting} and use private endpoints"


def _version(text: object) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in str(text).split("."))
    except ValueError:
        return ()
