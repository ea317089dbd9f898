"""The resource options of a component that an engine asks for, as its constructor takes them."""

from typing import Any

import pulumi
from pulumi.provider.server import ProviderServicer
from pulumi.resource import DependencyProviderResource, DependencyResource
from pulumi.runtime.resource import _struct_value_to_python
from pulumi.runtime.resource_hooks import _binding_from_proto


def options_of(request: Any) -> pulumi.ResourceOptions:
    """The options in a ConstructRequest. What is inherited from the parent was found by the program's SDK, and is in it too.

    Providers are named by their references alone: Pulumi's own reader loads their package for that, azure-native's thousands of classes.
    """
    timeouts = request.customTimeouts
    given = {name: getattr(timeouts, name) for name in ("create", "update", "delete", "read") if getattr(timeouts, name)}
    return pulumi.ResourceOptions(
        parent=DependencyResource(request.parent) if request.parent else None,
        depends_on=[DependencyResource(urn) for urn in request.dependencies],
        providers={package: DependencyProviderResource(reference) for package, reference in request.providers.items()},
        aliases=[ProviderServicer._alias_from_proto(one) for one in request.aliases],  # noqa: SLF001 - it has no other name
        protect=request.protect,
        retain_on_delete=request.retainOnDelete,
        ignore_changes=list(request.ignoreChanges),
        replace_on_changes=list(request.replaceOnChanges),
        custom_timeouts=pulumi.CustomTimeouts(**given) if given else None,
        deleted_with=DependencyResource(request.deletedWith) if request.deletedWith else None,
        replace_with=[DependencyResource(urn) for urn in request.replace_with] or None,
        replacement_trigger=_struct_value_to_python(request.replacement_trigger) if request.HasField("replacement_trigger") else None,
        hooks=_binding_from_proto(request.resource_hooks),
    )
