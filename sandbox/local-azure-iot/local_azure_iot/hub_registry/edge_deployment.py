"""The modules of an IoT Edge device as a deployment declares them: which there are, and their desired properties.

Sources: https://learn.microsoft.com/azure/iot-edge/module-deployment-monitoring; az CLI's `az iot edge set-modules`. That modules which a
deployment made, and the next one does not name, are deleted is a guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import configuration_content, errors, modules

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

_MANAGER = "iotEdge"


def apply(azure: Azure, hub_key: str, device: Document, contents: list[dict[str, Any]]) -> None:
    """Give a device the modules of contents; each content adds to those before it.

    Raises:
        RegistryError: The device is no IoT Edge device, or a content is invalid.
    """
    if not device["edge"]:
        raise errors.argument_invalid(f"The device '{device['id']}' is no IoT Edge device")
    modules.follow_device(azure, hub_key, device)
    wanted: dict[str, configuration_content.Paths] = {}
    for content in contents:
        for module_id, section in configuration_content.sections(content):
            paths = configuration_content.paths(section)
            wanted[module_id] = paths if "properties.desired" in section else {**wanted.get(module_id, {}), **paths}
    for module_id, paths in wanted.items():
        module = modules.find(azure, hub_key, device["id"], module_id) or modules.create(
            azure, hub_key, device["id"], {"moduleId": module_id, "managedBy": _MANAGER, "authentication": {"type": "sas"}}
        )
        body = {"tags": module["twin"]["tags"], "properties": {"desired": configuration_content.nested(paths)}}
        modules.change_twin(azure, hub_key, module, body, replace=True)
    for module in modules.of_device(azure, hub_key, device["id"]):
        if module["managedBy"] == _MANAGER and module["id"] not in {*wanted, *modules.OF_EDGE}:
            modules.delete(azure, hub_key, module)
