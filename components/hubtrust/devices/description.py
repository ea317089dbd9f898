"""What is declared of a device: judged, compared with what a hub holds, and digested."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from hubtrust.azure.registry import Registration, Twin
from hubtrust.reconcile_errors import DeclarationError

LONGEST_ID = 128  # characters; and which: learn.microsoft.com/azure/iot-hub/iot-hub-devguide-identity-registry
_ID = re.compile(r"[A-Za-z0-9\-.%_*?!(),:=@$']+")
_LONGEST_REASON = 128
_MOST_TAGS, _MOST_DESIRED = 8 * 1024, 32 * 1024  # bytes: learn.microsoft.com/azure/iot-hub/iot-hub-devguide-device-twins
_BAD_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f.$# ]")
_THUMBPRINT = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")
_OURS = "hubtrust"  # the tag that says whose a device is


def require_device_id(value: object) -> str:
    """An id that Azure takes.

    Raises:
        DeclarationError: it is empty, too long, or has another character.
    """
    text = str(value)
    if len(text) > LONGEST_ID:
        raise DeclarationError(f"device '{text[:20]}…'", f"its id has {len(text)} characters", f"use at most {LONGEST_ID}")
    if not _ID.fullmatch(text):
        stray = next((char for char in text if not _ID.fullmatch(char)), "")
        fact = f"its id has the character {stray!r}" if stray else "its id is empty"
        raise DeclarationError(f"device '{text}'", fact, "use letters, digits and - . % _ * ? ! ( ) , : = @ $ '")
    return text


def require_reason(value: object) -> None:
    """A status reason that Azure takes."""
    if not isinstance(value, str) or len(value) > _LONGEST_REASON:
        raise DeclarationError("reason", f"it has {len(str(value))} characters", f"use a text of at most {_LONGEST_REASON}")


def require_thumbprints(value: object) -> tuple[str, ...]:
    """One or two thumbprints of self-signed certificates, SHA-1 or SHA-256, upper-case; separators are taken out."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list | tuple) or not 1 <= len(given) <= 2:  # noqa: PLR2004 - primary and secondary
        raise DeclarationError("thumbprints", f"it is {value!r}", "give one or two thumbprints")
    found = tuple(re.sub(r"[\s:-]", "", str(one)).upper() for one in given)
    for one in found:
        if not _THUMBPRINT.fullmatch(one):
            raise DeclarationError("thumbprints", f"'{one}' is none", "give 40 (SHA-1) or 64 (SHA-256) hex digits")
    return found


def require_tags(value: object) -> None:
    """Tags that a twin can hold beside ours."""
    _require_document("tags", value, _MOST_TAGS)
    if isinstance(value, Mapping) and _OURS in value:
        raise DeclarationError("tags", f"'{_OURS}' is the tag that says whose the device is", "choose another name")


def require_desired(value: object) -> None:
    """Desired properties that a twin can hold."""
    _require_document("desired", value, _MOST_DESIRED)


def _require_document(what: str, value: object, most: int) -> None:
    if not isinstance(value, Mapping):
        raise DeclarationError(what, f"it is {value!r}", "give names with their values")
    for name in _names(value):
        if _BAD_IN_NAMES.search(name) or not name:
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


def whole(value: Any) -> Any:
    """``value`` with whole numbers as such: they cross the engine as 3.0, and a hub shows them as 3."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {str(name): whole(part) for name, part in value.items() if part is not None}
    return [whole(part) for part in value] if isinstance(value, list) else value


def registration(inputs: Mapping[str, Any]) -> Registration:
    """From inputs by their wire names: status, reason, edge, thumbprints, tags, desired.

    Raises:
        DeclarationError: one is no good.
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
    return Registration(
        enabled=status == "enabled",
        reason=inputs.get("reason") or None,
        edge=edge is True,
        thumbprints=require_thumbprints(thumbprints) if thumbprints else (),
        tags=whole(tags),
        desired=whole(desired),
    )


class Scope:
    """Which tags and desired properties are ours to say, by their first names: what others write beside them is theirs."""

    def __init__(self, tags: Iterable[str], desired: Iterable[str]) -> None:
        self.tags, self.desired = tuple(sorted(tags)), tuple(sorted(desired))

    @classmethod
    def of(cls, *registrations: Registration) -> "Scope":
        """What these declare."""
        return cls({name for one in registrations for name in one.tags}, {name for one in registrations for name in one.desired})

    def __or__(self, other: "Scope") -> "Scope":
        return Scope({*self.tags, *other.tags}, {*self.desired, *other.desired})

    def line(self, held: Registration) -> str:
        """Everything declared of a device, in one canonical line: two devices agree where their lines do."""
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
        """``line`` of a device as it was found; another kind of authentication is never what was declared."""
        line = self.line(twin.registration)
        return line if twin.authentication == twin.registration.authentication else f"{twin.authentication} {line}"

    def same_twin(self, found: Registration, wanted: Registration) -> bool:
        """Tags and desired properties agree, as far as they are ours."""
        return bool(self._both(found) == self._both(wanted))

    def changes(self, wanted: Registration) -> tuple[dict[str, Any], dict[str, Any]]:
        """Tags and desired properties to write: None for what is ours to say and not declared."""
        return {name: wanted.tags.get(name) for name in self.tags}, {name: wanted.desired.get(name) for name in self.desired}

    def _both(self, held: Registration) -> Any:
        return self._of(held.tags, self.tags), self._of(held.desired, self.desired)

    @staticmethod
    def _of(held: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
        return {name: whole(held[name]) for name in names if held.get(name) is not None}


def same_identity(found: Twin, wanted: Registration) -> bool:
    """All but the twin's documents agree."""
    held = found.registration
    return (
        found.authentication == wanted.authentication
        and (held.enabled, held.reason, held.edge) == (wanted.enabled, wanted.reason, wanted.edge)
        and set(held.thumbprints) == set(wanted.thumbprints)
    )


def digest(lines: Iterable[tuple[str, str]]) -> str:
    """SHA-256, 32 hex digits of it, over device ids and their lines, in the order of the ids."""
    found = hashlib.sha256()
    for device_id, line in lines:
        found.update(f"{device_id}\0{line}\n".encode())
    return found.hexdigest()[:32]
