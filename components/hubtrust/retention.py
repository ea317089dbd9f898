"""Retention: a stack that goes and leaves everything where it is."""

import pulumi


def retain_everything(*, when: bool) -> None:
    """From here on no resource is deleted in its service when it leaves the stack; call it before the first is declared."""
    if when:
        pulumi.runtime.register_resource_transform(_retained)


def _retained(resource: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult:
    opts = pulumi.ResourceOptions.merge(resource.opts, pulumi.ResourceOptions(retain_on_delete=True))
    return pulumi.ResourceTransformResult(props=resource.props, opts=opts)
