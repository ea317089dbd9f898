"""TrustedFleet: the devices of a trusted hub, and a canary that shows that they can connect."""

from collections.abc import Sequence
from typing import Any

import pulumi

from hubtrust.authority import CertificateAuthority
from hubtrust.devices.roster import Roster, require_roster
from hubtrust.dynamic.connection_check import CONNECTED, ConnectionCheck
from hubtrust.dynamic.device_fleet import DeviceFleet
from hubtrust.dynamic.device_identity import DeviceIdentity
from hubtrust.hub import TrustedHub


class TrustedFleet(pulumi.ComponentResource):
    """Any number of devices as one resource, and at the end a connection of one device, which proves that the whole chain works."""

    devices: pulumi.Output[dict[str, Any]]  # count, enabled (both integers) and digest
    connection: pulumi.Output[dict[str, Any]]  # device, state, connectedAt; chain and validUntil (if it connected), or reason

    def __init__(
        self,
        name: str,
        *,
        hub: TrustedHub,
        authority: CertificateAuthority,
        roster: Roster | None = None,
        canary: str | None = None,
        check: bool = True,
        adopt: Sequence[str] | None = None,
        no_devices: bool = False,
        delete_devices: int | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the devices and the connection.

        Args:
            name: the resource's name.
            hub: the devices' hub.
            authority: the CA that signs device certificates.
            roster: the devices; None or empty: none.
            canary: the id of the device that connects; if it is not in the roster, it gets an identity of its own.
            check: whether to connect; False where port 8883 is closed.
            adopt: ids, or patterns, of existing devices that may be taken over although they are not this stack's.
            no_devices: the roster is empty on purpose; without it, a roster that has become empty is refused.
            delete_devices: how many enabled devices a run may delete if they are more than half of at least 20.
            opts: Pulumi's resource options.

        Raises:
            RosterError: ``roster`` is something else.
        """
        super().__init__("hubtrust:index:TrustedFleet", name, None, opts)
        self._name, self._hub = name, hub
        common: dict[str, Any] = {"hub_id": hub.hub_id, "host_name": hub.host_name, "cloud": hub.cloud}
        self.devices = pulumi.Output.from_input({"count": 0, "enabled": 0, "digest": None})
        self.connection = pulumi.Output.from_input({"device": canary, "state": "not checked", "reason": "no canary is declared"})
        device: pulumi.Output[str] | None = None
        roster = Roster(()) if roster is None else require_roster(roster)
        # An empty one is declared too: without it Pulumi would delete the devices of the last run, and nothing could refuse that.
        fleet = DeviceFleet(
            name,
            roster=roster,
            adopt=adopt,
            no_devices=no_devices or None,
            delete_devices=delete_devices,
            **common,
            opts=self._child(),
        )
        if len(roster):
            self.devices = pulumi.Output.all(count=fleet.count, enabled=fleet.enabled, digest=fleet.digest).apply(_with_integers)
            device = _joined(fleet.digest, fleet.last_write)
        if canary and roster.get(canary) is None:
            own = DeviceIdentity(f"{name}-canary", device_id=canary, adopt=adopt, **common, opts=self._child())
            device = _joined(own.device_etag, own.last_write)
        if canary:
            self.connection = self._connect(authority, canary, device, common, check=check)
        self.register_outputs({"devices": self.devices, "connection": self.connection})

    def _connect(
        self, authority: CertificateAuthority, canary: str, device: pulumi.Output[str] | None, common: dict[str, Any], *, check: bool
    ) -> pulumi.Output[dict[str, Any]]:
        connection_check = ConnectionCheck(
            f"{self._name}-{canary}",
            device_id=canary,
            chain=authority.chain,
            anchor=self._hub.trusted_of(authority),
            signer=authority.signer,
            trust=self._hub.trust.apply(lambda trusted: [{name: one.get(name) for name in _TRUST} for one in trusted]),
            device=device,
            enabled=check,
            **common,
            opts=self._child(),
        )
        return pulumi.Output.all(canary, connection_check.state, connection_check.connected_at).apply(
            lambda found: _connection(connection_check, *found)
        )

    def _child(self) -> pulumi.ResourceOptions:
        """Created after the hub's certificates and roles; deleted together with the hub."""
        return pulumi.ResourceOptions(parent=self, depends_on=[self._hub], deleted_with=self._hub.resource)


_TRUST = ("name", "thumbprint", "etag", "state", "verified")


def _connection(check: ConnectionCheck, device: str, state: str, connected_at: str | None) -> pulumi.Output[dict[str, Any]]:
    """Only the outputs that there are in this ``state``: a preview would show a missing one as a change."""
    found: dict[str, Any] = {"device": device, "state": state, "connectedAt": connected_at or None}
    if state == CONNECTED:
        return pulumi.Output.all(**found, chain=check.certification_path, validUntil=check.valid_until)
    return pulumi.Output.all(**found, reason=check.reason)


def _joined(*texts: pulumi.Output[str]) -> pulumi.Output[str]:
    """One text of several; a state of an earlier version may lack some."""
    return pulumi.Output.all(*texts).apply(lambda found: " ".join(str(one or "") for one in found))


def _with_integers(found: dict[str, Any]) -> dict[str, Any]:
    """Counts as integers: the engine passes all numbers as floats."""
    return {name: int(value) if isinstance(value, float) else value for name, value in found.items()}
