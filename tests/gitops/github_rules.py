"""Holds a workflow of GitHub Actions to the rules."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from tests.gitops import conditions
from tests.gitops.conditions import UnreadableError
from tests.gitops.events import Event
from tests.gitops.rights import COMMENT, READER, Grant, grant_findings, parsed, script_findings, strings, trusted_by

_TRIGGERS = {"pull_request", "push", "schedule", "workflow_dispatch"}
_PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
_COMMENTS_WITH = re.compile(r"actions/(checkout|download-artifact)@")
_IMAGE = re.compile(r"@sha256:[0-9a-f]{64}$")
_CLIENTS = {"${{ vars.AZURE_READER_CLIENT_ID }}": READER}


def _triggers(file: dict[Any, Any]) -> dict[str, Any]:
    on = file.get("on", file.get(True))  # YAML 1.1 reads `on` as true
    if isinstance(on, str):
        on = [on]
    return {str(each): (on[each] or {}) if isinstance(on, dict) else {} for each in on or ()}


def _starts(file: dict[Any, Any], event: Event) -> bool:
    kind = {"change": "pull_request", "manual": "workflow_dispatch"}.get(event.kind, event.kind)
    found = _triggers(file)
    if kind not in found:
        return False
    if kind != "push":
        return True
    names = found["push"]
    if set(names) - {"branches", "tags", "paths"}:
        raise UnreadableError(f"the filter {sorted(names)} of push is not understood")
    if "branches" not in names and "tags" not in names:
        return True
    return any(fnmatchcase(event.branch, each) for each in names.get("tags" if event.tag else "branches", ()))


def _permissions(job: dict[str, Any], file: dict[Any, Any]) -> dict[str, str]:
    found = job.get("permissions", file.get("permissions"))
    if isinstance(found, dict):
        return found
    return {"contents": "write"} if found in {None, "write-all"} else {}


def _checkouts(job: dict[str, Any]) -> list[dict[str, Any]]:
    return [step.get("with") or {} for step in job["steps"] if str(step.get("uses", "")).startswith("actions/checkout@")]


def grants(text: str, event: Event) -> Iterator[Grant]:
    """What each job gets at an event."""
    file = parsed(text)
    for name, job in file["jobs"].items() if _starts(file, event) else ():
        if not conditions.github(job.get("if", True), event.github()):
            continue
        if "steps" not in job:
            raise UnreadableError(f"{name} is a workflow of somebody else, whose jobs are not seen")
        permissions = _permissions(job, file)
        logs_in = permissions.get("id-token") == "write"
        environment = job.get("environment") or ""
        environment = environment["name"] if isinstance(environment, dict) else environment
        if "${{" in environment:
            raise UnreadableError(f"{name} has an environment whose name is not known")
        clients = {str(value) for key, value in _settings(file, job) if re.sub("[^a-z]", "", key.lower()).endswith("clientid")}
        clients -= {"${{ env.ARM_CLIENT_ID }}"}
        deployer = f"deployer-{environment}" if environment else "deployer"
        yield Grant(
            name,
            frozenset(_CLIENTS.get(each, deployer) for each in clients),
            trusted_by("GitHub", event.github_subject(environment)) if logs_in else frozenset(),
            any(value == "write" for key, value in permissions.items() if key != "id-token"),
            not event.trusted and any(each.get("ref") != "main" or "repository" in each for each in _checkouts(job)),
            environment,
            not re.fullmatch(r"(ubuntu|windows|macos)-[\w.-]+", str(job.get("runs-on"))),
        )


def _settings(file: dict[Any, Any], job: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for found in (file.get("env"), job.get("env"), *(step.get(each) for step in job["steps"] for each in ("env", "with"))):
        yield from (found or {}).items()


def findings(text: str) -> Iterator[str]:
    """Each violated rule, with the place."""
    try:
        yield from _findings(text)
        yield from grant_findings(lambda event: grants(text, event))
    except UnreadableError as what:
        yield f"unreadable: {what}"


def _findings(text: str) -> Iterator[str]:
    file = parsed(text)
    for each in set(_triggers(file)) - _TRIGGERS:
        yield f"trigger: {each} runs with the rights of main at what others send"
    if file.get("permissions") != {}:
        yield "permissions: those of the workflow are not empty, so that a job that names none gets them"
    for each in strings(file):
        if each == "secrets" or ("${{" in each and re.search(r"\bsecrets\b", each, re.IGNORECASE)):
            yield f"secret: {each!r}"
    for name, job in file["jobs"].items():
        yield from _job_findings(name, job)


def _job_findings(name: str, job: dict[str, Any]) -> Iterator[str]:
    permissions = job.get("permissions", {})
    if not isinstance(permissions, dict):
        yield f"permissions: {name} asks for {permissions}"
        permissions = {}
    if extra := {key for key, value in permissions.items() if value == "write"} - {"id-token", "pull-requests"}:
        yield f"permissions: {name} may write {', '.join(sorted(extra))}"
    yield from _not_pinned(name, job)
    writes = permissions.get("pull-requests") == "write"
    for step in job.get("steps", ()):
        uses = str(step.get("uses", ""))
        script = str(step.get("run", ""))
        if "${{" in script or "${{" in str((step.get("with") or {}).get("script", "")):
            yield f"injection: {name} has an expression in a script"
        else:
            yield from script_findings(name, script)
        if writes and ((uses and not _COMMENTS_WITH.match(uses)) or (script and not COMMENT.fullmatch(script.strip()))):
            yield f"apart: {name} has a token that may write, and does more than comment"
    for each in _checkouts(job) if "steps" in job else ():
        if each.get("persist-credentials") is not False:
            yield f"credentials: {name} leaves its token in the checkout"


def _not_pinned(name: str, job: dict[str, Any]) -> Iterator[str]:
    for image in filter(None, [job.get("container"), *(job.get("services") or {}).values()]):
        if not _IMAGE.search(image["image"] if isinstance(image, dict) else image):
            yield f"pinned: {name} uses the image {image}"
    for uses in filter(None, [job.get("uses"), *(step.get("uses") for step in job.get("steps", ()))]):
        by_digest = _IMAGE.search(uses) if uses.startswith("docker://") else _PINNED.fullmatch(uses)
        if not uses.startswith("./") and not by_digest:
            yield f"pinned: {name} uses {uses}"
