"""The shell steps of each pipeline, run in order on local Azure; the login uses only the forge's token."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_azure_iot import installation
from tests.gitops import gitlab_rules, pipelines
from tests.gitops.events import NIGHT, OWN_CHANGE, PUSH
from tests.gitops.forge import Forge, accept_release, checkout, forge, shim
from tests.gitops.pipelines import GITOPS, Job
from tests.kit.local_azure import Hub, LocalAzure, local_azure
from tests.kit.prerequisites import need_pulumi
from tests.kit.repository import ROOT
from tests.kit.samples import sampled

FILES = {"github": "github-actions.yml", "gitlab": "gitlab-ci.yml", "azure": "azure-pipelines.yml"}
READERS: dict[str, Callable[[str, Mapping[str, str]], Job]] = {
    "github": pipelines.github,
    "gitlab": pipelines.gitlab,
    "azure": pipelines.azure,
}


# Which event starts a job, and so which subject its token has.
EVENTS = {"preview": OWN_CHANGE, "comment": OWN_CHANGE, "staging": PUSH, "prod": PUSH, "drift": NIGHT}
DEPLOYS = {"staging", "prod"}


def subject(service: str, stage: str) -> str:
    """The subject of a job's identity token."""
    if service == "azure":
        return f"sc://contoso/hubtrust/hubtrust-{stage if stage in DEPLOYS else 'read'}"
    event = EVENTS[stage]
    return event.gitlab_subject() if service == "gitlab" else event.github_subject(stage if stage in DEPLOYS else "")


@dataclass
class Runner:
    """A machine that runs jobs."""

    service: str
    azure: LocalAzure
    forge: Forge
    folder: Path
    environment: dict[str, str]
    reader: str  # client ids
    deployer: str

    def job(self, stage: str, stack: str) -> Job:
        """A job of the pipeline's file, with the variables of the forge and the project."""
        ready, url, token = self.azure.ready, self.forge.url, self.forge.token(subject(self.service, stage))
        common = {"PULUMI_BACKEND_URL": f"file://{self.folder.parent / 'state'}", "AZURE_TENANT_ID": ready["tenant_id"]}
        if self.service == "github":
            found = {f"vars.{name}": value for name, value in common.items()}
            found |= {"vars.AZURE_SUBSCRIPTION_ID": ready["subscription_id"], "matrix.stack": stack, "github.token": "commenter"}
            found |= {"vars.AZURE_READER_CLIENT_ID": self.reader, "github.event.pull_request.number": "7"}
            if stage in DEPLOYS:
                found["vars.AZURE_CLIENT_ID"] = self.deployer  # a variable of the environment
        elif self.service == "gitlab":
            found = common | {"ARM_SUBSCRIPTION_ID": ready["subscription_id"], "AZURE_READER_CLIENT_ID": self.reader, "STACK": stack}
            found |= {"AZURE_DEPLOYER_CLIENT_ID": self.deployer} if stage in DEPLOYS else {}
            found |= {"CI_PROJECT_DIR": str(self.folder), "ARM_OIDC_TOKEN": token}
        else:
            found = {"PULUMI_BACKEND_URL": common["PULUMI_BACKEND_URL"], "AZURE_SUBSCRIPTION_ID": ready["subscription_id"], "STACK": stack}
            identity = self.deployer if stage in DEPLOYS else self.reader
            found |= {"servicePrincipalId": identity, "tenantId": ready["tenant_id"], "idToken": token}
            found |= {"System.AccessToken": "commenter", "SYSTEM_COLLECTIONURI": f"{url}/contoso/", "SYSTEM_TEAMPROJECTID": "p"}
            found |= {"BUILD_REPOSITORY_ID": "r", "SYSTEM_PULLREQUEST_PULLREQUESTID": "7", "PIPELINE_WORKSPACE": str(self.folder.parent)}
        return READERS[self.service](stage, found)

    def run(self, stage: str, stack: str, verb: str = "", **more: str) -> tuple[int, str]:
        """Run a job; returns its exit code and its output. A change may give its job another environment (``more``) and ``verb``."""
        job = self.job(stage, stack)
        job.steps = [replace(step, script=step.script.replace("run.sh preview", f"run.sh {verb or 'preview'}")) for step in job.steps]
        job.env |= more
        environment = dict(self.environment)
        if self.service == "github":  # only a job that may ask for an identity token gets these
            environment |= {"ACTIONS_ID_TOKEN_REQUEST_URL": self.forge.token_url(subject(self.service, stage))}
            environment |= {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "job"}
        code = job.run(self.folder, environment)
        return code, job.printed

    def comment(self, stack: str) -> str:
        """What the people who review the change see of its preview: a comment, or the reports that GitLab shows."""
        if self.service == "gitlab":
            changes = json.loads((self.folder / "changes.json").read_text())
            return f"{changes}\n{(self.folder / 'policies.xml').read_text()}\n{(self.folder / 'preview.txt').read_text()}"
        main = self.folder.parent / "main"
        if not main.exists():
            checkout(main)
        place = main / "preview-output" if self.service == "github" else self.folder.parent / f"preview-{stack}"
        place.mkdir(exist_ok=True)
        shutil.copy(self.folder / "preview.txt", place)
        job = self.job("comment", stack)
        assert job.run(main, self.environment) == 0, job.printed
        path, text = self.forge.comments[-1]
        assert "/7/" in path
        return text

    def hub(self, stack: str) -> Hub:
        """A stack's hub."""
        env = self.environment | {"PULUMI_BACKEND_URL": f"file://{self.folder.parent / 'state'}"}
        command = ["pulumi", "stack", "output", "--json", "--stack", stack]
        found = json.loads(subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, check=True).stdout)
        group = f"/subscriptions/{self.azure.ready['subscription_id']}/resourceGroups/{found['resourceGroupName']}"
        return Hub(self.azure, f"{group}/providers/Microsoft.Devices/IotHubs/{found['hubName']}")

    def control(self, path: str, **body: Any) -> Any:
        """Use local Azure's control port."""
        return self.azure.control("POST", path, body)


def _engine(name: str, folder: Path) -> str:
    """PATH with the engine's `pulumi` first, then the stand-in plugins."""
    found = need_pulumi() if name == "pulumi" else None
    command = shim(folder, found)
    return os.pathsep.join((str(command), str(ROOT / "sandbox/plugins/bin"), str(Path(sys.executable).parent), os.environ["PATH"]))


@pytest.fixture
def azure(tmp_path: Path) -> Iterator[LocalAzure]:
    """Local Azure, with immediate deletions."""
    with local_azure(tmp_path, "--retry-after", "0") as found:
        yield found


@pytest.fixture(params=["embedded", "pulumi"])
def make(request: pytest.FixtureRequest, azure: LocalAzure, tmp_path: Path) -> Iterator[Callable[[str], Runner]]:
    """Creates a service's runner after the one-time setup: identities, federated credentials, two empty stacks."""
    with forge() as around:

        def created(service: str) -> Runner:
            (tmp_path / "state").mkdir()
            public = {
                name: value for name, value in installation.environment(azure.ready).items() if not name.startswith(("AZURE_", "ARM_"))
            }
            environment = pipelines.clean_environment() | public
            environment |= {"PATH": _engine(request.param, tmp_path), "HOME": str(tmp_path), "PULUMI_HOME": str(tmp_path / "home")}
            # In this sandbox a passphrase opens the secrets of the state; on Azure a key of Key Vault does.
            environment |= {"PULUMI_CONFIG_PASSPHRASE": "a trial", "PULUMI_SKIP_UPDATE_CHECK": "true", "NO_COLOR": "1"}
            environment |= {"GITHUB_API_URL": f"{around.url}/api", "GITHUB_REPOSITORY": "contoso/hubtrust"}
            deployer, reader = azure.ready["client_id"], azure.control("POST", "/principals", {"role": "Reader"})["client_id"]
            runner = Runner(service, azure, around, checkout(tmp_path / "checkout"), environment, reader, deployer)
            accept_release(runner.folder, tmp_path / "release.tar.gz")
            for client, stages in ((deployer, DEPLOYS), (reader, EVENTS.keys() - DEPLOYS)):
                for trusted in {subject(service, stage) for stage in stages}:
                    runner.control("/federated-credentials", client_id=client, **around.credential(trusted))
            for stack in ("staging", "prod"):
                env = environment | {"PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}"}
                subprocess.run(["pulumi", "stack", "init", stack], cwd=runner.folder, env=env, capture_output=True, check=True)
            return runner

        yield created


def test_github_from_pull_request_to_drift_check(make: Callable[[str], Runner]) -> None:
    """The whole of GitHub's pipeline: preview with a comment, two concurrent `up` jobs, a nightly check without and with drift."""
    runner = make("github")
    code, printed = runner.run("preview", "staging")
    assert code == 0, printed
    assert "Preview of `staging`" in (comment := runner.comment("staging"))
    assert "to create" in comment.partition("<details>")[0]
    ((path, _),) = runner.forge.comments
    assert path == "/api/repos/contoso/hubtrust/issues/7/comments"

    (code, printed), (refused, why) = _two_at_once(runner, "staging")
    assert code == 0, printed
    assert refused != 0
    assert "locked" in why
    assert list(runner.hub("staging").verified().values()) == [True]

    code, printed = runner.run("drift", "staging")
    assert code == 0, printed
    code, printed = runner.run("drift", "staging", ACTIONS_ID_TOKEN_REQUEST_URL="", ACTIONS_ID_TOKEN_REQUEST_TOKEN="")
    assert code != 0
    assert "oidc" in printed.lower(), "a job that may not ask for an identity token gets an error that says so"
    _require_reader_stays_reader(runner)
    _require_violation_found(runner)
    _require_drift_found(runner)  # last: with the certificate gone, each run waits for a device that can't connect


def _require_reader_stays_reader(runner: Runner) -> None:
    """A change that names the deployer in its job gets no token: the deployer doesn't trust the subject that the forge sends."""
    posing = {"github": ["ARM_CLIENT_ID"], "gitlab": ["ARM_CLIENT_ID", "AZURE_CLIENT_ID"], "azure": ["servicePrincipalId"]}
    code, printed = runner.run("preview", "staging", **dict.fromkeys(posing[runner.service], runner.deployer))
    assert code != 0
    assert subject(runner.service, "preview") in printed, "the error names the subject that came"
    settings = runner.folder / "stacks/Pulumi.staging.yaml"
    good = settings.read_text()
    settings.write_text(good.replace("platform-team", "somebody-else"))
    code, printed = runner.run("preview", "staging", "up")
    settings.write_text(good)
    assert code != 0
    assert "AuthorizationFailed" in printed, "as a reader it changes nothing"
    hub = runner.hub("staging")
    assert "platform-team" in str(hub.azure.ask("GET", hub.id).json()["tags"])


def _two_at_once(runner: Runner, stack: str) -> tuple[tuple[int, str], tuple[int, str]]:
    """One job deploys a stack slowly; once it has the lock, another job starts. Returns the results of both."""
    runner.control("/faults", spec="latency:seconds=4:path=*resourcegroups*:method=PUT")
    first: list[tuple[int, str]] = []
    thread = threading.Thread(target=lambda: first.append(runner.run(stack, stack)))
    thread.start()
    locks = runner.folder.parent / "state/.pulumi/locks/organization/hubtrust" / stack
    while thread.is_alive() and not any(locks.glob("*.json")):
        thread.join(0.02)
    second = runner.run(stack, stack)
    runner.azure.control("DELETE", "/faults")
    thread.join()
    return first[0], second


def _require_violation_found(runner: Runner) -> None:
    """A pull request with a setting that a policy forbids: the job fails, and its reviewers see why."""
    settings, program = runner.folder / "stacks/Pulumi.staging.yaml", runner.folder / "__main__.py"
    good, harmless = settings.read_text(), program.read_text()
    settings.write_text(good.replace("config:\n", "config:\n  hubtrust:minTlsVersion: '1.0'\n"))
    message = "a tag\\r##vso[task.setvariable variable=PATH]/evil\\n::error::forged\\n```\\n# Approved"
    program.write_text(f'{harmless}\nimport pulumi\n\npulumi.log.warn("{message}")\n')
    code, printed = runner.run("preview", "staging")
    settings.write_text(good)
    program.write_text(harmless)
    assert code != 0
    seen = runner.comment("staging")
    assert "tls-minimum" in seen.partition("<details>")[0]
    assert "❌ A policy forbids this." in seen or '<failure message="' in seen, printed
    for text in (printed, seen):
        assert "task.setvariable variable=PATH]/evil" in text, "the message is there"
        assert "##vso[" not in text, "and is no command of Azure's agent"
        assert not re.search(r"^\s*::", text, re.MULTILINE), "nor of GitHub's runner"
        assert "\r" not in text


def _require_drift_found(runner: Runner) -> None:
    """A certificate is deleted by hand, and the nightly job fails."""
    hub = runner.hub("staging")
    ((name, verified),) = hub.verified().items()
    assert verified
    hub.delete(name)
    code, printed = runner.run("drift", "staging")
    assert code != 0
    assert "VerifiedCertificate" in printed


@pytest.mark.parametrize("service", sampled(["gitlab", "azure"], 1))
def test_gitlab_and_azure_pipelines_do_the_same(service: str, make: Callable[[str], Runner]) -> None:
    """GitLab and Azure Pipelines: a pull request with a policy violation, corrected and merged; a nightly check with drift."""
    runner = make(service)
    _require_violation_found(runner)
    code, printed = runner.run("staging", "staging")
    assert code == 0, printed
    _require_reader_stays_reader(runner)
    _require_drift_found(runner)


@pytest.mark.parametrize("service", FILES)
def test_prod_runs_the_same_steps_as_staging(service: str) -> None:
    """Prod's job has the same shell steps as staging's, with another stack."""
    context = defaultdict(str)
    staging, prod = (READERS[service](stack, context) for stack in ("staging", "prod"))
    assert staging.steps == prod.steps
    assert (staging.env["STACK"], prod.env["STACK"]) == ("staging", "prod")


def test_prod_waits_for_approval_and_runs_of_a_stack_do_not_overlap() -> None:
    """Each file uses its service's own means; who approves is set in the service (docs/gitops.md)."""
    actions = yaml.safe_load((GITOPS / FILES["github"]).read_text())["jobs"]
    assert (actions["prod"]["environment"], actions["prod"]["needs"]) == ("prod", "staging")
    assert [actions[stack]["concurrency"]["group"] for stack in ("staging", "prod")] == ["hubtrust-staging", "hubtrust-prod"]
    jobs = gitlab_rules.jobs(yaml.safe_load((GITOPS / FILES["gitlab"]).read_text()))
    assert jobs["prod"]["rules"][0]["when"] == "manual"
    assert {jobs[each]["resource_group"] for each in DEPLOYS} == {"hubtrust-$STACK"}
    stages = yaml.safe_load((GITOPS / FILES["azure"]).read_text())
    assert stages["lockBehavior"] == "sequential"
    (prod,) = next(one for one in stages["stages"] if one["stage"] == "prod")["jobs"]
    assert (prod["deployment"], prod["environment"]) == ("prod", "prod")
