"""The HTTPS API of devices that enrol: at the name that all of a cloud's devices use, and at each service's own.

https://learn.microsoft.com/rest/api/iot-dps/device/runtime-registration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from local_azure_iot.host_names import Endpoint
from local_azure_iot.provisioning import errors, operations, registrants
from local_azure_iot.provisioning.registrants import Registrant
from local_azure_iot.routing import Evidence, Route
from local_azure_iot.wire import LaterReply, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.provisioning.operations import Dialogue
    from local_azure_iot.wire import Request

_ACCEPTED = 202


def register(azure: Azure, request: Request) -> LaterReply:
    """Begin to register: 202 with where and when to ask again, or the outcome where it is known at once."""
    registrant = _registrant(azure, request)
    location = f"{request.base_url}/{quote(request.parameters['id_scope'])}/registrations/{quote(registrant.registration_id)}/register"
    return _in_turn(azure, lambda: operations.register(azure, registrant, request.body), {"Location": location})


def operation(azure: Azure, request: Request) -> LaterReply:
    """How far a registration is."""
    registrant = _registrant(azure, request)
    return _in_turn(azure, lambda: operations.status(azure, registrant, request.parameters["operation"]))


def state(azure: Azure, request: Request) -> LaterReply:
    """What became of the device's last registration."""
    registrant = _registrant(azure, request)
    return _in_turn(azure, lambda: operations.state(azure, registrant, request.body))


def _in_turn(azure: Azure, answer: Callable[[], Dialogue], accepted: dict[str, str] | None = None) -> LaterReply:
    """The answer, once it is this device's turn: many register at the same moment. ``accepted``: headers of a 202."""

    async def later() -> Reply:
        await azure.turns.wait()
        found = answer()
        return _reply(found, accepted if found.status == _ACCEPTED else None)

    return LaterReply(later)


def _registrant(azure: Azure, request: Request) -> Registrant:
    if not registrants.is_known_version(request.api_version, azure.clock.now().date()):
        raise errors.version_invalid(request.api_version)
    name = request.destination.name if request.destination.endpoint is Endpoint.PROVISIONING else ""
    scope = request.parameters["id_scope"]
    found = registrants.find_service(azure, request.destination.cloud.name, scope, name)
    if found is None:
        raise errors.id_scope_unknown(scope)
    return Registrant(
        service_key=found[0],
        service=found[1],
        registration_id=request.parameters["id"],
        chain=request.chain,
        client=azure.settings.client_address or request.client,
        signature=request.header("authorization") or "",
    )


def _reply(found: Dialogue, headers: dict[str, str] | None = None) -> Reply:
    waits = {} if found.retry_after is None else {"Retry-After": str(found.retry_after)}
    number = {"x-ms-error-code": str(found.body["errorCode"])} if "trackingId" in found.body else {}
    return Reply(status=found.status, body=found.body, headers={**waits, **number, **(headers or {})})


_PATH = "/{id_scope}/registrations/{id}"
ROUTES = [
    Route(
        operation="RuntimeRegistration_RegisterDevice", method="PUT", path=f"{_PATH}/register", handler=register,
        evidence=Evidence.DOCUMENTED, note="guesses: an unknown id scope, what is wrong in the body, allocation by hash and by latency",
    ),
    Route(
        operation="RuntimeRegistration_OperationStatusLookup", method="GET", path=f"{_PATH}/operations/{{operation}}", handler=operation,
        evidence=Evidence.DOCUMENTED, note="guess: an unknown operation",
    ),
    Route(
        operation="RuntimeRegistration_DeviceRegistrationStatusLookup", method="POST", path=_PATH, handler=state,
        evidence=Evidence.DOCUMENTED, note="guess: a device that has not registered",
    ),
]  # fmt: skip
