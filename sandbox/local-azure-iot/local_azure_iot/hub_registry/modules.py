"""Module identities: parts of a device with an identity and a twin of their own. They are deleted with their device.

Sources: Azure's OpenAPI file, learn.microsoft.com/azure/iot-hub/iot-hub-devguide-module-twins and the az CLI's extension. The modules
`$edgeAgent` and `$edgeHub` come with an IoT Edge device. That Azure removes them when a device is none any more is a guess.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import authentication, entries, errors, twins
from local_azure_iot.messaging.addresses import address
from local_azure_iot.microsoft_devices.lifecycle import DEVICE, MODULE, MQTT_SESSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

MAX_MODULES = 50  # of a device
_ID = re.compile(r"[A-Za-z0-9\-.%_*?!(),:=@$']{1,128}")
_SHAPE = {"authentication": dict}
OF_EDGE = ("$edgeAgent", "$edgeHub")
# What looks at a module that was written: `configuration_targets`.
ON_WRITTEN: list[Callable[[Azure, str, Document], None]] = []


def find(azure: Azure, hub_key: str, device_id: str, module_id: str) -> Document | None:
    """A module, or None."""
    return azure.store.get(MODULE, _key(hub_key, device_id, module_id))


def require(azure: Azure, hub_key: str, device_id: str, module_id: str) -> Document:
    """The module, which must exist.

    Raises:
        RegistryError: It does not exist.
    """
    module = find(azure, hub_key, device_id, module_id)
    if module is None:
        raise errors.module_not_found(device_id, module_id)
    return module


def of_device(azure: Azure, hub_key: str, device_id: str) -> list[Document]:
    """The modules of a device, in the order of their ids."""
    return [module for _, module in azure.store.page(MODULE, _key(hub_key, device_id, ""), "", MAX_MODULES + len(OF_EDGE))]


def twins_of_hub(azure: Azure, hub_key: str, after: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The place `device/module` and the twin of each module of a hub after the place ``after``, in their order."""
    prefix = f"{hub_key}/"
    for key, module in azure.store.documents(MODULE, prefix, prefix + after):
        device = azure.store.get(DEVICE, entries.store_key(hub_key, module["device"]))
        if device is not None:
            yield key.removeprefix(prefix), twin_json(azure, hub_key, device, module)


def copy(azure: Azure, from_hub: str, to_hub: str, device_id: str) -> None:
    """Give a device in one hub the modules, with their twins, that the device of the same id has in another one; they stay there too."""
    for module in of_device(azure, from_hub, device_id):
        save(azure, to_hub, {**module, "generation": entries.new_generation(azure)})


def create(azure: Azure, hub_key: str, device_id: str, body: dict[str, Any]) -> Document:
    """Create a module with an empty twin.

    Raises:
        RegistryError: It exists, the device has as many as it may, or a member of the body is invalid.
    """
    module_id = str(body.get("moduleId", ""))
    if not _ID.fullmatch(module_id):
        raise errors.argument_invalid(f"The module id '{module_id[: errors.MAX_ID + 1]}' is not valid")
    if find(azure, hub_key, device_id, module_id) is not None:
        raise errors.module_exists(device_id, module_id)
    if len([one for one in of_device(azure, hub_key, device_id) if one["id"] not in OF_EDGE]) >= MAX_MODULES:
        raise errors.too_many_modules(device_id, MAX_MODULES)
    module: Document = {
        "id": module_id,
        "device": device_id,
        "generation": entries.new_generation(azure),
        "etag": secrets.randbelow(900_000_000) + 100_000_000 - 1,
        "twin": twins.new_twin(azure.clock.now()),
    }
    return update(azure, hub_key, module, body)


def update(azure: Azure, hub_key: str, module: Document, body: dict[str, Any]) -> Document:
    """Replace a module's members with a request's. What the request leaves out gets its default, keys too. The twin stays.

    Raises:
        RegistryError: A member of the body is invalid.
    """
    errors.check_shape(body, _SHAPE)
    managed_by = body.get("managedBy")
    if managed_by is not None and not isinstance(managed_by, str):
        raise errors.argument_invalid("managedBy must be text")
    module |= {
        "etag": module["etag"] + 1,
        "managedBy": managed_by,
        "auth": authentication.authentication(body.get("authentication") or {}, ("sas", "selfSigned", "certificateAuthority", "none")),
    }
    save(azure, hub_key, module)
    return module


def change_twin(azure: Azure, hub_key: str, module: Document, body: dict[str, Any], *, replace: bool) -> None:
    """Merge a request's tags and desired properties into a module's twin, or replace them.

    Raises:
        RegistryError: A name is invalid, or the twin is too deep or too large.
    """
    before = dict(module["twin"])
    twins.update(module["twin"], body, azure.clock.now(), replace=replace)
    save(azure, hub_key, module)
    twins.tell_session(azure, (hub_key, module["device"], module["id"]), before, module["twin"], body, replace=replace)


def change_authentication(azure: Azure, hub_key: str, module: Document, auth: dict[str, Any]) -> None:
    """Replace how a module authenticates, and nothing else of it."""
    module |= {"auth": auth, "etag": module["etag"] + 1}
    save(azure, hub_key, module)


def save(azure: Azure, hub_key: str, module: Document) -> None:
    """Write a module."""
    azure.store.put(MODULE, _key(hub_key, module["device"], module["id"]), module)
    for look in ON_WRITTEN:
        look(azure, hub_key, module)


def delete(azure: Azure, hub_key: str, module: Document) -> None:
    """Delete a module with its twin, and end its connection."""
    key = _key(hub_key, module["device"], module["id"])
    azure.store.delete(MODULE, key)
    azure.store.delete(MQTT_SESSION, key)
    azure.presence.recheck(key)


def follow_device(azure: Azure, hub_key: str, device: Document) -> None:
    """After a device was written: an IoT Edge device has the modules of its runtime, another one has not."""
    for module_id in OF_EDGE:
        found = find(azure, hub_key, device["id"], module_id)
        if device["edge"] and found is None:
            body = {"moduleId": module_id, "managedBy": "iotEdge", "authentication": {"type": "none"}}
            create(azure, hub_key, device["id"], body)
        elif found is not None and not device["edge"]:
            delete(azure, hub_key, found)


def delete_of_device(azure: Azure, hub_key: str, device_id: str) -> None:
    """Delete all modules of a device."""
    azure.store.delete_under(MODULE, _key(hub_key, device_id, ""))


def to_json(azure: Azure, hub_key: str, module: Document) -> dict[str, Any]:
    """A module as Azure returns it, in its order of members."""
    auth, activity = module["auth"], azure.presence.activity_of(_key(hub_key, module["device"], module["id"]))
    return {
        "moduleId": module["id"],
        "managedBy": module["managedBy"],
        "deviceId": module["device"],
        "generationId": module["generation"],
        "etag": entries.etag(module),
        "connectionState": "Connected" if activity.connection else "Disconnected",
        "connectionStateUpdatedTime": entries.format_time(activity.changed, zone=True),
        "lastActivityTime": entries.format_time(activity.last, zone=True),
        "cloudToDeviceMessageCount": 0,
        "authentication": authentication.to_json(auth) | {"type": auth["type"]},
    }


def twin_json(azure: Azure, hub_key: str, device: Document, module: Document) -> dict[str, Any]:
    """The twin of a module. Its status is the device's."""
    twin, auth = module["twin"], module["auth"]
    activity = azure.presence.activity_of(_key(hub_key, module["device"], module["id"]))
    reached = {**(module.get("deployed") or {}).get("statuses", {}), **module.get("deployments", {})}
    return {
        "deviceId": device["id"],
        "moduleId": module["id"],
        "etag": twins.etag(twin),
        "deviceEtag": entries.etag(module),
        "status": device["status"],
        "statusUpdateTime": entries.format_time(device["statusUpdated"], zone=True),
        "connectionState": "Connected" if activity.connection else "Disconnected",
        "lastActivityTime": entries.format_time(activity.last, zone=True),
        "cloudToDeviceMessageCount": 0,
        "authenticationType": auth["type"],
        "x509Thumbprint": dict(zip(("primaryThumbprint", "secondaryThumbprint"), auth["thumbprints"], strict=True)),
        "modelId": module.get("modelId", ""),
        "version": twin["version"],
        "tags": twin["tags"],
        "properties": {"desired": twins.properties(twin["desired"]), "reported": twins.properties(twin["reported"])},
        **({"configurations": reached} if reached else {}),
    }


def _key(hub_key: str, device_id: str, module_id: str) -> str:
    return address(hub_key, device_id, module_id) if module_id else f"{address(hub_key, device_id)}/"
