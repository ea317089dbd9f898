"""Operations on role assignments and role definitions (Microsoft.Authorization)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local_azure_iot import shapes
from local_azure_iot.clock import seven_digits
from local_azure_iot.resource_manager import errors, role_assignments
from local_azure_iot.resource_manager.access import ROLES, Role
from local_azure_iot.routing import Evidence, table
from local_azure_iot.wire import NO_BODY, Reply

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import Request

VERSIONS = (
    "2015-07-01",
    "2018-01-01-preview",
    "2018-07-01",
    "2018-09-01-preview",
    "2020-04-01-preview",
    "2020-08-01-preview",
    "2022-04-01",
)
DEFINITION_VERSIONS = ("2015-07-01", "2018-01-01-preview", "2018-07-01", "2022-04-01", "2022-05-01-preview")
_FILTER = re.compile(r"(principalId|assignedTo\(|roleName)\s*(?:eq)?\s*'([^']+)'", re.IGNORECASE)


def put_assignment(azure: Azure, request: Request) -> Reply:
    """Assign a role to a principal at a scope: always 201, as in Azure. It may take a while to take effect."""
    properties = request.json_object(shapes.ROLE_ASSIGNMENT).get("properties") or {}
    written = role_assignments.create_or_update(azure, _scope(request), request.parameters["assignment"], properties)
    return Reply(status=201, body=_to_json(request, written))


def get_assignment(azure: Azure, request: Request) -> Reply:
    """One assignment."""
    found = role_assignments.find(azure, _scope(request), request.parameters["assignment"])
    if found is None:
        raise errors.role_assignment_not_found(request.parameters["assignment"])
    return Reply(body=_to_json(request, found))


def delete_assignment(azure: Azure, request: Request) -> Reply:
    """Delete an assignment: 200 with its last content, 204 if it did not exist."""
    found = role_assignments.delete(azure, _scope(request), request.parameters["assignment"])
    return Reply(status=204, body=NO_BODY) if found is None else Reply(body=_to_json(request, found))


def list_assignments(azure: Azure, request: Request) -> Reply:
    """The assignments at a scope, below it and above it, filtered by principal where the query asks for it."""
    text = request.query.get("$filter", "")
    wanted = {name.lower().rstrip("("): value.lower() for name, value in _FILTER.findall(text)}
    principal = wanted.get("principalid") or wanted.get("assignedto")
    found = role_assignments.assignments_for(azure, _scope(request), principal=principal, at_scope="atscope()" in text.lower())
    return Reply(body={"value": [_to_json(request, each) for each in found]})


def list_definitions(_azure: Azure, request: Request) -> Reply:
    """The built-in roles that local Azure knows."""
    wanted = {name.lower(): value for name, value in _FILTER.findall(request.query.get("$filter", ""))}
    name = wanted.get("rolename", "").lower()
    return Reply(body={"value": [_definition(request, role) for role in ROLES.values() if name in {"", role.name.lower()}]})


def get_definition(_azure: Azure, request: Request) -> Reply:
    """One built-in role."""
    role = ROLES.get(request.parameters["role"].lower())
    if role is None:
        raise errors.role_definition_not_found(request.parameters["role"])
    return Reply(body=_definition(request, role))


def _scope(request: Request) -> str:
    scope = request.parameters["scope"].strip("/")
    return f"/{scope}" if scope else ""


def _role_id(scope: str, role_id: str) -> str:
    subscription = re.match(r"/subscriptions/[^/]+", scope, re.IGNORECASE)
    return f"{subscription.group() if subscription else ''}/providers/Microsoft.Authorization/roleDefinitions/{role_id}"


def _to_json(request: Request, body: dict[str, Any]) -> dict[str, Any]:
    properties = {
        "roleDefinitionId": _role_id(body["scope"], body["roleId"]),
        "principalId": body["principalId"],
        "principalType": body["principalType"],
        "scope": body["scope"],
        "condition": body.get("condition"),
        "conditionVersion": body.get("conditionVersion"),
        "createdOn": seven_digits(body["createdOn"]),
        "updatedOn": seven_digits(body.get("updatedOn") or body["createdOn"]),
        "createdBy": body.get("createdBy"),
        "updatedBy": body.get("createdBy"),
        "delegatedManagedIdentityResourceId": None,
        "description": body.get("description"),
    }
    identifier = f"{body['scope']}/providers/Microsoft.Authorization/roleAssignments/{body['name']}"
    answer: dict[str, Any] = {
        "properties": properties,
        "id": identifier,
        "type": "Microsoft.Authorization/roleAssignments",
        "name": body["name"],
    }
    if request.api_version < "2018":  # the first version knew neither types nor conditions
        for late in ("principalType", "condition", "conditionVersion", "delegatedManagedIdentityResourceId", "description"):
            del properties[late]
    return answer


def _definition(request: Request, role: Role) -> dict[str, Any]:
    permissions = [
        {"actions": list(role.actions), "notActions": list(role.not_actions), "dataActions": list(role.data_actions), "notDataActions": []}
    ]
    return {
        "properties": {
            "roleName": role.name,
            "type": "BuiltInRole",
            "description": role.name,
            "assignableScopes": ["/"],
            "permissions": permissions,
        },
        "id": _role_id(_scope(request), role.id),
        "type": "Microsoft.Authorization/roleDefinitions",
        "name": role.id,
    }


_ASSIGNMENTS = "/{scope*}/providers/Microsoft.Authorization/roleAssignments"
_DEFINITIONS = "/{scope*}/providers/Microsoft.Authorization/roleDefinitions"
_ASSIGNMENT, _DEFINITION = "Microsoft.Authorization/roleAssignments", "Microsoft.Authorization/roleDefinitions"
ROUTES = [
    *table(
        (
            (
                "RoleAssignments_Create",
                "PUT",
                f"{_ASSIGNMENTS}/{{assignment}}",
                put_assignment,
                Evidence.DOCUMENTED,
                f"{_ASSIGNMENT}/write",
            ),
            ("RoleAssignments_Get", "GET", f"{_ASSIGNMENTS}/{{assignment}}", get_assignment, Evidence.DOCUMENTED, f"{_ASSIGNMENT}/read"),
            (
                "RoleAssignments_Delete",
                "DELETE",
                f"{_ASSIGNMENTS}/{{assignment}}",
                delete_assignment,
                Evidence.DOCUMENTED,
                f"{_ASSIGNMENT}/delete",
            ),
            ("RoleAssignments_ListForScope", "GET", _ASSIGNMENTS, list_assignments, Evidence.DOCUMENTED, f"{_ASSIGNMENT}/read"),
        ),
        versions=VERSIONS,
        resource_type=_ASSIGNMENT,
    ),
    *table(
        (
            ("RoleDefinitions_List", "GET", _DEFINITIONS, list_definitions, Evidence.DOCUMENTED, f"{_DEFINITION}/read"),
            ("RoleDefinitions_Get", "GET", f"{_DEFINITIONS}/{{role}}", get_definition, Evidence.DOCUMENTED, f"{_DEFINITION}/read"),
        ),
        versions=DEFINITION_VERSIONS,
        resource_type=_DEFINITION,
    ),
]
