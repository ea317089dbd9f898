"""EnrollmentCanary: a device that has no entry anywhere enrols, connects to the hub that it gets, and is removed again."""

from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi_azure_native.iothub import PublicNetworkAccess

from hubtrust import component_outputs
from hubtrust.authority import CertificateAuthority
from hubtrust.devices.json_values import kind
from hubtrust.dynamic.connection_check import ConnectionCheck
from hubtrust.dynamic.connection_inputs import ConnectionCheckInputs
from hubtrust.dynamic.enrolled_check import require_registration_id
from hubtrust.enrollment_arguments import require_proven
from hubtrust.fleet_outputs import PRIVATE_HUB, FleetConnection, connection_of
from hubtrust.hub import TrustedHub
from hubtrust.known_values import is_plain, notice_shown_secret, require_plain, require_resource_name
from hubtrust.program_errors import ProgramError
from hubtrust.provisioning_service import ProvisioningService
from hubtrust.trust_output import checked_trust


class EnrollmentCanaryError(ProgramError):
    """A canary's declaration is not valid."""


class EnrollmentCanary(pulumi.ComponentResource):
    """The way of a new device, walked at the end of a run: it registers, gets its hub, connects there and publishes a message."""

    connection: pulumi.Output[FleetConnection]
    """The last connection of the canary."""

    def __init__(
        self,
        name: str,
        *,
        service: ProvisioningService,
        hubs: Sequence[TrustedHub],
        authority: CertificateAuthority,
        device_id: pulumi.Input[str],
        enrollments: Sequence[pulumi.Resource] = (),
        check: bool | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the check. What registering makes is removed after it, on the hub and at the service.

        Args:
            name: the resource's name.
            service: where it registers. Plain.
            hubs: to which of them it may be assigned; a plain list of at least one.
            authority: the CA that signs its certificate, one of the service's. Plain.
            device_id: an Input: its registration id, which is its device id too. Nobody else may have it. It is no secret: messages show
                it.
            enrollments: the groups by which it enrols: it is checked after them, and again when one of them changes. Plain.
            check: whether to connect; False where port 8883 is closed. None: unless the public network access of one of the hubs is
                disabled. Plain. It never does while all of ``enrollments`` are disabled.
            opts: Pulumi's resource options.

        Raises:
            EnrollmentCanaryError: a plain value is not valid, an argument is an Output that must be plain, or the service does not have the
                authority.
        """
        require_resource_name(EnrollmentCanaryError, "EnrollmentCanary", name)
        what = f"canary '{name}'"
        _require_types(what, service, authority, {"hubs": hubs, "enrollments": enrollments, "check": check})
        with EnrollmentCanaryError.told():
            ConnectionCheckInputs.check_plain(what, {"device_id": device_id})
            if is_plain(device_id):
                require_registration_id(str(device_id))
        super().__init__("hubtrust:index:EnrollmentCanary", name, None, opts)
        notice_shown_secret(f"the device id of {what}", device_id, self)
        connection_check = ConnectionCheck(
            name,
            hub_id=hubs[0].hub_id,
            host_name=hubs[0].host_name,  # type: ignore[arg-type] # the provider accepts None
            device_id=device_id,
            service_id=service.service_id,
            id_scope=service.id_scope,
            device_host=service.device_host_name,
            assigned_hubs=[hub.host_name for hub in hubs],  # type: ignore[misc] # as above
            chain=authority.chain,
            anchor=authority.given_anchor,
            signer=authority.signer,
            trust=checked_trust(service.trust),
            device=pulumi.Output.all(*_outputs(enrollments, "etag")).apply(lambda found: " ".join(str(one or "") for one in found)),
            enabled=check is not False,
            skip=_skip(hubs, enrollments, check=check),
            cloud=service.cloud,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[service, *hubs, *enrollments], deleted_with=service.resource),
        )
        self.connection = connection_of(connection_check, device_id)
        component_outputs.register(self)


def _require_types(what: str, service: object, authority: object, rest: dict[str, Any]) -> None:
    for name, value in rest.items():
        require_plain(EnrollmentCanaryError, f"{name} of {what}", value)
    if not isinstance(service, ProvisioningService):
        raise EnrollmentCanaryError(what, f"its service is {kind(service)}", "give a ProvisioningService")
    if not isinstance(authority, CertificateAuthority):
        raise EnrollmentCanaryError(what, f"its authority is {kind(authority)}", "give a CertificateAuthority")
    require_proven(EnrollmentCanaryError, what, authority, service)
    hubs, enrollments, check = rest["hubs"], rest["enrollments"], rest["check"]
    if not isinstance(hubs, list | tuple) or not hubs or not all(isinstance(one, TrustedHub) for one in hubs):
        raise EnrollmentCanaryError(what, f"its hubs are {kind(hubs)}", "give a list of at least one TrustedHub")
    if not isinstance(enrollments, list | tuple) or not all(isinstance(one, pulumi.Resource) for one in enrollments):
        raise EnrollmentCanaryError(
            what, f"its enrollments are {kind(enrollments)}", "give a list of EnrollmentGroup and IndividualEnrollment"
        )
    if not isinstance(check, bool | None):
        raise EnrollmentCanaryError(f"check of {what}", f"it is {kind(check)}", "use True or False, or leave it out")


def _outputs(enrollments: Sequence[pulumi.Resource], name: str) -> list[pulumi.Output[Any]]:
    """An output of each: of a component, its entry's, which there is none of while its authority has no certificate."""
    entries = [getattr(one, "entry", one) for one in enrollments]
    return [found for entry in entries if isinstance(found := getattr(entry, name, None), pulumi.Output)]


def _skip(hubs: Sequence[TrustedHub], enrollments: Sequence[pulumi.Resource], *, check: bool | None) -> pulumi.Output[str | None]:
    """Why nobody is asked to admit it; None if they are. A decision of the program counts more than a private hub."""
    statuses = _outputs(enrollments, "status")
    accesses = [hub.public_network_access for hub in hubs] if check is None else []

    def reason(found: Sequence[str | None]) -> str | None:
        of_enrollments, of_hubs = found[: len(statuses)], found[len(statuses) :]
        if of_enrollments and all(status == _DISABLED for status in of_enrollments):
            return _REVOKED
        return _PRIVATE if PublicNetworkAccess.DISABLED in of_hubs else None

    return pulumi.Output.all(*statuses, *accesses).apply(reason)


_DISABLED = "disabled"
_REVOKED = "every enrollment by which it could enrol is disabled"
_PRIVATE = PRIVATE_HUB.format("EnrollmentCanary")
