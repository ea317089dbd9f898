"""TypeScript's own compiler takes the SDK that is checked in, its README and a program; what a program can't mean it refuses."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.kit.prerequisites import need
from tests.kit.repository import ROOT

INSTALLED = ROOT / ".strangers/typescript/node_modules"


@pytest.mark.stranger
def test_the_sdk_and_a_program_compile(tmp_path: Path) -> None:
    """The SDK with its own settings; the program with strict ones, and each of its wrong lines must be one."""
    need((ROOT / ".strangers/typescript.stamp").exists(), "TypeScript is not installed: run `make strangers`")
    sdk, modules = tmp_path / "node_modules/@hubtrust/hubtrust", tmp_path / "node_modules"
    shutil.copytree(ROOT / "sdk/nodejs", sdk)
    for one in INSTALLED.iterdir():
        (modules / one.name).symlink_to(one)
    shutil.copy(ROOT / "tests/strangers/typescript/program.ts", tmp_path)
    (readme,) = re.findall(r"```ts\n(.*?)```", (sdk / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    (tmp_path / "readme.ts").write_text(readme, encoding="utf-8")
    tsc = ["node", os.fspath(INSTALLED / "typescript/bin/tsc")]
    strict = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--types", "node", "--skipLibCheck"]
    for command in ([*tsc, "-p", os.fspath(sdk)], [*tsc, *strict, "--preserveSymlinks", "program.ts", "readme.ts"]):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
    assert (sdk / "bin/index.js").is_file()
