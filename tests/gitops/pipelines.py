"""Reads the shell steps of a pipeline's file and runs them as the service would: shell, variables and order."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.gitops import azure_rules, gitlab_rules
from tests.kit.repository import ROOT

GITOPS = ROOT / "examples/gitops"


@dataclass(frozen=True)
class Step:
    """One shell of a job."""

    script: str
    shell: tuple[str, ...]
    always: bool = False  # runs though an earlier one failed
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Job:
    """A job's steps in order, and the settings that the file has for all of them."""

    steps: list[Step]
    env: dict[str, str]
    printed: str = ""

    def run(self, folder: Path, environment: Mapping[str, str]) -> int:
        """Run the steps as a runner would; returns the first exit code that is not 0, or 0."""
        failed = 0
        for step in self.steps:
            if failed and not step.always:
                continue
            env = {**environment, **self.env, **step.env}
            result = subprocess.run(
                [*step.shell, step.script], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=300
            )
            self.printed += result.stdout + result.stderr
            failed = failed or result.returncode
        return failed


def github(stage: str, context: Mapping[str, str]) -> Job:
    """A job of github-actions.yml; ``context`` answers its expressions: `vars.…`, `matrix.…`, `github.…`."""
    file = yaml.safe_load((GITOPS / "github-actions.yml").read_text())
    job = file["jobs"][stage]

    def resolved(found: Mapping[str, Any]) -> dict[str, str]:
        return {name: re.sub(r"\$\{\{\s*(.+?)\s*\}\}", lambda match: context[match[1]], str(value)) for name, value in found.items()}

    env = resolved(file["env"]) | resolved(job["env"])
    shell = ("bash", "-e", "-c")  # what GitHub runs where a step names no shell
    steps = [Step(one["run"], shell, one.get("if") == "always()", resolved(one.get("env", {}))) for one in job["steps"] if "run" in one]
    return Job(steps, env)


def gitlab(stage: str, context: Mapping[str, str]) -> Job:
    """A job of gitlab-ci.yml; ``context`` are the variables that GitLab or the project sets."""
    file = yaml.safe_load((GITOPS / "gitlab-ci.yml").read_text())
    job = gitlab_rules.jobs(file)[stage]
    env = {**context}
    for name, value in {**file["variables"], **job.get("variables", {})}.items():
        env[name] = re.sub(r"\$\{?(\w+)\}?", lambda match: env.get(match[1], ""), str(value))
    shell = ("bash", "-eo", "pipefail", "-c")  # as GitLab's runner does
    script = "\n".join([*job.get("before_script", []), *job["script"]])
    after = [Step("\n".join(job["after_script"]), shell, always=True)] if "after_script" in job else []
    return Job([Step(script, shell), *after], env)


def azure(stage: str, context: Mapping[str, str]) -> Job:
    """A job of azure-pipelines.yml; ``context`` are the variable group's and the service's own variables."""
    file = yaml.safe_load((GITOPS / "azure-pipelines.yml").read_text())
    job = next(job for one in file["stages"] for job in one["jobs"] if stage in {job.get("job"), job.get("deployment")})
    env = {**{name: value for name, value in context.items() if "." not in name}, **job.get("variables", {})}
    return Job(list(_azure_steps(azure_rules.steps(job), context)), env)


def _azure_steps(steps: list[dict[str, Any]], context: Mapping[str, str]) -> Iterator[Step]:
    shell = ("bash", "--noprofile", "--norc", "-c")
    identity = {"servicePrincipalId", "idToken", "tenantId"}  # what AzureCLI@2 adds with addSpnToEnvironment, and no other step sees
    for one in steps:
        always = one.get("condition") == "always()"
        env = {name: re.sub(r"\$\(([\w.]+)\)", lambda match: context[match[1]], value) for name, value in one.get("env", {}).items()}
        if "bash" in one:
            yield Step(one["bash"], shell, always, env | dict.fromkeys(identity, ""))
        elif one.get("task") == "AzureCLI@2":
            assert one["inputs"]["addSpnToEnvironment"] is True
            yield Step(one["inputs"]["inlineScript"], shell, always, env)


def clean_environment() -> dict[str, str]:
    """This process's environment, without a login or a stack."""
    foreign = ("PULUMI_", "AZURE_", "ARM_", "GITHUB_", "CI_", "SYSTEM_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
