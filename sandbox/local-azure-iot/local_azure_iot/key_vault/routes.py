"""Operations on a key vault's keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot import shapes
from local_azure_iot.key_vault import deleted_keys, errors, keys, vaults
from local_azure_iot.routing import Evidence, table
from local_azure_iot.wire import NO_BODY, Reply

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import Request

VERSIONS = ("7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6-preview.2", "7.6", "2025-07-01", "2026-01-01-preview")
_ACTION = "Microsoft.KeyVault/vaults/keys"


def create(azure: Azure, request: Request) -> Reply:
    """Create a key; an existing name gets another version."""
    vault = _vault(azure, request)
    return _bundle(vault, request, keys.create(azure, vault, request.parameters["key"], request.json_object(shapes.KEY)))


def import_(azure: Azure, request: Request) -> Reply:
    """Import a key."""
    vault = _vault(azure, request)
    return _bundle(vault, request, keys.import_(azure, vault, request.parameters["key"], request.json_object(shapes.KEY_IMPORT)))


def get(azure: Azure, request: Request) -> Reply:
    """The public key and the attributes, of a disabled key too."""
    vault = _vault(azure, request)
    return _bundle(vault, request, keys.require(azure, vault, request.parameters["key"], request.parameters.get("version", "")))


def update(azure: Azure, request: Request) -> Reply:
    """Enable or disable a key."""
    vault, version = _vault(azure, request), request.parameters.get("version", "")
    return _bundle(vault, request, keys.update(azure, vault, request.parameters["key"], version, request.json_object(shapes.KEY)))


def sign(azure: Azure, request: Request) -> Reply:
    """Sign a digest. Without a version (`/keys/{key}//sign` in the request) the newest version signs."""
    version = request.parameters.get("version", "")
    key, value = keys.sign(azure, _vault(azure, request), request.parameters["key"], version, request.json_object(shapes.DIGEST))
    return Reply(body={"kid": keys.identifier(key, request.base_url), "value": value})


def list_keys(azure: Azure, request: Request) -> Reply:
    """All keys, without their public halves and versions, on one page."""
    vault = _vault(azure, request)
    found = [{"kid": _without_version(key, request), "attributes": keys.attributes(vault, key)} for key in keys.newest(azure, vault)]
    return Reply(body={"value": found, "nextLink": None})


def list_versions(azure: Azure, request: Request) -> Reply:
    """All versions of a key, on one page."""
    vault, name = _vault(azure, request), request.parameters["key"]
    keys.require(azure, vault, name)
    versions = keys.versions(azure, vault, name)
    found = [{"kid": keys.identifier(key, request.base_url), "attributes": keys.attributes(vault, key)} for key in versions]
    return Reply(body={"value": found, "nextLink": None})


def delete(azure: Azure, request: Request) -> Reply:
    """Soft-delete a key with all of its versions, at once: Azure takes some seconds."""
    vault, name = _vault(azure, request), request.parameters["key"]
    keys.require(azure, vault, name)
    return Reply(body=_deleted(azure, vault, request, deleted_keys.delete(azure, vault, name)))


def get_deleted(azure: Azure, request: Request) -> Reply:
    """A soft-deleted key."""
    vault = _vault(azure, request)
    return Reply(body=_deleted(azure, vault, request, deleted_keys.require(azure, vault, request.parameters["key"])))


def list_deleted(azure: Azure, request: Request) -> Reply:
    """All soft-deleted keys, on one page."""
    vault, found = _vault(azure, request), []
    for mark in deleted_keys.all_in(azure, vault):
        bundle = _deleted(azure, vault, request, mark)
        found.append({"kid": bundle.pop("key")["kid"].rpartition("/")[0], **bundle})
    return Reply(body={"value": found, "nextLink": None})


def recover_deleted(azure: Azure, request: Request) -> Reply:
    """Recover a soft-deleted key."""
    vault, name = _vault(azure, request), request.parameters["key"]
    deleted_keys.recover(azure, vault, name)
    return _bundle(vault, request, keys.require(azure, vault, name))


def purge_deleted(azure: Azure, request: Request) -> Reply:
    """Delete a soft-deleted key for good."""
    deleted_keys.purge(azure, _vault(azure, request), request.parameters["key"])
    return Reply(status=204, body=NO_BODY)


def _vault(azure: Azure, request: Request) -> dict[str, Any]:
    """The vault that is asked."""
    found = vaults.find(azure, request.destination.cloud.name, request.destination.name)
    if found is None:  # pragma: no cover - the endpoint has found it
        raise errors.unavailable()
    return found


def _bundle(vault: dict[str, Any], request: Request, key: dict[str, Any]) -> Reply:
    return Reply(body=keys.to_json(vault, key, request.base_url))


def _deleted(azure: Azure, vault: dict[str, Any], request: Request, mark: dict[str, Any]) -> dict[str, Any]:
    newest = keys.versions(azure, vault, mark["name"])[-1]
    dates = {name: mark[name] for name in ("deletedDate", "scheduledPurgeDate")}
    recovery = {"recoveryId": f"{request.base_url}/deletedkeys/{newest['name']}", **dates}
    return {**recovery, **keys.to_json(vault, newest, request.base_url)}


def _without_version(key: dict[str, Any], request: Request) -> str:
    return f"{request.base_url}/keys/{key['name']}"


_DOCUMENTED = Evidence.DOCUMENTED
_ONE_PAGE = "one page"
ROUTES = table(
    (
        (
            "CreateKey",
            "POST",
            "/keys/{key}/create",
            create,
            _DOCUMENTED,
            f"{_ACTION}/create/action",
            "RSA and EC, also with -HSM in premium vaults; no oct keys, no release policies",
        ),
        ("ImportKey", "PUT", "/keys/{key}", import_, _DOCUMENTED, f"{_ACTION}/import/action"),
        ("Sign", "POST", "/keys/{key}/sign", sign, _DOCUMENTED, f"{_ACTION}/sign/action", "the newest version"),
        ("GetKeys", "GET", "/keys", list_keys, _DOCUMENTED, f"{_ACTION}/read", _ONE_PAGE),
        ("GetKeyVersions", "GET", "/keys/{key}/versions", list_versions, _DOCUMENTED, f"{_ACTION}/read", _ONE_PAGE),
        ("GetKey", "GET", "/keys/{key}", get, _DOCUMENTED, f"{_ACTION}/read", "the newest version"),
        ("UpdateKey", "PATCH", "/keys/{key}", update, _DOCUMENTED, f"{_ACTION}/update/action", "the newest version"),
        ("DeleteKey", "DELETE", "/keys/{key}", delete, _DOCUMENTED, f"{_ACTION}/delete", "at once"),
        ("GetKey", "GET", "/keys/{key}/{version}", get, _DOCUMENTED, f"{_ACTION}/read"),
        ("UpdateKey", "PATCH", "/keys/{key}/{version}", update, _DOCUMENTED, f"{_ACTION}/update/action"),
        ("Sign", "POST", "/keys/{key}/{version}/sign", sign, _DOCUMENTED, f"{_ACTION}/sign/action"),
        ("GetDeletedKeys", "GET", "/deletedkeys", list_deleted, _DOCUMENTED, f"{_ACTION}/read", _ONE_PAGE),
        ("GetDeletedKey", "GET", "/deletedkeys/{key}", get_deleted, _DOCUMENTED, f"{_ACTION}/read"),
        (
            "RecoverDeletedKey",
            "POST",
            "/deletedkeys/{key}/recover",
            recover_deleted,
            _DOCUMENTED,
            f"{_ACTION}/recover/action",
            "at once",
        ),
        (
            "PurgeDeletedKey",
            "DELETE",
            "/deletedkeys/{key}",
            purge_deleted,
            _DOCUMENTED,
            f"{_ACTION}/purge/action",
            "the codes of the refusal under purge protection are guesses",
        ),
    ),
    versions=VERSIONS,
    resource_type="Microsoft.KeyVault/vaults/keys",
)
