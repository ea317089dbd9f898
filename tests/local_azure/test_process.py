"""Local Azure as a process: sockets, the proxy, the control port, and clients that behave badly."""

import json
import os
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from local_azure_iot import installation
from local_azure_iot.start_command import FREE_PORTS
from sandbox import commands
from tests.kit.control_port import control
from tests.kit.hub_client import HubClient
from tests.kit.local_azure import LocalAzure, local_azure
from tests.kit.prerequisites import need
from tests.kit.repository import ROOT


@contextmanager
def dialled(url: str) -> Iterator[socket.socket]:
    """A plain connection."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=120) as sock:
        yield sock


def connect(azure: LocalAzure, head: bytes) -> bytes:
    """What the proxy answers to these bytes."""
    with dialled(azure.ready["proxy"]) as sock:
        sock.sendall(head)
        return sock.recv(4096)


def alive(azure: LocalAzure) -> bool:
    """Whether another client is served."""
    return azure.ask("GET", "/subscriptions").status_code == 200


@pytest.mark.parametrize(("target", "reason"), [
    *((name, "add '{host}' to NO_PROXY and no_proxy") for name in (
        "packages.example:443", "azure.com:443", "management.azure.com.evil.example:443", "a.b.azure-devices.net:443", "127.0.0.1:443",
        "localhost:443",
    )),
    *((name, "does not serve port {port} of '{host}'") for name in ("management.azure.com:80", "hub.azure-devices.net:22")),
    *((name, "is not a host and a port") for name in ("management.azure.com", ":443", "", "management.azure.com:443x", "a\xe9\x1bb:c")),
])  # fmt: skip
def test_the_proxy_connects_to_nothing_else(process: LocalAzure, target: str, reason: str) -> None:
    """A host or port that is not Azure's: 403. The status line, which most clients show, says why and what to do; the body says it too."""
    answer = connect(process, f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode("latin-1")).decode("ascii")

    status, _, rest = answer.partition("\r\n")
    host, _, port = target.rpartition(":")
    assert status.startswith("HTTP/1.1 403 ")
    assert reason.format(host=host, port=port) in status
    assert status.removeprefix("HTTP/1.1 403 ") == rest.rpartition("\r\n\r\n")[2].rstrip()


@pytest.mark.parametrize("client", ["pip", "go", "npm", "curl"])
def test_clients_show_why_a_registry_is_refused(process: LocalAzure, tmp_path: Path, client: str) -> None:
    """Whoever installs a package in a shell with local Azure's environment reads what to do; curl tells it with -v."""
    url = "https://packages.example"
    command = {
        "pip": f"{sys.executable} -m pip download --isolated --retries 1 --no-deps --index-url {url}/simple flask",
        "go": "go mod download golang.org/x/text@v0.3.0",
        "npm": f"npm view --fetch-retries 0 --registry {url} express",
        "curl": f"curl --silent --verbose {url}",
    }[client].split()
    need(shutil.which(command[0]), f"{client} is not installed")
    own = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GOPROXY": url, "GOFLAGS": "-mod=mod", "GONOSUMDB": "*"}
    environment = own | installation.environment(process.ready)
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode != 0
    assert "'packages.example:443' is not a name that local Azure serves" in done.stdout + done.stderr
    assert "to NO_PROXY" in done.stdout + done.stderr


@pytest.mark.parametrize(("head", "status"), [
    (b"GET http://management.azure.com/ HTTP/1.1\r\n\r\n", b"405"),
    (b"CONNECT " + b"a" * 20_000 + b"\r\n\r\n", b"431"),
    (b"\x16\x03\x01\x02\x00\r\n\r\n", b"405"),
])  # fmt: skip
def test_what_the_proxy_refuses(process: LocalAzure, head: bytes, status: bytes) -> None:
    """Other methods, endless heads, TLS where plain HTTP is expected."""
    assert connect(process, head).startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize("name", [
    "management.azure.com", "login.partner.microsoftonline.cn", "my-hub.azure-devices.us", "dps.azure-devices-provisioning.net",
])  # fmt: skip
def test_azures_names_have_trusted_certificates(process: LocalAzure, name: str) -> None:
    """Through the proxy each name has a certificate that a client with the bundle trusts, over TLS 1.2 or newer."""
    with dialled(process.ready["proxy"]) as sock:
        sock.sendall(f"CONNECT {name}:443 HTTP/1.1\r\nHost: {name}:443\r\n\r\n".encode())
        assert sock.recv(4096).startswith(b"HTTP/1.1 200")
        context = ssl.create_default_context(cafile=process.ready["bundle_file"])
        with context.wrap_socket(sock, server_hostname=name) as secured:
            assert secured.version() in {"TLSv1.2", "TLSv1.3"}


def test_stopping_prints_nothing(tmp_path: Path) -> None:
    """With connections open through the proxy and to every port, it still stops at once, with exit code 0 and no output."""
    ready = tmp_path / "ready.json"
    command = [sys.executable, "-m", "sandbox", "cloud", *FREE_PORTS, "--ready-file", str(ready)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        LocalAzure.until(lambda: ready.exists() or process.poll() is not None)
        facts = json.loads(ready.read_text())
        with dialled(facts["proxy"]) as tunnel, dialled(facts["control"]), dialled(facts["arm"]):
            tunnel.sendall(b"CONNECT management.azure.com:443 HTTP/1.1\r\n\r\n")
            assert tunnel.recv(4096).startswith(b"HTTP/1.1 200")
            process.terminate()
            _, output = process.communicate(timeout=120)

    assert (process.returncode, output) == (0, b"")


def test_stopping_ends_an_answer_that_takes_time(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A call of a direct method waits for its device: it ends with its connection, and nothing is printed."""
    body = b'{"methodName":"m","connectTimeoutInSeconds":300}'
    with local_azure(tmp_path) as azure, dialled(azure.ready["arm"]) as plain:
        hub = HubClient(azure, azure.hub())
        with hub.http:
            hub.put("press-001")
            trust = ssl.create_default_context(cafile=azure.ready["ca_file"])
            with trust.wrap_socket(plain, server_hostname=hub.host) as waiting:
                head = (
                    f"POST /twins/press-001/methods?api-version=2021-04-12 HTTP/1.1\r\nHost: {hub.host}\r\nContent-Length: {len(body)}\r\n"
                )
                waiting.sendall(f"{head}Authorization: {hub.authorization}\r\n\r\n".encode() + body)
                hub.ask("GET", "/devices/press-001").raise_for_status()  # answered after the call has begun
                os.kill(azure.ready["pid"], signal.SIGTERM)
                assert waiting.recv(4096) == b""
    assert capfd.readouterr().err == ""


def test_an_incomplete_request_blocks_no_other_client(process: LocalAzure) -> None:
    """An unfinished head, a missing body, an aborted handshake, a closed connection: the next client is served."""
    host, port = urlsplit(process.ready["arm"]).hostname, urlsplit(process.ready["arm"]).port
    context = ssl.create_default_context(cafile=process.ready["ca_file"])
    with socket.create_connection((host, port)) as raw:
        raw.sendall(b"\x16\x03\x01")
        for part in (b"GET / HT", b"PUT /subscriptions HTTP/1.1\r\nHost: management.azure.com\r\nContent-Length: 100\r\n\r\n{"):
            with socket.create_connection((host, port)) as sock, context.wrap_socket(sock, server_hostname=host) as secured:
                secured.sendall(part)
                assert alive(process)
    with dialled(process.ready["proxy"]) as sock:
        sock.sendall(b"CONNECT management.azure.com:443 HTTP/1.1\r\n")
        assert alive(process)


def test_bytes_that_are_not_http(process: LocalAzure) -> None:
    """The connection ends, with a 400 at most."""
    host, port = urlsplit(process.ready["arm"]).hostname, urlsplit(process.ready["arm"]).port
    context = ssl.create_default_context(cafile=process.ready["ca_file"])
    with socket.create_connection((host, port), timeout=120) as sock, context.wrap_socket(sock, server_hostname=host) as secured:
        secured.sendall(b"\x00\x01\x02 nonsense\r\n\r\n")
        assert secured.recv(4096)[:12] in {b"HTTP/1.1 400", b""}
    assert alive(process)


def test_a_client_that_never_reads(process: LocalAzure) -> None:
    """It sends requests and reads no answer: its own connection stalls, the others are served."""
    host, port = urlsplit(process.ready["arm"]).hostname, urlsplit(process.ready["arm"]).port
    context = ssl.create_default_context(cafile=process.ready["ca_file"])
    request = (
        f"GET /subscriptions/{process.ready['subscription_id']}/locations?api-version=2021-04-01 HTTP/1.1\r\nHost: management.azure.com\r\n"
    )
    request += f"Authorization: {process.token['Authorization']}\r\n\r\n"
    with socket.create_connection((host, port)) as sock, context.wrap_socket(sock, server_hostname=host) as secured:
        secured.setblocking(False)
        sent = 0
        try:
            while sent < 3000:
                secured.send(request.encode())
                sent += 1
        except (BlockingIOError, ssl.SSLWantWriteError):
            pass
        assert sent > 10
        for _ in range(20):
            assert alive(process)


def test_the_control_port(process: LocalAzure) -> None:
    """Log, faults, settings, clock, principals and reset, each at its own path; none of these answers on ARM's port."""
    hub = process.hub()
    control(process.ready, "DELETE", "/requests")
    process.ask("GET", hub.id)
    process.ask("PATCH", hub.id, json={"tags": {}})
    log = control(process.ready, "GET", "/requests").json()
    mutating = control(process.ready, "GET", "/requests?mutating=1").json()
    added = control(process.ready, "POST", "/faults", {"spec": "503:path=*/nowhere"}).json()
    created = control(process.ready, "POST", "/principals", {"name": "reader", "role": "Reader"}).json()
    moved = control(process.ready, "PUT", "/clock", {"now": "2030-01-01T00:00:00Z", "frozen": True}).json()
    advanced = control(process.ready, "PUT", "/clock", {"advance": 60}).json()
    settings = control(process.ready, "PATCH", "/settings", {"operation_seconds": 5, "strict": True}).json()
    rules = control(process.ready, "GET", "/faults").json()
    control(process.ready, "POST", "/reset")
    control(process.ready, "PATCH", "/settings", {"operation_seconds": 0, "strict": False})

    assert [(line["method"], line["host"], line["status"]) for line in log] == [
        ("GET", urlsplit(process.ready["arm"]).netloc, 200),
        ("PATCH", urlsplit(process.ready["arm"]).netloc, 200),
    ]
    assert log[0]["path"] == hub.id
    assert [line["method"] for line in mutating] == ["PATCH"]
    assert (added, [each["fault"] for each in rules]) == ({"added": 1}, ["503"])
    assert set(created) == {"client_id", "client_secret", "object_id"}
    assert (moved["now"], advanced["now"]) == ("2030-01-01T00:00:00+00:00", "2030-01-01T00:01:00+00:00")
    assert (settings["operation_seconds"], settings["strict"]) == (5, True)
    assert process.http.get(process.url(hub.id), headers=process.token).status_code == 404
    assert control(process.ready, "GET", "/requests").json()[0]["status"] == 404
    assert control(process.ready, "GET", "/faults").json() == []
    for path in ("/faults", "/reset", "/health", "/clock"):
        assert process.http.get(path, headers=process.token).status_code in {400, 404}


@pytest.mark.parametrize(("method", "path", "body", "words"), [
    ("POST", "/faults", {"fault": 418}, "418"), ("POST", "/faults", {"spec": "x"}, "'x' is not one of"),
    ("PATCH", "/settings", {"nope": 1}, "'nope'"), ("PATCH", "/settings", {"strict": 1}, "true or false"),
    ("PUT", "/clock", {"now": "soon"}, "now is not a date and time: 'soon'"),
    ("PUT", "/clock", {"now": "2030-01-01T00:00:00"}, "time zone"),
    ("PUT", "/clock", {}, "'advance'"), ("POST", "/faults", [], "JSON object"), ("POST", "/principals", {"role": "King"}, "'King'"),
    ("POST", "/federated-credentials", {"client_id": "x"}, "needs 'issuer'"),
    ("PUT", "/clock", {"advance": "1e999"}, "a number of seconds, not"), ("PUT", "/clock", {"advance": 1e300}, "1970 to 9000"),
    ("PUT", "/clock", {"now": "9999-12-31T23:59:59Z"}, "1970 to 9000"), ("PUT", "/clock", {"advance": -1e11}, "1970 to 9000"),
    ("POST", "/messages", {"payload": "!"}, "no hub"),
])  # fmt: skip
def test_the_control_port_says_what_is_wrong(process: LocalAzure, method: str, path: str, body: Any, words: str) -> None:
    """400 with an explanation, and nothing changes: the next call is answered."""
    answer = control(process.ready, method, path, body)

    assert (answer.status_code, words in answer.json()["error"]) == (400, True), answer.text
    assert control(process.ready, "GET", "/clock").is_success


def test_a_dropped_connection_is_a_dropped_connection(process: LocalAzure) -> None:
    """`drop` ends it on the socket, without an answer."""
    control(process.ready, "POST", "/faults", {"fault": "drop", "path": "/subscriptions", "times": 1})
    with pytest.raises(httpx.TransportError):
        process.http.get("/subscriptions?api-version=2021-04-01", headers=process.token)

    assert alive(process)


def test_an_answer_that_ends_too_early_or_never(process: LocalAzure) -> None:
    """`cut`: fewer bytes than announced. `drip`: a byte at a time, valid JSON after which spaces follow, until the client has enough."""
    path = "/subscriptions?api-version=2021-04-01"
    control(process.ready, "POST", "/faults", {"spec": "cut:path=/subscriptions:times=1;drip:path=/subscriptions:times=1:seconds=0.001"})
    with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
        process.http.get(path, headers=process.token)
    found = b""
    with process.http.stream("GET", path, headers=process.token) as answer:
        for piece in answer.iter_raw():
            found += piece
            if found.endswith(b"  "):
                break

    assert json.loads(found) == process.http.get(path, headers=process.token).json()
    assert alive(process)


def test_hostile_and_dials_by_flag(tmp_path: Path) -> None:
    """Flags set from the start what the control port can set: a fault, slow operations, role delay, a clock, the zero date, strictness."""
    flags = ("--hostile", "503:path=*/locations:nth=1", "--operation-seconds", "60", "--role-delay", "5", "--clock", "2023-10-06T19:14:45Z")
    with local_azure(tmp_path, *flags, "--created", "zero", "--strict", "--retry-after", "3") as azure:
        settings = control(azure.ready, "GET", "/settings").json()
        locations = f"/subscriptions/{azure.ready['subscription_id']}/locations?api-version=2021-04-01"
        statuses = [azure.http.get(locations, headers=azure.token).status_code for _ in range(2)]
        clock = control(azure.ready, "GET", "/clock").json()["now"]

    assert statuses == [503, 200]
    assert clock.startswith("2023-10-06T19:1")
    assert (settings["operation_seconds"], settings["role_delay_seconds"], settings["created_zero_date"]) == (60, 5, True)
    assert (settings["strict"], settings["retry_after"]) == (True, 3)


@pytest.mark.parametrize(("flags", "named"), [
    (("--host", "0.0.0.0"), "loopback"), (("--host", "127.0.0.1.example.com"), "loopback"), (("--hostile", "418"), "418"),
    (("--listen", "localhost"), "0.0.0.0"), (("--known-as", "azure"), "--listen"), (("--listen", "127.0.0.1", "--names"), "--names"),
    (("--clock", "noon"), "--clock"), (("--clock", "2023-10-06T19:14:45"), "time zone"), (("--port", "TAKEN"), "--port"),
    (("--data", "/dev/null/x"), "--data"), (("--proxy-port", "65536"), "--proxy-port can't be"),
    (("--port", "-1"), "--port can't be"),
    (("--operation-seconds", "nan"), "number of seconds from 0"), (("--throttle", "0"), "a factor above 0"),
    (("--query-lag", "inf"), "number of seconds from 0"), (("--clock", "9999-12-31T23:59:59Z"), "1970 to 9000"),
])  # fmt: skip
def test_invalid_flags(process: LocalAzure, flags: tuple[str, str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line with what to write instead, and exit code 1."""
    taken = str(urlsplit(process.ready["arm"]).port)
    free = [word for port in ("--port", "--proxy-port", "--control-port") for word in (port, "0")]
    code = commands.main(["cloud", *free, *(taken if flag == "TAKEN" else flag for flag in flags)])
    output = capsys.readouterr()

    assert (code, output.out, len(output.err.splitlines())) == (1, "", 1)
    assert output.err.startswith("sandbox: ")
    assert named in output.err


def test_the_ready_file_is_private_and_deleted_at_the_end(tmp_path: Path) -> None:
    """It contains the secret, so only its owner can read it; it is deleted when local Azure stops, and nothing else is left behind."""
    with local_azure(tmp_path) as azure:
        ready = tmp_path / "ready.json"
        mode = stat.S_IMODE(ready.stat().st_mode)
        folder = Path(azure.ready["ca_file"]).parent
        os.kill(azure.ready["pid"], signal.SIGTERM)
        azure.until(lambda: not ready.exists())
        azure.until(lambda: not folder.exists())

    assert mode == 0o600
    assert list(tmp_path.iterdir()) == []


def test_the_commands_of_the_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`up --no-program`, `status`, `env`, `reset`, `stop`: each reports the state and, where none is running, what to do."""
    monkeypatch.setenv("SANDBOX_HOME", str(tmp_path / ".sandbox"))
    monkeypatch.chdir(ROOT)

    def verb(*words: str) -> tuple[int, str]:
        code = commands.main(words)
        output = capsys.readouterr()
        return code, output.out + output.err

    before = [verb(word) for word in ("status", "env", "reset", "stop")]
    # In a separate process, as from a shell: what it starts must outlive it.
    up = subprocess.run([sys.executable, "-m", "sandbox", "up", "--no-program"], capture_output=True, text=True, check=False, timeout=120)
    try:
        status, env, again, reset = (verb(*words) for words in (("status",), ("env",), ("up", "--no-program"), ("reset",)))
        ready = json.loads((tmp_path / ".sandbox" / "azure.json").read_text())
    finally:
        stop = verb("stop")

    assert [code for code, _ in before] == [1, 1, 1, 0]
    assert "make up" in before[1][1]
    assert (up.returncode, up.stderr) == (0, "")
    assert [code for code, _ in (status, env, again, reset, stop)] == [0] * 5
    assert ready["arm"] in status[1]
    assert f"export HTTPS_PROXY={ready['proxy']}" in env[1]
    assert ready["client_secret"] not in status[1] + up.stdout
    assert not (tmp_path / ".sandbox" / "azure.json").exists()
