"""How a device or module authenticates, as a request asks for it and as answers show it."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from local_azure_iot.hub_registry import errors
from local_azure_iot.microsoft_devices.shared_access_policies import new_key

_SHAPE = {"symmetricKey": {"primaryKey": str, "secondaryKey": str}, "x509Thumbprint": dict}
_THUMBPRINT = re.compile(r"[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}")


def one_of(member: str, value: Any, allowed: tuple[str, ...], default: str) -> str:
    """A member that is one of the ``allowed`` words, in any case, or left out.

    Raises:
        RegistryError: It is something else.
    """
    if value is None:
        return default
    for each in allowed:
        if isinstance(value, str) and value.lower() == each.lower():
            return each
    raise errors.argument_invalid(f"{member} must be one of {', '.join(allowed)}, not {errors.said(value)}")


def authentication(body: dict[str, Any], types: tuple[str, ...]) -> dict[str, Any]:
    """The stored authentication of an identity that a request asks for, of one of these ``types``; keys are made where none are sent.

    Raises:
        RegistryError: A member of it is invalid.
    """
    errors.check_shape(body, _SHAPE)
    thumbprints = body.get("x509Thumbprint") or {}
    sent = [thumbprints.get(name) or None for name in ("primaryThumbprint", "secondaryThumbprint")]
    kind = one_of("authentication.type", body.get("type"), types, "selfSigned" if any(sent) else "sas")
    for each in sent:
        if each is not None and not (isinstance(each, str) and _THUMBPRINT.fullmatch(each)):
            raise errors.not_a_thumbprint(str(each))
    keys: list[str | None] = [None, None]
    if kind == "sas":
        keys = _keys(body.get("symmetricKey") or {})
    if kind != "selfSigned":
        sent = [None, None]
    return {"type": kind, "keys": keys, "thumbprints": sent}


def _keys(body: dict[str, Any]) -> list[str | None]:
    sent = [body.get("primaryKey") or None, body.get("secondaryKey") or None]
    if sent == [None, None]:
        return [new_key(), new_key()]
    for each in sent:
        if each is None:
            raise errors.argument_invalid("symmetricKey needs both keys or neither")
        try:
            length = len(base64.b64decode(str(each), validate=True))
        except (binascii.Error, ValueError):
            length = 0
        if not 16 <= length <= 64:  # noqa: PLR2004 - documented, in bytes
            raise errors.argument_invalid("symmetricKey must be base64 of 16 to 64 bytes")
    return sent


def to_json(auth: dict[str, Any]) -> dict[str, Any]:
    """Keys and thumbprints as answers show them; the type is not among them, because old api-versions lack it."""
    return {
        "symmetricKey": dict(zip(("primaryKey", "secondaryKey"), auth["keys"], strict=True)),
        "x509Thumbprint": dict(zip(("primaryThumbprint", "secondaryThumbprint"), auth["thumbprints"], strict=True)),
    }
