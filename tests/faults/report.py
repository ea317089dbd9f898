"""docs/faults.md: what the sweep found, as tables; no times, so that the same code writes the same page."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from tests.faults.deaths import OPERATIONS, Death
from tests.faults.fault import FAULTS
from tests.faults.scenario import Scenario
from tests.faults.sweep import ABSORBED, Outcome
from tests.kit.repository import ROOT

PAGE = ROOT / "docs" / "faults.md"
_DEATHS = "## Kill -9"
_OPENING = """# What happens when something goes wrong
Written by `make faults`; `make test` tries a tenth, drawn anew each time, and `.ci/run` all of the first part. None of it needs a hand:
whatever is interrupted, the next `pulumi up` goes on from there.

Each operation of each dynamic resource is run on a hub of its own, and one HTTP call of it meets one fault: **once**, and **for good**
(that call fails at every try until the provider's `deadline`). Then a new process runs the same again with nothing in its way, and
another one after that. In every case here:
- the run that met the fault either went through, or failed with one line that says what failed, the fact found and what to do next;
- the next run ended in the declared world, with nothing left over and nothing twice, in Azure and in the state;
- the run after that changed nothing;
- in a rotation, at no moment was there no verified CA for the devices that are connected.

`ok` is a fault that the run itself got over. Anything else is the kind of the one line that was told: first for the fault that
came once, then for the one that stayed.
"""


def section(scenario: Scenario, outcomes: Sequence[Outcome]) -> str:
    """The table of one scenario: a row a call, a column a fault."""
    lines = [f"### {scenario.title}", f"| call | {' | '.join(fault.title for fault in FAULTS)} |", "|---" * (len(FAULTS) + 1) + "|"]
    for call in dict.fromkeys(outcome.cell.call for outcome in outcomes):
        here = {(outcome.cell.fault, outcome.cell.lasting): outcome for outcome in outcomes if outcome.cell.call == call}
        label = next(outcome.label for outcome in here.values())
        row = [" / ".join(_shown(here.get((fault, lasting))) for lasting in (False, True)) for fault in FAULTS]
        lines.append(f"| `{label}` | {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def written(scenario: Scenario) -> str:
    """The scenario's table as the page has it; nothing where it has none."""
    _, title, rest = PAGE.read_text().partition(f"### {scenario.title}\n")
    return title + rest.partition("\n\n")[0]


def matrix(found: Sequence[tuple[Scenario, Sequence[Outcome]]]) -> str:
    """The first part of the page."""
    every = [outcome for _, outcomes in found for outcome in outcomes]
    flawed = sum(bool(outcome.flaws) for outcome in every)
    kinds = Counter(outcome.result for outcome in every)
    told = ", ".join(f"{count} {_short(kind)}" for kind, count in sorted(kinds.items()) if kind != ABSORBED)
    counts = f"{len(every)} cases: {kinds[ABSORBED]} ok; one line: {told}. {flawed} broke a promise.\n"
    examples = {outcome.result: outcome.line for outcome in reversed(every) if outcome.line}
    lines = [f"| `{_short(kind)}` | {_plain(line)} |" for kind, line in sorted(examples.items())]
    sections = "\n".join(section(scenario, outcomes) for scenario, outcomes in found)
    return "\n".join([_OPENING, "## Every fault at every call", counts, "| line | such as |\n|---|---|", *lines, "", sections])


def deaths(found: Iterable[tuple[Death, list[str]]]) -> str:
    """The second part of the page."""
    lines = [
        _DEATHS,
        "The whole program on a hub that is there: the engine, or the provider that it calls, is killed at a provider call,",
        "before the provider got it or after its effect, with the answer lost. Then the killed engine's lock is taken away",
        "(`pulumi cancel`, as Pulumi asks) and the same is run again. It must end with state and hub in agreement, and",
        "all that is declared verified, and nothing else there; in a rotation somebody is trusted at every moment. The hub itself and",
        "its resource group are azure-native's and not of this sweep: what it was making when the engine died, Pulumi calls pending.",
        "",
        "| run | killed | times | caught up by the next run |",
        "|---|---|---|---|",
    ]
    every = list(found)
    for operation in OPERATIONS:
        for victim in ("engine", "provider"):
            here = [flaws for death, flaws in every if (death.operation, death.victim) == (operation, victim)]
            lines.append(f"| {operation.title} | {victim} | {len(here)} | {sum(not flaws for flaws in here)} |")
    return "\n".join(lines) + "\n"


def write(first: str, second: str | None) -> None:
    """The page; without a new second part the old one stays."""
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
    """One told line, without what differs each time."""
    named = re.sub(r"-g(\d)-[0-9a-f]{8}", r"-g\1-…", line.partition(": ")[2])
    named = re.sub(r" \(tried \d+ times in \d+ s\)|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "", named)
    return re.sub(r"trial-\d+-\d+", "hub", named).replace("|", "\\|")
