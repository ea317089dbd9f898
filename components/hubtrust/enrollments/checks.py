"""What is checked before an enrollment is written: Azure takes almost anything, and refuses each device later.

Recorded and tested by others: a reference to a certificate that is not verified, a hub that is not linked, a webhook where nobody answers,
a certificate that another entry has. Only what is new is checked, so that nothing keeps a run from taking something away.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from hubtrust.azure.enrollment_service import EnrollmentService, Kind
from hubtrust.azure.service import Service
from hubtrust.enrollments import holders
from hubtrust.enrollments.description import REFERENCES, SIGNING, Attestation, EnrollmentDescription, found_attestation, found_parts
from hubtrust.enrollments.holders import Held
from hubtrust.enrollments.service_facts import ServiceFacts
from hubtrust.pki.certificate import Certificate, display, load_certificate, thumbprint
from hubtrust.pki.links import is_signed_by
from hubtrust.pki.profile import require_valid_at
from hubtrust.reconcile_errors import EnrollmentError

Facts = Callable[[bool], ServiceFacts]  # what Resource Manager says; True: asked again
_NOT_FOUND = "so every device would be refused ('CA certificate not found.')"  # what Azure answers to devices


def require_admissible(
    what: str,
    owner: Service,
    wanted: EnrollmentDescription,
    found: Mapping[str, Any] | None,
    *,
    facts: Facts,
    above: Mapping[str, Collection[Certificate]],
    now: datetime,
) -> None:
    """Check what is new in ``wanted``, compared with the record ``found``; ``above`` are issuers, by SHA-256 of who is below them.

    Raises:
        EnrollmentError: a hub is not linked, or no device could prove itself with a certificate.
        PkiError: a certificate is not valid now.
        AzureError: Resource Manager can't be asked: then nothing is written.
    """
    hubs = _new_hubs(wanted, found)
    certificates = new_certificates(wanted.attestation, found)
    for one in certificates.sent:
        require_valid_at(load_certificate(one, what=what), now=now)
    if not hubs and (not certificates.held or wanted.attestation.kind not in (REFERENCES, SIGNING)):
        return
    try:
        _require(what, owner, hubs, certificates, facts(False), above)
    except EnrollmentError:  # what is known may be of an earlier moment of this run
        _require(what, owner, hubs, certificates, facts(True), above)


def claim(
    service: EnrollmentService,
    owner: Service,
    entry: tuple[Kind, str],
    what: str,
    wanted: EnrollmentDescription,
    found: Mapping[str, Any] | None,
    *,
    facts: Facts,
) -> None:
    """Refuse a new certificate that another enrollment of the service has.

    Raises:
        EnrollmentError: one has it.
        AzureError: see ``holders.claim``.
    """
    certificates = new_certificates(wanted.attestation, found)
    known = facts(False) if certificates.held and certificates.kind in (REFERENCES, SIGNING) else None
    held = holders.claim(service, owner.id, *entry, _held(certificates, known))
    if held is not None:
        certificate, other = held
        fact = f"{certificate} is in {other} of {owner.title} too; Azure lets a certificate be in one entry, and uses the first it finds"
        raise EnrollmentError(what, fact, f"use another one here, or remove it from {other} first")


def new_certificates(wanted: Attestation, found: Mapping[str, Any] | None) -> Attestation:
    """Those certificates of ``wanted`` that the record ``found`` does not have."""
    before = found_attestation(found) if found else None
    known = set(before.part[1:]) if before is not None and before.kind == wanted.kind else set[str]()
    places = [place for place, one in enumerate(wanted.held) if (one.lower() if wanted.kind == REFERENCES else one) not in known]
    sent = tuple(wanted.sent[place] for place in places if place < len(wanted.sent))
    return Attestation(wanted.kind, tuple(wanted.held[place] for place in places), sent)


def _new_hubs(wanted: EnrollmentDescription, found: Mapping[str, Any] | None) -> list[str]:
    known = set(found_parts(found)["hubs"]) if found else set()
    return sorted({one.lower() for one in wanted.terms.hubs or ()} - known)


def _require(
    what: str,
    owner: Service,
    hubs: Collection[str],
    certificates: Attestation,
    facts: ServiceFacts,
    above: Mapping[str, Collection[Certificate]],
) -> None:
    for hub in hubs:
        if hub not in facts.hubs:
            fact = f"hub '{hub}' is not linked to {owner.title} ({facts.shown_hubs})"
            raise EnrollmentError(what, fact, "link it there (hubs of ProvisioningService), or leave it out")
    if certificates.kind == REFERENCES:
        for name in certificates.held:
            _require_verified(what, owner, name, facts)
    elif certificates.kind == SIGNING:  # a device's own certificate needs no CA: it is enrolled itself
        for held, sent in zip(certificates.held, certificates.sent, strict=True):
            _require_trusted(what, owner, load_certificate(sent, what=what), above.get(held, ()), facts)


def _require_verified(what: str, owner: Service, name: str, facts: ServiceFacts) -> None:
    found = facts.certificates.get(name.lower())
    if found is None:
        there = ", ".join(sorted(one.name for one in facts.certificates.values())) or "none"
        fact = f"there is no certificate '{name}' on {owner.title} (there: {there})"
        raise EnrollmentError(
            what, fact, "prove the CA there (authorities of ProvisioningService, or VerifiedCertificate), or name another"
        )
    if not found.verified:
        fact = f"certificate '{name}' on {owner.title} is not verified, {_NOT_FOUND}"
        raise EnrollmentError(what, fact, "prove possession of its key first (authorities of ProvisioningService, or VerifiedCertificate)")


def _require_trusted(what: str, owner: Service, certificate: Certificate, above: Collection[Certificate], facts: ServiceFacts) -> None:
    """It, or one of its issuers as far as they were given, is verified on the service."""
    verified, current = facts.verified, certificate
    for issuer in (None, *above):
        if issuer is not None:
            if not is_signed_by(current, issuer):
                fact = f"{display(current)} was not signed by {display(issuer)}, which follows it"
                raise EnrollmentError(what, fact, "give the signing certificate first, then its issuer, and so on")
            current = issuer
        if thumbprint(current) in verified:
            return
    who = f"neither {display(certificate)} nor an issuer that follows it is" if above else f"{display(certificate)} is not"
    fact = f"{who} verified on {owner.title}, {_NOT_FOUND}"
    remedy = "prove a CA above it there (authorities of ProvisioningService), and give the certificates up to that CA after this one"
    raise EnrollmentError(what, fact, remedy)


def _held(certificates: Attestation, facts: ServiceFacts | None) -> list[Held]:
    if certificates.kind == REFERENCES:
        return [Held(f"certificate '{name}'", frozenset(_reference_keys(name, facts))) for name in certificates.held]
    found = []
    for sha256, sent in zip(certificates.held, certificates.sent, strict=True):
        certificate = load_certificate(sent, what="certificate")
        sha1 = thumbprint(certificate)
        names = facts.names_of(sha1) if facts else []
        found.append(
            Held(
                f"certificate {display(certificate)}",
                frozenset({holders.sha256_key(sha256), holders.sha1_key(sha1), *map(holders.reference_key, names)}),
            )
        )
    return found


def _reference_keys(name: str, facts: ServiceFacts | None) -> set[str]:
    found = facts.certificates.get(name.lower()) if facts else None
    return {holders.reference_key(name)} | ({holders.sha1_key(found.thumbprint)} if found else set())
