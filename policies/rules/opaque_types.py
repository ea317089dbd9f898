"""ARM types that rules can't read, whatever their bodies have, and those that have a template in theirs."""

from __future__ import annotations

from typing import Final

from .declared_ways import arm_types, is_of_a_kind

# Types that make others out of what can't be read here, and what that is.
_MAKERS: Final = {
    "microsoft.resources/deploymentstacks": "a template",
    "microsoft.resources/deploymentscripts": "a script",
    "microsoft.solutions/applications": "a managed application's template",
    "microsoft.blueprint/blueprintassignments": "a blueprint",
    "microsoft.devtestlab/labs/users/environments": "a lab's template",
}
# Types that have a template, or a policy with one, in their own properties.
DEPLOYMENTS: Final = "microsoft.resources/deployments"
POLICIES: Final = {"microsoft.authorization/policydefinitions", "microsoft.authorization/policydefinitions/versions"}
ARTIFACTS: Final = {"microsoft.blueprint/blueprints/artifacts", "microsoft.blueprint/blueprints/versions/artifacts"}
HOLDERS: Final = frozenset({DEPLOYMENTS, *POLICIES, *ARTIFACTS})
# Children of a hub or provisioning service that let nobody in and hold nothing that a rule asks for.
_HARMLESS: Final = {
    "microsoft.devices/iothubs/eventhubendpoints/consumergroups",
    "microsoft.devices/iothubs/privateendpointconnections",
    "microsoft.devices/provisioningservices/privateendpointconnections",
}
# CAs of Azure's own, which a hub that is linked with their namespace trusts; their certificates are among nobody's inputs.
_MANAGED_AUTHORITIES: Final = (
    "microsoft.deviceregistry/namespaces/credentials",
    "microsoft.deviceregistry/namespaces/certificateauthorities",
)
_IN_SHORT: Final = {each.partition("/")[2] for each in (*arm_types(), *_MAKERS, *HOLDERS, *_MANAGED_AUTHORITIES)}


def why_opaque(arm_type: str) -> str | None:
    """Why a resource of an ARM type, in lower case, can't be read even if its whole body can be; None if it can, or need not, be."""
    if maker := _MAKERS.get(arm_type):
        return f"{arm_type} makes resources out of {maker}"
    if arm_type.startswith(_MANAGED_AUTHORITIES):
        return f"{arm_type} is a CA of Azure's own, which linked hubs trust and whose certificate is in no input"
    if arm_type.startswith("microsoft.devices/") and not is_of_a_kind(arm_type) and arm_type not in _HARMLESS:
        return f"{arm_type} belongs to a hub or provisioning service in a way that no rule knows"
    return None


def may_be_opaque(short_type: str) -> bool:
    """Whether a type without its namespace may be one of a kind, or one that can't be read, in lower case."""
    return short_type in _IN_SHORT
