"""TrustedFleet: the devices of a trusted hub, and a canary that shows that they can connect."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_azure_native.iothub import PublicNetworkAccess

from hubtrust import component_outputs
from hubtrust.authority import CertificateAuthority
from hubtrust.credentials import may_trust
from hubtrust.devices.json_values import kind
from hubtrust.devices.roster import Roster, RosterError, require_roster
from hubtrust.dynamic.connection_check import ConnectionCheck
from hubtrust.dynamic.connection_inputs import ConnectionCheckInputs
from hubtrust.dynamic.device_fleet import DeviceFleet, DeviceFleetInputs
from hubtrust.dynamic.device_identity import DeviceIdentity
from hubtrust.fleet_outputs import PRIVATE_HUB, FleetConnection, FleetDevices, connection_of, devices_of, no_canary, no_devices_there
from hubtrust.hub import TrustedHub
from hubtrust.known_values import if_present, notice_shown_secret, require_plain, require_resource_name, when_known
from hubtrust.program_errors import ProgramError
from hubtrust.trust_output import checked_trust


class FleetDeclarationError(ProgramError):
    """A fleet's declaration is not valid."""


class TrustedFleet(pulumi.ComponentResource):
    """Any number of devices as one resource, and at the end a connection of one device, which proves that the whole chain works."""

    devices: pulumi.Output[FleetDevices]
    """How many devices there are, and a digest of them."""
    connection: pulumi.Output[FleetConnection]
    """The last connection of the canary."""
    name: str
    """The resource's name."""
    entries: DeviceFleet
    """The devices in the hub's registry."""

    def __init__(
        self,
        name: str,
        *,
        hub: TrustedHub,
        authority: CertificateAuthority,
        roster: Roster | None = None,
        canary: pulumi.Input[str] | None = None,
        check: bool | None = None,
        adopt: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        no_devices: bool = False,
        delete_devices: pulumi.Input[int] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the devices and the connection.

        Args:
            name: the resource's name.
            hub: the devices' hub. Plain.
            authority: the CA that signs device certificates. Plain.
            roster: the devices; None or empty: none. Plain: what is not in it is deleted.
            canary: an Input: the id of the device that connects. A plain one that is not in the roster gets an identity of its own, whether
                it connects or not; an Output's must be in the roster, if there is one. It is no secret: messages show it.
            check: whether to connect; False where port 8883 is closed. None: unless the hub's public network access is disabled; then the
                canary is not written either, unless it is in the roster. Plain.
            adopt: an Input, also each of them: ids, or patterns, of existing devices that may be taken over although they are not this
                stack's.
            no_devices: the roster is empty on purpose; without it, a roster that has become empty is refused. Plain.
            delete_devices: an Input: how many enabled devices a run may delete if they are more than half of at least 20.
            opts: Pulumi's resource options.

        Raises:
            RosterError: ``roster`` is something else, or an Output.
            FleetDeclarationError: a plain value is not valid, an argument is an Output that must be plain, or the hub does not trust the
                canary's authority.
        """
        require_resource_name(FleetDeclarationError, "TrustedFleet", name)
        _require_types(f"fleet '{name}'", hub, authority)
        super().__init__("hubtrust:index:TrustedFleet", name, None, opts)
        self.name, self._hub = name, hub
        if canary is not None and canary != "" and not may_trust(hub, authority):
            fact = f"its hub does not trust the authority '{authority.name}', so its canary could never connect"
            raise FleetDeclarationError(
                f"fleet '{name}'", fact, f"name '{authority.name}' in the hub's authorities, or give one of these to it"
            )
        roster = self._read(roster, canary, {"adopt": adopt, "no_devices": no_devices, "delete_devices": delete_devices}, check=check)
        common: dict[str, Any] = {"hub_id": hub.hub_id, "host_name": hub.host_name, "cloud": hub.cloud}
        self.devices = no_devices_there()
        self.connection = no_canary(canary)
        device: pulumi.Output[str] | None = None
        # An empty one is declared too: without it Pulumi would delete the devices of the last run, and nothing could refuse that.
        self.entries = fleet = DeviceFleet(
            name,
            roster=roster,
            adopt=adopt,
            no_devices=no_devices or None,
            delete_devices=delete_devices,
            **common,
            opts=self._child(),
        )
        if len(roster):
            self.devices = devices_of(fleet)
            device = _joined(fleet.digest, fleet.last_write)
        if canary is not None and canary != "":
            member = _member(roster, canary, f"fleet '{name}'")
            if member is None:
                skip = self._skip(check=check)
                own = DeviceIdentity(f"{name}-canary", device_id=canary, adopt=adopt, skip=skip, **common, opts=self._child())
                written = (if_present(one, when_known=own.device_id) for one in (own.device_etag, own.last_write))
                device = _joined(*written)
            self.connection = self._connect(authority, member or canary, device, common, check=check)
        component_outputs.register(self)

    def _read(self, roster: object, canary: object, rest: Mapping[str, Any], *, check: object) -> Roster:
        """The roster, after everything that is plain was checked."""
        what = f"fleet '{self.name}'"
        require_plain(RosterError, f"roster of {what}", roster)
        for name, value in (("check", check), ("no_devices", rest["no_devices"])):
            require_plain(FleetDeclarationError, f"{name} of {what}", value)
        found = Roster(()) if roster is None else require_roster(roster)
        with FleetDeclarationError.told():
            DeviceFleetInputs.check_plain(what, rest)
            ConnectionCheckInputs.check_plain(what, {"device_id": canary if canary != "" else None})
        if not isinstance(check, bool | None):
            raise FleetDeclarationError(f"check of {what}", f"it is {kind(check)}", "use True or False, or leave it out")
        notice_shown_secret(f"the canary of {what}", canary, self)
        return found

    def _connect(
        self,
        authority: CertificateAuthority,
        canary: pulumi.Input[str],
        device: pulumi.Output[str] | None,
        common: dict[str, Any],
        *,
        check: bool | None,
    ) -> pulumi.Output[FleetConnection]:
        connection_check = ConnectionCheck(
            f"{self.name}-{canary}" if isinstance(canary, str) else f"{self.name}-canary",
            device_id=canary,
            chain=authority.chain,
            anchor=self._hub.trusted_of(authority),
            signer=authority.signer,
            trust=checked_trust(self._hub.trust),
            device=device,
            enabled=check is not False,
            skip=self._skip(check=check),
            **common,
            opts=self._child(),
        )
        return connection_of(connection_check, canary)

    def _skip(self, *, check: bool | None) -> pulumi.Output[str | None] | None:
        """Why the hub is not asked to admit the canary; None if it is. A decision of the program counts more."""
        if check is not None:
            return None
        return self._hub.public_network_access.apply(lambda access: _PRIVATE if access == PublicNetworkAccess.DISABLED else None)

    def _child(self) -> pulumi.ResourceOptions:
        """Created after the hub's certificates and roles; deleted together with the hub."""
        return pulumi.ResourceOptions(parent=self, depends_on=[self._hub], deleted_with=self._hub.resource)


def _require_types(what: str, hub: object, authority: object) -> None:
    """Also for whoever runs no type checker: what these are for must be known here and now."""
    if not isinstance(hub, TrustedHub):
        remedy = "give a TrustedHub; TrustedHub.existing makes one of a hub's resource id"
        raise FleetDeclarationError(what, f"its hub is {kind(hub)}", remedy)
    if not isinstance(authority, CertificateAuthority):
        raise FleetDeclarationError(what, f"its authority is {kind(authority)}", "give a CertificateAuthority")


def _member(roster: Roster, canary: pulumi.Input[str], what: str) -> pulumi.Input[str] | None:
    """The canary if it is one of the roster's devices; None if it needs an identity of its own.

    Whether an Output's is one of them is not known while resources are declared. So it must be one where there are any: otherwise two
    resources might write the same device.
    """
    if isinstance(canary, str):
        return None if roster.get(canary) is None else canary
    if not len(roster):
        return None

    def require(device_id: Any) -> Any:
        if not isinstance(device_id, str) or roster.get(device_id) is None:
            shown = f"'{device_id}'" if isinstance(device_id, str) else kind(device_id)
            fact = f"its canary, an Output, is {shown}, and that is none of its devices"
            raise FleetDeclarationError(what, fact, "add it to the roster, or give the canary's id as plain text")
        return device_id

    return when_known(FleetDeclarationError, require, canary)


_PRIVATE = PRIVATE_HUB.format("TrustedFleet")


def _joined(*texts: pulumi.Output[str]) -> pulumi.Output[str]:
    """One text of several; a state of an earlier version may lack some."""
    return pulumi.Output.all(*texts).apply(lambda found: " ".join(str(one or "") for one in found))
