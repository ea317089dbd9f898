"""docs/faults.md: the results of the sweep as tables, without times, so that the same code writes the same page."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from tests.faults.deaths import OPERATIONS, Death
from tests.faults.fault import FAULTS, LIES, Fault
from tests.faults.scenario import Scenario
from tests.faults.sweep import ABSORBED, Outcome, Part
from tests.kit.repository import ROOT

PAGE = ROOT / "docs" / "faults.md"
_DEATHS = "## Kill -9"
_OPENING = """# What happens when something goes wrong
Written by `make faults`. `make test` runs a random sample of it, and `.ci/run` half of the first part's scenarios.
No fault needs manual repair: after any interruption, the next `pulumi up` continues.

Each operation of each dynamic resource runs on a hub of its own, and one of its HTTP calls gets one fault: **once**, and **permanently**
(the call fails at every retry until the provider's `deadline`). Then a new process runs the same operation without faults, and then
another one. A fault is an error, a lost connection, or a wrong answer: a 404 for what exists, a login page, JSON that was not asked
for. Before the effect a wrong answer may claim what did not happen; after the effect it hides what did. In every case:
- the run with the fault either succeeded, or failed with one line that says what failed, the fact found and what to do next;
- that run deleted nothing that is declared, dropped nothing from the state that still exists, and called nothing verified that is not;
- the next run reached the declared state, with nothing left over and nothing twice, in Azure and in the stack's state;
- the run after that changed nothing;
- during a rotation, the connected devices had a verified CA at every moment;
- no certificate was called proven without evidence that holds for it.

`ok`: the run itself recovered from the fault. Anything else is the kind of the reported error: first for the fault that occurred once,
then for the permanent one.

All of this holds for both shells of our resources, and what comes of each case is the same: Pulumi's dynamic provider, and the plugin
`pulumi-resource-hubtrust` (the native shell), which gets the same operations over gRPC, with a preview before each create and update. A
run of the tests tries each call through one of the two; `HUBTRUST_SEED` says which, and the next seed the other.
`HUBTRUST_FAULTS=http HUBTRUST_SAMPLES=all` tries every case through both.
"""


def section(scenario: Scenario, outcomes: Sequence[Outcome]) -> str:
    """The tables of one scenario: a row for each call, a column for each fault; wrong answers have a table of their own."""
    return "\n".join([f"### {scenario.title}", _table(outcomes, FAULTS), _table(outcomes, LIES)])


def _table(outcomes: Sequence[Outcome], faults: Sequence[Fault]) -> str:
    lines = [f"| call | {' | '.join(fault.title for fault in faults)} |", "|---" * (len(faults) + 1) + "|"]
    for call in dict.fromkeys(outcome.cell.call for outcome in outcomes):
        here = {(outcome.cell.fault, outcome.cell.lasting): outcome for outcome in outcomes if outcome.cell.call == call}
        label = next(outcome.label for outcome in here.values())
        row = [" / ".join(_shown(here.get((fault, lasting))) for lasting in (False, True)) for fault in faults]
        lines.append(f"| `{label}` | {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def written(scenario: Scenario) -> str:
    """The scenario's tables in the page; empty if the page has none."""
    _, title, rest = PAGE.read_text().partition(f"### {scenario.title}\n")
    return (title + rest.partition("\n##")[0]).rstrip("\n")


def rows(text: str, part: Part) -> list[str]:
    """The lines of a scenario's tables that belong to a part: its titles, and of each table's rows those of the part's calls."""
    _, *tables = text.partition("\n| call ")
    found = list[str]()
    for table in "".join(tables).split("\n\n"):
        titles, line, *calls = table.strip().splitlines()
        found += [titles, line, *part.among(calls)]
    return found


def told(scenario: Scenario) -> Callable[[Outcome], bool]:
    """Whether an outcome of the scenario is the one that the page tells of."""
    results: dict[tuple[str, str], str] = {}
    for line in written(scenario).splitlines():
        match line.strip("| ").split(" | "):
            case ["call", *titles]:
                faults = titles
            case [label, *row] if len(row) > 1:
                results |= {(label, fault): shown for fault, shown in zip(faults, row, strict=True)}

    def is_told(outcome: Outcome) -> bool:
        once, _, lasting = results.get((f"`{outcome.label}`", outcome.cell.fault.title), "").partition(" / ")
        return _shown(outcome) == (lasting if outcome.cell.lasting else once)

    return is_told


def matrix(found: Sequence[tuple[Scenario, Sequence[Outcome]]]) -> str:
    """The first part of the page."""
    every = [outcome for _, outcomes in found for outcome in outcomes]
    flawed = sum(bool(outcome.flaws) for outcome in every)
    kinds = Counter(outcome.result for outcome in every)
    errors = ", ".join(f"{count} {_short(kind)}" for kind, count in sorted(kinds.items()) if kind != ABSORBED)
    counts = f"{len(every)} cases: {kinds[ABSORBED]} ok; errors: {errors}. {flawed} broke a guarantee.\n"
    examples = {outcome.result: outcome.line for outcome in reversed(every) if outcome.line}
    lines = [f"| `{_short(kind)}` | {_plain(line)} |" for kind, line in sorted(examples.items())]
    sections = "\n".join(section(scenario, outcomes) for scenario, outcomes in found)
    return "\n".join([_OPENING, "## Every fault at every call", counts, "| error | example |\n|---|---|", *lines, "", sections])


def deaths(found: Iterable[tuple[Death, list[str]]]) -> str:
    """The second part of the page."""
    lines = [
        _DEATHS,
        "The whole program runs on an existing hub. The engine, or the provider that it calls, is killed at a provider call: before the",
        "provider gets the call, or after it took effect, with the answer lost. Then the lock of the killed engine is removed",
        "(`pulumi cancel`, as Pulumi asks), and the same command runs again. Afterwards state and hub must agree, everything declared",
        "must be verified, and nothing else may exist; during a rotation some CA is trusted at every moment. The hub itself and its",
        "resource group belong to azure-native and are not part of this sweep: Pulumi reports what it was creating as pending operations.",
        "The table is that of dynamic providers. A sample runs with the plugin in their place, by the seed: what the dead one left in",
        "Azure, and what the state then calls a pending operation, is found by the next create.",
        "",
        "| run | killed | times | recovered by the next run |",
        "|---|---|---|---|",
    ]
    every = list(found)
    for operation in OPERATIONS:
        for victim in ("engine", "provider"):
            here = [flaws for death, flaws in every if (death.operation, death.victim) == (operation, victim)]
            lines.append(f"| {operation.title} | {victim} | {len(here)} | {sum(not flaws for flaws in here)} |")
    return "\n".join(lines) + "\n"


def write(first: str, second: str | None) -> None:
    """Write the page; without a new second part the old one stays."""
    old = PAGE.read_text() if PAGE.exists() else ""
    kept = _DEATHS + old.partition(_DEATHS)[2] if _DEATHS in old else ""
    PAGE.write_text(first + "\n" + (second or kept))


def _shown(outcome: Outcome | None) -> str:
    if outcome is None:
        return "-"
    if outcome.flaws:
        return "**broken**"
    return "ok" if outcome.result == ABSORBED else _short(outcome.result)


def _short(kind: str) -> str:
    return kind.removesuffix("Error")


def _plain(line: str) -> str:
    """An error's line, without what differs each time."""
    named = re.sub(r"-g(\d)-[0-9a-f]{8}", r"-g\1-…", line)
    named = re.sub(r" \(tried \d+ times in \d+ s\)|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "", named)
    return re.sub(r"trial-\d+-\d+", "hub", named).replace("|", "\\|")
