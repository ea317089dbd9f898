"""The table of ways: each provider's types that declare a hub, a certificate on it … and where each fact stands in them.

Sources: the published SDKs pulumi-azure-native 3.29.0 and 2.92.3, pulumi-azure 6.40.1. A Terraform provider that a program takes by
`pulumi package add terraform-provider` has its own names as tokens, and the properties of the classic provider, which is made of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .arm_resources import AZAPI_RESOURCE, ArmResource, azapi, native_generic, read_any_case
from .facts import Fact, Kind, Place, Way
from .resource import ENROLLMENT_GROUP, INDIVIDUAL_ENROLLMENT, UNKNOWN, VERIFIED_CERTIFICATE, read_in
from .scalars import flag

if TYPE_CHECKING:
    from collections.abc import Callable

    from .resource import Resource


def _opposite(value: Any) -> Any:
    found = flag(value)
    return not found if isinstance(found, bool) else found


def _disabled(value: Any) -> bool:
    return str(value).strip().lower() == "disabled"


def text(value: Any) -> str:
    """Text, also where a program wrote a number: 1.2 for "1.2"."""
    return str(value).strip()


def _objects(*names: str) -> Callable[[Any], Any]:
    """A list's objects with these names alone, in the letter case that rules ask for."""

    def read(value: Any) -> Any:
        if isinstance(value, Mapping):
            value = [value]
        if not isinstance(value, Sequence) or isinstance(value, str):
            return value
        every = [read_in(value, (place,)) for place in range(len(value))]
        return [{name: read_any_case(each, (name,)) for name in names} if isinstance(each, Mapping) else each for each in every]

    return read


_IP_RULES = _objects("action", "ipMask", "target")
_POLICIES = _objects("keyName", "rights")


def _at(path: str, meaning: Callable[[Any], Any] | None = None, elsewhere: tuple[str, ...] = ()) -> Place:
    return Place(_steps(path), meaning, tuple(map(_steps, elsewhere)))


def _steps(path: str) -> tuple[str | int, ...]:
    return tuple(int(step) if step.isdigit() else step for step in path.split("."))


# ARM: the body, in which a resource's own properties are in `properties`.
_NAME = {Fact.NAME: _at("name", elsewhere=("resourceName",))}  # azapi's name, the generic Resource's
_PARENT = {Fact.SERVICE: _at("parentId", elsewhere=("parentResourcePath",))}
_ARM_HUB = {
    **_NAME,
    Fact.LOCATION: _at("location"),
    Fact.TAGS: _at("tags"),
    Fact.MIN_TLS: _at("properties.minTlsVersion", text),
    Fact.SERVICE_KEYS_OFF: _at("properties.disableLocalAuth", flag),
    Fact.DEVICE_KEYS_OFF: _at("properties.disableDeviceSAS", flag),
    Fact.MODULE_KEYS_OFF: _at("properties.disableModuleSAS", flag),
    Fact.PUBLIC_ACCESS_OFF: _at("properties.publicNetworkAccess", _disabled),
    Fact.DEFAULT_ACTION: _at("properties.networkRuleSets.defaultAction"),
    Fact.IP_RULES: _at("properties.networkRuleSets.ipRules", _IP_RULES),
    Fact.EVENT_HUB_RULES: _at("properties.networkRuleSets.applyToBuiltInEventHubEndpoint", flag),
    Fact.ACCESS_POLICIES: _at("properties.authorizationPolicies", _POLICIES),
}
_ARM_PROVISIONING = {
    **_NAME,
    Fact.LOCATION: _at("location"),
    Fact.TAGS: _at("tags"),
    Fact.SERVICE_KEYS_OFF: _at("properties.disableLocalAuth", flag),  # since API version 2026-11-01
    Fact.PUBLIC_ACCESS_OFF: _at("properties.publicNetworkAccess", _disabled),
    Fact.IP_RULES: _at("properties.ipFilterRules", _IP_RULES),
    Fact.ACCESS_POLICIES: _at("properties.authorizationPolicies", _POLICIES),
}
_ARM_CERTIFICATE = {
    **_NAME,
    **_PARENT,
    Fact.CERTIFICATE: _at("properties.certificate", elsewhere=("certificate",)),  # until API version 2021-10-15
    # azapi's output `output` is ARM's answer.
    Fact.VERIFIED: _at("properties.isVerified", flag, elsewhere=("isVerified", "output.properties.isVerified")),
}
_ARM_GROUP = {**_NAME, Fact.LOCATION: _at("location"), Fact.TAGS: _at("tags")}
_ARM_ROLE = {
    Fact.PRINCIPAL: _at("properties.principalId"),
    Fact.PRINCIPAL_TYPE: _at("properties.principalType"),
    Fact.ROLE: _at("properties.roleDefinitionId"),
    Fact.SCOPE: _at("properties.scope", elsewhere=("parentId",)),
}
_ARM_ROLE_DEFINITION = {Fact.ROLE_NAME: _at("properties.roleName"), Fact.PERMISSIONS: _at("properties.permissions")}
_ARM = {
    "microsoft.devices/iothubs": Way(Kind.HUB, _ARM_HUB),
    "microsoft.devices/provisioningservices": Way(Kind.PROVISIONING_SERVICE, _ARM_PROVISIONING),
    "microsoft.devices/iothubs/certificates": Way(Kind.CERTIFICATE, _ARM_CERTIFICATE),
    "microsoft.devices/provisioningservices/certificates": Way(Kind.CERTIFICATE, _ARM_CERTIFICATE),
    "microsoft.resources/resourcegroups": Way(Kind.GROUP, _ARM_GROUP),
    "microsoft.resources/subscriptions/resourcegroups": Way(Kind.GROUP, _ARM_GROUP),
    "microsoft.authorization/roleassignments": Way(Kind.ROLE_ASSIGNMENT, _ARM_ROLE),
    "microsoft.authorization/roledefinitions": Way(Kind.ROLE_DEFINITION, _ARM_ROLE_DEFINITION),
    "microsoft.authorization/roleassignmentschedulerequests": Way(Kind.ROLE_ASSIGNMENT, _ARM_ROLE),
    "microsoft.authorization/roleeligibilityschedulerequests": Way(Kind.ROLE_ASSIGNMENT, _ARM_ROLE),
}
# azure-native: ARM's bodies, with the parts of the resource's id as inputs of their own.
_IN_GROUP = {Fact.GROUP: _at("resourceGroupName")}
_NATIVE = {
    "IotHubResource": Way(Kind.HUB, {**_ARM_HUB, **_IN_GROUP, Fact.NAME: _at("resourceName")}),
    "IotDpsResource": Way(Kind.PROVISIONING_SERVICE, {**_ARM_PROVISIONING, **_IN_GROUP, Fact.NAME: _at("provisioningServiceName")}),
    "Certificate": Way(
        Kind.CERTIFICATE, {**_ARM_CERTIFICATE, **_IN_GROUP, Fact.NAME: _at("certificateName"), Fact.SERVICE: _at("resourceName")}
    ),
    "DpsCertificate": Way(
        Kind.CERTIFICATE,
        {**_ARM_CERTIFICATE, **_IN_GROUP, Fact.NAME: _at("certificateName"), Fact.SERVICE: _at("provisioningServiceName")},
    ),
    "ResourceGroup": Way(Kind.GROUP, {**_ARM_GROUP, Fact.NAME: _at("resourceGroupName")}),
    "RoleAssignment": Way(
        Kind.ROLE_ASSIGNMENT,
        {
            Fact.NAME: _at("roleAssignmentName"),
            # The oldest API version of it has ARM's `properties`.
            Fact.PRINCIPAL: _at("principalId", elsewhere=("properties.principalId",)),
            Fact.PRINCIPAL_TYPE: _at("principalType", elsewhere=("properties.principalType",)),
            Fact.ROLE: _at("roleDefinitionId", elsewhere=("properties.roleDefinitionId",)),
            Fact.SCOPE: _at("scope"),
        },
    ),
}
_NATIVE["RoleDefinition"] = Way(
    Kind.ROLE_DEFINITION,
    {
        Fact.ROLE_NAME: _at("roleName", elsewhere=("properties.roleName",)),
        Fact.PERMISSIONS: _at("permissions", elsewhere=("properties.permissions",)),
    },
)
_NATIVE["PimRoleEligibilitySchedule"] = _NATIVE["RoleAssignment"]
# Version 3 has a module for each namespace of ARM, version 2 one for all of Microsoft.Devices, as before version 1 azure-nextgen.
_MODULES = {"iothub", "deviceprovisioningservices", "devices", "resources", "authorization"}
# The API version is in the package's name (a generated package of version 3) or in the module's (version 2).
_NATIVE_TYPE = re.compile(r"azure-(?:native|nextgen)(?:_[a-z]+_v\w+)?:(?P<module>\w+)(?:/\w+)?:(?P<noun>\w+)")


# The classic provider (made of Terraform's azurerm): flat, its flags mean the opposite, and lists for what ARM has once.
def _only(name: str, meaning: Callable[[Any], Any] | None = None) -> Callable[[Any], Any]:
    """A property of a list's only item. With several, the provider takes one of them: none is a value that a rule needs."""

    def read(value: Any) -> Any:
        if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 1:
            return value or None
        found = read_in(value, (0, name))
        return found if found is None or found is UNKNOWN or meaning is None else meaning(found)

    return read


def _action(value: Any) -> Any:
    return value.removeprefix("DefaultAction") if isinstance(value, str) else value  # its documentation has both


def _rights(properties: Any) -> Any:
    """ARM's words for the rights that a shared access policy's flags give."""
    flags = {
        "registryRead": "RegistryRead",
        "registryWrite": "RegistryWrite",
        "serviceConnect": "ServiceConnect",
        "deviceConnect": "DeviceConnect",
        "enrollmentRead": "EnrollmentRead",
        "enrollmentWrite": "EnrollmentWrite",
        "registrationRead": "RegistrationStatusRead",
        "registrationWrite": "RegistrationStatusWrite",
        "serviceConfig": "ServiceConfig",
    }
    found = {right: read_in(properties, (name,)) for name, right in flags.items()}
    if any(value is UNKNOWN for value in found.values()):
        return UNKNOWN
    return [right for right, value in found.items() if flag(value) not in (None, False)]


_NAMED = {Fact.NAME: _at("name"), **_IN_GROUP}
_CLASSIC_HUB = Way(
    Kind.HUB,
    {
        **_NAMED,
        Fact.LOCATION: _at("location"),
        Fact.TAGS: _at("tags"),
        Fact.MIN_TLS: _at("minTlsVersion", text),
        Fact.SERVICE_KEYS_OFF: _at("localAuthenticationEnabled", _opposite),
        Fact.PUBLIC_ACCESS_OFF: _at("publicNetworkAccessEnabled", _opposite),
        Fact.DEFAULT_ACTION: _at("networkRuleSets", _only("defaultAction", _action)),
        Fact.IP_RULES: _at("networkRuleSets", _only("ipRules")),
        Fact.EVENT_HUB_RULES: _at("networkRuleSets", _only("applyToBuiltinEventhubEndpoint", flag)),
    },
)
_CLASSIC_PROVISIONING = Way(
    Kind.PROVISIONING_SERVICE,
    {
        **_NAMED,
        Fact.LOCATION: _at("location"),
        Fact.TAGS: _at("tags"),
        Fact.PUBLIC_ACCESS_OFF: _at("publicNetworkAccessEnabled", _opposite),
        Fact.IP_RULES: _at("ipFilterRules"),
    },
)


def _classic_certificate(service: str) -> Way:
    return Way(
        Kind.CERTIFICATE,
        {**_NAMED, Fact.SERVICE: _at(service), Fact.CERTIFICATE: _at("certificateContent"), Fact.VERIFIED: _at("isVerified", flag)},
    )


_CLASSIC_GROUP = Way(Kind.GROUP, {Fact.NAME: _at("name"), Fact.LOCATION: _at("location"), Fact.TAGS: _at("tags")})
_CLASSIC_ROLE = Way(
    Kind.ROLE_ASSIGNMENT,
    {
        Fact.NAME: _at("name"),
        Fact.PRINCIPAL: _at("principalId"),
        Fact.PRINCIPAL_TYPE: _at("principalType"),
        Fact.ROLE: _at("roleDefinitionId"),
        Fact.ROLE_NAME: _at("roleDefinitionName"),
        Fact.SCOPE: _at("scope"),
    },
)

_CLASSIC_ROLE_DEFINITION = Way(Kind.ROLE_DEFINITION, {Fact.ROLE_NAME: _at("name"), Fact.PERMISSIONS: _at("permissions")})


def _classic_policy(service: str) -> Way:
    return Way(Kind.ACCESS_POLICY, {**_NAMED, Fact.SERVICE: _at(service), Fact.RIGHTS: Place((), _rights)})


_CLASSIC = {
    "azure:iot/ioTHub:IoTHub": _CLASSIC_HUB,
    "azurerm:index/iothub:Iothub": _CLASSIC_HUB,
    "azure:iot/iotHubDps:IotHubDps": _CLASSIC_PROVISIONING,
    "azurerm:index/iothubDps:IothubDps": _CLASSIC_PROVISIONING,
    "azure:iot/certificate:Certificate": _classic_certificate("iothubName"),
    "azurerm:index/iothubCertificate:IothubCertificate": _classic_certificate("iothubName"),
    "azure:iot/iotHubCertificate:IotHubCertificate": _classic_certificate("iotDpsName"),  # a provisioning service's, in spite of its name
    "azurerm:index/iothubDpsCertificate:IothubDpsCertificate": _classic_certificate("iotDpsName"),
    "azure:iot/sharedAccessPolicy:SharedAccessPolicy": _classic_policy("iothubName"),
    "azurerm:index/iothubSharedAccessPolicy:IothubSharedAccessPolicy": _classic_policy("iothubName"),
    "azure:iot/dpsSharedAccessPolicy:DpsSharedAccessPolicy": _classic_policy("iothubDpsName"),
    "azurerm:index/iothubDpsSharedAccessPolicy:IothubDpsSharedAccessPolicy": _classic_policy("iothubDpsName"),
    "azure:core/resourceGroup:ResourceGroup": _CLASSIC_GROUP,
    "azurerm:index/resourceGroup:ResourceGroup": _CLASSIC_GROUP,
    "azure:authorization/assignment:Assignment": _CLASSIC_ROLE,
    "azure:role/assignment:Assignment": _CLASSIC_ROLE,
    "azure:pim/activeRoleAssignment:ActiveRoleAssignment": _CLASSIC_ROLE,
    "azure:pim/eligibleRoleAssignment:EligibleRoleAssignment": _CLASSIC_ROLE,
    "azurerm:index/roleAssignment:RoleAssignment": _CLASSIC_ROLE,
    "azure:authorization/roleDefinition:RoleDefinition": _CLASSIC_ROLE_DEFINITION,
    "azure:role/definition:Definition": _CLASSIC_ROLE_DEFINITION,
    "azurerm:index/roleDefinition:RoleDefinition": _CLASSIC_ROLE_DEFINITION,
    "azurerm:index/pimActiveRoleAssignment:PimActiveRoleAssignment": _CLASSIC_ROLE,
    "azurerm:index/pimEligibleRoleAssignment:PimEligibleRoleAssignment": _CLASSIC_ROLE,
}


def _certificates(value: Any) -> Any:
    """The certificates of a list as one text; a text stays one."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return value
    every = [read_in(value, (place,)) for place in range(len(value))]
    return UNKNOWN if any(each is UNKNOWN for each in every) else "\n".join(str(each) for each in every if each)


def _set_of(*names: str) -> Callable[[Any], Any]:
    """Which of these inputs are set; one that is not known yet counts only if no other is."""

    def read(properties: Any) -> Any:
        found = {name: read_in(properties, (name,)) for name in names}
        known = [name for name, value in found.items() if value is not UNKNOWN and value]
        return UNKNOWN if not known and any(value is UNKNOWN for value in found.values()) else known

    return read


_OURS = {
    ENROLLMENT_GROUP: Way(
        Kind.ENROLLMENT,
        {
            Fact.NAME: _at("groupId"),
            Fact.SERVICE: _at("serviceId"),
            Fact.CERTIFICATE: _at("signingCertificates", _certificates),
            Fact.REFERENCES: _at("caReferences"),
            Fact.ATTESTATION: Place((), _set_of("caReferences", "signingCertificates")),
        },
    ),
    INDIVIDUAL_ENROLLMENT: Way(
        Kind.ENROLLMENT,
        {
            Fact.NAME: _at("registrationId"),
            Fact.SERVICE: _at("serviceId"),
            Fact.ATTESTATION: Place((), _set_of("certificates")),
        },
    ),
    VERIFIED_CERTIFICATE: Way(
        Kind.CERTIFICATE,
        {
            Fact.NAME: _at("certificateName"),  # on Azure; the input `name` is the authority's
            Fact.SERVICE: _at("serviceId"),
            Fact.CERTIFICATE: _at("certificate"),
            Fact.VERIFIED: _at("attest", flag),
        },
    ),
}
_BY_TYPE: Mapping[str, Way] = {**_CLASSIC, **_OURS}


def native_type(type_: str) -> tuple[str, str]:
    """The module and noun of a type of azure-native in any version of the provider or API; empty for other types."""
    found = _NATIVE_TYPE.fullmatch(type_)
    return (found["module"], found["noun"]) if found else ("", "")


def way_of(resource: Resource) -> Way | None:
    """The way in which the resource, whose type says what it is, declares one of the kinds; None if it declares none."""
    module, noun = native_type(resource.type)
    return _NATIVE.get(noun) if module in _MODULES else _BY_TYPE.get(resource.type)


def arm_resource(resource: Resource) -> ArmResource | None:
    """What the resource sends to ARM, if its type does not say what that is; None for other resources.

    Raises:
        NotKnownYetError: the type that it names is not known yet.
    """
    if native_type(resource.type) == ("resources", "Resource"):
        return native_generic(resource)
    return azapi(resource) if resource.type == AZAPI_RESOURCE else None


def arm_way(found: ArmResource) -> Way | None:
    """The way in which it declares one of the kinds; None if it declares none."""
    return _ARM.get(found.type)


def is_of_a_kind(arm_type: str) -> bool:
    """Whether an ARM type, in lower case, declares one of the kinds."""
    return arm_type in _ARM


def arm_types() -> frozenset[str]:
    """The ARM types, in lower case, that declare one of the kinds."""
    return frozenset(_ARM)
