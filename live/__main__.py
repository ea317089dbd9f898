"""`python -m live`, which `make live` runs: docs/live.md."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from hubtrust.version import package_version
from live import consent, places, report
from live.errors import LiveRefusedError
from live.run import Result, Run
from live.scenario import STEPS
from local_azure_iot.commands import print_line
from local_azure_iot.foreground import CommandError
from local_azure_iot.installation import InstallationError

if TYPE_CHECKING:
    from collections.abc import Sequence

_INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """Run it; returns the exit code: 0 if every step succeeded, whether Azure answered otherwise or not. A refusal is one line."""
    options = _parser().parse_args(arguments)
    try:
        return _destroy(options) if options.destroy else _run(options)
    except (LiveRefusedError, InstallationError, CommandError) as error:
        print(f"live: {error}", file=sys.stderr)  # noqa: T201 - a command's own output
        return 1
    except KeyboardInterrupt:
        kept = (options.folder / "azure").exists()
        what = "delete what it created: python -m live --subscription <id> --destroy" if kept else "nothing was created on Azure"
        print(f"live: interrupted; {what}", file=sys.stderr)  # noqa: T201 - a command's own output
        return _INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    subscription = consent.require_subscription(options.subscription)
    engine = places.engine(options.engine, os.environ)
    folder: Path = options.folder.absolute()
    if (folder / "azure").exists():
        remedy = f"delete what it left: python -m live --subscription {subscription} --destroy"
        raise LiveRefusedError(f"the folder '{folder}'", "it has the stack of an earlier run that was not destroyed", remedy)
    text = consent.statement(subscription, options.location)
    consent.require_consent(text, subscription, os.environ, yes=options.yes, stdin=sys.stdin, stdout=sys.stdout)
    settings = {"azure-native:location": options.location}
    shutil.rmtree(folder / "local", ignore_errors=True)
    with places.local_azure(folder / "local", engine, os.environ) as (stack, own):
        expected = Run(stack, own, lambda line: print_line(f"local Azure: {line}"), settings, STEPS, leaves_nothing=False).carry_out()
    if not expected.succeeded:
        remedy = f"see {stack.folder / 'engine.log'}; nothing was created on Azure"
        raise LiveRefusedError("the run on local Azure", "a step failed", remedy)
    stack = places.azure(folder / "azure", engine, os.environ, subscription)
    found = Run(stack, subscription, lambda line: print_line(f"Azure: {line}"), settings, STEPS).carry_out()
    file = options.output or folder / f"live-{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    file.write_text(json.dumps(report.document(expected, found, _versions()), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for line in ("", *report.lines(expected, found), f"Both runs' calls, without ids, names and values: {file}"):
        print_line(line)
    return _end(found, folder)


def _destroy(options: argparse.Namespace) -> int:
    subscription = consent.require_subscription(options.subscription)
    engine = places.engine(options.engine, os.environ)
    folder: Path = options.folder.absolute()
    if not (folder / "azure").exists():
        raise LiveRefusedError(f"the folder '{folder}'", "it has no stack of an earlier run", "there is nothing to destroy")
    stack = places.azure(folder / "azure", engine, os.environ, subscription)
    return _end(Run(stack, subscription, print_line, {}, ()).destroy_only(), folder)


def _end(result: Result, folder: Path) -> int:
    """Tell what is left, or forget the stack; returns the exit code."""
    if result.left:
        again = "Try again: python -m live --subscription <id> --destroy; if you delete it yourself, delete this folder too:"
        for line in (*result.left, again, f"  {folder / 'azure'}"):
            print_line(line)
    else:
        shutil.rmtree(folder / "azure")
        shutil.rmtree(folder / "local", ignore_errors=True)
        print_line("Nothing is left on Azure.")
    return _INTERRUPTED if result.interrupted else int(not result.succeeded)


def _versions() -> dict[str, str]:
    packages = (
        "pulumi",
        "pulumi-azure-native",
        "azure-core",
        "azure-identity",
        "azure-mgmt-iothub",
        "azure-mgmt-iothubprovisioningservices",
    )
    return {"hubtrust": package_version(), "python": sys.version.split()[0], **{name: version(name) for name in packages}}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m live",
        description="Deploy to real Azure once, in a subscription of your own, delete it again, and show where Azure answered "
        "otherwise than local Azure. The cost is told first.",
    )
    parser.add_argument("--subscription", metavar="ID", help="the id of the subscription, which must be named")
    parser.add_argument("--location", metavar="REGION", default="westeurope", help="the region (default westeurope)")
    parser.add_argument("--yes", action="store_true", help="agree to the cost without being asked")
    parser.add_argument("--destroy", action="store_true", help="only delete what an earlier run has left")
    parser.add_argument(
        "--engine", choices=("pulumi", "embedded"), default="pulumi", help="embedded: only to try this against local Azure (default pulumi)"
    )
    parser.add_argument("--folder", type=Path, default=Path(".sandbox/live"), help="where stack and state are kept (default .sandbox/live)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="the file with both runs' calls (default: one in the folder)")
    return parser


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # what a terminal can't show must not end a run
    sys.exit(main(sys.argv[1:]))
