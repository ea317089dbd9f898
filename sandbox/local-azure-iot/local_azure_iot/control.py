"""The control port: operations for tests only, on a separate port and never part of Azure's protocol."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_azure_iot import faults, host_names, publication
from local_azure_iot.key_vault import vault_lifecycle, vaults
from local_azure_iot.key_vault.management_errors import VaultManagementError
from local_azure_iot.login import principals, tokens
from local_azure_iot.messaging import cloud_to_device
from local_azure_iot.messaging.cloud_to_device import Message
from local_azure_iot.microsoft_devices import lifecycle
from local_azure_iot.resource_manager import access, role_assignments
from local_azure_iot.resource_manager.resource_ids import ResourceId
from local_azure_iot.why import why

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from starlette.requests import Request as ControlRequest

    from local_azure_iot.https_application import HttpsApplication
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.messaging.events import RecordedEvent
    from local_azure_iot.mqtt.plane import Plane

    Endpoint = Callable[[ControlRequest], Awaitable[Response]]

_CHUNK = 100  # items of a list that are written before others have their turn
_WRITER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)  # as JSONResponse writes
KEPT_ON_RESET = (*principals.KEPT_ON_RESET, *tokens.KEPT_ON_RESET)


class BadRequestError(ValueError):
    """An invalid request to the control port; the message says why."""


def operations(application: HttpsApplication, plane: Plane, ready: Mapping[str, Any]) -> Starlette:
    """The operations, one path for each, for whoever asks: `control_access.ControlAccess` decides who may.

    ``ready`` is the content of the ready file, once there is one.
    """
    control = _ControlHandlers(application, plane)
    routes = [
        Route("/health", _json_endpoint(control.health), methods=["GET"]),
        Route("/requests", _json_endpoint(control.requests), methods=["GET"]),
        Route("/requests", _json_endpoint(control.clear_requests), methods=["DELETE"]),
        Route("/faults", _json_endpoint(control.list_faults), methods=["GET"]),
        Route("/faults", _json_endpoint(control.add_fault), methods=["POST"]),
        Route("/faults", _json_endpoint(control.clear_faults), methods=["DELETE"]),
        Route("/settings", _json_endpoint(control.get_settings), methods=["GET"]),
        Route("/settings", _json_endpoint(control.set_settings), methods=["PATCH"]),
        Route("/clock", _json_endpoint(control.get_clock), methods=["GET"]),
        Route("/clock", _json_endpoint(control.set_clock), methods=["PUT"]),
        Route("/clock", _json_endpoint(control.reset_clock), methods=["DELETE"]),
        Route("/principals", _json_endpoint(control.add_principal), methods=["POST"]),
        Route("/vaults", _json_endpoint(control.add_vault), methods=["POST"]),
        Route("/federated-credentials", _json_endpoint(control.add_federated), methods=["POST"]),
        Route("/connections", _json_endpoint(control.connections), methods=["GET"]),
        Route("/connections", _json_endpoint(control.clear_connections), methods=["DELETE"]),
        Route("/registrations", _json_endpoint(control.registrations), methods=["GET"]),
        Route("/registrations", _json_endpoint(control.clear_registrations), methods=["DELETE"]),
        Route("/why", _json_endpoint(control.why), methods=["GET"]),
        Route("/messages", _json_endpoint(control.messages), methods=["GET"]),
        Route("/messages", _json_endpoint(control.send_message), methods=["POST"]),
        Route("/reset", _json_endpoint(control.reset), methods=["POST"]),
    ]
    found = Starlette(routes=[*routes, *publication.routes(ready)])
    found.router.redirect_slashes = False  # a redirect would be to whichever host the client named
    return found


def _json_endpoint(handler: Callable[[dict[str, Any], ControlRequest], Any]) -> Endpoint:
    async def endpoint(request: ControlRequest) -> Response:
        raw = await request.body()
        try:
            body = json.loads(raw) if raw.strip() else {}
            if not isinstance(body, dict):
                raise BadRequestError("the body must be a JSON object")
            result = handler(body, request)
            if isinstance(result, Iterator):
                return Response(await _encoded(result), media_type="application/json")
            return JSONResponse(await result if isawaitable(result) else result)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    return endpoint


async def _encoded(items: Iterator[Any]) -> bytes:
    """A list as JSON. Logs are long, and events may be large: others have their turn between the parts."""
    parts: list[bytes] = []
    while some := list(itertools.islice(items, _CHUNK)):
        parts.append(_WRITER.encode(some)[1:-1].encode())
        await asyncio.sleep(0)
    return b"[" + b",".join(parts) + b"]"


_MESSAGE = {"host", "device", "payload", "ack", "messageId", "properties", "system", "seconds"}


class _ControlHandlers:
    """The handlers of the control port's operations: each takes the JSON body and the request, and returns the JSON answer."""

    def __init__(self, application: HttpsApplication, plane: Plane) -> None:
        self._application = application
        self._plane = plane
        self._azure = application.azure

    def health(self, _body: dict[str, Any], _request: ControlRequest) -> dict[str, Any]:
        return {"status": "ready", "now": self._azure.clock.now().isoformat(), "requests": len(self._application.entries)}

    def requests(self, _body: dict[str, Any], request: ControlRequest) -> Iterator[dict[str, Any]]:
        """The request log, oldest first. `?about=hub-1`: only with that text in host or path; `?mutating=1`: none that only read."""
        mutating = bool(request.query_params.get("mutating"))
        asked = (entry for entry in tuple(self._application.entries) if _is_about(request, entry))
        return (vars(entry) for entry in asked if not mutating or _mutates(vars(entry)))

    def clear_requests(self, _body: dict[str, Any], request: ControlRequest) -> dict[str, Any]:
        """Forget the request log. `?about=hub-1`: only the requests with that text in host or path."""
        entries = self._application.entries
        kept = [entry for entry in entries if not _is_about(request, entry)]
        entries.clear()
        entries.extend(kept)
        return {}

    def connections(self, _body: dict[str, Any], request: ControlRequest) -> list[dict[str, Any]]:
        """The attempts to connect, and refusals over HTTPS, oldest first, each with its reason. `?device=`: those of one device."""
        return _of_device(self._plane.attempts, request)

    def registrations(self, _body: dict[str, Any], request: ControlRequest) -> Iterator[dict[str, Any]]:
        """What became of the devices that enrolled, oldest first, each with the true reason. `?device=`: by registration or device id."""
        device = (request.query_params.get("device") or "").lower()
        kept = tuple(self._azure.registrations.entries)
        return (vars(each) for each in kept if device in {"", each.registration.lower(), each.device.lower()})

    def clear_registrations(self, _body: dict[str, Any], _request: ControlRequest) -> dict[str, Any]:
        """Clear the log of registrations. The registrations themselves stay."""
        self._azure.registrations.clear()
        return {}

    def why(self, _body: dict[str, Any], request: ControlRequest) -> dict[str, Any]:
        """Why a device was refused, link by link: `?device=` (a module: `device/module`), `&hub=` its hub."""
        device = request.query_params.get("device")
        if not device:
            raise BadRequestError("/why needs a device; write it as /why?device=press-001, and the hub as &hub=")
        return why(self._azure, self._plane, device, request.query_params.get("hub", ""))

    def messages(self, _body: dict[str, Any], request: ControlRequest) -> Iterator[dict[str, Any]]:
        """The messages from devices, oldest first. `?device=`: those of one device; `?payload=1`: with what they hold."""
        device, whole = request.query_params.get("device"), bool(request.query_params.get("payload"))
        kept = tuple(self._azure.events.all())
        return (_message(recorded, whole=whole) for recorded in kept if device in {None, recorded.event.device})

    def send_message(self, body: dict[str, Any], _request: ControlRequest) -> dict[str, Any]:
        """Send a cloud-to-device message, for whom AMQP is too much: `host` (the hub's), `device`, `payload` (base64) and what else it has.

        `{"host": "…", "device": "…", "payload": "aGk=", "ack": "full", "messageId": "1", "properties": {}, "system": {}, "seconds": 60}`
        """
        unknown = body.keys() - _MESSAGE
        if unknown:
            raise BadRequestError(f"a message has no member '{min(unknown)}'; its members are {', '.join(sorted(_MESSAGE))}")
        if any(not isinstance(body.get(name) or {}, dict) for name in ("system", "properties")):
            raise BadRequestError("system and properties must be objects")
        destination = host_names.destination(str(body.get("host")))
        hub = destination and lifecycle.find_by_name(self._azure, destination.cloud.name, lifecycle.HUB, destination.name)
        if not hub:
            raise BadRequestError(f"there is no hub '{body.get('host')}'")
        try:
            content = base64.b64decode(str(body.get("payload") or ""), validate=True)
        except ValueError as error:
            raise BadRequestError(f"the payload is not base64: {error}") from error
        seconds = None if body.get("seconds") is None else _number(body, "seconds")
        message = Message(
            body=content,
            message_id=str(body.get("messageId") or ""),
            system={str(name): str(value) for name, value in (body.get("system") or {}).items()},
            properties={str(name): str(value) for name, value in (body.get("properties") or {}).items()},
            ack=str(body.get("ack") or "none"),
            expires=None if seconds is None else self._azure.clock.now() + timedelta(seconds=min(seconds, cloud_to_device.LONGEST_TTL)),
        )
        try:
            return {"messageId": cloud_to_device.send(self._azure, hub[0], str(body.get("device")), message)}
        except cloud_to_device.UnknownDeviceError as error:
            raise BadRequestError(f"this hub has no device '{body.get('device')}'") from error
        except cloud_to_device.QueueFullError as error:
            raise BadRequestError(f"{cloud_to_device.MOST_WAITING} messages wait for this device already") from error

    def clear_connections(self, _body: dict[str, Any], _request: ControlRequest) -> dict[str, Any]:
        """Clear the logs of connections and messages. Open sessions continue."""
        self._plane.clear()
        self._azure.events.clear()
        return {}

    def list_faults(self, _body: dict[str, Any], _request: ControlRequest) -> list[dict[str, Any]]:
        return [rule.to_json() for rule in self._application.faults.rules]

    def add_fault(self, body: dict[str, Any], _request: ControlRequest) -> dict[str, Any]:
        rules = faults.parse(body["spec"]) if "spec" in body else [faults.from_json(body)]
        self._application.faults.rules.extend(rules)
        return {"added": len(rules)}

    def clear_faults(self, _body: dict[str, Any], request: ControlRequest) -> dict[str, Any]:
        """Remove all fault rules. `?about=hub-1`: only rules with that text in host or path."""
        rules = self._application.faults.rules
        rules[:] = [rule for rule in rules if not _is_about(request, rule)]
        return {}

    def get_settings(self, _body: dict[str, Any], _request: ControlRequest) -> dict[str, Any]:
        return vars(self._azure.settings)

    def set_settings(self, body: dict[str, Any], _request: ControlRequest) -> dict[str, Any]:
        self._azure.settings = self._azure.settings.changed(body)
        return vars(self._azure.settings)

    def get_clock(self, _body: dict[str, Any], _request: ControlRequest) -> dict[str, Any]:
        return {"now": self._azure.clock.now().isoformat()}

    def set_clock(self, body: dict[str, Any], request: ControlRequest) -> dict[str, Any]:
        """`{"now": "2023-10-06T19:14:45Z", "frozen": true}` or `{"advance": 3600}`."""
        if "advance" in body:
            self._azure.clock.advance(_number(body, "advance"))
        elif "now" in body:
            try:
                moment = datetime.fromisoformat(str(body["now"]))
            except ValueError as error:
                raise BadRequestError(f"now is not a date and time: '{body['now']}'; write it as 2023-10-06T19:14:45Z") from error
            self._azure.clock.set(moment, frozen=bool(body.get("frozen")))
        else:
            raise BadRequestError("the clock takes 'now' (ISO 8601 with a zone) or 'advance' (seconds)")
        return self.get_clock(body, request)

    def reset_clock(self, body: dict[str, Any], request: ControlRequest) -> dict[str, Any]:
        self._azure.clock.follow_machine()
        return self.get_clock(body, request)

    def add_principal(self, body: dict[str, Any], _request: ControlRequest) -> dict[str, Any]:
        """A new application; `role` (its name) and `scope` give it a role that takes effect at once."""
        role = next((role for role in access.ROLES.values() if role.name == body.get("role")), None)
        if body.get("role") and role is None:
            raise BadRequestError(f"no role is named '{body['role']}'; use one of {', '.join(role.name for role in access.ROLES.values())}")
        with self._azure.store.transaction():
            principal = principals.create(self._azure.store, name=str(body.get("name") or "created by the control port"))
            if role:
                scope = str(body.get("scope") or f"/subscriptions/{principals.directory(self._azure.store).subscription_id}")
                role_assignments.grant(self._azure, object_id=principal.object_id, role_id=role.id, scope=scope, name=principal.client_id)
        return {"client_id": principal.client_id, "client_secret": principal.secret, "object_id": principal.object_id}

    def add_vault(self, body: dict[str, Any], _request: ControlRequest) -> dict[str, Any]:
        """A key vault with roles for its keys, at once: `name`, `group`, `sku`; `subscription`: somebody else's, which has the name."""
        subscription = str(body.get("subscription") or principals.directory(self._azure.store).subscription_id)
        group, name = str(body.get("group") or "vaults"), str(body.get("name") or "")
        resource_id = ResourceId(cloud=host_names.PUBLIC, subscription=subscription, group=group, name=name)
        try:
            with self._azure.store.transaction():
                vault = vault_lifecycle.create_with_roles(self._azure, resource_id, str(body.get("sku") or "premium"))
        except VaultManagementError as error:
            raise BadRequestError(error.message) from error
        return {"id": vaults.identifier(vault), "uri": f"https://{vault['name']}.{host_names.PUBLIC.key_vault_suffix}"}

    def add_federated(self, body: dict[str, Any], _request: ControlRequest) -> dict[str, Any]:
        """Let an outside issuer's subject log in: `client_id`, `issuer`, `subject`, `audience`, `jwks`."""
        missing = [name for name in ("client_id", "issuer", "subject", "jwks") if name not in body]
        if missing:
            raise BadRequestError(f"a federated credential needs '{missing[0]}'")
        principal = principals.find(self._azure.store, str(body["client_id"]))
        if principal is None:
            raise BadRequestError(f"no application has the client id '{body['client_id']}'")
        audience = str(body.get("audience") or "api://AzureADTokenExchange")
        credential = principals.FederatedCredential(
            issuer=str(body["issuer"]), subject=str(body["subject"]), audience=audience, jwks=body["jwks"]
        )
        principal.federated.append(credential)
        with self._azure.store.transaction():
            principals.save(self._azure.store, principal)
        return {}

    async def reset(self, _body: dict[str, Any], _request: ControlRequest) -> dict[str, Any]:
        """Delete everything except the tenant and its keys: groups, hubs, certificates, devices, roles, faults, logs, clock."""
        with self._azure.store.transaction():
            lifecycle.remove_all(self._azure)
            self._azure.store.clear(keep=(*KEPT_ON_RESET, *lifecycle.IN_CHUNKS))
            grant_deployer(self._application.azure)
        self._application.entries.clear()
        self._application.faults.rules.clear()
        self._azure.clock.follow_machine()
        self._azure.throttle.clear()
        self._azure.registration_throttle.clear()
        self._azure.registrations.clear()
        self._plane.clear()
        self._azure.events.clear()
        self._azure.presence.recheck_under("", self._azure.background)
        await lifecycle.removed(self._azure)
        return {}


def grant_deployer(azure: Azure) -> None:
    """Make the application whose credentials `env` prints Owner of the subscription."""
    directory = principals.directory(azure.store)
    deployer = principals.find(azure.store, directory.client_id)
    if deployer:
        owner = next(role for role in access.ROLES.values() if role.name == "Owner")
        scope = f"/subscriptions/{directory.subscription_id}"
        role_assignments.grant(azure, object_id=deployer.object_id, role_id=owner.id, scope=scope, name=directory.client_id)


def _message(recorded: RecordedEvent, *, whole: bool) -> dict[str, Any]:
    event = recorded.event
    shown: dict[str, Any] = {
        "time": recorded.enqueued.isoformat(),
        "host": recorded.host,
        "device": event.device,
        "module": event.module,
        "protocol": event.protocol,
        "topic": event.topic,
        "size": len(event.body),
        "qos": event.qos,
    }
    if whole:
        shown |= {"payload": base64.b64encode(event.body).decode(), "system": event.system, "properties": event.properties}
    return shown


def _is_about(request: ControlRequest, each: Any) -> bool:
    """Whether the host or path of a request or a fault rule has the text `?about=`; without it each has."""
    about = request.query_params.get("about", "").lower()
    return about in each.host.lower() or about in each.path.lower()


def _of_device(entries: Iterable[Any], request: ControlRequest) -> list[dict[str, Any]]:
    device = request.query_params.get("device")
    return [vars(entry) for entry in entries if device in {None, entry.device}]


def _number(body: dict[str, Any], name: str) -> float:
    value = body[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < math.inf:
        raise BadRequestError(f"{name} is a number of seconds, not {json.dumps(value)}")
    return float(value)


def _mutates(entry: dict[str, Any]) -> bool:
    reading = ("/oauth2/", "/listkeys", "checknameavailability", "checkprovisioningservicenameavailability", "/query")
    if entry["method"] in {"GET", "HEAD"}:
        return False
    return not any(part in entry["path"].lower() for part in reading)
