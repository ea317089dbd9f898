"""Operations on key vaults at ARM (Microsoft.KeyVault)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot import shapes
from local_azure_iot.key_vault import management_errors as errors
from local_azure_iot.key_vault import vault_json, vault_lifecycle, vaults
from local_azure_iot.resource_manager.operation_routes import is_finished, retry_after, token
from local_azure_iot.resource_manager.request_ids import resource_id
from local_azure_iot.routing import Evidence, table
from local_azure_iot.wire import NO_BODY, MalformedJsonError, Reply

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import Request

VERSIONS = tuple(
    (
        "2015-06-01 2016-10-01 2018-02-14 2018-02-14-preview 2019-09-01 2020-04-01-preview 2021-04-01-preview 2021-06-01-preview "
        "2021-10-01 2021-11-01-preview 2022-02-01-preview 2022-07-01 2022-11-01 2023-02-01 2023-07-01 2024-04-01-preview 2024-11-01 "
        "2024-12-01-preview 2025-05-01 2026-02-01 2026-03-01-preview "
        "2026-05-15"
    ).split()
)


def put_vault(azure: Azure, request: Request) -> Reply:
    """Create a vault, change it, or recover it: 200 for all three. A new one's host name is being registered, as recorded."""
    vault, new = vault_lifecycle.put(azure, resource_id(request), request.json_object(shapes.VAULT), request.api_version)
    if not new:
        return Reply(body=_to_json(azure, vault, request))
    return Reply(body=vault_json.of_new_vault(vault, request.api_version), headers=_poll_headers(azure))


def patch_vault(azure: Azure, request: Request) -> Reply:
    """Change what the body names."""
    changed = vault_lifecycle.patch(azure, resource_id(request), request.json_object(shapes.VAULT))
    return Reply(body=_to_json(azure, changed, request))


def put_access_policies(azure: Azure, request: Request) -> Reply:
    """Add access policies, replace them, or remove permissions; the answer has all that there are then."""
    given = (request.json_object(shapes.VAULT).get("properties") or {}).get("accessPolicies") or []
    vault = vault_lifecycle.change_access(azure, resource_id(request), request.parameters["change"], given)
    return Reply(
        body={
            "id": f"{vaults.identifier(vault)}/accessPolicies/",
            "type": f"{vaults.TYPE}/accessPolicies",
            "properties": {"accessPolicies": vault["properties"]["accessPolicies"]},
        }
    )


def get_vault(azure: Azure, request: Request) -> Reply:
    """A vault. A soft-deleted one is not found."""
    return Reply(body=_to_json(azure, vaults.require(azure, resource_id(request)), request))


def delete_vault(azure: Azure, request: Request) -> Reply:
    """Soft-delete a vault: an empty 200; 204 if it does not exist."""
    return Reply(status=200 if vault_lifecycle.soft_delete(azure, resource_id(request)) else 204, body=NO_BODY)


def list_vaults(azure: Azure, request: Request) -> Reply:
    """The vaults of a subscription or of a resource group."""
    return Reply(body={"value": [_to_json(azure, vault, request) for vault in vaults.vaults_in(azure, resource_id(request))]})


def list_deleted(azure: Azure, request: Request) -> Reply:
    """The soft-deleted vaults of a subscription."""
    return Reply(body={"value": [vault_json.of_deleted_vault(vault) for vault in vaults.deleted_in(azure, resource_id(request))]})


def get_deleted(azure: Azure, request: Request) -> Reply:
    """A soft-deleted vault."""
    found = vault_lifecycle.require_deleted(azure, resource_id(request), request.parameters["location"])
    return Reply(body=vault_json.of_deleted_vault(found))


def purge_deleted(azure: Azure, request: Request) -> Reply:
    """Begin to delete a soft-deleted vault for good: 202 and a URL to poll."""
    operation = vault_lifecycle.begin_purge(azure, resource_id(request), request.parameters["location"])
    path = f"/subscriptions/{request.parameters['subscription']}/providers/Microsoft.KeyVault/locations/{operation.location}"
    location = f"{request.base_url}{path}/operationResults/{token(operation)}?api-version={request.api_version}"
    return Reply(status=202, headers={"location": location, **_poll_headers(azure)})


def poll(azure: Azure, request: Request) -> Reply:
    """Whether a purge is done: 202 until it is, then 200."""
    if is_finished(azure, request):
        now = azure.clock.now().strftime("%Y-%m-%d %H:%M:%SZ")
        return Reply(body={"createdDateTime": now, "lastActionDateTime": now, "status": "Succeeded"})
    location = f"{request.base_url}{request.path}?api-version={request.api_version}"
    return Reply(status=202, headers={"location": location, **_poll_headers(azure)})


def check_name(azure: Azure, request: Request) -> Reply:
    """Whether a name is valid and free in the whole cloud."""
    body = request.json_object(shapes.VAULT_NAME)
    name = body.get("name")
    if not name or str(body.get("type") or "").lower() != vaults.TYPE.lower():
        raise MalformedJsonError(f"the body needs name, and type {vaults.TYPE}")
    if not vaults.is_valid_name(name):
        return Reply(body={"nameAvailable": False, "reason": "AccountNameInvalid", "message": errors.name_invalid_message(name)})
    if vaults.find_any(azure, request.destination.cloud.name, name):
        return Reply(body={"nameAvailable": False, "reason": "AlreadyExists", "message": errors.name_taken_message(name)})
    return Reply(body={"nameAvailable": True})


def no_managed_hsms(_azure: Azure, _request: Request) -> Reply:
    """An empty list: local Azure has no managed HSMs. The az CLI asks for them together with vaults."""
    return Reply(body={"value": []})


def _to_json(azure: Azure, vault: dict[str, Any], request: Request) -> dict[str, Any]:
    return vault_json.of_vault(azure, vault, request.api_version)


def _poll_headers(azure: Azure) -> dict[str, str]:
    """Azure sends no Retry-After here."""
    return {} if azure.settings.retry_after is None else {"retry-after": retry_after(azure)}


_SUB = "/subscriptions/{subscription}"
_PROVIDER = f"{_SUB}/providers/Microsoft.KeyVault"
_IN_GROUP = f"{_SUB}/resourceGroups/{{group}}/providers/Microsoft.KeyVault/vaults"
_ONE = f"{_IN_GROUP}/{{name}}"
_DELETED = f"{_PROVIDER}/locations/{{location}}/deletedVaults/{{name}}"
_HSMS = "there are none"
_ACTION = "Microsoft.KeyVault/vaults"
_DELETED_ACTION = "Microsoft.KeyVault/locations/deletedVaults"
_DOCUMENTED, _GUESS = Evidence.DOCUMENTED, Evidence.GUESS
ROUTES = table(
    (
        ("Vaults_CreateOrUpdate", "PUT", _ONE, put_vault, _DOCUMENTED, f"{_ACTION}/write", "`createMode: recover` too"),
        ("Vaults_Update", "PATCH", _ONE, patch_vault, _DOCUMENTED, f"{_ACTION}/write"),
        (
            "Vaults_UpdateAccessPolicy",
            "PUT",
            f"{_ONE}/accessPolicies/{{change}}",
            put_access_policies,
            _DOCUMENTED,
            f"{_ACTION}/accessPolicies/write",
        ),
        ("Vaults_Get", "GET", _ONE, get_vault, _DOCUMENTED, f"{_ACTION}/read", "systemData without names"),
        ("Vaults_Delete", "DELETE", _ONE, delete_vault, _DOCUMENTED, f"{_ACTION}/delete", "soft delete"),
        ("Vaults_ListByResourceGroup", "GET", _IN_GROUP, list_vaults, _DOCUMENTED, f"{_ACTION}/read"),
        ("Vaults_ListBySubscription", "GET", f"{_PROVIDER}/vaults", list_vaults, _DOCUMENTED, f"{_ACTION}/read"),
        ("Vaults_ListDeleted", "GET", f"{_PROVIDER}/deletedVaults", list_deleted, _DOCUMENTED, "Microsoft.KeyVault/deletedVaults/read"),
        ("Vaults_GetDeleted", "GET", _DELETED, get_deleted, _DOCUMENTED, f"{_DELETED_ACTION}/read", "the error 404 is a guess"),
        (
            "Vaults_PurgeDeleted",
            "POST",
            f"{_DELETED}/purge",
            purge_deleted,
            _DOCUMENTED,
            f"{_DELETED_ACTION}/purge/action",
            "the code of the refusal under purge protection is a guess",
        ),
        (
            "Vaults_PurgeDeleted (poll)",
            "GET",
            f"{_PROVIDER}/locations/{{location}}/operationResults/{{operation}}",
            poll,
            _DOCUMENTED,
            "Microsoft.KeyVault/locations/operationResults/read",
        ),
        (
            "Vaults_CheckNameAvailability",
            "POST",
            f"{_PROVIDER}/checkNameAvailability",
            check_name,
            _DOCUMENTED,
            "Microsoft.KeyVault/checkNameAvailability/read",
        ),
        (
            "ManagedHsms_ListByResourceGroup",
            "GET",
            f"{_SUB}/resourceGroups/{{group}}/providers/Microsoft.KeyVault/managedHSMs",
            no_managed_hsms,
            _GUESS,
            "Microsoft.KeyVault/managedHSMs/read",
            _HSMS,
        ),
        (
            "ManagedHsms_ListBySubscription",
            "GET",
            f"{_PROVIDER}/managedHSMs",
            no_managed_hsms,
            _GUESS,
            "Microsoft.KeyVault/managedHSMs/read",
            _HSMS,
        ),
        (
            "ManagedHsms_ListDeleted",
            "GET",
            f"{_PROVIDER}/deletedManagedHSMs",
            no_managed_hsms,
            _GUESS,
            "Microsoft.KeyVault/deletedManagedHSMs/read",
            _HSMS,
        ),
    ),
    versions=VERSIONS,
    resource_type=vaults.TYPE,
)
