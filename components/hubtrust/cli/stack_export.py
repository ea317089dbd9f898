"""The exported state of a stack that a command is asked about: from a file, from stdin, or from Pulumi's CLI."""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hubtrust.errors import HubtrustError, one_line, shown, without_private_keys

MOST_OCTETS = 512 * 2**20  # of an export; a hundred thousand devices are a few megabytes
_EXPORT = "give what `pulumi stack export` writes"
_VERSIONS = (3, 4)  # 4 is 3 with features that change nothing that is read here (sdk/go/common/apitype/deployments.go)
_BOMS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))  # PowerShell's `>` writes UTF-16


class ExportError(HubtrustError):
    """The state can't be had, or is not an exported stack."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments `--stack` and `--state`, of which one is to be given."""
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--stack", metavar="NAME", help="the stack: `pulumi stack export --stack NAME` is run in this folder")
    given.add_argument("--state", metavar="FILE", help="a file that `pulumi stack export` wrote; - reads it from stdin")


def read(options: argparse.Namespace) -> Mapping[str, Any]:
    """The deployment that the command's arguments name.

    Raises:
        ExportError: there is none, or it is something else; no error shows any content.
    """
    if options.stack is not None:
        return deployment_of(_exported(options.stack), f"the export of stack '{options.stack}'")
    if options.state == "-":
        return deployment_of(sys.stdin.buffer.read(MOST_OCTETS + 1), "stdin")
    return deployment_of(_content(options.state), f"'{options.state}'")


def deployment_of(content: bytes, what: str) -> Mapping[str, Any]:
    """The deployment in an export, or in a checkpoint of a backend in files.

    Raises:
        ExportError: it is neither.
    """
    if len(content) > MOST_OCTETS:
        raise ExportError(what, f"it has more than {MOST_OCTETS // 2**20} MiB", _EXPORT)
    if not content.strip():
        raise ExportError(what, "it is empty", _EXPORT)
    encoding = next((name for mark, name in _BOMS if content.startswith(mark)), "utf-8")
    try:
        found = json.loads(content.decode(encoding))
    except UnicodeDecodeError:
        raise ExportError(what, "it is no text in UTF-8 or UTF-16", _EXPORT) from None
    except json.JSONDecodeError as error:
        fact = f"it is no JSON, or not all of it: {error.msg} at line {error.lineno}, column {error.colno}"
        raise ExportError(what, fact, "export it again: `pulumi stack export --file state.json`") from None
    except (ValueError, RecursionError):
        raise ExportError(what, "it is JSON that is nested too deeply, or has a number of thousands of digits", _EXPORT) from None
    return _deployment(found, what)


def _deployment(found: object, what: str) -> Mapping[str, Any]:
    if not isinstance(found, dict) or not {"deployment", "checkpoint"} & found.keys():
        raise ExportError(what, "it is JSON, and no exported stack: it has no member `deployment`", _EXPORT)
    version = found.get("version")
    if version not in _VERSIONS:
        fact = f"its version is {shown(json.dumps(version), 40)}, and {' and '.join(map(str, _VERSIONS))} can be read"
        raise ExportError(what, fact, "export it with a current Pulumi CLI")
    held = found.get("deployment")
    if held is None and isinstance(found.get("checkpoint"), dict):  # the file of a backend in files, such as .pulumi/stacks/prod.json
        held = found["checkpoint"].get("latest") or {}  # a stack without a run has none
    if held is None:
        held = {}
    if not isinstance(held, dict):
        raise ExportError(what, "its `deployment` is no object", _EXPORT)
    return held


def _content(name: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            return file.read(MOST_OCTETS + 1)
    except (OSError, ValueError) as error:
        fact = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ExportError(f"'{name}'", f"it can't be read: {fact}", _EXPORT) from None


def _exported(stack: str) -> bytes:
    """What Pulumi's CLI says of the stack. It is asked nothing that shows a secret."""
    what = f"stack '{stack}'"
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        raise ExportError(what, "`pulumi` is not on PATH", "install Pulumi's CLI, or give the export of the stack with --state FILE")
    command = [pulumi, "stack", "export", f"--stack={stack}", "--non-interactive"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as error:
        raise ExportError(what, f"`pulumi` can't be started: {error.strerror}", "install Pulumi's CLI again") from None
    if done.returncode != 0:
        said = without_private_keys(done.stderr.decode("utf-8", "backslashreplace")).removeprefix("error: ")
        fact = f"`pulumi stack export` failed: {one_line(said, 600) or 'it said nothing'}"
        raise ExportError(what, fact, "run it yourself in this folder, with the same login and backend")
    return done.stdout
