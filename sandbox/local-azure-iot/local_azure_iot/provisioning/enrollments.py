"""The enrollments of a provisioning service: groups, and individual ones. Creating, changing and deleting them, and their JSON.

A document: `id`, `record` (what GET answers, without etag, dates and registration), `certificates` and `keys` (see `attestation`), `etag`,
`created`, `updated`, and `generation`, which tells it from an earlier enrollment of the same id.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_azure_iot.microsoft_devices import etags, lifecycle
from local_azure_iot.provisioning import attestation, enrollment_index, enrollment_record, errors, moments, registrations, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

# https://learn.microsoft.com/azure/iot-dps/concepts-service#registration-id
_ID = re.compile(rf"[A-Za-z0-9\-._:]{{0,{errors.MAX_ID - 1}}}[A-Za-z0-9\-]")


@dataclass(frozen=True)
class Kind:
    """One of the two kinds of enrollments, with everything that differs between them."""

    document: str  # the store's kind
    id_member: str
    plural: str  # the member of a bulk operation that has them
    item_type: str  # of a query's answer: x-ms-item-type
    certificates_member: str
    id_invalid: Callable[[], errors.ProvisioningError]
    not_found: Callable[[], errors.ProvisioningError]
    exists: Callable[[], errors.ProvisioningError]


GROUPS = Kind(
    lifecycle.ENROLLMENT_GROUP, "enrollmentGroupId", "enrollmentGroups", "EnrollmentGroup", attestation.SIGNING,
    errors.group_id_invalid, errors.group_not_found, errors.group_exists,
)  # fmt: skip
INDIVIDUALS = Kind(
    lifecycle.INDIVIDUAL_ENROLLMENT, "registrationId", "enrollments", "Enrollment", attestation.CLIENT,
    errors.registration_id_invalid, errors.enrollment_not_found, errors.enrollment_exists,
)  # fmt: skip
_LIMITED = {"x509": "X.509", "symmetricKey": "symmetric key"}  # groups: by type, and its name in the error


def is_id(text: str) -> bool:
    """Whether a text can be a registration id or an id of a group."""
    return _ID.fullmatch(text) is not None


def find(azure: Azure, service_key: str, kind: Kind, enrollment_id: str) -> Document | None:
    """An enrollment, by its id in any case; None if there is none."""
    return azure.store.get(kind.document, _key(service_key, enrollment_id))


def require(azure: Azure, service_key: str, kind: Kind, enrollment_id: str) -> Document:
    """The enrollment, which must exist.

    Raises:
        ProvisioningError: It does not.
    """
    found = find(azure, service_key, kind, enrollment_id)
    if found is None:
        raise kind.not_found()
    return found


def every(azure: Azure, service_key: str, kind: Kind) -> Iterator[Document]:
    """All enrollments of a kind, in the order of their ids, read page by page: there may be a million individual ones."""
    return (document for _, document in azure.store.documents(kind.document, f"{service_key}/"))


def page(azure: Azure, service_key: str, kind: Kind, after: str, count: int) -> list[tuple[str, Document]]:
    """At most ``count`` enrollments and their places, after the place ``after``."""
    return azure.store.page(kind.document, f"{service_key}/", after, count)


def put(
    azure: Azure, service_key: str, kind: Kind, body: dict[str, Any], *, enrollment_id: str, if_match: str | None, version: str
) -> Document:
    """Create an enrollment (``if_match`` None), or replace the one whose etag that is; ``body`` has the types of `enrollment_shapes`.

    What an api-version does not know is lost with it. What is replaced keeps the certificates that the body only names, its keys where
    the body has none, and its registration.

    Raises:
        ProvisioningError: It exists and ``if_match`` is missing or stale; it does not exist and ``if_match`` is given; the body is
            invalid, or is about another id; the service has as many groups as it may.
    """
    sent_id = str(body.get(kind.id_member) or "")
    if not is_id(enrollment_id) or not is_id(sent_id):
        raise kind.id_invalid()
    if sent_id.lower() != enrollment_id.lower():
        raise errors.argument_invalid(f"{kind.id_member} in the body is '{sent_id}', and not '{enrollment_id}' of the path.")
    before = find(azure, service_key, kind, enrollment_id)
    if before is None and if_match is not None:
        raise kind.not_found()
    if before is not None:
        if if_match is None:
            raise kind.exists()
        _check_etag(before, if_match)
    found = attestation.read(body.get("attestation"), kind.certificates_member, before)
    record = enrollment_record.read(body, found.shown, version, individual=kind is INDIVIDUALS)
    if kind is GROUPS:
        _check_limit(azure, service_key, found.shown["type"], before)
    now = moments.written(azure.clock.now())
    document: Document = {
        "id": before["id"] if before else sent_id,
        "generation": before["generation"] if before else azure.store.next_number("enrollment"),
        "record": record,
        "certificates": found.certificates,
        "keys": found.keys,
        "etag": etags.new_cosmos_etag(azure),
        "created": before["created"] if before else now,
        "updated": now,
    }
    azure.store.put(kind.document, _key(service_key, enrollment_id), document)
    enrollment_index.follow(azure, service_key, kind.document, before, document)
    return document


def delete(azure: Azure, service_key: str, kind: Kind, enrollment_id: str, if_match: str | None = None) -> None:
    """Delete an enrollment with the registrations that came by it. The devices stay in their hubs.

    Raises:
        ProvisioningError: It does not exist, or ``if_match`` is given and stale.
    """
    document = require(azure, service_key, kind, enrollment_id)
    if if_match is not None:
        _check_etag(document, if_match)
    azure.store.delete(kind.document, _key(service_key, enrollment_id))
    enrollment_index.follow(azure, service_key, kind.document, document, None)
    if kind is GROUPS:
        registrations.forget_group(azure, service_key, document)
    elif (registration := registrations.find(azure, service_key, enrollment_id)) and registration["group"] is None:
        registrations.remove(azure, service_key, registration)


def to_json(kind: Kind, document: Document, version: str, *, keys: bool = False, registration: Document | None = None) -> dict[str, Any]:
    """An enrollment as an api-version shows it, in Azure's order of members; PUT's answer has its symmetric ``keys`` too."""
    members = {
        kind.id_member: document["id"],
        **document["record"],
        "etag": document["etag"],
        "createdDateTimeUtc": document["created"],
        "lastUpdatedDateTimeUtc": document["updated"],
    }
    if keys:
        members["attestation"] = attestation.with_keys(document)
    if registration is not None:
        members["registrationState"] = registration
    return {name: members[name] for name in (kind.id_member, *_ORDER) if name in members and versions.has(name, version)}


_ORDER = (
    "deviceId", "registrationState", "attestation", "capabilities", "iotHubs", "iotHubHostName", "initialTwin", "etag",
    "provisioningStatus", "reprovisionPolicy", "createdDateTimeUtc", "lastUpdatedDateTimeUtc", "allocationPolicy",
    "customAllocationDefinition", "optionalDeviceInformation", *versions.ADDED_MEMBERS,
)  # fmt: skip


def _check_etag(document: Document, if_match: str) -> None:
    if not etags.matches(if_match, document["etag"]):
        raise errors.etag_invalid()


def _check_limit(azure: Azure, service_key: str, kind: str, before: Document | None) -> None:
    if before is not None and before["record"]["attestation"]["type"] == kind:
        return
    alike = sum(each["record"]["attestation"]["type"] == kind for each in every(azure, service_key, GROUPS))
    if alike >= errors.MAX_GROUPS:
        raise errors.too_many_groups(_LIMITED[kind])


def _key(service_key: str, enrollment_id: str) -> str:
    return f"{service_key}/{enrollment_id.lower()}"
