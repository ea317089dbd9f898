"""IndividualEnrollmentEntry: the enrollment of one device at a provisioning service, with what is declared of it.

Its inputs are the fields of ``IndividualEnrollmentInputs`` here, of ``EnrollmentInputs`` in ``hubtrust/dynamic/enrollment_inputs.py``, of
``ServiceInputs`` in ``hubtrust/dynamic/service_inputs.py``, and of ``AzureInputs`` and ``CloudInputs`` in ``hubtrust/azure_inputs.py``. To
add one, add a field there and a parameter of the same name to the constructor here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pulumi

from hubtrust.azure.enrollment_limits import LONGEST_COMMON_NAME
from hubtrust.azure.enrollment_service import INDIVIDUALS, Kind
from hubtrust.devices.description import require_device_id
from hubtrust.dynamic.enrollment_inputs import (
    EnrollmentInputs,
    attestation_of,
    read_certificates,
    require_enrollment_id,
    same_enrollment_id,
)
from hubtrust.dynamic.enrollment_provider import EnrollmentOutputs, EnrollmentProvider
from hubtrust.dynamic.lifecycle import Reconciled
from hubtrust.dynamic.twin_documents import Document, document_text
from hubtrust.enrollments.description import CLIENT, EnrollmentDescription
from hubtrust.inputs import input_field
from hubtrust.pki.certificate import Certificate, display
from hubtrust.pki.names import common_name
from hubtrust.reconcile_errors import DeclarationError


def _own(value: object) -> tuple[tuple[Certificate, ...], ...]:
    found = read_certificates(value)
    for one in found:
        if len(one) > 1:
            fact = f"a text has {len(one)} certificates"
            raise DeclarationError("value", fact, "give only the device's own certificate: Azure compares no other")
    return found


def _registration_id(value: object) -> str:
    """An id of an enrollment for which a certificate may be signed: it is no verification code.

    Raises:
        DeclarationError: it is something else.
    """
    return require_device_id(require_enrollment_id(value))


@dataclass(frozen=True, kw_only=True)
class IndividualEnrollmentInputs(EnrollmentInputs):
    """The inputs of an IndividualEnrollmentEntry."""

    kind: ClassVar[Kind] = INDIVIDUALS
    registration_id: str = input_field(
        _registration_id,
        "the id with which the device registers, at most 64 letters, digits, dashes, points, underscores and colons: the common "
        "name of its certificates.",
        required=True,
        kept=True,
        replaces=True,
        same=same_enrollment_id,
    )
    certificates: tuple[tuple[Certificate, ...], ...] | None = input_field(
        _own, "the device's one or two own certificates, PEM, the primary first.", required=True
    )
    device_id: str | None = input_field(
        require_device_id, "the id that it gets on its hub. Default: not declared, so the registration id.", kept=True
    )

    @property
    def id(self) -> str:
        """The registration id."""
        return self.registration_id

    @property
    def description(self) -> EnrollmentDescription:
        """What is declared."""
        return EnrollmentDescription(attestation_of(CLIENT, self.certificates or ()), self.terms, self.device_id)

    def require_consistent(self) -> None:
        """Also: the registration id is the common name of each certificate. Azure takes another one, and refuses the device.

        Raises:
            DeclarationError: see above.
        """
        super().require_consistent()
        if {"registration_id", "certificates"} & self.unknown:
            return
        if len(self.registration_id) > LONGEST_COMMON_NAME:
            fact = f"it has {len(self.registration_id)} characters, and it is the common name of a certificate"
            raise DeclarationError("registrationId", fact, f"use at most {LONGEST_COMMON_NAME}")
        for (certificate,) in self.certificates or ():
            name = common_name(certificate.subject)
            if name.lower() != self.registration_id.lower():
                fact = f"the common name of {display(certificate)} is '{name}', and the registration id is '{self.registration_id}'"
                raise DeclarationError("certificates", fact, "use the common name as registration id, or have a certificate issued for it")


class IndividualEnrollmentOutputs(EnrollmentOutputs):
    """The outputs of an IndividualEnrollmentEntry."""

    registration_id: pulumi.Output[str]
    """The id with which the device registers."""
    device_id: pulumi.Output[str | None]
    """The id that it gets on its hub, if it is declared."""


class IndividualEnrollmentProvider(EnrollmentProvider[IndividualEnrollmentInputs]):
    """See ``EnrollmentProvider``."""

    inputs, results, id_output = IndividualEnrollmentInputs, IndividualEnrollmentOutputs, "registrationId"


class IndividualEnrollmentEntry(IndividualEnrollmentOutputs, Reconciled, module="hubtrust", name="IndividualEnrollmentEntry"):
    """The enrollment of one device: it may register with its own certificate, whoever signed that."""

    provider = IndividualEnrollmentProvider

    def __init__(
        self,
        resource_name: str,
        *,
        service_id: pulumi.Input[str],
        registration_id: pulumi.Input[str],
        certificates: pulumi.Input[Sequence[pulumi.Input[str]]],
        host_name: pulumi.Input[str] | None = None,
        device_id: pulumi.Input[str] | None = None,
        hubs: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
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
        skip: pulumi.Input[str | None] | None = None,
        cloud: pulumi.Input[str] | None = None,
        deadline: pulumi.Input[float] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """The enrollment of one device: it may register with its own certificate, whoever signed that.

        Args:
            resource_name: its name in Pulumi.
            service_id: ARM id of the provisioning service.
            registration_id: the id with which the device registers, at most 64 letters, digits, dashes, points, underscores and colons: the
                common name of its certificates.
            certificates: the device's one or two own certificates, PEM, the primary first.
            host_name: its host name for programs, such as dps-7.azure-devices-provisioning.net; without it, Resource Manager is asked.
            device_id: the id that it gets on its hub. Default: not declared, so the registration id.
            hubs: host names of the hubs to choose from, each linked to the service. Default: not declared, so all that are linked.
            allocation: how a device's hub is chosen: `hashed`, `static` (``hubs`` has the one), `geoLatency` or `custom` (by a webhook).
                Default: not declared, so as the service does.
            webhook: the https URL that chooses the hub, for `custom` alone; becomes a secret, because such URLs have a key.
            webhook_version: the api-version of the webhook's requests, from 2018-09-01-preview on; needed with a webhook.
            tags: tags of a new device's twin, an object. Devices that have registered are not changed.
            desired: desired properties of a new device's twin, an object. Devices that have registered are not changed.
            edge: True: its devices are IoT Edge devices.
            reprovision: what becomes of a device that registers again and gets another hub: `migrate` (its twin moves with it), `reset`
                (its twin is new) or `never` (it stays in its hub). Default: not declared, so `migrate`.
            status: `enabled` (default) or `disabled`: no device registers by it, and those that have are disabled on their hubs.
            revoke_devices: False: while it is disabled, the devices that came by it stay enabled on their hubs, and connected. Default
                True.
            adopt: True: one of this id that others made is taken over, whatever it has. Default False: refuse.
            skip: why nothing is written or read in this run, and what is there stays. None: it is written.
            cloud: `public` (default), `usgovernment`, `china` or the https URL of a metadata host.
            deadline: seconds, 1 to 3600, to retry what Azure refuses temporarily; default 300.
            opts: Pulumi's resource options.
        """
        texts = {"tags": document_text("tags", tags), "desired": document_text("desired", desired)}
        super().__init__(resource_name, {**locals(), **texts}, opts)
