"""VaultAccess: that this login may use the keys of a vault which the stack has made; what uses its keys waits for it.

Its inputs are the fields of ``VaultAccessInputs`` here. To add one, add a field there and a parameter of the same name to the constructor
here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from hubtrust.custody.key_id import VaultId
from hubtrust.dynamic.lifecycle import Change, Reconciled, Reconciler
from hubtrust.inputs import Inputs, Properties, input_field, texts
from hubtrust.process import show_message


def _vault(value: object) -> VaultId:
    return VaultId.read(str(value))


@dataclass(frozen=True, kw_only=True)
class VaultAccessInputs(Inputs):
    """The inputs of a VaultAccess."""

    uri: VaultId = input_field(_vault, "the vault's URI, ``https://<vault>.vault.azure.net``.", required=True, kept=True, replaces=True)
    roles: tuple[str, ...] = input_field(
        lambda value: tuple(texts(value, remedy="list what identifies each role")),
        "what identifies each role on the vault that the stack gives: where one is given again, it is waited for again.",
        kept=True,
        default=(),
    )


class VaultAccessOutputs:
    """The outputs of a VaultAccess, which are its inputs."""

    uri: pulumi.Output[str]
    """The vault's URI, known when this login may use its keys."""
    roles: pulumi.Output[list[str] | None]
    """What identifies each role on the vault that the stack gives."""


class VaultAccessProvider(Reconciler[VaultAccessInputs]):
    """Waits until the vault takes this login's role. It changes nothing in Azure."""

    inputs, results = VaultAccessInputs, VaultAccessOutputs

    def on_diff(self, olds: Properties, news: VaultAccessInputs) -> Change:
        """Another vault is another access; another role has to take effect first."""
        if "uri" in news.unknown or news.given.get("uri") != olds.get("uri"):
            return Change(["uri"], updates=True)
        return Change(updates="roles" in news.unknown or list(news.given.get("roles") or ()) != list(olds.get("roles") or ()))

    def on_create(self, news: VaultAccessInputs) -> tuple[str, dict[str, Any]]:
        """Wait."""
        return news.uri.uri, self._waited(news)

    @staticmethod
    def _waited(news: VaultAccessInputs) -> dict[str, Any]:
        from hubtrust.custody.vault_client import client

        client(news.uri).wait_for_access()
        return news.kept_values()

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """Return the state: there is nothing of its own in Azure."""
        return dict(olds)

    def on_update(self, _id: str, _olds: Properties, news: VaultAccessInputs) -> dict[str, Any]:
        """Wait for the role that was given again."""
        return self._waited(news)

    def on_delete(self, _id: str, olds: Properties) -> None:
        """Say what stays: the engine deletes neither the vault nor its group, and is silent about that."""
        name = VaultId.read(str(olds["uri"])).name
        keeps = "the next `up` of this stack uses them again"
        show_message(
            f"vault '{name}' is not deleted, with its keys and its resource group: {keeps}; docs/custody.md says how to delete them"
        )


class VaultAccess(VaultAccessOutputs, Reconciled, module="hubtrust", name="VaultAccess"):
    """The right to use the keys of a vault."""

    provider = VaultAccessProvider

    def __init__(
        self,
        resource_name: str,
        *,
        uri: pulumi.Input[str],
        roles: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """The right to use the keys of a vault.

        Args:
            resource_name: its name in Pulumi.
            uri: the vault's URI, ``https://<vault>.vault.azure.net``.
            roles: what identifies each role on the vault that the stack gives: where one is given again, it is waited for again.
            opts: Pulumi's resource options.
        """
        super().__init__(resource_name, locals(), opts)
