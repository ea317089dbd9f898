"""The registry client: what it sends, what each answer means, and how it adapts to a hub's throttling."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from hubtrust.azure import errors
from hubtrust.azure import throttle_pace as pace
from hubtrust.azure.bulk import RefusalReason, creation, deletion, identity_update, twin_update
from hubtrust.azure.clouds import PUBLIC
from hubtrust.azure.device_description import DeviceDescription, Twin
from hubtrust.azure.error_bodies import envelope
from hubtrust.azure.registry import Registry
from hubtrust.azure.throttle_pace import Pace
from hubtrust.devices.description import Scope
from hubtrust.devices.fleet_deletion import FleetDeletion
from hubtrust.devices.reconcile import Reconciliation
from hubtrust.reconcile_errors import AlreadyExistsError, FleetError
from tests.kit.scripted_azure import Reply, Script, scripted

OWNER = {"stack": "o/p/s", "urn": "urn:it's"}
SHOWN = {
    "deviceId": "press-001",
    "etag": "AAA=",
    "deviceEtag": "NjI=",
    "status": "disabled",
    "statusReason": "lost",
    "authenticationType": "selfSigned",
    "x509Thumbprint": {"primaryThumbprint": "ab" * 20, "secondaryThumbprint": None},
    "tags": {"plant": "A", "hubtrust": OWNER},
    "properties": {"desired": {"rate": 1, "$version": 3, "$metadata": {}}, "reported": {}},
    "capabilities": {"iotEdge": True},
    "deviceScope": "ms-azure-iot-edge://x",
}
FOUND = Twin(
    "press-001",
    DeviceDescription(
        enabled=False,
        reason="lost",
        edge=True,
        thumbprints=("AB" * 20,),
        tags={"plant": "A", "hubtrust": OWNER},
        desired={"rate": 1},
        parent="",
    ),
    "selfSigned",
    "AAA=",
    "NjI=",
    {"deviceScope": "ms-azure-iot-edge://x"},
)


@contextmanager
def registry(*replies: Reply) -> Iterator[tuple[Registry, Script]]:
    """A registry on the scripted server, with a pace that never waits."""
    with scripted(*replies) as script:
        created = Registry("hub-7.azure-devices.net", PUBLIC, None, script.retry_limits(), script.messages.append)  # type: ignore[arg-type]
        created._client = script.client()
        pace._PACES.clear()
        yield created, script
        pace._PACES.clear()


def test_a_twin_is_read_with_tags_and_desired_properties() -> None:
    """A twin has identity, tags and desired properties, without the service's metadata; its id is quoted in the path."""
    with registry((200, {}, SHOWN), (404, {"iothub-errorcode": "DeviceNotFound"}, {"Message": "ErrorCode:DeviceNotFound;no"})) as (
        created,
        script,
    ):
        assert created.twin("press-001") == FOUND
        assert created.twin("a%/?#b") is None
        assert [request.path.partition("?")[0] for request in script.requests] == ["/twins/press-001", "/twins/a%25%2F%3F%23b"]


def test_bulk_operations_send_tags_and_etags() -> None:
    """A device is created with its tag in one call; updates and deletions send the etag, and updates keep what others wrote."""
    wanted = DeviceDescription(tags={"plant": "B"}, desired={"rate": 2})
    assert creation("a", wanted, OWNER) == {
        "id": "a",
        "importMode": "create",
        "status": "enabled",
        "statusReason": None,
        "authentication": {"type": "certificateAuthority"},
        "capabilities": {"iotEdge": False},
        "tags": {"plant": "B", "hubtrust": OWNER},
        "properties": {"desired": {"rate": 2}},
    }
    assert identity_update(FOUND, wanted)["deviceScope"] == "", "as a leaf device it would be below itself"
    update = identity_update(FOUND, replace(wanted, edge=True))
    assert (update["importMode"], update["eTag"], update["deviceScope"]) == ("updateIfMatchETag", "NjI=", "ms-azure-iot-edge://x")
    twin = twin_update(FOUND, {"plant": None, "line": 4}, {"rate": 2}, OWNER)
    assert (twin["importMode"], twin["twinETag"]) == ("updateTwinIfMatchETag", "AAA=")
    assert twin["tags"] == {"plant": None, "line": 4, "hubtrust": OWNER}
    assert deletion(FOUND) == {"id": "press-001", "importMode": "deleteIfMatchETag", "eTag": "NjI="}
    shown = creation("a", DeviceDescription(thumbprints=("AB" * 20, "CD" * 20)), OWNER)["authentication"]
    assert shown == {"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": "AB" * 20, "secondaryThumbprint": "CD" * 20}}


def test_pages_are_followed_and_text_is_escaped() -> None:
    """The query asks for the tag with quotes escaped, and follows the continuation token to the last page."""
    with registry((200, {"x-ms-continuation": "next"}, [SHOWN]), (200, {}, [SHOWN, SHOWN])) as (created, script):
        assert list(created.owned(OWNER)) == [FOUND] * 3
        first, second = script.requests
        assert first.json == {"query": "SELECT * FROM devices WHERE tags.hubtrust.stack = 'o/p/s' AND tags.hubtrust.urn = 'urn:it\\'s'"}
        assert (first.headers["x-ms-max-item-count"], second.headers["x-ms-continuation"], second.json) == ("1000", "next", first.json)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("DeviceAlreadyExists", RefusalReason.EXISTS),
        (409001, RefusalReason.EXISTS),
        ("404001", RefusalReason.ABSENT),
        ("PreconditionFailed", RefusalReason.STALE),
        (400023, RefusalReason.STALE),
        (429001, RefusalReason.BUSY),
        ("ThrottlingBacklogTimeout", RefusalReason.BUSY),
        ("ServerError", RefusalReason.BUSY),
        ("ArgumentInvalid", RefusalReason.OTHER),
        (None, RefusalReason.OTHER),
    ],
)
def test_a_partly_refused_bulk_call_is_a_result(code: Any, why: RefusalReason) -> None:
    """A 400 with `isSuccessful: false` is an answer; its codes are names or numbers."""
    error = {"deviceId": "a", "errorCode": code, "errorStatus": "It  is so.\n"}
    with registry((400, {}, {"isSuccessful": False, "errors": [error], "warnings": []})) as (created, _):
        (refusal,) = created.bulk([{"id": "a"}, {"id": "b"}])
        assert (refusal.device_id, refusal.reason) == ("a", why)
        assert refusal.message.endswith("It is so")


def test_devices_of_another_owner_do_not_hide_refused_ones() -> None:
    """One device exists with another owner and the hub refuses another: the error names both."""
    refusals = [
        {"deviceId": "press-001", "errorCode": "DeviceAlreadyExists", "errorStatus": "It exists"},
        {"deviceId": "press-002", "errorCode": "ArgumentInvalid", "errorStatus": "No such member"},
    ]
    others = SHOWN | {"tags": {"hubtrust": {"stack": "o/p/other", "urn": "urn:other"}}}
    with registry((400, {}, {"isSuccessful": False, "errors": refusals, "warnings": []}), (200, {}, others)) as (created, script):
        declared = {name: DeviceDescription() for name in ("press-001", "press-002", "press-003")}
        reconciliation = Reconciliation(created, "fleet", OWNER, Scope((), ()), declared.get, report=script.messages.append)
        with pytest.raises(AlreadyExistsError) as raised:
            reconciliation.apply(declared)
    assert "device 'press-001' exists and is not managed by this resource (owned by urn:other in stack o/p/other)" in raised.value.fact
    assert raised.value.fact.endswith(", and the hub refused device 'press-002': ArgumentInvalid: No such member")
    assert script.messages == ["fleet: 1 created"]


def test_a_wholly_refused_bulk_call_is_an_error() -> None:
    """A 400 with an error body in a hub's form."""
    printed = {"Message": "ErrorCode:ArgumentInvalid;No such member", "ExceptionMessage": "Tracking ID:x"}
    with (
        registry((400, {}, printed)) as (created, _),
        pytest.raises(errors.RefusedError, match=r"2 devices on IoT hub 'hub-7': .*ArgumentInvalid: No"),
    ):
        created.bulk([{"id": "a"}, {"id": "b"}])


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({}, {"Message": "ErrorCode:DeviceAlreadyExists;A device", "ExceptionMessage": "x"}, ("DeviceAlreadyExists", "A device")),
        ({}, {"Message": json.dumps({"errorCode": 401002, "message": "Unauthorized"}), "ExceptionMessage": ""}, ("401002", "Unauthorized")),
        ({}, {"Message": "{broken", "ExceptionMessage": ""}, ("", "{broken")),
        ({}, {"errorCode": 409301, "message": "It exists", "trackingId": "x"}, ("409301", "It exists")),
        ({"iothub-errorcode": "DeviceNotFound"}, {"errorCode": 404001, "message": "no"}, ("DeviceNotFound", "no")),
    ],
)
def test_each_form_of_a_hubs_error_is_read(headers: dict[str, str], body: dict[str, Any], expected: tuple[str, str]) -> None:
    """The three forms of an error body, and the header that has the code."""

    class Response:
        def __init__(self) -> None:
            self.headers, self.status_code = headers, 409

        def body(self) -> bytes:
            return json.dumps(body).encode()

    assert envelope(Response()) == expected  # type: ignore[arg-type]


def test_a_missing_hub_is_not_a_missing_role() -> None:
    """401 IotHubNotFound is retried, because a new hub may need a moment, and then reported as a missing hub, not a missing role."""
    printed = (401, {"iothub-errorcode": "IotHubNotFound"}, {"Message": "ErrorCode:IotHubNotFound;Unauthorized", "ExceptionMessage": ""})
    with registry(*[printed] * 9) as (created, script):
        with pytest.raises(errors.NotFoundError, match="check the subscription and the name"):
            created.twin("a")
        assert 5 < sum(script.waits) <= 20


class Clock:
    """A clock that advances only while a caller sleeps."""

    def __init__(self) -> None:
        """Start at zero."""
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.now += seconds

    def read(self) -> float:
        """Now, in seconds."""
        return self.now


@pytest.mark.parametrize("allowed", [100 / 60, 20.0, 5000 / 60])
def test_the_pace_settles_near_the_throttle(allowed: float) -> None:
    """Against a leaky bucket of any width the pace settles near it: most of the allowance is used and few calls are refused."""
    clock = Clock()
    kept = Pace(sleep=clock.sleep, clock=clock.read)
    empty_at, done, refused = 0.0, 0, 0
    while done < 500:
        sent = kept.wait()
        throttled = max(empty_at, clock.now) - clock.now > 5 / allowed
        refused += throttled
        clock.now += 0.002
        if not throttled:
            empty_at = max(empty_at, clock.now) + 1 / allowed
            done += 1
        kept.record(sent, throttled=throttled)
    assert done / clock.now > 0.95 * allowed
    assert refused < 0.2 * done


def test_without_a_429_no_call_waits() -> None:
    """Without a 429 no call waits."""
    clock = Clock()
    kept = Pace(sleep=clock.sleep, clock=clock.read)
    for _ in range(100):
        kept.record(kept.wait(), throttled=False)
    assert clock.now == 0.0


def test_concurrent_429s_widen_the_pace_once() -> None:
    """Eight concurrent calls that are all refused widen the spacing once."""
    clock = Clock()
    kept = Pace(sleep=clock.sleep, clock=clock.read)
    clock.now = 0.1
    for sent in [kept.wait() for _ in range(8)]:
        clock.now += 0.001
        kept.record(sent, throttled=True)
    assert kept._spacing == pytest.approx(0.101)


def test_a_state_of_an_earlier_version_is_not_called_deleted() -> None:
    """It has no ids: what the index does not show after several looks is reported, with what to do."""
    waits: list[float] = []
    with registry(*[(200, {}, [])] * 4) as (created, script):
        deletion = FleetDeletion(created, "fleet", OWNER, None, 25, lambda _: False, script.messages.append, waits.append)
        fact = "does not show 25 of its 25 devices; run again in some minutes; if somebody else deleted them, run `refresh` first"
        with pytest.raises(FleetError, match=fact):
            deletion.run()
    assert len(waits) == 4
