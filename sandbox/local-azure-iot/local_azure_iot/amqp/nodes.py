"""Which node a link's address leads to: https://learn.microsoft.com/azure/iot-hub/iot-hub-amqp-support lists a hub's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from local_azure_iot import host_names
from local_azure_iot.amqp.cloud_to_device import CloudToDeviceSender, QueueReceiver
from local_azure_iot.amqp.device_messages import DeviceBoundReceiver, EventSender, ModuleInputReceiver
from local_azure_iot.amqp.device_methods import MethodAnswers, MethodCalls
from local_azure_iot.amqp.device_twin import TwinAnswers, TwinRequests
from local_azure_iot.amqp.event_reader import EventReader
from local_azure_iot.amqp.link_errors import NOT_ALLOWED, NOT_FOUND, REDIRECT, LinkError
from local_azure_iot.amqp.requests import CLAIMS, MANAGEMENT, ReplyLink, RequestLink
from local_azure_iot.messaging.service_queue import FEEDBACK, FILE_NOTIFICATIONS

if TYPE_CHECKING:
    from proton import Link

    from local_azure_iot.amqp.device_link import DeviceNode
    from local_azure_iot.amqp.link import Node, Service

_AMQPS = 5671
_READER = re.compile(r"(?P<hub>[^/]+)/consumergroups/(?P<group>[^/]+)/partitions/(?P<partition>[^/]+)", re.IGNORECASE)
_OF_DEVICE = re.compile(
    r"devices/(?P<device>[^/]+)(/modules/(?P<module>[^/]+))?/(?P<what>messages/events|messages/devicebound|twin|methods/devicebound)",
    re.IGNORECASE,
)
_DEVICE_LINKS: dict[tuple[str, bool, bool], type[DeviceNode]] = {  # by the end of the path, whether a module's, whether the client sends
    ("messages/events", False, True): EventSender,
    ("messages/events", True, True): EventSender,
    ("messages/events", True, False): ModuleInputReceiver,
    ("messages/devicebound", False, False): DeviceBoundReceiver,
    ("twin", False, True): TwinRequests,
    ("twin", True, True): TwinRequests,
    ("twin", False, False): TwinAnswers,
    ("twin", True, False): TwinAnswers,
    ("methods/devicebound", False, True): MethodAnswers,
    ("methods/devicebound", True, True): MethodAnswers,
    ("methods/devicebound", False, False): MethodCalls,
    ("methods/devicebound", True, False): MethodCalls,
}


def node_of(service: Service, link: Link) -> Node:
    """The service's end of a link that a client attaches.

    Raises:
        LinkError: There is no such node, it does not work in this direction, or it is elsewhere.
    """
    address = _path((link.remote_target if link.is_receiver else link.remote_source).address or "")
    name = address.lower()
    if name == CLAIMS or (name == MANAGEMENT and service.event_hub):
        return RequestLink(service, link, name) if link.is_receiver else ReplyLink(service, link, name)
    if service.event_hub:
        return _event_hub_node(service, link, address)
    if name == "messages/events" or name.startswith("messages/events/"):
        raise _redirect(service, address)
    if name == "messages/devicebound" and link.is_receiver:
        return CloudToDeviceSender(service, link)
    if name == "messages/servicebound/feedback" and link.is_sender:
        return QueueReceiver(service, link, FEEDBACK)
    if name == "messages/servicebound/filenotifications" and link.is_sender:
        return QueueReceiver(service, link, FILE_NOTIFICATIONS)
    found = _OF_DEVICE.fullmatch(address)
    made = _DEVICE_LINKS.get((found["what"].lower(), bool(found["module"]), link.is_receiver)) if found else None
    if found and made:
        return made(service, link, unquote(found["device"]), unquote(found["module"] or ""))
    raise LinkError(NOT_FOUND, f"a hub has no node '/{address}' for a client that {'sends' if link.is_receiver else 'receives'}")


def _event_hub_node(service: Service, link: Link, address: str) -> Node:
    found = _READER.fullmatch(address)
    if link.is_receiver:
        raise LinkError(NOT_ALLOWED, "a hub's event-hub-compatible endpoint can only be read: its events come from devices")
    if found is None:
        raise LinkError(NOT_FOUND, f"the messaging entity '{address}' could not be found")
    return EventReader(service, link, found["hub"], unquote(found["group"]), found["partition"])


def _path(address: str) -> str:
    """The path of an address, which may be a whole URI; percent-encoding stays."""
    path = urlsplit(address).path if "://" in address else address
    return path.strip("/")


def _redirect(service: Service, address: str) -> LinkError:
    """The built-in endpoint is an event hub of its own ("Receive telemetry messages" in the document above)."""
    hub = service.hub
    service.claims.require_service("")
    host = host_names.event_hub(hub["cloud"], hub["namespace"])
    rest = address[len("messages/events") :]
    target = f"amqps://{host}:{_AMQPS}/{hub['name'].lower()}{rest}"
    info = {"hostname": host, "network-host": host, "port": _AMQPS, "address": target}
    return LinkError(REDIRECT, f"the hub's events are read at '{target}'", info)
