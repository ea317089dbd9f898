"""Assigns a device to a hub: writes it to the hub's registry, and what became of it to its registration, in one transaction.

What a hub's entry gets was seen by az CLI's tests; what happens at another registration is
https://learn.microsoft.com/azure/iot-dps/concepts-device-reprovision.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import authentication, errors, identities, modules, twins
from local_azure_iot.provisioning import allocation, hub_links, registrations
from local_azure_iot.provisioning.refusals import CUSTOM_ALLOCATION, NO_HUB, FailedError

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.microsoft_devices.linked_hubs import Link
    from local_azure_iot.provisioning.custom_allocation import Chosen
    from local_azure_iot.store import Document

INITIAL, AGAIN, _MIGRATED, _RESET = "initialAssignment", "reprovisionedToInitialAssignment", "deviceDataMigrated", "deviceDataReset"

_EARLIER = 4  # operations of a device, before its last one, of which it can still ask


@dataclass(frozen=True)
class Applicant:
    """A device that an enrollment has let in."""

    registration_id: str
    enrollment: Document
    group: str | None  # the id of the enrollment group; None: it comes by an individual enrollment
    authentication: dict[str, Any]  # for the hub
    thumbprint: str
    operation: str

    def device_id(self, before: Document | None) -> str:
        """Its id in the hub: what its individual enrollment says, else its registration id, in the case in which it came first."""
        if self.group is None:
            return str(self.enrollment["record"].get("deviceId") or self.enrollment["id"])
        return str(before["registrationId"]) if before else self.registration_id


def assign(azure: Azure, service_key: str, service: Document, applicant: Applicant, chosen: Chosen | None) -> Document:
    """Assign a device; ``chosen`` is what a webhook said. Returns the registration. Within a transaction.

    Raises:
        FailedError: No hub takes it; nothing is written.
    """
    before = registrations.find(azure, service_key, applicant.registration_id)
    with azure.store.transaction():  # a part: a failure leaves nothing behind in any hub
        members = _assigned(azure, service, applicant, before, chosen)
    return _put(azure, service_key, applicant, before, members)


def fail(azure: Azure, service_key: str, applicant: Applicant, error: FailedError) -> Document:
    """Write the registration of a device that could not be assigned."""
    before = registrations.find(azure, service_key, applicant.registration_id)
    members = {**_kept(before), "status": "failed", "errorCode": error.number, "errorMessage": error.told}
    return _put(azure, service_key, applicant, before, members)


def refuse_disabled(azure: Azure, service_key: str, applicant: Applicant) -> Document:
    """Write the registration of a device whose enrollment is disabled."""
    before = registrations.find(azure, service_key, applicant.registration_id)
    return _put(azure, service_key, applicant, before, {**_kept(before), "status": "disabled"})


def _kept(before: Document | None) -> dict[str, Any]:
    """Where a device is that was assigned before: it stays there whatever becomes of a later registration. Showing it is a guess."""
    return {name: before[name] for name in ("assignedHub", "deviceId") if before and before.get(name)}


def _put(azure: Azure, service_key: str, applicant: Applicant, before: Document | None, members: dict[str, Any]) -> Document:
    registration = {
        "registrationId": before["registrationId"] if before else applicant.registration_id,
        "group": applicant.group,
        "thumbprint": applicant.thumbprint,
        "operation": applicant.operation,
        "earlier": _operations(before)[:_EARLIER],
        **members,
    }
    return registrations.put(azure, service_key, registration)


def _operations(before: Document | None) -> list[str]:
    return [each for each in (before.get("operation"), *before.get("earlier", ())) if each] if before else []


def _assigned(azure: Azure, service: Document, applicant: Applicant, before: Document | None, chosen: Chosen | None) -> dict[str, Any]:
    device_id = applicant.device_id(before)
    old = before if before and before.get("assignedHub") and before.get("deviceId") == device_id else None
    link = _destination(service, applicant, old, chosen)
    try:
        substatus = _write(azure, service, applicant, device_id, old, link, chosen)
    except errors.RegistryError as error:
        raise hub_links.refused(azure, error, f"the hub '{link['name']}' refused the device '{device_id}': {error.message}") from error
    payload = {} if chosen is None or chosen.payload is None else {"payload": chosen.payload}
    return {"assignedHub": link["name"], "deviceId": device_id, "status": "assigned", "substatus": substatus, **payload}


def _destination(service: Document, applicant: Applicant, old: Document | None, chosen: Chosen | None) -> Link:
    """The link to the hub that gets the device.

    Raises:
        FailedError: There is none.
    """
    if old and not _policy(applicant)[0]:
        link = hub_links.find(service, old["assignedHub"])
        if link is None:
            told = f"The device stays at '{old['assignedHub']}' (updateHubAssignment is false), which is not linked any more."
            raise FailedError(NO_HUB, told)
        return link
    if chosen is None:
        return allocation.choose(service, applicant.enrollment, applicant.registration_id)
    link = hub_links.find(service, chosen.host)
    if link is None:
        raise FailedError(CUSTOM_ALLOCATION, f"Custom allocation failed: the webhook chose '{chosen.host[:200]}', which is not linked.")
    return link


def _policy(applicant: Applicant) -> tuple[bool, bool]:
    """Whether the hub may change at another registration, and whether the device's data moves along; both unless it says otherwise."""
    declared = applicant.enrollment["record"].get("reprovisionPolicy") or {}
    return declared.get("updateHubAssignment") is not False, declared.get("migrateDeviceData") is not False


def _write(
    azure: Azure, service: Document, applicant: Applicant, device_id: str, old: Document | None, link: Link, chosen: Chosen | None
) -> str:
    """Write the device to its hub; returns the registration's substatus."""
    hub_key, _ = hub_links.open_hub(azure, service, link)
    device = identities.find(azure, hub_key, device_id)
    moved_from = _left(azure, service, old, device_id, hub_links.host(link))
    migrates = moved_from is not None and _policy(applicant)[1]
    if device is None:
        twin = copy.deepcopy(moved_from[1]["twin"]) if moved_from and migrates else _twin(azure, applicant, chosen)
        state = moved_from[1] if moved_from else {"status": "enabled", "reason": None}
        body = {
            "deviceId": device_id,
            "status": state["status"],
            "statusReason": state["reason"],
            "authentication": applicant.authentication,
            "capabilities": {"iotEdge": _is_edge(applicant) or (migrates and moved_from is not None and moved_from[1]["edge"])},
        }
        identities.create(azure, hub_key, body, twin)
    else:
        _take_over(azure, hub_key, device, applicant)
    if moved_from:
        if migrates:
            modules.copy(azure, moved_from[0], hub_key, device_id)
        identities.delete(azure, *moved_from)
    if old is None:
        return INITIAL
    if old["assignedHub"].lower() == hub_links.host(link):
        return AGAIN
    return _MIGRATED if migrates else _RESET  # nothing can be fetched from a hub that is gone, or not linked any more


def _left(azure: Azure, service: Document, old: Document | None, device_id: str, to: str) -> tuple[str, Document] | None:
    """The store key of the hub that the device leaves, and the device there. None: it leaves none, or one that is not linked any more.

    Raises:
        FailedError: The hub that it leaves refuses the service.
    """
    link = hub_links.find(service, old["assignedHub"]) if old and old["assignedHub"].lower() != to else None
    if link is None or hub_links.find_hub(azure, link) is None:
        return None
    hub_key, _ = hub_links.open_hub(azure, service, link)
    device = identities.find(azure, hub_key, device_id)
    return (hub_key, device) if device else None


def _take_over(azure: Azure, hub_key: str, device: Document, applicant: Applicant) -> None:
    """Let a device that is in the hub authenticate as it registered. All else of it stays: a disabled one stays disabled (a guess)."""
    if _is_edge(applicant) and not device["edge"]:
        body = {
            "status": device["status"],
            "statusReason": device["reason"],
            "authentication": applicant.authentication,
            "capabilities": {"iotEdge": True},
            "parentScopes": device["parents"],
        }
        identities.update(azure, hub_key, device, body)
        return
    auth = authentication.authentication(applicant.authentication, ("sas", "selfSigned"))
    if auth != device["auth"]:
        identities.change_authentication(azure, hub_key, device, auth)


def _is_edge(applicant: Applicant) -> bool:
    return bool((applicant.enrollment["record"].get("capabilities") or {}).get("iotEdge") is True)


def _twin(azure: Azure, applicant: Applicant, chosen: Chosen | None) -> Document:
    """The twin that a new device begins with: the webhook's, else the enrollment's."""
    twin = twins.new_twin(azure.clock.now())
    initial = (chosen.twin if chosen else None) or applicant.enrollment["record"].get("initialTwin") or {}
    tags, properties = initial.get("tags"), initial.get("properties")
    desired = properties.get("desired") if isinstance(properties, dict) else properties  # a webhook may say anything
    if tags or desired:
        twins.update(twin, {"tags": tags, "properties": {"desired": desired}}, azure.clock.now(), replace=False)
        twin["etag"] -= 1  # created with its device, in one write
    return twin
