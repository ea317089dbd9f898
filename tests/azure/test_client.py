"""The HTTP client: what is retried and for how long, what is not, and the error for each answer."""

from typing import Any

import pytest

from hubtrust.azure import errors
from hubtrust.azure.client import JsonResponse
from tests.kit.scripted_azure import Reply, Script, scripted

OK: Reply = (200, {}, {"fine": True})


def rp(code: int, message: str) -> dict[str, Any]:
    """Microsoft.Devices' envelope, with the tail that all its messages have."""
    tail = "If you contact a support representative please include this correlation identifier: x, timestamp: y, errorcode: IH."
    return {"code": code, "httpStatusCode": code // 1000, "message": f"{message} {tail}"}


def arm(code: str, message: str = "It is so.") -> dict[str, Any]:
    """ARM's own envelope."""
    return {"error": {"code": code, "message": message}}


def send(script: Script, *, absent_is_fine: bool = False, **limits: float) -> JsonResponse:
    options: dict[str, Any] = {"query": {"api-version": "1"}, "expects": lambda _: None, "absent_is_fine": absent_is_fine}
    return script.client(**limits).send("GET", "/x", what="certificate 'a'", **options)


@pytest.mark.parametrize(
    "passing",
    [
        (409, {}, rp(409002, "hub is not currently in Active state.")),
        (429, {}, {}),
        (408, {}, b"plain text"),
        (500, {}, rp(500019, "Internal Error.")),
        (503, {}, b""),
        (504, {}, arm("GatewayTimeout")),
        (403, {}, arm("AuthorizationFailed")),
        (401, {}, arm("ExpiredAuthenticationToken")),
        (404, {}, arm("ParentResourceNotFound")),
        (0, {}, b""),
    ],
)
def test_temporary_errors_are_retried(passing: Reply) -> None:
    """A request that was refused temporarily or whose connection dropped is sent again, without a message."""
    with scripted(passing, OK) as script:
        assert send(script).body == {"fine": True}
        assert (len(script.requests), script.waits, script.messages) == (2, [0.5], [])


def test_a_dropped_connection_is_reported_in_plain_words() -> None:
    """A dropped connection is reported in plain words, and a proxy that did nothing is not blamed."""
    dropped: Reply = (0, {}, b"")
    with (
        scripted(dropped, dropped) as script,
        pytest.raises(errors.UnreachableError, match=r": the connection was closed before an answer came"),
    ):
        send(script, deadline=0.1)


def test_retry_after_is_respected() -> None:
    """Retry-After is respected, in seconds or milliseconds; a long wait is reported once."""
    with scripted((429, {"Retry-After": "7"}, {}), (429, {"retry-after-ms": "1500"}, {}), (429, {"Retry-After": "soon"}, {}), OK) as script:
        send(script)
        assert script.waits == [7.0, 1.5, 2.0]
        assert script.messages == ["certificate 'a': Azure answers 429; trying again for up to 300 s"]


def test_without_retry_after_waits_double_up_to_a_limit() -> None:
    """Without Retry-After each wait is twice the last, up to 15 s, until the deadline; the error says how often it was tried."""
    with scripted(*[(429, {}, {})] * 20) as script:
        with pytest.raises(errors.BusyError, match=r"^certificate 'a': Azure answers 429 \(tried 9 times in 60 s\); run again later; "):
            send(script, deadline=70)
        assert script.waits == [0.5, 1, 2, 4, 8, 15, 15, 15]


@pytest.mark.parametrize(
    ("reply", "kind", "limit"),
    [
        ((403, {}, arm("AuthorizationFailed")), errors.DeniedError, 90),
        ((404, {}, arm("ParentResourceNotFound")), errors.NotFoundError, 20),
        ((0, {}, b""), errors.UnreachableError, 60),
        ((503, {}, {}), errors.BusyError, 300),
    ],
)
def test_each_kind_of_error_has_its_own_limit(reply: Reply, kind: type[errors.AzureError], limit: float) -> None:
    """A denial is retried for 90 s, a missing hub for 20, a lost connection for 60, everything else for 300; each has its own error."""
    with scripted(*[reply] * 60) as script:
        with pytest.raises(kind, match="tried"):
            send(script)
        assert limit - 15 <= sum(script.waits) <= limit


def test_a_lasting_500_is_retried_five_times() -> None:
    """Azure also answers 500 to a request that it can't read, so five tries are enough."""
    with scripted(*[(500, {}, rp(500019, "Internal Error."))] * 9) as script:
        with pytest.raises(errors.BusyError, match="check what was sent"):
            send(script)
        assert len(script.requests) == 5


@pytest.mark.parametrize(
    ("reply", "kind", "match"),
    [
        ((412, {}, rp(412001, "Invalid ETag supplied.")), errors.EtagError, "Azure answers 412 412001: Invalid ETag supplied; run again"),
        (
            (400, {}, rp(400053, "Proof-Of-Possession failed.")),
            errors.RefusedError,
            "400053: Proof-Of-Possession failed; check that the key",
        ),
        ((409, {}, arm("MissingSubscriptionRegistration")), errors.RefusedError, "az provider register --namespace Microsoft.Devices"),
        ((404, {}, arm("SubscriptionNotFound")), errors.NotFoundError, "check the subscription id and the tenant of the login"),
        ((404, {}, {"Code": "Strange", "Message": "2017"}), errors.NotFoundError, "404 Strange: 2017"),
        ((400, {}, {"error": "invalid_request", "error_description": "AADSTS1: no"}), errors.RefusedError, "invalid_request: AADSTS1: no"),
        ((403, {}, rp(403002, "Total number of X exceeded.")), errors.RefusedError, "403002: Total number of X exceeded; correct"),
    ],
)
def test_lasting_errors_are_raised_at_once(reply: Reply, kind: type[errors.AzureError], match: str) -> None:
    """An error that a retry can't change is raised after one try, with Azure's code and message and what to do."""
    with scripted(reply, OK) as script:
        with pytest.raises(kind, match=match) as caught:
            send(script)
        assert (len(script.requests), script.waits) == (1, [])
        assert "\n" not in str(caught.value)
        assert "support" not in str(caught.value)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_an_error_has_azures_code() -> None:
    """The error has Azure's code, for callers that know more about the request."""
    with scripted((400, {}, rp(400053, "No."))) as script, pytest.raises(errors.RefusedError) as caught:
        send(script)
    assert caught.value.code == "400053"


@pytest.mark.parametrize("code", ["ResourceNotFound", "ResourceGroupNotFound", 404002, 404008])
def test_a_404_is_returned_where_the_caller_allows_it(code: str | int) -> None:
    """With ``absent_is_fine`` a 404 about the resource, its hub or its group is returned."""
    body = rp(code, "gone") if isinstance(code, int) else arm(code)
    with scripted((404, {}, body)) as script:
        assert send(script, absent_is_fine=True).status == 404


@pytest.mark.parametrize("body", [arm("SubscriptionNotFound"), b"<html/>", {}])
def test_a_404_from_elsewhere_does_not_count_as_deleted(body: Any) -> None:
    """A 404 for a wrong subscription, or from a proxy, never counts as "deleted"."""
    with scripted(*[(404, {}, body)] * 9) as script, pytest.raises((errors.NotFoundError, errors.UnreachableError)):
        send(script, absent_is_fine=True, deadline=1)


def test_a_refused_token_is_replaced() -> None:
    """After a 401 the next try logs in again; after other answers the token is kept."""
    with scripted((401, {}, {}), (503, {}, {}), OK) as script:
        send(script)
        assert [request.headers["Authorization"] for request in script.requests] == [
            "Bearer token-0-for-scope",
            "Bearer token-1-for-scope",
            "Bearer token-1-for-scope",
        ]


def test_a_body_that_is_not_an_object_counts_as_empty() -> None:
    """A list is in ``items``, and ``body`` is empty."""
    with scripted((200, {}, [1])) as script:
        found = send(script)
    assert (found.body, found.items) == ({}, [1])


def test_a_closed_port_is_retried_then_reported() -> None:
    """A closed port is retried until the limit for lost connections, and the error says what to check."""
    with scripted() as script:
        pass
    with pytest.raises(
        errors.UnreachableError, match=r"no connection to 127\.0\.0\.1 \(Connection refused\).*; check network and proxy \(HTTPS_PROXY\)"
    ):
        send(script, deadline=3)
