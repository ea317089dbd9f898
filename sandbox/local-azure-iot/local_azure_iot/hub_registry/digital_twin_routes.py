"""Operations on digital twins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from local_azure_iot.hub_registry import digital_twins, errors, identities, method_calls, tier, twins
from local_azure_iot.hub_registry.route_table import HubTable
from local_azure_iot.hub_registry.throttle import Operation
from local_azure_iot.routing import Evidence
from local_azure_iot.wire import NO_BODY, LaterReply, Reply, read_json, whole_number

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import Request


def get_digital_twin(azure: Azure, request: Request) -> Reply:
    """The digital twin of a device."""
    device = _device(azure, request)
    return Reply(body=digital_twins.to_json(device), headers={"etag": f'"{twins.etag(device["twin"])}"'})


def patch_digital_twin(azure: Azure, request: Request) -> Reply:
    """Change what is asked of properties and components: 202."""
    device, if_match = _device(azure, request), request.header("if-match")
    if if_match is not None and not twins.matches(if_match, device["twin"]):
        raise errors.etag_invalid()
    desired = digital_twins.desired_of(device, request.json_array())
    identities.change_twin(azure, request.parameters["hub_key"], device, {"properties": {"desired": desired}})
    location = f"{request.base_url}{request.path}?api-version={request.api_version}"
    return Reply(status=202, body=NO_BODY, headers={"etag": f'"{twins.etag(device["twin"])}"', "location": location})


def invoke_command(azure: Azure, request: Request) -> LaterReply:
    """Call a command of a device: the direct method of that name."""
    return _invoke(azure, request, request.parameters["command"])


def invoke_component_command(azure: Azure, request: Request) -> LaterReply:
    """Call a command of a component: the direct method `component*command`."""
    return _invoke(azure, request, f"{request.parameters['component']}*{request.parameters['command']}")


def _invoke(azure: Azure, request: Request, name: str) -> LaterReply:
    device = _device(azure, request)
    body: dict[str, Any] = {"methodName": name, "payload": _payload(request)}
    for member in ("connectTimeoutInSeconds", "responseTimeoutInSeconds"):
        text = request.query.get(member.lower())
        body[member] = None if text is None else whole_number(text)
        if text is not None and body[member] is None:
            raise errors.argument_invalid(f"{member} must be a number, not '{text[:50]}'")
    call, hub_key = method_calls.method_call(body), request.parameters["hub_key"]

    async def answer() -> Reply:
        status, payload = await call.of(azure, hub_key, device["id"])
        return Reply(body=payload, headers={"x-ms-command-statuscode": str(status), "x-ms-request-id": str(uuid4())})

    return LaterReply(answer)


def _payload(request: Request) -> Any:
    return read_json(request.body) if request.body.strip() else None


def _device(azure: Azure, request: Request) -> dict[str, Any]:
    tier.require_standard(azure, request.parameters["hub_key"])
    return identities.require(azure, request.parameters["hub_key"], request.parameters["id"])


_TABLE = HubTable()
ROUTES, RIGHTS = _TABLE.routes, _TABLE.rights
_ONE, _CONNECT, _DOCUMENTED = "/digitaltwins/{id}", "ServiceConnect", Evidence.DOCUMENTED
_CALL = (_CONNECT, Operation.METHOD, "directMethods/invoke/action", _DOCUMENTED)
_TABLE.add("DigitalTwin_GetDigitalTwin", f"GET {_ONE}", get_digital_twin, _CONNECT, Operation.TWIN_READ, "twins/read", _DOCUMENTED)
_TABLE.add(
    "DigitalTwin_UpdateDigitalTwin", f"PATCH {_ONE}", patch_digital_twin, _CONNECT, Operation.TWIN_WRITE, "twins/write", _DOCUMENTED,
    "guess: which patches are refused",
)  # fmt: skip
_TABLE.add("DigitalTwin_InvokeRootLevelCommand", f"POST {_ONE}/commands/{{command}}", invoke_command, *_CALL)
_TABLE.add(
    "DigitalTwin_InvokeComponentCommand", f"POST {_ONE}/components/{{component}}/commands/{{command}}", invoke_component_command, *_CALL
)  # fmt: skip
