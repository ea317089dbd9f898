"""Registrations that are under way: begun by a device's request, and carried out beside other work.

One that a restart interrupts begins again as local Azure starts (`resume`). The entry in the hub, the registration, and that it is no
longer under way are written in one transaction, so that it can be begun again at any point.
"""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

from OpenSSL import crypto

from local_azure_iot.microsoft_devices import lifecycle
from local_azure_iot.provisioning import allocation, assignment, custom_allocation, enrollments, lookup, registrations
from local_azure_iot.provisioning.assignment import Applicant
from local_azure_iot.provisioning.enrollments import GROUPS, INDIVIDUALS
from local_azure_iot.provisioning.refusals import INTERNAL, FailedError
from local_azure_iot.provisioning.registrants import Registrant

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.provisioning.custom_allocation import Chosen
    from local_azure_iot.provisioning.lookup import Match
    from local_azure_iot.store import Document

_LOOK = 0.1  # seconds between two looks at the clock
_VERSION = "2021-10-01"  # of the enrollments that webhooks see


def key_of(registrant: Registrant) -> str:
    """The store key of a device's registration."""
    return f"{registrant.service_key}/{registrant.registration_id.lower()}"


def find(azure: Azure, registrant: Registrant) -> Document | None:
    """The device's registration that is under way, or None."""
    return azure.store.get(lifecycle.PENDING_REGISTRATION, key_of(registrant))


def begin(azure: Azure, registrant: Registrant, match: Match, operation: str, payload: Any) -> None:
    """Begin a registration. It is carried out once the current transaction is committed."""
    pending: Document = {
        "service": registrant.service_key,
        "registration": registrant.registration_id,
        "group": match.enrollment["id"] if match.kind is GROUPS else None,
        "generation": match.enrollment["generation"],
        "authentication": match.authentication,
        "thumbprint": match.thumbprint,
        "operation": operation,
        "payload": payload,
        "chain": [base64.b64encode(crypto.dump_certificate(crypto.FILETYPE_ASN1, each)).decode() for each in registrant.chain],
        "client": registrant.client,
    }
    azure.store.put(lifecycle.PENDING_REGISTRATION, key_of(registrant), pending)
    _log(azure, registrant, "assigning", 202, enrollment=match.name, operation=operation)
    azure.store.after_commit(lambda: _carry_out(azure, pending, registrant))


def refuse_disabled(azure: Azure, registrant: Registrant, match: Match) -> Document:
    """End a registration at once, because its enrollment is disabled. Returns what is kept of it."""
    group = match.enrollment["id"] if match.kind is GROUPS else None
    applicant = Applicant(registrant.registration_id, match.enrollment, group, match.authentication, match.thumbprint, "")
    _log(azure, registrant, "disabled", 200, reason=f"the {match.name} is disabled", enrollment=match.name)
    return assignment.refuse_disabled(azure, registrant.service_key, applicant)


def resume(azure: Azure) -> None:
    """Go on with the registrations that a restart interrupted."""
    for _, pending in azure.store.documents(lifecycle.PENDING_REGISTRATION, ""):
        service = lifecycle.find(azure, pending["service"], lifecycle.PROVISIONING)
        chain = [crypto.load_certificate(crypto.FILETYPE_ASN1, base64.b64decode(each)) for each in pending["chain"]]
        if service is not None:
            _carry_out(azure, pending, Registrant(pending["service"], service, pending["registration"], chain, pending["client"]))


def _carry_out(azure: Azure, pending: Document, registrant: Registrant) -> None:
    begun = azure.clock.timestamp()

    async def work() -> None:
        if azure.settings.registration_seconds:
            await _reached(azure, begun + azure.settings.registration_seconds)
        chosen: Chosen | FailedError | None = None
        if found := _still(azure, pending):
            try:
                chosen = await _chosen(azure, pending, *found)
            except FailedError as error:
                chosen = error
        await azure.turns.wait()
        with azure.store.transaction():
            _end(azure, pending, registrant, chosen)

    def failed(reason: str) -> None:
        with azure.store.transaction():
            _end(azure, pending, registrant, FailedError(INTERNAL, reason))

    azure.background.begin(f"registration {pending['operation']}", work, failed)


async def _reached(azure: Azure, moment: float) -> None:
    """Wait for a moment, in seconds since 1970, by a clock that may be set meanwhile."""
    while left := azure.clock.wait_until(moment):  # noqa: ASYNC110 - by the clock, which a test sets, and which sets no event
        await asyncio.sleep(min(left, _LOOK))


def _end(azure: Azure, pending: Document, registrant: Registrant, chosen: Chosen | FailedError | None) -> None:
    """Write what became of a registration; nothing where its service or enrollment is gone: it could belong to nobody."""
    stored = find(azure, registrant)
    if stored is None or stored["operation"] != pending["operation"]:
        return
    azure.store.delete(lifecycle.PENDING_REGISTRATION, key_of(registrant))
    found = _still(azure, pending)
    if found is None:
        return
    service, enrollment = found
    applicant = Applicant(
        pending["registration"], enrollment, pending["group"], pending["authentication"], pending["thumbprint"], pending["operation"]
    )
    ended, reason = _ended(azure, registrant.service_key, service, applicant, chosen)
    where = {"hub": ended["assignedHub"], "device": ended["deviceId"]} if ended.get("assignedHub") else {}
    kind = "individual enrollment" if applicant.group is None else "group"
    facts = {**where, "enrollment": f"{kind} '{enrollment['id']}'", "operation": applicant.operation}
    azure.store.after_commit(
        lambda: _log(azure, registrant, ended["status"], 200, reason=reason, substatus=ended.get("substatus") or "", **facts)
    )


def _ended(
    azure: Azure, service_key: str, service: Document, applicant: Applicant, chosen: Chosen | FailedError | None
) -> tuple[Document, str]:
    """The registration as it ends, and why it does not end with a hub. An enrollment that was disabled meanwhile admits nobody."""
    if not lookup.is_enabled(applicant.enrollment):
        return assignment.refuse_disabled(azure, service_key, applicant), "its enrollment was disabled meanwhile"
    try:
        if isinstance(chosen, FailedError):
            raise chosen
        return assignment.assign(azure, service_key, service, applicant, chosen), ""
    except FailedError as error:
        return assignment.fail(azure, service_key, applicant, error), str(error)


def _still(azure: Azure, pending: Document) -> tuple[Document, Document] | None:
    """The service and the enrollment of a registration that is under way; None: one of them is gone."""
    service = lifecycle.find(azure, pending["service"], lifecycle.PROVISIONING)
    kind = INDIVIDUALS if pending["group"] is None else GROUPS
    enrollment = enrollments.find(azure, pending["service"], kind, pending["group"] or pending["registration"])
    if service is None or enrollment is None or enrollment["generation"] != pending["generation"]:
        return None
    return service, enrollment


async def _chosen(azure: Azure, pending: Document, service: Document, enrollment: Document) -> Chosen | None:
    """What the enrollment's webhook says, where it has one. It is asked at each registration.

    Raises:
        FailedError: It can't be asked, or chooses no hub.
    """
    if allocation.policy(service, enrollment) != allocation.CUSTOM:
        return None
    before = registrations.find(azure, pending["service"], pending["registration"]) or {}
    context = {
        "registrationId": pending["registration"],
        "currentIotHubHostName": before.get("assignedHub"),
        "currentDeviceId": before.get("deviceId"),
        "x509" if pending["thumbprint"] else "symmetricKey": {},
        "payload": pending["payload"],
    }
    kind, member = (INDIVIDUALS, "individualEnrollment") if pending["group"] is None else (GROUPS, "enrollmentGroup")
    shown = enrollments.to_json(kind, enrollment, _VERSION)
    shown["etag"] = base64.b64decode(enrollment["etag"]).decode("latin-1")  # it was seen decoded
    body = custom_allocation.question(service, member, shown, {name: value for name, value in context.items() if value is not None})
    return await custom_allocation.ask(enrollment, body, azure.trusted_file)


def _log(azure: Azure, registrant: Registrant, outcome: str, status: int, **facts: str) -> None:
    azure.registrations.add(azure.clock.now().isoformat(), registrant, outcome, status, **facts)
