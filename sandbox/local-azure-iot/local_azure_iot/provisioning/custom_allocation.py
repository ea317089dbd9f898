"""Custom allocation: a webhook of the service's owner chooses the hub.

https://learn.microsoft.com/azure/iot-dps/concepts-custom-allocation and tutorial-custom-allocation-policies.
"""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from local_azure_iot import outgoing
from local_azure_iot.provisioning.refusals import CUSTOM_ALLOCATION, FailedError

if TYPE_CHECKING:
    from pathlib import Path

    from local_azure_iot.store import Document

_SECONDS = 20.0  # until a webhook that says nothing is given up; a guess
_MOST = 1024 * 1024  # bytes of an answer
_OK = 200


@dataclass(frozen=True)
class Chosen:
    """What a webhook answered."""

    host: str
    twin: dict[str, Any] | None = None  # instead of the enrollment's
    payload: Any = None  # for the device


def question(service: Document, member: str, enrollment: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
    """The body of the request; ``member`` is `enrollmentGroup` or `individualEnrollment`, ``context`` what is known of the device."""
    return {member: enrollment, "deviceRuntimeContext": context, "linkedHubs": [each["name"] for each in service["hubs"]]}


async def ask(enrollment: Document, body: dict[str, Any], trusted: Path | None) -> Chosen:
    """Ask the enrollment's webhook. ``trusted`` has certificates that its server may have beside the machine's own roots.

    Raises:
        FailedError: It can't be asked, or does not name a hub.
    """
    definition = enrollment["record"].get("customAllocationDefinition") or {}
    url = str(definition.get("webhookUrl") or "")
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme == "https" and bool(parts.hostname)
    except ValueError:
        is_usable = False
    if not is_usable:
        raise FailedError(CUSTOM_ALLOCATION, "Custom allocation failed: the enrollment's webhook is no https URL.")
    return await asyncio.to_thread(_ask, url, json.dumps(body).encode(), trusted)


def _ask(url: str, body: bytes, trusted: Path | None) -> Chosen:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")  # noqa: S310 - it is https
    where = f"{urlsplit(url).hostname}"  # the rest of the URL may be a function's key
    try:
        with outgoing.opener(trusted).open(request, timeout=_SECONDS) as answer:
            status, content = answer.status, answer.read(_MOST)
    except urllib.error.HTTPError as error:
        error.close()
        raise _failed(error.code) from error
    except (OSError, ValueError) as error:
        raise FailedError(CUSTOM_ALLOCATION, f"Custom allocation failed: the webhook at '{where}' can't be asked: {error}") from error
    if status != _OK:
        raise _failed(status)
    return _read(content, where)


def _failed(status: int) -> FailedError:
    """Text of github.com/Azure/iotedge/issues/3233."""
    return FailedError(CUSTOM_ALLOCATION, f"Custom allocation failed with status code: {status}")


def _read(content: bytes, where: str) -> Chosen:
    try:
        found = json.loads(content)
        host = found["iotHubHostName"]
    except (ValueError, RecursionError, TypeError, LookupError) as error:
        told = f"Custom allocation failed: the answer of the webhook at '{where}' is no JSON with an iotHubHostName."
        raise FailedError(CUSTOM_ALLOCATION, told) from error
    twin = found.get("initialTwin")
    if not isinstance(host, str) or not host or not isinstance(twin, dict | None):
        told = f"Custom allocation failed: in the answer of the webhook at '{where}' iotHubHostName is no text, or initialTwin no object."
        raise FailedError(CUSTOM_ALLOCATION, told)
    return Chosen(host, twin, found.get("payload"))
