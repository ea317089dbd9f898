"""The modules of a hub's devices: each has an identity and a twin of its own.

Source: learn.microsoft.com/azure/iot-hub/iot-hub-devguide-module-twins, and Azure's OpenAPI file of IoT Hub.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from hubtrust.azure import answer_shapes
from hubtrust.azure.bulk import authentication
from hubtrust.azure.device_description import OWNER_TAG
from hubtrust.azure.errors import UnreachableError
from hubtrust.azure.registry import IDENTITIES, TWINS, Registry

_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Module:
    """A module as the hub shows it."""

    device_id: str
    module_id: str
    authentication: str  # sas, selfSigned, certificateAuthority or none
    thumbprints: tuple[str, ...]  # upper-case hex, of self-signed certificates
    managed_by: str | None  # what its creator wrote there; free text
    etag: str  # of the identity
    twin_etag: str
    tags: Mapping[str, Any]
    desired: Mapping[str, Any]

    @property
    def owner(self) -> object:
        """The value of the owner tag; None if there is none. Anybody can write tags, so it may be of any JSON type."""
        return self.tags.get(OWNER_TAG)


class Modules:
    """The modules in a registry. Every method may raise the errors of ``AzureClient.send``."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def read(self, device_id: str, module_id: str) -> Module | None:
        """The module; None if it, or its device, does not exist."""
        identity = self._identity(device_id, module_id)
        twin = None if identity is None else self._twin(device_id, module_id)
        return None if identity is None or twin is None else _module(identity, twin)

    def find(self, device_id: str, module_id: str) -> Module | None:
        """As ``read``, but that it does not exist is confirmed: the hub is asked again over some seconds, and for both addresses.

        Raises:
            UnreachableError: the identity or the twin is there, so a 404 is wrong.
        """
        found = self.read(device_id, module_id) or self._registry.found_again(lambda: self.read(device_id, module_id))
        if found is None and self.is_there(device_id, module_id):
            fact, remedy = (
                "Azure answers 404 for its identity or its twin, but not for both",
                "run again in a few minutes: nothing was changed",
            )
            raise UnreachableError(_what(device_id, module_id), fact, remedy)
        return found

    def is_there(self, device_id: str, module_id: str) -> bool:
        """Whether the identity or the twin is there: each is asked for at its own address."""
        return self._identity(device_id, module_id) is not None or self._twin(device_id, module_id) is not None

    def create(self, device_id: str, module_id: str, thumbprints: Sequence[str], managed_by: str) -> None:
        """Create the identity with an empty twin."""
        self._put(device_id, module_id, {"managedBy": managed_by, "authentication": authentication(thumbprints)}, None)

    def update(self, found: Module, thumbprints: Sequence[str]) -> None:
        """Replace the identity, unless it was changed since it was read."""
        body = {"managedBy": found.managed_by, "authentication": authentication(thumbprints)}
        self._put(found.device_id, found.module_id, body, found.etag)

    def replace_twin(self, found: Module, tags: Mapping[str, Any], desired: Mapping[str, Any]) -> None:
        """Replace all tags and desired properties, unless they were changed since they were read."""
        body = {"tags": dict(tags), "properties": {"desired": dict(desired)}}
        expects = answer_shapes.module_twin(found.device_id, found.module_id)
        self._registry.send(
            "PUT",
            f"/twins/{_path(found.device_id, found.module_id)}",
            _what(found.device_id, found.module_id),
            TWINS,
            expects=expects,
            body=body,
            headers={"If-Match": f'"{found.twin_etag}"'},
        )

    def delete(self, found: Module) -> None:
        """Delete the module, unless it was changed since it was read. It is no error if it is gone."""
        self._registry.send(
            "DELETE",
            f"/devices/{_path(found.device_id, found.module_id)}",
            _what(found.device_id, found.module_id),
            IDENTITIES,
            expects=answer_shapes.nothing,
            headers={"If-Match": f'"{found.etag}"'},
            absent_is_fine=True,
        )

    def _put(self, device_id: str, module_id: str, body: Mapping[str, Any], etag: str | None) -> None:
        self._registry.send(
            "PUT",
            f"/devices/{_path(device_id, module_id)}",
            _what(device_id, module_id),
            IDENTITIES,
            expects=answer_shapes.module(device_id, module_id),
            body={"deviceId": device_id, "moduleId": module_id, **body},
            headers={} if etag is None else {"If-Match": f'"{etag}"'},
        )

    def _identity(self, device_id: str, module_id: str) -> Mapping[str, Any] | None:
        what, expects = _what(device_id, module_id), answer_shapes.module(device_id, module_id)
        path = f"/devices/{_path(device_id, module_id)}"
        answer = self._registry.send("GET", path, what, IDENTITIES, expects=expects, absent_is_fine=True)
        return None if answer.status == _NOT_FOUND else answer.body

    def _twin(self, device_id: str, module_id: str) -> Mapping[str, Any] | None:
        what, expects = _what(device_id, module_id), answer_shapes.module_twin(device_id, module_id)
        path = f"/twins/{_path(device_id, module_id)}"
        answer = self._registry.send("GET", path, what, TWINS, expects=expects, absent_is_fine=True)
        return None if answer.status == _NOT_FOUND else answer.body


def _module(identity: Mapping[str, Any], twin: Mapping[str, Any]) -> Module:
    held = identity["authentication"]
    thumbprints = (held.get("x509Thumbprint") or {}).values()
    return Module(
        str(identity["deviceId"]),
        str(identity["moduleId"]),
        str(held.get("type")),
        tuple(dict.fromkeys(str(one).upper() for one in thumbprints if one)),
        identity.get("managedBy"),
        str(identity["etag"]),
        str(twin["etag"]),
        twin.get("tags") or {},
        {name: value for name, value in twin["properties"]["desired"].items() if not name.startswith("$")},
    )


def _path(device_id: str, module_id: str) -> str:
    return f"{quote(device_id, safe='')}/modules/{quote(module_id, safe='')}"


def _what(device_id: str, module_id: str) -> str:
    return f"module '{module_id}' of device '{device_id}'"
