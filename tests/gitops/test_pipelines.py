"""The shell steps of each pipeline, run in order on local Azure; the login uses only the forge's token."""

import json
import os
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import installation
from tests.gitops import pipelines
from tests.gitops.forge import Forge, checkout, forge, shim
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


@dataclass
class Runner:
    """A machine that runs jobs."""

    service: str
    azure: LocalAzure
    forge: Forge
    folder: Path
    environment: dict[str, str]
    clients: dict[str, str]  # `read` and `write`: client ids

    def job(self, stage: str, stack: str) -> Job:
        """A job of the pipeline's file, with the variables of the forge and the project."""
        identity = self.clients["read" if stage in {"preview", "drift"} else "write"]
        ready, url = self.azure.ready, self.forge.url
        common = {"PULUMI_BACKEND_URL": f"file://{self.folder.parent / 'state'}", "AZURE_TENANT_ID": ready["tenant_id"]}
        if self.service == "github":
            found = {f"vars.{name}": value for name, value in common.items()}
            found |= {"vars.AZURE_SUBSCRIPTION_ID": ready["subscription_id"], "matrix.stack": stack, "github.token": "commenter"}
            found |= {"vars.AZURE_READER_CLIENT_ID": identity, "vars.AZURE_CLIENT_ID": identity, "github.event.pull_request.number": "7"}
        elif self.service == "gitlab":
            found = common | {"ARM_SUBSCRIPTION_ID": ready["subscription_id"], "AZURE_CLIENT_ID": identity, "STACK": stack}
            found |= {"CI_BUILDS_DIR": str(self.folder.parent), "CI_API_V4_URL": f"{url}/api/v4", "CI_PROJECT_ID": "1"}
            found |= {"CI_MERGE_REQUEST_IID": "7", "COMMENT_TOKEN": "commenter", "ARM_OIDC_TOKEN": self.forge.token()}
        else:
            found = {"PULUMI_BACKEND_URL": common["PULUMI_BACKEND_URL"], "AZURE_SUBSCRIPTION_ID": ready["subscription_id"], "STACK": stack}
            found |= {"servicePrincipalId": identity, "tenantId": ready["tenant_id"], "idToken": self.forge.token()}
            found |= {"System.AccessToken": "commenter", "SYSTEM_COLLECTIONURI": f"{url}/contoso/", "SYSTEM_TEAMPROJECTID": "p"}
            found |= {"BUILD_REPOSITORY_ID": "r", "SYSTEM_PULLREQUEST_PULLREQUESTID": "7"}
        return READERS[self.service](stage, found)

    def run(self, stage: str, stack: str, **more: str) -> tuple[int, str]:
        """Run a job; returns its exit code and its output."""
        job = self.job(stage, stack)
        code = job.run(self.folder, self.environment | more)
        return code, job.printed

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
            environment |= {"ACTIONS_ID_TOKEN_REQUEST_URL": f"{around.url}/token?v=1", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "job"}
            runner = Runner(service, azure, around, checkout(tmp_path), environment, {"write": azure.ready["client_id"]})
            runner.clients["read"] = runner.control("/principals", role="Reader")["client_id"]
            for client in runner.clients.values():
                runner.control("/federated-credentials", client_id=client, **around.credential)
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
    ((path, comment),) = runner.forge.comments
    assert path == "/api/repos/contoso/hubtrust/issues/7/comments"
    assert "Preview of `staging`" in comment
    assert "to create" in comment.partition("<details>")[0]

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
    _require_drift_found(runner)
    _require_violation_found(runner)


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
    thread.join()
    runner.azure.control("DELETE", "/faults")
    return first[0], second


def _require_violation_found(runner: Runner) -> None:
    """A pull request with a setting that a policy forbids: the job fails, and its comment says why."""
    settings = runner.folder / "stacks/Pulumi.staging.yaml"
    good = settings.read_text()
    settings.write_text(good.replace("config:\n", "config:\n  hubtrust:minTlsVersion: '1.0'\n"))
    code, printed = runner.run("preview", "staging")
    settings.write_text(good)
    assert code != 0
    path, comment = runner.forge.comments[-1]
    assert "/7/" in path
    assert "❌ A policy forbids this." in comment, printed
    assert "tls-minimum" in comment.partition("<details>")[0]


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
    _require_drift_found(runner)


@pytest.mark.parametrize("service", FILES)
def test_prod_runs_the_same_steps_as_staging(service: str) -> None:
    """Prod's job has the same shell steps as staging's, with another stack."""
    context = defaultdict(str)
    staging, prod = (READERS[service](stack, context) for stack in ("staging", "prod"))
    assert staging.steps == prod.steps
    assert (staging.env["STACK"], prod.env["STACK"]) == ("staging", "prod")


@pytest.mark.parametrize("service", FILES)
def test_each_command_runs_with_its_stacks_policies(service: str) -> None:
    """No `pulumi` in the file runs without the pack, and none skips its preview."""
    text = " ".join((GITOPS / FILES[service]).read_text().replace("\\\n", " ").split())
    commands = text.count('pulumi preview --stack "$STACK"') + text.count('pulumi up --stack "$STACK"')
    assert commands >= 3
    assert text.count('--policy-pack policies --policy-pack-config "policies/$STACK.json"') == commands
    assert "--skip-preview" not in text
    assert "--expect-no-changes" in text


@pytest.mark.parametrize("service", FILES)
def test_no_azure_secret_is_stored(service: str) -> None:
    """Logins are federated: the file requests a token and has no secret."""
    text = (GITOPS / FILES[service]).read_text()
    assert {"github": "id-token: write", "gitlab": "id_tokens:", "azure": "addSpnToEnvironment: true"}[service] in text
    for word in ("CLIENT_SECRET", "client_secret", "PASSPHRASE", "secrets."):
        assert word not in text


def test_prod_waits_for_approval_and_runs_of_a_stack_do_not_overlap() -> None:
    """Each file uses its service's own means; who approves is set in the service (docs/gitops.md)."""
    actions = yaml.safe_load((GITOPS / FILES["github"]).read_text())["jobs"]
    assert (actions["prod"]["environment"], actions["prod"]["needs"]) == ("prod", "staging")
    assert [actions[stack]["concurrency"]["group"] for stack in ("staging", "prod")] == ["hubtrust-staging", "hubtrust-prod"]
    jobs = yaml.safe_load((GITOPS / FILES["gitlab"]).read_text())
    assert jobs["prod"]["rules"][0]["when"] == "manual"
    assert jobs[".up"]["resource_group"] == "hubtrust-$STACK"
    stages = yaml.safe_load((GITOPS / FILES["azure"]).read_text())
    assert stages["lockBehavior"] == "sequential"
    (prod,) = next(one for one in stages["stages"] if one["stage"] == "prod")["jobs"]
    assert (prod["deployment"], prod["environment"]) == ("prod", "prod")
