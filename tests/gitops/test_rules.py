"""Each pipeline keeps the rules, and each rule finds what it forbids: in a file with one thing changed, and in copies with other jobs."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.gitops import azure_rules, github_rules, gitlab_rules
from tests.gitops.events import FORKS, OWN_CHANGE, TRUSTED, UNTRUSTED, Event
from tests.gitops.pipelines import GITOPS
from tests.gitops.rights import READER, Grant, trusted_by
from tests.kit.repository import ROOT

FILES = {"github": "github-actions.yml", "gitlab": "gitlab-ci.yml", "azure": "azure-pipelines.yml"}
FINDINGS: dict[str, Callable[[str], Iterator[str]]] = {
    "github": github_rules.findings,
    "gitlab": gitlab_rules.findings,
    "azure": azure_rules.findings,
}
GRANTS: dict[str, Callable[[str, Event], Iterator[Grant]]] = {
    "github": github_rules.grants,
    "gitlab": gitlab_rules.grants,
    "azure": azure_rules.grants,
}
SCHEMAS = {"github": "vendor.github-workflows", "gitlab": "vendor.gitlab-ci", "azure": "vendor.azure-pipelines"}


def text(service: str) -> str:
    """The pipeline's file."""
    return (GITOPS / FILES[service]).read_text(encoding="utf-8")


@pytest.mark.parametrize("service", FILES)
def test_the_file_keeps_the_rules(service: str) -> None:
    """No rule finds anything."""
    assert list(FINDINGS[service](text(service))) == []


@pytest.mark.parametrize("service", FILES)
def test_a_change_gets_no_more_than_a_preview_with_a_readers_rights(service: str) -> None:
    """A fork's change gets nothing, this repository's a reader's preview; only main's code deploys or comments."""
    for event in FORKS:
        assert list(GRANTS[service](text(service), event)) == []
    own = {one.job: one for one in GRANTS[service](text(service), OWN_CHANGE)}
    assert own.keys() == {"preview", "audit"} | ({"comment"} if service != "gitlab" else set())
    assert (own["audit"].asks_for, own["audit"].may_be, own["audit"].writes) == (frozenset(), frozenset(), False)
    assert (own["preview"].asks_for, own["preview"].may_be, own["preview"].writes) == ({READER}, {READER}, False)
    if service != "gitlab":
        comment = own["comment"]
        assert (comment.writes, comment.asks_for, comment.may_be, comment.runs_the_change) == (True, frozenset(), frozenset(), False)
    for event in set(UNTRUSTED) - {*FORKS, OWN_CHANGE}:
        assert list(GRANTS[service](text(service), event)) == [], event.name
    deploying = {(event.kind, one.job) for event in TRUSTED for one in GRANTS[service](text(service), event) if one.environment}
    by_hand = {("manual", "staging"), ("manual", "prod")} if service == "azure" else set()
    assert deploying == {("push", "staging"), ("push", "prod")} | by_hand


def test_a_merge_request_from_main_does_not_deploy() -> None:
    """GitLab: its token has main's subject. With merged results it would run the other branch's code, so that they must be off."""
    from_main = Event("a merge request from main into a branch of somebody's own", "change", "main")
    trusted = trusted_by("GitLab", from_main.gitlab_subject()) - {READER}
    (setting,) = re.findall(r"^\| GitLab \| (main protected, .*) \|$", (ROOT / "docs/gitops.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert not trusted or "`merge_pipelines_enabled=false`" in setting


def numbered(cases: list[tuple[str, str, str, str]]) -> list[str]:
    """A short name for each case: service, rule, number."""
    return [f"{service}-{rule or 'allowed'}-{number}" for number, (service, rule, *_) in enumerate(cases)]


SHA = "3d3c42e5aac5ba805825da76410c181273ba90b1"
CHECKOUT = f"actions/checkout@{SHA} # v7.0.1"
OWN_GITHUB = " && github.event.pull_request.head.repo.full_name == github.repository"
OWN_GITLAB = " && $CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID"
OWN_AZURE = "and(eq(variables['Build.Reason'], 'PullRequest'), eq(variables['System.PullRequest.IsFork'], 'False'))"
MAIN_AZURE = "eq(variables['Build.SourceBranch'], 'refs/heads/main'), "
RUN_PREVIEW = 'run: examples/gitops/run.sh preview "$STACK"'
IMAGE = "@sha256:c7220863385ee39fb6d822da81f4469d0cd33ff893d92ce94105e5c3f4b95fe2"

# (service, the rule that must find it, what is replaced, by what)
CHANGES = [
    ("github", "pinned", CHECKOUT, "actions/checkout@v7"),
    ("github", "pinned", CHECKOUT, f"actions/checkout@{SHA[:7]}"),
    ("github", "pinned", CHECKOUT, "docker://alpine:3"),
    ("github", "pinned", "    timeout-minutes: 60\n", "    container: python:3.11\n"),
    ("github", "pinned", "run: examples/gitops/run.sh install", "run: curl -fsSL https://get.pulumi.com | sh"),
    ("github", "pinned", "run: examples/gitops/run.sh install", "run: pip install -r requirements.txt"),
    ("github", "permissions", "permissions: {} #", "permissions: write-all #"),
    ("github", "permissions", "permissions: {} #", "permissions: { contents: read } #"),
    ("github", "permissions", "      contents: read\n      id-token", "      contents: write\n      id-token"),
    ("github", "permissions", "    permissions:\n      contents: read\n      id-token: write # federated", "    permissions: read-all #"),
    ("github", "apart", "      id-token: write # federated", "      id-token: write\n      pull-requests: write # federated"),
    ("github", "apart", "with: { ref: main, persist", "with: { persist"),
    ("github", "apart", "with: { ref: main, persist", 'with: { ref: "${{ github.head_ref }}", persist'),
    ("github", "apart", "run: python3 -I examples/gitops/engine_output.py comment", "run: python3 preview-output/a.py comment"),
    (
        "github",
        "apart",
        "      pull-requests: write # the comment",
        "      pull-requests: write\n      id-token: write # both\n    env2: {}",
    ),
    ("github", "fork", OWN_GITHUB, ""),
    ("github", "fork", OWN_GITHUB, " && github.event.pull_request.head.repo.full_name != 'mallory/hubtrust'"),
    ("github", "fork", OWN_GITHUB, " || github.event.pull_request.head.repo.full_name == github.repository"),
    ("github", "deployer", "      STACK: ${{ matrix.stack }}\n      ARM", "      STACK: x\n    environment: staging\n    env2:\n      ARM"),
    ("github", "deployer", "vars.AZURE_READER_CLIENT_ID }} # may", "vars.AZURE_CLIENT_ID }} # may"),
    ("github", "deployer", "    environment: prod #", "    # environment: prod"),
    ("github", "deployer", "if: github.event_name == 'push' && github.ref == 'refs/heads/main'\n    runs-on", "if: always()\n    runs-on"),
    ("github", "subject", "vars.AZURE_READER_CLIENT_ID }}\n", "vars.AZURE_CLIENT_ID }}\n"),
    ("github", "trigger", "on:\n  pull_request:", "on:\n  pull_request_target:"),
    ("github", "trigger", "on:\n", "on:\n  issue_comment:\n"),
    ("github", "trigger", "on:\n", "on:\n  workflow_run: { workflows: [build] }\n"),
    ("github", "secret", "${{ github.token }}", "${{ secrets.COMMENT_TOKEN }}"),
    ("github", "secret", "${{ vars.AZURE_TENANT_ID }}", "${{ secrets['AZURE_TENANT_ID'] }}"),
    ("github", "injection", RUN_PREVIEW, 'run: examples/gitops/run.sh preview "${{ github.head_ref }}"'),
    ("github", "injection", RUN_PREVIEW, "run: examples/gitops/run.sh preview $STACK"),
    ("github", "injection", RUN_PREVIEW, 'run: bash -c "examples/gitops/run.sh preview $STACK"'),
    ("github", "injection", RUN_PREVIEW, 'run: eval "examples/gitops/run.sh preview $STACK"'),
    ("github", "engine", RUN_PREVIEW, 'run: pulumi preview --stack "$STACK"'),
    ("github", "engine", RUN_PREVIEW, 'run: true; pulumi up --skip-preview --stack "$STACK"'),
    ("github", "credentials", "with: { persist-credentials: false }", "with: { persist-credentials: true }"),
    ("github", "credentials", "        with: { persist-credentials: false }\n", ""),
    ("github", "unreadable", "if: github.event_name == 'schedule'", "if: contains(github.event_name, 'sched')"),
    ("github", "unreadable", "    if: github.event_name == 'schedule' &&", "    if: ${{ false }} &&"),
    ("github", "unreadable", "permissions: {} #", "permissions: {}\npermissions: write-all #"),
    ("github", "apart", "actions/download-artifact@", "contoso/comment@"),
    ("gitlab", "apart", "  extends: .deployer\n  stage: prod", "  extends: .deployer\n  cache: { paths: [.venv] }\n  stage: prod"),
    ("gitlab", "apart", "stages:", "cache: { paths: [.venv] }\nstages:"),
    ("gitlab", "unreadable", "  stage: drift", "  stage: drift\n  hooks: { pre_get_sources_script: [make] }"),
    ("gitlab", "pinned", f"trixie{IMAGE}", "trixie"),
    ("gitlab", "pinned", f"trixie{IMAGE}", "trixie@sha256:c722"),
    ("gitlab", "pinned", f"  image: python:3.11-trixie{IMAGE}", "  retry: 1"),
    ("gitlab", "pinned", "preview:\n", "preview:\n  services: [docker:dind]\n"),
    ("gitlab", "pinned", "preview:\n", "preview:\n  image: { name: pulumi/pulumi-python }\n"),
    ("gitlab", "pinned", "- examples/gitops/run.sh install", "- curl -fsSL https://get.pulumi.com | sh"),
    ("gitlab", "pinned", "stages:", "include: { project: contoso/ci, ref: main, file: a.yml }\nstages:"),
    ("gitlab", "pinned", "stages:", "include: https://example.com/ci.yml\nstages:"),
    ("gitlab", "unreadable", "stages:", "include: /other.yml\nstages:"),
    ("gitlab", "secret", "reports preview.txt", 'reports preview.txt "$COMMENT_TOKEN"'),
    ("gitlab", "secret", "reports preview.txt", 'reports preview.txt "$BOT"'),
    ("gitlab", "secret", "reports preview.txt", 'reports preview.txt "$CI_JOB_TOKEN"'),
    ("gitlab", "secret", "  ARM_TENANT_ID: $AZURE_TENANT_ID", "  ARM_TENANT_ID: $ADMIN_PASSWORD"),
    ("gitlab", "secret", "preview:\n", "preview:\n  secrets: { A: { vault: a/b@c } }\n"),
    ("gitlab", "fork", OWN_GITLAB, ""),
    ("gitlab", "fork", OWN_GITLAB, " && $CI_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID"),
    ("gitlab", "fork", OWN_GITLAB, ' && $CI_MERGE_REQUEST_SOURCE_BRANCH_NAME == "main"'),
    ("gitlab", "deployer", "  extends: .reader\n  stage: preview", "  extends: .deployer\n  stage: preview"),
    ("gitlab", "deployer", ' && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH && $CI_COMMIT_REF_PROTECTED == "true"\n  var', "\n  var"),
    ("gitlab", "deployer", "  environment: { name: prod, action: start }\n", ""),
    ("gitlab", "subject", "  extends: .reader\n  stage: preview", "  extends: .deployer\n  stage: preview"),
    ("gitlab", "injection", 'run.sh preview "$STACK"', "run.sh preview $STACK"),
    ("gitlab", "injection", 'run.sh preview "$STACK"', 'run.sh preview "$(echo "$CI_MERGE_REQUEST_TITLE")"'),
    ("gitlab", "injection", 'run.sh preview "$STACK"', "run.sh preview `echo`"),
    ("gitlab", "injection", "- examples/gitops/run.sh preview", "- bash -ec 'true' examples/gitops/run.sh preview"),
    ("gitlab", "engine", "- examples/gitops/run.sh up", "- pulumi up --yes --stack"),
    (
        "gitlab",
        "unreadable",
        "script:\n    - examples/gitops/run.sh drift",
        "script:\n    - !reference [.x]\n    - examples/gitops/run.sh drift",
    ),
    ("gitlab", "unreadable", "  rules: # a fork", "  only: [merge_requests]\n  x: # a fork"),
    ("gitlab", "unreadable", "extends: .reader\n  stage: drift", "extends: .elsewhere\n  stage: drift"),
    ("gitlab", "unreadable", "stages:", "variables: {}\nstages:"),
    ("azure", "pinned", "task: AzureCLI@2", "task: PulumiInstall@1"),
    ("azure", "pinned", "      - job: preview\n", "      - job: preview\n        container: python:3.11\n"),
    ("azure", "pinned", "resources:\n", "resources:\n  containers: [{ container: a, image: alpine }]\n"),
    ("azure", "pinned", "- bash: examples/gitops/run.sh install", "- bash: wget -qO- https://get.pulumi.com | bash"),
    ("azure", "apart", "- checkout: main\n", "- checkout: self\n"),
    ("azure", "apart", "          - checkout: main\n", ""),
    ("azure", "apart", "ref: refs/heads/main", "ref: refs/heads/feature"),
    ("azure", "apart", "- bash: python3 -I examples/gitops/engine_output.py comment", "- bash: bash preview.sh; python3 -I comment.py"),
    (
        "azure",
        "apart",
        "displayName: Install\n          - task: AzureCLI@2\n            displayName: Preview",
        "env: { T: $(System.AccessToken) }\n          - task: AzureCLI@2\n            displayName: Preview",
    ),
    ("azure", "fork", OWN_AZURE, "eq(variables['Build.Reason'], 'PullRequest')"),
    ("azure", "fork", OWN_AZURE, OWN_AZURE.replace("eq(variables['System", "ne(variables['System")),
    ("azure", "deployer", "azureSubscription: hubtrust-read", "azureSubscription: hubtrust-prod"),
    ("azure", "deployer", "azureSubscription: hubtrust-read", "azureSubscription: another"),
    ("azure", "deployer", MAIN_AZURE, ""),
    ("azure", "deployer", f"and(succeeded(), {MAIN_AZURE}", "or(succeeded(), "),
    ("azure", "deployer", "        environment: prod #", "        # environment: prod"),
    ("azure", "secret", "$(System.AccessToken)", "$(COMMENT_TOKEN)"),
    ("azure", "injection", 'run.sh preview "$STACK"', 'run.sh preview "$(Build.SourceBranchName)"'),
    ("azure", "injection", 'run.sh preview "$STACK"', 'run.sh preview "${{ variables.STACK }}"'),
    ("azure", "injection", 'run.sh preview "$STACK"', "run.sh preview $STACK"),
    ("azure", "engine", 'examples/gitops/run.sh up "$STACK"', 'pulumi up --stack "$STACK"'),
    ("azure", "credentials", "- checkout: main\n", "- checkout: main\n            persistCredentials: true\n"),
    ("azure", "unreadable", "resources:\n", "extends: { template: a.yml }\nresources:\n"),
    ("azure", "unreadable", "    jobs:\n      - job: drift", "    jobs:\n      - template: a.yml\n      - job: drift"),
    ("azure", "unreadable", "          - checkout: main\n", "          - template: a.yml\n          - checkout: main\n"),
    ("azure", "unreadable", "condition: succeededOrFailed()", "condition: eq(dependencies.preview.result, 'Failed')"),
    ("azure", "unreadable", "  - group: hubtrust\n", "  - ${{ if true }}:\n    - group: hubtrust\n"),
]


@pytest.mark.parametrize(("service", "rule", "old", "new"), CHANGES, ids=numbered(CHANGES))
def test_each_rule_finds_what_it_forbids(service: str, rule: str, old: str, new: str) -> None:
    """One thing changed in the file, and the rule says so."""
    assert old in text(service), "the file has changed, so the test must"
    found = list(FINDINGS[service](text(service).replace(old, new)))
    assert any(each.startswith(f"{rule}:") for each in found), found


def test_no_rule_is_without_a_violation() -> None:
    """Each rule of each service is in the table above."""
    everywhere = {"pinned", "fork", "deployer", "injection", "engine", "secret", "unreadable"}
    more = {"gitlab": {"subject", "apart"}, "azure": {"apart", "credentials"}}
    more["github"] = {"permissions", "apart", "trigger", "credentials", "subject"}
    for service in FILES:
        assert {rule for whose, rule, *_ in CHANGES if whose == service} == everywhere | more[service]


GITHUB_JOB = f"""
  {{name}}:
    runs-on: ubuntu-24.04
    {{more}}
    steps:
      - uses: actions/checkout@{SHA}
        with: {{{{ persist-credentials: false }}}}
      - run: {{run}}
"""
GITLAB_JOB = """
{name}:
  stage: preview
  {more}
  script: ['{run}']
"""
AZURE_STAGE = """
  - stage: {name}
    dependsOn: []
    {more}
    jobs:
      - job: {name}
        steps:
          - bash: {run}
"""
ADDED = {"github": GITHUB_JOB, "gitlab": GITLAB_JOB, "azure": AZURE_STAGE}
ON_CHANGES = {
    "github": "if: github.event_name == 'pull_request'",
    "gitlab": 'rules: [{ if: $CI_PIPELINE_SOURCE == "merge_request_event" }]',
    "azure": "condition: eq(variables['Build.Reason'], 'PullRequest')",
}

# A job that somebody added to a copy: (service, the rule or nothing, lines of the job, its script)
COPIES = [
    *((service, "", ON_CHANGES[service], "make lint") for service in FILES),
    *((service, "pinned", ON_CHANGES[service], "pip install ruff") for service in FILES),
    *((service, "engine", ON_CHANGES[service], "pulumi preview") for service in FILES),
    ("github", "", "permissions: { contents: read }", "make lint"),
    ("github", "fork", "permissions: { id-token: write }", "make lint"),
    ("github", "fork", "permissions: { pull-requests: write }", "make lint"),
    (
        "github",
        "apart",
        f"permissions: {{ pull-requests: write }}\n    {ON_CHANGES['github']}{OWN_GITHUB}",
        "make comment",
    ),
    ("github", "permissions", "permissions: write-all", "make lint"),
    ("github", "permissions", "permissions: { packages: write }", "make publish"),
    ("github", "deployer", "permissions: { id-token: write }\n    environment: prod", "make lint"),
    ("github", "deployer", "permissions: { id-token: write }\n    environment: { name: prod, url: https://a }", "make lint"),
    ("github", "unreadable", "permissions: { id-token: write }\n    environment: ${{ github.head_ref }}", "make lint"),
    ("github", "secret", "env: { A: '${{ secrets.A }}' }", "make lint"),
    ("github", "injection", "if: always()", "echo ${{ github.event.pull_request.title }}"),
    ("gitlab", "unreadable", "when: always", "make lint"),
    ("gitlab", "fork", "extends: .reader\n  rules: [{ when: always }]", "make lint"),
    ("gitlab", "fork", "extends: [.reader]\n  rules: [{ changes: [a] }]", "make lint"),
    ("gitlab", "secret", ON_CHANGES["gitlab"], 'curl --header "PRIVATE-TOKEN: $API_TOKEN" https://gitlab.example/api'),
    ("gitlab", "pinned", f"{ON_CHANGES['gitlab']}\n  image: alpine", "make lint"),
    ("gitlab", "deployer", f"extends: .deployer\n  {ON_CHANGES['gitlab']}\n  environment: prod", "make lint"),
    (
        "gitlab",
        "deployer",
        "extends: .deployer\n  rules: [{ if: $CI_COMMIT_REF_NAME =~ /main$/ }]",
        "make lint",
    ),
    ("azure", "fork", f"pool: own-machines\n    {ON_CHANGES['azure']}", "make lint"),
    ("azure", "apart", ON_CHANGES["azure"], "make lint\n            env: { SYSTEM_ACCESSTOKEN: $(System.AccessToken) }"),
    ("azure", "secret", ON_CHANGES["azure"], "make lint\n            env: { PAT: $(pat) }"),
    ("azure", "fork", ON_CHANGES["azure"], "true\n          - task: AzureCLI@2\n            inputs: { azureSubscription: hubtrust-read }"),
    ("azure", "deployer", "", "true\n          - task: AzureCLI@2\n            inputs: { azureSubscription: hubtrust-prod }"),
    ("azure", "injection", ON_CHANGES["azure"], "echo $(System.PullRequest.SourceBranch)"),
    ("azure", "unreadable", "", "true\n          - script: make lint"),
]


@pytest.mark.parametrize(("service", "rule", "more", "run"), COPIES, ids=numbered(COPIES))
def test_a_copy_with_another_job_is_held_to_the_same_rules(service: str, rule: str, more: str, run: str) -> None:
    """A job that keeps the rules is nobody's concern; one that doesn't is found, whatever its name."""
    found = list(FINDINGS[service](text(service) + ADDED[service].format(name="another", more=more, run=run)))
    if rule:
        assert any(each.startswith(f"{rule}:") and "another" in each for each in found) or (rule == "secret" and found), found
    else:
        assert found == []


@pytest.mark.parametrize("machine", ["self-hosted", "[self-hosted, linux]", "{ group: own }", "own-machine"])
def test_a_fork_does_not_run_on_ones_own_machines(machine: str) -> None:
    """What a fork's job leaves there, the next job meets."""
    job = ADDED["github"].replace("ubuntu-24.04", machine.replace("{", "{{").replace("}", "}}"))
    found = list(github_rules.findings(text("github") + job.format(name="another", more=ON_CHANGES["github"], run="make lint")))
    assert {each.partition(":")[0] for each in found} == {"fork"}


@pytest.mark.parametrize("service", FILES)
def test_the_file_fits_the_services_schema(service: str) -> None:
    """The schemas that check-jsonschema has of the three services; a key that they don't know fails."""
    schema = ["--builtin-schema", SCHEMAS[service], "--regex-variant", "python"]
    command = [sys.executable, "-m", "check_jsonschema", *schema]
    done = subprocess.run([*command, str(GITOPS / FILES[service])], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("service", "old", "new"),
    [
        ("github", "runs-on:", "run-on:"),
        ("gitlab", "when: manual", "when: by-hand"),
        ("azure", "  - stage: preview", "  - phase: preview"),
    ],
)
def test_the_schemas_can_fail(service: str, old: str, new: str, tmp_path: Path) -> None:
    """A wrong key is found."""
    changed = tmp_path / FILES[service]
    changed.write_text(text(service).replace(old, new))
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", SCHEMAS[service], "--regex-variant", "python", str(changed)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


def zizmor(folder: Path, workflow: str) -> set[str]:
    """The findings of zizmor, an auditor of workflows, without those about style."""
    place = folder / ".github/workflows"
    place.mkdir(parents=True)
    (place / "hubtrust.yml").write_text(workflow)
    command = [str(Path(sys.executable).with_name("zizmor")), "--offline", "--no-config", "--persona", "auditor", "--min-severity", "low"]
    done = subprocess.run([*command, "--format", "json", str(folder)], capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return {each["ident"] for each in json.loads(done.stdout)}


def test_zizmor_finds_nothing(tmp_path: Path) -> None:
    """The strictest persona of zizmor."""
    assert zizmor(tmp_path, text("github")) == set()


@pytest.mark.parametrize(
    ("finds", "old", "new"),
    [
        ("unpinned-uses", CHECKOUT, "actions/checkout@v7"),
        ("excessive-permissions", "permissions: {} #", "permissions: write-all #"),
        ("template-injection", RUN_PREVIEW, 'run: examples/gitops/run.sh preview "${{ github.head_ref }}"'),
        ("dangerous-triggers", "on:\n  pull_request:", "on:\n  pull_request_target:"),
        ("artipacked", "        with: { persist-credentials: false }\n", ""),
    ],
)
def test_zizmor_can_find_something(finds: str, old: str, new: str, tmp_path: Path) -> None:
    """The same audit of a worse file."""
    assert finds in zizmor(tmp_path, text("github").replace(old, new))
