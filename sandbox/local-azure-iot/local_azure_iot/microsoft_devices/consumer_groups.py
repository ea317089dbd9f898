"""Consumer groups of a hub's built-in endpoint: creating, listing and deleting them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from local_azure_iot.judge import upload
from local_azure_iot.microsoft_devices import errors, lifecycle
from local_azure_iot.microsoft_devices.errors import Service
from local_azure_iot.microsoft_devices.lifecycle import CONSUMER_GROUP, HUB

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

_NAME = re.compile(r"[$A-Za-z0-9][\w.\-]{0,49}", re.ASCII)
_DEFAULT = "$Default"


def consumer_groups_of(azure: Azure, hub: Document, hub_key: str) -> list[Document]:
    """The consumer groups: `$Default` and those that were created."""
    return [_default(hub), *azure.store.list(CONSUMER_GROUP, f"{hub_key}/")]


def create(azure: Azure, hub: Document, hub_key: str, name: str) -> Document:
    """Create a consumer group; one that exists stays as it is, as `$Default` always does.

    Raises:
        DevicesError: The name is invalid.
    """
    if not _NAME.fullmatch(name):
        raise errors.value_invalid(f"Invalid consumer group name '{name}'.", Service.HUB, 400015)
    if _is_default(name):
        return _default(hub)
    now = upload.rfc1123(azure.clock.now())
    group = azure.store.get(CONSUMER_GROUP, _store_key(hub_key, name)) or {"name": name, "created": now}
    azure.store.put(CONSUMER_GROUP, _store_key(hub_key, name), group)
    return group


def require(azure: Azure, hub: Document, hub_key: str, name: str) -> Document:
    """The consumer group, which must exist.

    Raises:
        DevicesError: The consumer group does not exist.
    """
    found = _default(hub) if _is_default(name) else azure.store.get(CONSUMER_GROUP, _store_key(hub_key, name))
    if found is None:
        raise errors.consumer_group_not_found(name)
    return found


def delete(azure: Azure, hub_key: str, name: str) -> None:
    """Delete a consumer group; it need not exist.

    Raises:
        DevicesError: It is `$Default`, which every endpoint has (the answer is a guess).
    """
    if _is_default(name):
        raise errors.value_invalid(f"The consumer group '{_DEFAULT}' can't be deleted.", Service.HUB, 400015)
    azure.store.delete(CONSUMER_GROUP, _store_key(hub_key, name))


def to_json(hub: Document, group: Document) -> dict[str, Any]:
    """A consumer group as Azure returns it; its id has `%24Default`, as recorded."""
    return {
        "properties": {"created": group["created"]},
        "id": f"{lifecycle.identifier(hub, HUB)}/eventHubEndpoints/events/ConsumerGroups/{quote(group['name'])}",
        "name": group["name"],
        "type": "Microsoft.Devices/IotHubs/EventHubEndpoints/ConsumerGroups",
        "etag": None,
    }


def _store_key(hub_key: str, name: str) -> str:
    return f"{hub_key}/{name.lower()}"


def _is_default(name: str) -> bool:
    return name.lower() == _DEFAULT.lower()


def _default(hub: Document) -> Document:
    return {"name": _DEFAULT, "created": upload.rfc1123(datetime.fromisoformat(hub["created"]))}
