"""The table of ways: each provider's types that declare a hub, a certificate on it … and where each fact stands in them.

Sources: the published SDKs pulumi-azure-native 3.29.0 (with the aliases of its version 2), pulumi-azure 6.40.1.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .facts import Fact, Kind, Place, Way

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .resource import Resource


def flag(value: Any) -> Any:
    """True and False, also as text in any letter case; anything else stays what it is, and is neither."""
    return {"true": True, "false": False}.get(value.strip().lower(), value) if isinstance(value, str) else value


def _opposite(value: Any) -> Any:
    found = flag(value)
    return not found if isinstance(found, bool) else found


def _disabled(value: Any) -> bool:
    return str(value).strip().lower() == "disabled"


def text(value: Any) -> str:
    """Text, also where a program wrote a number: 1.2 for "1.2"."""
    return str(value).strip()


def _places(**places: tuple[tuple[str | int, ...], Callable[[Any], Any] | None]) -> Mapping[Fact, Place]:
    return {Fact[name]: Place(*place) for name, place in places.items()}


def _at(path: str, meaning: Callable[[Any], Any] | None = None) -> tuple[tuple[str | int, ...], Callable[[Any], Any] | None]:
    return tuple(int(step) if step.isdigit() else step for step in path.split(".")), meaning


# azure-native: the shapes of ARM, with the parts of the resource's id as inputs of their own.
_NATIVE_HUB = _places(
    NAME=_at("resourceName"),
    LOCATION=_at("location"),
    TAGS=_at("tags"),
    GROUP=_at("resourceGroupName"),
    MIN_TLS=_at("properties.minTlsVersion", text),
    SERVICE_KEYS_OFF=_at("properties.disableLocalAuth", flag),
    DEVICE_KEYS_OFF=_at("properties.disableDeviceSAS", flag),
    MODULE_KEYS_OFF=_at("properties.disableModuleSAS", flag),
    PUBLIC_ACCESS_OFF=_at("properties.publicNetworkAccess", _disabled),
    DEFAULT_ACTION=_at("properties.networkRuleSets.defaultAction"),
    IP_RULES=_at("properties.networkRuleSets.ipRules"),
    EVENT_HUB_RULES=_at("properties.networkRuleSets.applyToBuiltInEventHubEndpoint", flag),
    ACCESS_POLICIES=_at("properties.authorizationPolicies"),
)
_NATIVE_PROVISIONING = _places(
    NAME=_at("provisioningServiceName"),
    LOCATION=_at("location"),
    TAGS=_at("tags"),
    GROUP=_at("resourceGroupName"),
    PUBLIC_ACCESS_OFF=_at("properties.publicNetworkAccess", _disabled),
    IP_RULES=_at("properties.ipFilterRules"),
    ACCESS_POLICIES=_at("properties.authorizationPolicies"),
)
_NATIVE_CERTIFICATE = _places(
    NAME=_at("certificateName"),
    GROUP=_at("resourceGroupName"),
    SERVICE=_at("resourceName"),
    CERTIFICATE=_at("properties.certificate"),
    VERIFIED=_at("properties.isVerified", flag),
)
_NATIVE = {
    "IotHubResource": Way(Kind.HUB, _NATIVE_HUB),
    "IotDpsResource": Way(Kind.PROVISIONING_SERVICE, _NATIVE_PROVISIONING),
    "Certificate": Way(Kind.CERTIFICATE, _NATIVE_CERTIFICATE),
    "DpsCertificate": Way(Kind.CERTIFICATE, {**_NATIVE_CERTIFICATE, **_places(SERVICE=_at("provisioningServiceName"))}),
    "ResourceGroup": Way(Kind.GROUP, _places(NAME=_at("resourceGroupName"), LOCATION=_at("location"), TAGS=_at("tags"))),
    "RoleAssignment": Way(
        Kind.ROLE_ASSIGNMENT,
        _places(
            NAME=_at("roleAssignmentName"),
            PRINCIPAL=_at("principalId"),
            PRINCIPAL_TYPE=_at("principalType"),
            ROLE=_at("roleDefinitionId"),
            SCOPE=_at("scope"),
        ),
    ),
}
_NATIVE["PimRoleEligibilitySchedule"] = _NATIVE["RoleAssignment"]
# Version 3 has a module for each namespace of ARM, version 2 one for all of Microsoft.Devices, as before version 1 azure-nextgen.
_MODULES = {"iothub", "deviceprovisioningservices", "devices", "resources", "authorization"}
# The API version is in the package's name (a generated package of version 3) or in the module's (version 2).
_NATIVE_TYPE = re.compile(r"azure-(?:native|nextgen)(?:_[a-z]+_v\w+)?:(?P<module>\w+)(?:/\w+)?:(?P<noun>\w+)")


def native_type(type_: str) -> tuple[str, str]:
    """The module and noun of a type of azure-native in any version of the provider or API; empty for other types."""
    found = _NATIVE_TYPE.fullmatch(type_)
    return (found["module"], found["noun"]) if found else ("", "")


def way_of(resource: Resource) -> Way | None:
    """The way in which the resource declares one of the kinds; None if it declares none.

    Raises:
        NotKnownYetError: its kind depends on an input that is not known yet.
    """
    module, noun = native_type(resource.type)
    return _NATIVE.get(noun) if module in _MODULES else None
