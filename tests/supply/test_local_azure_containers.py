"""The image, the Compose file, the action and the other examples of local-azure-iot: linted, and their commands run outside a container.

No machine of this project runs containers, so no image was built: what they would run is run here as processes.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_azure_iot.start_command import FREE_PORTS
from tests.kit.local_azure import LocalAzure
from tests.kit.repository import ROOT

DISTRIBUTION = ROOT / "sandbox" / "local-azure-iot"
EXAMPLES = DISTRIBUTION / "examples"
FREE = list(FREE_PORTS)
TOKEN = "a-token-of-the-test"


def tool(name: str) -> str:
    """A program of the test tools."""
    return str(Path(sys.executable).with_name(name))


def own_environment(**variables: str) -> dict[str, str]:
    """This process's environment without what tests set for themselves."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON", "LOCAL_AZURE"))} | variables


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, each with what follows it, in one line."""
    lines = [line for line in (DISTRIBUTION / "Dockerfile").read_text().splitlines() if line.strip() and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    return [(word, " ".join(rest.split())) for word, _, rest in (line.partition(" ") for line in joined)]


def last(name: str) -> str:
    """What follows the last instruction of this name."""
    return [rest for word, rest in instructions() if word == name][-1]


def step() -> dict[str, Any]:
    """The step of the action."""
    (found,) = yaml.safe_load((DISTRIBUTION / "action.yml").read_text())["runs"]["steps"]
    return dict(found)


LINTERS = {
    "Dockerfile": ("hadolint", "--failure-threshold", "style", DISTRIBUTION / "Dockerfile"),
    "Compose": ("check-jsonschema", "--builtin-schema", "vendor.compose-spec", EXAMPLES / "compose" / "compose.yaml"),
    "action": ("check-jsonschema", "--builtin-schema", "vendor.github-actions", DISTRIBUTION / "action.yml"),
    "action's security": ("zizmor", "--offline", "--no-config", "--persona", "auditor", DISTRIBUTION / "action.yml"),
}


@pytest.mark.parametrize("what", LINTERS)
def test_linters_find_nothing(what: str) -> None:
    """The Dockerfile, the Compose file and the action."""
    name, *arguments = LINTERS[what]
    done = subprocess.run([tool(str(name)), *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_is_not_roots() -> None:
    """It runs as a user of its own, by number so that Kubernetes can see it; it holds neither pip nor what built it."""
    assert last("USER") == "10001"
    assert "useradd --uid 10001" in " ".join(rest for word, rest in instructions() if word == "RUN")
    assert "uninstall --yes pdm-backend pip" in last("RUN") + [rest for word, rest in instructions() if word == "RUN"][1]
    assert last("HEALTHCHECK").endswith('CMD ["local-azure-iot", "status"]')


@dataclass(frozen=True)
class Runner:
    """A runner of GitHub Actions after the action's step."""

    folder: Path

    def file(self, name: str) -> str:
        """What the step wrote to one of its files."""
        return (self.folder / name).read_text()

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the next step."""
        added = dict(line.split("=", 1) for line in self.file("env").splitlines())
        return own_environment(**added, PATH=f"{self.file('path').strip()}{os.pathsep}{os.environ['PATH']}")

    def ran(self, script: str) -> subprocess.CompletedProcess[str]:
        """The next step."""
        command = ["bash", "-euo", "pipefail", "-c", script]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    """The action's own script, with real packages from the registry; its local Azure runs until the end of the test."""
    folder = tmp_path / "runner"
    folder.mkdir()
    for name in ("path", "env", "output"):
        (folder / name).touch()
    inputs = {"FLAGS": "\n".join(("--strict", *FREE, "")), "PYTHON": sys.executable, "SOURCE": str(DISTRIBUTION)}
    files = {"RUNNER_TEMP": str(folder), **{f"GITHUB_{name.upper()}": str(folder / name) for name in ("path", "env", "output")}}
    done = subprocess.run(
        ["bash", "-c", step()["run"]], env=own_environment(**inputs, **files), capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = Runner(folder)
    yield found
    assert found.ran("local-azure-iot stop").returncode == 0


@pytest.mark.stranger
def test_the_action_and_the_image(runner: Runner, tmp_path: Path) -> None:
    """Both install the same. Later steps of a job have the command and the folder; one that evaluates `env` reaches Azure's names."""
    assert runner.file("output").strip() == f"home={runner.environment['LOCAL_AZURE_HOME']}"
    assert set(step()["env"]) == {"FLAGS", "PYTHON", "SOURCE"}
    done = runner.ran(
        'test -z "${HTTPS_PROXY:-}"\n'
        'eval "$(local-azure-iot env)"\n'
        'curl -sS -o /dev/null -w "%{http_code}" "https://management.azure.com/metadata/endpoints?api-version=2022-09-01"'
    )
    assert (done.returncode, done.stdout) == (0, "200"), done.stderr
    _what_the_image_runs(runner, tmp_path)


def _what_the_image_runs(runner: Runner, tmp_path: Path) -> None:
    """Its command starts, its health check says when, and SIGTERM ends it at once."""
    layers = "\n".join(rest for word, rest in instructions() if word == "RUN")
    image, action = (re.findall(r"/pip\"? (install [^&\n]*)", script) for script in (layers, step()["run"]))
    for here, there in zip(image, action, strict=True):  # but for what they print and keep, and where the files are
        same = [[word for word in line.split()[:-1] if word not in {"--no-cache-dir", "--quiet"}] for line in (here, there)]
        assert same[0] == same[1]

    settings = dict(each.split("=", 1) for each in shlex.split(last("ENV")))
    assert settings["LOCAL_AZURE_HOME"] == f"{last('WORKDIR')}/.local-azure"
    inside = own_environment(LOCAL_AZURE_HOME=str(tmp_path / ".local-azure"), PATH=runner.environment["PATH"])
    command = [*json.loads(last("ENTRYPOINT")), *json.loads(last("CMD")), *FREE]
    check = json.loads(last("HEALTHCHECK").partition("CMD ")[2])
    with subprocess.Popen(command, env=inside, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            LocalAzure.until(lambda: subprocess.run(check, env=inside, cwd=tmp_path, capture_output=True, check=False).returncode == 0)
        finally:
            process.terminate()
        assert process.stderr
        said = process.stderr.read()
    assert process.returncode == 0
    assert said.startswith("WARNING: local Azure listens on 0.0.0.0: ")
    assert len(said.splitlines()) == 1
    assert subprocess.run(check, env=inside, cwd=tmp_path, capture_output=True, check=False).returncode == 1


@pytest.fixture
def services() -> dict[str, Any]:
    """The services of the Compose file."""
    return dict(yaml.safe_load((EXAMPLES / "compose" / "compose.yaml").read_text())["services"])


@pytest.fixture
def container(services: dict[str, Any], tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What the Compose file starts as `azure`, as a process: its command on free ports, with its token."""
    home = tmp_path / "container"
    inside = own_environment(LOCAL_AZURE_HOME=str(home), **dict.fromkeys(services["azure"]["environment"], TOKEN))
    command = [tool("local-azure-iot"), *services["azure"]["command"], *FREE]
    with subprocess.Popen(command, env=inside, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            LocalAzure.until((home / "azure.json").exists)
            yield json.loads((home / "azure.json").read_text())
        finally:
            process.terminate()


def test_the_compose_file(services: dict[str, Any], container: dict[str, Any], tmp_path: Path) -> None:
    """The tests' container waits for a healthy `azure`, attaches by its name, and its tests use that one."""
    service = services["tests"]
    assert service["depends_on"] == {"azure": {"condition": "service_healthy"}}
    assert "--known-as azure" in " ".join(services["azure"]["command"])
    mounted, _ = service["volumes"]
    folder = (EXAMPLES / "compose" / mounted.partition(":")[0]).resolve()
    *shell, script = service["command"]
    # What the registry will have is here already, and the service's name is this machine's.
    lines = [line for line in script.splitlines() if not re.search(r"venv|pip install|cp -r", line)]
    script = "\n".join(lines).replace("http://azure:8444", container["control"])
    variables = own_environment(
        LOCAL_AZURE_CONTROL_TOKEN=TOKEN,
        LOCAL_AZURE_HOME=str(tmp_path / "client"),
        PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    )
    done = subprocess.run([*shell, script], env=variables, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


STAND_IN = '''
import subprocess, sys, json, os, time
from pathlib import Path

class DockerContainer:
    """As testcontainers' class of this name, with a process: its ports are mapped to free ones."""
    def __init__(self, image): assert image == "local-azure-iot"; self.variables = {}
    def with_env(self, name, value): self.variables[name] = value; return self
    def with_exposed_ports(self, *ports): self.ports = ports; return self
    def __enter__(self):
        self.home = Path(os.environ["CONTAINER"])
        command = [os.environ["COMMAND"], "start", "--listen", "0.0.0.0", *os.environ["FREE"].split()]
        self.process = subprocess.Popen(command, env={**os.environ, **self.variables, "LOCAL_AZURE_HOME": str(self.home)})
        while not (self.home / "azure.json").exists():
            assert self.process.poll() is None
            time.sleep(0.02)
        self.ready = json.loads((self.home / "azure.json").read_text())
        return self
    def __exit__(self, *_): self.process.terminate(); self.process.wait()
    def get_container_host_ip(self): return "localhost"
    def get_exposed_port(self, port):
        name = {8443: "arm", 8883: "mqtt", 8080: "proxy", 8444: "control"}[port]
        assert port in self.ports
        return int(self.ready[name].rpartition(":")[2])
'''


def test_the_example_for_testcontainers(tmp_path: Path) -> None:
    """It attaches through mapped ports, and the fixtures of the package use its local Azure. Docker is a process here."""
    package = tmp_path / "testcontainers" / "core"
    package.mkdir(parents=True)
    (package / "container.py").write_text(STAND_IN)
    (tmp_path / "test_press.py").write_text((EXAMPLES / "testcontainers" / "test_press.py").read_text())
    variables = own_environment(CONTAINER=str(tmp_path / "container"), COMMAND=tool("local-azure-iot"), FREE=" ".join(FREE))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    done = subprocess.run(command, env=variables, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_the_devcontainer(tmp_path: Path) -> None:
    """Its command starts local Azure once, and leaves one that runs alone."""
    text = (EXAMPLES / "devcontainer" / "devcontainer.json").read_text()
    found = json.loads("\n".join(line for line in text.splitlines() if not line.startswith("//")))
    variables = own_environment(LOCAL_AZURE_HOME=str(tmp_path), PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    command = ["sh", "-c", found["postStartCommand"].replace("--detach", f"--detach {' '.join(FREE)}")]
    try:
        codes = [subprocess.run(command, env=variables, capture_output=True, check=False, timeout=120).returncode for _ in range(2)]
    finally:
        stop = subprocess.run([tool("local-azure-iot"), "stop"], env=variables, capture_output=True, check=False, timeout=120)
    assert (*codes, stop.returncode) == (0, 0, 0)
