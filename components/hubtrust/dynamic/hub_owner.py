"""HubOwner: what a stack keeps about its hub or vault, so that it finds it again under its own name; it creates nothing in Azure.

Its inputs are the fields of ``HubOwnerInputs`` here. To add one, add a field there and a parameter of the same name to the constructor
here.
"""

import secrets
from dataclasses import dataclass
from typing import Any

import pulumi

from hubtrust.dynamic.lifecycle import Change, Reconciled, Reconciler
from hubtrust.inputs import Inputs, Properties, boolean, input_field
from hubtrust.process import now

_TOKEN_BYTES = 8


@dataclass(frozen=True, kw_only=True)
class HubOwnerInputs(Inputs):
    """The inputs of a HubOwner."""

    stack: str = input_field(str, "the stack, `organization/project/stack`.", required=True, kept=True)
    whole: bool = input_field(
        boolean,
        "True: nothing on the hub is from before this stack, so that what is not declared is drift. False: it stays.",
        default=False,
    )


class HubOwnerOutputs:
    """The outputs of a HubOwner."""

    stack: pulumi.Output[str]
    """The stack's first name, `organization/project/stack`."""
    created: pulumi.Output[str]
    """When the token was created, by this machine's clock."""
    token: pulumi.Output[str]
    """16 hex digits, random; the same for the life of the stack."""
    whole_hub: pulumi.Output[bool | None]
    """What ``whole`` was when the token was created; None in a state of a version before this output."""


class HubOwnerProvider(Reconciler[HubOwnerInputs]):
    """Creates the token once. Nothing changes it, so that it is known in every later preview: the output `stack` is the first name."""

    inputs, results = HubOwnerInputs, HubOwnerOutputs

    def on_diff(self, _olds: Properties, _news: HubOwnerInputs) -> Change:
        """A renamed stack is the same owner."""
        return Change()

    def on_create(self, news: HubOwnerInputs) -> tuple[str, dict[str, Any]]:
        """Create the token."""
        token = secrets.token_hex(_TOKEN_BYTES)
        return token, {**news.kept_values(), "created": now().isoformat(), "token": token, "wholeHub": news.whole}

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """There is nothing to read."""
        return dict(olds)

    def on_update(self, _id: str, olds: Properties, _news: HubOwnerInputs) -> dict[str, Any]:
        """Nothing changes."""
        return dict(olds)

    def on_delete(self, _id: str, _olds: Properties) -> None:
        """Nothing was created."""


class HubOwner(HubOwnerOutputs, Reconciled, module="hubtrust", name="HubOwner"):
    """The owner of a hub: a stack, by a token that no other stack has."""

    provider = HubOwnerProvider

    def __init__(self, resource_name: str, *, stack: str, whole: bool = False, opts: pulumi.ResourceOptions | None = None) -> None:
        """The owner of a hub: a stack, by a token that no other stack has.

        Args:
            resource_name: its name in Pulumi.
            stack: the stack, `organization/project/stack`.
            whole: True: nothing on the hub is from before this stack, so that what is not declared is drift. False: it stays.
            opts: Pulumi's resource options.
        """
        super().__init__(resource_name, locals(), opts)
