"""The sweep: every fault at every HTTP call of every operation, and its outcome."""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from hubtrust.azure.errors import UnreachableError
from local_azure_iot.installation import environment
from tests.faults import certificates, devices, enrollment_fleet, trust
from tests.faults.case_hub import Call, CaseHub
from tests.faults.fault import COLUMNS, Fault
from tests.faults.losses import Moment, losses
from tests.faults.scenario import Scenario
from tests.faults.stack import Declared
from tests.kit.control_port import control_client
from tests.kit.key_stores import OFFICER
from tests.kit.local_azure import LocalAzure, local_azure
from tests.kit.provider_process import CallFailedError, ProviderProcess

ABSORBED = "absorbed"
LINE = re.compile(r"(?!\S+(Error|Exception)\b)[^\n]+: [^\n]+; [^\n]+")  # no class's name before it
_TIME_OVER = re.compile(r"no (complete )?answer within|: no token within|did not answer in time|\(it timed out\)")
_NEVER_OCCURRED = "the fault never occurred: the call was not made on another hub"
_TRIED_AGAIN = "(tried "
_ANSWERED = ": Azure answers "  # so the connection was not lost
_MORE_TRIES = 3
_RUNS = 4  # the previous one, the one with the fault, the next, the last: each a process without the memory of the others
AT_A_TIME = 16  # cases: most of them wait, and each provider process answers as many calls at a time
_TIME = 120.0  # seconds: the deadline of every run but the one with a permanent fault; only a busy machine needs more than a few
_LONGEST = 24.0  # seconds, of a run with a permanent fault that is tried again


@dataclass(frozen=True, order=True)
class Cell:
    """One case of a scenario."""

    call: Call
    fault: Fault
    lasting: bool

    def __str__(self) -> str:
        return f"{self.fault.title}{' (permanent)' if self.lasting else ''} at {self.call.method} {self.call.path} ({self.call.nth})"


@dataclass(frozen=True)
class Outcome:
    """How a case ended: ``absorbed``, or the kind of the reported error; ``flaws`` is empty if all guarantees held."""

    cell: Cell
    label: str  # the call, as the report names it
    result: str
    line: str
    flaws: tuple[str, ...]
    disturbed: bool = False  # by a slow machine or by another case, see ``_is_disturbed``


@dataclass
class Bench:
    """Local Azure, its control port, and the provider processes of the runs, which all cases share."""

    azure: LocalAzure
    control: httpx.Client
    shell: type[ProviderProcess]  # which of the two shells the processes are: dynamic provider or plugin
    runs: Sequence[ProviderProcess]  # one for each run of a case

    def case(self, scenario: Scenario, run: ProviderProcess) -> CaseHub:
        """A hub of its own, in the state that the scenario starts from after ``run``."""
        case = CaseHub(self.azure.hub(scenario.kind), self.control, _TIME, scenario.login)
        scenario.setup(case)
        case.stack.up(run, scenario.before(case))
        scenario.meanwhile(case)
        case.forget()
        return case

    @contextmanager
    def run(self, process: ProviderProcess, *, alone: bool, login: bool) -> Iterator[ProviderProcess]:
        """The process of the run with the fault: this one, or a new one that no other case uses, without a token for ``login``."""
        if not alone:
            yield process
            return
        with self._start() as new:
            if not login:
                self._log_in(new)
            yield new

    @contextmanager
    def in_shell(self, shell: type[ProviderProcess]) -> Iterator["Bench"]:
        """The same local Azure with processes of a shell, for as long as the block lasts."""
        found = replace(self, shell=shell, runs=())
        with ExitStack() as open_:
            found.runs = [open_.enter_context(found._start()) for _ in range(_RUNS)]
            for process in found.runs:
                found._log_in(process)
            yield found

    def _start(self) -> ProviderProcess:
        return self.shell(environment_of(self.azure), names_errors=True)

    def _log_in(self, process: ProviderProcess) -> None:
        """Get the process its tokens, by work that needs them: no case's deadline is for that."""
        hub = CaseHub(self.azure.hub(), self.control, _TIME)
        hub.stack.up(process, devices.device()(hub) | certificates.one(1)(hub))
        service = CaseHub(self.azure.hub("provisioningServices"), self.control, _TIME)
        service.stack.up(process, enrollment_fleet.fleet({"press-1": "A"})(service))


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """The real processes; every Azure name leads to local Azure through its proxy."""
    with ExitStack() as open_:
        azure = open_.enter_context(local_azure(folder, "--retry-after", "0"))
        devices.may_manage(azure)
        enrollment_fleet.may_manage(azure)
        azure.grant(OFFICER)
        control = open_.enter_context(control_client(azure.ready))
        yield open_.enter_context(Bench(azure, control, ProviderProcess, ()).in_shell(ProviderProcess))


def environment_of(azure: LocalAzure) -> dict[str, str]:
    """The environment of any client, without the public roots: reading them takes longer than a call."""
    roots = azure.ready["ca_file"]
    return environment(azure.ready) | {"REQUESTS_CA_BUNDLE": roots, "SSL_CERT_FILE": roots}


def cells(bench: Bench, scenario: Scenario) -> list[Cell]:
    """Every call of a run without faults, with every fault, once and permanent.

    Raises:
        AssertionError: the run without faults does not end as the scenario expects.
    """
    case = bench.case(scenario, bench.runs[0])
    with bench.run(bench.runs[1], alone=scenario.login, login=scenario.login) as run:
        case.stack.up(run, scenario.declared(case))
    calls = case.calls()
    assert dict(scenario.found(case)) == dict(scenario.wanted(case)), f"{scenario.title}: the run without faults ends differently"
    calls = [call for call in calls if call.host == "login"] if scenario.login else calls
    assert calls, f"{scenario.title}: no call was logged"
    return [
        Cell(call, fault, lasting) for call in calls for fault in COLUMNS for lasting in ((False, True) if scenario.permanent else (False,))
    ]


def _anything(_outcome: Outcome) -> bool:
    """Told of: where no page is compared with, no result is another one."""
    return True


@dataclass(frozen=True)
class Part:
    """Each ``of``-th call of a scenario, from ``number`` on (from 0), so that workers share long scenarios."""

    number: int = 0
    of: int = 1

    def among(self, each: Sequence[Any]) -> list[Any]:
        """This part of what there is for each call."""
        return [*each[self.number :: self.of]]


WHOLE = Part()


def sweep(
    bench: Bench, scenario: Scenario, share: float, seed: int, is_told: Callable[[Outcome], bool] = _anything, part: Part = WHOLE
) -> list[Outcome]:
    """The outcomes of a random ``share`` of the part's cells (at least one), several at a time. For ``is_told`` see ``attempt``."""
    every = cells(bench, scenario)
    calls = part.among([*dict.fromkeys(cell.call for cell in every)])
    every = [cell for cell in every if cell.call in calls]
    chance = random.Random(f"{seed} {scenario.title}")  # noqa: S311 - a draw that can be repeated, no secret
    drawn = [every[index] for index in sorted(chance.sample(range(len(every)), max(1, round(share * len(every)))))]
    with ThreadPoolExecutor(1 if scenario.login else AT_A_TIME) as pool:
        return list(pool.map(lambda cell: attempt(bench, scenario, cell, is_told), drawn))


def attempt(bench: Bench, scenario: Scenario, cell: Cell, is_told: Callable[[Outcome], bool] = _anything) -> Outcome:
    """The outcome of a case. One that was disturbed is tried again, with twice the time and in a process of its own.

    So is one of a permanent fault that is not told of (``is_told``): a slow machine can use up the deadline where a run with time
    recovers, and the error then is that of the fault. What it lost or left wrong counts all the same.
    """
    deadline = scenario.deadline if cell.lasting else _TIME
    outcome = _attempt(bench, scenario, cell, deadline, alone=scenario.login)
    for _ in range(_MORE_TRIES):
        doubted = outcome.disturbed or (cell.lasting and not is_told(outcome))
        if not doubted or any(not flaw.startswith(_NEVER_OCCURRED) for flaw in outcome.flaws):
            break
        deadline = min(deadline * 2, _LONGEST)
        outcome = _attempt(bench, scenario, cell, deadline, alone=True)
    return outcome


def _attempt(bench: Bench, scenario: Scenario, cell: Cell, deadline: float, *, alone: bool) -> Outcome:
    """One case: the run with the fault, the next run, and one more that has nothing to do."""
    runs = bench.runs
    case = bench.case(scenario, runs[0])
    verified, declared = case.hub.verified() if scenario.population else {}, scenario.declared(case)
    earlier = Moment.of(case, scenario.found(case))
    case.forget()
    with bench.run(runs[1], alone=alone, login=scenario.login) as run:
        case.inject(cell.fault, cell.call, lasting=cell.lasting)
        result, line, flaws = outcome_of(case, run, _within(deadline, case, declared))
    log = case.log()
    case.heal()
    occurred = any(entry["fault"] for entry in log)
    if not occurred:
        flaws.append(f"{_NEVER_OCCURRED}; the run ended with: {line}" if line else _NEVER_OCCURRED)
    if len(log) > scenario.most_calls:
        flaws.append(f"it made {len(log)} calls; at most {scenario.most_calls} are allowed")
    later = _within(_TIME, case, declared)
    flaws += losses(earlier, Moment.of(case, scenario.found(case)), scenario.wanted(case), case.stack.written)
    flaws += _next(case, runs[2], later)
    after = case.log()
    if result == ABSORBED and (changes := _changes(after[len(log) :])):
        flaws.append(f"the run succeeded, but the next one changed something: {changes}")
    flaws += _wrong(scenario, case, declared)
    if scenario.population and not all(moments := trust.moments(verified, after)):
        flaws.append(f"devices were locked out: the trusted CAs were, in order, {[sorted(each) for each in moments]}")
    if result != ABSORBED:  # else the next run was already one that had nothing to do
        flaws += _next(case, runs[3], later)
        if changes := _changes(case.log()[len(after) :]):
            flaws.append(f"the last run still changed something: {changes}")
    case.clear()
    disturbed = _is_disturbed(cell, result, line, occurred=occurred, alone=alone)
    return Outcome(cell, _label(cell.call, scenario.names(case)), result, line, tuple(flaws), disturbed)


def _is_disturbed(cell: Cell, result: str, line: str, *, occurred: bool, alone: bool) -> bool:
    """Whether the run with the fault ended by something else.

    A slow machine can use up its time: no fault of the matrix withholds an answer. Another case in the same process, whose fault lasts,
    can make the process give up the host that both use: then this run does not try again after a connection that was closed.
    """
    if _TIME_OVER.search(line):
        return True
    if result != UnreachableError.__name__ or _ANSWERED in line:
        return False
    withheld = cell.lasting and _TRIED_AGAIN in line
    return not occurred or not (alone or withheld)


def _within(seconds: float, case: CaseHub, declared: Declared) -> Declared:
    """The declaration with this deadline, and the state with it too: its deadline is that of a refresh."""
    for known in (*case.stack.resources.values(), *case.stack.replaced):
        if "deadline" in known.created.outs:
            known.created.outs["deadline"] = seconds
    return {each: (kind, news | {"deadline": seconds} if "deadline" in news else news) for each, (kind, news) in declared.items()}


def outcome_of(case: CaseHub, run: ProviderProcess, declared: Declared) -> tuple[str, str, list[str]]:
    """A run: ``absorbed`` or the kind of the error, the error's line, and what is wrong with that line."""
    try:
        case.stack.up(run, declared)
    except CallFailedError as error:
        line = str(error).strip()
        return (error.kind, line, []) if LINE.fullmatch(line) else ("?", line, [f"the error is not one clear line: {line!r}"])
    return ABSORBED, "", []


def _next(case: CaseHub, run: ProviderProcess, declared: Declared) -> list[str]:
    try:
        case.stack.up(run, declared)
    except CallFailedError as error:
        return [f"a later run without faults failed: {error}"]
    return []


def _wrong(scenario: Scenario, case: CaseHub, declared: Declared) -> list[str]:
    """What differs, on the hub or in the state, from the expected result."""
    flaws = list[str]()
    found, wanted = dict(scenario.found(case)), dict(scenario.wanted(case))
    if found != wanted:
        flaws.append(f"the result is {found}, expected {wanted}")
    if case.stack.replaced or case.stack.resources.keys() != declared.keys():
        flaws.append(f"the state has {sorted(case.stack.resources)}, and {len(case.stack.replaced)} more to delete")
    return flaws + trust.untrue_claims((known.created.outs for known in case.stack.resources.values()), case.hub.certificates)


def _changes(log: list[dict[str, Any]]) -> list[str]:
    """The requests that change something: not queries, and not requests for a token or for keys."""
    reads = ("/query", "/token", "/listkeys")
    writing = [entry for entry in log if entry["method"] not in ("GET", "HEAD") and not entry["path"].endswith(reads)]
    return [f"{entry['method']} {entry['path']}" for entry in writing]


def _label(call: Call, names: Mapping[str, str]) -> str:
    path = call.path
    for literal, label in names.items():
        path = path.replace(literal, label)
    return f"{call.method} {path}" + (f", {call.nth}." if call.nth > 1 else "")
