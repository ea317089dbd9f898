"""`hubtrust status`: which CAs and device certificates a stack has, what trusts them, how that was proven, and what is due."""

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from hubtrust.cli import live_trust, stack_export, status_metrics, status_table
from hubtrust.inventory.inventory import Inventory
from hubtrust.inventory.records import document
from hubtrust.process import now

if TYPE_CHECKING:
    from argparse import _SubParsersAction


ENDS_SOON = 3
_WITHIN, _MOST_DAYS = 30.0, 36525


def add_to(commands: "_SubParsersAction[Any]") -> None:
    """Add this command to ``commands``."""
    parser = commands.add_parser(
        "status",
        help="show what a stack trusts, how it was proven, and what ends when",
        description="Show the CAs, the hubs and provisioning services that trust them, the proofs, and the device certificates that a "
        "stack's state has. It changes nothing, and says what it could not see.",
        epilog="exit codes: 0 nothing ends soon; 3 a certificate ends within --within days, or has ended; 1 the state can't be read; "
        "2 wrong usage. docs/status.md describes the output.",
    )
    stack_export.add_arguments(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="write the inventory as a JSON document")
    form.add_argument("--prometheus", action="store_true", help="write it in Prometheus' text format, for a textfile collector")
    parser.add_argument("--within", metavar="DAYS", type=_days, default=_WITHIN, help="how many days count as soon; default %(default)g")
    parser.add_argument("--live", action="store_true", help="also ask Azure, with GET requests alone, what each service trusts now")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Write the status that ``given`` asks for.

    Raises:
        ExportError: the state can't be had or read.
    """
    inventory = Inventory.of(stack_export.read(given), now())
    live = live_trust.asked(inventory) if given.live else None
    if given.json:
        found = inventory.document() | ({} if live is None else {"live": document(live)})
        print(json.dumps(found, indent=2))  # noqa: T201 - this is a command
    elif given.prometheus:
        _write_octets(status_metrics.text(inventory, live))
    else:
        print(status_table.text(inventory, live), end="")  # noqa: T201 - this is a command
    return ENDS_SOON if inventory.ends_within(given.within) else 0


def _write_octets(text: str) -> None:
    """Prometheus reads UTF-8, whatever this machine prefers."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())


def _days(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= _MOST_DAYS:
        raise argparse.ArgumentTypeError(f"it is {text!r}; give a number of days, 0 to {_MOST_DAYS}")
    return found
