"""Operations of the back end on devices' messages and methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import identities, message_errors, method_calls, modules, tier
from local_azure_iot.hub_registry.route_table import HubTable
from local_azure_iot.hub_registry.throttle import Operation
from local_azure_iot.messaging import cloud_to_device, service_queue
from local_azure_iot.messaging.cloud_to_device import LockLostError
from local_azure_iot.messaging.service_queue import FEEDBACK, FILE_NOTIFICATIONS
from local_azure_iot.routing import Evidence
from local_azure_iot.wire import NO_BODY, LaterReply, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.messaging.service_queue import ServiceQueue
    from local_azure_iot.wire import Request


def invoke_device_method(azure: Azure, request: Request) -> LaterReply:
    """Call a direct method of a device, and wait for its answer."""
    identities.require(azure, request.parameters["hub_key"], request.parameters["id"])
    return _invoke(azure, request, "")


def invoke_module_method(azure: Azure, request: Request) -> LaterReply:
    """Call a direct method of a module, and wait for its answer."""
    hub_key, device = request.parameters["hub_key"], request.parameters["id"]
    identities.require(azure, hub_key, device)
    modules.require(azure, hub_key, device, request.parameters["mid"])
    return _invoke(azure, request, request.parameters["mid"])


def _invoke(azure: Azure, request: Request, module: str) -> LaterReply:
    tier.require_standard(azure, request.parameters["hub_key"])
    call = method_calls.method_call(request.json_object())
    hub_key, device = request.parameters["hub_key"], request.parameters["id"]

    async def answer() -> Reply:
        status, payload = await call.of(azure, hub_key, device, module)
        return Reply(body={"status": status, "payload": payload})

    return LaterReply(answer)


def purge(azure: Azure, request: Request) -> Reply:
    """Remove every message that waits for a device."""
    tier.require_standard(azure, request.parameters["hub_key"])
    hub_key, device = request.parameters["hub_key"], request.parameters["id"]
    identities.require(azure, hub_key, device)
    return Reply(body={"deviceId": device, "moduleId": None, "totalMessagesPurged": cloud_to_device.purge(azure, hub_key, device)})


def receive_feedback(azure: Azure, request: Request) -> LaterReply:
    """The oldest batch of feedback on cloud-to-device messages, locked under the ETag; 204 where there is none."""
    tier.require_standard(azure, request.parameters["hub_key"])

    async def answer() -> Reply:
        await cloud_to_device.sweep_hub(azure, request.parameters["hub_key"])
        return _receive(azure, request, FEEDBACK)

    return LaterReply(answer)


def receive_file_notification(azure: Azure, request: Request) -> Reply:
    """The oldest notification of a file upload, locked under the ETag; 204 where there is none."""
    return _receive(azure, request, FILE_NOTIFICATIONS)


def _receive(azure: Azure, request: Request, queue: ServiceQueue) -> Reply:
    tier.require_standard(azure, request.parameters["hub_key"])
    batch = service_queue.receive(azure, request.parameters["hub_key"], queue)
    if batch is None:
        return Reply(status=204, body=NO_BODY)
    body: Any = batch.records if queue is FEEDBACK else batch.records[0]
    return Reply(body=body, headers={"etag": f'"{batch.token}"', "iothub-messagelocktoken": batch.token})


def _settling(settle: Callable[[Azure, str, ServiceQueue, str], None], queue: ServiceQueue) -> Callable[[Azure, Request], Reply]:
    def handler(azure: Azure, request: Request) -> Reply:
        try:
            settle(azure, request.parameters["hub_key"], queue, request.parameters["token"])
        except LockLostError as error:
            raise message_errors.lock_lost(request.api_version) from error
        return Reply(status=204, body=NO_BODY)

    return handler


_TABLE = HubTable()
ROUTES, RIGHTS = _TABLE.routes, _TABLE.rights
_CONNECT, _DOCUMENTED = "ServiceConnect", Evidence.DOCUMENTED
_METHODS, _QUEUES = (_CONNECT, Operation.METHOD, "directMethods/invoke/action"), (_CONNECT, Operation.CLOUD_TO_DEVICE_SEND)
_ERRORS = "its errors are those that issues show; guess: an answer that is no JSON becomes null"
_TABLE.add("Devices_InvokeMethod", "POST /twins/{id}/methods", invoke_device_method, *_METHODS, _DOCUMENTED, _ERRORS)
_TABLE.add("Modules_InvokeMethod", "POST /twins/{id}/modules/{mid}/methods", invoke_module_method, *_METHODS, _DOCUMENTED, _ERRORS)
_TABLE.add(
    "CloudToDeviceMessages_PurgeCloudToDeviceMessageQueue", "DELETE /devices/{id}/commands", purge, *_QUEUES,
    "cloudToDeviceMessages/queue/purge/action", _DOCUMENTED,
)  # fmt: skip
_FEEDBACK, _ACTION = "/messages/serviceBound/feedback", "cloudToDeviceMessages/feedback/action"
_MANY = "64 records at most are documented; guess: that one answer has many, and its headers"
_TABLE.add(
    "CloudToDeviceMessages_ReceiveFeedbackNotification", f"GET {_FEEDBACK}", receive_feedback, *_QUEUES, _ACTION, _DOCUMENTED, _MANY
)  # fmt: skip
_TABLE.add(
    "CloudToDeviceMessages_CompleteFeedbackNotification", f"DELETE {_FEEDBACK}/{{token}}", _settling(service_queue.complete, FEEDBACK),
    *_QUEUES, _ACTION, _DOCUMENTED,
)  # fmt: skip
_TABLE.add(
    "CloudToDeviceMessages_AbandonFeedbackNotification", f"POST {_FEEDBACK}/{{token}}/abandon", _settling(service_queue.abandon, FEEDBACK),
    *_QUEUES, _ACTION, _DOCUMENTED,
)  # fmt: skip
_FILES, _ACTION = "/messages/serviceBound/filenotifications", "fileUpload/notifications/action"
_TABLE.add(
    "FileNotifications_Receive", f"GET {_FILES}", receive_file_notification, *_QUEUES, _ACTION, _DOCUMENTED,
    "the path is documented; guess: its headers",
)  # fmt: skip
_TABLE.add(
    "FileNotifications_Complete", f"DELETE {_FILES}/{{token}}", _settling(service_queue.complete, FILE_NOTIFICATIONS),
    *_QUEUES, _ACTION, Evidence.GUESS,
)  # fmt: skip
_TABLE.add(
    "FileNotifications_Abandon", f"POST {_FILES}/{{token}}/abandon", _settling(service_queue.abandon, FILE_NOTIFICATIONS),
    *_QUEUES, _ACTION, Evidence.GUESS,
)  # fmt: skip
