"""The output `state` of an enrollment: whether devices enrol by it, and what became of those of one that is disabled."""

from typing import Required, TypedDict, cast

import pulumi

from hubtrust.dynamic.enrollment_provider import EnrollmentOutputs


class EnrollmentState(TypedDict, total=False):
    """Whether devices enrol by an enrollment, and what became of those that came by one that is disabled."""

    status: Required[str]
    """`enabled`, `disabled`, or `waiting` while its authority has no certificate."""
    revoked: int
    """If it is disabled: how many devices that came by it are disabled on their hubs."""
    left: list[str]
    """If it is disabled: devices that came by it and are enabled all the same, each with the reason; at most 100 of them."""


def state_of(entry: EnrollmentOutputs | None) -> pulumi.Output[EnrollmentState]:
    """The state of the enrollment with this entry. It has only what there is: a preview would show what is missing as a change."""
    if entry is None:
        return pulumi.Output.from_input(EnrollmentState(status="waiting"))

    def state(found: list[object]) -> dict[str, object]:
        status, revoked, left = found
        numbers = {"revoked": int(cast("float", revoked))} if revoked else {}
        return {"status": status, **numbers, **({"left": left} if left else {})}

    return cast("pulumi.Output[EnrollmentState]", pulumi.Output.all(entry.status, entry.revoked, entry.left).apply(state))
