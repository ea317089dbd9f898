"""Nodes that answer requests: $cbs takes tokens, $management of an event hub describes it. Answers go to a link of the client's.

Claims-based security: https://docs.oasis-open.org/amqp/amqp-cbs/v1.0/amqp-cbs-v1.0.html. Management: the requests of Microsoft's clients,
https://github.com/Azure/azure-sdk-for-python/blob/main/sdk/eventhub/azure-eventhub/azure/eventhub/_client_base.py.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from proton import Message, int32, timestamp

from local_azure_iot.amqp.link import ReceivingNode, SendingNode, Service
from local_azure_iot.amqp.link_errors import UNAUTHORIZED, LinkError
from local_azure_iot.messaging import events

if TYPE_CHECKING:
    from proton import Link

CLAIMS, MANAGEMENT = "$cbs", "$management"
_MOST_ANSWERS = 100  # that wait for the client to take them
_EVENT_HUB, _PARTITION = "com.microsoft:eventhub", "com.microsoft:partition"


class RequestLink(ReceivingNode):
    """A link on which the client sends requests."""

    def __init__(self, service: Service, link: Link, name: str) -> None:
        super().__init__(service, link)
        self._name = name

    def authorize(self) -> None:
        """Anybody may ask; what is asked decides."""

    def message(self, message: Message) -> None:
        """A request came."""
        properties = {str(name): value for name, value in (message.properties or {}).items()}
        reply = self._reply_link(message)
        try:
            status, description, body = self._answer(properties, message.body)
        except LinkError as error:
            status, description, body = _status(error), str(error), None
        answer = Message(body=body, properties=_answer_properties(self._name, status, description))
        answer.correlation_id = message.id if message.id is not None else message.correlation_id
        reply.queue(answer)

    def _reply_link(self, message: Message) -> ReplyLink:
        links = self.service.reply_links.get(self._name, [])
        wanted = message.reply_to
        for link in reversed(links):
            if isinstance(link, ReplyLink) and (not wanted or wanted in link.addresses):
                return link
        if links and isinstance(links[-1], ReplyLink):
            return links[-1]
        raise LinkError("amqp:precondition-failed", f"there is no link from {self._name} that the answer could go to")

    def _answer(self, properties: dict[str, Any], body: Any) -> tuple[int, str, Any]:
        operation = str(properties.get("operation"))
        if self._name == CLAIMS:
            if operation == "delete-token":
                self.service.claims.tokens.pop(str(properties.get("name")), None)
                return 200, "OK", None
            if operation != "put-token":
                raise LinkError("amqp:not-implemented", f"$cbs knows put-token and delete-token, not '{operation[:100]}'")
            return self._put_token(properties, body)
        if operation != "READ":
            raise LinkError("amqp:not-implemented", f"$management knows READ, not '{operation[:100]}'")
        return _read(self.service, properties)

    def _put_token(self, properties: dict[str, Any], body: Any) -> tuple[int, str, Any]:
        token = bytes(body).decode("utf-8", "replace") if isinstance(body, bytes | memoryview) else str(body or "")
        end = self.service.claims.put(str(properties.get("name") or ""), token, str(properties.get("type") or ""))
        if end is not None:
            self.service.deadline(end)
        return (202, "Accepted", None) if self.service.event_hub else (200, "OK", None)


class ReplyLink(SendingNode):
    """A link on which the client receives the answers to its requests."""

    def __init__(self, service: Service, link: Link, name: str) -> None:
        super().__init__(service, link)
        self._name = name
        self._waiting: deque[Message] = deque()
        self.addresses = {address for address in (link.remote_target.address, link.remote_source.address, link.name) if address}

    def authorize(self) -> None:
        """Anybody may ask."""

    def opened(self) -> None:
        """Requests find this link."""
        self.service.reply_links.setdefault(self._name, []).append(self)

    def closed(self) -> None:
        """Requests don't find it any more."""
        links = self.service.reply_links.get(self._name, [])
        if self in links:
            links.remove(self)

    def queue(self, answer: Message) -> None:
        """Send an answer as soon as the client takes it."""
        if len(self._waiting) >= _MOST_ANSWERS:
            raise LinkError("amqp:resource-limit-exceeded", f"{_MOST_ANSWERS} answers wait for this client to take them")
        self._waiting.append(answer)
        self.pump()

    def pump(self) -> None:
        """Send what waits."""
        while self._waiting and self.ready:
            self.send(self._waiting.popleft())


def _status(error: LinkError) -> int:
    return {UNAUTHORIZED: 401, "amqp:not-found": 404, "amqp:not-implemented": 501}.get(error.condition, 400)


def _answer_properties(name: str, status: int, description: str) -> dict[str, Any]:
    properties: dict[str, Any] = {"status-code": int32(status), "status-description": description}
    failed = status >= 400  # noqa: PLR2004 - as HTTP's
    if failed:
        properties["error-condition" if name == MANAGEMENT else "errorCondition"] = {401: UNAUTHORIZED, 404: "amqp:not-found"}.get(
            status, "com.microsoft:argument-error"
        )
    return properties


def _read(service: Service, properties: dict[str, Any]) -> tuple[int, str, dict[str, Any]]:
    """What an event hub or one of its partitions is: `created_at`, `begin_sequence_number` and so on."""
    hub, name, kind = service.hub, str(properties.get("name") or ""), str(properties.get("type") or "")
    if name.lower() != hub["name"].lower():
        raise LinkError("amqp:not-found", f"The messaging entity '{name}' could not be found: this endpoint has '{hub['name'].lower()}'.")
    token = properties.get("security_token")
    if isinstance(token, str) and token:
        service.claims.put(f"{service.host}/{name}", token, "servicebus.windows.net:sastoken")
    service.claims.require_service("", name)
    count = events.partition_count(service.plane.azure, service.hub_key)
    if kind == _EVENT_HUB:
        partitions = [str(number) for number in range(count)]
        body = {
            "created_at": _timestamp(datetime.fromisoformat(hub["created"])),
            "partition_count": int32(count),
            "partition_ids": partitions,
        }
        return 200, "OK", {"name": name, "type": kind, **body}
    if kind != _PARTITION:
        raise LinkError("com.microsoft:argument-error", f"$management can't read '{kind[:100]}'")
    partition = str(properties.get("partition"))
    if partition not in {str(number) for number in range(count)}:
        raise LinkError("com.microsoft:argument-out-of-range", f"'{partition[:100]}' is no partition: there are 0 to {count - 1}")
    return 200, "OK", {"name": name, "type": kind, "partition": partition, **_partition(service, int(partition))}


def _partition(service: Service, number: int) -> dict[str, Any]:
    kept = service.plane.azure.events.of_partition(service.hub_key, number)
    next_sequence, _ = service.plane.azure.events.next_position(service.hub_key, number)
    last = kept[-1] if kept else None
    return {
        "begin_sequence_number": kept[0].sequence if kept else next_sequence,
        "last_enqueued_sequence_number": next_sequence - 1,
        "last_enqueued_offset": str(last.offset) if last else "-1",
        "last_enqueued_time_utc": _timestamp(last.enqueued if last else datetime(1, 1, 1, tzinfo=UTC)),
        "is_partition_empty": last is None,
    }


def _timestamp(moment: datetime) -> timestamp:
    return timestamp(int(moment.timestamp() * 1000))
