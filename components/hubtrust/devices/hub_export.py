"""A device as a hub writes it: in an export of its registry, in the answer to a query, or as one identity.

Sources: learn.microsoft.com/azure/iot-hub/iot-hub-bulk-identity-mgmt (`az iot hub device-identity export`),
learn.microsoft.com/azure/iot-hub/query-twins (`az iot hub query`, `az iot hub device-identity list`), and
learn.microsoft.com/rest/api/iothub/service/devices/get-identity (`az iot hub device-identity show`).

A symmetric key in it is passed over: it is neither kept nor shown. So are etags, times and what the device reports: they are the hub's.
"""

from collections.abc import Mapping
from typing import Any

from hubtrust.azure.device_description import OWNER_TAG
from hubtrust.devices.json_values import kind
from hubtrust.reconcile_errors import DeclarationError

_MARKS = {"eTag", "etag", "twinETag", "deviceEtag"}  # nobody writes these by hand
_READ = {"id", "deviceId", "moduleId", "importMode", "status", "statusReason", "authentication", "authenticationType", "x509Thumbprint"}
_PASSED_OVER = {
    *("generationId", "connectionState", "connectionStateUpdatedTime", "statusUpdatedTime", "statusUpdateTime", "lastActivityTime"),
    *("cloudToDeviceMessageCount", "version", "modelId", "deviceScope", "parentScopes", "managedBy", "hub"),
}
HUB_FIELDS = frozenset(_READ | _PASSED_OVER | _MARKS | {"tags", "properties", "capabilities"})
_OURS = ("reason", "edge", "thumbprints", "desired")  # named otherwise by a hub
_SYSTEM_MODULES = ("$edgeAgent", "$edgeHub")  # Azure creates them with every IoT Edge device
_SYSTEM_PROPERTIES = {"$metadata", "$version"}
_WHOLE_DEVICE = {"create", "update", "updateifmatchetag", "createorupdate", "createorupdateifmatchetag"}  # import modes, in lower case
_CERTIFICATES = "leave it out, or give it a certificate and the type certificateAuthority (or selfSigned with its thumbprints)"
_KINDS = {"sas": "with a symmetric key", "none": "in no way"}


def is_written_by_a_hub(found: Mapping[str, Any]) -> bool:
    """Whether a hub wrote it, and not a person: fields that are not known here are the hub's own then."""
    return not _MARKS.isdisjoint(found)


def read_exported(found: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The description, by its wire names; None for a module that Azure itself creates.

    Raises:
        DeclarationError: it is of a module, does not describe a whole device, or the device does not authenticate with certificates.
    """
    if mixed := next((name for name in _OURS if name in found), None):
        theirs = next(name for name in found if name in HUB_FIELDS - {"id", "status", "tags"})
        fact = f"it has both '{mixed}' and '{theirs}', and only a hub's export has the latter"
        raise DeclarationError("the line", fact, "use the fields of one form")
    if found.get("moduleId") is not None:
        _require_system_module(found["moduleId"])
        return None
    _require_whole_device(found.get("importMode"))
    _require_no_parent(found)
    tags, desired = found.get("tags"), _object(found, "properties").get("desired")
    return {
        "id": _id(found),
        "status": _folded(found.get("status")),
        "reason": found.get("statusReason"),
        "edge": _object(found, "capabilities").get("iotEdge"),
        "thumbprints": _thumbprints(found),
        # The tag that names the owner is written anew by whoever manages the device.
        "tags": _without(tags, {OWNER_TAG}),
        "desired": _without(desired, _SYSTEM_PROPERTIES),
    }


def _id(found: Mapping[str, Any]) -> Any:
    given = [found[name] for name in ("id", "deviceId") if name in found]
    if not given:
        raise DeclarationError("the line", "it has neither id nor deviceId", "give each device an id")
    if given[0] != given[-1]:
        raise DeclarationError("the line", "its id and its deviceId differ", "leave one out")
    return given[0]


def _require_system_module(module: object) -> None:
    if module not in _SYSTEM_MODULES:
        shown = f"module '{module}'" if isinstance(module, str) else f"a module whose name is {kind(module)}"
        raise DeclarationError("the line", f"it is {shown} of a device", "leave out lines of modules: a fleet has devices")


def _require_no_parent(found: Mapping[str, Any]) -> None:
    """A parent in an export is named by a scope of that hub's own device, so that it means nothing on another hub."""
    scope, device_id = found.get("deviceScope"), _id(found)
    own = not isinstance(device_id, str) or str(scope).startswith(f"ms-azure-iot-edge://{device_id}-")  # no text: refused where it is read
    if found.get("parentScopes") or (scope and not own):
        fact = "it is below an IoT Edge device, and a fleet declares no parents"
        remedy = (
            "leave out deviceScope and parentScopes: a device that the hub has keeps its parent; or declare it by TrustedDevice(parent=…)"
        )
        raise DeclarationError("the line", fact, remedy)


def _require_whole_device(mode: object) -> None:
    if mode is not None and not (isinstance(mode, str) and mode.lower() in _WHOLE_DEVICE):
        fact = f"it is '{mode}'" if isinstance(mode, str) else f"it is {kind(mode)}"
        remedy = "leave out the lines of devices that are to be deleted, and importMode in all others"
        raise DeclarationError("importMode", f"{fact}, which does not say what the device is to be", remedy)


def _thumbprints(found: Mapping[str, Any]) -> list[Any] | None:
    """The thumbprints of a device that is authenticated by them; None: by a CA."""
    if "authentication" in found:
        if not isinstance(found["authentication"], Mapping):
            fact = f"it is {kind(found['authentication'])}, so how the device authenticates is unknown"
            raise DeclarationError("authentication", fact, "give an object with a type")
        held, way = found["authentication"], found["authentication"].get("type")
    elif "authenticationType" in found or "x509Thumbprint" in found:
        held, way = found, found.get("authenticationType")
    else:
        return None
    thumbprints = [one for one in _object(held, "x509Thumbprint").values() if one not in (None, "")]
    if _folded(way) == "selfsigned" or (way is None and thumbprints):
        if not thumbprints:
            raise DeclarationError("authentication", "its type is selfSigned, and it has no thumbprint", _CERTIFICATES)
        return thumbprints
    if _folded(way) != "certificateauthority":
        raise DeclarationError("authentication", _other_way(way), _CERTIFICATES)
    if thumbprints:
        raise DeclarationError("authentication", "its type is certificateAuthority, and it has thumbprints too", "leave out one of them")
    return None


def _other_way(way: object) -> str:
    if way is None:
        return "it has no type, and Azure treats that as sas: with a symmetric key"
    meaning = _KINDS.get(way.lower()) if isinstance(way, str) else None
    return f"its type is {way}: the device authenticates {meaning}" if meaning else f"its type is {kind(way)} that is not known here"


def _folded(value: Any) -> Any:
    """A text in lower case: Azure reads these words in any case."""
    return value.lower() if isinstance(value, str) else value


def _object(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = found.get(name)
    if value is not None and not isinstance(value, Mapping):
        raise DeclarationError(name, f"it is {kind(value)}", "give an object, or leave it out")
    return value or {}


def _without(value: Any, names: set[str]) -> Any:
    return {name: part for name, part in value.items() if name not in names} if isinstance(value, Mapping) else value
