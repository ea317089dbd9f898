"""IndividualEnrollment: one device that may register at a provisioning service, by its own certificate."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from hubtrust import component_outputs
from hubtrust.dynamic.individual_enrollment import IndividualEnrollmentEntry, IndividualEnrollmentInputs
from hubtrust.dynamic.twin_documents import Document
from hubtrust.enrollment_arguments import host_names, place_of
from hubtrust.enrollment_state import EnrollmentState, state_of
from hubtrust.hub import TrustedHub
from hubtrust.known_values import notice_shown_secret, require_resource_name, sendable
from hubtrust.program_errors import ProgramError
from hubtrust.provisioning_service import ProvisioningService


class IndividualEnrollmentError(ProgramError):
    """An individual enrollment's declaration is not valid."""


class IndividualEnrollment(pulumi.ComponentResource):
    """The enrollment of one device: it registers with its own certificate, whoever signed that, and gets an entry on a hub.

    For many devices ``EnrollmentFleet`` needs far fewer calls.
    """

    registration_id: pulumi.Output[str]
    """The id with which the device registers."""
    entry: IndividualEnrollmentEntry
    """The entry at the service."""
    etag: pulumi.Output[str]
    """Changes with each write of the entry."""
    state: pulumi.Output[EnrollmentState]
    """Whether the device enrols by it, and what became of it if it came by one that is disabled."""

    def __init__(
        self,
        name: str,
        *,
        service: ProvisioningService | pulumi.Input[str],
        certificates: pulumi.Input[Sequence[pulumi.Input[str]]],
        registration_id: pulumi.Input[str] | None = None,
        device_id: pulumi.Input[str] | None = None,
        hubs: Sequence[TrustedHub | pulumi.Input[str]] | None = None,
        allocation: pulumi.Input[str] | None = None,
        webhook: pulumi.Input[str] | None = None,
        webhook_version: pulumi.Input[str] | None = None,
        tags: Document | None = None,
        desired: Document | None = None,
        edge: pulumi.Input[bool] | None = None,
        reprovision: pulumi.Input[str] | None = None,
        status: pulumi.Input[str] | None = None,
        revoke_devices: pulumi.Input[bool] | None = None,
        adopt: pulumi.Input[bool] | None = None,
        cloud: pulumi.Input[str] | None = None,
        deadline: pulumi.Input[float] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the enrollment. What is not declared, others may set.

        Args:
            name: the resource's name.
            service: the provisioning service, or its resource id (an Input).
            certificates: an Input, also each of them: the device's one or two own certificates, PEM; their common name is the registration
                id. A device whose certificate is renewed registers again, so that its hub learns of it.
            registration_id: an Input; default: ``name``. It is no secret: Azure and this stack's messages show it.
            device_id: an Input: the id that it gets on its hub. Default: the registration id.
            hubs: the hubs to choose from: TrustedHub or host names (Inputs), each linked to the service; a plain list. None: all that are
                linked.
            allocation: an Input: `hashed`, `static` (``hubs`` has the one), `geoLatency` or `custom` (by a webhook); None: as the service.
            webhook: an Input: the https URL that chooses the hub, for `custom`; it becomes a secret.
            webhook_version: an Input: the api-version of the webhook's requests, such as 2019-03-31.
            tags: an Input, also each part: of the new device's twin. A device that has registered is not changed.
            desired: an Input, also each part: desired properties of the new device's twin; as ``tags``.
            edge: an Input: it is an IoT Edge device.
            reprovision: an Input: what becomes of it when it registers again and gets another hub: `migrate` (its twin moves with it),
                `reset` (its twin is new) or `never` (it stays). None: as Azure does, `migrate`.
            status: an Input: `enabled` (default) or `disabled`: it can't register, and is disabled on its hub if it has.
            revoke_devices: an Input: False: a device of a disabled enrollment stays enabled on its hub, and connected. Default True.
            adopt: an Input: take over an enrollment of this id that others made, whatever it has.
            cloud: `public`, `usgovernment`, `china` or the https URL of a metadata host; None: that of ``service``, or azure-native's.
            deadline: how many seconds to retry what Azure refuses temporarily.
            opts: Pulumi's resource options.

        Raises:
            IndividualEnrollmentError: a plain value is not valid.
        """
        require_resource_name(IndividualEnrollmentError, "IndividualEnrollment", name)
        given_id = name if registration_id is None else registration_id
        what = f"individual enrollment '{given_id if isinstance(given_id, str) else name}'"
        place = place_of(IndividualEnrollmentError, what, service, cloud)
        described: Mapping[str, Any] = {
            "registration_id": given_id,
            "certificates": certificates,
            "device_id": device_id,
            "hubs": host_names(IndividualEnrollmentError, what, hubs),
            "allocation": allocation,
            "webhook": webhook,
            "webhook_version": webhook_version,
            "edge": edge,
            "reprovision": reprovision,
            "status": status,
            "revoke_devices": revoke_devices,
            "adopt": adopt,
            "deadline": deadline,
        }
        with IndividualEnrollmentError.told():
            IndividualEnrollmentInputs.check_plain(what, {**described, **place.plain})
        super().__init__("hubtrust:index:IndividualEnrollment", name, None, opts)
        notice_shown_secret(what, registration_id, self)
        self.registration_id = pulumi.Output.from_input(sendable(IndividualEnrollmentError, f"the id of {what}", given_id))
        self.entry = IndividualEnrollmentEntry(name, **described, **place.inputs, tags=tags, desired=desired, opts=place.options(self))
        self.etag = self.entry.etag
        self.state = state_of(self.entry)
        component_outputs.register(self)
