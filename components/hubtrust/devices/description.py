"""What is declared of a device: validated, compared with what a hub holds, and digested."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from hubtrust.azure.device_description import OWNER_TAG, DeviceDescription, Twin
from hubtrust.devices.json_values import kind, shown_character
from hubtrust.devices.twin_limits import (
    LEAST_INTEGER,
    MOST_DESIRED,
    MOST_INTEGER,
    MOST_TAGS,
    require_document,
    require_whole_text,
    twin_size,
)
from hubtrust.pki.errors import VerificationCodeError
from hubtrust.pki.verification_code import require_no_code
from hubtrust.reconcile_errors import DeclarationError

# learn.microsoft.com/azure/iot-hub/iot-hub-devguide-identity-registry
LONGEST_ID = 128  # characters
_ID = re.compile(r"[A-Za-z0-9\-.%_*?!(),:=@$']+")
_LONGEST_REASON = 128  # characters
_DOT_SEGMENTS = {".", ".."}  # RFC 3986 5.2.4: clients and proxies remove them from a path, so that a request would be for something else
_THUMBPRINT_LENGTHS = (40, 64)  # hex digits of SHA-1 and SHA-256
_NOT_HEX = re.compile(r"[^0-9A-Fa-f]")
_SEPARATORS = re.compile(r"[\s:-]")
_FINGERPRINT = re.compile(r"\s*sha-?(?:1|256) fingerprint\s*=", re.IGNORECASE)  # how `openssl x509 -fingerprint` begins
_SHOWN = 8  # characters of what is not a thumbprint: it might be a key that is in the wrong place


def require_device_id(value: object) -> str:
    """``value`` as a device id that Azure accepts, and for which a certificate may be signed.

    Raises:
        DeclarationError: it is no text, empty, too long, has a character that Azure does not allow, is `.` or `..`, or has the form of a
            verification code.
    """
    if not isinstance(value, str):
        raise DeclarationError("the device", f"its id is {kind(value)}", "give a text, in quotes")
    if not value:
        raise DeclarationError("the device", "its id is empty", f"use 1 to {LONGEST_ID} characters")
    if len(value) > LONGEST_ID:
        raise DeclarationError(f"device '{value[:20]}…'", f"its id has {len(value)} characters", f"use at most {LONGEST_ID}")
    if not _ID.fullmatch(value):
        stray = next(char for char in value if not _ID.fullmatch(char))
        raise DeclarationError(
            f"device '{value}'",
            f"its id has the character {shown_character(stray)}",
            "use letters, digits and - . % _ * ? ! ( ) , : = @ $ '",
        )
    if value in _DOT_SEGMENTS:
        raise DeclarationError(f"device '{value}'", "no request can name this id: URLs drop it (RFC 3986 5.2.4)", "use another id")
    try:
        require_no_code(value, what=f"device '{value}'")
    except VerificationCodeError as error:
        raise DeclarationError(error.what, error.fact, error.remedy) from None
    return value


def require_reason(value: object) -> None:
    """``value`` is a status reason that Azure accepts.

    Raises:
        DeclarationError: it is not a text, or too long.
    """
    remedy = f"use a text of at most {_LONGEST_REASON} characters"
    if not isinstance(value, str):
        raise DeclarationError("reason", f"it is {kind(value)}", remedy)
    if len(value) > _LONGEST_REASON:
        raise DeclarationError("reason", f"it has {len(value)} characters", remedy)
    require_whole_text("reason", value)


def require_thumbprints(value: object) -> tuple[str, ...]:
    """One or two thumbprints of self-signed certificates, SHA-1 or SHA-256, as upper-case hex without separators, each once.

    They may be written with white space, colons or hyphens, in either case, and as `openssl x509 -fingerprint` prints them.

    Raises:
        DeclarationError: there are more, or one is not a thumbprint.
    """
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list | tuple):
        raise DeclarationError("thumbprints", f"it is {kind(given)}", "give one or two thumbprints")
    if not 1 <= len(given) <= 2:  # noqa: PLR2004 - the primary and the secondary
        raise DeclarationError("thumbprints", f"there are {len(given)}", "give one or two thumbprints")
    return tuple(dict.fromkeys(_thumbprint(one) for one in given))


def _thumbprint(value: object) -> str:
    remedy = "give 40 (SHA-1) or 64 (SHA-256) hex digits"
    if not isinstance(value, str):
        raise DeclarationError("thumbprints", f"one of them is {kind(value)}", remedy)
    plain = _SEPARATORS.sub("", _FINGERPRINT.sub("", value, count=1))
    shown = f"'{value[:_SHOWN]}…'" if len(value) > _SHOWN else f"'{value}'"
    if stray := _NOT_HEX.search(plain):
        raise DeclarationError("thumbprints", f"{shown} is not a thumbprint: it has the character {shown_character(stray[0])}", remedy)
    if len(plain) not in _THUMBPRINT_LENGTHS:
        raise DeclarationError("thumbprints", f"{shown} is not a thumbprint: it has {len(plain)} hex digits", remedy)
    return plain.upper()


def require_tags(value: object) -> None:
    """``value`` are tags that a twin can hold, next to the one that names its owner.

    Raises:
        DeclarationError: see ``require_document``; or they include that tag.
    """
    require_document("tags", value, MOST_TAGS)
    if isinstance(value, Mapping) and OWNER_TAG in value:
        raise DeclarationError("tags", f"'{OWNER_TAG}' is reserved for the tag that names the device's owner", "use another name")


def require_room_for_owner(device_id: str, tags: Mapping[str, Any], owner: Mapping[str, str], *, kind: str = "device") -> None:
    """The tags of the device (or another ``kind``) and the tag that names its ``owner`` fit into one twin.

    Raises:
        DeclarationError: together they are larger than Azure allows.
    """
    size = twin_size("tags", {**tags, OWNER_TAG: owner})
    if size > MOST_TAGS:
        fact = f"its tags have {size} bytes by Azure's count, together with the tag '{OWNER_TAG}' that names its owner"
        raise DeclarationError(f"{kind} '{device_id}'", fact, f"use at most {MOST_TAGS} together")


def require_desired(value: object) -> None:
    """``value`` are desired properties that a twin can hold.

    Raises:
        DeclarationError: see ``require_document``.
    """
    require_document("desired", value, MOST_DESIRED)


def with_integers(value: Any) -> Any:
    """``value`` with whole numbers as integers: the engine makes 3.0 of them, and a hub shows 3. Members that are null are left out."""
    if isinstance(value, float) and value.is_integer() and LEAST_INTEGER <= value <= MOST_INTEGER:
        return int(value)
    if isinstance(value, Mapping):
        return {str(name): with_integers(part) for name, part in value.items() if part is not None}
    return [with_integers(part) for part in value] if isinstance(value, list | tuple) else value


def read_description(inputs: Mapping[str, Any]) -> DeviceDescription:
    """The description in ``inputs``, by their wire names: status, reason, edge, thumbprints, tags, desired. None is as if left out.

    Raises:
        DeclarationError: one of them is invalid.
    """
    if not isinstance(inputs, Mapping):
        raise DeclarationError("the device", f"its description is {kind(inputs)}", "give an object")
    status = _given(inputs, "status", "")
    if status not in ("enabled", "disabled", ""):
        raise DeclarationError("status", f"it is {_shown(status)}", "use enabled or disabled")
    reason = inputs.get("reason")
    if reason is not None:
        require_reason(reason)
    edge = _given(inputs, "edge", default=False)
    if not isinstance(edge, bool):
        raise DeclarationError("edge", f"it is {_shown(edge)}", f"use true or false{', without quotes' if isinstance(edge, str) else ''}")
    tags, desired = _given(inputs, "tags", {}), _given(inputs, "desired", {})
    require_tags(tags)
    require_desired(desired)
    if inputs.get("thumbprints") not in (None, (), []):
        require_thumbprints(inputs["thumbprints"])
    return recorded_description(inputs)


def recorded_description(inputs: Mapping[str, Any]) -> DeviceDescription:
    """The description in ``inputs`` that a run has recorded: what was declared by an earlier version, or found on a hub.

    It is not validated: what was valid once, or what others have written, must not keep a run from changing it.
    """
    thumbprints = inputs.get("thumbprints") or ()
    return DeviceDescription(
        enabled=inputs.get("status") != "disabled",
        reason=inputs.get("reason") or None,
        edge=inputs.get("edge") is True,
        thumbprints=require_thumbprints(thumbprints) if thumbprints else (),
        tags=with_integers(_given(inputs, "tags", {})),
        desired=with_integers(_given(inputs, "desired", {})),
    )


def _given(inputs: Mapping[str, Any], name: str, default: object) -> Any:
    value = inputs.get(name)
    return default if value is None else value


def _shown(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else kind(value)


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
        and (wanted.parent is None or (held.parent or "") == wanted.parent)
    )


def digest(lines: Iterable[tuple[str, str]]) -> str:
    """The first 32 hex digits of SHA-256 over device ids and their lines, in the given order."""
    sha256 = hashlib.sha256()
    for device_id, line in lines:
        sha256.update(f"{device_id}\0{line}\n".encode())
    return sha256.hexdigest()[:32]
