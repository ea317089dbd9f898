"""The dialogue with a device that registers: what each protocol translates into its own packets.

A registration is answered at once with the id of an operation; the device asks for its outcome. Source of statuses and bodies:
https://learn.microsoft.com/rest/api/iot-dps/device/runtime-registration, and what devices were answered in public issues.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_azure_iot.clock import monotonic
from local_azure_iot.microsoft_devices import network_rules
from local_azure_iot.provisioning import assignment, enrollments, errors, lookup, registrants, registrations, under_way
from local_azure_iot.provisioning.refusals import UNAUTHORIZED, RefusedError
from local_azure_iot.provisioning.registration_body import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.provisioning.errors import ProvisioningError
    from local_azure_iot.provisioning.registrants import Registrant
    from local_azure_iot.store import Document

_RETRY_AFTER = 3  # seconds that Azure asks devices to wait


@dataclass(frozen=True)
class Dialogue:
    """One answer to a device: an HTTP status, JSON, and after how many seconds to ask again (None: not at all)."""

    status: int
    body: dict[str, Any]
    retry_after: int | None = None


def register(azure: Azure, registrant: Registrant, body: bytes) -> Dialogue:
    """Begin to register a device; ``body`` is JSON, or empty."""
    return _answered(azure, registrant, lambda: _register(azure, registrant, body))


def status(azure: Azure, registrant: Registrant, operation_id: str) -> Dialogue:
    """How far the device's registration is that was begun as this operation."""
    return _answered(azure, registrant, lambda: _status(azure, registrant, operation_id))


def state(azure: Azure, registrant: Registrant, body: bytes) -> Dialogue:
    """What is known of the device's registration, without an operation. To ask counts as a registration."""
    return _answered(azure, registrant, lambda: _state(azure, registrant, body))


def _answered(azure: Azure, registrant: Registrant, answer: Callable[[], Dialogue]) -> Dialogue:
    """The answer, or the error that it is; all that it writes is written, or nothing."""
    try:
        with azure.store.transaction():
            _require_admitted(registrant)
            return answer()
    except errors.ProvisioningError as error:
        azure.registrations.add(azure.clock.now().isoformat(), registrant, "refused", error.status, reason=error.message)
        return _refused(azure, error)
    except RefusedError as refused:
        azure.registrations.add(azure.clock.now().isoformat(), registrant, "refused", refused.error.status, reason=str(refused))
        return _refused(azure, refused.error)
    except _ThrottledError as throttled:
        reason = f"more than the service takes; the device is to wait {throttled.seconds} s"
        azure.registrations.add(azure.clock.now().isoformat(), registrant, "throttled", throttled.error.status, reason=reason)
        return _refused(azure, throttled.error, throttled.seconds)


def _require_admitted(registrant: Registrant) -> None:
    """Refuse a device whose address the service's network settings keep out."""
    refusal = network_rules.refusal(registrant.service["properties"], registrant.client, target=network_rules.DEVICE_API)
    if refusal:
        raise RefusedError(UNAUTHORIZED, f"the service's network settings refuse this client: {refusal}")


class _ThrottledError(Exception):
    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.seconds, self.error = seconds, errors.throttled()


def _register(azure: Azure, registrant: Registrant, body: bytes) -> Dialogue:
    _count_registration(azure, registrant)
    if not enrollments.is_id(registrant.registration_id):
        raise errors.registration_id_invalid()
    payload = read(body, registrant.registration_id).get("payload")
    match = lookup.find(azure, registrant)
    if under_way.find(azure, registrant):
        raise errors.registering_twice()
    operation = f"4.{secrets.token_hex(8)}.{uuid.uuid4()}"
    if not match.enabled:
        found = under_way.refuse_disabled(azure, registrant, match)
        shown = {"registrationId": found["registrationId"], "status": "disabled"}
        return Dialogue(200, {"operationId": "", "status": "disabled", "registrationState": shown})
    under_way.begin(azure, registrant, match, operation, payload)
    return Dialogue(202, {"operationId": operation, "status": "assigning"}, _retry_after(azure))


def _status(azure: Azure, registrant: Registrant, operation_id: str) -> Dialogue:
    if azure.settings.registrations_per_minute is not None:
        seconds = azure.registration_throttle.poll(under_way.key_of(registrant), monotonic())
        if seconds:
            raise _ThrottledError(seconds)
    pending, found = _found(azure, registrant)
    if pending and pending["operation"] == operation_id:
        shown = {"registrationId": pending["registration"], "status": "assigning"}
        return Dialogue(202, {"operationId": operation_id, "status": "assigning", "registrationState": shown}, _retry_after(azure))
    if found is None or operation_id not in {found.get("operation"), *found.get("earlier", ())}:
        raise errors.operation_not_found(operation_id)
    return Dialogue(200, {"operationId": operation_id, "status": found["status"], "registrationState": _shown(found)})


def _state(azure: Azure, registrant: Registrant, body: bytes) -> Dialogue:
    _count_registration(azure, registrant)
    read(body, registrant.registration_id)
    pending, found = _found(azure, registrant)
    if pending:
        return Dialogue(200, {"registrationId": pending["registration"], "status": "assigning"})
    if found is None:
        raise errors.registration_not_found()
    return Dialogue(200, _shown(found))


def _found(azure: Azure, registrant: Registrant) -> tuple[Document | None, Document | None]:
    """The device's registration that is under way, and the one that has ended: only who comes as it did then may see them.

    Raises:
        RefusedError: It comes with other credentials.
    """
    pending = under_way.find(azure, registrant)
    found = registrations.find(azure, registrant.service_key, registrant.registration_id)
    thumbprint = registrants.thumbprint(registrant)
    if not thumbprint:
        lookup.find(azure, registrant)  # a signature has to be good each time
    last = pending or found
    if last and last["thumbprint"] != thumbprint:
        raise RefusedError(UNAUTHORIZED, "its credentials are others than those with which it registered")
    return pending, found


def _count_registration(azure: Azure, registrant: Registrant) -> None:
    limit = azure.settings.registrations_per_minute
    if limit is not None and (seconds := azure.registration_throttle.register(registrant.service_key, limit, monotonic())):
        raise _ThrottledError(seconds)


def _retry_after(azure: Azure) -> int:
    return _RETRY_AFTER if azure.settings.retry_after is None else azure.settings.retry_after


def _shown(registration: Document) -> dict[str, Any]:
    """A registration as its device is told of it, in Azure's order: `x509` is empty in all answers that were seen.

    Devices know one substatus for the same hub as before and for the first one: Microsoft's clients fail on the other.
    """
    shown = registrations.to_json(registration)
    if shown.get("substatus") == assignment.AGAIN:
        shown["substatus"] = assignment.INITIAL
    proof = "x509" if registration["thumbprint"] else "symmetricKey"
    return {proof: {}, **shown} if registration["status"] == "assigned" else shown


def _refused(azure: Azure, error: ProvisioningError, retry_after: int | None = None) -> Dialogue:
    return Dialogue(error.status, error.envelope(azure.clock.now(), str(uuid.uuid4())), retry_after)
