"""Holds Azure DevOps' pipeline to the rules."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from tests.gitops import conditions
from tests.gitops.conditions import UnreadableError
from tests.gitops.events import Event
from tests.gitops.rights import COMMENT, Grant, credentials, grant_findings, parsed, script_findings, strings

# The service's own tasks: they come with it, not from a marketplace. Others may use a service connection by an input that is not seen.
_TASKS = {"AzureCLI@2", "UsePythonVersion@0"}
_STEPS = {"bash", "task", "checkout", "publish", "download"}


def _included(branches: Any, branch: str) -> bool:
    found = branches.get("include", []) if isinstance(branches, dict) else branches
    return any(fnmatchcase(branch, each.removeprefix("refs/heads/")) for each in found or ())


def _starts(file: dict[str, Any], event: Event) -> bool:
    """Whether the pipeline starts; somebody may always start it by hand, and a branch policy at a change."""
    if event.kind == "push":
        trigger = file.get("trigger", {"branches": ["*"]})
        if trigger == "none":
            return False
        branches = trigger.get("branches", ["*"]) if isinstance(trigger, dict) else trigger
        return not event.tag and _included(branches, event.branch)
    if event.kind == "schedule":
        return any(_included(each.get("branches"), event.branch) for each in file.get("schedules", ()))
    return True


def steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    """A job's steps, of each of its two kinds."""
    if "steps" in job:
        found = job["steps"]
    else:
        ways = job.get("strategy") or {}
        if set(ways) != {"runOnce"} or set(ways["runOnce"]) != {"deploy"}:
            raise UnreadableError(f"the strategy {sorted(ways)} of {job.get('deployment')} is not understood")
        found = ways["runOnce"]["deploy"]["steps"]
    for each in found:
        if not _STEPS & set(each):
            raise UnreadableError(f"the step {sorted(map(str, each))} of {job.get('job', job.get('deployment'))} is not understood")
    return list(found)


def _jobs(file: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each job with its stage."""
    if {"extends", "parameters"} & set(file):
        raise UnreadableError("the file is made by a template")
    stages = file.get("stages") or [{"stage": "", "jobs": file.get("jobs") or [{"job": "", **file}]}]
    for stage in stages:
        for job in stage.get("jobs") or ():
            if "template" in job or "template" in stage:
                raise UnreadableError("a template is not seen")
            yield stage, job
        if "jobs" not in stage:
            raise UnreadableError("a stage without jobs is made by a template")


def _checkouts(job: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for step in steps(job) if "checkout" in step] or [{"checkout": "self"}]


def _writes(job: dict[str, Any]) -> bool:
    """Whether a step gets the job's token."""
    return any(re.search(r"system[._]accesstoken", each, re.IGNORECASE) for each in strings(job))


def grants(text: str, event: Event) -> Iterator[Grant]:
    """What each job gets at an event. A service connection is an identity: who may use it, is set in the service."""
    file = parsed(text)
    reviewed = {one["repository"] for one in (file.get("resources") or {}).get("repositories", ()) if one.get("ref") == "refs/heads/main"}
    names = {one: identity for identity, connections in credentials("Azure DevOps").items() for one in connections}
    for stage, job in _jobs(file) if _starts(file, event) else ():
        default = "succeeded()"
        if not all(conditions.azure(each.get("condition", default), event.azure()) for each in (stage, job)):
            continue
        used = {step["inputs"]["azureSubscription"] for step in steps(job) if "azureSubscription" in (step.get("inputs") or {})}
        environment = job.get("environment") or ""
        found = frozenset(names.get(each, "unknown") for each in used)
        yield Grant(
            str(job.get("job", job.get("deployment"))),
            found,
            found,
            _writes(job),
            not event.trusted and any(one["checkout"] not in {"none", *reviewed} for one in _checkouts(job)),
            environment["name"] if isinstance(environment, dict) else environment,
            "vmImage" not in (job.get("pool") or stage.get("pool") or file.get("pool") or {"vmImage": "the default"}),
        )


def findings(text: str) -> Iterator[str]:
    """Each violated rule, with the place."""
    try:
        file = _read(text)
        for _, job in _jobs(file):
            yield from _job_findings(str(job.get("job", job.get("deployment"))), job)
        for one in (file.get("resources") or {}).get("containers", ()):
            if not re.search(r"@sha256:[0-9a-f]{64}$", str(one.get("image"))):
                yield f"pinned: the file uses the image {one.get('image')}"
        yield from grant_findings(lambda event: grants(text, event))
    except UnreadableError as what:
        yield f"unreadable: {what}"


def _read(text: str) -> dict[Any, Any]:
    file = parsed(text)
    if any("${{" in str(key) for key in _keys(file)):
        raise UnreadableError("the file is made by a template")
    return file


def _keys(value: Any) -> Iterator[Any]:
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _keys(each)
    if isinstance(value, dict):
        yield from value


def _job_findings(name: str, job: dict[str, Any]) -> Iterator[str]:
    container = job.get("container")
    image = container.get("image") if isinstance(container, dict) else container
    if image and not re.search(r"@sha256:[0-9a-f]{64}$", image):
        yield f"pinned: {name} uses the image {image}"
    for step in steps(job):
        if "task" in step and step["task"] not in _TASKS:
            yield f"pinned: {name} uses the task {step['task']}"
        script = str(step.get("bash") or (step.get("inputs") or {}).get("inlineScript") or "")
        if re.search(r"\$\([A-Za-z_][\w.]*\)|\$\{\{|\$\[", script):
            yield f"injection: {name} has a macro or an expression in a script"
        else:
            yield from script_findings(name, script)
        if _writes(job) and ("task" in step or (script and not COMMENT.fullmatch(script.strip()))):
            yield f"apart: {name} has a token that may write, and does more than comment"
        for value in (step.get("env") or {}).values():
            if re.search(r"\$\(", str(value)) and value != "$(System.AccessToken)":
                yield f"secret: {name} gets {value}, which may be one"
    for each in _checkouts(job):
        if str(each.get("persistCredentials", False)).lower() != "false":
            yield f"credentials: {name} leaves its token in the checkout"
