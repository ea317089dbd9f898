"""The commit of the program that runs: a CI service says it, otherwise Git does."""

import functools
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

# docs.github.com/actions/reference/workflows-and-actions/variables, learn.microsoft.com/azure/devops/pipelines/build/variables,
# docs.gitlab.com/ci/variables/predefined_variables
_CI_VARIABLES = ("GITHUB_SHA", "BUILD_SOURCEVERSION", "CI_COMMIT_SHA")
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SECONDS = 3  # for each of Git's two answers: a slow disk must not delay a proof


@functools.cache
def program_commit() -> str | None:
    """The commit of the folder that this process runs in, the program's: see ``commit_of``. Git is asked once in a process."""
    return commit_of(Path.cwd(), os.environ)


def commit_of(folder: Path, environment: Mapping[str, str]) -> str | None:
    """The commit that ``folder`` is at, 40 or 64 hex digits, with `-dirty` where Git finds tracked files changed.

    None where neither a CI service nor Git says one. It never fails, and ends after some seconds.
    """
    for name in _CI_VARIABLES:
        if _HASH.fullmatch(found := environment.get(name, "").lower()):
            return found
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    if commit is None or not _HASH.fullmatch(commit):
        return None
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return commit if changed == "" else f"{commit}-dirty"


def _git(folder: Path, *arguments: str) -> str | None:
    """What Git answers, without white space around it; None if it fails, is missing, or takes too long."""
    command = ["git", "-c", "core.fsmonitor=false", *arguments]  # no program that the repository's settings name
    environment = os.environ | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    try:
        found = subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.decode(errors="replace").strip()
