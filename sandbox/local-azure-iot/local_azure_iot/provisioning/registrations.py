"""The registrations of a provisioning service: what became of the devices that registered.

A document: what the service API answers, and beside it `group` (the id of the enrollment group by which the device came, None for an
individual enrollment), `thumbprint` (of its certificate), and `generation` (that of the enrollment). A registration whose enrollment is
gone is gone too, and one of an enrollment that was made again belongs to its predecessor: neither is seen any more.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from local_azure_iot.microsoft_devices import etags, lifecycle
from local_azure_iot.provisioning import errors, moments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

_SHOWN = (
    "registrationId", "createdDateTimeUtc", "assignedHub", "deviceId", "status", "substatus", "errorCode", "errorMessage",
    "lastUpdatedDateTimeUtc", "etag", "payload",
)  # fmt: skip


def find(azure: Azure, service_key: str, registration_id: str) -> Document | None:
    """A registration, by its id in any case; None if the device has not registered."""
    found = azure.store.get(lifecycle.REGISTRATION, _key(service_key, registration_id))
    return found if found and _generation(azure, service_key, found) == found["generation"] else None


def require(azure: Azure, service_key: str, registration_id: str) -> Document:
    """The registration, which must exist.

    Raises:
        ProvisioningError: It does not.
    """
    found = find(azure, service_key, registration_id)
    if found is None:
        raise errors.registration_not_found()
    return found


def put(azure: Azure, service_key: str, registration: dict[str, Any]) -> Document:
    """Write a registration, with a new etag and the date of now; returns it. The date of its creation is that of the one it replaces.

    ``registration`` has `registrationId`, `group`, `thumbprint` and what else the service API answers.

    Raises:
        ProvisioningError: Its enrollment is gone.
    """
    generation = _generation(azure, service_key, registration)
    if generation is None:
        raise errors.enrollment_not_found() if registration["group"] is None else errors.group_not_found()
    before, now = find(azure, service_key, registration["registrationId"]), moments.written(azure.clock.now())
    if before is not None:
        _leave_group(azure, service_key, before)
    created = before["createdDateTimeUtc"] if before else now
    stored = {
        **registration, "createdDateTimeUtc": created, "lastUpdatedDateTimeUtc": now, "etag": etags.new_cosmos_etag(azure),
        "generation": generation,
    }  # fmt: skip
    azure.store.put(lifecycle.REGISTRATION, _key(service_key, stored["registrationId"]), stored)
    if stored["group"] is not None:
        azure.store.put(lifecycle.REGISTRATION_IN_GROUP, _key_in_group(service_key, stored), {"id": stored["registrationId"]})
    return stored


def remove(azure: Azure, service_key: str, registration: Document, if_match: str | None = None) -> None:
    """Delete a registration. The device stays in its hub.

    Raises:
        ProvisioningError: ``if_match`` is given and stale.
    """
    if if_match is not None and not etags.matches(if_match, registration["etag"]):
        raise errors.etag_invalid()
    azure.store.delete(lifecycle.REGISTRATION, _key(service_key, registration["registrationId"]))
    _leave_group(azure, service_key, registration)


def of_group(azure: Azure, service_key: str, group_id: str) -> Iterator[Document]:
    """The registrations of an enrollment group, in the order of their ids, read page by page: there may be a million."""
    after = ""
    while rows := page_of_group(azure, service_key, group_id, after, lifecycle.CHUNK):
        yield from (registration for _, registration in rows)
        after = rows[-1][0]


def page_of_group(azure: Azure, service_key: str, group_id: str, after: str, count: int) -> list[tuple[str, Document]]:
    """At most ``count`` registrations of an enrollment group and their places, after the place ``after``."""
    group = azure.store.get(lifecycle.ENROLLMENT_GROUP, _key(service_key, group_id))
    if group is None:
        return []
    rows = azure.store.page(lifecycle.REGISTRATION_IN_GROUP, f"{service_key}/{group['generation']}/", after, count)
    found = ((place, azure.store.get(lifecycle.REGISTRATION, _key(service_key, row["id"]))) for place, row in rows)
    return [(place, registration) for place, registration in found if registration]


def forget_group(azure: Azure, service_key: str, group: Document) -> None:
    """Delete the registrations of a group that is deleted. Nobody sees them any more; many go in the background."""
    key = f"{service_key}/{group['generation']}"
    azure.store.put(lifecycle.FORGOTTEN_GROUP, key, {"service": service_key, "generation": group["generation"]})
    if _forget_some(azure, key):
        _go_on(azure, key)


def resume(azure: Azure) -> None:
    """Go on with the deletions that a restart ended."""
    for key, _ in azure.store.documents(lifecycle.FORGOTTEN_GROUP, ""):
        _go_on(azure, key)


def _go_on(azure: Azure, key: str) -> None:
    azure.background.begin_chunks(f"registrations {key}", azure.store, partial(_forget_some, azure, key))


def to_json(registration: Document) -> dict[str, Any]:
    """A registration as the service API answers it, in Azure's order of members."""
    return {name: registration[name] for name in _SHOWN if registration.get(name) is not None}


def _forget_some(azure: Azure, key: str) -> bool:
    """Delete as many registrations of a group that is deleted as one transaction may. Whether there are more."""
    group = azure.store.get(lifecycle.FORGOTTEN_GROUP, key)
    if group is None:
        return False  # its service is deleted too
    rows = azure.store.page(lifecycle.REGISTRATION_IN_GROUP, f"{key}/", "", lifecycle.CHUNK)
    for place, row in rows:
        registration_key = _key(group["service"], row["id"])
        found = azure.store.get(lifecycle.REGISTRATION, registration_key)
        if found and found["generation"] == group["generation"]:  # else the device has registered by another enrollment since
            azure.store.delete(lifecycle.REGISTRATION, registration_key)
        azure.store.delete(lifecycle.REGISTRATION_IN_GROUP, place)
    if len(rows) == lifecycle.CHUNK:
        return True
    azure.store.delete(lifecycle.FORGOTTEN_GROUP, key)
    return False


def _generation(azure: Azure, service_key: str, registration: dict[str, Any]) -> int | None:
    """The generation of the enrollment that a registration is by; None if it is gone."""
    group = registration["group"]
    kind = lifecycle.INDIVIDUAL_ENROLLMENT if group is None else lifecycle.ENROLLMENT_GROUP
    found = azure.store.get(kind, _key(service_key, registration["registrationId"] if group is None else group))
    return found["generation"] if found else None


def _leave_group(azure: Azure, service_key: str, registration: Document) -> None:
    if registration["group"] is not None:
        azure.store.delete(lifecycle.REGISTRATION_IN_GROUP, _key_in_group(service_key, registration))


def _key(service_key: str, enrollment_id: str) -> str:
    return f"{service_key}/{enrollment_id.lower()}"


def _key_in_group(service_key: str, registration: Document) -> str:
    return f"{service_key}/{registration['generation']}/{registration['registrationId'].lower()}"
