"""The repository's files in a repository of their own, which has one commit and one tag: what a release or a stranger's pip reads."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.kit.repository import ROOT


def tagged_copy(folder: Path, tag: str) -> None:
    """Copy what Git has of this repository to ``folder``, commit it, and name the commit ``tag``. Skips the test where Git has nothing."""
    if not (ROOT / ".git").exists():  # in CI too: nothing that could be installed is missing
        pytest.skip("this is no Git repository: a published source has no tags to build from")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    who = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    alone = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for command in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message", "A release"), ("tag", tag)):
        subprocess.run(["git", *who, *command], cwd=folder, env=alone, check=True)
