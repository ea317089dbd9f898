"""What is declared of a device besides its id, as inputs of a resource."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hubtrust.azure.device_description import DeviceDescription
from hubtrust.devices.description import Scope, read_description, require_reason, require_thumbprints
from hubtrust.dynamic.imported import declarable
from hubtrust.dynamic.twin_documents import read_desired, read_tags
from hubtrust.inputs import Inputs, boolean, input_field


def _status(value: object) -> str:
    read_description({"status": value})
    return str(value)


def _reason(value: object) -> str:
    require_reason(value)
    return str(value)


@dataclass(frozen=True, kw_only=True)
class DescriptionInputs(Inputs):
    """The description of a device. Tags and desired properties are JSON texts, because Pulumi would rewrite some of their names."""

    status: str | None = input_field(
        _status, "`enabled` (default) or `disabled`: a disabled device's session is dropped and it can't connect.", kept=True
    )
    reason: str | None = input_field(_reason, "why it has this status, at most 128 characters.", kept=True)
    edge: bool | None = input_field(boolean, "True: an IoT Edge device.", kept=True)
    thumbprints: Sequence[str] | None = input_field(
        require_thumbprints,
        "one or two thumbprints of self-signed certificates, SHA-1 or SHA-256, hex; without them the device uses a certificate of a CA.",
        kept=True,
    )
    tags: Mapping[str, Any] | None = input_field(
        read_tags, "tags of its twin, an object; other tags in the twin are not changed.", kept=True
    )
    desired: Mapping[str, Any] | None = input_field(
        read_desired, "desired properties of its twin, an object; other properties in the twin are not changed.", kept=True
    )

    @property
    def description(self) -> DeviceDescription:
        """The entry in the registry."""
        return read_description({name: getattr(self, name) for name in ("status", "reason", "edge", "thumbprints", "tags", "desired")})

    @property
    def scope(self) -> Scope:
        """The names of the declared tags and desired properties."""
        return Scope(self.tags or (), self.desired or ())


def description_as_inputs(held: DeviceDescription) -> dict[str, Any]:
    """The inputs that declare what a registry has of a device, or of a module; what is so without any declaration is left out."""
    tags = declarable(held.tags)
    found = {
        "status": None if held.enabled else "disabled",
        "reason": held.reason,
        "edge": held.edge or None,
        "thumbprints": list(held.thumbprints) or None,
        "tags": json.dumps(tags) if tags else None,
        "desired": json.dumps(dict(held.desired)) if held.desired else None,
    }
    return {name: value for name, value in found.items() if value is not None}
