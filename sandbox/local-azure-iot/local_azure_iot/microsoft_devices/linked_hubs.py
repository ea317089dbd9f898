"""The hubs that are linked to a provisioning service, by a key of the hub or by an identity of the service.

Source: `IotHubDefinitionDescription` in Microsoft's specification,
https://github.com/Azure/azure-rest-api-specs/tree/main/specification/deviceprovisioningservices/resource-manager/Microsoft.Devices
(2023-03-01-preview, 2025-02-01-preview, 2026-11-01). Neither the hub nor its key is asked: azurerm's acceptance tests link hubs that don't
exist (https://github.com/hashicorp/terraform-provider-azurerm, TestAccIotHubDPS_linkedHubs). A registration finds that out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local_azure_iot import host_names
from local_azure_iot.microsoft_devices import errors
from local_azure_iot.microsoft_devices.connection_strings import masked, with_secret
from local_azure_iot.microsoft_devices.errors import Service

if TYPE_CHECKING:
    from local_azure_iot.store import Document

BY_KEY, BY_SYSTEM_IDENTITY, BY_USER_IDENTITY = "KeyBased", "SystemAssigned", "UserAssigned"
_BY_IDENTITY_SINCE, _HOST_NAME_SINCE = "2025-02-01", "2026-11-01"
_MOST = 50  # learn.microsoft.com/azure/iot-dps/about-iot-dps
_HIDDEN = re.compile(r"SharedAccessKey=\*+(;|$)")
Link = dict[str, Any]


def declared(links: list[Any], before: list[Link], identity: Document | None, version: str) -> list[Link]:
    """The links to store. ``before`` are the stored ones: a masked key in the request means theirs. ``identity`` is the service's.

    Raises:
        DevicesError: A link lacks what it must have, names a hub twice, or an identity that the service does not have; or there are more
            than 50. The code is recorded for none of these: a guess.
    """
    if len(links) > _MOST:
        raise _invalid(f"there are {len(links)} of them, and at most {_MOST} are allowed")
    stored, names = list[Link](), set[str]()
    for link in links:
        one = _declared(link if isinstance(link, dict) else {}, before, identity, version)
        if one["name"].lower() in names:
            raise _invalid(f"{one['name']} is linked twice")
        names.add(one["name"].lower())
        stored.append(one)
    return stored


def _declared(link: Link, before: list[Link], identity: Document | None, version: str) -> Link:
    kind = _kind(link, version)
    text = str(link.get("connectionString") or "")
    parts = dict(part.split("=", 1) for part in text.split(";") if "=" in part)
    name = parts.get("HostName") or (str(link.get("hostName") or "") if version >= _HOST_NAME_SINCE else "")
    if not name or not link.get("location"):
        named = "connectionString or hostName, and location," if version >= _HOST_NAME_SINCE else "connectionString and location"
        raise _invalid(f"{named} are required")
    if host_names.destination(name) is None:
        raise _invalid(f"'{name[:100]}' is not the host name of a hub")
    weight = link.get("allocationWeight")
    if weight is not None and weight < 0:
        raise _invalid(f"the allocationWeight {weight} of {name} is negative")
    known = {
        member: value for member, value in link.items() if member not in ("name", "hostName", "connectionString") and value is not None
    }
    stored = {**known, "name": name}
    if kind == BY_KEY:
        missing = [part for part in ("SharedAccessKeyName", "SharedAccessKey") if not parts.get(part)]
        if missing:
            raise _invalid(f"{' and '.join(missing)} of {name} are missing in its connectionString")
        return {**stored, "connectionString": _with_key(text, name, before)}
    _require_identity(kind, link, name, identity)
    return {**stored, "hostName": name}


def _kind(link: Link, version: str) -> str:
    """How the service signs in to the hub; versions before 2025-02-01-preview know keys only."""
    kind = link.get("authenticationType") if version >= _BY_IDENTITY_SINCE else None
    kind = kind or (BY_KEY if link.get("connectionString") or version < _HOST_NAME_SINCE else BY_SYSTEM_IDENTITY)
    if kind not in (BY_KEY, BY_SYSTEM_IDENTITY, BY_USER_IDENTITY):
        raise _invalid(f"the authenticationType '{kind}' is none of {BY_KEY}, {BY_SYSTEM_IDENTITY} and {BY_USER_IDENTITY}")
    return str(kind)


def _with_key(text: str, name: str, before: list[Link]) -> str:
    earlier = next((link for link in before if link["name"].lower() == name.lower() and link.get("connectionString")), None)
    text = with_secret(text, earlier["connectionString"]) if earlier else text
    if _HIDDEN.search(text):
        raise _invalid(f"the key of {name} is masked, and no link to it has one")
    return text


def _require_identity(kind: str, link: Link, name: str, identity: Document | None) -> None:
    has = identity or {}
    if kind == BY_SYSTEM_IDENTITY and "SystemAssigned" not in str(has.get("type")):
        raise _invalid(f"{name} is linked by the service's own identity, and the service has none")
    wanted = str(link.get("selectedUserAssignedIdentityResourceId") or "")
    if kind == BY_USER_IDENTITY and wanted.lower() not in {one.lower() for one in has.get("userAssignedIdentities") or {}}:
        raise _invalid(f"{name} is linked by the identity '{wanted[:300]}', which the service does not have")


def kind(link: Link) -> str:
    """How the service signs in to the hub of a stored link."""
    return str(link.get("authenticationType") or (BY_KEY if "connectionString" in link else BY_SYSTEM_IDENTITY))


def shown(links: list[Link], version: str) -> list[Link]:
    """The links as GET shows them at an api-version: without their keys, and without members that the version does not have."""
    return [_shown(link, version) for link in links]


def _shown(link: Link, version: str) -> Link:
    by_identity = ("authenticationType", "selectedUserAssignedIdentityResourceId")
    found = {member: value for member, value in masked(link).items() if member not in ("hostName", *by_identity)}
    if version >= _BY_IDENTITY_SINCE:
        found["authenticationType"] = kind(link)
        if "selectedUserAssignedIdentityResourceId" in link:
            found["selectedUserAssignedIdentityResourceId"] = link["selectedUserAssignedIdentityResourceId"]
    if version >= _HOST_NAME_SINCE:
        found["hostName"] = link["name"]
    return found


def _invalid(reason: str) -> errors.DevicesError:
    return errors.value_invalid(f"Invalid linked IotHub - {reason}.", Service.PROVISIONING, 400018)
