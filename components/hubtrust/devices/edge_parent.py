"""The IoT Edge device above a device, by its scope: `ms-azure-iot-edge://<device id>-<number>`, which Azure makes of each such device.

Source: learn.microsoft.com/azure/iot-edge/iot-edge-as-gateway, "Parent and child relationships", and Azure's OpenAPI file of IoT Hub.
"""

import re

from hubtrust.azure.registry import Registry
from hubtrust.devices.json_values import kind
from hubtrust.reconcile_errors import DeclarationError

_SCOPE = re.compile(r"ms-azure-iot-edge://(?P<device_id>[^/\s]{1,128})-[0-9]{1,30}")


def require_scope(value: object, *, what: str = "value") -> str:
    """``value`` as the scope of an IoT Edge device; ``what`` names it in the error.

    Raises:
        DeclarationError: it is something else, such as a device id.
    """
    if not isinstance(value, str) or not _SCOPE.fullmatch(value):
        fact = f"'{value}' is not the scope of an IoT Edge device" if isinstance(value, str) else f"it is {kind(value)}"
        remedy = "give the output device_scope of the parent, which is like ms-azure-iot-edge://gateway-638700000000000000"
        raise DeclarationError(what, fact, remedy)
    return value


def require_not_below_itself(device_id: str, scope: str) -> None:
    """The scope is another device's.

    Raises:
        DeclarationError: it is this device's own.
    """
    if _parent_id(scope) == device_id:
        raise DeclarationError(f"device '{device_id}'", "it is its own parent", "give the scope of another IoT Edge device")


def require_parent(registry: Registry, what: str, scope: str) -> None:
    """The scope is that of an IoT Edge device which the hub has now.

    Raises:
        DeclarationError: it is not.
        AzureError: see ``Registry``.
    """
    parent_id = _parent_id(scope)
    parent = registry.find(parent_id)
    if parent is None:
        raise DeclarationError(
            what, f"the hub has no device '{parent_id}', its parent", "create the parent first, or refresh if it was deleted"
        )
    if not parent.description.edge:
        fact = f"its parent '{parent_id}' is not an IoT Edge device, and only those have devices below them"
        raise DeclarationError(what, fact, "declare the parent with edge=True, or give another one")
    if parent.scopes.get("deviceScope") != scope:
        fact = f"its parent '{parent_id}' was deleted and created again, so its scope is no longer {scope}"
        raise DeclarationError(what, fact, "refresh, and give the parent's output device_scope")


def _parent_id(scope: str) -> str:
    found = _SCOPE.fullmatch(scope)
    return found["device_id"] if found else ""
