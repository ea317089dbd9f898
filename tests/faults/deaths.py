"""Kill -9 of the engine or a provider at any provider call of a run of the whole program; then the next run."""

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from local_azure_iot.installation import environment
from tests.faults import trust
from tests.faults.case_hub import CaseHub
from tests.kit.control_port import control_client
from tests.kit.local_azure import Hub, local_azure
from tests.kit.plugin_on_path import plugin_on_path
from tests.kit.program import pem_of, program
from tests.kit.repository import ROOT

RUN = f"import runpy, sys; sys.path[0] = {str(ROOT)!r}; runpy.run_module('tests.faults.trapped_engine', run_name='__main__')"
_EFFECTS = {"Create", "Update", "Delete"}  # before and after differ for these; for all other calls they are the same
_TIMEOUT = 600  # seconds, of one run
_AT_A_TIME = max(2, os.cpu_count() or 2)


@dataclass(frozen=True)
class Operation:
    """A run of the program: the stack it starts from, the engine's verb, and the settings that change before it."""

    title: str
    start: str
    verb: str
    certificates: int  # how many there are afterwards
    settings: Mapping[str, Any] = field(default_factory=dict)


OPERATIONS = (
    Operation("up", "initialized", "up", 1),
    Operation("rotation", "deployed", "up", 1, {"caGeneration": 2, "caDropGeneration": 1}),  # this login may not read devices
    Operation("rotation that keeps the previous CA", "deployed", "up", 2, {"caGeneration": 2, "caKeepPrevious": "true"}),
    Operation("destroy", "deployed", "destroy", 0),
)
_SETTINGS = "config:\n  azure-native:location: westeurope\n  hubtrust:existingHub: {hub}\n"


@dataclass(frozen=True)
class Death:
    """Where a run is killed: at which provider call, before or after its effect, and which process."""

    operation: Operation
    call: int
    method: str
    resource: str
    when: str
    victim: str

    def __str__(self) -> str:
        return f"{self.operation.title}: the {self.victim} killed {self.when} {self.method} of {self.resource} (call {self.call})"


@dataclass
class Case:
    """One stack of the program, on an existing hub that it does not own."""

    bench: "Bench"
    folder: Path
    hub: CaseHub

    @property
    def settings(self) -> Path:
        """The stack's settings."""
        return self.folder / "Pulumi.sandbox.yaml"

    def run(self, verb: str, trap: dict[str, Any] | None = None, **settings: Any) -> subprocess.CompletedProcess[str]:
        """Run the engine. ``settings`` are keys of the project; they stay changed."""
        if settings:
            lines = "".join(f"  hubtrust:{name}: {value}\n" for name, value in settings.items())
            self.settings.write_text(self.settings.read_text().replace("config:\n", f"config:\n{lines}", 1))
        log = {"log": str(self.folder / "calls.jsonl")}
        flags = [] if verb in ("cancel", "stack") else ["--skip-preview", "--config-file", str(self.settings)]
        named = ["init", "sandbox", "--config-file", str(self.settings)] if verb == "stack" else ["--stack", "sandbox", "--yes"]
        return subprocess.run(
            [sys.executable, "-c", RUN, verb, *named, *flags, "--non-interactive"],
            cwd=self.bench.program,
            env=self.bench.environment | {"PULUMI_BACKEND_URL": f"file://{self.folder}", "TRAP": json.dumps(log | (trap or {}))},
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT,
        )

    def must(self, verb: str, **settings: Any) -> str:
        """A run that must succeed; returns its output."""
        done = self.run(verb, **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def calls(self) -> list[dict[str, Any]]:
        """The provider calls so far."""
        return [json.loads(line) for line in (self.folder / "calls.jsonl").read_text().splitlines()]

    def known(self) -> dict[str, str]:
        """The certificates in the state: the name and thumbprint of each."""
        state = json.loads(next(self.folder.glob(".pulumi/stacks/*/sandbox.json")).read_text())
        found = [
            one["outputs"] for one in state["checkpoint"]["latest"].get("resources") or () if one["type"].endswith(":VerifiedCertificate")
        ]
        return {one["certificateName"]: one["thumbprint"] for one in found}


@dataclass
class Bench:
    """The program, local Azure, and the stacks that cases start from, by name."""

    folder: Path
    program: Path
    environment: dict[str, str]
    control: httpx.Client
    new_hub: Callable[[], Hub]
    stacks: dict[str, Path] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def case(self, start: str) -> Case:
        """A copy of the stack ``start``, on a hub of its own.

        The state is a copy with the new hub's id in it, and the certificates of its hub are put on the new hub.
        """
        hub = self.new_hub()
        folder = self.folder / f"case-{next(self.numbers)}"
        shutil.copytree(self.stacks[start], folder, ignore=shutil.ignore_patterns("calls.jsonl", "history", "backups"))
        before = (folder / "hub").read_text()
        for path in (folder / "Pulumi.sandbox.yaml", *folder.glob(".pulumi/stacks/*/sandbox.json")):
            path.write_text(path.read_text().replace(before, hub.id))
        (folder / "hub").write_text(hub.id)
        case = Case(self, folder, CaseHub(hub, self.control))
        for name in case.known():
            hub.put(name, pem_of(Hub(hub.azure, before).certificates()[name]), isVerified=True)
        case.hub.forget()
        return case


@contextmanager
def bench(folder: Path, shell: str = "dynamic") -> Iterator[Bench]:
    """The program's own files, with an initialized stack and a deployed one; with the ``native`` shell they begin with `use_plugin`."""
    with ExitStack() as open_:
        place = open_.enter_context(program(folder, "embedded")).folder
        if shell == "native":
            main = place / "__main__.py"
            main.write_text(f"import hubtrust\n\nhubtrust.use_plugin()\n{main.read_text()}")
        azure = open_.enter_context(local_azure(folder, "--retry-after", "0"))
        control = open_.enter_context(control_client(azure.ready))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "AZURE_", "ARM_"))}
        variables = {
            "PULUMI_CONFIG_PASSPHRASE": "correct horse",
            "PULUMI_HOME": str(folder / "home"),
            "NO_COLOR": "1",
            "PULUMI_PARALLEL": "1",
            "PATH": plugin_on_path(folder / "bin"),
        }
        found = Bench(folder, place, {**inherited, **environment(azure.ready), **variables}, control, azure.hub)
        first = Case(found, folder / "initialized", CaseHub(azure.hub(), control))
        first.folder.mkdir()
        (first.folder / "hub").write_text(first.hub.hub.id)
        first.settings.write_text(_SETTINGS.format(hub=first.hub.hub.id))
        first.must("stack")
        found.stacks["initialized"] = first.folder
        deployed = found.case("initialized")
        deployed.must("up")
        found.stacks["deployed"] = deployed.folder
        yield found


def deaths(bench: Bench, operation: Operation) -> list[Death]:
    """Every provider call of an undisturbed run: before it, and after it where it has an effect; for the engine and the provider."""
    case = bench.case(operation.start)
    case.must(operation.verb, **operation.settings)
    assert len(case.known()) == len(case.hub.hub.verified()) == operation.certificates
    found = list[Death]()
    for call in case.calls():
        resource = call["urn"].rpartition("$")[2].replace("::", " ") if "$" in call["urn"] else call["urn"].partition("::")[2]
        for when in ("before", "after") if call["method"] in _EFFECTS else ("before",):
            found += [Death(operation, call["call"], call["method"], resource, when, victim) for victim in ("engine", "provider")]
    return found


def sweep(bench: Bench, share: float, seed: int, tell: Callable[[str], None] = lambda _line: None) -> list[tuple[Death, list[str]]]:
    """The flaws after each death of a random ``share``, several at a time; with a share of 0, one death of one operation."""
    chance = random.Random(seed)  # noqa: S311 - a draw that can be repeated, no secret
    drawn = list[Death]()
    for operation in OPERATIONS if share else (chance.choice(OPERATIONS),):
        every = deaths(bench, operation)
        drawn += [every[index] for index in sorted(chance.sample(range(len(every)), max(1, round(share * len(every)))))]

    def one(death: Death) -> tuple[Death, list[str]]:
        flaws = attempt(bench, death)
        tell("\n  ".join([str(death), *flaws]))
        return death, flaws

    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        return list(pool.map(one, drawn))


def attempt(bench: Bench, death: Death) -> list[str]:
    """One case: the run that is killed, and the next."""
    operation = death.operation
    case = bench.case(operation.start)
    verified, before = case.hub.hub.verified(), case.known()
    killed = case.run(operation.verb, {"call": death.call, "when": death.when, "victim": death.victim}, **operation.settings)
    flaws = list[str]()
    if killed.returncode != (-signal.SIGKILL if death.victim == "engine" else 1):
        flaws.append(f"the death was not noticed: exit code {killed.returncode}: {killed.stdout}{killed.stderr}")
    if "Traceback" in killed.stdout + killed.stderr:
        flaws.append(f"a traceback was shown: {killed.stdout}{killed.stderr}")
    if death.victim == "engine":
        case.must("cancel")  # the lock of a killed run stays; Pulumi's error names this command
    after = case.run(operation.verb)
    if after.returncode:
        flaws.append(f"the next run failed: {after.stdout}{after.stderr}")
    known, found = case.known(), case.hub.hub.certificates()
    if known != {name: one["properties"]["thumbprint"] for name, one in found.items()}:
        flaws.append(f"the state has {known}, and the hub has {sorted(found)}")
    if not all(one["properties"]["isVerified"] for one in found.values()):
        flaws.append(f"not every certificate is verified: {case.hub.hub.verified()}")
    if len(known) != operation.certificates or (operation.settings and known == before):
        flaws.append(f"the state has {known}")
    if operation.verb == "up" and before and not all(trust.moments(verified, case.hub.log())):
        flaws.append("devices were locked out during the runs")
    return flaws
