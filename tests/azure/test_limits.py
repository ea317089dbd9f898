"""Every call has an end: an answer that drips or hangs, a connection that is never accepted, a login that hangs, an answer of any size."""

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from hubtrust.azure import errors, login, reachability, transport
from hubtrust.azure.client import AzureClient
from hubtrust.azure.clouds import PUBLIC
from hubtrust.azure.login import Login
from hubtrust.azure.retry import RetryLimits
from tests.kit.scripted_azure import scripted, shown

DEADLINE = 1.0
LONG = 30.0  # if a call takes this long it has no end: far more than any of these needs, also on a slow machine
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
Behaviour = Callable[[socket.socket, threading.Event], None]


@contextmanager
def server(behaviour: Behaviour) -> Iterator[str]:
    """A server that does this with each connection, until the test is over; yields its URL."""
    listening, over = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def serve() -> None:
        while not over.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=converse, args=(connection,), daemon=True).start()

    def converse(connection: socket.socket) -> None:
        with connection:
            try:
                behaviour(connection, over)
            except OSError:
                return

    serving = threading.Thread(target=serve, daemon=True)
    serving.start()
    reachability.forget()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        over.set()
        listening.shutdown(socket.SHUT_RDWR)  # closing alone would not end the thread's accept, and a later socket gets the same number
        serving.join()
        listening.close()


def silent(_: socket.socket, over: threading.Event) -> None:
    """Say nothing."""
    over.wait(LONG)


def dripping(start: bytes, piece: bytes) -> Behaviour:
    """Send the start, then a piece ten times a second for ever."""

    def drip(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(start)
        while not over.wait(0.1):
            connection.sendall(piece)

    return drip


HANGING: dict[str, Behaviour] = {
    "no answer": silent,
    "status line": dripping(b"HTTP/1.1 200 ", b"O"),
    "headers": dripping(HEAD, b"X-More: 1\r\n"),
    "body": dripping(HEAD + b"Content-Length: 100000\r\n\r\n{", b" "),
    "body without a length": dripping(HEAD + b"\r\n{", b" "),
    "chunks": dripping(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "a chunk": dripping(HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n", b" "),
    "compressed": dripping(HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10], b"\x00\x00\x00\xff\xff"),  # empty blocks
    "interim answers": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


class Static(Login):
    """A login that is always there."""

    def __init__(self) -> None:
        super().__init__(PUBLIC, {})

    def access_token(self, scope: str, *, within_seconds: float = 0) -> Any:
        """A token."""
        from azure.core.credentials import AccessToken

        return AccessToken(f"{scope}-{within_seconds > 0}", 2**33)


def ask(url: str, *, login: Login | None = None, deadline: float = DEADLINE) -> Any:
    """One request through the client."""
    limits = RetryLimits(deadline=deadline).starting_now()
    with AzureClient(url, "scope", login or Static(), limits, lambda _: None) as client:
        return client.send("GET", "/x", what="it", query={}, expects=lambda _: None)


@pytest.mark.parametrize("behaviour", HANGING)
def test_an_answer_that_never_ends_is_not_waited_for(behaviour: str) -> None:
    """A server that accepts and then says nothing, or says it byte by byte for ever: the deadline ends the call, in one line."""
    with server(HANGING[behaviour]) as url:
        started = time.monotonic()
        with pytest.raises(errors.UnreachableError, match=r"no complete answer within|did not answer in time") as caught:
            ask(url)
        assert time.monotonic() - started < LONG / 2
        assert "\n" not in str(caught.value)


def busy_then_silent(connection: socket.socket, over: threading.Event) -> None:
    """Answer 429 once, with no time to wait, then say nothing."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
    over.wait(LONG)


def test_the_cause_of_an_error_is_what_the_host_said_not_that_time_was_over() -> None:
    """A service that is busy, and whose next answer does not come before the deadline: the error says that it is busy."""
    with server(busy_then_silent) as url, pytest.raises(errors.BusyError, match="429") as caught:
        ask(url)
    assert caught.value.may_be_done, "the second request may have been carried out"


def test_a_connection_that_is_never_accepted_is_not_waited_for() -> None:
    """A server whose queue of connections is full: the deadline ends the call."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        reachability.forget()
        with pytest.raises(errors.UnreachableError):
            ask(f"http://127.0.0.1:{full.getsockname()[1]}")
        for one in waiting:
            one.close()


@pytest.mark.parametrize("packed", [True, False])
def test_an_answer_has_a_size(packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few kilobytes of gzip that become megabytes, and megabytes as they are: reading ends at the limit."""
    monkeypatch.setattr(transport, "LARGEST_ANSWER", 2**20)
    monkeypatch.setattr(transport, "LARGEST_COMPRESSED", 2**20)
    body = json.dumps(shown() | {"more": " " * 2**24}).encode()
    headers = {"Content-Encoding": "gzip"} if packed else {}
    with (
        scripted((200, headers, gzip.compress(body) if packed else body)) as script,
        pytest.raises(errors.UnreachableError, match="the answer is larger than 1 MiB; check HTTPS_PROXY"),
    ):
        script.certificates(deadline=0.1).get("plant-a")


def test_a_host_is_waited_for_once_in_a_run() -> None:
    """After a host did not answer until the limit, the next request for it is sent once; when it answers, it is waited for again."""
    drop: Any = (0, {}, b"")
    with scripted(*[drop] * 3) as script:
        certificates = script.certificates(deadline=2)
        for tries in (3, 1, 1):
            script.replies[:], before = [drop] * 5, len(script.requests)
            with pytest.raises(errors.UnreachableError):
                certificates.get("plant-a")
            assert len(script.requests) - before == tries
        script.replies[:] = [(200, {}, shown())]
        assert certificates.get("plant-a")
        script.replies[:] = [drop, (200, {}, shown())]
        assert certificates.get("plant-a")
        assert script.messages == []


def test_a_long_wait_for_a_host_is_told_once() -> None:
    """Five requests that wait for a host at once, or one after the other, are one message."""
    with scripted() as script:
        certificates = script.certificates(deadline=30)
        for _ in range(3):
            script.replies[:] = [(0, {}, b"")] * 12
            with pytest.raises(errors.UnreachableError):
                certificates.get("plant-a")
        assert len(script.messages) == 1


class Hanging:
    """A credential that never answers, such as an az CLI that waits for a person."""

    def __init__(self, over: threading.Event) -> None:
        self.over = over

    def get_token(self, *_: str) -> Any:
        """Wait."""
        self.over.wait(LONG)


def test_a_login_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A credential that hangs costs the deadline once; the requests of other threads, which wait for the same login, end as well."""
    over = threading.Event()
    reachability.forget()
    monkeypatch.setattr(login, "source", lambda *_: Hanging(over))
    hanging, started = Login(PUBLIC, {}), time.monotonic()
    outcomes: list[str] = []

    def request() -> None:
        with pytest.raises(errors.UnreachableError) as caught:
            ask("http://127.0.0.1:1", login=hanging)
        outcomes.append(str(caught.value))

    threads = [threading.Thread(target=request) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    over.set()
    assert time.monotonic() - started < LONG / 2
    assert all("login at https://login.microsoftonline.com: no token within" in one for one in outcomes), outcomes
    assert len(outcomes) == 3


@pytest.mark.parametrize("behaviour", ["no answer", "body", "headers"])
def test_a_token_endpoint_that_hangs_is_not_waited_for(behaviour: str) -> None:
    """A login that accepts the connection and drips: the deadline ends it, and it is the login that is blamed."""
    with server(HANGING[behaviour]) as url:
        cloud = replace(PUBLIC, login=url.replace("http:", "https:"), known=False)
        environment = {"ARM_TENANT_ID": "t", "ARM_CLIENT_ID": "c", "ARM_CLIENT_SECRET": "s"}
        with pytest.raises(errors.UnreachableError, match=r"^login at https://127\.0\.0\.1:\d+: ") as caught:
            ask("http://127.0.0.1:1", login=Login(cloud, environment))
        assert "az login" not in str(caught.value)
