"""Which configurations reach a device or module, and what becomes of its twin: done with every write of a twin.

After a write of a configuration `configuration_passes` calls it for every twin of the hub. Of several configurations of one kind, the one
with the highest priority is applied, the youngest of these where two have it; of IoT Edge deployments also the layered ones above it. What
is no longer applied is removed from a device's twin; the modules of an IoT Edge device stay as they are when no deployment reaches it.
Source: https://learn.microsoft.com/azure/iot-hub/iot-hub-automatic-device-management-cli, "Modify a configuration", and
https://learn.microsoft.com/azure/iot-edge/module-deployment-monitoring.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import (
    configuration_content,
    configurations,
    edge_deployment,
    entries,
    errors,
    identities,
    modules,
    twin_shape,
)
from local_azure_iot.microsoft_devices.lifecycle import DEVICE

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

_log = logging.getLogger("local_azure_iot")
_in_work: set[str] = set()  # keys of twins that are being changed by a configuration: that change is no reason to look again


def look(azure: Azure, hub_key: str, kind: str, rows: list[tuple[str, Document]]) -> None:
    """Look again at devices or modules, as the store has them under their keys."""
    known = configurations.all_of(azure, hub_key)
    look_at = _look_at_device if kind == DEVICE else _look_at_module
    for key, body in rows:
        look_at(azure, hub_key, body, known, key)


def device_written(azure: Azure, hub_key: str, device: Document) -> None:
    """Look at a device again that was written."""
    key = entries.store_key(hub_key, device["id"])
    if key not in _in_work and (known := configurations.all_of(azure, hub_key)):
        _look_at_device(azure, hub_key, device, known, key)


def module_written(azure: Azure, hub_key: str, module: Document) -> None:
    """Look at a module again that was written."""
    key = f"{entries.store_key(hub_key, module['device'])}/{module['id']}"
    if key not in _in_work and (known := configurations.all_of(azure, hub_key)):
        _look_at_module(azure, hub_key, module, known, key)


def _look_at_device(azure: Azure, hub_key: str, device: Document, known: list[Document], key: str) -> None:
    twin = twin_shape.to_json(azure, hub_key, device)
    reached = _reached(known, ("deviceContent", "modulesContent") if device["edge"] else ("deviceContent",), twin)
    applied = _best([each for each in reached if each["kind"] == "deviceContent"])
    deployments = _deployments([each for each in reached if each["kind"] == "modulesContent"])
    before = device.get("deployed") or {"statuses": {}, "content": None, "paths": [], "edge": []}
    after = _after(reached, applied, deployments)
    if after == before:
        return
    _in_work.add(key)
    try:
        device["deployed"] = after
        _set(lambda body: identities.change_twin(azure, hub_key, device, body), device, before, after, applied)
        identities.save(azure, hub_key, device, dict(device))
        if deployments and after["edge"] != before["edge"]:
            edge_deployment.apply(azure, hub_key, device, [each["content"] for each in deployments])
        _tell_agent(azure, hub_key, device, reached)
    except errors.RegistryError as error:
        _log.info("configuration not applied to %s: %s", key, error)
        device["deployed"] = _only_targeted(before, after)
        identities.save(azure, hub_key, device, dict(device))
    finally:
        _in_work.discard(key)


def _look_at_module(azure: Azure, hub_key: str, module: Document, known: list[Document], key: str) -> None:
    device = identities.find(azure, hub_key, module["device"])
    if device is None:
        return
    reached = _reached(known, ("moduleContent",), modules.twin_json(azure, hub_key, device, module))
    applied = _best(reached)
    before = module.get("deployed") or {"statuses": {}, "content": None, "paths": [], "edge": []}
    after = _after(reached, applied, [])
    if after == before:
        return
    _in_work.add(key)
    try:
        module["deployed"] = after
        _set(lambda body: modules.change_twin(azure, hub_key, module, body, replace=False), module, before, after, applied)
        modules.save(azure, hub_key, module)
    except errors.RegistryError as error:
        _log.info("configuration not applied to %s: %s", key, error)
        module["deployed"] = _only_targeted(before, after)
        modules.save(azure, hub_key, module)
    finally:
        _in_work.discard(key)


def _only_targeted(before: Document, after: Document) -> Document:
    """What is recorded where a twin can't hold what a configuration sets."""
    return {**before, "statuses": {name: {"status": "Targeted"} for name in after["statuses"]}}


def _reached(known: list[Document], kinds: tuple[str, ...], twin: dict[str, Any]) -> list[Document]:
    """The configurations of these kinds that target a twin, the one to apply first."""
    found = [each for each in known if each["kind"] in kinds and (query := configurations.target(each)) and query.selects(twin)]
    return sorted(found, key=lambda each: (each["priority"], each["number"]), reverse=True)


def _best(reached: list[Document]) -> Document | None:
    return reached[0] if reached else None


def _deployments(reached: list[Document]) -> list[Document]:
    """The deployments to apply, the lowest first: the highest that is not layered, and the layered ones above it."""
    for place, each in enumerate(reached):
        if not configuration_content.is_layered(each["content"]):
            return reached[place::-1]
    return []


def _after(reached: list[Document], applied: Document | None, deployments: list[Document]) -> Document:
    done = {each["id"] for each in [*deployments, *([applied] if applied else [])]}
    return {
        "statuses": {each["id"]: {"status": "Applied" if each["id"] in done else "Targeted"} for each in reached},
        "content": applied["id"] if applied else None,
        "paths": [list(path) for path in _paths(applied)],
        "edge": [each["id"] for each in deployments],
    }


def _paths(applied: Document | None) -> configuration_content.Paths:
    return (
        {
            path: value
            for _, part in configuration_content.sections(applied["content"])
            for path, value in configuration_content.paths(part).items()
        }
        if applied
        else {}
    )


def _set(change: Any, identity: Document, before: Document, after: Document, applied: Document | None) -> None:
    """Remove what the configuration before had set, and set what this one declares, in one change of the desired properties."""
    if before["content"] == after["content"]:
        return
    removed = [tuple(path) for path in before["paths"]]
    change({"properties": {"desired": configuration_content.patch(identity["twin"]["desired"]["values"], removed, _paths(applied))}})


def _tell_agent(azure: Azure, hub_key: str, device: Document, reached: list[Document]) -> None:
    """A hub's own metrics read a deployment's status from the twin of the module $edgeAgent."""
    agent = modules.find(azure, hub_key, device["id"], "$edgeAgent")
    if agent is not None:
        names = {each["id"] for each in reached if each["kind"] == "modulesContent"}
        agent["deployments"] = {name: status for name, status in device["deployed"]["statuses"].items() if name in names}
        modules.save(azure, hub_key, agent)


identities.ON_WRITTEN.append(device_written)
modules.ON_WRITTEN.append(module_written)
