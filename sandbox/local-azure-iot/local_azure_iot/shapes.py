"""The JSON types of a request body's members, checked before any rule reads them.

A shape is `str`, `bool`, `int` (a whole number), `float` (any number), `dict` (any object), an object `{"member": shape}` whose members
may be left out and which may have others, a list `[shape]`, or `Each(shape)`: an object whose members are all of one shape.
Null passes everywhere: Azure reads it as left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class WrongTypeError(ValueError):
    """A member is of another JSON type than its service reads; the message names its path."""


@dataclass(frozen=True)
class Each:
    """An object of any members, all of one shape."""

    shape: Any


_NAMES = {str: "String", bool: "Boolean", int: "Integer", float: "Number", dict: "Object"}


def check(value: Any, shape: Any, path: str = "") -> None:
    """Check that a value has the shape.

    Raises:
        WrongTypeError: The value has another shape; the message is worded as Azure's own JSON reader does.
    """
    if value is None:
        return
    if isinstance(shape, dict):
        _check_type(value, dict, path)
        for name, inner in shape.items():
            check(value.get(name), inner, f"{path}.{name}" if path else name)
    elif isinstance(shape, Each):
        _check_type(value, dict, path)
        for name, item in value.items():
            check(item, shape.shape, f"{path}['{name}']")
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise WrongTypeError(f"Error converting value to type 'Array'. Path '{path}'.")
        for number, item in enumerate(value):
            if item is None:
                raise WrongTypeError(f"Error converting value null. Path '{path}[{number}]'.")
            check(item, shape[0], f"{path}[{number}]")
    else:
        _check_type(value, shape, path)


def _check_type(value: Any, kind: type, path: str) -> None:
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise WrongTypeError(f"Error converting value to type '{_NAMES[kind]}'. Path '{path}'.")


TAGS = Each(str)
GROUP = {"location": str, "tags": TAGS, "managedBy": str}
TAGS_ONLY = {"tags": TAGS}
DIRECTORY_IDS = {"ids": [str], "types": [str]}
TEMPLATE_EXPORT = {"resources": [str], "options": str}
_POLICIES = [{"keyName": str, "primaryKey": str, "secondaryKey": str, "rights": str}]
_IDENTITY = {"type": str, "userAssignedIdentities": dict}
_RULES = [{"filterName": str, "action": str, "ipMask": str}]
_SERVICE = {"location": str, "tags": TAGS, "etag": str, "sku": {"name": str, "capacity": int}, "identity": _IDENTITY}
_ROUTE = {"name": str, "source": str, "condition": str, "endpointNames": [str], "isEnabled": bool}
_QUEUE = {"lockDurationAsIso8601": str, "ttlAsIso8601": str, "maxDeliveryCount": int}
HUB = {
    **_SERVICE,
    "properties": {
        "authorizationPolicies": _POLICIES,
        "allowedFqdnList": [str],
        "cloudToDevice": {"maxDeliveryCount": int, "defaultTtlAsIso8601": str, "feedback": _QUEUE},
        "disableLocalAuth": bool,
        "enableDataResidency": bool,
        "enableFileUploadNotifications": bool,
        "eventHubEndpoints": Each({"retentionTimeInDays": int, "partitionCount": int}),
        "ipFilterRules": _RULES,
        "messagingEndpoints": Each(_QUEUE),
        "minTlsVersion": str,
        "networkRuleSets": {"applyToBuiltInEventHubEndpoint": bool, "defaultAction": str, "ipRules": _RULES},
        "publicNetworkAccess": str,
        "routing": {
            "endpoints": Each([{"name": str, "connectionString": str}]),
            "enrichments": [{"key": str, "endpointNames": [str]}],
            "fallbackRoute": _ROUTE,
            "routes": [_ROUTE],
        },
        "storageEndpoints": Each({"sasTtlAsIso8601": str, "connectionString": str, "containerName": str, "authenticationType": str}),
    },
}
PROVISIONING = {
    **_SERVICE,
    "properties": {
        "allocationPolicy": str,
        "authorizationPolicies": _POLICIES,
        "enableDataResidency": bool,
        "disableLocalAuth": bool,
        "iotHubs": [
            {
                **dict.fromkeys(
                    ("connectionString", "location", "authenticationType", "hostName", "selectedUserAssignedIdentityResourceId"), str
                ),
                "applyAllocationPolicy": bool,
                "allocationWeight": int,
            }
        ],
        "ipFilterRules": [{**_RULES[0], "target": str}],
        "portalOperationsHostName": str,
        "publicNetworkAccess": str,
    },
}
TRIAL_OF_ROUTES = {
    "routingSource": str,
    "message": {"body": str, "appProperties": Each(str), "systemProperties": Each(str)},
    "twin": {"tags": dict, "properties": {"desired": dict, "reported": dict}},
    "route": _ROUTE,
}
FAILOVER = {"failoverRegion": str}
_CERTIFICATE = {"certificate": str, "isVerified": bool}
CERTIFICATE = {**_CERTIFICATE, "properties": _CERTIFICATE}
PROOF = {"certificate": str}
CONSUMER_GROUP = {"properties": dict}
ROLE_ASSIGNMENT = {
    "properties": {
        "roleDefinitionId": str,
        "principalId": str,
        "principalType": str,
        "condition": str,
        "conditionVersion": str,
        "description": str,
    }
}
_VAULT_PROPERTIES = {
    "tenantId": str,
    "sku": {"family": str, "name": str},
    "accessPolicies": [
        {
            "tenantId": str,
            "objectId": str,
            "applicationId": str,
            "permissions": {"keys": [str], "secrets": [str], "certificates": [str], "storage": [str]},
        }
    ],
    "createMode": str,
    "enabledForDeployment": bool,
    "enabledForDiskEncryption": bool,
    "enabledForTemplateDeployment": bool,
    "enablePurgeProtection": bool,
    "enableRbacAuthorization": bool,
    "enableSoftDelete": bool,
    "networkAcls": {
        "bypass": str,
        "defaultAction": str,
        "ipRules": [{"value": str}],
        "virtualNetworkRules": [{"id": str, "ignoreMissingVnetServiceEndpoint": bool}],
    },
    "publicNetworkAccess": str,
    "softDeleteRetentionInDays": int,
}
VAULT = {"location": str, "tags": TAGS, "properties": _VAULT_PROPERTIES}
VAULT_NAME = {"name": str, "type": str}
_KEY_MEMBERS = {"key_ops": [str], "attributes": {"enabled": bool, "exp": int, "nbf": int}, "tags": TAGS}
KEY = {**_KEY_MEMBERS, "kty": str, "crv": str, "key_size": int}
KEY_IMPORT = {
    **_KEY_MEMBERS,
    "key": {**dict.fromkeys(("kty", "crv", "x", "y", "d", "n", "e", "p", "q", "dp", "dq", "qi"), str), "key_ops": [str]},
    "Hsm": bool,
}
DIGEST = {"alg": str, "value": str}
