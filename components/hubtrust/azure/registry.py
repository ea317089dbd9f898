"""The device registry of one IoT hub, at the hub's own endpoint: identities with their twins, in bulk, and paged queries.

Built on azure-core, because azure-iot-hub sends one device in each call and depends on a retired AMQP library.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote

from hubtrust.azure import answer_shapes
from hubtrust.azure.absence import found_again
from hubtrust.azure.bulk import Operation, Refusal, refusal
from hubtrust.azure.client import AzureClient, JsonResponse
from hubtrust.azure.clouds import Cloud
from hubtrust.azure.device_description import OWNER_TAG, Twin, twin_from
from hubtrust.azure.error_bodies import PROXY_REMEDY
from hubtrust.azure.errors import AzureError, DeniedError, NotFoundError, UnreachableError
from hubtrust.azure.login import Login
from hubtrust.azure.retry import RetryLimits
from hubtrust.azure.throttle_pace import shared_pace

if TYPE_CHECKING:
    from hubtrust.azure.network_faults import NetworkFault

_T = TypeVar("_T")
_API_VERSION = {"api-version": "2021-04-12"}
_PAGE = 1000  # rows asked for; a hub may give fewer
_REMEDIES: dict[type[AzureError], str] = {
    DeniedError: (
        "give this identity the role 'IoT Hub Data Contributor' on the hub (setting operators): not even Owner includes it; "
        "if the setting has just been added, run `up` once with --refresh=false, because a refresh needs the role already"
    ),
    NotFoundError: "check the hub's name, refresh, then run again",
}
# Kinds of calls that a hub throttles separately: learn.microsoft.com/azure/iot-hub/iot-hub-devguide-quotas-throttling
IDENTITIES, _QUERIES, TWINS = "identities", "queries", "twins"


class Registry:
    """The registry of the hub ``host``, to be used in a `with` statement.

    Every method may raise the errors of ``AzureClient.send``. All registries of a process share the pace of each hub.
    ``time`` is the hub's time at its last answer; None before the first one. For ``on_denied`` see ``AzureClient``.
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
        self._host = host
        url = f"https://{host}"
        self._client = AzureClient(url, cloud.hub_scope, login, limits, report, remedies=_REMEDIES, on_denied=on_denied)

    def __enter__(self) -> Self:
        self._client.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.__exit__()

    def twin(self, device_id: str) -> Twin | None:
        """The device, read from the registry itself and not from the query index, which lags behind; None if it does not exist."""
        path = f"/twins/{quote(device_id, safe='')}"
        expects = answer_shapes.twin(device_id)
        answer = self.send("GET", path, f"device '{device_id}'", TWINS, expects=expects, absent_is_fine=True)
        return None if answer.status == 404 else twin_from(answer.body)  # noqa: PLR2004 - HTTP's number

    def find(self, device_id: str) -> Twin | None:
        """As ``twin``, but that it does not exist is confirmed: the hub is asked again over some seconds, and for the identity too.

        Raises:
            UnreachableError: see ``require_absent``.
        """
        found = self.twin(device_id) or self.found_again(lambda: self.twin(device_id))
        if found is None:
            self.require_absent(device_id)
        return found

    def require_absent(self, device_id: str) -> None:
        """Ask for the device's identity, at another address than its twin's.

        Raises:
            UnreachableError: the identity is there, so the 404 for the twin is wrong.
        """
        path, what = f"/devices/{quote(device_id, safe='')}", f"device '{device_id}'"
        answer = self.send("GET", path, what, IDENTITIES, expects=answer_shapes.identity(device_id), absent_is_fine=True)
        if answer.status != 404:  # noqa: PLR2004 - HTTP's number
            fact, remedy = "Azure answers 404 for its twin, but the device is there", "run again in a few minutes: nothing was changed"
            raise UnreachableError(f"{what} on IoT hub '{self._host.partition('.')[0]}'", fact, remedy)

    def found_again(self, read: Callable[[], _T | None]) -> _T | None:
        """See ``absence.found_again``."""
        return found_again(read, self._client.limits)

    def owned(self, owner: Mapping[str, str]) -> Iterator[Twin]:
        """Every device whose tag names ``owner``. The query index lags a second or two, and much longer for deleted devices.

        Source: learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language.
        """
        yield from map(twin_from, self._query("devices", owner, answer_shapes.twins(owner)))

    def devices_with_modules(self, owner: Mapping[str, str]) -> set[str]:
        """The ids of the enabled devices that have a module whose tag names ``owner``, and which a CA authenticates. The index lags."""
        rows = self._query("devices.modules", owner, answer_shapes.module_twins(owner))
        return {row["deviceId"] for row in rows if row["status"] != "disabled" and row["authenticationType"] == "certificateAuthority"}

    def _query(self, source: str, owner: Mapping[str, str], expects: answer_shapes.Expectation) -> Iterator[Any]:
        wanted = " AND ".join(f"tags.{OWNER_TAG}.{name} = {_literal(value)}" for name, value in sorted(owner.items()))
        body, headers = {"query": f"SELECT * FROM {source} WHERE {wanted}"}, {"x-ms-max-item-count": str(_PAGE)}  # noqa: S608 - escaped
        seen = set[str]()
        while True:
            answer = self.send("POST", "/devices/query", "the devices", _QUERIES, expects=expects, body=body, headers=headers)
            yield from answer.items
            if answer.continuation is None:
                return
            if answer.continuation in seen:
                fact = "the answer is not Azure's (its pages lead back to themselves)"
                raise UnreachableError(f"the devices on IoT hub '{self._host.partition('.')[0]}'", fact, PROXY_REMEDY)
            seen.add(answer.continuation)
            headers = {**headers, "x-ms-continuation": answer.continuation}

    def bulk(self, operations: Sequence[Operation]) -> list[Refusal]:
        """Send at most 100 operations, each on another device. Returns those that were refused; the others are done."""
        what = f"{len(operations)} devices" if len(operations) > 1 else f"device '{operations[0]['id']}'"
        expects = answer_shapes.bulk_result({str(one["id"]) for one in operations})
        answer = self.send("POST", "/devices", what, IDENTITIES, expects=expects, body=list(operations), partial_is_fine=True)
        return [refusal(one) for one in answer.body.get("errors") or []]

    def send(self, method: str, path: str, what: str, kind: str, **options: Any) -> JsonResponse:
        """A call about ``what``, throttled with others of its ``kind``; ``options`` are those of ``AzureClient.send``."""
        named = f"{what} on IoT hub '{self._host.partition('.')[0]}'"
        answer = self._client.send(method, path, what=named, query=_API_VERSION, pace=shared_pace(self._host, kind), **options)
        self.time = answer.time or self.time
        return answer


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
