"""The conditions of the three services are read as the services read them, and what isn't understood is an error."""

import pytest

from tests.gitops import conditions
from tests.gitops.conditions import UnreadableError

GITHUB = {"github.event_name": "push", "github.ref": "refs/heads/main", "github.event.pull_request.head.repo.full_name": None}
GITLAB = {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main"}
AZURE = {"Build.Reason": "IndividualCI", "System.PullRequest.IsFork": "False"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("github.event_name == 'push'", True),
        ("${{ github.event_name == 'PUSH' }}", True),
        ("github.event_name != 'push'", False),
        ("github.event.pull_request.head.repo.full_name == ''", True),
        ("github.event.pull_request.head.repo.full_name == 'a'", False),
        ("github.event_name == 'a' && github.ref == 'b' || github.ref == 'refs/heads/main'", True),
        ("github.event_name == 'a' && (github.ref == 'b' || github.ref == 'refs/heads/main')", False),
        ("!cancelled() && !(github.event_name == 'schedule')", True),
        ("always()", True),
        ("failure()", False),
        ("github.ref == 'it''s'", False),
        (True, True),
        (False, False),
    ],
)
def test_github(text: object, holds: bool) -> None:
    """Equality without regard to case, nothing is the empty text, `&&` before `||`."""
    assert conditions.github(text, GITHUB) is holds


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('$CI_PIPELINE_SOURCE == "push"', True),
        ('$CI_PIPELINE_SOURCE == "PUSH"', False),
        ("$CI_COMMIT_TAG == null", True),
        ("$CI_COMMIT_TAG", False),
        ("$CI_COMMIT_TAG == $CI_MERGE_REQUEST_PROJECT_ID", True),
        ("$CI_COMMIT_BRANCH =~ /^MAIN$/i", True),
        ("$CI_COMMIT_BRANCH !~ /^release/", True),
        ('$CI_COMMIT_BRANCH == "a" || $CI_COMMIT_BRANCH == "main" && $CI_PIPELINE_SOURCE == "push"', True),
    ],
)
def test_gitlab(text: str, holds: bool) -> None:
    """Exact equality; two variables that are not set are equal."""
    assert conditions.gitlab(text, GITLAB) is holds


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("eq(variables['Build.Reason'], 'individualci')", True),
        ("ne(variables['Build.Reason'], 'IndividualCI')", False),
        ("and(succeeded(), in(variables['Build.Reason'], 'Manual', 'IndividualCI'))", True),
        ("or(failed(), not(eq(variables['System.PullRequest.IsFork'], 'False')))", False),
        ("eq(variables['Build.SourceBranch'], '')", True),
        ("startsWith(variables['Build.Reason'], 'individual')", True),
    ],
)
def test_azure(text: str, holds: bool) -> None:
    """Equality without regard to case; a variable that is not set is the empty text."""
    assert conditions.azure(text, AZURE) is holds


@pytest.mark.parametrize(
    ("service", "text"),
    [
        ("github", "contains(github.ref, 'main')"),
        ("github", "github.actor == 'me'"),
        ("github", "hashFiles() == 'a'"),
        ("github", "a ${{ false }}"),
        ("github", "github.event_name == "),
        ("github", "(github.event_name == 'push'"),
        ("github", "github.event_name == 'push' github.ref"),
        ("github", 'github.event_name == "push"'),
        ("github", "github['ref'] == 'a'"),
        ("gitlab", "$CI_COMMIT_BRANCH == main"),
        ("gitlab", '$CI_COMMIT_BRANCH == "main'),
        ("gitlab", "$CI_COMMIT_BRANCH =="),
        ("azure", "eq(dependencies.a.result, 'Failed')"),
        ("azure", "eq(variables.Reason, 'a')"),
        ("azure", "contains(variables['Build.Reason'], 'a')"),
        ("azure", "${{ eq(1, 1) }}"),
        ("azure", "eq(variables['Build.Reason'], "),
        ("azure", "__import__('os')"),
    ],
)
def test_what_is_not_understood_is_an_error(service: str, text: str) -> None:
    """A condition that can't be read may let anything through."""
    read = {"github": conditions.github, "gitlab": conditions.gitlab, "azure": conditions.azure}[service]
    with pytest.raises(UnreadableError):
        read(text, {"github": GITHUB, "gitlab": GITLAB, "azure": AZURE}[service])
