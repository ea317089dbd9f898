"""What rules can't read, and what looks like it and can be read: templates, actions, paths, policies, artifacts … in every way."""

import json
from typing import Any

from tests.kit.policy_analyzer import Declared
from tests.policies.declared_ways import Way

HUB_IN_A_TEMPLATE = {"resources": [{"type": "Microsoft.Devices/IotHubs", "apiVersion": "2023-06-30", "name": "h"}]}
SITE = {"resources": [{"type": "Microsoft.Web/sites", "name": "s", "resources": [{"type": "config", "name": "web"}]}]}
LINK = {"uri": "https://templates.example/hub.json"}


def _nested(inner: Any) -> dict[str, Any]:
    return {"resources": [{"type": "microsoft.resources/DEPLOYMENTS", "name": "inner", "properties": inner}]}


def _inner(inner: Any) -> dict[str, Any]:
    return {"type": "Microsoft.Resources/deployments", "properties": inner}


def _native_deployment(noun: str) -> Way:
    return lambda properties: (f"azure-native:resources:{noun}", {"properties": {"mode": "Incremental", **properties}})


def _policy(template: Any) -> dict[str, Any]:
    deployment = {"properties": {"mode": "incremental", "template": template}}
    return {"if": {"field": "type"}, "then": {"effect": "deployIfNotExists", "details": {"deployment": deployment}}}


def _changing(effect: str, details: Any) -> dict[str, Any]:
    return {"policyRule": {"if": {"field": "type"}, "then": {"effect": effect, "details": details}}}


def _operations(field: str) -> dict[str, Any]:
    return {"operations": [{"operation": "addOrReplace", "field": field, "value": "Enabled"}]}


EXISTING_HUB = {"h": {"type": "Microsoft.Devices/IotHubs@2023-06-30", "existing": True}}
POLICY = "Microsoft.Authorization/policyDefinitions"
ARTIFACT = "Microsoft.Blueprint/blueprints/artifacts"
PUBLIC = "Microsoft.Devices/IotHubs/publicNetworkAccess"
# What has a template in its properties, beside deployments: the type, the properties, and whether they are refused.
HOLDERS: list[tuple[str, str, Any, bool]] = [
    ("policy-of-a-hub", POLICY, {"policyRule": _policy(HUB_IN_A_TEMPLATE)}, True),
    ("policy-of-a-hub-in-text", POLICY, {"policyRule": json.dumps(_policy(HUB_IN_A_TEMPLATE))}, True),
    ("version-of-a-policy-of-a-hub", f"{POLICY.upper()}/versions", {"policyRule": _policy(HUB_IN_A_TEMPLATE)}, True),
    ("policy-of-a-site", POLICY, {"policyRule": _policy(SITE)}, False),
    ("policy-that-audits", POLICY, {"policyRule": {"if": {}, "then": {"effect": "[parameters('effect')]"}}}, False),
    ("policy-that-is-computed", POLICY, {"policyRule": "[parameters('rule')]"}, True),
    ("policy-with-computed-details", POLICY, _changing("deployIfNotExists", "[parameters('details')]"), True),
    ("policy-in-computed-properties", POLICY, "[parameters('properties')]", True),
    ("policy-that-modifies-a-hub", POLICY, _changing("modify", _operations(PUBLIC)), True),
    ("policy-that-modifies-what-is-computed", POLICY, _changing("modify", _operations("[parameters('field')]")), True),
    ("policy-that-appends-to-a-hub", POLICY, _changing("append", [{"field": PUBLIC.lower(), "value": "Enabled"}]), True),
    ("policy-that-modifies-tags", POLICY, _changing("modify", _operations("tags['owner']")), False),
    ("policy-that-modifies-a-computed-tag", POLICY, _changing("modify", _operations("[concat('tags[', parameters('t'), ']')]")), False),
    ("artifact-of-a-hub", ARTIFACT, {"template": HUB_IN_A_TEMPLATE}, True),
    ("artifact-of-a-hub-in-a-version", "microsoft.blueprint/Blueprints/versions/artifacts", {"template": HUB_IN_A_TEMPLATE}, True),
    ("artifact-of-a-site", ARTIFACT, {"template": SITE}, False),
    ("artifact-of-a-role", ARTIFACT, {"principalIds": ["p"], "roleDefinitionId": "r"}, True),
    ("artifact-of-a-policy", ARTIFACT, {"policyDefinitionId": "p", "parameters": {}}, False),
]


DEPLOYMENTS: dict[str, Way] = {
    **{noun: _native_deployment(noun) for noun in ("Deployment", "DeploymentAtScope", "DeploymentAtSubscriptionScope")},
    **{noun: _native_deployment(noun) for noun in ("DeploymentAtManagementGroupScope", "DeploymentAtTenantScope")},
    "of-a-version": lambda facts: ("azure-native:resources/v20240301:Deployment", {"properties": dict(facts)}),
    "stack": lambda facts: ("azure-native:resources:DeploymentStackAtResourceGroup", dict(facts)),
    "stack-of-a-version": lambda facts: ("azure-native_resources_v20240301:resources:DeploymentStackAtSubscription", dict(facts)),
    "azapi": lambda facts: (
        "azapi:index/resource:Resource",
        {"type": "Microsoft.Resources/deployments@2024-03-01", "body": {"properties": dict(facts)}},
    ),
    "azapi-text": lambda facts: (
        "azapi:index/resource:Resource",
        {"type": "microsoft.resources/deployments@2024-03-01", "body": json.dumps({"properties": dict(facts)})},
    ),
    "generic": lambda facts: (
        "azure-native:resources:Resource",
        {
            "resourceProviderNamespace": "Microsoft.Resources",
            "resourceType": "deployments",
            "parentResourcePath": "",
            "properties": dict(facts),
        },
    ),
}
TEMPLATES: list[tuple[str, dict[str, Any], bool]] = [
    ("a-site", {"template": SITE}, False),
    ("a-site-in-text", {"template": json.dumps(SITE)}, False),
    ("a-site-inside", {"template": _nested({"template": SITE})}, False),
    ("nothing", {"template": {"resources": []}}, False),
    ("a-hub-that-exists", {"template": {"languageVersion": "2.0", "resources": EXISTING_HUB}}, False),
    ("a-hub-that-exists-in-a-preview-language", {"template": {"languageVersion": "2.1-experimental", "resources": EXISTING_HUB}}, False),
    ("a-hub-that-exists-in-version-1", {"template": {"resources": EXISTING_HUB}}, True),
    ("a-hub-that-exists-in-version-1.9", {"template": {"languageVersion": "1.9", "resources": EXISTING_HUB}}, True),
    ("a-hub-that-exists-in-a-computed-version", {"template": {"languageVersion": "[variables('2.0')]", "resources": EXISTING_HUB}}, True),
    ("a-hub-that-exists-in-a-list", {"template": {"languageVersion": "2.0", "resources": list(EXISTING_HUB.values())}}, True),
    (
        "a-hub-that-exists-inside-version-1",
        {"template": {"languageVersion": "2.0", "resources": {"d": _inner({"template": {"resources": EXISTING_HUB}})}}},
        True,
    ),
    (
        "a-hub-that-exists-in-text",
        {"template": {"languageVersion": "2.0", "resources": {"h": {**EXISTING_HUB["h"], "existing": "true"}}}},
        True,
    ),
    ("a-hub", {"template": HUB_IN_A_TEMPLATE}, True),
    ("a-hub-in-text", {"template": json.dumps(HUB_IN_A_TEMPLATE)}, True),
    ("a-hub-by-name", {"template": {"resources": {"h": {"type": "microsoft.devices/iothubs@2023-06-30"}}}}, True),
    ("a-hub-in-other-case", {"template": {"RESOURCES": [{"TYPE": "MICROSOFT.DEVICES/IOTHUBS"}]}}, True),
    ("a-hub-inside", {"template": _nested({"template": HUB_IN_A_TEMPLATE})}, True),
    ("a-certificate-below-a-hub", {"template": {"resources": [{"type": "Microsoft.Devices/IotHubs/Certificates"}]}}, True),
    (
        "a-certificate-of-a-hub-that-exists",
        {
            "template": {
                "languageVersion": "2.0",
                "resources": {"h": {**EXISTING_HUB["h"], "resources": {"c": {"type": "certificates"}}}},
            }
        },
        True,
    ),
    ("a-role", {"template": {"resources": [{"type": "Microsoft.Authorization/roleAssignments"}]}}, True),
    ("a-role-of-a-site", {"template": {"resources": [{"type": "Microsoft.Web/sites/providers/roleAssignments"}]}}, True),
    (
        "a-role-below-a-site",
        {"template": {"resources": [{"type": "Microsoft.Web/sites", "resources": [{"type": "providers/roleAssignments"}]}]}},
        True,
    ),
    (
        "a-role-in-a-long-type",
        {"template": {"resources": [{"type": "Microsoft.Web/sites/providers/Microsoft.Authorization/roleAssignments"}]}},
        True,
    ),
    (
        "a-role-with-its-whole-type-below-a-site",
        {"template": {"resources": [{"type": "Microsoft.Web/sites", "resources": [{"type": "Microsoft.Authorization/roleAssignments"}]}]}},
        True,
    ),
    ("a-lock-of-a-site", {"template": {"resources": [{"type": "Microsoft.Web/sites/providers/locks"}]}}, False),
    ("a-type-with-dots", {"template": {"resources": [{"type": "Microsoft.Web/../Microsoft.Devices/IotHubs"}]}}, True),
    ("a-type-with-two-slashes", {"template": {"resources": [{"type": "Microsoft.Devices//IotHubs"}]}}, True),
    *(
        (f"{name}-inside", {"template": {"resources": [{"type": kind, "properties": properties}]}}, refused)
        for name, kind, properties, refused in HOLDERS
    ),
    ("too-deep", {"template": "[" * 200_000}, True),
    ("too-deep-inside", {"template": '{"resources":[{"type":"A.B/c",' * 450 + "}]" * 450 + "}"}, True),
    ("a-script", {"template": {"resources": [{"type": "Microsoft.Resources/deploymentScripts"}]}}, True),
    ("a-type-that-is-computed", {"template": {"resources": [{"type": "[parameters('type')]"}]}}, True),
    ("resources-that-are-computed", {"template": {"resources": "[parameters('resources')]"}}, True),
    ("a-link-inside", {"template": _nested({"templateLink": LINK})}, True),
    ("computed-inside", {"template": _nested("[parameters('deployment')]")}, True),
    ("a-link", {"templateLink": LINK}, True),
    ("a-link-beside-a-template", {"template": SITE, "templateLink": {"id": "/subscriptions/s/x"}}, True),
    ("another-deployment-on-errors", {"template": SITE, "onErrorDeployment": {"type": "LastSuccessful"}}, True),
    ("no-json", {"template": "{ // a comment"}, True),
    ("no-template", {}, True),
]
_COMMANDS: list[tuple[str, str, bool]] = [
    ("that-enrols-a-group", "az iot dps enrollment-group create --dps-name d -g g --enrollment-id e --cp ca.pem", True),
    ("that-enrols-in-two-lines", "set -e\naz iot dps\tenrollment   create --at symmetrickey --eid e", True),
    ("that-makes-a-hub", "AZ.cmd IOT HUB CREATE -n h -g g", True),
    ("that-links-a-hub", "az iot dps show -n d && az iot dps linked-hub create --dps-name d", True),
    ("of-powershell", "Add-AzIoTDeviceProvisioningServiceEnrollmentGroup -DpsName d", True),
    ("that-asks-the-service-api", "curl -X PUT https://d.azure-devices-provisioning.net/enrollmentGroups/e", True),
    ("that-asks-resource-manager", "az rest -m put -u /subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/h", True),
    ("that-shows", "az iot dps enrollment-group show --eid e; az iot hub list; az iot hub device-identity list", False),
    ("that-enrols-itself", "curl --cert c.pem https://global.azure-devices-provisioning.net/0ne1/registrations/r/register", False),
    ("of-something-else", "az group list && echo azure-devices", False),
]
COMMANDS = [
    (f"{place}-{name}", Declared(f"command:{place}:Command", {("create", "update")[number % 2]: text}), refused)
    for place in ("local", "remote")
    for number, (name, text, refused) in enumerate(_COMMANDS)
]
AZAPI = "azapi:index/resource:Resource"
GENERIC = "azure-native:resources:Resource"
GROUP_ID = "/subscriptions/s/resourceGroups/g"
HUB_AT = "providers/Microsoft.Devices/IotHubs/h"
WEB = "Microsoft.Web/sites@2023-01-01"


def _generic(namespace: str, parent: str, kind: str, **more: Any) -> Declared:
    return Declared(GENERIC, {"resourceProviderNamespace": namespace, "parentResourcePath": parent, "resourceType": kind, **more})


def _action(kind: str, at: str, action: str = "", method: str | None = None) -> Declared:
    given = {"type": kind, "resourceId": at, "action": action, "method": method}
    return Declared("azapi:index/resourceAction:ResourceAction", {name: value for name, value in given.items() if value is not None})


# azapi's actions: the path that is made of resourceId and action counts, beside the type.
ACTIONS = [
    (
        "put-of-a-hub",
        _action("Microsoft.Resources/subscriptions@2023-06-30", "/subscriptions/s", f"resourceGroups/g/{HUB_AT}", "PUT"),
        True,
    ),
    ("put-of-a-hub-by-its-name", _action(WEB, f"{GROUP_ID}/providers/Microsoft.Devices/IotHubs", "h", "PUT"), True),
    ("put-of-a-certificate", _action(WEB, f"{GROUP_ID}/{HUB_AT}/certificates", "c", "put"), True),
    ("patch-of-a-hub", _action(WEB, f"{GROUP_ID}/providers/Microsoft.Web/sites/s", f"../../../{HUB_AT}", "PATCH"), True),
    ("patch-of-a-hub-in-its-id", _action(WEB, f"{GROUP_ID}/{HUB_AT}", method="PATCH"), True),
    ("verify", _action(WEB, f"{GROUP_ID}/{HUB_AT}", "certificates/c/verify", "POST"), True),
    ("verify-by-default", _action(WEB, f"{GROUP_ID}/{HUB_AT}/certificates/c", "verify"), True),
    ("delete-below", _action("Microsoft.Resources/subscriptions@1", "/subscriptions/s", f"resourceGroups/g/{HUB_AT}", "DELETE"), True),
    ("put-below-a-site", _action(WEB, f"{GROUP_ID}/providers/Microsoft.Web/sites/s", "config/web", "PUT"), True),
    ("deployment", _action(WEB, GROUP_ID, "providers/Microsoft.Resources/deployments/d", "PUT"), True),
    ("policy", _action(WEB, f"/subscriptions/s/providers/{POLICY}", "p", "PUT"), True),
    (
        "role-on-a-resource-named-providers",
        _action(WEB, "/subscriptions/s/resourceGroups/providers/providers/Microsoft.Authorization/roleAssignments/r", "", "PUT"),
        True,
    ),
    ("hub-named-providers", _action(WEB, f"{GROUP_ID}/providers/Microsoft.Devices/IotHubs/providers/certificates/c", "", "PUT"), True),
    ("batch", _action("Microsoft.Resources/tenants@1", "/", "batch", "POST"), True),
    ("query", _action(WEB, f"{GROUP_ID}/{HUB_AT}?x=", "providers/Microsoft.Web/sites/s", "POST"), True),
    ("encoded", _action(WEB, f"{GROUP_ID}/providers/Microsoft.Web/sites/s", "..%2F..%2fMicrosoft.Devices%2FIotHubs%2Fh", "POST"), True),
    (
        "type-with-dots",
        _action("Microsoft.Web/../Microsoft.Devices/IotHubs@1", f"{GROUP_ID}/providers/Microsoft.Web/sites/s", "start"),
        True,
    ),
    ("start-of-a-site", _action(WEB, f"{GROUP_ID}/providers/Microsoft.Web/sites/s", "start"), False),
    ("put-of-a-site", _action(WEB, f"{GROUP_ID}/providers/Microsoft.Web/sites/s", "", "PUT"), False),
    ("restart-of-a-slot", _action(WEB, f"{GROUP_ID}/providers/Microsoft.Web/sites/s", "slots/x/restart", "POST"), False),
    (
        "register",
        _action("Microsoft.Resources/providers@2021-04-01", "/subscriptions/s/providers/Microsoft.Devices", "register", "POST"),
        False,
    ),
    (
        "register-below-a-subscription",
        _action("Microsoft.Resources/subscriptions@2021-04-01", "/subscriptions/s", "providers/Microsoft.Devices/register", "POST"),
        False,
    ),
    ("read-of-a-hub", _action(WEB, f"{GROUP_ID}/{HUB_AT}", method="GET"), False),
]
# Types and names that make another path in Azure than they seem to.
ODD_PATHS = [
    ("dots-in-the-parent", _generic("Microsoft.Storage", "../Microsoft.Devices", "IotHubs"), True),
    ("dot-in-the-parent", _generic("Microsoft.Devices", ".", "IotHubs"), True),
    ("dots-in-the-type", _generic("Microsoft.Storage", "", "../Microsoft.Devices/IotHubs"), True),
    ("dots-in-the-namespace", _generic("Microsoft.Storage/../Microsoft.Devices", "", "IotHubs"), True),
    ("encoded-dots", _generic("Microsoft.Storage", "%2e%2e/Microsoft.Devices", "IotHubs"), True),
    ("query-in-the-type", _generic("Microsoft.Devices", "", "IotHubs/h?x="), True),
    ("name-in-the-type", _generic("Microsoft.Devices", "", "IotHubs/h"), True),
    ("name-in-the-group", _generic("Microsoft.Web", "", "sites", resourceGroupName=f"g/{HUB_AT}"), True),
    (
        "role-on-a-site",
        _generic(
            "Microsoft.Web",
            "sites/s/providers/Microsoft.Authorization",
            "policyDefinitions",
            properties={"policyRule": _policy(HUB_IN_A_TEMPLATE)},
        ),
        True,
    ),
    ("generic-site", _generic("Microsoft.Web", "", "sites", resourceName="s (1)"), False),
    ("generic-child", _generic("Microsoft.Web", "sites/s.x-1_(2)", "config"), False),
    ("azapi-dots", Declared(AZAPI, {"type": "Microsoft.Storage/../Microsoft.Devices/IotHubs@1"}), True),
    ("azapi-two-slashes", Declared(AZAPI, {"type": "Microsoft.Devices//IotHubs@1"}), True),
    ("azapi-dotless-i", Declared(AZAPI, {"type": "Microsoft.Dev\u0131ces/IotHubs@1"}), True),
    ("azapi-no-namespace", Declared(AZAPI, {"type": "IotHubs@1"}), True),
    ("azapi-short", Declared(AZAPI, {"type": "Microsoft.Web/sites/providers/roleAssignments@1"}), True),
    ("azapi-name", Declared(AZAPI, {"type": "Microsoft.Resources/resourceGroups@1", "name": f"g/{HUB_AT}"}), True),
    ("azapi-parent", Declared(AZAPI, {"type": WEB, "name": "s", "parentId": f"{GROUP_ID}/{HUB_AT}?x="}), True),
    ("azapi-parent-dots", Declared(AZAPI, {"type": WEB, "name": "s", "parentId": f"{GROUP_ID}/../g2"}), True),
    ("azapi-site", Declared(AZAPI, {"type": WEB, "name": "s", "parentId": GROUP_ID}), False),
    ("azapi-tenant", Declared(AZAPI, {"type": "Microsoft.Management/managementGroups@1", "name": "m", "parentId": "/"}), False),
    ("azapi-patch", Declared("azapi:index/updateResource:UpdateResource", {"type": WEB, "resourceId": f"{GROUP_ID}/{HUB_AT}"}), True),
    ("azapi-patch-dots", Declared("azapi:index/updateResource:UpdateResource", {"type": "Microsoft.Web/../x/y"}), True),
]
OPAQUE = [
    *((f"command-{name}", declared, refused) for name, declared, refused in COMMANDS),
    *((f"action-{name}", declared, refused) for name, declared, refused in ACTIONS),
    *((f"path-{name}", declared, refused) for name, declared, refused in ODD_PATHS),
    *(
        (f"azapi-{name}", Declared(AZAPI, {"type": f"{kind}@2025-01-01", "body": {"properties": properties}}), refused)
        for name, kind, properties, refused in HOLDERS
    ),
    *(
        (f"azapi-text-{name}", Declared(AZAPI, {"type": kind, "body": json.dumps({"properties": properties})}), refused)
        for name, kind, properties, refused in HOLDERS
    ),
    *(
        (f"generic-{name}", _generic(kind.partition("/")[0], "", kind.partition("/")[2], properties=properties), refused)
        for name, kind, properties, refused in HOLDERS
        if kind == POLICY
    ),
    *(
        (f"generic-{name}", _generic("Microsoft.Blueprint", "blueprints/b", "artifacts", properties=properties), refused)
        for name, kind, properties, refused in HOLDERS
        if kind == ARTIFACT
    ),
    *(
        (f"native-{name}", Declared("azure-native:authorization:PolicyDefinition", properties), refused)
        for name, kind, properties, refused in HOLDERS
        if kind == POLICY and isinstance(properties, dict)
    ),
    ("native-artifact-of-a-role", Declared("azure-native:blueprint:RoleAssignmentArtifact", {"principalIds": ["p"]}), True),
    (
        "azapi-sensitive-body-of-a-deployment",
        Declared(
            AZAPI,
            {
                "type": "Microsoft.Resources/deployments@1",
                "body": {"properties": {"template": SITE}},
                "sensitiveBody": {"properties": {"template": HUB_IN_A_TEMPLATE}},
            },
        ),
        True,
    ),
    ("azapi-body-too-deep", Declared(AZAPI, {"type": "Microsoft.Devices/IotHubs@1", "body": "[" * 200_000}), True),
    *((f"{name}-{way}", Declared(*write(facts)), refused) for way, write in DEPLOYMENTS.items() for name, facts, refused in TEMPLATES),
    *(
        (f"classic-{scope}-{name}", Declared(token, {"name": "d", "templateContent": json.dumps(template)}), template is HUB_IN_A_TEMPLATE)
        for scope, token in {
            "group": "azure:core/resourceGroupTemplateDeployment:ResourceGroupTemplateDeployment",
            "subscription": "azure:core/subscriptionTemplateDeployment:SubscriptionTemplateDeployment",
            "tenant": "azure:core/tenantTemplateDeployment:TenantTemplateDeployment",
            "management-group": "azure:management/groupTemplateDeployment:GroupTemplateDeployment",
            "azurerm": "azurerm:index/resourceGroupTemplateDeployment:ResourceGroupTemplateDeployment",
        }.items()
        for name, template in {"site": SITE, "hub": HUB_IN_A_TEMPLATE}.items()
    ),
    ("classic-old", Declared("azure:core/templateDeployment:TemplateDeployment", {"templateBody": json.dumps(HUB_IN_A_TEMPLATE)}), True),
    (
        "classic-template-spec",
        Declared(
            "azure:core/resourceGroupTemplateDeployment:ResourceGroupTemplateDeployment", {"templateSpecVersionId": "/subscriptions/s/x"}
        ),
        True,
    ),
    ("script", Declared("azure-native:resources:AzureCliScript", {"scriptContent": "true"}), True),
    ("script-classic", Declared("azure:core/resourceDeploymentScriptPowerShell:ResourceDeploymentScriptPowerShell"), True),
    ("application", Declared("azure-native:solutions:Application", {"kind": "ServiceCatalog"}), True),
    ("application-classic", Declared("azure:managedapplication/application:Application"), True),
    ("application-azapi", Declared("azapi:index/resource:Resource", {"type": "Microsoft.Solutions/applications@2021-07-01"}), True),
    ("blueprint", Declared("azure-native:blueprint:Assignment"), True),
    ("blueprint-classic", Declared("azure:blueprint/assignment:Assignment"), True),
    ("artifact", Declared("azure-native:blueprint:TemplateArtifact", {"kind": "template", "template": HUB_IN_A_TEMPLATE}), True),
    ("artifact-of-a-site", Declared("azure-native:blueprint:TemplateArtifact", {"kind": "template", "template": SITE}), False),
    ("policy", Declared("azure-native:authorization:PolicyDefinition", {"policyRule": _policy(HUB_IN_A_TEMPLATE)}), True),
    ("policy-classic", Declared("azure:policy/definition:Definition", {"policyRule": json.dumps(_policy(HUB_IN_A_TEMPLATE))}), True),
    ("policy-of-a-site", Declared("azure-native:authorization:PolicyDefinition", {"policyRule": _policy(SITE)}), False),
    ("policy-that-denies", Declared("azure:policy/definition:Definition", {"policyRule": '{"then": {"effect": "deny"}}'}), False),
    ("lab", Declared("azure-native:devtestlab:Environment"), True),
    ("registry-authority", Declared("azure-native:deviceregistry:Credential"), True),
    ("registry-asset", Declared("azure-native:deviceregistry:Asset"), False),
    ("operator", Declared("kubernetes:devices.azure.com/v1api20210702:IotHub"), True),
    ("operator-crossplane", Declared("kubernetes:devices.azure.upbound.io/v1beta1:IOTHub"), True),
    ("terraform-module", Declared("hubs:index:Module", {"location": "westeurope"}), True),
    ("hub-in-a-terraform-module", Declared("hubs:tf:azurerm_iothub", {"min_tls_version": "1.0"}), True),
    ("azapi-in-a-terraform-module", Declared("hubs:tf:azapi_resource"), True),
    ("site-in-a-terraform-module", Declared("hubs:tf:azurerm_linux_web_app"), False),
    ("pod", Declared("kubernetes:core/v1:Pod"), False),
    ("patch", Declared("azapi:index/updateResource:UpdateResource", {"type": "Microsoft.Devices/IotHubs@2023-06-30"}), True),
    ("patch-of-a-site", Declared("azapi:index/updateResource:UpdateResource", {"type": "Microsoft.Web/sites@2023-01-01"}), False),
    (
        "action",
        Declared("azapi:index/resourceAction:ResourceAction", {"type": "Microsoft.Devices/iotHubs@2023-06-30", "method": "PATCH"}),
        True,
    ),
    (
        "action-that-reads",
        Declared("azapi:index/resourceAction:ResourceAction", {"type": "Microsoft.Devices/IotHubs@1", "method": "GET"}),
        False,
    ),
    ("tenant", Declared("azapi:index/resource:Resource", {"type": "Microsoft.Devices/elasticPools/iotHubTenants@2018-01-22"}), True),
    (
        "consumers",
        Declared("azapi:index/resource:Resource", {"type": "Microsoft.Devices/IotHubs/eventHubEndpoints/ConsumerGroups@1"}),
        False,
    ),
    (
        "body-that-is-no-json",
        Declared("azapi:index/resource:Resource", {"type": "Microsoft.Devices/IotHubs@1", "body": "properties:"}),
        True,
    ),
    (
        "sensitive-body",
        Declared("azapi:index/resource:Resource", {"type": "Microsoft.Devices/IotHubs@1", "body": {}, "sensitiveBody": {"properties": {}}}),
        True,
    ),
    ("setting", Declared("elsewhere:index:Hub1"), True),
    ("setting-reviewed", Declared("elsewhere:index:Hub1", name="read"), False),
    ("elsewhere", Declared("elsewhere:index:Site"), False),
]
