"""The enrollments and registrations of one Device Provisioning Service, at the service's own endpoint.

Built on azure-core: azure-iot-deviceprovisioning is a beta of 2023 whose models drop what they do not know.
Source: learn.microsoft.com/rest/api/iot-dps/service.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote

from hubtrust.azure import answer_shapes, enrollment_shapes
from hubtrust.azure.absence import found_again
from hubtrust.azure.client import AzureClient, JsonResponse
from hubtrust.azure.clouds import Cloud
from hubtrust.azure.enrollment_limits import MOST_LISTED, PAGE
from hubtrust.azure.error_bodies import PROXY_REMEDY
from hubtrust.azure.errors import AzureError, DeniedError, NotFoundError, RefusedError, UnreachableError
from hubtrust.azure.login import Login
from hubtrust.azure.retry import RetryLimits
from hubtrust.azure.throttle_pace import shared_pace
from hubtrust.errors import one_line

if TYPE_CHECKING:
    from hubtrust.azure.network_faults import NetworkFault

_T = TypeVar("_T")
_API_VERSION = {"api-version": "2021-10-01"}
# Enrollments are read with this one, which shows what the other one hides, and would remove with a write. Where a cloud does not know it,
# there is nothing that it could hide.
_NEWEST_VERSION = {"api-version": "2026-11-01"}
_WITHOUT_NEWEST: set[str] = set()  # hosts
_BAD_REQUEST = "400"
_NOT_FOUND = 404
_REMEDIES: dict[type[AzureError], str] = {
    DeniedError: (
        "give this identity the role 'Device Provisioning Service Data Contributor' on the service (operators of ProvisioningService): "
        "not even Owner includes it"
    ),
    NotFoundError: "check the provisioning service's name, refresh, then run again",
}
EXISTS = {"409201", "409202"}  # Azure's codes of "Enrollment already exists." and "EnrollmentGroup already exists."
_OPERATIONS = "operations"  # all calls of the service API have one throttle: learn.microsoft.com/azure/iot-dps/about-iot-dps


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of enrollments: where it is, and what its members are called."""

    title: str  # in messages
    path: str  # also the member of a bulk call
    id_member: str


GROUPS = Kind("enrollment group", "enrollmentGroups", "enrollmentGroupId")
INDIVIDUALS = Kind("individual enrollment", "enrollments", "registrationId")


@dataclass(frozen=True, slots=True)
class Enrollment:
    """An enrollment as the service shows it."""

    kind: Kind
    record: Mapping[str, Any]  # all members, as answered

    @property
    def id(self) -> str:
        """Its id, as it was written first."""
        return str(self.record[self.kind.id_member])

    @property
    def etag(self) -> str:
        """Changes with each write."""
        return str(self.record["etag"])

    @property
    def created(self) -> str:
        """When it was created, ISO 8601: another one of the same id has another time."""
        return str(self.record["createdDateTimeUtc"])

    @property
    def created_at(self) -> datetime:
        """As ``created``."""
        found = datetime.fromisoformat(self.created)
        return found if found.tzinfo else found.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Registration:
    """What the service remembers of a device that has registered, or tried to."""

    registration_id: str
    status: str  # unassigned, assigning, assigned, failed or disabled
    substatus: str | None
    assigned_hub: str | None  # a host name
    device_id: str | None
    error: str | None  # Azure's code and message, of one that failed
    etag: str
    updated: datetime | None


class BulkMode(StrEnum):
    """What a bulk call does with each of its enrollments."""

    CREATE = "create"
    UPDATE = "updateIfMatchETag"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class EnrollmentRefusal:
    """A refused enrollment of a bulk call. ``code`` is Azure's, such as 409201 (it exists); ``message`` has it too."""

    id: str
    code: str
    message: str


class EnrollmentService:
    """The provisioning service at ``host``, to be used in a `with` statement.

    Every method may raise the errors of ``AzureClient.send``. All clients of a process share the pace of each service.
    ``time`` is the service's time at its last answer; None before the first one. For ``on_denied`` see ``AzureClient``.
    """

    time: datetime | None = None

    def __init__(
        self,
        host: str,
        cloud: Cloud,
        login: Login,
        limits: RetryLimits,
        report: Callable[[str], None],
        *,
        on_denied: "Callable[[], NetworkFault | None] | None" = None,
    ) -> None:
        self.host = host
        url, scope = f"https://{host}", cloud.provisioning_scope
        self._client = AzureClient(url, scope, login, limits, report, remedies=_REMEDIES, on_denied=on_denied)

    def __enter__(self) -> Self:
        self._client.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.__exit__()

    def get(self, kind: Kind, id_: str) -> Enrollment | None:
        """The enrollment; None if the service says that it does not exist."""
        expects = enrollment_shapes.enrollment(kind.id_member, id_)
        answer = self._read("GET", _path(kind, id_), _what(kind, id_), expects=expects, absent_is_fine=True)
        return None if answer.status == _NOT_FOUND else Enrollment(kind, answer.body)

    def find(self, kind: Kind, id_: str) -> Enrollment | None:
        """As ``get``, but that it does not exist is confirmed: the service is asked again over some seconds, and for the list too.

        There may be a million individual enrollments. Of more than ``MOST_LISTED`` the service is asked for this one's attestation
        instead, at another address.

        Raises:
            UnreachableError: it is there although the service says that it does not exist.
        """
        found = self.get(kind, id_) or self.found_again(lambda: self.get(kind, id_))
        if found is None and self._is_there(kind, id_):
            fact, remedy = "Azure answers 404 for it, but it is there", "run again in a few minutes: nothing was changed"
            raise UnreachableError(self._named(_what(kind, id_)), fact, remedy)
        return found

    def _is_there(self, kind: Kind, id_: str) -> bool:
        for number, one in enumerate(self.every(kind), 1):
            if one.id.lower() == id_.lower():
                return True
            if number >= MOST_LISTED:
                expects, path = enrollment_shapes.attestation, f"{_path(kind, id_)}/attestationmechanism"
                return self._send("POST", path, _what(kind, id_), expects=expects, absent_is_fine=True).status != _NOT_FOUND
        return False

    def found_again(self, read: Callable[[], _T | None]) -> _T | None:
        """See ``absence.found_again``."""
        return found_again(read, self._client.limits)

    def put(self, kind: Kind, id_: str, body: Mapping[str, Any], *, etag: str | None) -> Enrollment:
        """Create the enrollment, or with ``etag`` replace the one that has it: a member that is left out is removed.

        Raises:
            RefusedError: with a code of ``EXISTS``: there is one already, and no etag was given.
            EtagError: it has another etag by now.
        """
        expects = enrollment_shapes.enrollment(kind.id_member, id_)
        options: dict[str, Any] = {"body": {kind.id_member: id_, **body}, "headers": {} if etag is None else {"If-Match": etag}}
        answer = self._send("PUT", _path(kind, id_), _what(kind, id_), expects=expects, **options)
        return Enrollment(kind, answer.body)

    def delete(self, found: Enrollment) -> None:
        """Delete the enrollment, unless it was changed since it was read. It is no error if Azure says that it is gone."""
        self._send(
            "DELETE",
            _path(found.kind, found.id),
            _what(found.kind, found.id),
            expects=answer_shapes.nothing,
            headers={"If-Match": found.etag},
            absent_is_fine=True,
        )

    def every(self, kind: Kind) -> Iterator[Enrollment]:
        """All enrollments of the kind, in no order, by pages."""
        what, expects = f"the {kind.title}s", enrollment_shapes.enrollments(kind.id_member)
        for row in self._pages(f"/{kind.path}/query", what, expects, {"query": "SELECT *"}):
            yield Enrollment(kind, row)

    def bulk(self, kind: Kind, mode: BulkMode, records: Sequence[Mapping[str, Any]]) -> list[EnrollmentRefusal]:
        """Write at most ``enrollment_limits.MOST_IN_BULK`` enrollments, each another one, with its id and for an update its etag.

        Returns those that were refused; the others are done.
        """
        ids = [str(one[kind.id_member]) for one in records]
        what = f"{len(records)} {kind.title}s" if len(records) > 1 else _what(kind, ids[0])
        body = {kind.path: list(records), "mode": mode.value}
        answer = self._send("POST", f"/{kind.path}", what, expects=enrollment_shapes.bulk_result(kind.id_member, ids), body=body)
        return [_refusal(kind, one) for one in answer.body.get("errors") or []]

    def registration(self, registration_id: str) -> Registration | None:
        """What the service remembers of the device; None if it never registered."""
        expects, what = enrollment_shapes.registration(registration_id), f"registration '{registration_id}'"
        answer = self._send("GET", f"/registrations/{quote(registration_id, safe='')}", what, expects=expects, absent_is_fine=True)
        return None if answer.status == _NOT_FOUND else _registration(answer.body)

    def registrations(self, group_id: str) -> Iterator[Registration]:
        """The devices that have registered, or tried to, by the group, in no order, by pages."""
        path, what = f"/registrations/{quote(group_id, safe='')}/query", f"the registrations of enrollment group '{group_id}'"
        yield from map(_registration, self._pages(path, what, enrollment_shapes.registrations, None))

    def delete_registration(self, registration: Registration) -> None:
        """Forget a registration, unless it was changed since it was read. The device stays in its hub."""
        path, what = f"/registrations/{quote(registration.registration_id, safe='')}", f"registration '{registration.registration_id}'"
        options: dict[str, Any] = {"headers": {"If-Match": registration.etag}, "absent_is_fine": True}
        self._send("DELETE", path, what, expects=answer_shapes.nothing, **options)

    def _pages(self, path: str, what: str, expects: answer_shapes.Expectation, body: object) -> Iterator[Any]:
        headers, seen = {"x-ms-max-item-count": str(PAGE)}, set[str]()
        while True:
            answer = self._read("POST", path, what, expects=expects, body=body, headers=headers)
            yield from answer.items
            if answer.continuation is None:
                return
            if answer.continuation in seen:
                fact = "the answer is not Azure's (its pages lead back to themselves)"
                raise UnreachableError(self._named(what), fact, PROXY_REMEDY)
            seen.add(answer.continuation)
            headers = {**headers, "x-ms-continuation": answer.continuation}

    def _read(self, method: str, path: str, what: str, **options: Any) -> JsonResponse:
        """As ``_send``, with the newest api-version that the service knows."""
        if self.host not in _WITHOUT_NEWEST:
            try:
                return self._send(method, path, what, version=_NEWEST_VERSION, **options)
            except RefusedError as error:
                if not error.code.startswith(_BAD_REQUEST):
                    raise
        answer = self._send(method, path, what, **options)
        _WITHOUT_NEWEST.add(self.host)
        return answer

    def _send(self, method: str, path: str, what: str, *, version: Mapping[str, str] = _API_VERSION, **options: Any) -> JsonResponse:
        pace = shared_pace(self.host, _OPERATIONS)
        answer = self._client.send(method, path, what=self._named(what), query=version, pace=pace, **options)
        self.time = answer.time or self.time
        return answer

    def _named(self, what: str) -> str:
        return f"{what} on provisioning service '{self.host.partition('.')[0]}'"


def _path(kind: Kind, id_: str) -> str:
    return f"/{kind.path}/{quote(id_, safe='')}"


def _what(kind: Kind, id_: str) -> str:
    return f"{kind.title} '{id_}'"


def _refusal(kind: Kind, error: Mapping[str, Any]) -> EnrollmentRefusal:
    code = str(error.get("errorCode") or "")
    return EnrollmentRefusal(str(error.get(kind.id_member)), code, f"{code}: {one_line(error.get('errorStatus') or '')}".strip(": "))


def _registration(body: Mapping[str, Any]) -> Registration:
    failed = f"{body.get('errorCode') or ''} {one_line(body.get('errorMessage') or '')}".strip()
    return Registration(
        body["registrationId"],
        body["status"],
        body.get("substatus"),
        body.get("assignedHub"),
        body.get("deviceId"),
        failed or None,
        body.get("etag") or "",
        _time(body.get("lastUpdatedDateTimeUtc")),
    )


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
