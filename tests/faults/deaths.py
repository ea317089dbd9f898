"""Kill -9 of the engine, or of a provider, at any provider call of a whole run of the program; then the next run."""

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

from sandbox.installation import environment
from tests.faults import trust
from tests.faults.case_hub import CaseHub
from tests.kit.local_azure import Hub, local_azure
from tests.kit.program import pem_of, program
from tests.kit.repository import ROOT

_RUN = f"import runpy, sys; sys.path[0] = {str(ROOT)!r}; runpy.run_module('tests.faults.trapped_engine', run_name='__main__')"
_EFFECTS = {"Create", "Update", "Delete"}  # killed before them is not killed after them; of all other calls, before is as good as after
_PATIENCE = 600  # seconds
_AT_A_TIME = max(2, os.cpu_count() or 2)


@dataclass(frozen=True)
class Operation:
    """A run of the program: from which stand it begins, the engine's verb, and the settings that changed before it."""

    title: str
    start: str
    verb: str
    leaves: int  # certificates
    settings: Mapping[str, Any] = field(default_factory=dict)


OPERATIONS = (
    Operation("up", "initialized", "up", 1),
    Operation("rotation", "standing", "up", 1, {"caGeneration": 2}),
    Operation("rotation that keeps the previous", "standing", "up", 2, {"caGeneration": 2, "caKeepPrevious": "true"}),
    Operation("destroy", "standing", "destroy", 0),
)
_SETTINGS = "config:\n  azure-native:location: westeurope\n  hubtrust:existingHub: {hub}\n"


@dataclass(frozen=True)
class Death:
    """Where a run is killed: at which provider call, before its effect or after, and who."""

    operation: Operation
    call: int
    method: str
    resource: str
    when: str
    victim: str

    def __str__(self) -> str:
        return f"{self.operation.title}: the {self.victim} killed {self.when} {self.method} of {self.resource} (call {self.call})"


@dataclass
class Stand:
    """One stack of the program, on a hub that somebody else owns."""

    stage: "Stage"
    folder: Path
    case: CaseHub

    @property
    def settings(self) -> Path:
        """The stack's."""
        return self.folder / "Pulumi.sandbox.yaml"

    def run(self, verb: str, trap: dict[str, Any] | None = None, **settings: Any) -> subprocess.CompletedProcess[str]:
        """Run the engine; ``settings`` are the project's keys that change from now on."""
        if settings:
            lines = "".join(f"  hubtrust:{name}: {value}\n" for name, value in settings.items())
            self.settings.write_text(self.settings.read_text().replace("config:\n", f"config:\n{lines}", 1))
        log = {"log": str(self.folder / "calls.jsonl")}
        flags = [] if verb in ("cancel", "stack") else ["--skip-preview", "--config-file", str(self.settings)]
        named = ["init", "sandbox", "--config-file", str(self.settings)] if verb == "stack" else ["--stack", "sandbox", "--yes"]
        return subprocess.run(
            [sys.executable, "-c", _RUN, verb, *named, *flags, "--non-interactive"],
            cwd=self.stage.program,
            env=self.stage.environment | {"PULUMI_BACKEND_URL": f"file://{self.folder}", "TRAP": json.dumps(log | (trap or {}))},
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )

    def must(self, verb: str, **settings: Any) -> str:
        """A run that must work: what it said."""
        done = self.run(verb, **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def calls(self) -> list[dict[str, Any]]:
        """The provider calls so far."""
        return [json.loads(line) for line in (self.folder / "calls.jsonl").read_text().splitlines()]

    def known(self) -> dict[str, str]:
        """What the state knows on the hub: each certificate's name and thumbprint."""
        state = json.loads(next(self.folder.glob(".pulumi/stacks/*/sandbox.json")).read_text())
        found = [
            one["outputs"] for one in state["checkpoint"]["latest"].get("resources") or () if one["type"].endswith(":VerifiedCertificate")
        ]
        return {one["certificateName"]: one["thumbprint"] for one in found}


@dataclass
class Stage:
    """The program, local Azure, and the stands that cases begin from, by name."""

    folder: Path
    program: Path
    environment: dict[str, str]
    control: httpx.Client
    hubs: Any  # gives a new Hub
    ready: dict[str, Path] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def stand(self, start: str) -> Stand:
        """A stand like that of ``start``, on a hub of its own.

        The state is that of the run that made ``start``, with another hub's id in it; on that hub its certificate is put by hand.
        """
        hub: Hub = self.hubs()
        folder = self.folder / f"stand-{next(self.numbers)}"
        shutil.copytree(self.ready[start], folder, ignore=shutil.ignore_patterns("calls.jsonl", "history", "backups"))
        before = (folder / "hub").read_text()
        for path in (folder / "Pulumi.sandbox.yaml", *folder.glob(".pulumi/stacks/*/sandbox.json")):
            path.write_text(path.read_text().replace(before, hub.id))
        (folder / "hub").write_text(hub.id)
        stand = Stand(self, folder, CaseHub(hub, self.control))
        for name in stand.known():
            hub.put(name, pem_of(Hub(hub.azure, before).certificates()[name]), isVerified=True)
        stand.case.forget()
        return stand


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """The program's own files, unchanged, and a stack of it that was initialized."""
    with ExitStack() as open_:
        place = open_.enter_context(program(folder, "embedded")).folder
        azure = open_.enter_context(local_azure(folder, "--retry-after", "0"))
        control = open_.enter_context(httpx.Client(base_url=azure.ready["control"], trust_env=False, timeout=60))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "AZURE_", "ARM_"))}
        variables = {
            "PULUMI_CONFIG_PASSPHRASE": "correct horse",
            "PULUMI_HOME": str(folder / "home"),
            "NO_COLOR": "1",
            "PULUMI_PARALLEL": "1",
        }
        made = Stage(folder, place, {**inherited, **environment(azure.ready), **variables}, control, azure.hub)
        first = Stand(made, folder / "initialized", CaseHub(azure.hub(), control))
        first.folder.mkdir()
        (first.folder / "hub").write_text(first.case.hub.id)
        first.settings.write_text(_SETTINGS.format(hub=first.case.hub.id))
        first.must("stack")
        made.ready["initialized"] = first.folder
        stood = made.stand("initialized")
        stood.must("up")
        made.ready["standing"] = stood.folder
        yield made


def deaths(stage: Stage, operation: Operation) -> list[Death]:
    """Every provider call of a run that nobody kills; before it and after an effect; of engine and provider."""
    stand = stage.stand(operation.start)
    stand.must(operation.verb, **operation.settings)
    assert len(stand.known()) == len(stand.case.hub.verified()) == operation.leaves
    found = list[Death]()
    for call in stand.calls():
        resource = call["urn"].rpartition("$")[2].replace("::", " ") if "$" in call["urn"] else call["urn"].partition("::")[2]
        for when in ("before", "after") if call["method"] in _EFFECTS else ("before",):
            found += [Death(operation, call["call"], call["method"], resource, when, victim) for victim in ("engine", "provider")]
    return found


def sweep(stage: Stage, share: float, seed: int, tell: Callable[[str], None] = lambda _line: None) -> list[tuple[Death, list[str]]]:
    """What is wrong after each death of a drawn ``share``, several at a time; with a share of 0 one death of one operation."""
    chance = random.Random(seed)  # noqa: S311 - a draw that can be repeated, no secret
    drawn = list[Death]()
    for operation in OPERATIONS if share else (chance.choice(OPERATIONS),):
        every = deaths(stage, operation)
        drawn += [every[index] for index in sorted(chance.sample(range(len(every)), max(1, round(share * len(every)))))]

    def one(death: Death) -> tuple[Death, list[str]]:
        flaws = attempt(stage, death)
        tell("\n  ".join([str(death), *flaws]))
        return death, flaws

    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        return list(pool.map(one, drawn))


def attempt(stage: Stage, death: Death) -> list[str]:
    """One case: the run that is killed, and the next."""
    operation = death.operation
    stand = stage.stand(operation.start)
    verified, before = stand.case.hub.verified(), stand.known()
    killed = stand.run(operation.verb, {"call": death.call, "when": death.when, "victim": death.victim}, **operation.settings)
    flaws = list[str]()
    if killed.returncode != (-signal.SIGKILL if death.victim == "engine" else 1):
        flaws.append(f"nobody noticed the death: exit code {killed.returncode}: {killed.stdout}{killed.stderr}")
    if "Traceback" in killed.stdout + killed.stderr:
        flaws.append(f"a traceback was shown: {killed.stdout}{killed.stderr}")
    if death.victim == "engine":
        stand.must("cancel")  # the lock of a killed run stays: Pulumi's own words say so, and name this command
    after = stand.run(operation.verb)
    if after.returncode:
        flaws.append(f"the next run failed: {after.stdout}{after.stderr}")
    known, standing = stand.known(), stand.case.hub.certificates()
    if known != {name: one["properties"]["thumbprint"] for name, one in standing.items()}:
        flaws.append(f"the state knows {known}, and on the hub stand {sorted(standing)}")
    if not all(one["properties"]["isVerified"] for one in standing.values()):
        flaws.append(f"not all is verified: {stand.case.hub.verified()}")
    if len(known) != operation.leaves or (operation.settings and known == before):
        flaws.append(f"the state knows {known}")
    if operation.verb == "up" and before and not all(trust.moments(verified, stand.case.log())):
        flaws.append("devices were locked out on the way")
    return flaws
