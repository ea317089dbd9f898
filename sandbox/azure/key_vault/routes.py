"""Operations on a key vault's keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.azure.key_vault import keys, vaults
from sandbox.azure.routing import Evidence, table
from sandbox.azure.wire import Reply

if TYPE_CHECKING:
    from sandbox.azure.local_azure import Azure
    from sandbox.azure.wire import Request

VERSIONS = ("7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "2025-07-01")
_ACTION = "Microsoft.KeyVault/vaults/keys"


def create(azure: Azure, request: Request) -> Reply:
    """Create a key; an existing name gets another version."""
    created = keys.create(azure, _vault(request), request.parameters["key"], request.json_object())
    return Reply(body=keys.to_json(created, request.base_url))


def import_(azure: Azure, request: Request) -> Reply:
    """Import a key."""
    created = keys.import_(azure, _vault(request), request.parameters["key"], request.json_object())
    return Reply(body=keys.to_json(created, request.base_url))


def get(azure: Azure, request: Request) -> Reply:
    """The public key and the attributes, of a disabled key too."""
    found = keys.require(azure, _vault(request), request.parameters["key"], request.parameters.get("version", ""))
    return Reply(body=keys.to_json(found, request.base_url))


def update(azure: Azure, request: Request) -> Reply:
    """Enable or disable a key."""
    version = request.parameters.get("version", "")
    changed = keys.update(azure, _vault(request), request.parameters["key"], version, request.json_object())
    return Reply(body=keys.to_json(changed, request.base_url))


def sign(azure: Azure, request: Request) -> Reply:
    """Sign a digest. Without a version (`/keys/{key}//sign` in the request) the newest version signs."""
    version = request.parameters.get("version", "")
    key, value = keys.sign(azure, _vault(request), request.parameters["key"], version, request.json_object())
    return Reply(body={"kid": keys.identifier(key, request.base_url), "value": value})


def _vault(request: Request) -> str:
    """The store key of the vault that is asked."""
    return vaults.store_key(request.destination.cloud.name, request.destination.name)


_DOCUMENTED = Evidence.DOCUMENTED
ROUTES = table(
    (
        (
            "CreateKey",
            "POST",
            "/keys/{key}/create",
            create,
            _DOCUMENTED,
            f"{_ACTION}/create/action",
            "RSA and EC; no oct keys, no release policies",
        ),
        ("ImportKey", "PUT", "/keys/{key}", import_, _DOCUMENTED, f"{_ACTION}/import/action"),
        ("Sign", "POST", "/keys/{key}/sign", sign, _DOCUMENTED, f"{_ACTION}/sign/action", "the newest version"),
        ("GetKey", "GET", "/keys/{key}", get, _DOCUMENTED, f"{_ACTION}/read", "the newest version"),
        ("UpdateKey", "PATCH", "/keys/{key}", update, _DOCUMENTED, f"{_ACTION}/update/action", "the newest version"),
        ("GetKey", "GET", "/keys/{key}/{version}", get, _DOCUMENTED, f"{_ACTION}/read"),
        ("UpdateKey", "PATCH", "/keys/{key}/{version}", update, _DOCUMENTED, f"{_ACTION}/update/action"),
        ("Sign", "POST", "/keys/{key}/{version}/sign", sign, _DOCUMENTED, f"{_ACTION}/sign/action"),
    ),
    versions=VERSIONS,
    resource_type="Microsoft.KeyVault/vaults/keys",
)
