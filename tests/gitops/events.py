"""What may start a pipeline, as the variables that each forge sets for it, and the subject of a job's identity token."""

from dataclasses import dataclass, field

PROJECT = "contoso/hubtrust"
FORK = "mallory/hubtrust"


@dataclass(frozen=True)
class Event:
    """An event at each of the three forges."""

    name: str
    kind: str  # change, push, schedule, manual
    branch: str  # of a change: the branch that it comes from
    source: str | None = PROJECT  # where a change comes from; None: a fork that was deleted since
    tag: bool = False
    fork: bool = field(init=False)

    def __post_init__(self) -> None:
        """Tell a fork."""
        object.__setattr__(self, "fork", self.source != PROJECT)

    @property
    def trusted(self) -> bool:
        """Only reviewed code can run: it is main's."""
        return self.kind != "change" and self.branch == "main" and not self.tag

    @property
    def ref(self) -> str:
        """The full name of what GitHub and Azure DevOps check out."""
        return "refs/pull/7/merge" if self.kind == "change" else f"refs/{'tags' if self.tag else 'heads'}/{self.branch}"

    def github(self) -> dict[str, str | None]:
        """The contexts of expressions."""
        name = {"change": "pull_request", "manual": "workflow_dispatch"}.get(self.kind, self.kind)
        found: dict[str, str | None] = {"github.event_name": name, "github.ref": self.ref, "github.repository": PROJECT}
        return found | {"github.event.pull_request.head.repo.full_name": self.source if self.kind == "change" else None}

    def gitlab(self) -> dict[str, str | None]:
        """The variables of a pipeline. A member can start a fork's pipeline in this project, so its variables are this project's."""
        kind = {"change": "merge_request_event", "manual": "web"}.get(self.kind, self.kind)
        found: dict[str, str | None] = {"CI_PIPELINE_SOURCE": kind, "CI_DEFAULT_BRANCH": "main", "CI_PROJECT_ID": "1"}
        found["CI_COMMIT_REF_PROTECTED"] = "true" if self.trusted else "false"
        if self.kind == "change":
            found |= {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "2" if self.fork else "1", "CI_MERGE_REQUEST_PROJECT_ID": "1"}
            return found | {"CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": self.branch, "CI_COMMIT_REF_NAME": self.branch}
        return found | {"CI_COMMIT_TAG" if self.tag else "CI_COMMIT_BRANCH": self.branch, "CI_COMMIT_REF_NAME": self.branch}

    def azure(self) -> dict[str, str | None]:
        """The predefined variables."""
        reasons = {"change": "PullRequest", "push": "IndividualCI", "schedule": "Schedule", "manual": "Manual"}
        found: dict[str, str | None] = {"Build.Reason": reasons[self.kind], "Build.SourceBranch": self.ref}
        return found | ({"System.PullRequest.IsFork": "True" if self.fork else "False"} if self.kind == "change" else {})

    def github_subject(self, environment: str) -> str:
        """Source: docs.github.com/actions/reference/security/oidc; a new repository has ids in it, which docs/gitops.md says."""
        if environment:
            return f"repo:{PROJECT}:environment:{environment}"
        return f"repo:{PROJECT}:" + ("pull_request" if self.kind == "change" else f"ref:{self.ref}")

    def gitlab_subject(self) -> str:
        """Source: lib/gitlab/ci/jwt_v2.rb of GitLab: the project that the change comes from, and its branch."""
        return f"project_path:{self.source or FORK}:ref_type:{'tag' if self.tag else 'branch'}:ref:{self.branch}"


OWN_CHANGE = Event("a pull request of this repository", "change", "feature")
PUSH = Event("a merge to main", "push", "main")
NIGHT = Event("the nightly run", "schedule", "main")
FORKS = [
    Event("a fork's pull request", "change", "feature", FORK),
    Event("a fork's pull request from its branch main", "change", "main", FORK),
    Event("the pull request of a deleted fork", "change", "feature", None),
]
UNTRUSTED = [
    *FORKS,
    OWN_CHANGE,
    Event("a push to another branch", "push", "feature"),
    Event("a push to a branch whose name ends like main", "push", "not-main"),
    Event("a tag named main", "push", "main", tag=True),
    Event("a schedule on another branch", "schedule", "feature"),
    Event("a run by hand on another branch", "manual", "feature"),
]
TRUSTED = [PUSH, NIGHT, Event("a run by hand on main", "manual", "main")]
