"""The same declaration in every way: how each provider writes a hub, a provisioning service, a certificate, a group and a role.

Each function takes ARM's own words and returns the type token and the properties as that provider has them. The tokens and names are those
of the published SDKs, written here again: a slip in the pack's table is not repeated by the tests.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

Facts = Mapping[str, Any]
Way = Callable[[Facts], tuple[str, dict[str, Any]]]

HUB_ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/h"


def _present(**properties: Any) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if value is not None}


def _odd_case(value: Any) -> Any:
    """Names as nobody writes them; ARM takes them."""
    return {name.upper(): _odd_case(each) for name, each in value.items()} if isinstance(value, dict) else value


def _hub_properties(facts: Facts) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name != "tags"}


def _native(token: str, **ids: str) -> Way:
    return lambda facts: (token, _present(**ids, tags=facts.get("tags"), properties=_hub_properties(facts)))


def _opposite(value: Any) -> Any:
    return {True: False, False: True, "true": "false", "false": "true", "True": "False", "False": "True"}.get(value, value)


def _classic_hub(token: str) -> Way:
    def written(facts: Facts) -> tuple[str, dict[str, Any]]:
        access = facts.get("publicNetworkAccess")
        return token, _present(
            name="h",
            resourceGroupName="g",
            tags=facts.get("tags"),
            minTlsVersion=facts.get("minTlsVersion"),
            localAuthenticationEnabled=_opposite(facts.get("disableLocalAuth")),
            publicNetworkAccessEnabled={"disabled": False, "enabled": True}.get(access.lower(), access)
            if isinstance(access, str)
            else access,
        )

    return written


def _generic(parent: str, kind: str) -> Way:
    return lambda facts: (
        "azure-native:resources:Resource",
        _present(
            apiVersion="2023-06-30",
            parentResourcePath=parent,
            resourceProviderNamespace="microsoft.DEVICES",
            resourceType=kind,
            resourceGroupName="g",
            tags=facts.get("tags"),
            properties=_odd_case(_hub_properties(facts)),
        ),
    )


def _azapi(kind: str, *, as_text: bool) -> Way:
    def written(facts: Facts) -> tuple[str, dict[str, Any]]:
        body = {"properties": _hub_properties(facts)}
        return "azapi:index/resource:Resource", _present(
            type=f"{kind}@2023-06-30", parentId=HUB_ID, tags=facts.get("tags"), body=json.dumps(body) if as_text else _odd_case(body)
        )

    return written


HUBS: dict[str, Way] = {
    "native": _native("azure-native:iothub:IotHubResource", resourceName="h"),
    "native-of-a-version": _native("azure-native_iothub_v20230630:iothub:IotHubResource", resourceName="h"),
    "native-module-of-a-version": _native("azure-native:iothub/v20230630preview:IotHubResource", resourceName="h"),
    "native-2": _native("azure-native:devices:IotHubResource", resourceName="h"),
    "native-2-of-a-version": _native("azure-native:devices/v20221115preview:IotHubResource", resourceName="h"),
    "classic": _classic_hub("azure:iot/ioTHub:IoTHub"),
    "azurerm": _classic_hub("azurerm:index/iothub:Iothub"),
    "generic": _generic("", "iothubs"),
    "azapi": _azapi("Microsoft.Devices/IotHubs", as_text=False),
    "azapi-text": _azapi("MICROSOFT.DEVICES/iothubs", as_text=True),
}
SERVICES: dict[str, Way] = {
    "native": _native("azure-native:deviceprovisioningservices:IotDpsResource", provisioningServiceName="d"),
    "native-of-a-version": _native("azure-native_deviceprovisioningservices_v20221212:deviceprovisioningservices:IotDpsResource"),
    "native-2": _native("azure-native:devices:IotDpsResource", provisioningServiceName="d"),
    "native-2-of-a-version": _native("azure-native:devices/v20221212:IotDpsResource", provisioningServiceName="d"),
    "classic": _classic_hub("azure:iot/iotHubDps:IotHubDps"),
    "azurerm": _classic_hub("azurerm:index/iothubDps:IothubDps"),
    "generic": _generic("", "provisioningServices"),
    "azapi": _azapi("Microsoft.Devices/provisioningServices", as_text=False),
    "azapi-text": _azapi("Microsoft.Devices/ProvisioningServices", as_text=True),
}


def _certificate(token: str, **ids: str) -> Way:
    return lambda facts: (token, {**ids, "resourceGroupName": "g", "properties": dict(facts)})


def _flat(token: str, **ids: str) -> Way:
    """Older API versions, and the classic provider with another name for the content."""
    return lambda facts: (token, {**ids, "resourceGroupName": "g", **facts})


def _classic_certificate(token: str, **ids: str) -> Way:
    return lambda facts: (
        token,
        _present(**ids, name="ca", certificateContent=facts.get("certificate"), isVerified=facts.get("isVerified")),
    )


CERTIFICATES: dict[str, Way] = {
    "native": _certificate("azure-native:iothub:Certificate", resourceName="h"),
    "native-of-a-version": _certificate("azure-native_iothub_v20230630:iothub:Certificate", resourceName="h"),
    "native-2": _certificate("azure-native:devices:Certificate", resourceName="h"),
    "native-2-of-a-version": _flat("azure-native:devices/v20200401:Certificate", resourceName="h"),
    "dps-native": _certificate("azure-native:deviceprovisioningservices:DpsCertificate", provisioningServiceName="d"),
    "dps-native-2": _certificate("azure-native:devices:DpsCertificate", provisioningServiceName="d"),
    "dps-native-2-of-a-version": _flat("azure-native:devices/v20211015:DpsCertificate", provisioningServiceName="d"),
    "classic": _classic_certificate("azure:iot/certificate:Certificate", iothubName="h"),
    "azurerm": _classic_certificate("azurerm:index/iothubCertificate:IothubCertificate", iothubName="h"),
    "dps-classic": _classic_certificate("azure:iot/iotHubCertificate:IotHubCertificate", iotDpsName="d"),
    "dps-azurerm": _classic_certificate("azurerm:index/iothubDpsCertificate:IothubDpsCertificate", iotDpsName="d"),
    "generic": _generic("IotHubs/h", "certificates"),
    "dps-generic": _generic("provisioningServices/d", "Certificates"),
    "azapi": _azapi("Microsoft.Devices/IotHubs/certificates", as_text=False),
    "dps-azapi-text": _azapi("Microsoft.Devices/provisioningServices/certificates", as_text=True),
}
VERIFIED = "pulumi-python:dynamic/hubtrust:VerifiedCertificate"


def of_the_plugin(way: Way) -> Way:
    """The same of hubtrust's resources, with the type that a program in any language has."""

    def declared(facts: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        type_, properties = way(facts)
        return type_.replace("pulumi-python:dynamic/hubtrust:", "hubtrust:index:"), properties

    return declared


OURS: Way = lambda facts: (  # noqa: E731 - one of the ways, like those above
    VERIFIED,
    _present(name="ca", serviceId=HUB_ID, certificate=facts.get("certificate"), attest=facts.get("isVerified")),
)
SERVICE_ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/provisioningServices/d"
OURS_ON_A_SERVICE: Way = lambda facts: (  # noqa: E731 - as above
    VERIFIED,
    _present(name="ca", serviceId=SERVICE_ID, certificate=facts.get("certificate"), attest=facts.get("isVerified")),
)
ENROLLMENT_GROUP = "pulumi-python:dynamic/hubtrust:EnrollmentGroupEntry"
INDIVIDUAL_ENROLLMENT = "pulumi-python:dynamic/hubtrust:IndividualEnrollmentEntry"
# By signing certificates: the facts have one certificate, which is the first or the second of two.
SIGNED_GROUPS: dict[str, Way] = {
    "primary": lambda facts: (ENROLLMENT_GROUP, {"serviceId": SERVICE_ID, "groupId": "g", "signingCertificates": [facts["certificate"]]}),
    "secondary": lambda facts: (
        ENROLLMENT_GROUP,
        {"serviceId": SERVICE_ID, "groupId": "g", "signingCertificates": [facts["beside"], facts["certificate"]]},
    ),
}
ENROLLMENTS: dict[str, Way] = {
    "group": lambda facts: (ENROLLMENT_GROUP, {"serviceId": SERVICE_ID, "groupId": "g", **facts}),
    "individual": lambda facts: (INDIVIDUAL_ENROLLMENT, {"serviceId": SERVICE_ID, "registrationId": "r", **facts}),
}
for every in (SIGNED_GROUPS, ENROLLMENTS):
    every |= {f"{name}-of-the-plugin": of_the_plugin(way) for name, way in every.items()}
GROUPS: dict[str, Way] = {
    "native": lambda facts: ("azure-native:resources:ResourceGroup", _present(resourceGroupName="g", **facts)),
    "native-of-a-version": lambda facts: ("azure-native_resources_v20240301:resources:ResourceGroup", dict(facts)),
    "native-2-of-a-version": lambda facts: ("azure-native:resources/v20230701:ResourceGroup", dict(facts)),
    "classic": lambda facts: ("azure:core/resourceGroup:ResourceGroup", _present(name="g", **facts)),
    "azurerm": lambda facts: ("azurerm:index/resourceGroup:ResourceGroup", _present(name="g", **facts)),
    "azapi": lambda facts: (
        "azapi:index/resource:Resource",
        {"type": "Microsoft.Resources/resourceGroups@2024-03-01", "body": {}, **facts},
    ),
    "azapi-tags-in-the-body": lambda facts: (
        "azapi:index/resource:Resource",
        {"type": "Microsoft.Resources/resourceGroups@2024-03-01", "body": dict(facts)},
    ),
}
ROLES: dict[str, Way] = {
    "native": lambda facts: ("azure-native:authorization:RoleAssignment", dict(facts)),
    "native-of-a-version": lambda facts: ("azure-native:authorization/v20220401:RoleAssignment", dict(facts)),
    "eligible": lambda facts: ("azure-native:authorization:PimRoleEligibilitySchedule", dict(facts)),
    "classic": lambda facts: ("azure:authorization/assignment:Assignment", dict(facts)),
    "classic-old": lambda facts: ("azure:role/assignment:Assignment", dict(facts)),
    "classic-active": lambda facts: ("azure:pim/activeRoleAssignment:ActiveRoleAssignment", dict(facts)),
    "azurerm": lambda facts: ("azurerm:index/roleAssignment:RoleAssignment", dict(facts)),
    "azapi": lambda facts: (
        "azapi:index/resource:Resource",
        {
            "type": "Microsoft.Authorization/roleAssignments@2022-04-01",
            "parentId": facts["scope"],
            "body": {"properties": {name: value for name, value in facts.items() if name != "scope"}},
        },
    ),
}
