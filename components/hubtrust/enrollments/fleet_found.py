"""What a fleet would declare of an individual enrollment that is there, as an import finds it."""

from collections.abc import Mapping
from typing import Any

from hubtrust.enrollments.description import CLIENT, Allocation, EnrollmentDescription, Terms, found_attestation, found_parts, undeclared
from hubtrust.reconcile_errors import DeclarationError


def found_description(what: str, id_: str, record: Mapping[str, Any]) -> EnrollmentDescription:
    """The description of the enrollment ``id_`` of the fleet ``what``; of its certificates only the thumbprints are known.

    Raises:
        DeclarationError: a fleet can't declare it: it has no client certificates, or a webhook.
    """
    attestation, parts = found_attestation(record), found_parts(record)
    member = f"enrollment '{id_}' of {what}"
    if attestation is None or attestation.kind != CLIENT:
        kind = attestation.kind if attestation else record["attestation"].get("type")
        fact = f"its attestation is {kind!r}, and a fleet declares client certificates only"
        raise DeclarationError(member, fact, "leave it out, or give it a certificate first")
    if parts["allocation"] == Allocation.CUSTOM:
        raise DeclarationError(
            member, "a webhook allocates its hub, which a fleet can't declare", "import it as an IndividualEnrollmentEntry"
        )
    declared = {name: None if undeclared(name, value) else value for name, value in parts.items()}
    terms = Terms(
        enabled=parts["enabled"],
        edge=parts["edge"],
        hubs=tuple(declared["hubs"]) if declared["hubs"] else None,
        allocation=declared["allocation"],
        reprovision=declared["reprovision"],
        tags=declared["tags"],
        desired=declared["desired"],
        information=declared["information"],
    )
    own_id = parts["deviceId"] if parts["deviceId"] != record.get("registrationId") else None
    return EnrollmentDescription(attestation, terms, own_id)
