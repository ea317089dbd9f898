"""Whether a name of a hub or a provisioning service is free in the whole cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.microsoft_devices import hubs, provisioning
from local_azure_iot.microsoft_devices.errors import DevicesError
from local_azure_iot.microsoft_devices.lifecycle import HUB, PROVISIONING, find_by_name
from local_azure_iot.wire import MalformedJsonError, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.microsoft_devices.lifecycle import Kind
    from local_azure_iot.wire import Request


def check_hub_name(azure: Azure, request: Request) -> Reply:
    """Whether a hub's name is free. If it is, Azure answers with the reason `Invalid`, as recorded."""
    return _check_name(azure, request, HUB, hubs.check_name, "IotHub name '{name}' is not available")


def check_provisioning_name(azure: Azure, request: Request) -> Reply:
    """Whether a provisioning service's name is free."""
    return _check_name(azure, request, PROVISIONING, provisioning.check_name, "Provisioning Service name '{name}' is not available")


def _check_name(azure: Azure, request: Request, kind: Kind, check: Callable[[str], None], taken: str) -> Reply:
    body = request.json_object()
    name = next((value for member, value in body.items() if member.lower() == "name"), None)
    if not isinstance(name, str):
        raise MalformedJsonError("Required property 'name' not found in JSON")
    if find_by_name(azure, request.destination.cloud.name, kind, name):
        return Reply(body={"nameAvailable": False, "reason": "AlreadyExists", "message": taken.format(name=name)})
    try:
        check(name)
    except DevicesError as error:  # the reason is documented, its words are a guess
        return Reply(body={"nameAvailable": False, "reason": "Invalid", "message": error.message})
    return Reply(body={"nameAvailable": True, "reason": "Invalid", "message": None})
