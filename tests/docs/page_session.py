"""The commands of one page, run as they are printed: one bash, the blocks in their order, in a copy of the repository.

The copy has what Git tracks, and a `.venv` that is the tests' own with two commands exchanged for faster ones: `python -m sandbox` and
`python -m sandbox.engine` start as forks of a process that has imported everything (tests/kit/warm_start.py). `pulumi` is the embedded
engine, unless the page needs Pulumi's own. The home folder is empty.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from local_azure_iot import installation
from tests.docs.fences import Fence, fences
from tests.kit.local_azure import LocalAzure, local_azure
from tests.kit.repository import ROOT
from tests.kit.warm_start import warm_engine, warm_sandbox

RUN = ("sh", "bash")
TRANSCRIPT = "console"
PATIENCE = 600  # seconds
_NOT_COPIED = ("sdk/", "benchmarks/")
_PROMPT = "$ "
_REFUSED = "if {0}; then echo 'this did not fail, as the page says it does'; exit 1; fi"
# Another interpreter, and its pip, would install packages into the environment of the tests.
_NOT_IN_VENV = re.compile(r"python[\d.]*|pip[\d.]*")

# For a page that makes its own environment: what the tests' environment has is there already, and pip asks nobody for more.
_WITHOUT_REGISTRY = {
    "PYTHONPATH": sysconfig.get_path("purelib"),
    "PIP_NO_INDEX": "1",
    "PIP_NO_BUILD_ISOLATION": "0",  # which is pip's way to say: no isolation
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}


@dataclass(frozen=True)
class Session:
    """How a page, or these ``sections`` of it (headings of the second level; none: all), are run.

    ``before`` are shell lines that run before the first block: what the page says a reader has. ``prepare`` does the same on Azure, and
    in the folder. ``after`` are lines that run at the end: what the page's commands print that a reader does next. ``instead`` has lines
    of the page which are run otherwise, with what is run instead; each must be on the page. ``refused`` has lines of the page that fail,
    as the page says. ``shows`` are patterns that the output has, in this order. ``needs`` are commands without which the page is left
    out.
    """

    page: str
    sections: tuple[str, ...] = ()
    before: str = ""
    prepare: Callable[[LocalAzure, Path], object] | None = None
    after: str = ""
    instead: Mapping[str, str] = field(default_factory=dict)
    shows: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    on_azure: bool = True
    """Whether the page has a local Azure of its own and a login there, as a reader has them on real Azure. Others start one themselves."""
    has_environment: bool = True
    """Whether `.venv` is there already."""
    own_pulumi: bool = False
    """Whether it needs Pulumi's CLI."""

    def __str__(self) -> str:
        return " # ".join((self.page, *self.sections))

    def blocks(self) -> list[Fence]:
        """The blocks that it runs."""
        found = [each for each in fences(self.page) if each.language in (*RUN, TRANSCRIPT)]
        return [each for each in found if not self.sections or each.section in self.sections]


@dataclass
class Place:
    """The folders of one session."""

    folder: Path  # everything is below it
    copy: Path  # the copy of the repository, in which the page begins
    environment: dict[str, str]

    def run(self, script: str) -> str:
        """Run a script of bash; returns everything that it printed.

        Raises:
            AssertionError: a command failed, or took too long.
        """
        file = self.folder / "session.sh"
        file.write_text(script, encoding="utf-8")
        done = subprocess.run(
            ["bash", str(file)],
            cwd=self.copy,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stdout[-20_000:]
        return done.stdout


@contextmanager
def place(folder: Path, session: Session) -> Iterator[Place]:
    """A copy of the repository in ``folder``, with its environment and, if the session has one, its local Azure."""
    copy = folder / "hubtrust"
    _copy(copy)
    if session.has_environment:
        _link_environment(copy / ".venv")
    _link_az(copy / ".strangers")
    home = folder / "home"
    home.mkdir()
    found = Place(folder, copy, _environment(folder, home, session))
    try:
        if session.on_azure:
            with local_azure(folder, "--retry-after", "0") as azure:
                found.environment |= _as_on_azure(folder, home, azure)
                if session.prepare:
                    session.prepare(azure, copy)
                yield found
        else:
            yield found
    finally:
        if (copy / ".sandbox").exists():
            found.run(f"{shlex.join([*warm_sandbox(), 'stop'])}\n")
        if (home / "azure").exists():  # where rows set LOCAL_AZURE_HOME
            found.run("LOCAL_AZURE_HOME=$HOME/azure local-azure-iot stop\n")


def script(session: Session) -> str:
    """The page as a script: it ends at the first command that fails, and says which one."""
    parts = ["set -euE", "trap 'echo \"failed: $BASH_COMMAND\" >&2' ERR", session.before]
    left = {*session.instead, *session.refused}
    for block in session.blocks():
        parts.append(f"echo {shlex.quote(f'== {block}')}")
        for line in _commands(block):
            plain = line.partition(" #")[0].strip()
            left.discard(plain)
            parts.append(_REFUSED.format(plain) if plain in session.refused else session.instead.get(plain, line))
    assert not left, f"{session.page} has no line {sorted(left)}: take it out of tests/docs/sessions.py"
    return "\n".join([*parts, session.after, ""])


def _commands(block: Fence) -> list[str]:
    """What is typed: all lines, of a transcript those behind a prompt."""
    lines = block.text.splitlines()
    return lines if block.language in RUN else [line.removeprefix(_PROMPT) for line in lines if line.startswith(_PROMPT)]


@cache
def _tracked() -> tuple[str, ...]:
    """What Git tracks; a published source has no Git, and everything that is there is of the source."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return tuple(name for name in listed.stdout.split("\0") if name and not name.startswith(_NOT_COPIED))
    hidden = (".venv", ".strangers", ".sandbox", ".cache", "__pycache__")
    found = (path for path in ROOT.rglob("*") if path.is_file() and not any(part in hidden for part in path.parts))
    return tuple(name for name in (str(path.relative_to(ROOT)) for path in found) if not name.startswith(_NOT_COPIED))


def _copy(folder: Path) -> None:
    for name in _tracked():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
            shutil.copymode(ROOT / name, folder / name)
            os.utime(folder / name, (1, 1))  # older than the stamps of `make`: it installs nothing anew


def _link_environment(folder: Path) -> None:
    """The environment of the tests, under another path, with faster commands."""
    (folder / "bin").mkdir(parents=True)
    for each in Path(sys.prefix).iterdir():
        if each.name != "bin":
            (folder / each.name).symlink_to(each)
    for each in (Path(sys.prefix) / "bin").iterdir():
        if not _NOT_IN_VENV.fullmatch(each.name) and each.name != "hubtrust":
            (folder / "bin" / each.name).symlink_to(each)
    _command(folder / "bin/hubtrust", f'exec {shlex.quote(sys.executable)} -m hubtrust.cli "$@"\n')
    for stamp in ("sandbox", "dev"):
        (folder / f"{stamp}.stamp").touch()
    _command(folder / "bin/python", _python())


def _link_az(folder: Path) -> None:
    """The az CLI, where the page's own command would install it: that takes a minute."""
    if (ROOT / ".strangers/az").exists():
        folder.mkdir()
        (folder / "az").symlink_to(ROOT / ".strangers/az")
        (folder / "az.stamp").touch()


def _python() -> str:
    return f"""case "$1 ${{2-}}" in
"-m sandbox") shift 2; exec {shlex.join(warm_sandbox())} "$@" ;;
"-m sandbox.engine") shift 2; exec {shlex.join(warm_engine())} "$@" ;;
*) exec {shlex.quote(sys.executable)} "$@" ;;
esac
"""


def _command(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/bash\n{text}", encoding="utf-8")
    file.chmod(0o755)


def _environment(folder: Path, home: Path, session: Session) -> dict[str, str]:
    """What a reader's shell has, and that `pulumi` asks nothing."""
    tools = folder / "tools"
    _command(tools / "python3", f'exec {shlex.quote(str(Path(sys.base_prefix, "bin", "python3")))} "$@"\n')
    if not session.own_pulumi:
        # Without a preview of its own, which takes as long again.
        hasty = 'case "$1" in up|destroy) set -- "$@" --skip-preview;; esac\n'
        _command(tools / "pulumi", f'{hasty}exec {shlex.join(warm_engine())} "$@"\n')
    environment = [str(folder / "hubtrust/.venv/bin")] if session.has_environment else []
    others = [*environment, str(ROOT / ".strangers/az/bin"), str(ROOT / "sandbox/plugins/bin"), "/usr/local/bin:/usr/bin:/bin"]
    return {
        "PATH": os.pathsep.join([str(tools), *others]),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "TMPDIR": str(home),
        "PULUMI_SKIP_CONFIRMATIONS": "true",
        **({} if session.has_environment else _WITHOUT_REGISTRY),
    }


def _as_on_azure(folder: Path, home: Path, azure: LocalAzure) -> dict[str, str]:
    """A login, and a place for the state, which `pulumi login` would choose."""
    (folder / "state").mkdir()
    return {
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "x",
        "PULUMI_HOME": str(folder / "pulumi"),
        **installation.environment(azure.ready, {"HOME": str(home)}),
    }
