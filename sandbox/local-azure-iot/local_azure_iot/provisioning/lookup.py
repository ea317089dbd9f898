"""Which enrollment lets a device in, and whether its credentials are good for it.

The order is that of https://learn.microsoft.com/azure/iot-dps/concepts-x509-attestation: first the device's own certificate among the
individual enrollments, then each CA from its issuer upward among the groups. The first that matches decides, also where it is disabled.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import access, device_access
from local_azure_iot.judge import certificate as certificates
from local_azure_iot.judge import connection_check
from local_azure_iot.judge.connection_check import Reason
from local_azure_iot.judge.der import MalformedError
from local_azure_iot.provisioning import chain_walk, enrollment_index, enrollments, registrants
from local_azure_iot.provisioning.enrollments import GROUPS, INDIVIDUALS
from local_azure_iot.provisioning.refusals import INVALID, NO_CA, OTHER_SIGNER, UNAUTHORIZED, RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local_azure_iot.judge.certificate import Certificate
    from local_azure_iot.judge.connection_check import Refusal
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.provisioning.chain_walk import Step, Uploaded
    from local_azure_iot.provisioning.enrollments import Kind
    from local_azure_iot.provisioning.registrants import Registrant
    from local_azure_iot.store import Document


@dataclass(frozen=True)
class Match:
    """The enrollment that lets a device in, and how the device will authenticate to its hub: as a request to the hub says it."""

    kind: Kind
    enrollment: Document
    authentication: dict[str, Any]
    thumbprint: str = ""  # SHA-256 of its certificate, upper-case hex; empty: it comes by a key

    @property
    def enabled(self) -> bool:
        """Whether the enrollment is enabled."""
        return is_enabled(self.enrollment)

    @property
    def name(self) -> str:
        """What the log calls the enrollment."""
        return f"{'group' if self.kind is GROUPS else 'individual enrollment'} '{self.enrollment['id']}'"


def find(azure: Azure, registrant: Registrant) -> Match:
    """The enrollment that lets a device in.

    Raises:
        RefusedError: There is none, or the device's credentials are not good.
    """
    if registrant.signature:
        return _by_signature(azure, registrant)
    if not registrant.chain:
        raise RefusedError(UNAUTHORIZED, "neither a certificate nor a shared access signature was sent; TPMs can't register here")
    if reason := registrants.name_refusal(registrant):
        raise RefusedError(UNAUTHORIZED, reason)
    return _by_certificate(azure, registrant)


def _by_certificate(azure: Azure, registrant: Registrant) -> Match:
    if len(registrant.chain) > connection_check.MAX_CHAIN:
        raise RefusedError(INVALID, f"{Reason.TOO_LONG}: {len(registrant.chain)}")
    own = certificates.read_sent(registrant.chain[0])  # its name was read before
    thumbprint = own.thumbprints[1]
    key = registrant.service_key
    holders = _read(azure, key, INDIVIDUALS, enrollment_index.with_certificate(azure, key, INDIVIDUALS.document, thumbprint))
    if holders:
        return _of_holder(azure, registrant, holders, thumbprint)
    individual = enrollments.find(azure, key, INDIVIDUALS, registrant.registration_id)
    references = _references(individual) if individual else ()
    if individual and not references:
        kind = individual["record"]["attestation"]["type"]
        if kind != "x509":
            raise RefusedError(UNAUTHORIZED, f"the individual enrollment '{individual['id']}' is by {kind}, and a certificate was sent")
        raise RefusedError(INVALID, f"the individual enrollment '{individual['id']}' has another certificate than the one that was sent")
    known = chain_walk.uploaded(azure, key)
    steps = list(chain_walk.steps(registrant.chain, known))
    if individual:
        if not _referred(references, steps, known):
            fact = f"no CA of its chain is the one to which the individual enrollment '{individual['id']}' refers"
            raise RefusedError(INVALID, fact)
        match = Match(INDIVIDUALS, individual, _self_signed(thumbprint), thumbprint)
    else:
        match = Match(GROUPS, _group(azure, registrant, own, steps, known), _self_signed(thumbprint), thumbprint)
    _require_trust(azure, registrant, own, match)
    return match


def _of_holder(azure: Azure, registrant: Registrant, holders: list[Document], thumbprint: str) -> Match:
    """The individual enrollment that has the device's own certificate. It needs no CA: its own certificate was enrolled."""
    wanted = registrant.registration_id.lower()
    found = min(holders, key=is_enabled)  # a disabled one blocks
    if found["id"].lower() != wanted:
        fact = f"its certificate is that of the individual enrollment '{found['id']}', and it registers as '{registrant.registration_id}'"
        raise RefusedError(UNAUTHORIZED, fact)
    if refusal := connection_check.thumbprint_refusal(registrant.chain, [thumbprint], azure.clock.now()):
        raise RefusedError(INVALID, str(refusal))
    return Match(INDIVIDUALS, found, _self_signed(thumbprint), thumbprint)


def _group(azure: Azure, registrant: Registrant, own: Certificate, steps: list[Step], known: list[Uploaded]) -> Document:
    """The group of the first CA on the way that is one's signing certificate or reference; of several of the same CA a disabled one."""
    key, kind = registrant.service_key, GROUPS.document
    for step in steps:
        names = sorted(each.name for each in known if each.certificate.encoded == step.certificate.encoded)
        signing = enrollment_index.with_certificate(azure, key, kind, step.certificate.thumbprints[1])
        referring = [each for name in names for each in enrollment_index.with_reference(azure, key, kind, name)]
        found = sorted(_read(azure, key, GROUPS, [*signing, *referring]), key=is_enabled)
        if found:
            if found[0]["id"] in signing and not step.sent:
                fact = f"the signing certificate of the group '{found[0]['id']}' ('{step.certificate.subject}') was not sent"
                raise RefusedError(OTHER_SIGNER, fact)
            return found[0]
    raise _no_group(azure, registrant, own, steps)


def _no_group(azure: Azure, registrant: Registrant, own: Certificate, steps: list[Step]) -> RefusedError:
    """What a device is told for which there is no enrollment: that depends on what it sent."""
    named = {own.issuer.canonical, *(each.certificate.subject.canonical for each in steps)}
    named |= {each.certificate.issuer.canonical for each in steps}
    for group in enrollments.every(azure, registrant.service_key, GROUPS):
        for certificate in _signing_certificates(group):
            if certificate.subject.canonical in named:
                name = f"the signing certificate of the group '{group['id']}' has the name of a CA of this device, '{certificate.subject}'"
                return RefusedError(OTHER_SIGNER, f"{name}, and is not among the certificates that were sent")
    refusal = _path_refusal(azure, registrant)
    missing = "no enrollment has its certificate or one of its CAs"
    if refusal is None:
        return RefusedError(UNAUTHORIZED, missing)
    ends_at_ca = any(step.sent for step in steps)  # a root that was sent without the CA below it ends nothing
    told = NO_CA if ends_at_ca and refusal.reason is Reason.UNTRUSTED else UNAUTHORIZED
    return RefusedError(told, f"{missing}; {refusal}")


def _require_trust(azure: Azure, registrant: Registrant, own: Certificate, match: Match) -> None:
    """Check that the chain reaches a verified certificate of the service, and that the device's own may be used by a client.

    Raises:
        RefusedError: It does not. What Azure says of dates and usages is a guess.
    """
    refusal = _path_refusal(azure, registrant)
    if refusal is None:
        try:
            refusal = connection_check.usage_refusal(own)
        except MalformedError as error:
            raise RefusedError(INVALID, f"{match.name} matches; {Reason.PATH}: {error}") from error
    if refusal is not None:
        told = NO_CA if refusal.reason is Reason.UNTRUSTED else INVALID
        raise RefusedError(told, f"{match.name} matches; {refusal}")


def _path_refusal(azure: Azure, registrant: Registrant) -> Refusal | None:
    anchors = device_access.anchors(azure, registrant.service_key)
    return connection_check.path_refusal(registrant.chain, anchors, azure.clock.now(), strict=azure.settings.strict)


def _read(azure: Azure, service_key: str, kind: Kind, ids: Sequence[str]) -> list[Document]:
    found = (enrollments.find(azure, service_key, kind, each) for each in ids)
    return [each for each in found if each]


def is_enabled(enrollment: Document) -> bool:
    """Whether an enrollment is enabled, as one is that does not say."""
    return bool(enrollment["record"].get("provisioningStatus") != "disabled")


def _referred(names: Sequence[str], steps: list[Step], known: list[Uploaded]) -> bool:
    wanted = {each.certificate.encoded for each in known if each.name.lower() in names}
    return any(step.certificate.encoded in wanted for step in steps)


def _references(enrollment: Document) -> tuple[str, ...]:
    found = (enrollment["record"]["attestation"].get("x509") or {}).get("caReferences") or {}
    return tuple(str(name).lower() for name in found.values())


def _signing_certificates(group: Document) -> list[Certificate]:
    return [certificates.read(base64.b64decode(text)) for text in group["certificates"].values()]


def _self_signed(thumbprint: str) -> dict[str, Any]:
    """What the hub gets: the device's own certificate alone, twice, and no CA."""
    return {"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": thumbprint, "secondaryThumbprint": thumbprint}}


def _by_signature(azure: Azure, registrant: Registrant) -> Match:
    """The enrollment whose key signed, or of whose key the device's own was derived that signed.

    https://learn.microsoft.com/azure/iot-dps/concepts-symmetric-key-attestation.
    """
    individual = enrollments.find(azure, registrant.service_key, INDIVIDUALS, registrant.registration_id)
    if individual is not None:
        kind = individual["record"]["attestation"]["type"]
        if kind != "symmetricKey":
            raise RefusedError(UNAUTHORIZED, f"the individual enrollment '{individual['id']}' is by {kind}, and a signature was sent")
        _check(azure, registrant, individual["keys"])
        return Match(INDIVIDUALS, individual, {"type": "sas", "symmetricKey": individual["keys"]})
    failed = "no group is by symmetric key"
    for group in enrollments.every(azure, registrant.service_key, GROUPS):
        if group["record"]["attestation"]["type"] != "symmetricKey":
            continue
        for name in dict.fromkeys((registrant.registration_id, registrant.registration_id.lower())):
            keys = {slot: derived_key(key, name) for slot, key in group["keys"].items()}
            try:
                _check(azure, registrant, keys)
            except RefusedError as error:
                failed = str(error)
                continue
            return Match(GROUPS, group, {"type": "sas", "symmetricKey": keys})
    raise RefusedError(
        UNAUTHORIZED, f"no individual enrollment has this registration id, and no group's key is that of the device: {failed}"
    )


def derived_key(group_key: str, registration_id: str) -> str:
    """The key of one device of a group: HMAC-SHA256 of its registration id with the group's key."""
    try:
        secret = base64.b64decode(group_key, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return base64.b64encode(hmac.new(secret, registration_id.encode(), hashlib.sha256).digest()).decode()


def _check(azure: Azure, registrant: Registrant, keys: dict[str, str]) -> None:
    resource = f"{registrant.service['idScope']}/registrations/{registrant.registration_id}"
    try:
        signature = access.read_signature(registrant.signature)
        signature.check(tuple(keys.values()), resource, azure.clock.timestamp())
    except access.SignatureError as error:
        raise RefusedError(UNAUTHORIZED, str(error)) from error
