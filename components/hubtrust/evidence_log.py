"""EvidenceLog: the log of what a stack has proven, rotated, dropped, revoked and taken over, which anybody can check offline."""

from collections.abc import Sequence
from typing import Any

import pulumi

from hubtrust import component_outputs, evidence_facts
from hubtrust.cloud_choice import choose_cloud
from hubtrust.device import TrustedDevice
from hubtrust.devices.json_values import kind
from hubtrust.dynamic.evidence_records import EvidenceRecords, EvidenceRecordsInputs
from hubtrust.dynamic.hub_inputs import stack_name
from hubtrust.enrollment_fleet import EnrollmentFleet
from hubtrust.enrollment_group import EnrollmentGroup
from hubtrust.fleet import TrustedFleet
from hubtrust.hub import TrustedHub
from hubtrust.individual_enrollment import IndividualEnrollment
from hubtrust.known_values import require_resource_name
from hubtrust.program_errors import ProgramError
from hubtrust.provisioning_service import ProvisioningService


class EvidenceLogError(ProgramError):
    """An evidence log's declaration is not valid."""


class EvidenceLog(pulumi.ComponentResource):
    """A log with a signed record of each proof, rotation, drop, revocation and adoption; a run in which nothing happened adds none.

    Each record is an in-toto statement in a DSSE envelope. The records are chained as RFC 9162 chains certificates, so that none can be
    changed, left out or moved. `hubtrust verify` checks a log without Azure and without this stack. There is no secret in it.
    """

    log: pulumi.Output[str]
    """The log: one record a line, then its head."""
    size: pulumi.Output[int]
    """How many records it has."""
    root_hash: pulumi.Output[str]
    """The root hash of the Merkle tree over its records, 64 hex digits (RFC 9162)."""

    def __init__(
        self,
        name: str,
        *,
        hubs: Sequence[TrustedHub] = (),
        services: Sequence[ProvisioningService] = (),
        enrollments: Sequence[EnrollmentGroup | IndividualEnrollment] = (),
        fleets: Sequence[TrustedFleet | EnrollmentFleet] = (),
        devices: Sequence[TrustedDevice] = (),
        file: pulumi.Input[str] | None = None,
        cloud: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the log. A stack has one.

        Its records are written after everything else in a run. Where a key refuses to sign one, the run ends with an error: what was proven
        stays proven, and the next run writes the record.

        Args:
            name: the resource's name.
            hubs: the hubs whose certificates are recorded; a plain list.
            services: the provisioning services whose certificates are recorded; a plain list.
            enrollments: enrollments that are recorded when they are disabled, enabled again, taken over or removed; a plain list.
            fleets: fleets whose devices or enrollments are recorded when they are disabled, enabled again or taken over; a plain list.
            devices: single devices, as ``fleets``; a plain list.
            file: an Input: a file that has the log too, relative to the program's folder. It stays when the stack is destroyed, and the
                next `up` continues it. None: the log is in the state alone.
            cloud: `public`, `usgovernment`, `china` or the https URL of a metadata host; None: azure-native's own setting.
            opts: Pulumi's resource options.

        Raises:
            EvidenceLogError: a plain value is not valid, or a list has something else.
        """
        require_resource_name(EvidenceLogError, "EvidenceLog", name)
        what = f"evidence log '{name}'"
        _require(f"hubs of {what}", hubs, TrustedHub)
        _require(f"services of {what}", services, ProvisioningService)
        _require(f"enrollments of {what}", enrollments, EnrollmentGroup, IndividualEnrollment)
        _require(f"fleets of {what}", fleets, TrustedFleet, EnrollmentFleet)
        _require(f"devices of {what}", devices, TrustedDevice)
        with EvidenceLogError.told():
            EvidenceRecordsInputs.check_plain(what, {"file": file})
        super().__init__("hubtrust:index:EvidenceLog", name, None, opts)
        owners: list[TrustedHub | ProvisioningService] = [*hubs, *services]
        watched = [*enrollments, *fleets, *devices]
        records = EvidenceRecords(
            name,
            stack=stack_name(),
            facts=evidence_facts.texts(owners, watched),
            signers=_signers(owners),
            file=file,
            cloud=choose_cloud(cloud, creates_hub=False),
            # Also after the resources that refuse to drop a generation: what they refuse did not happen.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*owners, *watched]),
        )
        self.log, self.root_hash = records.log, records.root_hash
        self.size = records.size.apply(lambda size: int(size or 0))
        component_outputs.register(self)


def _require(what: str, given: Any, *kinds: type) -> None:
    """Check a list of components, which decides what is recorded.

    Raises:
        EvidenceLogError: it is something else.
    """
    remedy = f"give a plain list of {' and '.join(one.__name__ for one in kinds)}"
    if not isinstance(given, list | tuple):
        raise EvidenceLogError(what, f"it is {kind(given)}", remedy)
    for one in given:
        if not isinstance(one, kinds):
            raise EvidenceLogError(what, f"one of them is {kind(one)}", remedy)


def _signers(owners: Sequence[TrustedHub | ProvisioningService]) -> list[dict[str, Any]]:
    """What signs: each authority's current certificate with where its key is, then the previous ones."""
    authorities = list({id(one): one for owner in owners for one in owner.authorities}.values())
    anchors = [one.anchor for one in authorities] + [one.previous for one in authorities]
    return [{"certificate": one.certificate, "signer": one.signer} for one in anchors if one is not None and one.signer is not None]
