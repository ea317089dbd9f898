"""What an ARM template can declare that rules would have to read: they see a template's resource as one value, with expressions in it.

A template that names no such type, and hides none, is no reason to refuse anything.
Source: learn.microsoft.com/azure/azure-resource-manager/templates/syntax (types are literals; `resources` is a list, or a mapping since
language version 2.0), .../linked-templates, .../child-resource-name-type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from .arm_resources import from_json, read_any_case
from .declared_ways import is_of_a_kind
from .resource import TWICE, UNKNOWN, NotKnownYetError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Types that make others out of what can't be read here, and what that is.
_MAKERS: Final = {
    "microsoft.resources/deploymentstacks": "a template",
    "microsoft.resources/deploymentscripts": "a script",
    "microsoft.solutions/applications": "a managed application's template",
    "microsoft.blueprint/blueprintassignments": "a blueprint",
    "microsoft.devtestlab/labs/users/environments": "a lab's template",
}
DEPLOYMENTS: Final = "microsoft.resources/deployments"
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


def why_opaque(arm_type: str) -> str | None:
    """Why a resource of an ARM type, in lower case, can't be read even if its whole body can be; None if it can, or need not, be."""
    if maker := _MAKERS.get(arm_type):
        return f"{arm_type} makes resources out of {maker}"
    if arm_type.startswith(_MANAGED_AUTHORITIES):
        return f"{arm_type} is a CA of Azure's own, which linked hubs trust and whose certificate is in no input"
    if arm_type.startswith("microsoft.devices/") and not is_of_a_kind(arm_type) and arm_type not in _HARMLESS:
        return f"{arm_type} belongs to a hub or provisioning service in a way that no rule knows"
    return None


def unreadable(template: Any, where: str) -> Iterator[str]:
    """Why rules can't tell what a template makes, or what it makes that they would have to read.

    Raises:
        NotKnownYetError: a part that says which types there are is not known yet; ``where`` begins its place.
    """
    template = from_json(template)
    if template is UNKNOWN:
        raise NotKnownYetError(where)
    if not isinstance(template, Mapping):
        yield f"{where} is no template that can be read"
        return
    yield from _resources(read_any_case(template, ("resources",)), "", f"{where}.resources")


def _resources(resources: Any, parent: str, where: str) -> Iterator[str]:
    if resources is UNKNOWN:
        raise NotKnownYetError(where)
    if resources is None:
        return
    if isinstance(resources, Mapping):
        every = [(f"{where}.{name}", read_any_case(resources, (name,))) for name in resources]
    elif isinstance(resources, Sequence) and not isinstance(resources, str):
        every = [(f"{where}[{place}]", read_any_case(resources, (place,))) for place in range(len(resources))]
    else:
        yield f"{where} is not a list that can be read"
        return
    for place, each in every:
        yield from _resource(each, parent, place)


def _resource(resource: Any, parent: str, where: str) -> Iterator[str]:
    kind = read_any_case(resource, ("type",))
    if resource is UNKNOWN or kind is UNKNOWN:
        raise NotKnownYetError(f"{where}.type")
    if not isinstance(kind, str) or kind == TWICE or "[" in kind:
        yield f"{where} has no type that can be read"
        return
    whole = f"{parent}/{kind}" if parent else kind
    arm_type = whole.partition("@")[0].strip("/ ").lower()  # Bicep's symbolic names have the API version in the type
    if read_any_case(resource, ("existing",)) is not True:
        if reason := why_opaque(arm_type):
            yield f"{where}: {reason}"
        elif is_of_a_kind(arm_type):
            yield f"{where} is a {whole}, which rules can't read in a template"
        elif arm_type == DEPLOYMENTS:
            yield from deployment(read_any_case(resource, ("properties",)), f"{where}.properties")
    yield from _resources(read_any_case(resource, ("resources",)), whole.partition("@")[0], f"{where}.resources")


def deployment(properties: Any, where: str) -> Iterator[str]:
    """Why rules can't tell what a deployment makes: its template is elsewhere, or can't be read.

    Raises:
        NotKnownYetError: its template is not known yet.
    """
    if properties is UNKNOWN:
        raise NotKnownYetError(where)
    for name in ("templateLink", "templateSpecVersionId", "onErrorDeployment"):  # the last is an earlier deployment's template
        link = read_any_case(properties, (name,))
        if link is UNKNOWN:
            raise NotKnownYetError(f"{where}.{name}".lstrip("."))
        if link:
            yield f"{f'{where}.{name}'.lstrip('.')} names a template that is elsewhere"
            return
    for name in ("template", "templateContent", "templateBody"):
        template = read_any_case(properties, (name,))
        if template is not None:
            yield from unreadable(template, f"{where}.{name}".lstrip("."))
            return
    yield f"{where or 'it'} has no template that can be read"
