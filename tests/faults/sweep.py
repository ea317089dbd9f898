"""The sweep: every fault at every HTTP call of every operation, and what came of it."""

import random
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from sandbox.installation import environment
from tests.faults import devices, trust
from tests.faults.case_hub import Call, CaseHub
from tests.faults.fault import FAULTS, Fault
from tests.faults.scenario import Scenario
from tests.faults.stack import Declared
from tests.kit.key_stores import OFFICER, grant
from tests.kit.local_azure import LocalAzure, local_azure
from tests.kit.provider_process import CallFailedError, ProviderProcess

ABSORBED = "absorbed"
_LINE = re.compile(r"hubtrust(\.\w+)+\.(?P<kind>\w+Error): [^\n]+; [^\n]+")
_RUNS = 4  # the one before, the one that meets the fault, the next, the last: each a process that knows nothing of the others
_AT_A_TIME = 8  # cases; a provider process serves four calls at a time and most of them wait


@dataclass(frozen=True, order=True)
class Cell:
    """One case of a scenario."""

    call: Call
    fault: Fault
    lasting: bool

    def __str__(self) -> str:
        return f"{self.fault.title}{' for good' if self.lasting else ''} at {self.call.method} {self.call.path} ({self.call.nth})"


@dataclass(frozen=True)
class Outcome:
    """How a case ended: ``absorbed``, or the kind of the one line that was told; ``flaws`` is empty when all promises held."""

    cell: Cell
    label: str  # the call, as the report names it
    result: str
    line: str
    flaws: tuple[str, ...]


@dataclass
class Bench:
    """Local Azure, its control port, and the provider processes of the runs."""

    azure: LocalAzure
    control: httpx.Client
    runs: tuple[ProviderProcess, ...]

    def case(self, scenario: Scenario, deadline: float) -> CaseHub:
        """A hub of its own, with what stood before and what happened to it since."""
        case = CaseHub(self.azure.hub(scenario.kind), self.control, deadline, scenario.login)
        scenario.setup(case)
        case.stack.up(self.runs[0], scenario.before(case))
        scenario.meanwhile(case)
        case.forget()
        return case

    @contextmanager
    def run(self, scenario: Scenario) -> Iterator[ProviderProcess]:
        """The process of the run that meets the fault: one that has a token, or a new one."""
        if not scenario.login:
            yield self.runs[1]
            return
        with ProviderProcess(_environment(self.azure)) as process:
            yield process


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """The real parts; every Azure name leads to local Azure by its proxy, as it would to Azure."""
    with ExitStack() as open_:
        azure = open_.enter_context(local_azure(folder, "--retry-after", "0"))
        devices.may_manage(azure)
        grant(azure, OFFICER)
        control = open_.enter_context(httpx.Client(base_url=azure.ready["control"], trust_env=False, timeout=60))
        runs = tuple(open_.enter_context(ProviderProcess(_environment(azure))) for _ in range(_RUNS))
        yield Bench(azure, control, runs)


def _environment(azure: LocalAzure) -> dict[str, str]:
    """As any client's, but for the public roots: reading them takes longer than a call."""
    roots = azure.ready["ca_file"]
    return environment(azure.ready) | {"REQUESTS_CA_BUNDLE": roots, "SSL_CERT_FILE": roots}


def cells(bench: Bench, scenario: Scenario) -> list[Cell]:
    """Every call of a run without a fault, with every fault, once and for good.

    Raises:
        AssertionError: not even that run does what the scenario wants.
    """
    case = bench.case(scenario, deadline=20)
    with bench.run(scenario) as run:
        case.stack.up(run, scenario.declared(case))
    calls = case.calls()
    assert dict(scenario.found(case)) == dict(scenario.wanted(case)), f"{scenario.title}: without any fault it ends otherwise"
    calls = [call for call in calls if call.host == "login"] if scenario.login else calls
    assert calls, f"{scenario.title}: no call of it was seen"
    return [
        Cell(call, fault, lasting) for call in calls for fault in FAULTS for lasting in ((False, True) if scenario.for_good else (False,))
    ]


def sweep(bench: Bench, scenario: Scenario, share: float, seed: int) -> list[Outcome]:
    """The outcomes of a drawn ``share`` of the scenario's cells (at least one), several at a time."""
    every = cells(bench, scenario)
    chance = random.Random(f"{seed} {scenario.title}")  # noqa: S311 - a draw that can be repeated, no secret
    drawn = [every[index] for index in sorted(chance.sample(range(len(every)), max(1, round(share * len(every)))))]
    with ThreadPoolExecutor(1 if scenario.login else _AT_A_TIME) as pool:
        return list(pool.map(lambda cell: attempt(bench, scenario, cell), drawn))


def attempt(bench: Bench, scenario: Scenario, cell: Cell) -> Outcome:
    """One case: the run that meets the fault, the next run, and one more that has nothing to do."""
    case = bench.case(scenario, deadline=1 if cell.lasting else 20)
    verified, declared = case.hub.verified(), scenario.declared(case)
    with bench.run(scenario) as run:
        case.plant(cell.fault, cell.call, lasting=cell.lasting)
        result, line, flaws = _faulted(case, run, declared)
    log = case.log()
    if not any(entry["fault"] for entry in log):
        flaws.append("the fault never struck: that call was not made again on another hub")
    if len(log) > scenario.most_calls:
        flaws.append(f"it asked {len(log)} times: nobody hammers Azure")
    case.heal()
    flaws += _next(case, bench.runs[2], declared)
    after = case.log()
    if result == ABSORBED and (changes := _changes(after[len(log) :])):
        flaws.append(f"the run said that it was done, and the next one found something to do: {changes}")
    flaws += _wrong(scenario, case, declared)
    if scenario.population and not all(moments := trust.moments(verified, after)):
        flaws.append(f"devices were locked out: trusted were, one after the other, {[sorted(each) for each in moments]}")
    flaws += _next(case, bench.runs[3], declared)
    if changes := _changes(case.log()[len(after) :]):
        flaws.append(f"the last run still changed something: {changes}")
    return Outcome(cell, _label(cell.call, scenario.names(case)), result, line, tuple(flaws))


def _faulted(case: CaseHub, run: ProviderProcess, declared: Declared) -> tuple[str, str, list[str]]:
    try:
        case.stack.up(run, declared)
    except CallFailedError as error:
        line = str(error).strip()
        told = _LINE.fullmatch(line)
        return (told["kind"], line, []) if told else ("?", line, [f"what it said is not one clear line: {line!r}"])
    return ABSORBED, "", []


def _next(case: CaseHub, run: ProviderProcess, declared: Declared) -> list[str]:
    try:
        case.stack.up(run, declared)
    except CallFailedError as error:
        return [f"a later run, with nothing in its way, failed: {error}"]
    return []


def _wrong(scenario: Scenario, case: CaseHub, declared: Declared) -> list[str]:
    """What differs, on the hub or in the state, from what must be there in the end."""
    flaws = list[str]()
    found, wanted = dict(scenario.found(case)), dict(scenario.wanted(case))
    if found != wanted:
        flaws.append(f"it ended as {found}, and {wanted} was wanted")
    if case.stack.replaced or case.stack.resources.keys() != declared.keys():
        flaws.append(f"the state holds {sorted(case.stack.resources)}, and {len(case.stack.replaced)} more to delete")
    return flaws


def _changes(log: list[dict[str, Any]]) -> list[str]:
    """The requests that change something; a query, and a request for a token, only ask."""
    writing = [entry for entry in log if entry["method"] not in ("GET", "HEAD") and not entry["path"].endswith(("/query", "/token"))]
    return [f"{entry['method']} {entry['path']}" for entry in writing]


def _label(call: Call, names: Mapping[str, str]) -> str:
    path = call.path
    for literal, label in names.items():
        path = path.replace(literal, label)
    return f"{call.method} {path}" + (f", {call.nth}." if call.nth > 1 else "")
