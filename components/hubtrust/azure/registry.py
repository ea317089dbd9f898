"""The device registry of one IoT hub, behind the hub's own door: identities with their twins, in bulk, and paged queries.

Straight on azure-core: azure-iot-hub sends one device a call and carries a retired AMQP stack.
"""

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote

from hubtrust.azure.client import Answer, Door, Patience
from hubtrust.azure.clouds import Cloud
from hubtrust.azure.errors import AzureError, DeniedError, NotFoundError
from hubtrust.azure.login import Login
from hubtrust.azure.throttle_pace import shared

_API_VERSION = {"api-version": "2021-04-12"}
MOST_IN_BULK = 100  # devices a call: learn.microsoft.com/rest/api/iothub/service/bulk-registry
_PAGE = 1000  # rows asked for; a hub may give fewer
_REMEDIES: dict[type[AzureError], str] = {
    DeniedError: "give this identity the role 'IoT Hub Data Contributor' on the hub: name it in `operators` (Owner lacks it)",
    NotFoundError: "check the hub's name, refresh, then run again",
}
# What a hub counts apart from all else: learn.microsoft.com/azure/iot-hub/iot-hub-devguide-quotas-throttling
_IDENTITIES, _QUERIES, _TWINS = "identities", "queries", "twins"
# Numbers of the error codes, where a bulk answer gives those instead of names: …/iot-hub/iot-hub-troubleshoot-error-codes
_NUMBERED = {"400023": "EtagDoesNotMatch", "404001": "DeviceNotFound", "409001": "DeviceAlreadyExists", "412001": "PreconditionFailed"}


@dataclass(frozen=True, slots=True)
class Registration:
    """What a registry holds of a device beside its id: what is wanted of it, or what was found."""

    enabled: bool = True
    reason: str | None = None  # of its status, at most 128 characters
    edge: bool = False
    thumbprints: tuple[str, ...] = ()  # one or two, upper-case hex, of self-signed certificates; none: authentication by CA
    tags: Mapping[str, Any] = field(default_factory=dict)
    desired: Mapping[str, Any] = field(default_factory=dict)

    @property
    def authentication(self) -> str:
        """Azure's word for how it shows who it is."""
        return "selfSigned" if self.thumbprints else "certificateAuthority"


@dataclass(frozen=True, slots=True)
class Twin:
    """A device as the hub shows it."""

    device_id: str
    registration: Registration
    authentication: str  # sas, selfSigned, certificateAuthority or none
    etag: str  # of the tags and desired properties
    device_etag: str  # of the identity
    scopes: Mapping[str, Any] = field(default_factory=dict)  # of an edge hierarchy, that an update must not lose


class Refused(enum.Enum):
    """Why a hub did not do what a bulk call asked for one device."""

    EXISTS = "DeviceAlreadyExists"
    ABSENT = "DeviceNotFound"
    STALE = "PreconditionFailed"
    BUSY = "Busy"
    OTHER = "Other"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One device of a bulk call that was refused; ``words`` are Azure's."""

    device_id: str
    why: Refused
    words: str


Operation = dict[str, Any]  # one device of a bulk call, in the wire's words


def creation(device_id: str, wanted: Registration, owner: Mapping[str, str]) -> Operation:
    """Create the device; its twin, with our tag, is written in the same call."""
    twin = {"tags": {**wanted.tags, **_tag(owner)}, "properties": {"desired": dict(wanted.desired)}}
    return {"id": device_id, "importMode": "create", **_identity(wanted), **twin}


def identity_update(found: Twin, wanted: Registration) -> Operation:
    """Write the identity anew, if nobody else did meanwhile."""
    return {"id": found.device_id, "importMode": "updateIfMatchETag", "eTag": found.device_etag, **found.scopes, **_identity(wanted)}


def twin_update(found: Twin, tags: Mapping[str, Any], desired: Mapping[str, Any], owner: Mapping[str, str]) -> Operation:
    """Write these tags and desired properties (None takes one away) and our tag; what others wrote goes along unchanged."""
    whole_tags = {**found.registration.tags, **tags, **_tag(owner)}
    whole_desired = {**found.registration.desired, **desired}
    twin = {"tags": whole_tags, "properties": {"desired": whole_desired}}
    return {"id": found.device_id, "importMode": "updateTwinIfMatchETag", "twinETag": found.etag, **twin}


def deletion(found: Twin) -> Operation:
    """Delete the device, if nobody changed it meanwhile."""
    return {"id": found.device_id, "importMode": "deleteIfMatchETag", "eTag": found.device_etag}


class Registry:
    """The registry of the hub ``host``. For a `with`.

    Every method may raise the errors of ``Door.send``. Calls of all registries of a process on one hub keep one pace.
    """

    def __init__(self, host: str, cloud: Cloud, login: Login, patience: Patience, tell: Callable[[str], None]) -> None:
        self._host = host
        self._door = Door(f"https://{host}", cloud.hub_scope, login, patience, tell, remedies=_REMEDIES)

    def __enter__(self) -> Self:
        self._door.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._door.__exit__()

    def twin(self, device_id: str) -> Twin | None:
        """The device, straight from the registry and not from the index that lags; None when it is not there."""
        path = f"/twins/{quote(device_id, safe='')}"
        answer = self._send("GET", path, f"device '{device_id}'", _TWINS, absent_is_fine=True)
        return None if answer.status == 404 else _twin(answer.body)  # noqa: PLR2004 - HTTP's number

    def owned(self, owner: Mapping[str, str]) -> Iterator[Twin]:
        """Every device whose tag says that it is ``owner``'s. The index behind it lags a second or two, for deleted devices much longer.

        Source: learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language.
        """
        wanted = " AND ".join(f"tags.hubtrust.{name} = {_literal(value)}" for name, value in sorted(owner.items()))
        body, headers = {"query": f"SELECT * FROM devices WHERE {wanted}"}, {"x-ms-max-item-count": str(_PAGE)}  # noqa: S608 - escaped
        while True:
            answer = self._send("POST", "/devices/query", "the devices", _QUERIES, body=body, headers=headers)
            yield from (_twin(row) for row in answer.items)
            if answer.continuation is None:
                return
            headers = {**headers, "x-ms-continuation": answer.continuation}

    def bulk(self, operations: Sequence[Operation]) -> list[Refusal]:
        """Carry out at most 100 operations on different devices; gives those that were refused, the others are done."""
        what = f"{len(operations)} devices" if len(operations) > 1 else f"device '{operations[0]['id']}'"
        answer = self._send("POST", "/devices", what, _IDENTITIES, body=list(operations), partial_is_fine=True)
        return [_refusal(one) for one in answer.body.get("errors") or []]

    def _send(self, method: str, path: str, what: str, kind: str, **options: Any) -> Answer:
        named = f"{what} on IoT hub '{self._host.partition('.')[0]}'"
        return self._door.send(method, path, what=named, query=_API_VERSION, pace=shared(self._host, kind), **options)


def _tag(owner: Mapping[str, str]) -> dict[str, Any]:
    return {"hubtrust": dict(owner)}


def _identity(wanted: Registration) -> dict[str, Any]:
    authentication: dict[str, Any] = {"type": wanted.authentication}
    if wanted.thumbprints:
        names = ("primaryThumbprint", "secondaryThumbprint")
        authentication["x509Thumbprint"] = dict(zip(names, wanted.thumbprints, strict=False))
    return {
        "status": "enabled" if wanted.enabled else "disabled",
        "statusReason": wanted.reason,
        "authentication": authentication,
        "capabilities": {"iotEdge": wanted.edge},
    }


def _twin(body: Mapping[str, Any]) -> Twin:
    desired = (body.get("properties") or {}).get("desired") or {}
    thumbprints = body.get("x509Thumbprint") or {}
    registration = Registration(
        enabled=body.get("status") != "disabled",
        reason=body.get("statusReason") or None,
        edge=(body.get("capabilities") or {}).get("iotEdge") is True,
        thumbprints=tuple(dict.fromkeys(str(one).upper() for one in thumbprints.values() if one)),
        tags=body.get("tags") or {},
        desired={name: value for name, value in desired.items() if not name.startswith("$")},
    )
    scopes = {name: body[name] for name in ("deviceScope", "parentScopes") if body.get(name)}
    etags = str(body.get("etag") or ""), str(body.get("deviceEtag") or "")
    return Twin(str(body.get("deviceId") or ""), registration, str(body.get("authenticationType") or ""), *etags, scopes)


def _refusal(error: Mapping[str, Any]) -> Refusal:
    code = str(error.get("errorCode"))
    name = _NUMBERED.get(code, code)
    words = f"{name}: {' '.join(str(error.get('errorStatus') or '').split())[:200]}".rstrip(": .")
    busy = name.startswith(("429", "500", "503", "Throttl", "ServerError", "ServiceUnavailable"))
    name = "PreconditionFailed" if name == "EtagDoesNotMatch" else name
    known = {each.value: each for each in (Refused.EXISTS, Refused.ABSENT, Refused.STALE)}
    return Refusal(str(error.get("deviceId") or ""), Refused.BUSY if busy else known.get(name, Refused.OTHER), words)


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
