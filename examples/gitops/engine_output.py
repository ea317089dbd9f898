"""Makes the engine's output safe for a log, a comment and GitLab's merge request. Needs nothing but Python.

    pulumi preview … 2>&1 | engine_output.py log         the same text, in which a forge finds no command
    engine_output.py comment github|azure STACK FILE     a comment on the pull request that this job runs for
    engine_output.py reports FILE                        changes.json and policies.xml, which GitLab shows in a merge request

The text holds what others wrote: names of resources, tags of a hub, messages of a program. Nothing of it may be taken for a command of the
forge (`##vso[…]`, `::error::`), for Markdown, or for a control sequence of a terminal.
"""

import json
import os
import re
import sys
import unicodedata
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

LONGEST_FILE = 4_000_000  # bytes; who may change the code may make the file of any size
LONGEST = 60_000  # GitHub takes 65,536 characters
_LONGEST_SECTION = {"Resources": 4_000, "Policies": 20_000, "Diagnostics": 15_000, "": 15_000}
_LONGEST_STACK = 100
_LONGEST_FENCE = 16

_PROGRESS = re.compile(r"^(@ |Loading policy packs|\s*$)")
_HEADING = re.compile(r"^(Policies|Diagnostics|Outputs|Resources|Duration):")
_FAILED = re.compile(r"^\s+error:|\b[0-9]+ errored\b", re.MULTILINE)
_COUNT = re.compile(r"^\s*(?:\+-|\+\+|--|[-+~<>=])?\s*([0-9]+) to ([a-z-]+)\b", re.MULTILINE)
_VIOLATION = re.compile(r"^\s*- \[(mandatory|advisory)\]\s+(\S+)\s*(.*)$")

# .NET, in which both runners are written, skips characters without a width when it looks for a command. So they may stand in between.
_BETWEEN = r"[^ -~]*"
_ANYWHERE = re.compile(rf"(#{_BETWEEN}#{_BETWEEN}(?:v{_BETWEEN}s{_BETWEEN}o{_BETWEEN})?)\[", re.IGNORECASE)
_AT_THE_BEGINNING = re.compile(rf"^([^!-~]*):{_BETWEEN}:")
_INVISIBLE = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}  # categories: controls, direction marks, line separators


def visible(text: str) -> str:
    """The text with each control, direction mark and foreign line separator as an escape; tabs and line feeds stay."""
    return "".join(
        one if one in "\t\n" or unicodedata.category(one) not in _INVISIBLE else one.encode("unicode_escape").decode() for one in text
    )


def harmless(line: str) -> str:
    """A line in which no forge finds a command.

    Azure's agent looks for `##vso[` anywhere in a line, GitHub's runner for `##[` anywhere and for `::` at the beginning.
    Sources: github.com/microsoft/azure-pipelines-agent, Command.cs; github.com/actions/runner, ActionCommand.cs.
    """
    return _AT_THE_BEGINNING.sub(r"\1: :", _ANYWHERE.sub(r"\1(", visible(line)))


def log(source: Any, target: Any) -> None:
    """Copy lines of bytes as they come, each made harmless."""
    for raw in source:
        target.write(harmless(raw.decode(errors="replace").removesuffix("\n")).encode() + b"\n")
        target.flush()


def sections(text: str) -> dict[str, str]:
    """The output by the engine's headings; the part before the first heading is under `""`."""
    found: dict[str, list[str]] = {"": []}
    under = ""
    for line in text.split("\n"):
        if heading := _HEADING.match(line):
            under = heading[1]
        if under or not _PROGRESS.match(line):
            found.setdefault(under, []).append(line)
    return {name: "\n".join(lines).strip("\n") for name, lines in found.items()}


def counts(said: Mapping[str, str]) -> dict[str, int]:
    """How many resources the preview would create, update and delete; a replaced one counts as a deleted and a created one."""
    found = {"create": 0, "update": 0, "delete": 0}
    for number, what in _COUNT.findall(said.get("Resources", "")):
        for each in {"replace": ("create", "delete"), "import": ("create",)}.get(what, (what,)):
            found[each] = found.get(each, 0) + int(number)
    return found


def violations(said: Mapping[str, str]) -> list[tuple[str, str, str, str]]:
    """Each violated rule: level, rule, resource and message."""
    found: list[tuple[str, str, str, str]] = []
    for line in said.get("Policies", "").split("\n"):
        if begun := _VIOLATION.match(line):
            found.append((begun[1], begun[2], begun[3].strip(), ""))
        elif found and line.strip():
            level, rule, resource, message = found[-1]
            found[-1] = (level, rule, resource, f"{message}\n{line.strip()}".strip())
    return found


def verdict(said: Mapping[str, str]) -> str:
    """The result of the preview in one sentence."""
    if any(level == "mandatory" for level, *_ in violations(said)):
        return "❌ A policy forbids this. See below what to change; nothing is deployed until then."
    if "Resources" not in said or _FAILED.search(said["Resources"]) or _FAILED.search(said.get("Diagnostics", "")):
        return "❌ The preview failed. See below why."
    if sum(counts(said).values()):
        return "Changes. Merging deploys them to staging; prod waits for approval."
    return "No changes."


def comment(stack: str, text: str) -> str:
    """Markdown of at most LONGEST characters: one sentence, then changes and policy violations; the rest is folded."""
    said = sections(visible(text))
    parts = [f"### Preview of `{visible(stack).replace('`', '').replace(chr(10), ' ')[:_LONGEST_STACK]}`", verdict(said)]
    parts += [fenced(cut(said[name], _LONGEST_SECTION[name])) for name in ("Resources", "Policies", "Diagnostics") if said.get(name)]
    rest = cut(said[""], _LONGEST_SECTION[""]) or "the preview printed nothing"
    parts.append(f"<details><summary>Resource by resource</summary>\n\n{fenced(rest)}\n\n</details>")
    return "\n\n".join(parts)


def cut(text: str, longest: int) -> str:
    """The beginning of the text, in whole lines where it has lines, and a note if something is left out."""
    if len(text) <= longest:
        return text
    kept = text[:longest]
    return f"{kept.rpartition(chr(10))[0] or kept}\n(cut; the job's log has all of it)"


def fenced(text: str) -> str:
    """As a code block that the text can't end. Azure DevOps looks for people (`@<id>`) even there."""
    text = re.sub(f"`{{{_LONGEST_FENCE},}}", "`" * (_LONGEST_FENCE - 1) + "…", text).replace("@<", "@ <")
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    return f"{fence}\n{text}\n{fence}"


def junit(said: Mapping[str, str]) -> str:
    """The policy violations as JUnit's XML: a violated mandatory rule is a failed test, an advisory one is a skipped test."""
    cases: list[str] = []
    for level, rule, resource, message in violations(said):
        outcome = f"<{'failure' if level == 'mandatory' else 'skipped'} message={quoteattr(message)}/>"
        cases.append(f"<testcase classname={quoteattr(resource)} name={quoteattr(rule)}>{outcome}</testcase>")
    suite = f'<testsuite name="policies">{"".join(cases)}</testsuite>'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>{suite}</testsuites>\n'


def request(service: str, body: str, env: Mapping[str, str]) -> urllib.request.Request:
    """The call that puts a comment on the pull request that this job runs for.

    Sources: docs.github.com/rest/issues/comments; learn.microsoft.com/rest/api/azure/devops/git/pull-request-threads.
    """
    content: Any = {"body": body}
    if service == "github":
        url = f"{env['GITHUB_API_URL']}/repos/{env['GITHUB_REPOSITORY']}/issues/{env['PULL_REQUEST']}/comments"
        token = env["GITHUB_TOKEN"]
    else:
        place = f"{env['SYSTEM_COLLECTIONURI']}{env['SYSTEM_TEAMPROJECTID']}/_apis/git/repositories/{env['BUILD_REPOSITORY_ID']}"
        url = f"{place}/pullRequests/{env['SYSTEM_PULLREQUEST_PULLREQUESTID']}/threads?api-version=7.1"
        token = env["SYSTEM_ACCESSTOKEN"]
        content = {"comments": [{"parentCommentId": 0, "content": body, "commentType": "text"}], "status": "closed"}
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    return urllib.request.Request(url, json.dumps(content).encode(), headers)  # noqa: S310 - the service's own address


def read(file: str) -> str:
    """The beginning of a regular file, as text; nothing where there is none."""
    path = Path(file)
    if path.is_symlink() or not path.is_file():
        return ""
    with path.open("rb") as opened:
        return opened.read(LONGEST_FILE).decode(errors="replace")


def send(service: str, stack: str, file: str) -> int:
    """Read the file and send the comment; returns the exit code."""
    try:
        with urllib.request.urlopen(request(service, comment(stack, read(file)), os.environ), timeout=30):  # noqa: S310 - as above
            return 0
    except KeyError as missing:
        print(f"engine_output.py: {missing} is not set: run this in a job of a pull request, and give it its token", file=sys.stderr)
    except (urllib.error.URLError, TimeoutError) as failed:
        print(f"engine_output.py: the comment was refused: {failed}; allow the job's token to comment", file=sys.stderr)
    return 1


def reports(file: str) -> int:
    """Write GitLab's two reports about the file into this folder; returns the exit code."""
    said = sections(visible(read(file)))
    found = counts(said)
    Path("changes.json").write_text(json.dumps({name: found[name] for name in ("create", "update", "delete")}), encoding="utf-8")
    Path("policies.xml").write_text(junit(said), encoding="utf-8")
    return 0


def filtered() -> int:
    """The verb `log`: from stdin to stdout."""
    log(sys.stdin.buffer, sys.stdout.buffer)
    return 0


def main(arguments: list[str]) -> int:
    """Run a verb; returns the exit code."""
    verbs: dict[tuple[str, int], Callable[..., int]] = {("log", 0): filtered, ("comment", 3): send, ("reports", 1): reports}
    verb, *given = arguments or [""]
    if (verb, len(given)) not in verbs or (verb == "comment" and given[0] not in {"github", "azure"}):
        print("engine_output.py: use log, comment github|azure STACK FILE, or reports FILE", file=sys.stderr)
        return 2
    return verbs[verb, len(given)](*given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
