"""Rules of the hub itself: TLS, shared keys, protection, tags, and who reaches it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .declared import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .declared import Declared

    Settings = Mapping[str, Any]

_HUB = "iothub:IotHubResource"
_PROVISIONING = "deviceprovisioningservices:IotDpsResource"
_GROUP = "resources:ResourceGroup"
_SHARED_KEYS = ("disableLocalAuth", "disableDeviceSAS", "disableModuleSAS")


def tls_minimum(resource: Declared, settings: Settings) -> Iterator[str]:
    """A hub refuses TLS below `version`.

    Reason: TLS 1.0 and 1.1 are broken and withdrawn. Azure enforces the setting in some regions only, and takes it everywhere.
    Source: RFC 8996; learn.microsoft.com/azure/iot-hub/iot-hub-tls-support.
    """
    if resource.noun != _HUB:
        return
    found, least = resource.need("properties", "minTlsVersion"), settings["version"]
    if found is None or _version(found) < _version(least):
        said = "is not set" if found is None else f"is {found}"
        yield f"properties.minTlsVersion {said}: set it to {least} (hubtrust:minTlsVersion)"


def shared_keys_off(resource: Declared, _settings: Settings) -> Iterator[str]:
    """A hub takes no shared access keys, from services, devices or modules.

    Reason: a shared key is a password that is copied about, never proves who uses it, and does not end.
    Source: learn.microsoft.com/azure/iot-hub/authenticate-authorize-azure-ad ("disable shared access policies").
    """
    if resource.noun != _HUB:
        return
    for name in _SHARED_KEYS:
        if resource.need("properties", name) is not True:
            yield f"properties.{name} is not true, so shared keys let in: set it to true (hubtrust:localAuth: false)"


def hub_protected(resource: Declared, _settings: Settings) -> Iterator[str]:
    """The hub, the provisioning service and the resource group they lie in are protected.

    Reason: deleting or replacing a hub loses every device's identity and twin, and nothing brings them back.
    Source: pulumi.com/docs/iac/concepts/options/protect.
    """
    if resource.noun in {_HUB, _PROVISIONING, _GROUP} and not resource.protect:
        yield "it is not protected: set protect in its options (hubtrust:protect: true)"


def required_tags(resource: Declared, settings: Settings) -> Iterator[str]:
    """Everything that costs money or trust has the tags `required`, and the values that `values` gives.

    Reason: who owns a hub and which environment it is must be seen on the bill and in an alarm.
    Source: learn.microsoft.com/azure/cloud-adoption-framework/ready/azure-best-practices/resource-tagging.
    """
    if resource.noun not in {_HUB, _PROVISIONING, _GROUP}:
        return
    resource.need("tags")
    for name in settings["required"]:
        if resource.read("tags", name) in (None, ""):
            yield f"the tag '{name}' is missing: add it (hubtrust:tags has name=value)"
    for name, value in settings["values"].items():
        found = resource.read("tags", name)
        if found is not None and found is not UNKNOWN and found != value:
            yield f"the tag '{name}' is '{found}' and must be '{value}' here: change it (hubtrust:tags)"


def public_access(resource: Declared, _settings: Settings) -> Iterator[str]:
    """A hub or provisioning service that is reached by private endpoints only says so.

    Reason: what no one can reach, no one can try keys against. Devices in the field often need the public door: then leave this advice be.
    Source: learn.microsoft.com/azure/iot-hub/iot-hub-public-network-access.
    """
    if resource.noun in {_HUB, _PROVISIONING} and str(resource.need("properties", "publicNetworkAccess")).lower() != "disabled":
        yield "properties.publicNetworkAccess is not Disabled: set it, and give private endpoints, if its devices are on networks of yours"


def _version(text: object) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in str(text).split("."))
    except ValueError:
        return ()
