"""Holds GitLab's pipeline to the rules."""

import re
from collections.abc import Iterator
from typing import Any

from tests.gitops import conditions
from tests.gitops.conditions import UnreadableError
from tests.gitops.events import Event
from tests.gitops.rights import READER, Grant, grant_findings, parsed, script_findings, strings, trusted_by

_NOT_JOBS = {"stages", "variables", "default", "workflow", "include", "image", "services", "before_script", "after_script", "cache", "spec"}
_DEFAULTS = ("image", "services", "id_tokens", "before_script", "after_script", "cache")
# What the project and GitLab set, and none of it is a secret. CI_JOB_TOKEN and the like are not among them.
_VARIABLES = {"PULUMI_BACKEND_URL", "AZURE_TENANT_ID", "ARM_SUBSCRIPTION_ID", "AZURE_READER_CLIENT_ID", "AZURE_DEPLOYER_CLIENT_ID"}
_VARIABLES |= {"HOME", "PATH", "PWD"}
_PREDEFINED = re.compile(r"(CI|GITLAB)_(?!.*(TOKEN|PASSWORD|CREDENTIAL|SECRET|USER)).+")
_IMAGE = re.compile(r"\S+@sha256:[0-9a-f]{64}")


def _merged(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        return {**below, **{key: _merged(below.get(key), value) for key, value in above.items()}}
    return above


def _whole(file: dict[str, Any], name: str, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    """A job with what it extends."""
    if name not in file or name in seen:
        raise UnreadableError(f"{seen[-1] if seen else 'a job'} extends {name}, which is not in this file")
    job = file[name]
    if not isinstance(job, dict):
        raise UnreadableError(f"{name} is no job")
    parents = job.get("extends", [])
    found: dict[str, Any] = {}
    for parent in [parents] if isinstance(parents, str) else parents:
        found = _merged(found, _whole(file, parent, (*seen, name)))
    return {key: value for key, value in _merged(found, job).items() if key != "extends"}


def jobs(file: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The jobs, each with what it extends and the defaults."""
    defaults = {each: file[each] for each in _DEFAULTS if each in file} | (file.get("default") or {})
    names = [name for name in file if name not in _NOT_JOBS and not str(name).startswith(".")]
    return {name: {**defaults, **_whole(file, name)} for name in names}


def _runs(name: str, job: dict[str, Any], event: Event) -> bool:
    if "rules" not in job or {"only", "except", "trigger", "run", "hooks"} & set(job):
        raise UnreadableError(f"{name} has no rules, or a part that the rules don't understand")
    for rule in job["rules"]:
        if set(rule) - {"if", "when", "allow_failure", "variables"} and rule.get("when") == "never":
            raise UnreadableError(f"{name} has a rule that leaves it out for reasons that are not seen")
        if conditions.gitlab(rule["if"], event.gitlab()) if "if" in rule else True:
            if rule.get("when") == "never":
                return False
            if set(rule) - {"if", "when", "allow_failure", "variables"}:
                continue  # `changes` and `exists`: the job may run, and so may the next rule's
            return True
    return any(set(rule) & {"changes", "exists"} for rule in job["rules"])


def grants(text: str, event: Event) -> Iterator[Grant]:
    """What each job gets at an event."""
    file = parsed(text)
    for name, job in jobs(file).items():
        if not _runs(name, job, event):
            continue
        variables = {**(file.get("variables") or {}), **(job.get("variables") or {})}
        asked = {str(value) for key, value in variables.items() if key.endswith("CLIENT_ID")}
        environment = job.get("environment") or ""
        environment = environment["name"] if isinstance(environment, dict) else environment
        yield Grant(
            name,
            frozenset(READER if each == "$AZURE_READER_CLIENT_ID" else "deployer" for each in asked),
            trusted_by("GitLab", event.gitlab_subject()) if job.get("id_tokens") else frozenset(),
            False,  # a token that may write would be a stored secret: `_job_findings` forbids it
            not event.trusted,
            environment,
        )


def findings(text: str) -> Iterator[str]:
    """Each violated rule, with the place."""
    try:
        file = parsed(text)
        yield from _includes(file)
        for name, job in jobs(file).items():
            yield from _job_findings(name, job, file)
        yield from grant_findings(lambda event: grants(text, event))
    except UnreadableError as what:
        yield f"unreadable: {what}"


def _includes(file: dict[str, Any]) -> Iterator[str]:
    found = file.get("include", [])
    for each in found if isinstance(found, list) else [found]:
        one = {"local": each} if isinstance(each, str) and not each.startswith("http") else each
        pinned = isinstance(one, dict) and (
            "local" in one
            or re.fullmatch("[0-9a-f]{40}", str(one.get("ref", "")))
            or re.search("@[0-9a-f]{40}$", str(one.get("component", "")))
            or "integrity" in one
        )
        if not pinned:
            yield f"pinned: the file includes {each}"
        yield f"unreadable: {each} is included, and not seen"


def _job_findings(name: str, job: dict[str, Any], file: dict[str, Any]) -> Iterator[str]:
    images = [job.get("image", ""), *(job.get("services") or [])]
    for image in images:
        found = image.get("name", "") if isinstance(image, dict) else image
        if not _IMAGE.fullmatch(found):
            yield f"pinned: {name} uses the image {found or 'of the runner'}"
    if job.get("cache") and any(value == "$AZURE_DEPLOYER_CLIENT_ID" for value in (job.get("variables") or {}).values()):
        yield f"apart: {name} deploys with what a cache holds, which a merge request's job may have written"
    if "secrets" in job:
        yield f"secret: {name} reads secrets"
    declared = {**(file.get("variables") or {}), **(job.get("variables") or {}), **(job.get("id_tokens") or {})}
    matrix = (job.get("parallel") or {}).get("matrix", []) if isinstance(job.get("parallel"), dict) else []
    known = _VARIABLES | set(declared) | {key for each in matrix for key in each}
    conditions_apart = {key: value for key, value in job.items() if key not in {"rules", "id_tokens"}}
    for text in strings(conditions_apart | {"": file.get("variables")}):
        for variable in re.findall(r"\$\{?(\w+)", text):
            if variable not in known and not _PREDEFINED.fullmatch(variable):
                yield f"secret: {name} uses {variable}, which may be one"
    for part in ("before_script", "script", "after_script"):
        lines = job.get(part) or []
        yield from script_findings(name, "\n".join([lines] if isinstance(lines, str) else list(strings(lines))))
