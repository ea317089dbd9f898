"""Operations on private links of hubs and provisioning services: what can be linked. No private endpoint can exist here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot.microsoft_devices import errors, hubs, lifecycle, provisioning
from local_azure_iot.microsoft_devices.errors import Service
from local_azure_iot.microsoft_devices.versions import HUB_VERSIONS, PROVISIONING_VERSIONS
from local_azure_iot.resource_manager.request_ids import resource_id
from local_azure_iot.routing import Evidence, Route, table
from local_azure_iot.wire import NO_BODY, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.microsoft_devices.lifecycle import Kind
    from local_azure_iot.resource_manager.resource_ids import ResourceId
    from local_azure_iot.wire import Request

    Document = dict[str, Any]
    RequireService = Callable[[Azure, ResourceId], Document]

_SINCE = "2020-03-01"  # the first api-version whose specification has them
_GROUPS = {Service.HUB: "iotHub", Service.PROVISIONING: "iotDps"}


class _PrivateLinkHandlers:
    """The handlers of one service's operations. A private endpoint belongs to Microsoft.Network, which local Azure does not have."""

    def __init__(self, kind: Kind, require_service: RequireService) -> None:
        self._kind, self._require_service = kind, require_service

    def list_resources(self, azure: Azure, request: Request) -> Reply:
        return Reply(body={"value": [self._resource(azure, request)]})

    def get_resource(self, azure: Azure, request: Request) -> Reply:
        resource = self._resource(azure, request)
        if request.parameters["link"].lower() != resource["name"].lower():
            raise errors.private_link_not_found(request.parameters["link"], self._kind.service)
        return Reply(body=resource)

    def list_connections(self, azure: Azure, request: Request) -> Reply:
        """An array without an object around it, as the specification has it."""
        self._require_service(azure, resource_id(request))
        return Reply(body=[])

    def find_connection(self, azure: Azure, request: Request) -> Reply:
        self._require_service(azure, resource_id(request))
        raise errors.private_link_not_found(request.parameters["connection"], self._kind.service)

    def delete_connection(self, azure: Azure, request: Request) -> Reply:
        self._require_service(azure, resource_id(request))
        return Reply(status=204, body=NO_BODY)

    def _resource(self, azure: Azure, request: Request) -> Document:
        service = self._require_service(azure, resource_id(request))
        group = _GROUPS[self._kind.service]
        zone = f"privatelink.{service['hostName'].partition('.')[2]}"
        return {
            "name": group,
            "type": f"Microsoft.Devices/{self._kind.service}/PrivateLinkResources",
            "id": f"{lifecycle.identifier(service, self._kind)}/PrivateLinkResources/{group}",
            "properties": {"groupId": group, "requiredMembers": [group], "requiredZoneNames": [zone]},
        }


_NONE = "no connection can exist here; the 404's body is a guess"


def _routes(kind: Kind, require_service: RequireService, names: tuple[str, ...], versions: tuple[str, ...]) -> list[Route]:
    on = _PrivateLinkHandlers(kind, require_service)
    service = f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/Microsoft.Devices/{kind.service}/{{name}}"
    links, connections = f"{service}/privateLinkResources", f"{service}/privateEndpointConnections"
    one, action, documented = f"{connections}/{{connection}}", f"Microsoft.Devices/{kind.service}", Evidence.DOCUMENTED
    of_links, of_connections = f"{action}/privateLinkResources", f"{action}/privateEndpointConnections"
    all_links, a_link, all_connections, get, put, delete = names
    return table(
        (
            (all_links, "GET", links, on.list_resources, documented, f"{of_links}/read"),
            (a_link, "GET", f"{links}/{{link}}", on.get_resource, documented, f"{of_links}/read", "the 404's body is a guess"),
            (all_connections, "GET", connections, on.list_connections, documented, f"{of_connections}/read", "always empty"),
            (get, "GET", one, on.find_connection, documented, f"{of_connections}/read", _NONE),
            (put, "PUT", one, on.find_connection, documented, f"{of_connections}/write", _NONE),
            (delete, "DELETE", one, on.delete_connection, documented, f"{of_connections}/delete", "no connection can exist here"),
        ),
        versions=tuple(version for version in versions if version >= _SINCE),
        resource_type=action,
    )


_HUB_NAMES = (
    "PrivateLinkResources_List", "PrivateLinkResources_Get", "PrivateEndpointConnections_List", "PrivateEndpointConnections_Get",
    "PrivateEndpointConnections_Update", "PrivateEndpointConnections_Delete",
)  # fmt: skip
_PROVISIONING_NAMES = (
    "IotDpsResource_ListPrivateLinkResources", "IotDpsResource_GetPrivateLinkResources", "IotDpsResource_ListPrivateEndpointConnections",
    "IotDpsResource_GetPrivateEndpointConnection", "IotDpsResource_CreateOrUpdatePrivateEndpointConnection",
    "IotDpsResource_DeletePrivateEndpointConnection",
)  # fmt: skip
ROUTES = [
    *_routes(lifecycle.HUB, hubs.require, _HUB_NAMES, HUB_VERSIONS),
    *_routes(lifecycle.PROVISIONING, provisioning.require, _PROVISIONING_NAMES, PROVISIONING_VERSIONS),
]
