"""A device's session with a provisioning service: it registers, and asks until it is told its hub. MQTT 3.1.1 over TLS.

Source: learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-dps; the texts of refusals are those of answers that users published.
"""

import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from hubtrust.azure.errors import SessionError
from hubtrust.azure.mqtt_connection import PORT, Connection, Peer
from hubtrust.azure.retry import REGISTRATION_WAIT, SHORTEST_REGISTRATION_WAIT, THROTTLED

_API_VERSION = "2019-03-31"
_ANSWERS = "$dps/registrations/res/"
_TOPIC = re.compile(r"\$dps/registrations/res/(?P<status>\d{3})/\?(?P<query>.+)")
_REMEDY = "check the id scope, and that the certificate's common name (CN) is the registration id"
_ASSIGNING = "assigning"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provisioning service answers to a registration: an HTTP status, and its JSON object."""

    status: int
    body: Mapping[str, Any]
    retry_after: float | None = None  # seconds

    @property
    def result(self) -> str:
        """`assigned`, `disabled` or `failed`; empty if it is an error's envelope."""
        return str(self.body.get("status") or "")

    @property
    def state(self) -> Mapping[str, Any]:
        """What the service knows of the registration; empty if it does not say."""
        found = self.body.get("registrationState")
        return found if isinstance(found, Mapping) else {}

    @property
    def code(self) -> int | None:
        """The error code of an envelope, or of a registration that failed; its first three digits are an HTTP status."""
        found = self.body.get("errorCode") or self.state.get("errorCode")
        return found if isinstance(found, int) else None

    @property
    def message(self) -> str:
        """The service's own words."""
        return str(self.body.get("message") or self.state.get("errorMessage") or "")


def register_once(host: str, id_scope: str, registration_id: str, tls: ssl.SSLContext, *, timeout: float) -> Answer:
    """Register at ``host``, and ask until the service is done, it refuses, or ``timeout`` seconds are over: then its last answer.

    Raises:
        SessionError: there was no answer to the registration; ``stage`` and ``return_code`` say where it failed.
    """
    what = f"registration of '{registration_id}' at {host}:{PORT}, id scope {id_scope}"
    connection = Connection(Peer(host, "the provisioning service", _REMEDY), what, registration_id, timeout)
    try:
        connection.open(f"{id_scope}/registrations/{registration_id}/api-version={_API_VERSION}", tls)
        topics = connection.client.subscribe(f"{_ANSWERS}#", qos=1)[1]
        connection.wait(lambda: topics in connection.subscribed)
        return _dialogue(_Requests(connection), registration_id)
    finally:
        connection.close()


def _dialogue(requests: "_Requests", registration_id: str) -> Answer:
    body = json.dumps({"registrationId": registration_id})
    answer = requests.ask("PUT/iotdps-register/?", body)
    operation = ""
    while answer.status == THROTTLED or (answer.status < 300 and answer.result == _ASSIGNING):  # noqa: PLR2004 - HTTP's numbers
        operation = str(answer.body.get("operationId") or operation)
        wait = max(REGISTRATION_WAIT if answer.retry_after is None else answer.retry_after, SHORTEST_REGISTRATION_WAIT)
        if wait >= requests.connection.seconds_left():
            return answer
        requests.connection.pause(wait)
        if operation:
            answer = requests.ask(f"GET/iotdps-get-operationstatus/?operationId={operation}&", " ")
        else:
            answer = requests.ask("PUT/iotdps-register/?", body)
    return answer


@dataclass
class _Requests:
    """Requests on a connection, numbered, so that each gets its own answer."""

    connection: Connection
    _last: int = 0

    def ask(self, topic: str, body: str) -> Answer:
        """Publish to ``topic``, to which the number is added, and wait for the answer."""
        self._last += 1
        found: list[Answer] = []
        self.connection.client.publish(f"$dps/registrations/{topic}$rid={self._last}", body, qos=1)

        def answered() -> bool:
            while self.connection.received and not found:
                message = self.connection.received.pop(0)
                found.extend(self._read(message.topic, message.payload))
            return bool(found)

        self.connection.wait(answered)
        return found[0]

    def _read(self, topic: str, payload: bytes | bytearray) -> list[Answer]:
        """The answer to the last request; nothing if it is one to another request.

        Raises:
            SessionError: it is no answer of Azure's.
        """
        parts = _TOPIC.fullmatch(topic)
        query = parse_qs(parts["query"]) if parts else {}
        if parts and query.get("$rid") != [str(self._last)]:
            return []
        try:
            body = json.loads(bytes(payload) or b"{}")
        except (ValueError, RecursionError):
            body = None
        if not parts or not isinstance(body, dict):
            fact, remedy = "the answer is not Azure's", "check where the host name leads, then run again"
            raise SessionError(self.connection.what, fact, remedy, stage="network")
        after = query.get("retry-after", [""])[0]
        return [Answer(int(parts["status"]), body, float(after) if after.isdecimal() else None)]
