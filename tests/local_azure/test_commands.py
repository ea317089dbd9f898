"""The commands of `local-azure-iot`, as processes of their own in a folder that is not this repository."""

import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local_azure_iot import commands
from local_azure_iot.amqp.availability import available
from local_azure_iot.installation import Installation
from local_azure_iot.start_command import FREE_PORTS
from tests.kit.local_azure import LocalAzure

COMMAND = Path(sys.executable).with_name("local-azure-iot")
SHOWS = "import json, os, sys; json.dump(dict(os.environ), open(sys.argv[1], 'w')); sys.exit(7)"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder, in which a file has the name of a module of Python's."""
    (tmp_path / "ssl.py").write_text("raise SystemExit('the wrong ssl')")
    monkeypatch.delenv("LOCAL_AZURE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ran(*words: str) -> subprocess.CompletedProcess[str]:
    """The command, once it has ended."""
    return subprocess.run([COMMAND, *words], capture_output=True, text=True, check=False, timeout=120)


def test_run_is_a_local_azure_for_one_command(folder: Path) -> None:
    """The command gets the environment of a local Azure of its own and its exit code counts; the folder stays as it was."""
    code = ran("run", "--strict", "--", sys.executable, "-P", "-c", SHOWS, str(folder / "seen.json"))
    seen = json.loads((folder / "seen.json").read_text())

    assert (code.returncode, code.stdout, code.stderr) == (7, "", "")
    assert seen["HTTPS_PROXY"].startswith("http://127.0.0.1:")
    assert not Path(seen["LOCAL_AZURE_HOME"]).exists()
    assert not Path(seen["SSL_CERT_FILE"]).exists()
    assert sorted(path.name for path in folder.iterdir()) == ["seen.json", "ssl.py"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_a_run(folder: Path, number: signal.Signals) -> None:
    """Its local Azure ends with it, also if it is killed; SIGTERM ends the command first."""
    script = "import os, sys, time; open(sys.argv[1], 'w').write(os.environ['LOCAL_AZURE_HOME']); time.sleep(600)"
    with subprocess.Popen([COMMAND, "run", "--", sys.executable, "-P", "-c", script, "home"], start_new_session=True) as process:
        try:
            LocalAzure.until(lambda: (folder / "home").exists() and (folder / "home").read_text())
            home = Installation(Path((folder / "home").read_text()))
            assert home.running()
            process.send_signal(number)
            process.wait(120)
            LocalAzure.until(lambda: home.running() is None)
        finally:
            os.killpg(process.pid, signal.SIGKILL) if number == signal.SIGKILL else process.kill()

    assert process.returncode in {128 + signal.SIGTERM, -signal.SIGKILL}
    assert home.home.exists() == (number == signal.SIGKILL)
    shutil.rmtree(home.home, ignore_errors=True)


def test_start_status_stop(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Started in the background or in the foreground, one folder has one local Azure, which the other commands find."""

    def here(*words: str) -> tuple[int, str]:
        code = commands.main(words)
        output = capsys.readouterr()
        return code, output.out + output.err

    before = here("status")
    started = ran("start", "--detach", *FREE_PORTS, "--data", "kept")
    try:
        again, status, env, reset = (here(*words) for words in (("start", *FREE_PORTS), ("status",), ("env",), ("reset",)))
        in_json, for_docker = (here("env", "--format", form)[1] for form in ("json", "docker"))
    finally:
        stopped = here("stop")
    with subprocess.Popen([COMMAND, "start", *FREE_PORTS], stdout=subprocess.PIPE, text=True) as foreground:
        assert foreground.stdout
        ready = foreground.stdout.readline()
        running = here("status")
        foreground.send_signal(signal.SIGINT)

    assert before == (1, "local Azure is not running here; start it with `local-azure-iot start`\n")
    assert [code for code, _ in (status, env, reset, stopped, running)] == [0] * 5
    assert "\nmqtt             mqtts://127.0.0.1:" in status[1]
    assert ("amqp             amqps://127.0.0.1:" in status[1]) == available()
    assert stopped[1] == f"local Azure is stopped; its data is kept in {folder}/kept\n"
    assert (again[0], "local-azure-iot stop" in again[1], len(again[1].splitlines())) == (1, True, 1)
    assert "export HTTPS_PROXY=http://127.0.0.1:" in env[1]
    assert f"export LOCAL_AZURE_HOME={folder}/.local-azure" in env[1]
    assert json.loads(in_json) == dict(line.split("=", 1) for line in for_docker.splitlines())
    assert (started.returncode, started.stdout.startswith("local Azure is ready: ARM https://127.0.0.1:")) == (0, True)
    assert ready.startswith("local Azure is ready: ")
    assert foreground.returncode == 0
    assert (folder / "kept" / "azure.sqlite").exists()
    assert sorted(path.name for path in (folder / ".local-azure").iterdir()) == [".gitignore", "azure.log"]


def test_many_starts_at_once_are_one(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Each gets the same local Azure; one without data leaves nothing behind, and `stop` says so."""
    monkeypatch.setenv("LOCAL_AZURE_HOME", str(folder / "home"))
    installed = Installation(folder / "home")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: installed.start(*FREE_PORTS), range(4)))
    assert commands.main(("stop",)) == 0
    assert capsys.readouterr().out == "local Azure is stopped; nothing is kept, since it was started without --data\n"
    assert len({ready["pid"] for ready in found}) == 1


@pytest.mark.parametrize(("words", "code", "named"), [
    (("run",), 1, "run -- COMMAND"),
    (("run", "true", "--strict"), 1, "run -- COMMAND"),
    (("run", "--", "no-such-program"), 127, "no-such-program"),
    (("run", "--", "/dev/null"), 126, "/dev/null"),
    (("run", "--hostile", "418", "--", "true"), 1, "418"),
    (("start", "--detach", "--hostile", "418"), 1, "azure.log"),
    (("start", "--detach", "--ready-file", "x"), 1, "--ready-file"),
    (("control", "GET", "health"), 1, "/health"),
    (("control", "GET", "/health"), 1, "local-azure-iot start"),
])  # fmt: skip
def test_a_command_that_fails(folder: Path, words: tuple[str, ...], code: int, named: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line that says what to do instead, and the exit code that a shell would give."""
    found = commands.main(words)
    output = capsys.readouterr()

    assert (found, output.out, len(output.err.splitlines())) == (code, "", 1)
    assert output.err.startswith("local-azure-iot: ")
    assert named in output.err
    assert {path.name for path in folder.iterdir()} <= {"ssl.py", ".local-azure"}
