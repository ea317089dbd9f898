"""`python -m environments prod staging`: create the stack of a new environment from a deployed one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .clone import create, plan
from .engine import Engine
from .errors import EnvironmentRefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Plan, show and create; returns the exit code. Errors go to stderr, one line each; nothing is written then."""
    options = _parser().parse_args(arguments)
    folder = Path.cwd()
    try:
        engine = Engine.choose(folder, options.engine)
        planned = plan(folder, engine, options.source, options.target, given=options.set, secrets_provider=options.secrets_provider)
        _say(f"{options.source} -> {options.target}: {planned.settings.path.name}{'' if planned.is_new else ', which exists and is kept'}")
        for change in planned.changes:
            _say(f"  {change}")
        if policies := planned.policies:
            kept = "" if policies.is_new else f", which exists and gets the CAs of {options.source}"
            _say(f"policies/{policies.path.name}{kept}")
            for line in policies.fitted:
                _say(f"  {line}")
        if options.dry_run:
            return 0
        create(planned, engine, options.source)
    except EnvironmentRefusedError as refused:
        for line in refused.lines:
            print(f"environments: {line}", file=sys.stderr)  # noqa: T201 - a command's own output
        return 1
    pack = f" --policy-pack policies --policy-pack-config policies/{options.target}.json" if planned.policies else ""
    _say(f"The stack '{options.target}' is created and empty. Deploy it:\n  {engine.name} up --stack {options.target}{pack}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m environments", description="Create the stack of a new environment from a deployed one."
    )
    parser.add_argument("source", metavar="FROM", help="the deployed stack to copy from")
    parser.add_argument("target", metavar="TO", help="the stack to create")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the new stack; may be repeated")
    parser.add_argument("--secrets-provider", metavar="URL", help="the secrets provider of the new stack (default: passphrase)")
    parser.add_argument(
        "--engine",
        choices=("auto", "pulumi", "embedded"),
        default="auto",
        help="auto: pulumi if it is on PATH, otherwise the embedded engine",
    )
    parser.add_argument("--dry-run", action="store_true", help="show the settings and write nothing")
    return parser


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command's own output


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # a name in another alphabet is no reason to fail
    sys.exit(main(sys.argv[1:]))
