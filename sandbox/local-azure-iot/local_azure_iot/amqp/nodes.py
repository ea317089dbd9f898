"""Which node a link's address leads to: https://learn.microsoft.com/azure/iot-hub/iot-hub-amqp-support lists a hub's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from local_azure_iot import host_names
from local_azure_iot.amqp.cloud_to_device import CloudToDeviceSender, QueueReceiver
from local_azure_iot.amqp.event_reader import EventReader
from local_azure_iot.amqp.link_errors import NOT_ALLOWED, NOT_FOUND, REDIRECT, LinkError
from local_azure_iot.amqp.requests import CLAIMS, MANAGEMENT, ReplyLink, RequestLink
from local_azure_iot.messaging.service_queue import FEEDBACK, FILE_NOTIFICATIONS

if TYPE_CHECKING:
    from proton import Link

    from local_azure_iot.amqp.link import Node, Service

_AMQPS = 5671
_READER = re.compile(r"(?P<hub>[^/]+)/consumergroups/(?P<group>[^/]+)/partitions/(?P<partition>[^/]+)", re.IGNORECASE)


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
