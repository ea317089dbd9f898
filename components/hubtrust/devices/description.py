"""What is declared of a device: validated, compared with what a hub holds, and digested."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from hubtrust.azure.device_description import OWNER_TAG, DeviceDescription, Twin
from hubtrust.pki.errors import VerificationCodeError
from hubtrust.pki.verification_code import require_no_code
from hubtrust.reconcile_errors import DeclarationError

# learn.microsoft.com/azure/iot-hub/iot-hub-devguide-identity-registry
_LONGEST_ID = 128  # characters
_ID = re.compile(r"[A-Za-z0-9\-.%_*?!(),:=@$']+")
_LONGEST_REASON = 128  # characters
_MOST_TAGS, _MOST_DESIRED = 8 * 1024, 32 * 1024  # bytes: learn.microsoft.com/azure/iot-hub/iot-hub-devguide-device-twins
_BAD_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f.$# ]")
_THUMBPRINT = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")


def require_device_id(value: object) -> str:
    """``value`` as a device id that Azure accepts, and for which a certificate may be signed.

    Raises:
        DeclarationError: it is empty, too long, has a character that Azure does not allow, or has the form of a verification code.
    """
    text = str(value)
    if len(text) > _LONGEST_ID:
        raise DeclarationError(f"device '{text[:20]}…'", f"its id has {len(text)} characters", f"use at most {_LONGEST_ID}")
    if not _ID.fullmatch(text):
        stray = next((char for char in text if not _ID.fullmatch(char)), "")
        fact = f"its id has the character {stray!r}" if stray else "its id is empty"
        raise DeclarationError(f"device '{text}'", fact, "use letters, digits and - . % _ * ? ! ( ) , : = @ $ '")
    try:
        require_no_code(text, what=f"device '{text}'")
    except VerificationCodeError as error:
        raise DeclarationError(error.what, error.fact, error.remedy) from None
    return text


def require_reason(value: object) -> None:
    """``value`` is a status reason that Azure accepts.

    Raises:
        DeclarationError: it is not a text, or too long.
    """
    if not isinstance(value, str):
        raise DeclarationError("reason", f"it is {value!r}", f"use a text of at most {_LONGEST_REASON} characters")
    if len(value) > _LONGEST_REASON:
        raise DeclarationError("reason", f"it has {len(value)} characters", f"use a text of at most {_LONGEST_REASON} characters")


def require_thumbprints(value: object) -> tuple[str, ...]:
    """One or two thumbprints of self-signed certificates, SHA-1 or SHA-256, as upper-case hex without separators.

    Raises:
        DeclarationError: there are more, or one is not a thumbprint.
    """
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list | tuple) or not 1 <= len(given) <= 2:  # noqa: PLR2004 - the primary and the secondary
        raise DeclarationError("thumbprints", f"it is {value!r}", "give one or two thumbprints")
    thumbprints = tuple(re.sub(r"[\s:-]", "", str(text)).upper() for text in given)
    for thumbprint in thumbprints:
        if not _THUMBPRINT.fullmatch(thumbprint):
            raise DeclarationError("thumbprints", f"'{thumbprint}' is not a thumbprint", "give 40 (SHA-1) or 64 (SHA-256) hex digits")
    return thumbprints


def require_tags(value: object) -> None:
    """``value`` are tags that a twin can hold, next to the one that names its owner.

    Raises:
        DeclarationError: see ``_require_document``; or they include that tag.
    """
    _require_document("tags", value, _MOST_TAGS)
    if isinstance(value, Mapping) and OWNER_TAG in value:
        raise DeclarationError("tags", f"'{OWNER_TAG}' is reserved for the tag that names the device's owner", "use another name")


def require_desired(value: object) -> None:
    """``value`` are desired properties that a twin can hold.

    Raises:
        DeclarationError: see ``_require_document``.
    """
    _require_document("desired", value, _MOST_DESIRED)


def _require_document(what: str, value: object, most: int) -> None:
    """``value`` is an object of at most ``most`` bytes of JSON, and its names are ones that a twin can hold."""
    if not isinstance(value, Mapping):
        raise DeclarationError(what, f"it is {value!r}", "give an object of names and values")
    for name in _names(value):
        if not name:
            raise DeclarationError(what, "a name in it is empty", "give each value a name")
        if _BAD_IN_NAMES.search(name):
            raise DeclarationError(what, f"the name '{name}' has a dot, space, $, # or control character", "use another name")
    size = len(json.dumps(value).encode())
    if size > most:
        raise DeclarationError(what, f"it has {size} bytes", f"use at most {most}")


def _names(value: object) -> Iterable[str]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield str(name)
            yield from _names(part)
    elif isinstance(value, list):
        for part in value:
            yield from _names(part)


def with_integers(value: Any) -> Any:
    """``value`` with whole numbers as integers: the engine makes 3.0 of them, and a hub shows 3."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {str(name): with_integers(part) for name, part in value.items() if part is not None}
    return [with_integers(part) for part in value] if isinstance(value, list) else value


def read_description(inputs: Mapping[str, Any]) -> DeviceDescription:
    """The description in ``inputs``, by their wire names: status, reason, edge, thumbprints, tags, desired.

    Raises:
        DeclarationError: one of them is invalid.
    """
    status = inputs.get("status") or "enabled"
    if status not in ("enabled", "disabled"):
        raise DeclarationError("status", f"it is '{status}'", "use enabled or disabled")
    if inputs.get("reason") is not None:
        require_reason(inputs["reason"])
    tags, desired = inputs.get("tags") or {}, inputs.get("desired") or {}
    require_tags(tags)
    require_desired(desired)
    edge = inputs.get("edge")
    if edge not in (None, True, False):
        raise DeclarationError("edge", f"it is {edge!r}", "use true or false")
    thumbprints = inputs.get("thumbprints")
    return DeviceDescription(
        enabled=status == "enabled",
        reason=inputs.get("reason") or None,
        edge=edge is True,
        thumbprints=require_thumbprints(thumbprints) if thumbprints else (),
        tags=with_integers(tags),
        desired=with_integers(desired),
    )


class Scope:
    """The tags and desired properties that we manage, by their top-level names. Others may write all other ones."""

    def __init__(self, tags: Iterable[str], desired: Iterable[str]) -> None:
        self.tags, self.desired = tuple(sorted(tags)), tuple(sorted(desired))

    @classmethod
    def of(cls, *descriptions: DeviceDescription) -> "Scope":
        """The names that these descriptions declare."""
        return cls({name for each in descriptions for name in each.tags}, {name for each in descriptions for name in each.desired})

    def __or__(self, other: "Scope") -> "Scope":
        return Scope({*self.tags, *other.tags}, {*self.desired, *other.desired})

    def line(self, held: DeviceDescription) -> str:
        """All that we manage of a device, as one line of canonical JSON: two devices agree if their lines do."""
        parts = {
            "status": held.enabled,
            "reason": held.reason,
            "edge": held.edge,
            "thumbprints": held.thumbprints,
            "tags": self._of(held.tags, self.tags),
            "desired": self._of(held.desired, self.desired),
        }
        return json.dumps(parts, sort_keys=True, separators=(",", ":"))

    def found_line(self, twin: Twin) -> str:
        """``line`` of a device on the hub. One that authenticates in another way than any description can declare differs from all."""
        line = self.line(twin.description)
        return line if twin.authentication == twin.description.authentication else f"{twin.authentication} {line}"

    def same_twin(self, found: DeviceDescription, wanted: DeviceDescription) -> bool:
        """The tags and desired properties that we manage agree."""
        return bool(self._both(found) == self._both(wanted))

    def changes(self, wanted: DeviceDescription) -> tuple[dict[str, Any], dict[str, Any]]:
        """The tags and desired properties to write: None for those that we manage and that are no longer declared."""
        return {name: wanted.tags.get(name) for name in self.tags}, {name: wanted.desired.get(name) for name in self.desired}

    def _both(self, held: DeviceDescription) -> Any:
        return self._of(held.tags, self.tags), self._of(held.desired, self.desired)

    @staticmethod
    def _of(held: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
        return {name: with_integers(held[name]) for name in names if held.get(name) is not None}


def same_identity(found: Twin, wanted: DeviceDescription) -> bool:
    """Everything but tags and desired properties agrees."""
    held = found.description
    return (
        found.authentication == wanted.authentication
        and (held.enabled, held.reason, held.edge) == (wanted.enabled, wanted.reason, wanted.edge)
        and set(held.thumbprints) == set(wanted.thumbprints)
    )


def digest(lines: Iterable[tuple[str, str]]) -> str:
    """The first 32 hex digits of SHA-256 over device ids and their lines, in the given order."""
    sha256 = hashlib.sha256()
    for device_id, line in lines:
        sha256.update(f"{device_id}\0{line}\n".encode())
    return sha256.hexdigest()[:32]
