"""The commit of a program's folder: from CI's variables, else from Git; null where neither knows one."""

import os
import subprocess
from pathlib import Path

import pytest

from hubtrust import commit
from hubtrust.commit import commit_of

HASH = "0123456789abcdef0123456789abcdef01234567"
_AUTHOR = {f"GIT_{who}_{what}": "t@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(folder: Path, *arguments: str) -> str:
    """What Git answers."""
    environment = os.environ | _AUTHOR
    return subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("name", ["GITHUB_SHA", "BUILD_SOURCEVERSION", "CI_COMMIT_SHA"])
def test_a_ci_service_says_it(tmp_path: Path, name: str) -> None:
    """Git is not asked; what is no hash is not believed."""
    assert commit_of(tmp_path, {name: HASH.upper()}) == HASH
    assert commit_of(tmp_path, {name: "refs/heads/main"}) is None


def test_git_says_it_and_whether_files_are_changed(tmp_path: Path) -> None:
    """Files that Git does not track are no change of the program."""
    assert commit_of(tmp_path, {}) is None
    git(tmp_path, "init", "-q")
    assert commit_of(tmp_path, {}) is None, "a repository without a commit"
    program = tmp_path / "__main__.py"
    program.write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    found = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "state.json").write_text("{}")
    assert commit_of(tmp_path, {}) == found
    program.write_text("2")
    assert commit_of(tmp_path, {}) == f"{found}-dirty"


def test_a_git_that_is_missing_or_hangs_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof is sent without a commit."""
    monkeypatch.setattr(commit, "_SECONDS", 0.05)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit_of(tmp_path, {}) is None
    hanging = tmp_path / "git"
    hanging.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    hanging.chmod(0o755)
    assert commit_of(tmp_path, {}) is None
    assert commit_of(tmp_path / "no such folder", {}) is None
