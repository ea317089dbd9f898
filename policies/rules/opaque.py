"""The rule on declarations that can't be read: what they make in Azure is not among their inputs."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from .arm_resources import azapi_type, read_any_case
from .arm_types import is_name, is_path, types_at
from .commands import COMMANDS, unreadable_command
from .declared_ways import arm_resource, is_of_a_kind, native_type
from .opaque_types import HOLDERS, why_opaque
from .resource import UNKNOWN, NotKnownYetError
from .templates import artifact, deployment, policy, reasons_inside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .arm_resources import ArmResource
    from .resource import Resource

    Settings = Mapping[str, Any]

_REMEDY: Final = "declare what it makes as resources of their own; if somebody has read it, put its URN into the setting reviewed"
_UNREADABLE_TYPE: Final = "its type can't be read: it is no namespace and names, divided by single slashes"
_READS: Final = {"get", "head"}
# Custom resources of operators that make Azure's: Azure Service Operator (devices.azure.com) and Crossplane (devices.azure.upbound.io).
_OPERATORS: Final = re.compile(r"kubernetes:devices\.azure\.[a-z.]+/\w+:\w+")

# Terraform modules (github.com/pulumi/pulumi-terraform-module): the module itself, and in some versions each resource in it.
_MODULE: Final = re.compile(r"[\w-]+:index:Module")
_IN_A_MODULE: Final = re.compile(
    r"[\w-]+:tf:(?:azapi_\w+|azurerm_(?:iothub\w*|resource_group|role_\w+|pim_\w+|\w*template_deployment"
    r"|resource_deployment_script_\w+|managed_application|blueprint_assignment|policy_definition))"
)


def opaque_declarations(resource: Resource, settings: Settings) -> Iterator[str]:
    """Nothing is declared in a way that other rules can't read: by a template, script or command that may make a hub, or by a patch to one.

    Reason: a rule that can't see a hub can't hold it to anything, so that a template would be the way around every other rule. A
    template is allowed if it can be read and has no resource that a rule is about. `types` adds type tokens that are refused (with
    `*` and `?`), `reviewed` has the URNs of declarations that somebody has read.
    Source: learn.microsoft.com/azure/azure-resource-manager/templates/overview.
    """
    if resource.urn and resource.urn in settings["reviewed"]:
        return
    for pattern in settings["types"]:
        if fnmatchcase(resource.declared_type, pattern):
            yield f"the type {resource.declared_type} is one that this environment can't read ({pattern}): {_REMEDY}"
            return
    try:
        for reason in _reasons(resource):
            yield f"{reason}: {_REMEDY}"
    except RecursionError:
        yield f"{resource.type} has templates inside each other, too deep to be read: {_REMEDY}"


def _reasons(resource: Resource) -> Iterator[str]:
    module, noun = native_type(resource.type)
    if found := arm_resource(resource):
        yield from _arm(found, resource)
    elif judge := _NATIVE.get((module, noun)) or _OTHERS.get(resource.type):
        yield from judge(resource)
    elif _OPERATORS.fullmatch(resource.type):
        yield f"{resource.type} has an operator in a cluster make resources in Azure"
    elif _MODULE.fullmatch(resource.type):
        yield f"{resource.type} is the type of a Terraform module, which makes resources that are not among its inputs"
    elif _IN_A_MODULE.fullmatch(resource.type):
        yield f"{resource.type} is a resource in a Terraform module, whose inputs have names that no rule knows"


def _arm(found: ArmResource, resource: Resource) -> Iterator[str]:
    """One of azure-native's generic resources, or azapi's."""
    if not found.type:
        yield _UNREADABLE_TYPE
    elif reason := why_opaque(found.type):
        yield reason
    elif is_of_a_kind(found.type) or found.type in HOLDERS:
        yield from _arm_body(found, resource)
    yield from _odd_places(resource)


def _arm_body(found: ArmResource, resource: Resource) -> Iterator[str]:
    if found.merged:
        yield f"sensitiveBody is merged into the body of this {found.type}, and can change what rules read in it"
    properties = read_any_case(found.body, ("properties",))
    if found.body is UNKNOWN or (found.type in HOLDERS and properties is UNKNOWN):
        raise NotKnownYetError(found.prefix.rstrip(".") if found.body is UNKNOWN else f"{found.prefix}properties")
    if found.body is None:
        yield f"the body of this {found.type} can't be read: it is neither an object nor JSON text"
    elif isinstance(properties, str):
        yield f"properties of this {resource.type} is text, not an object, and can't be read"
    else:
        yield from reasons_inside(found.type, properties, f"{found.prefix}properties")


def _odd_places(resource: Resource) -> Iterator[str]:
    """Names and ids that make another path than their type has: `g/providers/Microsoft.Devices/IotHubs/h` is no name of a group."""
    places = dict.fromkeys(("name", "resourceName", "resourceGroupName"), is_name) | {"parentId": is_path, "resourceId": is_path}
    given = {name: resource.read(name) for name in places}
    for name, value in given.items():
        if value not in (None, "", "/", UNKNOWN) and not places[name](str(value)):
            yield f"{name} has characters that make another path of it in Azure, so that its type can't be read"
    for name, value in given.items():
        if value is UNKNOWN:
            raise NotKnownYetError(name)


def _patch(resource: Resource) -> Iterator[str]:
    """UpdateResource and ResourceAction of azapi: they change a resource that is declared elsewhere, or by nobody.

    An action is the end of a path, which can be that of another resource than `type` and `resourceId` say.
    """
    is_action = resource.type.endswith(":ResourceAction")
    method = str(resource.known("method") or "POST").strip().lower() if is_action else "patch"
    if is_action and method in _READS:
        return
    named = azapi_type(resource)
    reason = _UNREADABLE_TYPE if not named else _why_not_changed(named)
    if reason:
        yield reason
        return
    yield from _odd_places(resource)
    path, action = (str(resource.known(name) or "").strip().strip("/") for name in ("resourceId", "action"))
    if is_action and "/" in action and method != "post":
        yield f"action {action} with method {method.upper()} changes another resource than its type says"
    elif path or action:
        found = types_at("/".join(filter(None, (path, action if is_action else ""))))
        reasons = [each for each in map(_why_not_changed, found) if each]
        if not found:
            yield "resourceId and action make a path that can't be read"
        elif reasons:
            yield reasons[0]


def _why_not_changed(arm_type: str) -> str | None:
    if reason := why_opaque(arm_type):
        return reason
    if is_of_a_kind(arm_type) or arm_type in HOLDERS:
        return f"it changes a {arm_type} after rules have read that resource's own inputs"
    return None


def _deployment(resource: Resource) -> Iterator[str]:
    """Pulumi's resources have the template in `properties`, or, in stacks and the classic provider, beside the other inputs."""
    properties = resource.read("properties")
    yield from deployment(resource.props if properties is None else properties, "" if properties is None else "properties")


def _artifact(resource: Resource) -> Iterator[str]:
    yield from artifact(resource.props, "")


def _policy_definition(resource: Resource) -> Iterator[str]:
    yield from policy(resource.props, "")


def _maker(what: str) -> Callable[[Resource], Iterator[str]]:
    def judge(resource: Resource) -> Iterator[str]:
        yield f"{resource.type} makes resources out of {what}"

    return judge


def _managed_authority(resource: Resource) -> Iterator[str]:
    yield f"{resource.type} is a CA of Azure's own, which linked hubs trust and whose certificate is in no input"


_SCRIPT, _APPLICATION, _BLUEPRINT, _LAB = map(
    _maker, ("a script", "a managed application's template", "a blueprint, which is elsewhere", "a lab's template, which is elsewhere")
)
_NATIVE: Final[Mapping[tuple[str, str], Callable[[Resource], Iterator[str]]]] = {
    **{
        ("resources", f"Deployment{scope}"): _deployment
        for scope in ("", "AtScope", "AtTenantScope", "AtManagementGroupScope", "AtSubscriptionScope")
    },
    **{("resources", f"DeploymentStackAt{scope}"): _deployment for scope in ("ResourceGroup", "Subscription", "ManagementGroup")},
    ("resources", "AzureCliScript"): _SCRIPT,
    ("resources", "AzurePowerShellScript"): _SCRIPT,
    ("solutions", "Application"): _APPLICATION,
    ("blueprint", "Assignment"): _BLUEPRINT,
    ("blueprint", "TemplateArtifact"): _artifact,
    ("blueprint", "RoleAssignmentArtifact"): _artifact,
    ("devtestlab", "Environment"): _LAB,
    **{
        ("authorization", f"Policy{noun}"): _policy_definition
        for noun in ("Definition", "DefinitionAtManagementGroup", "DefinitionVersion", "DefinitionVersionAtManagementGroup")
    },
    ("deviceregistry", "Credential"): _managed_authority,
    ("deviceregistry", "Policy"): _managed_authority,
}
_OTHERS: Final[Mapping[str, Callable[[Resource], Iterator[str]]]] = {
    **dict.fromkeys(COMMANDS, unreadable_command),
    "azapi:index/updateResource:UpdateResource": _patch,
    "azapi:index/resourceAction:ResourceAction": _patch,
    "azure:core/templateDeployment:TemplateDeployment": _deployment,
    "azure:core/resourceGroupTemplateDeployment:ResourceGroupTemplateDeployment": _deployment,
    "azure:core/subscriptionTemplateDeployment:SubscriptionTemplateDeployment": _deployment,
    "azure:core/tenantTemplateDeployment:TenantTemplateDeployment": _deployment,
    "azure:management/groupTemplateDeployment:GroupTemplateDeployment": _deployment,
    "azurerm:index/resourceGroupTemplateDeployment:ResourceGroupTemplateDeployment": _deployment,
    "azurerm:index/subscriptionTemplateDeployment:SubscriptionTemplateDeployment": _deployment,
    "azurerm:index/tenantTemplateDeployment:TenantTemplateDeployment": _deployment,
    "azurerm:index/managementGroupTemplateDeployment:ManagementGroupTemplateDeployment": _deployment,
    "azure:core/resourceDeploymentScriptAzureCli:ResourceDeploymentScriptAzureCli": _SCRIPT,
    "azure:core/resourceDeploymentScriptPowerShell:ResourceDeploymentScriptPowerShell": _SCRIPT,
    "azurerm:index/resourceDeploymentScriptAzureCli:ResourceDeploymentScriptAzureCli": _SCRIPT,
    "azurerm:index/resourceDeploymentScriptAzurePowerShell:ResourceDeploymentScriptAzurePowerShell": _SCRIPT,
    "azure:managedapplication/application:Application": _APPLICATION,
    "azurerm:index/managedApplication:ManagedApplication": _APPLICATION,
    "azure:blueprint/assignment:Assignment": _BLUEPRINT,
    "azurerm:index/blueprintAssignment:BlueprintAssignment": _BLUEPRINT,
    "azure:policy/definition:Definition": _policy_definition,
    "azurerm:index/policyDefinition:PolicyDefinition": _policy_definition,
}
