"""What the policies say of a stack that is deployed already, without a run: `python policies/findings.py STATE [CONFIG]`.

STATE is a file that `pulumi stack export` wrote (`-`: stdin), CONFIG a file for `--policy-pack-config`. Prints JSON: `findings` (what is
violated: policy, level, message, resource) and `unchecked` (what a policy could not see: policy, reason, resource). A property that is
encrypted in the export can't be seen; with `--show-secrets` it can, and no finding repeats it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rules.exported import ConfigurationError, judged

if TYPE_CHECKING:
    from collections.abc import Sequence


class UnreadableError(Exception):
    """A file that is not what it should be, in one line."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the findings; 0, or 1 with one line on stderr if a file can't be read."""
    parser = argparse.ArgumentParser(prog="findings.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("state", metavar="STATE", help="a file of `pulumi stack export`, or - for stdin")
    parser.add_argument(
        "config", metavar="CONFIG", nargs="?", help="a policy configuration such as policies/prod.json; without it: the defaults"
    )
    given = parser.parse_args(arguments)
    try:
        found = judged(_resources(given.state), _json(given.config) if given.config else {})
    except (UnreadableError, ConfigurationError) as error:
        print(f"findings.py: {error}", file=sys.stderr)  # noqa: T201 - this is a command
        return 1
    print(json.dumps(found, indent=2))  # noqa: T201 - as above
    return 0


def _resources(name: str) -> list[dict[str, Any]]:
    deployment = _json(name).get("deployment")
    if not isinstance(deployment, dict):
        raise UnreadableError(f"'{name}' has no `deployment`: write it with `pulumi stack export`")
    return deployment.get("resources") or []


def _json(name: str) -> dict[str, Any]:
    try:
        found = json.loads(sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"it is not JSON ({type(error).__name__})"
        raise UnreadableError(f"'{name}' can't be read: {reason}") from None
    if not isinstance(found, dict):
        raise UnreadableError(f"'{name}' is not a JSON object")
    return found


if __name__ == "__main__":
    sys.exit(main())
