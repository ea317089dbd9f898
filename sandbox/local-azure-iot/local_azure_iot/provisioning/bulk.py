"""Up to ten enrollments in one call. Each is handled on its own; the answer lists those that were refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot.provisioning import enrollments, errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.provisioning.enrollments import Kind

    Entry = dict[str, Any]
    Mode = Callable[[Azure, str, Kind, Entry, str], None]


def is_mode(text: str) -> bool:
    """Whether a text is one of the modes, in any case."""
    return text.lower() in _MODES


def apply(azure: Azure, service_key: str, kind: Kind, entries: list[Entry], *, mode: str, version: str) -> dict[str, Any]:
    """Carry out the entries; returns `{errors, isSuccessful}`.

    Raises:
        ProvisioningError: There are too many entries, or the mode is none. Nothing is written.
    """
    if len(entries) > errors.MAX_BULK:
        raise errors.too_many_entries(len(entries))
    if not is_mode(mode):
        raise errors.argument_invalid(f"mode '{mode[:100]}' is not one of {', '.join(_NAMES)}.")
    refused: list[dict[str, Any]] = []
    for entry in entries:
        try:
            _MODES[mode.lower()](azure, service_key, kind, entry, version)
        except errors.ProvisioningError as error:
            refused.append({kind.id_member: _id(kind, entry), "errorCode": error.number, "errorStatus": error.message})
    return {"errors": refused, "isSuccessful": not refused}


def _create(azure: Azure, service_key: str, kind: Kind, entry: Entry, version: str) -> None:
    _put(azure, service_key, kind, entry, version, None)


def _update(azure: Azure, service_key: str, kind: Kind, entry: Entry, version: str) -> None:
    """Replace an enrollment whose etag the entry has; without one Azure says that it exists."""
    enrollments.require(azure, service_key, kind, _id(kind, entry))
    _put(azure, service_key, kind, entry, version, entry.get("etag") or None)


def _update_if_match(azure: Azure, service_key: str, kind: Kind, entry: Entry, version: str) -> None:
    _put(azure, service_key, kind, entry, version, entry.get("etag") or "")


def _delete(azure: Azure, service_key: str, kind: Kind, entry: Entry, _version: str) -> None:
    enrollments.delete(azure, service_key, kind, _id(kind, entry), entry.get("etag") or None)


def _put(azure: Azure, service_key: str, kind: Kind, entry: Entry, version: str, if_match: str | None) -> None:
    enrollments.put(azure, service_key, kind, entry, enrollment_id=_id(kind, entry), if_match=if_match, version=version)


def _id(kind: Kind, entry: Entry) -> str:
    return str(entry.get(kind.id_member) or "")


_NAMES: dict[str, Mode] = {"create": _create, "update": _update, "updateIfMatchETag": _update_if_match, "delete": _delete}
_MODES = {name.lower(): function for name, function in _NAMES.items()}
