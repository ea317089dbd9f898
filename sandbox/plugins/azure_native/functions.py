"""The functions of the plugin that a program can invoke."""

from __future__ import annotations

import base64
import binascii
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from sandbox.plugins.azure_native import conversion
from sandbox.plugins.azure_native.arm import ArmError
from sandbox.plugins.azure_native.resource_types import DPS, IOT_HUB, RESOURCE_GROUP, ROLE_ASSIGNMENT, VAULT
from sandbox.plugins.property_values import plain
from sandbox.plugins.resource import CheckResult, PluginError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.plugins.azure_native.account import Account
    from sandbox.plugins.azure_native.resource_types import ResourceType
    from sandbox.plugins.property_values import Properties
    from sandbox.plugins.resource import Function

KEY_FIELDS: Final = ("keyName", "primaryKey", "secondaryKey", "rights")


def functions(account: Callable[[], Account]) -> dict[str, Function]:
    """Every function by token, for the account that Configure opened."""
    return {
        "azure-native:authorization:getClientConfig": lambda arguments: get_client_config(account(), arguments),
        "azure-native:authorization:getClientToken": lambda arguments: get_client_token(account(), arguments),
        "azure-native:authorization:getRoleAssignment": lambda arguments: get_resource(account(), ROLE_ASSIGNMENT, arguments),
        "azure-native:deviceprovisioningservices:getIotDpsResource": lambda arguments: get_resource(account(), DPS, arguments),
        "azure-native:deviceprovisioningservices:listIotDpsResourceKeys": lambda arguments: list_keys(account(), DPS, arguments),
        "azure-native:iothub:getIotHubResource": lambda arguments: get_resource(account(), IOT_HUB, arguments),
        "azure-native:iothub:listIotHubResourceKeys": lambda arguments: list_keys(account(), IOT_HUB, arguments),
        "azure-native:keyvault:getVault": lambda arguments: get_resource(account(), VAULT, arguments),
        "azure-native:resources:getResourceGroup": lambda arguments: get_resource(account(), RESOURCE_GROUP, arguments),
    }


def get_client_config(account: Account, arguments: Properties) -> CheckResult:
    """The identity behind the credential, from the claims of its token for Microsoft Graph."""
    del arguments
    if not account.cloud.graph:
        raise PluginError(
            f"getClientConfig: the cloud {account.cloud.name} has no Microsoft Graph: its metadata has no microsoftGraphResourceId"
        )
    token = account.credential.token(f"{account.cloud.graph}/.default")
    claims = token_claims(token)
    client = claims.get("appid") or account.settings.get("clientId")
    found = {
        "clientId": client,
        "objectId": claims.get("oid") or _object_id(account, token, client),
        "subscriptionId": account.subscription,
        "tenantId": claims.get("tid") or account.settings.get("tenantId"),
    }
    return CheckResult(found)


def get_client_token(account: Account, arguments: Properties) -> CheckResult:
    """A token for an endpoint, by default ARM. Like the real plugin, it is not marked secret."""
    endpoint = plain(arguments).get("endpoint") or f"{account.cloud.arm}/"
    return CheckResult({"token": account.credential.token(f"{endpoint}/.default")})


def get_resource(account: Account, kind: ResourceType, arguments: Properties) -> CheckResult:
    """A resource as its Read returns it. Like the real plugin, it reports every other answer, a 404 too, as a failed request."""
    given = plain(arguments)
    missing = [name for name in kind.parameters if not given.get(name)]
    if missing:
        return CheckResult({}, [f"missing required property '{name}'" for name in missing])
    path = conversion.resource_path(kind, given, account.subscription)
    try:
        answer = account.arm.get(path, kind.api_version, account.deadline())
    except ArmError as refused:
        raise PluginError(f"request failed {path}: {refused}") from refused
    return CheckResult(conversion.outputs(kind, answer))


def list_keys(account: Account, kind: ResourceType, arguments: Properties) -> CheckResult:
    """The shared access policies of a hub or provisioning service with their keys. Like the real plugin, they are not marked secret."""
    given = plain(arguments)
    missing = [name for name in kind.parameters if not given.get(name)]
    if missing:
        return CheckResult({}, [f"missing required property '{name}'" for name in missing])
    path = f"{conversion.resource_path(kind, given, account.subscription)}/listkeys"
    answer = account.arm.request("POST", path, kind.api_version, account.deadline(), body={})
    body = answer.json()
    if answer.status != HTTPStatus.OK or not isinstance(body, dict):
        raise PluginError(f"request failed {path}: {ArmError(answer)}")
    value = [{name: rule[name] for name in KEY_FIELDS if rule.get(name) is not None} for rule in body.get("value") or []]
    following = {"nextLink": body["nextLink"]} if body.get("nextLink") else {}
    return CheckResult({"value": value, **following})


def token_claims(token: str) -> dict[str, Any]:
    """The claims of a JSON Web Token, not verified (Azure does that); {} when the token is opaque."""
    match token.split("."):
        case [_header, payload, _signature]:
            pass
        case _:
            return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, binascii.Error):
        return {}
    return claims if isinstance(claims, dict) else {}


def _object_id(account: Account, token: str, client: str) -> str:
    """The id of the service principal, from Graph: some credentials' tokens do not contain it."""
    asked = quote(f"appId eq '{client}'", safe="")
    url = f"{account.cloud.graph}/v1.0/servicePrincipals?$filter={asked}"
    answer = account.http.send("GET", url, headers={"Authorization": f"Bearer {token}", "Accept": "application/json"})
    body = answer.json()
    found = body.get("value") if answer.status == HTTPStatus.OK and isinstance(body, dict) else None
    if not found:
        raise PluginError(
            f"getClientConfig: the token has no oid and Microsoft Graph knows no service principal {client} (status {answer.status})"
        )
    return str(found[0]["id"])
