"""EnrollmentGroupEntry: one enrollment group of a provisioning service, with what is declared of it.

Its inputs are the fields of ``EnrollmentGroupInputs`` here, of ``EnrollmentInputs`` in ``hubtrust/dynamic/enrollment_inputs.py``, of
``ServiceInputs`` in ``hubtrust/dynamic/service_inputs.py``, and of ``AzureInputs`` and ``CloudInputs`` in ``hubtrust/azure_inputs.py``. To
add one, add a field there and a parameter of the same name to the constructor here.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import pulumi

from hubtrust.azure.enrollment_service import GROUPS, Kind
from hubtrust.dynamic.enrollment_inputs import (
    EnrollmentInputs,
    attestation_of,
    issuers_of,
    read_certificates,
    read_references,
    require_enrollment_id,
    same_enrollment_id,
)
from hubtrust.dynamic.enrollment_provider import EnrollmentOutputs, EnrollmentProvider
from hubtrust.dynamic.lifecycle import Reconciled
from hubtrust.dynamic.twin_documents import Document, document_text
from hubtrust.enrollments.description import REFERENCES, SIGNING, Attestation, EnrollmentDescription
from hubtrust.inputs import input_field
from hubtrust.pki.certificate import Certificate
from hubtrust.pki.profile import require_may_sign
from hubtrust.reconcile_errors import DeclarationError


def _signing(value: object) -> tuple[tuple[Certificate, ...], ...]:
    found = read_certificates(value)
    for signing, *_ in found:
        require_may_sign(signing)
    return found


@dataclass(frozen=True, kw_only=True)
class EnrollmentGroupInputs(EnrollmentInputs):
    """The inputs of an EnrollmentGroupEntry."""

    kind: ClassVar[Kind] = GROUPS
    group_id: str = input_field(
        partial(require_enrollment_id, noun="group id"),
        "the group's id: at most 128 letters, digits, dashes, points, underscores and colons.",
        required=True,
        kept=True,
        replaces=True,
        same=same_enrollment_id,
    )
    ca_references: Sequence[str] | None = input_field(
        read_references,
        "names of one or two certificates of the service, the primary first; each must be verified there.",
        kept=True,
    )
    signing_certificates: tuple[tuple[Certificate, ...], ...] | None = input_field(
        _signing,
        "one or two certificates of CAs that sign devices, PEM, the primary first, instead of ``ca_references``; after each one, in "
        "the same text, its issuers up to a CA that is verified on the service.",
    )

    @property
    def id(self) -> str:
        """The group's id."""
        return self.group_id

    @property
    def description(self) -> EnrollmentDescription:
        """What is declared."""
        if self.ca_references is not None:
            return EnrollmentDescription(Attestation(REFERENCES, tuple(self.ca_references)), self.terms)
        return EnrollmentDescription(attestation_of(SIGNING, self.signing_certificates or ()), self.terms)

    @property
    def above(self) -> Mapping[str, Collection[Certificate]]:
        """Issuers of the signing certificates, as far as they were given."""
        return issuers_of(self.signing_certificates or ())

    def require_consistent(self) -> None:
        """Also: exactly one of ``ca_references`` and ``signing_certificates`` is given.

        Raises:
            DeclarationError: see above.
        """
        super().require_consistent()
        given = [name for name in ("caReferences", "signingCertificates") if name in self.given]
        if len(given) != 1:
            fact = "both are given" if given else "neither is given, so nothing says which devices belong to the group"
            raise DeclarationError("caReferences and signingCertificates", fact, "give one of them")


class EnrollmentGroupOutputs(EnrollmentOutputs):
    """The outputs of an EnrollmentGroupEntry."""

    group_id: pulumi.Output[str]
    """The group's id."""
    ca_references: pulumi.Output[list[str] | None]
    """The names of certificates of the service that it refers to; None where it has certificates of its own."""


class EnrollmentGroupProvider(EnrollmentProvider[EnrollmentGroupInputs]):
    """See ``EnrollmentProvider``."""

    inputs, results, id_output = EnrollmentGroupInputs, EnrollmentGroupOutputs, "groupId"


class EnrollmentGroupEntry(EnrollmentGroupOutputs, Reconciled, module="hubtrust", name="EnrollmentGroupEntry"):
    """One enrollment group of a provisioning service: devices with a certificate of its CA may register."""

    provider = EnrollmentGroupProvider

    def __init__(
        self,
        resource_name: str,
        *,
        service_id: pulumi.Input[str],
        group_id: pulumi.Input[str],
        host_name: pulumi.Input[str] | None = None,
        ca_references: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        signing_certificates: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
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
        """One enrollment group of a provisioning service: devices with a certificate of its CA may register.

        Args:
            resource_name: its name in Pulumi.
            service_id: ARM id of the provisioning service.
            group_id: the group's id: at most 128 letters, digits, dashes, points, underscores and colons.
            host_name: its host name for programs, such as dps-7.azure-devices-provisioning.net; without it, Resource Manager is asked.
            ca_references: names of one or two certificates of the service, the primary first; each must be verified there.
            signing_certificates: one or two certificates of CAs that sign devices, PEM, the primary first, instead of ``ca_references``;
                after each one, in the same text, its issuers up to a CA that is verified on the service.
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
