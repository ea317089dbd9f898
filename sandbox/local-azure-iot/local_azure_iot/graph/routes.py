"""Microsoft Graph's reads of the directory: the applications that can log in; there are no users and no groups.

Sources: https://learn.microsoft.com/graph/api/serviceprincipal-list, …/directoryobject-getbyids, …/user-list, …/group-list; what
`az role assignment` asks: https://github.com/Azure/azure-cli/blob/dev/src/azure-cli/azure/cli/command_modules/role/custom.py
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local_azure_iot import shapes
from local_azure_iot.graph import errors
from local_azure_iot.login import principals
from local_azure_iot.routing import Evidence, table
from local_azure_iot.wire import MalformedJsonError, Reply

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.login.principals import Principal
    from local_azure_iot.wire import Request

_TYPE = "#microsoft.graph.servicePrincipal"
_FILTER = re.compile(
    r"\s*(?:servicePrincipalNames/any\((?P<variable>\w+):\s*(?P=variable)\s+eq\s+'(?P<name>[^']*)'\)"
    r"|(?P<member>appId|id|displayName)\s+eq\s+'(?P<value>[^']*)'"
    r"|startswith\(displayName,\s*'(?P<start>[^']*)'\))\s*",
    re.IGNORECASE,
)


def list_service_principals(azure: Azure, request: Request) -> Reply:
    """The applications' service principals that fit the filter."""
    text = request.query.get("$filter", "")
    found = _FILTER.fullmatch(text)
    if text.strip() and found is None:
        raise errors.filter_unsupported(text)
    every = principals.all_of(azure.store)
    return _list(request, "servicePrincipals", [_to_json(azure, each) for each in every if found is None or _fits(each, found)])


def get_service_principal(azure: Azure, request: Request) -> Reply:
    """A service principal by its object id."""
    return Reply(body=_to_json(azure, _require(azure, request.parameters["id"])))


def get_by_application(azure: Azure, request: Request) -> Reply:
    """A service principal by its application's id."""
    found = principals.find(azure.store, request.parameters["id"])
    if found is None:
        raise errors.not_found(request.parameters["id"])
    return Reply(body=_to_json(azure, found))


def list_nobody(azure: Azure, request: Request) -> Reply:  # noqa: ARG001 - every handler takes the state of local Azure
    """Users or groups: there are none."""
    return _list(request, request.path.rpartition("/")[2], [])


def get_nobody(azure: Azure, request: Request) -> Reply:  # noqa: ARG001 - every handler takes the state of local Azure
    """A user or a group: there is none."""
    raise errors.not_found(request.parameters["id"])


def get_object(azure: Azure, request: Request) -> Reply:
    """Any object of the directory by its id."""
    return Reply(body={"@odata.type": _TYPE, **_to_json(azure, _require(azure, request.parameters["id"]))})


def get_by_ids(azure: Azure, request: Request) -> Reply:
    """The objects with these ids, of these types; ids of no object are left out."""
    body = request.json_object(shapes.DIRECTORY_IDS)
    if body.get("ids") is None:
        raise MalformedJsonError("the property 'ids' is missing")
    types = {each.lower() for each in body.get("types") or ["directoryObject"]}
    wanted = {each.lower() for each in body["ids"]} if types & {"serviceprincipal", "directoryobject"} else set()
    found = [each for each in principals.all_of(azure.store) if each.object_id.lower() in wanted]
    return _list(request, "directoryObjects", [{"@odata.type": _TYPE, **_to_json(azure, each)} for each in found])


def _require(azure: Azure, object_id: str) -> Principal:
    for each in principals.all_of(azure.store):
        if each.object_id.lower() == object_id.lower():
            return each
    raise errors.not_found(object_id)


def _fits(principal: Principal, found: re.Match[str]) -> bool:
    if found["name"] is not None:
        return principal.client_id.lower() == found["name"].lower()
    if found["start"] is not None:
        return principal.name.lower().startswith(found["start"].lower())
    members = {"appid": principal.client_id, "id": principal.object_id, "displayname": principal.name}
    return members[found["member"].lower()].lower() == found["value"].lower()


def _list(request: Request, kind: str, value: list[dict[str, Any]]) -> Reply:
    return Reply(body={"@odata.context": f"{request.base_url}/{request.parameters['version']}/$metadata#{kind}", "value": value})


def _to_json(azure: Azure, principal: Principal) -> dict[str, Any]:
    return {
        "id": principal.object_id,
        "deletedDateTime": None,
        "accountEnabled": True,
        "appDisplayName": principal.name,
        "appId": principal.client_id,
        "appOwnerOrganizationId": azure.tokens.tenant_id,
        "displayName": principal.name,
        "servicePrincipalNames": [principal.client_id],
        "servicePrincipalType": "Application",
        "tags": [],
    }


_RIGHTS = "every application may read"
_NONE = "there are none"
ROUTES = table(
    (
        ("ServicePrincipals_List", "GET", "/{version}/servicePrincipals", list_service_principals, Evidence.DOCUMENTED, "", _RIGHTS),
        ("ServicePrincipals_GetByAppId", "GET", "/{version}/servicePrincipals(appId='{id}')", get_by_application, Evidence.DOCUMENTED, ""),
        ("ServicePrincipals_Get", "GET", "/{version}/servicePrincipals/{id}", get_service_principal, Evidence.DOCUMENTED, ""),
        ("Users_List", "GET", "/{version}/users", list_nobody, Evidence.DOCUMENTED, "", _NONE),
        ("Users_Get", "GET", "/{version}/users/{id}", get_nobody, Evidence.DOCUMENTED, "", _NONE),
        ("Groups_List", "GET", "/{version}/groups", list_nobody, Evidence.DOCUMENTED, "", _NONE),
        ("Groups_Get", "GET", "/{version}/groups/{id}", get_nobody, Evidence.DOCUMENTED, "", _NONE),
        ("DirectoryObjects_Get", "GET", "/{version}/directoryObjects/{id}", get_object, Evidence.DOCUMENTED, ""),
        ("DirectoryObjects_GetByIds", "POST", "/{version}/directoryObjects/getByIds", get_by_ids, Evidence.DOCUMENTED, ""),
    ),
)
