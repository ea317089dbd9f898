"""The rule on declarations that can't be read: what they make in Azure is not among their inputs."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from .arm_resources import azapi_type, from_json, read_any_case
from .declared_ways import arm_resource, is_of_a_kind, native_type
from .resource import UNKNOWN, NotKnownYetError
from .templates import DEPLOYMENTS, deployment, unreadable, why_opaque

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .arm_resources import ArmResource
    from .resource import Resource

    Settings = Mapping[str, Any]

_REMEDY: Final = "declare what it makes as resources of their own; if somebody has read it, put its URN into the setting reviewed"
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
    """Nothing is declared in a way that other rules can't read: by a template or script that may make a hub, or by a patch to one.

    Reason: a rule that can't see a hub can't hold it to anything, so that a template would be the way around every other rule. A
    template is allowed if it can be read and has no resource that a rule is about. `types` adds type tokens that are refused (with
    `*` and `?`), `reviewed` has the URNs of declarations that somebody has read.
    Source: learn.microsoft.com/azure/azure-resource-manager/templates/overview.
    """
    if resource.urn and resource.urn in settings["reviewed"]:
        return
    for pattern in settings["types"]:
        if fnmatchcase(resource.type, pattern):
            yield f"the type {resource.type} is one that this environment can't read ({pattern}): {_REMEDY}"
            return
    for reason in _reasons(resource):
        yield f"{reason}: {_REMEDY}"


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
    if reason := why_opaque(found.type):
        yield reason
    elif found.type == DEPLOYMENTS:
        yield from deployment(read_any_case(found.body, ("properties",)), f"{found.prefix}properties")
    elif is_of_a_kind(found.type):
        if found.body is UNKNOWN:
            raise NotKnownYetError(found.prefix.rstrip("."))
        if found.body is None:
            yield f"the body of this {found.type} can't be read: it is neither an object nor JSON text"
        if found.merged:
            yield f"sensitiveBody is merged into the body of this {found.type}, and can change what rules read in it"
        properties = read_any_case(found.body, ("properties",))
        if properties is not None and properties is not UNKNOWN and isinstance(properties, str):
            yield f"properties of this {resource.type} is text, not an object, and can't be read"
    elif not found.type:
        yield "it names no type"


def _patch(resource: Resource) -> Iterator[str]:
    """UpdateResource and ResourceAction of azapi: they change a resource that is declared elsewhere, or by nobody."""
    arm_type = azapi_type(resource)
    method = str(resource.known("method") or "POST").strip().lower()
    if resource.type.endswith(":ResourceAction") and method in _READS:
        return
    if reason := why_opaque(arm_type):
        yield reason
    elif is_of_a_kind(arm_type) or arm_type == DEPLOYMENTS:
        yield f"it changes a {arm_type} after rules have read that resource's own inputs"


def _deployment(resource: Resource) -> Iterator[str]:
    """Pulumi's resources have the template in `properties`, or, in stacks and the classic provider, beside the other inputs."""
    properties = resource.read("properties")
    yield from deployment(resource.props if properties is None else properties, "" if properties is None else "properties")


def _artifact(resource: Resource) -> Iterator[str]:
    yield from unreadable(resource.read("template"), "template")


def _policy_definition(resource: Resource) -> Iterator[str]:
    """A policy of Azure's with the effect deployIfNotExists has a template, which Azure deploys where the policy is assigned."""
    rule = from_json(resource.read("policyRule"))
    found = read_any_case(rule, ("then", "details", "deployment"))
    if rule is UNKNOWN or found is UNKNOWN:
        raise NotKnownYetError("policyRule")
    if found is not None:
        yield from deployment(read_any_case(found, ("properties",)), "policyRule.then.details.deployment.properties")


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
    ("devtestlab", "Environment"): _LAB,
    **{
        ("authorization", f"Policy{noun}"): _policy_definition
        for noun in ("Definition", "DefinitionAtManagementGroup", "DefinitionVersion", "DefinitionVersionAtManagementGroup")
    },
    ("deviceregistry", "Credential"): _managed_authority,
    ("deviceregistry", "Policy"): _managed_authority,
}
_OTHERS: Final[Mapping[str, Callable[[Resource], Iterator[str]]]] = {
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
