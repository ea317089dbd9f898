"""The endpoints of provisioning services: they say which of Azure's operations was asked for, and that none of them is here.

`<service>.azure-devices-provisioning.net` takes signatures of the service's policies and Entra tokens, and refuses others first. No
enrollment can exist, so no device can prove who it is at `global.azure-devices-provisioning.net`: there, any credentials are enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.host_names import Endpoint
from local_azure_iot.provisioning import access
from local_azure_iot.provisioning.errors import ProvisioningError
from local_azure_iot.provisioning.known_operations import KNOWN, KNOWN_BY_DEVICES
from local_azure_iot.routing import Router

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import Reply, Request

_SERVICE, _DEVICES = Router(KNOWN), Router(KNOWN_BY_DEVICES)


def answer(azure: Azure, request: Request) -> Reply:
    """Answer one request at a provisioning service's host name, or at the name that all devices use.

    Raises:
        ProvisioningError: Always: 401 without valid credentials, 501 for Azure's operations, 404 for what is none.
    """
    by_service = request.destination.endpoint is Endpoint.PROVISIONING
    if not (access.authenticated(azure, request) if by_service else request.header("authorization")):
        raise ProvisioningError(401, 401002, "Unauthorized")
    line = f"{request.intended_method} {request.path}"
    known = (_SERVICE if by_service else _DEVICES).find(request.intended_method, request.path)
    if known is None:
        raise ProvisioningError(404, 404000, f"{line} is no operation of a provisioning service.")
    raise ProvisioningError(501, 501000, f"{known.route.operation} ({line}) is an operation of Azure's that local Azure does not have.")
