"""What Azure accepts of a fleet's enrollments, and what then keeps their devices from registering."""

from collections.abc import Callable
from datetime import datetime
from itertools import islice

from hubtrust.azure.enrollment_limits import MOST_LISTED
from hubtrust.azure.enrollment_service import INDIVIDUALS, EnrollmentService
from hubtrust.enrollments.description import found_attestation
from hubtrust.enrollments.fleet_certificates import validity_fault
from hubtrust.enrollments.fleet_roster import EnrollmentRoster
from hubtrust.enrollments.service_facts import ServiceFacts
from hubtrust.many_errors import ManyErrors
from hubtrust.reconcile_errors import DeclarationError, EnrollmentError


def require_valid(what: str, declared: EnrollmentRoster, last: EnrollmentRoster | None, moment: datetime) -> None:
    """Each certificate that the last run did not have is valid at this moment: one that has ended since keeps nobody from working.

    Raises:
        DeclarationError: some are not; the first twenty are named.
    """
    errors = ManyErrors("enrollment")
    for id_ in declared.ids:
        attestation = declared.attestations[id_]
        before = last.get(id_) if last else None
        if before is not None and set(attestation.held) <= set(before.attestation.held):
            continue
        if fault := validity_fault(attestation, moment):
            errors.add(f"'{id_}'", DeclarationError(id_, fault, "give certificates that are valid now"))
    if errors.count:
        raise DeclarationError(what, errors.fact(of=len(declared)), errors.remedy)


def require_linked(what: str, declared: EnrollmentRoster, facts: Callable[[bool], ServiceFacts]) -> None:
    """Every hub that an enrollment names is linked to the service.

    Args:
        what: how messages name the fleet.
        declared: the enrollments.
        facts: what Resource Manager says; True: asked again.

    Raises:
        EnrollmentError: one is not.
        AzureError: Resource Manager can't be asked: then nothing is written.
    """
    named = {one.lower(): id_ for id_, terms in declared for one in terms.hubs or ()}
    if not named or named.keys() <= facts(False).hubs:
        return
    known = facts(True)
    if stray := next((one for one in named if one not in known.hubs), None):
        fact = f"enrollment '{named[stray]}' names hub '{stray}', which is not linked to the service ({known.shown_hubs})"
        raise EnrollmentError(what, fact, "link it there (hubs of ProvisioningService), or leave it out")


def require_unclaimed(service: EnrollmentService, what: str, declared: EnrollmentRoster, last: EnrollmentRoster) -> None:
    """No other enrollment has a certificate that is new here: Azure takes it for two, and uses the first one it finds.

    The first 1,000 individual enrollments are looked at, if any certificate is new: there may be a million, and each page is a call.

    Raises:
        EnrollmentError: one has.
        AzureError: see ``EnrollmentService.every``.
    """
    known = {one for attestation in last.attestations.values() for one in attestation.held}
    owners = {one: id_ for id_, attestation in declared.attestations.items() for one in attestation.held if one not in known}
    if not owners:
        return
    for other in islice(service.every(INDIVIDUALS), MOST_LISTED):
        attestation = found_attestation(other.record)
        for one in attestation.held if attestation else ():
            if (id_ := owners.get(one)) is not None and id_.lower() != other.id.lower():
                fact = f"the certificate of '{id_}' is in individual enrollment '{other.id}' too"
                raise EnrollmentError(what, fact, f"use another one here, or remove it from '{other.id}' first")
