"""Answers that are not Azure's: whatever their status, nothing is concluded from them, and the error says who answered."""

import email.utils
import gzip
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hubtrust.azure import errors, reachability
from hubtrust.azure.certificates import Certificates, host_name
from hubtrust.azure.service import service
from tests.azure.test_registry import OWNER, SHOWN, registry
from tests.kit.scripted_azure import DPS, HUB, Reply, Script, scripted, shown

JSON = {"Content-Type": "application/json"}
LOGIN_PAGE = b"<!DOCTYPE html><html><title>Sign in</title></html>"
DEEP = b'{"value":' + b"[" * 100_000 + b"]" * 100_000 + b"}"

# What a proxy, or a broken connection, puts in the place of any answer; and the fact that is told.
FOREIGN: dict[str, tuple[Reply, str]] = {
    "login page": ((200, {"Content-Type": "text/html; charset=utf-8"}, LOGIN_PAGE), r"a web page answered instead of Azure \(text/html\)"),
    "page without a type": ((200, {"Content-Type": ""}, LOGIN_PAGE), r"a web page answered instead of Azure \(of no type\)"),
    "page as JSON": ((200, JSON, LOGIN_PAGE), "a web page answered instead of Azure"),
    "text": ((200, {"Content-Type": "text/plain"}, b"OK"), r"the answer is not complete JSON \(text/plain, 2 bytes\)"),
    "another's JSON": ((200, {}, {"status": "ok"}), "the answer is not Azure's"),
    "a number": ((200, {}, b"7"), "the answer is not Azure's"),
    "truncated": ((200, {}, json.dumps(shown()).encode()[:-20]), "the answer is not complete JSON"),
    "deep": ((200, {}, DEEP), "its JSON is nested too deeply"),
    "long number": ((200, {}, b'{"value":' + b"9" * 5000 + b"}"), "not complete JSON"),
    "character set": ((200, {"Content-Type": "application/json; charset=utf-16"}, "{}".encode("utf-16")), "its character set is utf-16"),
    "not text": ((200, {}, b"\xff\xfe{}"), "the answer is not complete JSON"),
    "redirect": ((302, {"Location": "https://login.corp.example/sso?from=secret"}, b""), r"redirected to https://login\.corp\.example[ ;]"),
    "redirect to nowhere": ((307, {"Location": "http://[bad"}, b""), "redirected to another address"),
    "404 page": ((404, {"Content-Type": "text/html"}, b"<html>nginx</html>"), r"a web page answered .* with status 404"),
    "403 page": ((403, {"Content-Type": "text/html"}, LOGIN_PAGE), r"a web page answered .* with status 403"),
    "401 page": ((401, {"WWW-Authenticate": "Basic realm=proxy"}, b""), "status 401 came without one of Azure's error messages"),
    "412 of a cache": ((412, {}, b""), "status 412 came without one of Azure's error messages"),
    "404 without a message": ((404, {}, {}), "status 404 came without one of Azure's error messages"),
    "deep 404": ((404, {}, DEEP), r"its JSON is nested too deeply\) with status 404"),
    "400 of a bulk call": ((400, {}, {"isSuccessful": True, "errors": []}), "status 400 came without|it has a body"),
    "a status of its own": ((404, {}, [1]), "status 404 came without one of Azure's error messages"),
}
EMPTY: tuple[Reply, str] = ((200, {}, b""), "the answer is empty")
NULL: tuple[Reply, str] = ((200, {}, b"null"), "the answer is empty")

CALLS: dict[str, Callable[[Certificates], object]] = {
    "get": lambda to: to.get("plant-a"),
    "list": lambda to: to.names(),
    "put": lambda to: to.put("plant-a", "PEM", etag=None),
    "generate": lambda to: to.generate_verification_code("plant-a", etag="e1"),
    "verify": lambda to: to.verify("plant-a", "PEM", etag="e1"),
}


def fails(script: Script, call: Callable[[], object], reply: Reply, fact: str) -> None:
    """The call is tried again, ends as "unreachable" with the fact, and tells what to check."""
    script.replies[:], script.requests[:] = [reply] * 12, []
    reachability.forget()
    with pytest.raises(errors.UnreachableError) as caught:
        call()
    assert re.search(fact, str(caught.value)), f"{fact!r} is not in: {caught.value}"
    assert "check the proxy (HTTPS_PROXY, NO_PROXY)" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert len(script.requests) > 1, "it was not tried again"


@pytest.mark.parametrize("owner", [HUB, DPS])
def test_what_is_not_azures_answer_to_a_certificate_call_is_no_answer(owner: str) -> None:
    """A page, an empty answer, another's JSON, a part of an answer, a redirection: none is taken for a certificate, or for its absence."""
    with scripted() as script:
        certificates = script.certificates(owner, deadline=2)
        for call in CALLS.values():
            for reply, fact in (*FOREIGN.values(), EMPTY, NULL):
                fails(script, lambda call=call: call(certificates), reply, fact)


@pytest.mark.parametrize("owner", [HUB, DPS])
def test_a_deletion_is_done_when_azure_says_so(owner: str) -> None:
    """A deletion is answered with an empty body or `null`; a page with status 200 deletes nothing."""
    with scripted() as script:
        certificates = script.certificates(owner, deadline=2)
        for reply, _ in FOREIGN.values():
            fails(script, lambda: certificates.delete("plant-a", etag="e1"), reply, "")
        for done in ((200, {}, b""), (200, {}, b"null"), (204, {}, b"")):
            script.replies[:] = [done]
            certificates.delete("plant-a", etag="e1")


def altered(**changes: Any) -> dict[str, Any]:
    """A certificate, with changes to it or to its properties."""
    body = shown(code="4F" * 24)
    inside = {name: changes.pop(name) for name in ("thumbprint", "isVerified", "verificationCode") if name in changes}
    return body | {"properties": body["properties"] | inside} | changes


@pytest.mark.parametrize(
    "lie",
    [
        altered(name="plant-b", id=f"{HUB}/certificates/plant-b"),
        altered(id=f"{DPS}/certificates/plant-a"),
        altered(etag=""),
        altered(etag=None),
        altered(thumbprint="AB"),
        altered(thumbprint=7),
        altered(isVerified="true"),
        altered(properties=[]),
        altered(properties=None),
        altered(verificationCode="4F"),
        altered(verificationCode=None),
        [altered()],
        {"value": [altered()]},
    ],
)
def test_another_certificate_is_not_the_one_that_was_asked_for(lie: Any) -> None:
    """An answer has the name and id that were asked for, an etag, a thumbprint, and after a request for a code a code."""
    with scripted(*[(200, {}, lie)] * 4, (200, {}, altered(name="Plant-A"))) as script:
        certificates = script.certificates(deadline=2)
        with pytest.raises(errors.UnreachableError, match="the answer is not Azure's"):
            certificates.generate_verification_code("plant-a", etag="e1")
        script.replies[:] = script.replies[-1:]
        assert certificates.get("plant-a"), "names are compared without case"


HUB_SHOWN = {"id": HUB, "name": "hub-7", "properties": {"hostName": "hub-7.azure-devices.net"}}


@pytest.mark.parametrize(
    "lie",
    [
        HUB_SHOWN | {"id": DPS},
        HUB_SHOWN | {"name": "hub-8"},
        HUB_SHOWN | {"properties": None},
        HUB_SHOWN | {"properties": {"hostName": 7}},
        HUB_SHOWN | {"properties": {"hostName": "x@evil.example/"}},
        {"value": [HUB_SHOWN]},
    ],
)
def test_another_hub_is_not_the_one_that_was_asked_for(lie: Any) -> None:
    """A hub's answer has its own id and name, and a host name that can be one: tokens are sent there."""
    with scripted() as script:
        client = script.client(deadline=2)
        fails(script, lambda: host_name(client, service(HUB)), (200, {}, lie), "the answer is not Azure's")


def test_what_is_not_azures_answer_about_devices_is_no_answer() -> None:
    """The same for a twin, a query and a bulk call: no device is missing, and none is done, because a proxy said something."""
    with registry() as (found, script):
        asked: list[Callable[[], object]] = [
            lambda: found.twin("press-001"),
            lambda: list(found.owned(OWNER)),
            lambda: found.bulk([{"id": "press-001"}]),
        ]
        for ask in asked:
            for reply, fact in (*FOREIGN.values(), EMPTY):
                fails(script, ask, reply, fact)


@pytest.mark.parametrize(
    "lie",
    [
        SHOWN | {"deviceId": "press-002"},
        SHOWN | {"deviceId": "PRESS-001"},
        SHOWN | {"etag": None},
        SHOWN | {"deviceEtag": ""},
        SHOWN | {"status": "maybe"},
        SHOWN | {"tags": []},
        SHOWN | {"properties": {"desired": []}},
        SHOWN | {"properties": None},
        SHOWN | {"x509Thumbprint": "AB"},
        SHOWN | {"capabilities": True},
        SHOWN | {"statusReason": {}},
    ],
)
def test_another_device_is_not_the_one_that_was_asked_for(lie: dict[str, Any]) -> None:
    """A twin is the device that was asked for (ids are case-sensitive), with its etags; no odd member ends in a traceback."""
    with registry(*[(200, {}, lie)] * 12) as (found, _), pytest.raises(errors.UnreachableError, match="the answer is not Azure's"):
        found.twin("press-001")


@pytest.mark.parametrize(
    "lie",
    [
        [SHOWN | {"tags": {}}],
        [SHOWN | {"tags": {"hubtrust": OWNER | {"urn": "urn:other"}}}],
        [SHOWN | {"tags": {"hubtrust": "ours"}}],
        [SHOWN, {"deviceId": "b"}],
        [None],
        {"value": [SHOWN]},
    ],
)
def test_a_page_of_devices_has_only_what_was_asked_for(lie: Any) -> None:
    """Each row of a query is a device with the owner tag that was asked for."""
    with registry(*[(200, {}, lie)] * 12) as (found, _), pytest.raises(errors.UnreachableError, match="the answer is not Azure's"):
        list(found.owned(OWNER))


def test_pages_that_lead_back_to_themselves_end() -> None:
    """A continuation token that came before is not followed for ever."""
    with registry(*[(200, {"x-ms-continuation": token}, [SHOWN]) for token in "abab"]) as (found, script):
        with pytest.raises(errors.UnreachableError, match="its pages lead back to themselves"):
            list(found.owned(OWNER))
        assert len(script.requests) == 3


@pytest.mark.parametrize(
    ("status", "lie"),
    [
        (200, {"isSuccessful": "true", "errors": []}),
        (200, {"isSuccessful": False, "errors": []}),
        (200, {"isSuccessful": True, "errors": [{"deviceId": "a"}]}),
        (400, {"isSuccessful": True, "errors": []}),
        (400, {"isSuccessful": False, "errors": [{"deviceId": "another"}]}),
        (200, {"isSuccessful": False, "errors": {"deviceId": "a"}}),
        (200, {"isSuccessful": False, "errors": ["a"]}),
        (200, {"isSuccessful": False, "errors": [{"deviceId": ["a"]}]}),
        (200, []),
    ],
)
def test_a_bulk_result_is_about_the_devices_that_were_sent(status: int, lie: Any) -> None:
    """A bulk call is done if its result says so, and names only devices that were sent; anything else is no result."""
    with registry(*[(status, {}, lie)] * 12) as (found, _), pytest.raises(errors.UnreachableError):
        found.bulk([{"id": "a"}, {"id": "b"}])


def test_a_retry_after_that_nobody_can_wait_for_is_ignored() -> None:
    """Retry-After that is negative, not a number, or far beyond any deadline is ignored, and a date is understood; nothing crashes."""
    values = ("-1", "nan", "inf", "-inf", "1e9", "soon", "", "Fri, 31 Feb 9999 99:99:99 GMT", "\u00b2", "0x10")
    with scripted() as script:
        certificates = script.certificates()
        for header in ("Retry-After", "retry-after-ms"):
            for value in values:
                script.replies[:], script.waits[:] = [(429, {header: value}, {}), (200, {}, shown())], []
                assert certificates.get("plant-a")
                assert script.waits == [0.5], f"{header}: {value}"
        later = email.utils.format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
        script.replies[:], script.waits[:] = [(429, {"Retry-After": later}, {}), (200, {}, shown())], []
        assert certificates.get("plant-a")
        assert 20 < script.waits[0] <= 30


def test_a_compressed_answer_is_read_and_a_wrong_encoding_is_none() -> None:
    """Gzip is read; bytes that are not what Content-Encoding says are no answer."""
    whole = gzip.compress(json.dumps(shown()).encode())
    with scripted((200, {"Content-Encoding": "gzip"}, whole), *[(200, {"Content-Encoding": "gzip"}, LOGIN_PAGE)] * 4) as script:
        certificates = script.certificates(deadline=2)
        assert certificates.get("plant-a")
        with pytest.raises(errors.UnreachableError):
            certificates.get("plant-a")


@pytest.mark.parametrize("challenge", ["Bearer authorization_uri=https://login.example", "SharedAccessSignature"])
def test_a_bare_refusal_of_a_token_is_a_refusal(challenge: str) -> None:
    """401 without a body is Azure's if it has the challenge for a token: the login is renewed, and then the role is missing."""
    with scripted(*[(401, {"WWW-Authenticate": challenge}, b"")] * 4) as script:
        with pytest.raises(errors.DeniedError):
            script.certificates(deadline=2).get("plant-a")
        assert script.logins > 0
