"""Operations on the registrations of devices with a provisioning service."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from local_azure_iot.provisioning import enrollments, pages, registrations
from local_azure_iot.provisioning.route_table import ServiceTable
from local_azure_iot.routing import Evidence
from local_azure_iot.wire import NO_BODY, Reply

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import Request


def get_registration(azure: Azure, request: Request) -> Reply:
    """What became of a device that registered."""
    found = registrations.require(azure, request.parameters["service_key"], request.parameters["id"])
    return Reply(body=registrations.to_json(found))


def delete_registration(azure: Azure, request: Request) -> Reply:
    """Delete a registration: 204. The device stays in its hub, and connected."""
    service_key = request.parameters["service_key"]
    found = registrations.require(azure, service_key, request.parameters["id"])
    registrations.remove(azure, service_key, found, request.header("if-match"))
    return Reply(status=204, body=NO_BODY)


def query_registrations(azure: Azure, request: Request) -> Reply:
    """One page of the registrations by an enrollment group, in the order of their ids."""
    service_key = request.parameters["service_key"]
    group = enrollments.require(azure, service_key, enrollments.GROUPS, request.parameters["id"])
    return pages.answer(
        request, f"registrations of {group['generation']}", "DeviceRegistration",
        partial(registrations.page_of_group, azure, service_key, group["id"]), registrations.to_json,
    )  # fmt: skip


_TABLE = ServiceTable()
ROUTES, RIGHTS = _TABLE.routes, _TABLE.rights
_READ, _ACTION = "RegistrationStatusRead", "registrationStates"
_MISSING = "guess: the 404's code and words"
_TABLE.add(
    "DeviceRegistrationState_Query", "POST /registrations/{id}/query", query_registrations, _READ, f"{_ACTION}/read", Evidence.DOCUMENTED,
    "guesses: the order of ids, 404 for no group",
)  # fmt: skip
_TABLE.add(
    "DeviceRegistrationState_Get", "GET /registrations/{id}", get_registration, _READ, f"{_ACTION}/read", Evidence.DOCUMENTED, _MISSING
)
_TABLE.add(
    "DeviceRegistrationState_Delete", "DELETE /registrations/{id}", delete_registration, "RegistrationStatusWrite", f"{_ACTION}/delete",
    Evidence.DOCUMENTED, _MISSING,
)  # fmt: skip
