"""Retention: a stack that is destroyed and leaves its resources in Azure."""

import pulumi


def retain_everything(*, when: bool) -> None:
    """From here on, no resource is deleted in Azure when it leaves the stack. Call it before the first resource is declared.

    Args:
        when: True: they stay; False: nothing is changed.
    """
    if when:
        pulumi.runtime.register_resource_transform(_retained)


def _retained(resource: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult:
    opts = pulumi.ResourceOptions.merge(resource.opts, pulumi.ResourceOptions(retain_on_delete=True))
    return pulumi.ResourceTransformResult(props=resource.props, opts=opts)
