"""TrustedFleet: the devices of a trusted hub, and a canary among them that shows that they can connect."""

from typing import Any

import pulumi

from hubtrust.authority import CertificateAuthority
from hubtrust.devices.roster import Roster
from hubtrust.dynamic.connection_check import ConnectionCheck
from hubtrust.dynamic.device_fleet import DeviceFleet
from hubtrust.dynamic.device_identity import DeviceIdentity
from hubtrust.hub import TrustedHub


class TrustedFleet(pulumi.ComponentResource):
    """Any number of devices as one resource, and one connection at the end that proves the whole chain."""

    devices: pulumi.Output[dict[str, Any]]  # count, enabled, digest
    connection: pulumi.Output[dict[str, Any]]  # device, state, and chain or reason

    def __init__(
        self,
        name: str,
        *,
        hub: TrustedHub,
        authority: CertificateAuthority,
        roster: Roster | None = None,
        canary: str | None = None,
        check: bool = True,
        adopt: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare it.

        Args:
            name: Pulumi's name for it.
            hub: where they are registered.
            authority: who signs devices.
            roster: the devices; None or empty: none.
            canary: the id of the device that connects; one that is not in the roster gets an identity of its own.
            check: False leaves out the connection, where port 8883 is closed.
            adopt: take over devices of these ids that others made.
            opts: Pulumi's options.
        """
        super().__init__("hubtrust:index:TrustedFleet", name, None, opts)
        self._name, self._hub = name, hub
        common: dict[str, Any] = {"hub_id": hub.hub_id, "host_name": hub.host_name, "cloud": hub.cloud}
        self.devices = pulumi.Output.from_input({"count": 0, "enabled": 0, "digest": None})
        self.connection = pulumi.Output.from_input({"device": canary, "state": "not checked", "reason": "no canary is declared"})
        device: pulumi.Output[str] | None = None
        if roster is not None and len(roster):
            fleet = DeviceFleet(name, roster=roster, adopt=adopt or None, **common, opts=self._child())
            self.devices = pulumi.Output.all(count=fleet.count, enabled=fleet.enabled, digest=fleet.digest).apply(_whole)
            device = fleet.digest
        if canary and (roster is None or roster.get(canary) is None):
            device = DeviceIdentity(f"{name}-canary", device_id=canary, adopt=adopt or None, **common, opts=self._child()).device_etag
        if canary:
            self.connection = self._connect(authority, canary, device, common, check=check)
        self.register_outputs({"devices": self.devices, "connection": self.connection})

    def _connect(
        self, authority: CertificateAuthority, canary: str, device: pulumi.Output[str] | None, common: dict[str, Any], *, check: bool
    ) -> pulumi.Output[dict[str, Any]]:
        made = ConnectionCheck(
            f"{self._name}-{canary}",
            device_id=canary,
            chain=authority.chain,
            signer=authority.signer,
            trust=self._hub.trust.apply(lambda trusted: [{name: one.get(name) for name in _TRUST} for one in trusted]),
            device=device,
            enabled=check,
            **common,
            opts=self._child(),
        )
        return pulumi.Output.all(device=canary, state=made.state, chain=made.certification_path, reason=made.reason)

    def _child(self) -> pulumi.ResourceOptions:
        """After the hub's certificates and roles; gone with the hub itself."""
        return pulumi.ResourceOptions(parent=self, depends_on=[self._hub], deleted_with=self._hub.resource)


_TRUST = ("name", "thumbprint", "state", "verified")


def _whole(found: dict[str, Any]) -> dict[str, Any]:
    """Counts as whole numbers: they cross as 25.0."""
    return {name: int(value) if isinstance(value, float) else value for name, value in found.items()}
