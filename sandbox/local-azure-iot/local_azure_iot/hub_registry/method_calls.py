"""A call of a direct method for a client of the hub: the device's answer as JSON, or the error that clients get."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import errors, message_errors
from local_azure_iot.messaging import methods

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure

RESPONSE_SECONDS, CONNECT_SECONDS = range(5, 301), range(301)  # documented
SHAPE = {"methodName": str}  # a time may be a number or, as az CLI's extension sends it, the text of one: .NET reads both
_MAX_NAME = 1024  # bytes (a guess): a call's name is in an MQTT topic, which has 65,535 at most
_DIGITS = re.compile(r"[0-9]{1,9}")
_WRITER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True)
class MethodCall:
    """What is called, and how long it may take."""

    name: str
    payload: bytes
    connect_seconds: int
    response_seconds: int

    async def of(self, azure: Azure, hub_key: str, device: str, module: str = "") -> tuple[int, Any]:
        """Call it on a device or module. The status and payload that the device answered.

        Raises:
            RegistryError: The device is not connected, went away, or did not answer in time.
        """
        try:
            found = await methods.invoke(
                azure, hub_key, device, module, self.name, self.payload,
                connect_seconds=self.connect_seconds, response_seconds=self.response_seconds,
            )  # fmt: skip
        except methods.NotOnlineError as error:
            raise message_errors.device_not_online(self.connect_seconds) from error
        except methods.NoAnswerError as error:
            raise message_errors.no_answer() from error
        except methods.DisconnectedError as error:
            raise message_errors.device_disconnected() from error
        return found.status, _json(found.payload)


def method_call(body: dict[str, Any]) -> MethodCall:
    """The call that a request's members describe.

    Raises:
        RegistryError: The method's name is missing or too long, the payload too large, or a time out of range.
    """
    errors.check_shape(body, SHAPE)
    name = body.get("methodName")
    if not name:
        raise errors.argument_invalid("methodName is missing")
    if len(name.encode()) > _MAX_NAME:  # this also refuses half a character, which can't be sent
        raise errors.argument_invalid(f"methodName has {len(name.encode())} bytes; at most {_MAX_NAME} are allowed")
    payload = _WRITER.encode(body["payload"]).encode("utf-8", "backslashreplace") if "payload" in body else b"null"
    if len(payload) > methods.MAX_PAYLOAD:
        raise message_errors.message_too_large(len(payload), methods.MAX_PAYLOAD)
    return MethodCall(
        name,
        payload,
        connect_seconds=_seconds(body, ("connectTimeoutInSeconds",), CONNECT_SECONDS, 0),
        response_seconds=_seconds(body, ("responseTimeoutInSeconds", "timeoutInSeconds"), RESPONSE_SECONDS, 30),
    )


def _json(payload: bytes) -> Any:
    """The JSON that a device answered; None where it answered nothing, or no JSON (a guess)."""
    try:
        answered = json.loads(payload) if payload.strip() else None
        _WRITER.encode(answered)  # Python reads NaN too, and numbers that become infinite
    except (ValueError, RecursionError):
        return None
    return answered


def _seconds(body: dict[str, Any], names: tuple[str, ...], allowed: range, default: int) -> int:
    for name in names:
        value = _whole_number(name, body.get(name))
        if value is not None and value not in allowed:
            raise errors.argument_invalid(f"{name} must be {allowed[0]} to {allowed[-1]}, not {value}")
        if value is not None:
            return value
    return default


def _whole_number(name: str, value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        return int(value)
    raise errors.json_invalid(f"Error converting value to type 'Integer'. Path '{name}'.")
