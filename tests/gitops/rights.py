"""What a pipeline's file gives to whom: which jobs run at an event, as which identity, with which rights at the forge, and whose code."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import yaml

from tests.gitops.conditions import UnreadableError
from tests.gitops.events import FORKS, PROJECT, TRUSTED, UNTRUSTED, Event
from tests.kit.repository import ROOT

READER = "reader"


@dataclass(frozen=True)
class Grant:
    """What one job gets at one event."""

    job: str
    asks_for: frozenset[str]  # identities in Azure that the job names
    may_be: frozenset[str]  # identities in Azure whose federated credential trusts the job's token: its code may choose among them
    writes: bool  # its token may write at the forge
    runs_the_change: bool  # it runs code that nobody has reviewed
    environment: str = ""
    own_machine: bool = False  # it runs on a machine that is there after the job, in the user's own network


@cache
def credentials(forge: str) -> dict[str, list[str]]:
    """Each identity of docs/gitops.md with the subjects that it trusts, for the test's project; `*` stands for anything."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / "docs/gitops.md").read_text(encoding="utf-8").splitlines():
        if row := re.fullmatch(rf"\| {forge} \| (\S+) \| (.*) \|", line):
            found[row[1]] = [re.sub("<(org|group)>/<(repo|project)>", PROJECT, each) for each in re.findall("`([^`]+)`", row[2])]
    assert found, f"docs/gitops.md has no subjects of {forge}"
    return found


def trusted_by(forge: str, subject: str) -> frozenset[str]:
    """The identities that a token with this subject may become."""
    return frozenset(name for name, trusted in credentials(forge).items() if any(fnmatchcase(subject, each) for each in trusted))


class _Strict(yaml.SafeLoader):
    """YAML in which no key is given twice: forges differ in which one they take. Tags (`!reference`) are not understood."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse a key that is given twice."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        if len(keys) != len(set(map(str, keys))):
            raise UnreadableError(f"a key is given twice, line {node.start_mark.line + 1}")
        return super().construct_mapping(node, deep)


@cache
def parsed(text: str) -> dict[Any, Any]:
    """The file's content, which nobody changes."""
    try:
        found = yaml.load(text, _Strict)  # noqa: S506 - a SafeLoader, and stricter
    except yaml.YAMLError as failed:
        raise UnreadableError(f"no YAML that the rules understand: {failed}") from failed
    if not isinstance(found, dict):
        raise UnreadableError("the file is no mapping")
    return found


def strings(value: Any) -> Iterator[str]:
    """All keys and values below a value."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield str(key)
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)
    elif value is not None:
        yield str(value)


_QUOTED = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"")
_SHELLS = re.compile(r"\b(eval|source)\b|\b(ba|da|z)?sh\s+-\w*c\b")
_ENGINE = re.compile(r"(^|[\s;&|(`])pulumi(\s|$)", re.MULTILINE)
_DOWNLOADED = re.compile(
    r"\b(curl|wget)\b[^\n;]*\|\s*(sudo\s+)?\w*sh\b"
    r"|\b(pip3?|uv pip) install\b(?![^\n]*--require-hashes)"
    r"|\bnpm (install|i|exec)\b|\bnpx ",
)


def script_findings(job: str, script: str) -> Iterator[str]:
    """What is wrong with a shell script, whoever runs it."""
    if "$" in _QUOTED.sub("", script) or "`" in _QUOTED.sub("", script) or "$(" in script:
        yield f"injection: {job} expands a variable outside of double quotes, or a command"
    if _SHELLS.search(script):
        yield f"injection: {job} gives a text to another shell"
    if _ENGINE.search(script):
        yield f"engine: {job} runs pulumi itself, not by run.sh: without the pinned CLI and the policies"
    if _DOWNLOADED.search(script):
        yield f"pinned: {job} installs what no checksum holds"


COMMENT = re.compile(r"python3 -I examples/gitops/engine_output\.py comment (github|azure) \"\$STACK\" \S+")


def grant_findings(grants: Callable[[Event], Iterable[Grant]]) -> Iterator[str]:
    """What is wrong with what the jobs get, over all events."""
    for event in (*UNTRUSTED, *TRUSTED):
        for one in grants(event):
            where = f"{one.job} at {event.name}"
            if event in FORKS and (one.writes or one.asks_for or one.may_be):
                yield f"fork: {where} gets more than nothing"
            if event in FORKS and one.own_machine and one.runs_the_change:
                yield f"fork: {where} runs on a machine of one's own"
            if one.writes and one.runs_the_change:
                yield f"apart: {where} has a token that may write, and runs code that nobody has reviewed"
            if one.writes and (one.asks_for or one.may_be):
                yield f"apart: {where} has a token that may write, and an identity in Azure"
            if not event.trusted and (one.may_be | one.asks_for) - {READER}:
                yield f"deployer: {where} can be more than a reader"
            if one.asks_for - {READER} and not one.environment:
                yield f"deployer: {where} deploys without an environment, so without its approval"
            if not one.asks_for <= one.may_be:
                yield f"subject: {where} has a token that {', '.join(sorted(one.asks_for - one.may_be))} does not trust"
