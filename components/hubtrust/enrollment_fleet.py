"""EnrollmentFleet: thousands of individual enrollments of a provisioning service."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import pulumi

from hubtrust import component_outputs
from hubtrust.devices.roster import RosterError
from hubtrust.dynamic.enrollment_fleet import EnrollmentFleetEntries, EnrollmentFleetInputs
from hubtrust.enrollment_arguments import host_names, place_of
from hubtrust.enrollments.fleet_roster import EnrollmentRoster, require_enrollment_roster
from hubtrust.hub import TrustedHub
from hubtrust.known_values import require_plain, require_resource_name
from hubtrust.program_errors import ProgramError
from hubtrust.provisioning_service import ProvisioningService


class EnrollmentFleetError(ProgramError):
    """The declaration of a fleet of enrollments is not valid."""


class FleetEnrollments(TypedDict):
    """The enrollments of a fleet."""

    count: int
    """How many there are."""
    enabled: int
    """By how many of them a device may register."""
    digest: str | None
    """A digest of all that is declared of them, or that a refresh found; None if there are none."""


class EnrollmentFleet(pulumi.ComponentResource):
    """Any number of individual enrollments as one resource: devices that may register, each by its own certificate.

    Removing one disconnects nobody: a device that has registered stays on its hub. Its `status` revokes it: it is disabled on its hub too.
    A refresh does not ask the hubs, so that a device which others enable again is seen with IndividualEnrollment and EnrollmentGroup only.
    """

    enrollments: pulumi.Output[FleetEnrollments]
    """How many enrollments there are, and a digest of them."""
    name: str
    """The resource's name."""
    entries: EnrollmentFleetEntries
    """The enrollments at the service."""

    def __init__(
        self,
        name: str,
        *,
        service: ProvisioningService | pulumi.Input[str],
        roster: EnrollmentRoster | None = None,
        hubs: Sequence[TrustedHub | pulumi.Input[str]] | None = None,
        adopt: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        no_enrollments: bool = False,
        delete_enrollments: pulumi.Input[int] | None = None,
        revoke_devices: pulumi.Input[bool] | None = None,
        cloud: pulumi.Input[str] | None = None,
        deadline: pulumi.Input[float] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the enrollments.

        Args:
            name: the resource's name.
            service: the provisioning service, or its resource id (an Input).
            roster: the enrollments (``enrollments_from_file`` and others); None or empty: none. Plain: what is not in it is deleted.
            hubs: the hubs to which devices go whose enrollment names none: TrustedHub or host names (Inputs), each linked to the service;
                a plain list. None: all that are linked.
            adopt: an Input, also each of them: registration ids, or patterns, of existing enrollments with other content that may be taken
                over.
            no_enrollments: the roster is empty on purpose; without it, a roster that has become empty is refused. Plain.
            delete_enrollments: an Input: how many enabled enrollments a run may delete if they are more than half of at least 20.
            revoke_devices: an Input: False: the device of an enrollment that becomes disabled stays enabled on its hub. Default True.
            cloud: `public`, `usgovernment`, `china` or the https URL of a metadata host; None: that of ``service``, or azure-native's.
            deadline: how many seconds to retry what Azure refuses temporarily.
            opts: Pulumi's resource options.

        Raises:
            RosterError: ``roster`` is something else, or an Output.
            EnrollmentFleetError: a plain value is not valid, or an argument is an Output that must be plain.
        """
        require_resource_name(EnrollmentFleetError, "EnrollmentFleet", name)
        what = f"enrollment fleet '{name}'"
        require_plain(RosterError, f"roster of {what}", roster)
        require_plain(EnrollmentFleetError, f"no_enrollments of {what}", no_enrollments)
        found = EnrollmentRoster((), {}) if roster is None else require_enrollment_roster(roster)
        given: Mapping[str, Any] = {
            "hubs": host_names(EnrollmentFleetError, what, hubs),
            "adopt": adopt,
            "no_enrollments": no_enrollments or None,
            "delete_enrollments": delete_enrollments,
            "revoke_devices": revoke_devices,
            "deadline": deadline,
        }
        place = place_of(EnrollmentFleetError, what, service, cloud)
        with EnrollmentFleetError.told():
            EnrollmentFleetInputs.check_plain(what, {**given, **place.plain})
        super().__init__("hubtrust:index:EnrollmentFleet", name, None, opts)
        self.name = name
        # An empty one is declared too: without it Pulumi would delete the enrollments of the last run, and nothing could refuse that.
        self.entries = entries = EnrollmentFleetEntries(name, roster=found, **given, **place.inputs, opts=place.options(self))
        self.enrollments = pulumi.Output.all(entries.count, entries.enabled, entries.digest).apply(
            lambda known: FleetEnrollments(count=int(known[0] or 0), enabled=int(known[1] or 0), digest=known[2] if len(found) else None)
        )
        component_outputs.register(self)
