"""The outputs of a fleet: its devices, and the connection of its canary."""

from typing import Required, TypedDict, cast

import pulumi

from hubtrust.dynamic.connection_check import CONNECTED, NOT_CHECKED, ConnectionCheck
from hubtrust.dynamic.device_fleet import DeviceFleet


class FleetDevices(TypedDict):
    """The devices of a fleet."""

    count: int
    """How many there are."""
    enabled: int
    """How many of them may connect."""
    digest: str | None
    """A digest of all that is declared of them, or that a refresh found; None if there are none."""


class FleetConnection(TypedDict, total=False):
    """The last connection of a fleet's canary."""

    device: Required[str | None]
    """The id of the canary; None if there is none."""
    state: Required[str]
    """`connected`, or `not checked`."""
    connectedAt: str | None
    """When it last connected, by Azure's clock, UTC; None if it never did."""
    chain: str | None
    """If it connected: the device and its CAs by name, as `press-001 < Contoso issuing CA`."""
    validUntil: str | None
    """If it connected: the first end of its certificates, UTC."""
    reason: str | None
    """If it was not checked: why."""


PRIVATE_HUB = (  # why a canary is not checked; with the component that it is of
    "the hub's public network access is disabled; to connect from inside its network, give {} check=True (connectionCheck: true)"
)


def no_devices_there() -> pulumi.Output[FleetDevices]:
    """Those of a fleet without devices."""
    return pulumi.Output.from_input(FleetDevices(count=0, enabled=0, digest=None))


def devices_of(fleet: DeviceFleet) -> pulumi.Output[FleetDevices]:
    """Those of ``fleet``. The engine passes all numbers as floats; counts are whole."""
    return pulumi.Output.all(fleet.count, fleet.enabled, fleet.digest).apply(
        lambda found: FleetDevices(count=int(found[0] or 0), enabled=int(found[1] or 0), digest=found[2])
    )


def no_canary(device: pulumi.Input[str] | None) -> pulumi.Output[FleetConnection]:
    """The connection of a fleet that has no canary; ``device`` is None or empty."""
    found = {"device": device, "state": NOT_CHECKED, "reason": "no canary is declared"}
    return cast("pulumi.Output[FleetConnection]", pulumi.Output.from_input(found))


def connection_of(check: ConnectionCheck, canary: pulumi.Input[str]) -> pulumi.Output[FleetConnection]:
    """The connection that ``check`` made. It has only the outputs that there are: a preview would show a missing one as a change."""

    def connection(known: list[str | None]) -> pulumi.Output[dict[str, str | None]]:
        device, state, connected_at = known
        found = {"device": device, "state": state, "connectedAt": connected_at or None}
        if state == CONNECTED:
            return pulumi.Output.all(**found, chain=check.certification_path, validUntil=check.valid_until)
        return pulumi.Output.all(**found, reason=check.reason)

    return cast("pulumi.Output[FleetConnection]", pulumi.Output.all(canary, check.state, check.connected_at).apply(connection))
