"""Local Azure for clients elsewhere: `--listen`, what the control port then answers, and `attach`."""

import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from local_azure_iot import commands
from tests.kit.control_port import authorization, control
from tests.kit.local_azure import LocalAzure, local_azure

TOKEN = "a-token-of-the-test"
FILES = ("ca.pem", "bundle.pem", "bundle.p12")


@pytest.fixture(scope="module")
def open_azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAzure]:
    """Local Azure on every address of this machine, also known as `azure`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCAL_AZURE_CONTROL_TOKEN", TOKEN)
        with local_azure(tmp_path_factory.mktemp("azure"), "--listen", "0.0.0.0", "--known-as", "Azure") as found:
            yield found


def asked(azure: LocalAzure, path: str, host: str) -> httpx.Response:
    """The answer to a client that reaches the control port under this host."""
    port = urlsplit(azure.ready["control"]).port
    headers = {**authorization(azure.ready), "Host": f"{host}:{port}"}
    return httpx.get(f"{azure.ready['control']}{path}", headers=headers, trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def test_it_listens_there_and_is_found_here(open_azure: LocalAzure) -> None:
    """The ready file has addresses that this machine can use; the proxy and ARM answer on them, and on every other one."""
    places = [urlsplit(open_azure.ready[name]) for name in ("arm", "mqtt", "amqp", "proxy", "control") if open_azure.ready[name]]
    assert {place.hostname for place in places} == {"127.0.0.1"}
    assert open_azure.ready["control_token"] == TOKEN
    for place in places:
        with socket.create_connection(("127.9.8.7", place.port or 0), timeout=60):
            pass
    proxy = open_azure.ready["proxy"].replace("127.0.0.1", "127.9.8.7")
    with httpx.Client(proxy=proxy, verify=ssl.create_default_context(cafile=open_azure.ready["ca_file"]), trust_env=False) as client:
        assert client.get("https://management.azure.com/metadata/endpoints?api-version=2022-09-01").status_code == 200


@pytest.mark.parametrize(
    ("host", "status"), [("azure", 200), ("AZURE", 200), ("192.0.2.7", 200), ("[2001:db8::7]", 200), ("attacker.example", 421)]
)
def test_under_which_names_the_control_port_answers(open_azure: LocalAzure, host: str, status: int) -> None:
    """An address and a name that was given; not a name of somebody else's, which a web page could have made to lead here."""
    answer = asked(open_azure, "/ready", host)
    assert answer.status_code == status
    if status == 200:
        assert {urlsplit(answer.json()[name]).hostname for name in ("arm", "mqtt", "proxy", "control")} == {host.strip("[]").lower()}


def test_addresses_stay_closed_without_listen(tmp_path: Path) -> None:
    """Without the flag only loopback is answered, as before."""
    with local_azure(tmp_path) as azure:
        assert asked(azure, "/ready", "192.0.2.7").status_code == 421
        assert asked(azure, "/ready", "localhost").status_code == 200
        with (
            pytest.raises(ConnectionRefusedError),
            socket.create_connection(("127.9.8.7", urlsplit(azure.ready["control"]).port or 0), timeout=60),
        ):
            pass


def test_the_files_and_the_environment(open_azure: LocalAzure) -> None:
    """Each file is as it is here; the environment has the client's own paths and mapped ports, as JSON, for a shell, for Docker."""
    for name, member in zip(FILES, ("ca_file", "bundle_file", "java_file"), strict=True):
        assert asked(open_azure, f"/{name}", "azure").content == Path(open_azure.ready[member]).read_bytes()
    query = "/environment?folder=/srv/azure&proxy=http://localhost:32768"
    variables = asked(open_azure, query, "azure").json()
    assert variables["HTTPS_PROXY"] == "http://localhost:32768"
    assert variables["SSL_CERT_FILE"] == "/srv/azure/bundle.pem"
    assert variables["AZURE_CLIENT_SECRET"] == open_azure.ready["client_secret"]
    shell = asked(open_azure, f"{query}&format=shell", "azure").text
    script = f"{shell}\n{sys.executable} -c 'import json, os; print(json.dumps(dict(os.environ)))'"
    seen = json.loads(subprocess.run(["sh", "-c", script], env={}, capture_output=True, text=True, check=True).stdout)
    assert {name: seen[name] for name in variables} == variables
    docker = dict(line.split("=", 1) for line in asked(open_azure, f"{query}&format=docker", "azure").text.splitlines())
    assert docker == variables


@pytest.mark.parametrize("query", ["proxy=x", "proxy=https://a:1", "proxy=http://a", "proxy=http://a:b", "arm=http://a:1", "format=xml"])
def test_a_query_that_is_none(open_azure: LocalAzure, query: str) -> None:
    """400 with what to write."""
    answer = control(open_azure.ready, "GET", f"/environment?{query}")
    assert answer.status_code == 400
    assert "write it as" in answer.json()["error"] or "shell, docker, json" in answer.json()["error"]


def test_nobody_gets_them_without_the_token(open_azure: LocalAzure) -> None:
    """They are behind the token as the rest is: the environment has a secret."""
    stranger = {**open_azure.ready, "control_token": "no"}
    assert {control(stranger, "GET", f"/{path}").status_code for path in ("ready", "environment", *FILES)} == {401}


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a client elsewhere."""
    monkeypatch.delenv("LOCAL_AZURE_HOME", raising=False)
    monkeypatch.setenv("LOCAL_AZURE_CONTROL_TOKEN", TOKEN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_attach(open_azure: LocalAzure, elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After it the other commands are about that local Azure, with files of the client's own; it can't be stopped from here."""
    url = open_azure.ready["control"].replace("127.0.0.1", "127.9.8.7")

    def ran(*words: str) -> tuple[int, str]:
        code = commands.main(words)
        output = capsys.readouterr()
        return code, output.out + output.err

    attached, status, env = (ran(*words) for words in (("attach", url, "--proxy", "http://localhost:9"), ("status",), ("env",)))
    stop, start, health = ran("stop"), ran("start", "--port", "0"), ran("control", "GET", "/health")
    ready: dict[str, Any] = json.loads((elsewhere / ".local-azure" / "azure.json").read_text())

    assert [code for code, _ in (attached, status, env, stop, start, health)] == [0, 0, 0, 1, 1, 0]
    assert (ready["proxy"], ready["pid"]) == ("http://localhost:9", None)
    assert (elsewhere / ".local-azure" / "azure.json").stat().st_mode & 0o777 == 0o600
    assert {name for name in FILES if (elsewhere / ".local-azure" / name).exists()} == set(FILES)
    assert f"export SSL_CERT_FILE={elsewhere}/.local-azure/bundle.pem" in env[1]
    assert "runs elsewhere" in stop[1]
    assert "runs here already" in start[1]
    assert open_azure.control("GET", "/health")["status"] == "ready"


@pytest.mark.parametrize(("token", "url", "named"), [
    (None, "http://127.0.0.1:9", "LOCAL_AZURE_CONTROL_TOKEN"),
    (TOKEN, "azure:8444", "http://host:8444"),
    (TOKEN, "http://127.0.0.1:9", "--listen"),
    ("another-token-than-its", "OPEN", "401"),
])  # fmt: skip
def test_an_attach_that_fails(
    token: str | None,
    url: str,
    named: str,
    open_azure: LocalAzure,
    elsewhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line that says what to do; nothing is written."""
    if token is None:
        monkeypatch.delenv("LOCAL_AZURE_CONTROL_TOKEN")
    else:
        monkeypatch.setenv("LOCAL_AZURE_CONTROL_TOKEN", token)
    code = commands.main(["attach", open_azure.ready["control"] if url == "OPEN" else url, "--wait", "0"])
    output = capsys.readouterr()

    assert (code, output.out, len(output.err.splitlines())) == (1, "", 1)
    assert named in output.err
    assert list(elsewhere.iterdir()) == []


def test_a_weak_token(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], elsewhere: Path) -> None:
    """A token that could be guessed is refused before anything listens."""
    monkeypatch.setenv("LOCAL_AZURE_CONTROL_TOKEN", "short")
    assert commands.main(["start", "--listen", "127.0.0.1", "--ready-file", str(elsewhere / "ready.json")]) == 1
    assert "openssl rand -hex 32" in capsys.readouterr().err
