"""What a program knows of its hubs, services, enrollments and devices, as the facts that ``hubtrust.evidence.changes`` compares."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pulumi

from hubtrust.device import TrustedDevice
from hubtrust.dynamic.verified_certificate import VerifiedCertificate
from hubtrust.enrollment_fleet import EnrollmentFleet
from hubtrust.enrollment_group import EnrollmentGroup
from hubtrust.fleet import TrustedFleet
from hubtrust.hub import TrustedHub
from hubtrust.individual_enrollment import IndividualEnrollment
from hubtrust.inputs import wire_name
from hubtrust.provisioning_service import ProvisioningService

_Owner = TrustedHub | ProvisioningService
_Enrollment = EnrollmentGroup | IndividualEnrollment
_Fleet = TrustedFleet | EnrollmentFleet
_Found = Mapping[str, Any]
_Fact = pulumi.Output[dict[str, Any]]
_UNKNOWN = dict.fromkeys(("acceptedAt", "requestId", "correlationId", "deployedBy", "commit"))  # what may be null of a proof


def texts(owners: Sequence[_Owner], watched: Sequence[_Enrollment | _Fleet | TrustedDevice]) -> pulumi.Output[list[str]]:
    """Each fact as JSON text, in which Pulumi renames nothing."""
    facts = [fact for owner in owners for fact in _of_owner(owner)] + [fact for one in watched for fact in _of_watched(one)]
    return pulumi.Output.all(*facts).apply(lambda found: [json.dumps(one, sort_keys=True) for one in found])


def _fact(made: Callable[[_Found], dict[str, Any]], **outputs: Any) -> _Fact:
    return pulumi.Output.all(**outputs).apply(made)


def _optional(output: pulumi.Output[Any]) -> pulumi.Output[Any]:
    """None where the state has no such output: a preview does not know an output that is not there, and would show a change each time.

    What a run is to make stays unknown, because a fact has other outputs of it, which are always there.
    """
    return output.apply(lambda found: None if pulumi.contains_unknowns(found) else found, run_with_unknowns=True)


def _whole(number: object) -> int:
    """The engine passes all numbers as floats."""
    return int(number) if isinstance(number, int | float) else 0


def _of_owner(owner: _Owner) -> Iterator[_Fact]:
    """A hub or service: whether it was taken over, its certificates, and what was consented to."""
    service_id, form = (owner.hub_id, "hub") if isinstance(owner, TrustedHub) else (owner.service_id, "dps")
    if owner.is_adopted:
        yield _fact(lambda found: {"kind": form, "id": found["id"], "adopted": True}, id=service_id)
    for authority, certificates in owner.certificates.items():
        yield from map(_of_certificate, certificates)
        if (dropped := owner.dropped[authority]) is not None:
            yield _fact(_consent, service=service_id, authority=authority, generation=dropped)


def _consent(found: _Found) -> dict[str, Any]:
    known = {"service": found["service"], "authority": found["authority"]}
    return {"kind": "consent", **known, "dropGeneration": _whole(found["generation"])}


def _of_certificate(one: VerifiedCertificate) -> _Fact:
    def made(found: _Found) -> dict[str, Any]:
        return {
            **{name: found[name] for name in ("service", "certificate", "state", "proof", "etag", "adopted")},
            "kind": "certificate",
            "certificateName": found["certificate_name"],
            "authority": found["authority"] or "ca",
            "generation": _whole(found["generation"]) or 1,
            "proofs": [_UNKNOWN | _as_in_the_state(each) for each in found["proofs"] or ()],
        }

    return _fact(
        made,
        service=one.service_id,
        certificate_name=one.certificate_name,
        authority=one.name,
        generation=one.generation,
        certificate=one.certificate,
        state=one.state,
        proof=one.proof,
        etag=one.etag,
        adopted=_optional(one.adopted),
        proofs=_optional(one.proofs),
    )


def _as_in_the_state(value: Any) -> Any:
    """Pulumi gives a program the names inside an output in snake_case, and leaves out what is null."""
    return {wire_name(name): _as_in_the_state(each) for name, each in value.items()} if isinstance(value, Mapping) else value


def _of_watched(one: _Enrollment | _Fleet | TrustedDevice) -> Iterator[_Fact]:
    """An enrollment, a fleet or a device; none of an enrollment whose authority waits for its first certificate."""
    if isinstance(one, TrustedFleet):
        yield _of_fleet("devices", "hub", one.entries.hub_id, one.name, one.entries)
    elif isinstance(one, EnrollmentFleet):
        yield _of_fleet("enrollments", "service", one.entries.service_id, one.name, one.entries)
    elif isinstance(one, TrustedDevice):
        identity = one.identity
        known = {"hub": identity.hub_id, "id": identity.device_id, "status": _optional(identity.status)}
        known["adopted"] = _optional(identity.adopted)
        yield _fact(lambda found: {"kind": "device", **found}, **known)
    elif one.entry is not None:
        yield _of_enrollment(one.entry)


def _of_enrollment(entry: Any) -> _Fact:
    form, id_ = ("group", entry.group_id) if hasattr(entry, "group_id") else ("individual", entry.registration_id)

    def made(found: _Found) -> dict[str, Any]:
        own = {name: found[name] for name in ("service", "id", "status", "adopted")}
        return {"kind": "enrollment", "form": form, **own, "revoked": _whole(found["revoked"]), "left": len(found["left"] or ())}

    known = {"service": entry.service_id, "id": id_}
    return _fact(made, **known, **{name: _optional(getattr(entry, name)) for name in ("status", "adopted", "revoked", "left")})


def _of_fleet(form: str, place: str, where: pulumi.Output[str], name: str, entries: Any) -> _Fact:
    """How many of it are disabled, and the first of them; that its members change is no evidence of anything."""

    def made(found: _Found) -> dict[str, Any]:
        taken = {"count": _whole(found["adopted"]["count"]), "digest": found["adopted"]["digest"]} if found["adopted"] else None
        disabled = _whole(found["count"]) - _whole(found["enabled"])
        exceptions = list(found["exceptions"] or ())
        return {"kind": form, place: found["where"], "fleet": name, "disabled": disabled, "exceptions": exceptions, "adopted": taken}

    known = {"count": entries.count, "enabled": entries.enabled}
    return _fact(made, where=where, **known, exceptions=_optional(entries.exceptions), adopted=_optional(entries.adopted))
