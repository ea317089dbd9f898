"""Who may use the control port, and what a web page can send to local Azure's ports: each header, alone and disguised."""

import ast
import http.client
import inspect
import json
import os
import socket
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from local_azure_iot import control as control_module
from local_azure_iot import installation
from sandbox import commands
from tests.kit.control_port import authorization, control
from tests.kit.local_azure import LocalAzure, local_azure

_PATHS = {node.args[0].value for node in ast.walk(ast.parse(inspect.getsource(control_module))) if isinstance(node, ast.Call)
          and isinstance(node.func, ast.Name) and node.func.id == "Route" and isinstance(node.args[0], ast.Constant)}  # fmt: skip
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
_JSON = {"Content-Type": "application/json"}


def asked(
    url: str, method: str, path: str, headers: list[tuple[str, str]], body: bytes = b"", trust: str = ""
) -> tuple[int, dict[str, str]]:
    """The status and headers of the answer to a request with exactly these headers; 0 if the connection ended without one."""
    parts = urlsplit(url)
    context = ssl.create_default_context(cafile=trust) if trust else None
    made = (
        http.client.HTTPSConnection(str(parts.hostname), parts.port, timeout=60, context=context)
        if context
        else http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
    )
    try:
        made.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            made.putheader(name, value)
        if body:
            made.putheader("Content-Length", str(len(body)))
        made.endheaders(body or None)
        answer = made.getresponse()
        answer.read()
    except (ConnectionError, http.client.BadStatusLine):
        return 0, {}
    finally:
        made.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}


def own(azure: LocalAzure) -> str:
    """The control port's own host and port."""
    return urlsplit(azure.ready["control"]).netloc


def ready_headers(azure: LocalAzure, **changed: str | None) -> list[tuple[str, str]]:
    """What a program with the ready file sends; `host=None` leaves a header out."""
    headers = {"host": own(azure), **{name.lower(): value for name, value in (authorization(azure.ready) | _JSON).items()}}
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}
    return [(name, value) for name, value in headers.items() if value is not None]


def state(azure: LocalAzure) -> dict[str, Any]:
    """What the control port can change, as it shows it."""
    return {path: control(azure.ready, "GET", path).json() for path in ("/faults", "/settings", "/requests", "/connections")}


def test_there_are_the_paths_that_these_tests_try() -> None:
    """The sweeps below read the paths from the source, and find them."""
    assert {"/health", "/reset", "/principals", "/requests", "/vaults", "/federated-credentials", "/clock"} <= _PATHS


@pytest.mark.parametrize("path", sorted(_PATHS | {"/", "/nowhere", "/reset/", "//reset"}))
def test_without_the_token_nothing_is_told(process: LocalAzure, path: str) -> None:
    """401 for every method of every path, also of those that there are not, and for every form of a token that is not the token."""
    token = process.ready["control_token"]
    disguised = [
        None, "", "Bearer", "Bearer ", f"Bearer {token[:-1]}", f"Bearer {token}x", f"Bearer {token} x", f"Basic {token}", token,
        "Bearer " + process.ready["client_secret"], process.token["Authorization"], f"Bearer {token.swapcase()}", "Bearer \xe9",
    ]  # fmt: skip
    control(process.ready, "POST", "/faults", {"spec": "503:path=/never"})
    before = state(process)
    for method in _METHODS:
        status, headers = asked(process.ready["control"], method, path, ready_headers(process, authorization=None))
        assert (status, headers["www-authenticate"]) == (401, "Bearer"), method
    for value in disguised:
        assert asked(process.ready["control"], "POST", path, ready_headers(process, authorization=value))[0] == 401, value
    twice = [*ready_headers(process), ("authorization", "Bearer x")]
    assert asked(process.ready["control"], "POST", path, twice)[0] == 401
    in_query = asked(process.ready["control"], "POST", f"{path}?access_token={token}", ready_headers(process, authorization=None))
    assert in_query[0] == 401

    assert state(process) == before
    control(process.ready, "DELETE", "/faults")


@pytest.mark.parametrize("host", [
    "attacker.example", "attacker.example:{port}", "127.0.0.1.attacker.example", "localhost.attacker.example:{port}",
    "127.attacker.example",
    "attacker.localhost", "127.0.0.1@attacker.example", "attacker.example@127.0.0.1", "127.0.0.1, attacker.example", "0.0.0.0", "[::]",
    "[::1", "::1", "[::ffff:10.0.0.1]", "10.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "127.0.0.01", "localhost.", "management.azure.com",
    "127.0.0.1:8o", "127.0.0.1:", "127.0.0.1/", "http://127.0.0.1", "", " ", None,
])  # fmt: skip
def test_a_name_that_is_made_to_resolve_to_this_machine(process: LocalAzure, host: str | None) -> None:
    """421, with the token too: a page whose own name leads here (DNS rebinding) has that name in `Host`."""
    named = host and host.format(port=urlsplit(process.ready["control"]).port)
    for method, path in (("GET", "/health"), ("POST", "/reset"), ("OPTIONS", "/reset")):
        assert asked(process.ready["control"], method, path, ready_headers(process, host=named))[0] == 421

    assert asked(process.ready["control"], "GET", "/health", [*ready_headers(process), ("host", "attacker.example")])[0] in {400, 421}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:{port}", "127.0.0.1:{port}", "127.9.9.9:1", "[::1]", "[::1]:{port}"])
def test_this_machines_own_names(process: LocalAzure, host: str) -> None:
    """They are answered, with any port: a forwarded port has another number."""
    named = host.format(port=urlsplit(process.ready["control"]).port)

    assert asked(process.ready["control"], "GET", "/health", ready_headers(process, host=named))[0] == 200


@pytest.mark.parametrize("header", [
    {"origin": "http://attacker.example"}, {"origin": "null"}, {"origin": ""}, {"origin": "http://127.0.0.1:{port}"},
    {"origin": "http://localhost:{port}"}, {"origin": "chrome-extension://abc"}, {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"}, {"sec_fetch_site": "same-origin"}, {"sec_fetch_site": "Cross-Site"}, {"sec_fetch_site": "new-word"},
])  # fmt: skip
def test_a_web_page_is_refused_whatever_it_knows(process: LocalAzure, header: dict[str, str]) -> None:
    """403 with the right token too, on the control port and at ARM; no answer has a CORS header."""
    sent = {name: value.format(port=urlsplit(process.ready["control"]).port) for name, value in header.items()}
    preflight = {"access_control_request_method": "POST", "access_control_request_private_network": "true"}
    for method, path, more in (("GET", "/requests", {}), ("POST", "/reset", {}), ("OPTIONS", "/reset", preflight)):
        status, headers = asked(process.ready["control"], method, path, ready_headers(process, **sent, **more))
        assert (status, [name for name in headers if name.startswith("access-control-")]) == (403, [])
    arm = [("host", "management.azure.com"), *process.token.items(), *((name.replace("_", "-"), value) for name, value in sent.items())]
    logged = len(control(process.ready, "GET", "/requests").json())
    status, headers = asked(process.ready["arm"], "GET", process.url("/subscriptions"), arm, trust=process.ready["ca_file"])

    assert (status, [name for name in headers if name.startswith("access-control-")]) == (403, [])
    assert len(control(process.ready, "GET", "/requests").json()) == logged


def test_an_address_that_is_typed_needs_the_token(process: LocalAzure) -> None:
    """A browser's own navigation has `Sec-Fetch-Site: none`: it is no page's, and has no token."""
    assert asked(process.ready["control"], "GET", "/health", ready_headers(process, sec_fetch_site="none"))[0] == 200
    typed = ready_headers(process, sec_fetch_site="none", authorization=None)
    assert asked(process.ready["control"], "GET", "/health", typed)[0] == 401


@pytest.mark.parametrize("kind", [
    None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain; application/json",
    "application/jsonx", "text/json", "application/json, text/plain",
])  # fmt: skip
def test_what_changes_is_json_and_says_so(process: LocalAzure, kind: str | None) -> None:
    """415 for each type that a form can send, and for none, with and without a body."""
    for method, path, body in (("POST", "/reset", b""), ("POST", "/reset", b"{}"), ("PUT", "/clock", b'{"advance": 1}'),
                               ("PATCH", "/settings", b"{}"), ("DELETE", "/clock", b"{}")):  # fmt: skip
        assert asked(process.ready["control"], method, path, ready_headers(process, content_type=kind), body)[0] == 415
    twice = [*ready_headers(process), ("content-type", "text/plain")]

    assert asked(process.ready["control"], "POST", "/faults", twice, b"{}")[0] == 415
    assert (
        asked(process.ready["control"], "PATCH", "/settings", ready_headers(process, content_type="Application/JSON;charset=utf-8"), b"{}")[
            0
        ]
        == 200
    )
    assert asked(process.ready["control"], "DELETE", "/clock", ready_headers(process, content_type=None))[0] == 200


def test_every_answer_is_closed_to_pages(process: LocalAzure) -> None:
    """No cache keeps it, no frame shows it, no script loads it: also an error's."""
    for path, more in (("/health", {}), ("/nowhere", {}), ("/health", {"authorization": None}), ("/health", {"host": "attacker.example"})):
        _, headers = asked(process.ready["control"], "GET", path, ready_headers(process, **more))

        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"


def test_a_refused_request_is_not_read(process: LocalAzure) -> None:
    """The answer comes before the body, and the connection ends: bytes of a body are never taken for a second request."""
    host, token = own(process), process.ready["control_token"]
    inner = f"POST /reset HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\r\n".encode()
    hub = process.hub()
    with socket.create_connection((host.partition(":")[0], int(host.partition(":")[2])), timeout=60) as sock:
        sock.sendall(f"POST /nowhere HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100000\r\n\r\n".encode())
        answer = b""
        while chunk := sock.recv(65536):
            answer += chunk
        try:
            sock.sendall(inner)
            rest = sock.recv(4096)
        except ConnectionError:
            rest = b""

    assert answer.startswith(b"HTTP/1.1 401")
    assert rest == b""
    process.ask("GET", hub.id)


@pytest.mark.parametrize(
    "host", ["attacker.example", "127.attacker.example", "management.azure.com.attacker.example", "127.0.0.1@a.example", "", None]
)
def test_arm_answers_for_its_own_names_alone(process: LocalAzure, host: str | None) -> None:
    """421 in ARM's envelope; such a request is not in the log and uses up no fault."""
    control(process.ready, "POST", "/faults", {"spec": "503:path=/subscriptions:nth=1"})
    headers = [*process.token.items(), *([("host", host)] if host is not None else [])]
    status, _ = asked(process.ready["arm"], "GET", process.url("/subscriptions"), headers, trust=process.ready["ca_file"])
    own_request = process.http.get(process.url("/subscriptions"), headers=process.token)

    assert (status, own_request.status_code) == (421, 503)
    control(process.ready, "DELETE", "/faults")


def test_each_start_has_its_own_token(process: LocalAzure, tmp_path: Path) -> None:
    """The token of one local Azure is nothing to another one, so that a ready file that was left behind stops nobody else's."""
    with local_azure(tmp_path) as other:
        stale = {**process.ready, "control": other.ready["control"], "pid": os.getpid()}
        assert control(stale, "GET", "/health").status_code == 401
        home = tmp_path / "home"
        home.mkdir()
        (home / "azure.json").write_text(json.dumps(stale))

        assert installation.Installation(home).running() is None
        assert installation.Installation(home).stop() is False
        assert len(other.ready["control_token"]) >= 43  # 256 bits


def test_the_command_that_uses_the_control_port(
    process: LocalAzure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`python -m sandbox control` reads the token from the ready file; a refusal is one line with the reason."""
    monkeypatch.setenv("SANDBOX_HOME", str(tmp_path))

    def verb(*words: str) -> tuple[int, str, str]:
        code = commands.main(["control", *words])
        output = capsys.readouterr()
        return code, output.out, output.err

    assert verb("GET", "/clock")[0] == 1  # none is running here
    (tmp_path / "azure.json").write_text(json.dumps(process.ready))
    asked_clock, moved, back = verb("get", "/clock"), verb("PUT", "/clock", '{"advance": 86400}'), verb("DELETE", "/clock")
    refused = [verb("PUT", "/clock", '{"advance": "soon"}'), verb("GET", "clock"), verb("PUT", "/clock", "{"), verb("GET", "/nowhere")]

    assert [code for code, *_ in (asked_clock, moved, back)] == [0, 0, 0]
    assert json.loads(moved[1])["now"] > json.loads(back[1])["now"] >= json.loads(asked_clock[1])["now"]
    assert [(code, out, len(err.splitlines())) for code, out, err in refused] == [(1, "", 1)] * 4
    assert process.ready["control_token"] not in "".join(out + err for _, out, err in refused)


def test_on_ipv6(tmp_path: Path) -> None:
    """A local Azure that listens on ::1 is the same, under that address; a page's name is refused there too."""
    with local_azure(tmp_path, "--host", "::1") as azure:
        assert own(azure).startswith("[::1]:")
        assert installation.call_control(azure.ready, "GET", "/health")["status"] == "ready"
        assert asked(azure.ready["control"], "POST", "/reset", ready_headers(azure, host="attacker.example"))[0] == 421
        assert asked(azure.ready["control"], "POST", "/reset", ready_headers(azure, authorization=None))[0] == 401
