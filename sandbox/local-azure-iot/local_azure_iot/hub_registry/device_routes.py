"""Operations of a device at its hub over HTTPS.

https://learn.microsoft.com/rest/api/iothub/device: events to the hub, cloud-to-device messages, file uploads.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from local_azure_iot.hub_registry import entries, errors, message_errors, tier
from local_azure_iot.hub_registry.route_table import DEVICE_CONNECT, HubTable
from local_azure_iot.hub_registry.throttle import Operation
from local_azure_iot.messaging import cloud_to_device, events, file_uploads
from local_azure_iot.messaging.events import Event
from local_azure_iot.messaging.storage_account import StorageError
from local_azure_iot.messaging.system_properties import APPLICATION, BY_HEADER, HEADERS
from local_azure_iot.routing import Evidence
from local_azure_iot.wire import NO_BODY, LaterReply, MalformedJsonError, Reply

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.messaging.cloud_to_device import ReceivedMessage
    from local_azure_iot.wire import Request

_BATCH = "application/vnd.microsoft.iothub.json"
_MAX_BATCH = 500  # events; that a batch has a limit beside its size is a guess
_LONGEST_LOCK = 300  # seconds; that there is one is a guess
_UNSAFE = re.compile(r"[^\x20-\x7e]+")
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.1


def send_event(azure: Azure, request: Request) -> Reply:
    """Take an event, or a batch of them where the content type says so: 204."""
    sent = _batch(request) if _media_type(request) == _BATCH else [_event(request, request.body, request.original_headers())]
    size = sum(event.size for event in sent)
    if size > events.MAX_BODY:
        raise message_errors.message_too_large(size, events.MAX_BODY)
    for event in sent:
        events.record(azure, request.parameters["hub_key"], event)
    return Reply(status=204, body=NO_BODY)


def _media_type(request: Request) -> str:
    return (request.header("content-type") or "").partition(";")[0].strip().lower()


def _batch(request: Request) -> list[Event]:
    items = request.json_array()
    if len(items) > _MAX_BATCH:
        raise errors.argument_invalid(f"a batch of {len(items)} events; at most {_MAX_BATCH} are allowed")
    found = []
    for number, item in enumerate(items):
        body, properties = (item.get("body"), item.get("properties")) if isinstance(item, dict) else (None, None)
        properties = {} if properties is None else properties
        if not isinstance(body, str) or not isinstance(properties, dict):
            raise MalformedJsonError(f"event {number} is not an object with the members body and properties")
        encoded = item.get("base64Encoded", True) is not False
        named = ((str(name), value if isinstance(value, str) else json.dumps(value)) for name, value in properties.items())
        found.append(_event(request, _decoded(number, body) if encoded else body.encode("utf-8", "replace"), named))
    return found


def _decoded(number: int, body: str) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedJsonError(f"the body of event {number} is not base64") from error


def _event(request: Request, body: bytes, named: Iterable[tuple[str, str]]) -> Event:
    system, properties = {}, {}
    for name, value in named:
        lower = name.lower()
        if lower.startswith(APPLICATION):
            properties[name[len(APPLICATION) :]] = value
        elif lower in BY_HEADER:
            system[BY_HEADER[lower]] = value
    parameters = request.parameters
    return Event(
        device=parameters["id"],
        module=parameters.get("mid", ""),
        body=body,
        system=system,
        properties=properties,
        protocol="https",
        topic=request.path,
        generation=parameters["generation"],
        authentication=parameters["authentication"],
    )


def receive_message(azure: Azure, request: Request) -> Reply:
    """The oldest cloud-to-device message, locked for a minute or as long as the device asks for, under the ETag; 204 where none waits."""
    tier.require_standard(azure, request.parameters["hub_key"])
    asked = request.header("iothub-messagelocktimeout") or request.query.get("iothub-messagelocktimeout") or ""
    seconds = int(asked) if asked.isascii() and asked.isdigit() and 0 < int(asked) <= _LONGEST_LOCK else cloud_to_device.LOCK_SECONDS
    received = cloud_to_device.receive(azure, request.parameters["hub_key"], request.parameters["id"], seconds)
    if received is None:
        return Reply(status=204, body=NO_BODY)
    kind = received.message.system.get("content-type", "application/octet-stream")
    return Reply(body=received.message.body, content_type=_value(kind), headers=_headers(received))


def _headers(received: ReceivedMessage) -> dict[str, str]:
    message = received.message
    headers = {
        "etag": f'"{received.token}"',
        "iothub-messageid": message.message_id,
        "iothub-sequencenumber": str(received.sequence),
        "iothub-to": received.to,
        "iothub-expiry": entries.format_time(received.expires, zone=True),
        "iothub-enqueuedtime": entries.format_time(received.enqueued, zone=True),
        "iothub-deliverycount": str(received.deliveries - 1),
        "iothub-ack": message.ack,
    }
    headers |= {HEADERS[name]: value for name, value in message.system.items() if name in HEADERS}
    # az CLI's extension reads these two names.
    headers |= {name: message.system[key] for name, key in _BARE.items() if key in message.system}
    headers |= {f"{APPLICATION}{name}": value for name, value in message.properties.items() if _NAME.fullmatch(name)}
    return {name: _value(value) for name, value in headers.items()}


_BARE = {"ContentType": "content-type", "ContentEncoding": "content-encoding"}


def _value(text: str) -> str:
    """A header's value: what ASCII has no printable character for is percent-encoded (a guess), so that no value adds a header."""
    return _UNSAFE.sub(lambda found: quote(found[0]), text)


def complete_message(azure: Azure, request: Request) -> Reply:
    """The device has processed a message, or with `reject` in the query never will: 204."""
    settle = cloud_to_device.reject if "reject" in request.query else cloud_to_device.complete
    return _settle(azure, request, settle)


def abandon_message(azure: Azure, request: Request) -> Reply:
    """The device gives a message back: 204."""
    return _settle(azure, request, cloud_to_device.abandon)


def _settle(azure: Azure, request: Request, settle: Any) -> Reply:
    parameters = request.parameters
    try:
        settle(azure, parameters["hub_key"], parameters["id"], parameters["etag"].strip('"'))
    except cloud_to_device.LockLostError as error:
        raise message_errors.lock_lost(request.api_version) from error
    return Reply(status=204, body=NO_BODY)


def begin_upload(azure: Azure, request: Request) -> Reply:
    """Open an upload: the device may write one blob of the hub's storage account for as long as the signature is valid."""
    name = request.json_object({"blobName": str}).get("blobName") or ""
    if not 1 <= len(name) <= file_uploads.MAX_NAME or any(part in {"", ".", ".."} for part in name.split("/")):
        raise errors.argument_invalid(
            f"blobName must have 1 to {file_uploads.MAX_NAME} characters, and no part that is empty or made of dots"
        )
    try:
        upload = file_uploads.begin(azure, request.parameters["hub_key"], request.parameters["id"], name)
    except StorageError as error:
        raise message_errors.no_storage(str(error)) from error
    except file_uploads.TooManyUploadsError as error:
        raise message_errors.too_many_uploads(file_uploads.MOST_OPEN) from error
    body = {
        "correlationId": upload.correlation,
        "hostName": upload.authority,
        "containerName": upload.container,
        "blobName": upload.blob,
        "sasToken": f"?{upload.signature}",
    }
    return Reply(body=body)


def finish_upload(azure: Azure, request: Request) -> LaterReply:
    """Close an upload: 204. If it succeeded the hub looks for the blob, and tells the back end."""
    body = request.json_object({"correlationId": str, "isSuccess": bool, "statusCode": int, "statusDescription": str})
    hub_key, device = request.parameters["hub_key"], request.parameters["id"]
    correlation = request.parameters.get("correlation") or body.get("correlationId") or ""
    try:
        upload = file_uploads.find(azure, hub_key, device, correlation)
    except file_uploads.UnknownUploadError as error:
        raise message_errors.upload_not_found(correlation) from error

    async def answer() -> Reply:
        try:
            await file_uploads.finish(azure, hub_key, device, upload, success=body.get("isSuccess") is True)
        except StorageError as error:
            raise message_errors.blob_not_found(str(error)) from error
        return Reply(status=204, body=NO_BODY)

    return LaterReply(answer)


_TABLE = HubTable()
ROUTES, RIGHTS = _TABLE.routes, _TABLE.rights
_DEVICE, _RECORDED = "/devices/{id}", Evidence.RECORDED
_EVENTS, _RECEIVE = (DEVICE_CONNECT, Operation.EVENTS, "messages/write"), (DEVICE_CONNECT, Operation.CLOUD_TO_DEVICE_RECEIVE, "")
_HEADERS = "recorded: 204 without a message; its headers are those that the device clients read; guess: how other than ASCII is sent"
_TABLE.add("Device_SendDeviceEvent", f"POST {_DEVICE}/messages/events", send_event, *_EVENTS, _RECORDED, "batches are documented")
_TABLE.add("Module_SendModuleEvent", f"POST {_DEVICE}/modules/{{mid}}/messages/events", send_event, *_EVENTS, Evidence.DOCUMENTED)
_TABLE.add(
    "Device_ReceiveDeviceBoundNotification", f"GET {_DEVICE}/messages/deviceBound", receive_message, *_RECEIVE, _RECORDED, _HEADERS
)  # fmt: skip
_SETTLE, _LOST = f"{_DEVICE}/messages/deviceBound/{{etag}}", "recorded: the answer to a lock that is lost"
_TABLE.add("Device_CompleteDeviceBoundNotification", f"DELETE {_SETTLE}", complete_message, *_RECEIVE, _RECORDED, _LOST)
_TABLE.add("Device_AbandonDeviceBoundNotification", f"POST {_SETTLE}/abandon", abandon_message, *_RECEIVE, _RECORDED, _LOST)
_UPLOAD, _FILES = (DEVICE_CONNECT, Operation.FILE_UPLOAD, ""), f"{_DEVICE}/files"
_STORAGE = "guess: most errors' numbers. The storage account is the hub's own: Azurite, or a real one"
_TABLE.add("Device_CreateFileUploadSasUri", f"POST {_FILES}", begin_upload, *_UPLOAD, Evidence.DOCUMENTED, _STORAGE)
_TABLE.add("Device_UpdateFileUploadStatus", f"POST {_FILES}/notifications", finish_upload, *_UPLOAD, Evidence.DOCUMENTED)
_TABLE.add(
    "Device_UpdateFileUploadStatus_ById", f"POST {_FILES}/notifications/{{correlation}}", finish_upload, *_UPLOAD, Evidence.DOCUMENTED,
    "as .NET's device client reports a failure",
)  # fmt: skip
